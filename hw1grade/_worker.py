"""The process of one submission: it runs the cells and calls the answers, and judges nothing.

Started by `_session`, it reads a request a line and writes a reply a line. Whatever the submission
does here, to this module too, changes only what the submission answers.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from hw1check._run import IMPORT_SECONDS, _describe, outcomes
from hw1grade._messages import MAX_LINE, line_of, pack_outcome, unpack_argument
from hw1grade._scan import imports

MAX_FILE = 2**28
GRACE = 1.0  # for the child to say itself that an answer is late


class _Shell(InteractiveShell):
    """IPython without a terminal: magics work, nothing is shown and nothing is asked."""

    def enable_gui(self, gui=None):
        """Do nothing: there is no window."""

    def ask_exit(self):
        """Do nothing: the next cell runs, too."""

    def showtraceback(self, *args, **kwargs):
        """Do nothing: the grader gets the error."""

    def showsyntaxerror(self, *args, **kwargs):
        """Do nothing: the grader gets the error."""


def main():
    """Answer the grader's requests until it closes the channel."""
    memory, cpu = (int(text) for text in sys.argv[1:])
    del sys.argv[1:]
    channel = _private_channel()
    _limit(memory, cpu)
    pristine = _modules("numpy", "hw1lib", "hw1check", "hw1grade")
    shell = _Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    with os.fdopen(channel[0], "rb", closefd=False) as requests:
        for line in requests:
            request = json.loads(line)
            number = request["id"]
            if "scan" in request:
                reply = line_of({"id": number, "imports": imports(request["scan"])})
            elif "cell" in request:
                reply = line_of({"id": number, "error": _run(shell, request["cell"])})
            else:
                reply = _asked(shell.user_ns, request, pristine, channel)
            _write(channel[1], reply)


def _private_channel():
    """Move the channel away from 0 and 1, where printing and reading would reach the grader."""
    channel = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.close(null)
    return channel


def _limit(memory, cpu):
    try:
        import resource
    except ImportError:  # on Windows
        return
    limits = {"AS": memory, "CPU": cpu, "FSIZE": MAX_FILE, "CORE": 0}
    for name, value in limits.items():
        # A system may not know a limit, or have a lower one.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def _modules(*packages):
    """List the modules of some packages, each with a copy of its names."""
    loaded = [(name.partition(".")[0], module) for name, module in sys.modules.items()]
    return [(module, dict(vars(module))) for package, module in loaded if package in packages]


def _run(shell, source):
    """Run a cell; give its error as a text, or None."""
    try:
        result = shell.run_cell(source, silent=True)
    except BaseException as problem:  # IPython itself, after what the cell did to it
        return _error(problem)
    errors = (result.error_before_exec, result.error_in_exec)
    return next((_error(error) for error in errors if error is not None), None)


def _error(problem):
    return _describe(problem).partition("\n")[2]


def _asked(namespace, request, pristine, channel):
    """Call an answer, in a child process where there are any."""

    def work(importing=lambda: None):
        return line_of({"id": request["id"], **_answer(namespace, request, importing)})

    if not hasattr(os, "fork"):
        return work()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            for descriptor in (*channel, read):
                os.close(descriptor)
            for module, names in pristine:
                vars(module).update(names)
            # A blank before the line says that an import is under way.
            _write(write, work(lambda: _write(write, b" ")))
        finally:
            os._exit(0)
    os.close(write)
    line, ended = _read(read, request["seconds"] + GRACE)
    status = _kill(child)
    os.close(read)
    if line.endswith(b"\n"):
        return line
    return line_of({"id": request["id"], "lost": _why(line, ended, status, request["seconds"])})


def _answer(namespace, request, importing):
    """Call the answer to a question on every case."""
    name = request["question"]
    if name not in namespace:
        return {"missing": True}
    answer, arguments = namespace[name], request["arguments"]
    if not callable(answer):
        if arguments:
            kind = type(answer).__qualname__
            return {"lost": f"it must be a function of ({', '.join(arguments)}), got a {kind}"}
        number = answer

        def answer():
            return number

    cases = [
        dict(zip(arguments, map(unpack_argument, row), strict=True)) for row in request["cases"]
    ]
    parts, names = request["parts"], request["names"]
    found, printed = outcomes(answer, cases, request["seconds"], importing, parts, names)
    return {"outcomes": [pack_outcome(outcome) for outcome in found], "printed": printed}


def _read(descriptor, seconds):
    """Read a line; the end of the file does not come while a grandchild has the pipe open."""
    start = time.monotonic()
    deadline = start + seconds
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    line = b""
    while not line.endswith(b"\n") and len(line) < MAX_LINE:
        if not poll.poll(1000 * max(0.0, deadline - time.monotonic())):
            return line, False
        came = os.read(descriptor, 2**16)
        if not came:
            return line, True
        line += came
        if line.isspace():
            deadline = start + seconds + IMPORT_SECONDS
    return line, False


def _kill(child):
    """End a child with all that it has started; give how it had ended by itself."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _why(line, ended, status, seconds):
    if len(line) >= MAX_LINE:
        return "your function returned too much"
    if not ended:
        return f"your function did not return within {seconds:g} seconds"
    how = f"signal {-status}" if status < 0 else f"exit code {status}"
    return f"your function ended its process ({how})"


def _write(descriptor, line):
    while line:
        line = line[os.write(descriptor, line) :]


if __name__ == "__main__":
    main()
