"""Python's side of the page: a check or a cell is run so that nothing of it reaches the next.

The worker of a page calls `check` and `run`; both give JSON. It is part of the wheel that
`live_python.py` makes of hw1lib and hw1check.
"""

import ast
import builtins
import contextlib
import contextvars
import io
import json
import linecache
import math
import random
import sys
from types import ModuleType

import hw1check
from hw1check._run import _describe

NAME = "<answer>"  # of the learner's source, where an error points to it
MAX_PRINTED = 10_000
NO_KEYBOARD = "Nobody can type an input in the page: write the value into the code."
NO_DEBUGGER = "there is no debugger in the page: print what you want to see"


def check(name, source):
    """
    Check the function `name` that a learner's source defines.

    Parameters
    ----------
    name : str
        The name of the check and of the function.
    source : str
        The learner's code.

    Returns
    -------
    str
        JSON: the report as `report`, `html` and `text`, or why there is none as `error`.
    """
    return json.dumps(_apart(_Capped(), _check, name, source))


def run(source):
    """
    Run a cell as a notebook does.

    Parameters
    ----------
    source : str
        The cell.

    Returns
    -------
    str
        JSON: what it `printed`, the `value` of its last expression, and the `error` that ended it.
    """
    printed = _Capped()
    result = _apart(printed, _run, source)
    return json.dumps({"printed": _cut(printed.getvalue())} | result)


def _check(name, source):
    problem, namespace = getattr(hw1check, name), {"__name__": "__main__"}
    try:
        exec(compile(source, NAME, "exec"), namespace)
        if name not in namespace:
            return {"error": f"Your code defines no function with the name {name}."}
        report = problem(namespace[name])
    except BaseException as error:  # SystemExit of the learner, too
        return {"error": _explain(error)}
    return {"report": report.to_dict(), "html": report._repr_html_(), "text": str(report)}


def _run(source):
    namespace, value, problem = {"__name__": "__main__"}, None, None
    try:
        cell = ast.parse(source, NAME)
        last = cell.body.pop() if cell.body and isinstance(cell.body[-1], ast.Expr) else None
        exec(compile(cell, NAME, "exec"), namespace)
        if last:
            value = eval(compile(ast.Expression(last.value), NAME, "eval"), namespace)
        value = None if value is None else _cut(repr(value))
    except BaseException as error:
        value, problem = None, _explain(error)
    return {"value": value, "error": problem}


def _explain(error):
    """Say what went wrong, with the learner's own lines only."""
    if isinstance(error, SyntaxError) and error.filename == NAME:
        line = (error.text or "").strip()
        return f"line {error.lineno}: {line}\n{type(error).__name__}: {error.msg}"
    text = _describe(error).partition("\n")[2]  # without its headline, which is of a check's calls
    return f"{text}\n{NO_KEYBOARD}" if isinstance(error, EOFError) else text


class _Capped(io.StringIO):
    def write(self, text):
        super().write(text[: max(0, MAX_PRINTED + 1 - self.tell())])
        return len(text)


def _cut(text):
    return text if len(text) <= MAX_PRINTED else f"{text[:MAX_PRINTED]}\n... and more"


def _no_debugger(*_, **__):
    raise RuntimeError(NO_DEBUGGER)


def _apart(printed, work, *arguments):
    """Do the work with nothing to read, and put back what it has changed outside its names."""
    source = arguments[-1]
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    sys.stdin, sys.breakpointhook = io.StringIO(), _no_debugger
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            # NumPy's settings belong to the context.
            return contextvars.copy_context().run(work, *arguments)
    finally:
        _put_back()


# What a learner may change for all who come after: `np.exp = lambda x: 0`.
_SHARED = {builtins.__name__, math.__name__, random.__name__, "sys", "numpy", "hw1lib", "hw1check"}
_MODULES = {name: m for name, m in sys.modules.items() if name.partition(".")[0] in _SHARED}
_NAMES = [(vars(module), dict(vars(module))) for module in _MODULES.values()]


def _put_back():
    sys.modules.update(_MODULES)
    for names, kept in _NAMES:
        for name in names.keys() - kept.keys():
            if not isinstance(names[name], ModuleType):  # which has been imported for good
                del names[name]
        names.update(kept)
