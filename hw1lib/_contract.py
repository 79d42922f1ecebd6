"""What a function accepts: one line above it says so, and a bad argument is refused by name."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
# Takes the argument's name, its value and what the arguments before it have set: the lengths by
# their letters, and the dtype. Returns the value to use. NumPy's warnings are off meanwhile.
Kind = Callable[[str, Any, dict[str, Any]], Any]
Function = TypeVar("Function", bound=Callable[..., Any])

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
LARGEST_SIZE = 2**53  # whole numbers up to here are exact as floats
LARGEST_COUNT = 2**31  # so many entries fill 16 GB


class ResultOverflowError(ValueError, OverflowError):
    """Finite arguments have an infinite result."""


class RefusalError(ValueError):
    """What a function's body refuses; the caller gets it as a ValueError, without the body."""


def checked(*, guarded: bool = True, **kinds: str | Kind) -> Callable[[Function], Function]:
    """Check the arguments before a call, in the order of `kinds`, and its result after it.

    A kind is a function below, or a text: the shape of a float array, as `array` reads it. What is
    refused is raised in one frame. A guarded result must be finite: finite arguments can be too
    large, or too small for a division; NumPy would return inf, which the next division hides.
    """
    checks = {name: array(kind) if isinstance(kind, str) else kind for name, kind in kinds.items()}

    def decorate(function: Function) -> Function:
        parameters = inspect.signature(function).parameters
        places = [n for n, p in parameters.items() if p.kind is not p.KEYWORD_ONLY]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(places, args, strict=False))
            if len(args) > len(places) or given.keys() & kwargs.keys():
                return function(*args, **kwargs)  # Python says what is wrong
            given |= kwargs
            try:
                with np.errstate(all="ignore"):
                    try:
                        known: dict[str, Any] = {}
                        for name, check in checks.items():
                            if name in given:
                                given[name] = check(name, given[name], known)
                    except (TypeError, ValueError) as refusal:
                        raise refusal.with_traceback(None) from None
                    if guarded and is_finite(result := function(**given)):
                        return result
                if not guarded:
                    return function(**given)
            except RefusalError as refusal:
                raise ValueError(str(refusal)) from None
            except OverflowError:  # from Python's floats, the generator, or `finite`
                if not guarded:
                    raise
            raise _no_finite_result(
                function.__name__, {n: given[n] for n in parameters if n in given}
            )

        return cast(Function, call)

    return decorate


def finite(value: Any) -> Any:
    """Return `value`, or leave it to `checked` to say why it is not finite."""
    if not is_finite(value):
        raise OverflowError
    return value


def is_finite(value: Any) -> bool:
    """Say whether a number, or each entry of arrays in lists and tuples, is finite."""
    if isinstance(value, np.ndarray):
        # The sum of squares of finite entries is finite, as a rule, and takes one pass.
        return math.isfinite(np.vdot(value, value)) or bool(np.isfinite(value).all())
    # A cache, a named tuple, repeats what is looked at: an argument, or what the output shows.
    if type(value) in (tuple, list):
        return all(map(is_finite, value))
    return not isinstance(value, numbers.Real) or math.isfinite(value)


def _no_finite_result(function: str, given: dict[str, Any]) -> ValueError:
    """Say which argument is not finite; if none is, that the result overflows."""
    for name, value in given.items():
        for part, entry in _parts(name, value):
            if not is_finite(entry):
                return _not_finite(part, entry)
    sizes = {name: _magnitude(value) for name, value in given.items()}
    return ResultOverflowError(
        f"{', '.join(given)} must have magnitudes that give a finite result, got an overflow in "
        f"{function} with "
        + ", ".join(f"{name} up to {size:.3g}" for name, size in sizes.items() if size)
    )


def _parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """List an array, or those in a list of arrays, with the names that the caller knows."""
    if isinstance(value, list):
        return [(f"{name}[{i}]", entry) for i, entry in enumerate(value)]
    return [(name, value)] if isinstance(value, np.ndarray) else []


def _not_finite(name: str, value: Array) -> ValueError:
    bad = np.argwhere(~np.isfinite(value))[0].tolist()
    return ValueError(f"{name} must be finite, got {value[tuple(bad)]} at index {bad}")


def _magnitude(value: Any) -> float:
    """Return the largest entry of an argument of any kind, 0 if it has none."""
    if isinstance(value, (tuple, list)):
        return max([0.0, *map(_magnitude, value)])
    if isinstance(value, (np.ndarray, numbers.Real)):
        return float(np.abs(np.asarray(value)).max())
    return 0.0


def array(shape: str, *, shown: bool = False) -> Kind:
    """Accept a float array of a shape by letters, such as "B M".

    A letter stands for the same length in all arguments; "B>1" asks for at least two rows. "..."
    is any shape with an axis, "any" any shape at all, the same in all arguments. All arrays of a
    call have one dtype. What `shown` means, the function of that name says.
    """
    axes = shape.replace("B>1", "B").split()
    rows, free = shape.startswith("B>1"), shape in ("...", "any")

    def check(name: str, value: Any, known: dict[str, Any]) -> Array:
        if type(value) is not np.ndarray:
            # A tensor's .var and a matrix's * mean other things, a masked array hides values.
            raise TypeError(
                f"{name} must be a numpy.ndarray of float32 or float64, got {kind_of(value)}; "
                f"convert it first, for instance with numpy.asarray({name}, dtype=float)"
            )
        if value.dtype not in FLOATS:
            raise TypeError(
                f"{name} must have dtype float32 or float64, got {value.dtype}; "
                f"convert it first, for instance with {name}.astype(float)"
            )
        dtype = known.setdefault("dtype", value.dtype)
        if value.dtype != dtype:
            raise TypeError(
                f"{name} must have dtype {dtype} like the other arrays, got {value.dtype}"
            )
        # A letter that is not known yet fits any length.
        ends = [("...", value.shape)] if free else list(zip(axes, value.shape, strict=False))
        if not (free or len(axes) == value.ndim) or any(known.get(a, n) != n for a, n in ends):
            lengths = known["..."] if free else [known.get(axis, "*") for axis in axes]
            text = ", ".join(map(str, lengths))
            raise ValueError(f"{name} must have shape ({text}), got {value.shape}")
        if value.size == 0:
            raise ValueError(f"{name} must not be empty, got shape {value.shape}")
        if value.ndim == 0 and shape == "...":  # NumPy's functions make a plain number of it
            raise ValueError(f"{name} must have at least one axis, got shape ()")
        if rows and len(value) < 2:
            raise ValueError(
                f"{name} must have at least 2 rows (samples), got shape {value.shape}: "
                "the statistics of a batch of one say nothing about its spread"
            )
        if not (shown or is_finite(value)):
            raise _not_finite(name, value)
        known.update(ends)
        return value

    return check


def shown(shape: str) -> Kind:
    """Accept an array like `array`, without a pass over it: the result shows what is not finite."""
    return array(shape, shown=True)


def symmetric(name: str, value: Any, known: dict[str, Any]) -> Array:
    """Accept a symmetric matrix."""
    array("M N")(name, value, known)
    if value.shape[0] != value.shape[1]:
        raise ValueError(f"{name} must be square, got shape {value.shape}")
    tolerance = 100 * np.finfo(value.dtype).eps * np.abs(value).max()
    largest = np.abs(value - value.T).max()
    if largest > tolerance:
        raise ValueError(f"{name} must be symmetric, got {name} - {name}.T up to {largest:.3g}")
    return value


def variance(name: str, value: Any, known: dict[str, Any]) -> Array:
    """Accept a variance of each feature, not negative."""
    array("M")(name, value, known)
    if (value < 0).any():
        raise ValueError(f"{name} must not be negative, got {value.min()}")
    return value


def cached(cache: type, **shapes: str) -> Kind:
    """Accept what a forward pass returned for its backward pass, with these shapes inside."""
    fields = {field: shown(shape) for field, shape in shapes.items()}

    def check(name: str, value: Any, known: dict[str, Any]) -> Any:
        if not isinstance(value, cache):
            raise wrong_type(name, f"the {cache.__name__} of the forward pass", value)
        for field, inside in fields.items():
            inside(f"{name}.{field}", getattr(value, field), known)
        return value

    return check


def real(interval: str) -> Kind:
    """Accept a real number in an interval such as "[0, 1)" or "(0, M]", M an earlier argument."""
    low, high = interval[1:-1].split(", ")

    def check(name: str, value: Any, known: dict[str, Any]) -> float:
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
            raise wrong_type(name, "a real number", value)
        try:
            number = float(value)
        except OverflowError:
            text = "fit into a float, got a larger"
            raise ValueError(f"{name} must {text} {kind_of(value)}") from None
        upper = known.get(high, high)
        above = number > float(low) if interval[0] == "(" else number >= float(low)
        below = number < float(upper) if interval[-1] == ")" else number <= float(upper)
        if not (above and below):
            came = value if isinstance(value, (int, float)) else number
            text = interval.replace(high, str(upper))
            raise ValueError(f"{name} must lie in {text}, got {came!r}")
        return number

    return check


any_real = real("(-inf, inf)")
nonnegative = real("[0, inf)")
positive = real("(0, inf)")
share = real("[0, 1]")
drop_probability = real("[0, 1)")  # at 1, the scale 1 / (1 - p) is infinite


def whole(low: int, *, high: int = LARGEST_SIZE) -> Kind:
    """Accept a whole number from `low` to `high`."""

    def check(name: str, value: Any, known: dict[str, Any]) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            number = None
        if number is None or isinstance(value, (bool, np.bool_)):
            raise wrong_type(name, "an integer", value)
        came = number if number.bit_length() < 100 else f"one of {number.bit_length()} bits"
        if number < low:
            raise ValueError(f"{name} must be at least {low}, got {came}")
        if number > high:
            raise ValueError(f"{name} must be at most {high}, got {came}")
        known[name] = number
        return number

    return check


size = whole(1)


def lengths(name: str, value: Any, known: dict[str, Any]) -> tuple[int, ...]:
    """Accept a length or a tuple of lengths of which an array can be made."""
    if isinstance(value, tuple):
        if not 1 <= len(value) <= 32:
            raise ValueError(f"{name} must have 1 to 32 lengths, got {len(value)}")
        shape = tuple(size(f"{name}[{i}]", n, known) for i, n in enumerate(value))
    elif hasattr(value, "__index__") and not isinstance(value, np.ndarray):
        shape = (size(name, value, known),)
    else:
        raise wrong_type(name, "an integer or a tuple of integers", value)
    if math.prod(shape) > LARGEST_COUNT:
        raise ValueError(
            f"{name} must have at most {LARGEST_COUNT} entries in all, got {math.prod(shape)}"
        )
    return shape


def fans(name: str, value: Any, known: dict[str, Any]) -> tuple[int, ...]:
    """Accept the shape of weights, (out, in)."""
    if not isinstance(value, (tuple, list)):
        raise wrong_type(name, "a pair (out, in)", value)
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair (out, in), got {len(value)} lengths")
    return lengths(name, tuple(value), known)


def counts(name: str, value: Any, known: dict[str, Any]) -> NDArray[np.int64]:
    """Accept an integer or an array of integers, as int64."""
    plain = isinstance(value, (int, np.integer, range)) and not isinstance(value, bool)
    if not plain and (type(value) is not np.ndarray or value.dtype.kind not in "iu"):
        raise wrong_type(name, "an integer or an array of integers", value)
    if isinstance(value, range) and value[LARGEST_COUNT:]:
        raise ValueError(f"{name} must have at most {LARGEST_COUNT} counts, got a longer range")
    integers = np.asarray(value)
    # What does not fit into an int64 comes as uint64 or as objects.
    if integers.dtype.kind != "i" and (integers > np.iinfo(np.int64).max).any():
        raise ValueError(f"{name} must be below 2**63, got a larger integer")
    if integers.dtype.kind == "O":
        raise ValueError(f"{name} must be at least -2**63, got a smaller integer")
    return integers.astype(np.int64)


def generator(name: str, value: Any, known: dict[str, Any]) -> np.random.Generator:
    """Accept a source of randomness."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} must be a numpy.random.Generator, got {kind_of(value)}; "
            "make one with numpy.random.default_rng(seed)"
        )
    return value


def float_type(name: str, value: Any, known: dict[str, Any]) -> np.dtype[Any]:
    """Accept float32 or float64, as a dtype."""
    # Not everything may go through numpy.dtype, which makes a float64 of None.
    text = value.__name__ if isinstance(value, type) else value
    named = isinstance(text, (str, np.dtype))
    text = str(text) if named else kind_of(text)
    if not named or text not in ("float32", "float64", "float"):
        raise TypeError(f"{name} must be float32 or float64, got {text}")
    return np.dtype(text)


def one_of(*choices: str) -> Kind:
    """Accept one of some words."""

    def check(name: str, value: Any, known: dict[str, Any]) -> str:
        if not isinstance(value, str):
            raise wrong_type(name, "a string", value)
        if value not in choices:
            wanted = ", ".join(map(repr, choices))
            raise ValueError(f"{name} must be one of {wanted}, got {value!r}")
        return value

    return check


def function(name: str, value: Any, known: dict[str, Any]) -> Callable[..., Any]:
    """Accept what can be called."""
    if not callable(value):
        raise wrong_type(name, "callable", value)
    return value


def wrong_type(name: str, wanted: str, value: Any) -> TypeError:
    """Say what an argument must be, and what came."""
    return TypeError(f"{name} must be {wanted}, got {kind_of(value)}")


def kind_of(value: Any) -> str:
    """Name a value's type as the reader knows it: 'list', 'torch.Tensor', 'numpy.matrix'."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return f"{module}{kind.__qualname__}"
