"""The grader's side: it starts the process of a submission, asks it, and always ends it."""

import contextlib
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from hw1check._run import IMPORT_SECONDS
from hw1grade._messages import MAX_LINE, MalformedError, line_of, message_of

START_SECONDS = 60.0
GRACE = 5.0  # for the worker to say itself that an answer is late
COMMAND = (sys.executable, "-I", "-X", "utf8", "-m", "hw1grade._worker")
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
SCRATCH = 2**29  # bytes on the disk of a sandbox
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache",
          "/etc/alternatives", "/etc/fonts")  # fmt: skip


class Limits(NamedTuple):
    """Seconds for an answer, a cell and a submission, gigabytes for a process, and the sandbox."""

    answer: float
    cell: float
    time: float
    memory: float
    sandbox: str


class LostError(Exception):
    """The process has died, is silent, or talks nonsense."""


class LateError(LostError):
    """The process is silent."""


@functools.cache
def sandbox(wanted):
    """Find the isolation to use, "bwrap" or "none", and a warning; auto takes what works."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    alone = "; as root, a submission can change everything" * is_root
    if wanted == "none":
        return "none", f"no sandbox{alone}" * is_root
    try:
        command = [*_bubblewrap(), sys.executable, "-I", "-c", "import hw1grade"]
        subprocess.run(command, check=True, capture_output=True, timeout=START_SECONDS)
    except (OSError, subprocess.SubprocessError) as problem:
        said = getattr(problem, "stderr", b"") or str(problem).encode()
        why = f"bubblewrap does not work here: {said.decode(errors='replace').strip()}"
        if wanted == "bwrap":
            raise ValueError(why) from None
        return "none", f"no sandbox, since {why}{alone}"
    return "bwrap", ""


def _bubblewrap():
    """Show a submission Python and its packages, read-only, and an empty disk; nothing else."""
    # Not what is around the packages: the folder of a project may have anything in it.
    own = (Path(__file__).parents[1] / name for name in ("hw1lib", "hw1check", "hw1grade"))
    shown = map(str, (*SYSTEM, sys.prefix, sys.base_prefix, *own))
    binds = [("--ro-bind-try", path, path) for path in shown]
    disk = ("--size", str(SCRATCH), "--tmpfs")
    return [
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--proc", "/proc", "--dev", "/dev", *disk, "/dev/shm", *disk, "/tmp",
        *itertools.chain(*binds), "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp",
    ]  # fmt: skip


class Session:
    """The process of a submission, from the start until nothing of it is left."""

    def __init__(self, limits):
        self.isolated = limits.sandbox == "bwrap"
        self.folder = None if self.isolated else tempfile.mkdtemp(prefix="hw1grade-")
        home = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), self.folder or "/tmp")
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        # What a submission installs, it installs nowhere.
        offline = {"PIP_NO_INDEX": "1", "PIP_DRY_RUN": "1", "UV_OFFLINE": "1"}
        numbers = int(limits.memory * 2**30), int(START_SECONDS + limits.time)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(
            [*(_bubblewrap() if self.isolated else ()), *COMMAND, *map(str, numbers)],
            **pipes, bufsize=0, cwd=self.folder, start_new_session=True,
            env={**kept, **home, **threads, **offline, "MPLBACKEND": "Agg"},
        )  # fmt: skip
        self.numbers, self.exchange = itertools.count(1), threading.Thread()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # With the first process of a sandbox, all of it ends.
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(RuntimeError):  # it never began
            self.exchange.join(1)
        if not self.exchange.is_alive():
            self.process.stdin.close()
            self.process.stdout.close()
        if self.folder and os.name == "posix":  # its tools remove what is too deep or closed, too
            for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
                subprocess.run([*command, "--", self.folder], capture_output=True, check=False)
        elif self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, request, seconds):
        """Send a request and return the reply, or raise LostError."""
        number, reply = next(self.numbers), bytearray()
        line = line_of({"id": number, **request})
        # A thread, because a pipe cannot be waited for on every system.
        exchange = threading.Thread(target=self._exchange, args=(line, reply), daemon=True)
        try:
            exchange.start()
        except RuntimeError:
            raise LostError("this machine had no room for a thread") from None
        self.exchange = exchange
        exchange.join(max(0.0, seconds))
        if exchange.is_alive() and reply.isspace():  # an import is under way
            exchange.join(IMPORT_SECONDS)
        if exchange.is_alive():
            raise LateError(f"it did not return within {seconds:.3g} seconds")
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
            signals = -status if status < 0 else status - 128 if self.isolated else 0
            return f"signal {signals}" if signals > 0 else f"exit code {status}"
        return "it closed the channel"
