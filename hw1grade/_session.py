"""The grader's side: it starts the process of a submission, asks it, and always ends it."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from hw1grade._messages import MAX_LINE, MalformedError, line_of, message_of

START_SECONDS = 60.0
GRACE = 5.0  # for the worker to say itself that an answer is late
COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "hw1grade._worker")
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


class Limits(NamedTuple):
    """Seconds for the calls of an answer and for all cells, and gigabytes for each process."""

    seconds: float
    time: float
    memory: float


class LostError(Exception):
    """The process has died, is silent, or talks nonsense."""


class LateError(LostError):
    """The process is silent."""


class Session:
    """The process of a submission, from the start until nothing of it is left."""

    def __init__(self, limits, questions):
        self.folder = tempfile.mkdtemp(prefix="hw1grade-")
        cpu = START_SECONDS + limits.time + questions * (limits.seconds + GRACE)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        home = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), self.folder)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [*COMMAND, str(int(limits.memory * 2**30)), str(int(cpu))],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env={**environment, **home, **threads, "MPLBACKEND": "Agg"},
            start_new_session=True,
        )
        self.numbers = itertools.count(1)
        self.exchange = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _kill(self.process, self.folder)
        self.process.wait()
        if self.exchange:
            self.exchange.join(1)
        if not self.exchange or not self.exchange.is_alive():
            self.process.stdin.close()
            self.process.stdout.close()
        # Folders within folders within folders: even that is the submission's to choose.
        with contextlib.suppress(OSError, RecursionError):
            shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, request, seconds):
        """Send a request and return the reply, or raise LostError."""
        number = next(self.numbers)
        line = line_of({"id": number, **request})
        reply = bytearray()
        # A thread, because a pipe cannot be waited for on every system.
        exchange = threading.Thread(target=self._exchange, args=(line, reply), daemon=True)
        try:
            exchange.start()
        except RuntimeError:
            raise LostError("this machine had no room for a thread") from None
        self.exchange = exchange
        self.exchange.join(seconds)
        if self.exchange.is_alive():
            raise LateError(f"it did not return within {seconds:g} seconds")
        if not reply:
            raise LostError(f"its process ended ({self._status()})")
        try:
            return message_of(bytes(reply), number)
        except MalformedError as problem:
            raise LostError(f"its process sent {problem}") from None

    def _exchange(self, line, reply):
        with contextlib.suppress(OSError):
            while line:
                line = line[self.process.stdin.write(line) :]
            while not reply.endswith(b"\n") and len(reply) < MAX_LINE:
                came = self.process.stdout.read(2**16)
                if not came:
                    reply.clear()
                    return
                reply += came

    def _status(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(1)
            return f"signal {-status}" if status < 0 else f"exit code {status}"
        return "it closed the channel"


def _kill(process, folder):
    """End a process, its group, and on Linux all else that has its folder as home."""
    with contextlib.suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    mark = b"HOME=" + os.fsencode(folder) + b"\0"
    for _ in range(20):  # what is forked while we look is found in the next round
        strays = [path for path in Path("/proc").glob("[0-9]*") if _has(path, mark)]
        for stray in strays:
            with contextlib.suppress(OSError):
                os.kill(int(stray.name), signal.SIGKILL)
        if not strays:
            return
        time.sleep(0.01)


def _has(process, mark):
    try:
        return mark in (process / "environ").read_bytes()
    except OSError:
        return False
