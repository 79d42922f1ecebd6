"""The process of one submission: it runs the cells and calls the answers, and judges nothing.

Started by `_session`, it reads a request a line and writes a reply a line. Whatever the submission
does here, to this module too, changes only what the submission answers.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets.config import Config

from hw1check._run import Outcome, _describe, outcomes
from hw1grade._messages import line_of, pack_outcome, unpack_argument
from hw1grade._scan import remarks

MAX_FILE = 2**28
FULL = 0.9  # of the memory; what a cell leaves must do for the others
COMMANDS = ("pip", "uv", "conda", "mamba", "micromamba", "sx", "system", "script", "bash", "sh",
            "cmd", "!")  # fmt: skip


def main():
    """Answer the grader's requests until it closes the channel."""
    memory, cpu = (int(text) for text in sys.argv[1:])
    del sys.argv[1:]
    # The channel moves away from 0 and 1, where printing and reading would reach the grader.
    requests, replies, null = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    _limit(memory, cpu)
    loaded = [m for n, m in sys.modules.items() if n.partition(".")[0] in ("numpy", "hw1check")]
    pristine = [(module, dict(vars(module))) for module in loaded]
    shell, not_run = _shell()
    sys.path.insert(0, os.getcwd())  # for what %%writefile writes
    for line in os.fdopen(requests, "rb", closefd=False):
        request, reply = json.loads(line), {}
        if "cell" in request:
            reply = _run(shell, request["cell"], memory)
            reply["not_run"] = "not run: " + "; ".join(not_run) if not_run else None
            not_run.clear()
        elif "scan" in request:
            gone = set(request["names"]) - shell.user_ns.keys()
            reply = {"remarks": remarks(request["scan"], gone)}
        elif "question" in request:
            for module, names in pristine:  # a cell may have written to them
                vars(module).update(names)
            reply = _answer(shell.user_ns, request, lambda: _write(replies, b" "))
        _write(replies, line_of({"id": request["id"], **reply}))


def _limit(memory, cpu):
    try:
        import resource
    except ImportError:  # on Windows
        return
    for name, value in {"AS": memory, "CPU": cpu, "FSIZE": MAX_FILE, "CORE": 0}.items():
        # A system may not know a limit, or have a lower one.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def _shell():
    """Make an IPython that shows nothing, asks nothing, and only lists commands of the system.

    An installation belongs to the student's machine: here it would change the marker's.
    """
    shell, not_run = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}})), []

    def keep(command, *args, **kwargs):
        not_run.append(str(command))
        return SList()

    shell.system = shell.system_raw = shell.system_piped = shell.getoutput = keep
    for name in ("enable_gui", "ask_exit", "showtraceback", "showsyntaxerror"):
        setattr(shell, name, lambda *args, **kwargs: None)
    for name in COMMANDS:
        shell.register_magic_function(
            lambda line="", cell="", name=name: keep(f"%{name} {line}"), "line_cell", name
        )
    return shell, not_run


def _run(shell, source, memory):
    """Run a cell: its error, and whether the memory is full."""
    try:
        result = shell.run_cell(source, silent=True)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as problem:  # IPython itself, after what the cell did to it
        error = problem
    size = 0
    with contextlib.suppress(OSError):
        pages = Path("/proc/self/statm").read_text("ascii").split()[0]
        size = int(pages) * os.sysconf("SC_PAGE_SIZE")
    text = _describe(error).partition("\n")[2] if error is not None else None
    return {"error": text, "full": isinstance(error, MemoryError) or size > FULL * memory}


def _answer(namespace, request, importing):
    """Call the answer to a question on every case."""
    name, arguments, printed = request["question"], request["arguments"], ""
    if name not in namespace:
        return {"missing": True}
    answer = namespace[name]
    if not callable(answer) and arguments:
        kind = type(answer).__qualname__
        why = f"it must be a function of ({', '.join(arguments)}), got a {kind}"
        found = [Outcome(error=why)] * len(request["cases"])
    else:
        rows = [map(unpack_argument, row) for row in request["cases"]]
        cases = [dict(zip(arguments, row, strict=True)) for row in rows]
        function = answer if callable(answer) else lambda: answer
        wanted = request["parts"], request["names"]
        found, printed = outcomes(function, cases, request["seconds"], importing, *wanted)
    return {"outcomes": [pack_outcome(outcome) for outcome in found], "printed": printed}


def _write(descriptor, line):
    while line:
        line = line[os.write(descriptor, line) :]


if __name__ == "__main__":
    main()
