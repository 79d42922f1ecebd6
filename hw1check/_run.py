"""Call a learner's function so that whatever it does reaches no further than its own answer."""

import builtins
import contextlib
import copy
import functools
import inspect
import io
import itertools
import math
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
SINGLE = ("float16", "float32")  # bfloat16 comes as float32
OWN_LINES = 3
MAX_LOOKS = 200  # at a function's names, before its end
MORE = "if it is only slow, call the check with seconds=10"
IMPORT_SECONDS = 60.0
LATE_IMPORT = "what your function imports took more than {:g} seconds"
TICK = 0.02  # how often the clock looks at what an answer is doing
END_SECONDS = 0.1  # for an answer to reach its next own line, which ends it
GOES_ON = "What it has called goes on in the background; if that never ends, restart Python"
NOBODY = "nobody answers here: take {} out, or call your function yourself, outside of the check"

# Files in these folders are not the learner's own, wherever packages are installed.
_FOLDERS = tuple(
    f"{folder}{os.sep}"
    for folder in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(np.__file__).parent),
        *(str(Path(__file__).parents[1] / name) for name in ("hw1lib", "hw1check", "hw1grade")),
        *(path for path in sys.path if path.endswith(".zip")),  # in a browser, the standard library
    }
)
_PACKAGES = re.compile(r"[\\/](site|dist)-packages[\\/]")


class Outcome(NamedTuple):
    """What one call gave.

    `value` is made of float arrays and lists alone; None where nothing came, `Strange` where
    something came that is no answer. `error` is what the learner reads of an exception, or None.
    `changed` names the arguments that the call has written to. `lines` has, of the function's own
    names that were asked for, the first and the last value of each, as such values.
    """

    value: object = None
    error: str | None = None
    changed: tuple = ()
    lines: dict = {}  # noqa: RUF012, nobody writes to it


class Strange(str):
    """The description of a returned object that is no number, array or list of them."""

    __slots__ = ()


class _Interrupted(BaseException):
    """Raised in a line of the learner's own when its time is over."""


class _Capped(io.StringIO):
    def write(self, text):
        super().write(text[: max(0, MAX_PRINTED - self.tell())])
        return len(text)

    def close(self):
        """Do nothing: an answer that closes its output closes nobody else's."""


def outcomes(answer, cases, seconds, importing=lambda: None, parts=(), names=()):
    """
    Call `answer` on every case, a dict of arguments, all within the given time.

    What an answer imports is not counted, and has `IMPORT_SECONDS` of its own; `importing` is
    called while an import is under way. When the time is over, the learner's own next line raises;
    an import or a library is never interrupted, since it would leave its state half built. The
    parts of an answer may come by their names; `names` are those of the lines that are wanted.

    Returns the outcome of each call that returned, with one more that has an error for that which
    did not, and the beginning of what the calls printed.
    """
    done, watch = [], _Watch(names)
    call = _caller(answer, tuple(cases[0]) if cases else ())

    def work():
        with np.errstate(all="ignore"), np.printoptions():
            for case in cases:
                outcome = _call(call, case, parts, watch)
                if watch.over:
                    return
                done.append(outcome)

    printed = _Capped()
    with _left_as_it_was(printed):
        late_import, goes_on = _run_within(work, seconds, watch, importing)
    if len(done) < len(cases):
        text = LATE_IMPORT.format(IMPORT_SECONDS) if late_import else _late(len(done), seconds)
        done.append(Outcome(error=f"{text}. {GOES_ON}" if goes_on else text))
    return done, printed.getvalue()


def _caller(answer, names):
    """Find how to call an answer: by name where its parameters have the names of the arguments."""
    try:
        parameters = inspect.signature(answer).parameters
    except (TypeError, ValueError):  # a function of C shows no signature
        return lambda case: answer(*case.values())
    by_name = [p.name for p in parameters.values() if p.kind is not p.POSITIONAL_ONLY]
    if set(names) <= set(by_name):
        return lambda case: answer(**case)
    return lambda case: answer(*case.values())


# One check at a time: what is put back belongs to the process, and not to a thread.
_ALONE = threading.RLock()
_INSIDE = threading.local()


@contextlib.contextmanager
def _left_as_it_was(printed):
    """Keep what an answer prints, and put back what it may have changed of Python and NumPy."""
    if getattr(_INSIDE, "check", False):  # an answer that checks another one
        yield
        return
    with _ALONE:
        modules = [
            (module, dict(vars(module))) for module in (builtins, math, np, np.linalg, np.random)
        ]
        folder, limit, dice = os.getcwd(), sys.getrecursionlimit(), np.random.get_state()  # noqa: NPY002
        streams = sys.stdin, sys.stdout, sys.stderr, sys.breakpointhook
        # Set here, not in the thread: a thread that is left behind would never put them back.
        sys.stdin, sys.stdout, sys.stderr = io.StringIO(), printed, printed
        sys.breakpointhook = _refused("breakpoint()")
        builtins.input = _refused("input()")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            sys.stdin, sys.stdout, sys.stderr, sys.breakpointhook = streams
            for module, names in modules:
                vars(module).update(names)
            sys.setrecursionlimit(limit)
            np.random.set_state(dice)  # noqa: NPY002
            os.chdir(folder)


def _refused(what):
    def refuse(*arguments, **options):
        raise RuntimeError(NOBODY.format(what))

    return refuse


def _run_within(work, seconds, watch, importing):
    """Do the work in a thread; say whether an import was late, and whether the thread goes on."""

    def traced():
        before, _INSIDE.check = sys.gettrace(), True
        sys.settrace(watch.call)
        try:
            work()
        finally:
            sys.settrace(before)
            _INSIDE.check = False

    thread = threading.Thread(target=traced, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no threads, in a browser: then there is no time limit either
        traced()
        return False, False
    try:
        late_import = _wait(thread, seconds, importing)
    finally:
        watch.over = True
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


class _Watch:
    """The trace function of an answer: it ends a line of the learner's own when `over` is set.

    `kept` has the first and the last value of each name that is wanted, in the learner's function.
    """

    def __init__(self, names):
        self.names, self.over = frozenset(names), False
        self.start()

    def start(self):
        """Forget the last call."""
        self.kept, self.outermost, self.looks = {}, None, MAX_LOOKS

    def call(self, frame, event, argument):
        """Trace a function that is entered, if it is the learner's own."""
        if not _is_own(frame):
            return None
        self.outermost = self.outermost or frame
        return self.line

    def line(self, frame, event, argument):
        """End a line when the time is over; look at the names when the function ends."""
        if self.over and not _is_importing(frame):
            raise _Interrupted
        if frame is self.outermost and (event == "return" or self.looks > 0):
            self.looks -= 1
            for name in self.names if event == "return" else self.names - self.kept.keys():
                if name in frame.f_locals:
                    with contextlib.suppress(Exception):  # an object that cannot be read
                        self.kept.setdefault(name, []).append(_plain(frame.f_locals[name]))
        return self.line


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


def _call(call, case, parts, watch):
    arguments = copy.deepcopy(case)
    value = error = None
    watch.start()
    try:
        value = _plain(_in_order(call(arguments), parts))
    except BaseException as problem:  # SystemExit and KeyboardInterrupt of the learner, too
        error = _describe(problem)
    changed = tuple(name for name in case if not _same(case[name], arguments[name]))
    return Outcome(value, error, changed, watch.kept)


def _in_order(value, parts):
    """Put several parts that come by name, in a dictionary or a named tuple, into their order."""
    named = value._asdict() if hasattr(value, "_asdict") else value
    if isinstance(named, dict):
        if len(parts) == 1 and len(named) == 1:
            return next(iter(named.values()))
        if parts and set(parts) == set(named):
            return [named[name] for name in parts]
        if named is not value:
            return tuple(value)
    return value


def is_too_large(shape):
    """Say whether no answer has such a shape; an axis of length 0 makes no shape small."""
    return len(shape) > MAX_DEPTH or math.prod(max(n, 1) for n in shape) > MAX_SIZE


def _plain(value, depth=0):
    """Copy an answer into float arrays and lists, so that no object of the learner is left.

    An array of single precision stays one: it is compared as such.
    """
    if value is None or value is Ellipsis:
        return None
    if isinstance(value, (str, bytes, dict, set, frozenset)) or callable(value):
        return Strange(f"a {type(value).__name__}")
    if hasattr(value, "detach"):  # a tensor that has a gradient shows NumPy nothing
        value = value.detach()
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__"):
        return _plain_array(np.ma.asanyarray(value))
    if hasattr(value, "__iter__"):
        items = list(itertools.islice(value, MAX_SIZE + 1))
        if depth == MAX_DEPTH or len(items) > MAX_SIZE:
            return Strange("a list that is too long or too deep")
        return [_plain(item, depth + 1) for item in items]
    try:
        return np.array(_real(value))
    except OverflowError:
        return Strange("a number that is too large")
    except (TypeError, ValueError):
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        return Strange(f"an object of type {name}")


def _real(value):
    """Make a float of any number, of a complex one that has no imaginary part, too."""
    try:
        return float(value)
    except TypeError:
        number = complex(value)
        if number.imag:
            raise
        return number.real


def _plain_array(array):
    if is_too_large(array.shape):
        return Strange(f"an array of shape {array.shape}")
    if np.ma.is_masked(array):
        return Strange("an array with masked entries")
    array = np.ma.getdata(array)
    if array.dtype.kind == "c" and not array.imag.any():
        array = array.real
    if array.dtype.kind == "O":  # numbers of Python's own, or of sympy
        return _plain(array.tolist(), 1)
    if array.dtype.kind not in "fiub":
        return Strange(f"an array of dtype {array.dtype}")
    return np.array(array, dtype=np.float32 if array.dtype.name in SINGLE else float)


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
