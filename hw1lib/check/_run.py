"""Call a learner's function so that whatever it does reaches no further than its own answer."""

import contextlib
import copy
import ctypes
import io
import numbers
import re
import sysconfig
import threading
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

MAX_PRINTED = 1000
MAX_SIZE = 10**5
MAX_DEPTH = 4
OWN_LINES = 3
MORE = "if it is only slow, call the check with seconds=10"

# Frames below these folders are not the learner's own lines.
_LIBRARIES = tuple(
    {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(np.__file__).parent),
        str(Path(__file__).parents[1]),
    }
)


class Outcome(NamedTuple):
    """What one call gave.

    `value` is made of float arrays and lists alone; None where nothing came, `Strange` where
    something came that is no answer. `error` is what the learner reads of an exception, or None.
    `changed` names the arguments that the call has written to.
    """

    value: object = None
    error: str | None = None
    changed: tuple = ()


class Strange(str):
    """The description of a returned object that is no number, array or list of them."""

    __slots__ = ()


class _Interrupted(BaseException):
    """Raised inside the learner's function when its time is over."""


class _Capped(io.StringIO):
    def write(self, text):
        super().write(text[: max(0, MAX_PRINTED - self.tell())])
        return len(text)


def outcomes(answer, cases, seconds):
    """
    Call `answer` on every case, all within the given time.

    Parameters
    ----------
    answer : callable
        The learner's function.
    cases : list of dict
        The arguments of each call by name, in their order. Each call gets copies.
    seconds : float
        The time for all calls together.

    Returns
    -------
    list of Outcome
        One for each call that returned, and one with an error for that which did not.
    printed : str
        The beginning of what the calls printed.
    """
    done = []
    over = threading.Event()

    def work():
        with np.errstate(all="ignore"):
            for case in cases:
                outcome = _call(answer, case)
                if over.is_set():
                    return
                done.append(outcome)

    printed = _Capped()
    # Redirected here, not in the thread: a thread that is left behind would never put it back.
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        _run_within(work, seconds, over)
    if len(done) < len(cases):
        done.append(Outcome(error=_late(len(done), seconds)))
    return done, printed.getvalue()


def _run_within(work, seconds, over):
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no threads, in a browser: then there is no time limit either
        work()
        return
    try:
        thread.join(seconds)
    finally:
        over.set()
        _interrupt(thread)


def _late(calls, seconds):
    if calls == 0:
        return f"your function did not return within {seconds:g} seconds ({MORE})"
    return f"the time was over: {calls} calls took {seconds:g} seconds ({MORE})"


def _interrupt(thread):
    """Stop a thread that runs Python code; what swallows every exception is left behind."""
    for _ in range(5):
        if not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_Interrupted)
        )
        thread.join(0.02)


def _call(answer, case):
    arguments = copy.deepcopy(case)
    value = error = None
    try:
        value = _plain(answer(*arguments.values()))
    except BaseException as problem:  # SystemExit and KeyboardInterrupt of the learner, too
        error = _describe(problem)
    changed = tuple(name for name in case if not _same(case[name], arguments[name]))
    return Outcome(value, error, changed)


def _plain(value, depth=0):
    """Copy an answer into float arrays and lists, so that no object of the learner is left."""
    if value is None or value is Ellipsis:
        return None
    if isinstance(value, (list, tuple)):
        if depth == MAX_DEPTH or len(value) > MAX_SIZE:
            return Strange("a list that is too long or too deep")
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        if isinstance(value, np.ma.MaskedArray) or value.dtype.kind not in "fiub":
            return Strange(f"a {type(value).__name__} of dtype {value.dtype}")
        if value.size > MAX_SIZE:
            return Strange(f"an array of shape {value.shape}")
        return np.array(value, dtype=float)
    if isinstance(value, numbers.Number) and not isinstance(value, complex):
        return np.array(float(value))
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    hint = "; return a NumPy array: value.detach().numpy()" if name == "torch.Tensor" else ""
    return Strange(f"an object of type {name}{hint}")


def _same(before, after):
    if isinstance(before, list):
        return (
            isinstance(after, list) and len(before) == len(after) and all(map(_same, before, after))
        )
    if isinstance(before, np.ndarray):
        return isinstance(after, np.ndarray) and np.array_equal(before, after)
    return before == after


def _describe(problem):
    """Give an exception with the learner's own lines only, and no address of this run."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    lines = ["your function raised an error:"]
    lines += [f"line {frame.lineno} in {frame.name}: {frame.line}" for frame in own[-OWN_LINES:]]
    try:
        text = str(problem)
    except Exception:
        text = "(its message cannot be shown)"
    text = re.sub(r"0x[0-9a-fA-F]+", "0x...", text.strip())[:300]
    lines.append(f"{type(problem).__name__}: {text}" if text else type(problem).__name__)
    return "\n".join(lines)
