"""Call a learner's function so that whatever it does reaches no further than its own answer."""

import contextlib
import copy
import functools
import io
import math
import numbers
import os
import re
import sys
import sysconfig
import threading
import time
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
IMPORT_SECONDS = 60.0
TICK = 0.02  # how often the clock looks at what an answer is doing
END_SECONDS = 0.1  # for an answer to reach its next own line, which ends it
GOES_ON = "What it has called goes on in the background; if that never ends, restart Python"

# Files in these folders are not the learner's own, wherever packages are installed.
_FOLDERS = tuple(
    f"{folder}{os.sep}"
    for folder in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(np.__file__).parent),
        *(str(Path(__file__).parents[1] / name) for name in ("hw1lib", "hw1check", "hw1grade")),
    }
)
_PACKAGES = re.compile(r"[\\/](site|dist)-packages[\\/]")


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
    """Raised in a line of the learner's own when its time is over."""


class _Capped(io.StringIO):
    def write(self, text):
        super().write(text[: max(0, MAX_PRINTED - self.tell())])
        return len(text)


def outcomes(answer, cases, seconds, importing=lambda: None):
    """
    Call `answer` on every case, all within the given time.

    What an answer imports is not counted, and has `IMPORT_SECONDS` of its own. When the time is
    over, the learner's own next line raises; an import or a library is never interrupted, since it
    would leave its state half built.

    Parameters
    ----------
    answer : callable
        The learner's function.
    cases : list of dict
        The arguments of each call by name, in their order. Each call gets copies.
    seconds : float
        The time for all calls together.
    importing : callable, optional
        Called again and again while an import is under way.

    Returns
    -------
    list of Outcome
        One for each call that returned, and one with an error for that which did not.
    printed : str
        The beginning of what the calls printed.
    """
    done, over = [], []

    def work():
        with np.errstate(all="ignore"):
            for case in cases:
                outcome = _call(answer, case)
                if over:
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
        late_import, goes_on = _run_within(work, seconds, over, importing)
    if len(done) < len(cases):
        text = _late_import() if late_import else _late(len(done), seconds)
        done.append(Outcome(error=f"{text}. {GOES_ON}" if goes_on else text))
    return done, printed.getvalue()


def _run_within(work, seconds, over, importing):
    """Do the work in a thread; say whether an import was late, and whether the thread goes on."""

    def traced():
        sys.settrace(_tracer(over))
        work()

    thread = threading.Thread(target=traced, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no threads, in a browser: then there is no time limit either
        work()
        return False, False
    try:
        late_import = _wait(thread, seconds, importing)
    finally:
        over.append(True)
        _trace_instructions(_frame_of(thread))
    thread.join(END_SECONDS)
    return late_import, thread.is_alive()


def _wait(thread, seconds, importing):
    """Wait until a thread's time is over, imports apart; say whether it was theirs."""
    spent, before, now = {False: 0.0, True: 0.0}, False, time.monotonic()
    while thread.is_alive() and spent[False] < seconds and spent[True] < IMPORT_SECONDS:
        thread.join(min(TICK, seconds))
        after, start, now = _is_importing(_frame_of(thread)), now, time.monotonic()
        # An import may hold the interpreter, so that all of its time passes within one tick.
        spent[before or after] += now - start
        before = after
        if after:
            importing()
    return spent[True] >= IMPORT_SECONDS


def _frame_of(thread):
    return sys._current_frames().get(thread.ident)


def _trace_instructions(frame):
    """Let a loop without a line of its own, `while True: pass`, meet the trace function too."""
    while frame:
        if frame.f_trace:
            frame.f_trace_opcodes = True
        frame = frame.f_back


def _is_importing(frame):
    while frame:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _tracer(over):
    """Make a trace function that raises in a line of the learner's own, once `over` says so."""

    def line(frame, event, argument):
        if over and not _is_importing(frame):
            raise _Interrupted
        return line

    def call(frame, event, argument):
        return line if _is_own(frame) else None

    return call


def _is_own(frame):
    """Say whether a frame is code of the learner: of a file, a cell or a string, no library's."""
    name = frame.f_code.co_filename
    if name.startswith("<"):
        # What a library has made of a string runs among the library's names.
        name = "" if name.startswith("<frozen") else frame.f_globals.get("__file__") or name
    return bool(name) and _is_own_file(name)


@functools.cache
def _is_own_file(name):
    return not name.startswith(_FOLDERS) and not _PACKAGES.search(name)


def _late(calls, seconds):
    if calls == 0:
        return f"your function did not return within {seconds:g} seconds ({MORE})"
    return f"the time was over: {calls} calls took {seconds:g} seconds ({MORE})"


def _late_import():
    return f"what your function imports took more than {IMPORT_SECONDS:g} seconds"


def _call(answer, case):
    arguments = copy.deepcopy(case)
    value = error = None
    try:
        value = _plain(answer(*arguments.values()))
    except BaseException as problem:  # SystemExit and KeyboardInterrupt of the learner, too
        error = _describe(problem)
    changed = tuple(name for name in case if not _same(case[name], arguments[name]))
    return Outcome(value, error, changed)


def is_too_large(shape):
    """Say whether no answer has such a shape; an axis of length 0 makes no shape small."""
    return len(shape) > MAX_DEPTH or math.prod(max(n, 1) for n in shape) > MAX_SIZE


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
        if is_too_large(value.shape):
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
    """Describe an exception with the learner's own lines only, and no address of this run."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if _is_own_file(frame.filename)]
    lines = ["your function raised an error:"]
    lines += [f"line {frame.lineno} in {frame.name}: {frame.line}" for frame in own[-OWN_LINES:]]
    try:
        text = str(problem)
    except Exception:
        text = "(its message cannot be shown)"
    text = re.sub(r"0x[0-9a-fA-F]+", "0x...", text.strip())[:300]
    lines.append(f"{type(problem).__name__}: {text}" if text else type(problem).__name__)
    return "\n".join(lines)
