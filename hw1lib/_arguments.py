"""Refuse bad arguments early, with a message that names the argument."""

import functools
import inspect
import math
import numbers
import operator

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
LARGEST_SIZE = 2**53  # whole numbers up to here are exact as floats
LARGEST_COUNT = 2**31  # so many entries fill 16 GB


class ResultOverflowError(ValueError, OverflowError):
    """Finite arguments have an infinite result."""


def refuse_overflow(function):
    """
    Make `function` raise a ValueError where its result would be infinite or NaN.

    Finite arguments can be too large, or too small for a division, for their dtype. NumPy would
    warn and return inf, which the next division hides as a 0.

    Parameters
    ----------
    function : callable
        Returns a number, an array, or tuples and lists of them.

    Returns
    -------
    callable
        The same function, with the check behind it.
    """

    @functools.wraps(function)
    def checked(*args, **kwargs):
        return _call_checked(function, args, kwargs)

    return checked


def _call_checked(function, args, kwargs):
    try:
        with np.errstate(all="ignore"):
            result = function(*args, **kwargs)
        if _is_finite(result):
            return result
    except OverflowError:  # from Python's floats, the generator, or an inner function
        pass
    arguments = inspect.signature(function).bind(*args, **kwargs).arguments
    sizes = {name: _magnitude(value) for name, value in arguments.items()}
    raise ResultOverflowError(
        f"{', '.join(arguments)} must have magnitudes that give a finite result, got an "
        f"overflow in {function.__name__} with "
        + ", ".join(f"{name} up to {size:.3g}" for name, size in sizes.items() if size)
    )


def finite(value):
    """Return `value`, or leave it to `refuse_overflow` to say that it is not finite."""
    if not _is_finite(value):
        raise OverflowError
    return value


def _is_finite(value):
    if isinstance(value, np.ndarray):
        # The sum of squares of finite entries is finite, as a rule, and takes one pass.
        return math.isfinite(np.vdot(value, value)) or bool(np.isfinite(value).all())
    # A cache repeats what has been looked at: an argument, or what the output would show.
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return all(map(_is_finite, value))
    return not isinstance(value, numbers.Real) or math.isfinite(value)


def _magnitude(value):
    """Give the largest entry of an argument of any kind, 0 if it has none."""
    if isinstance(value, (tuple, list)):
        return max(map(_magnitude, value), default=0.0)
    if isinstance(value, (np.ndarray, numbers.Real)):
        return float(np.abs(value).max())
    return 0.0


def require_array(name, value, *, shape=None, ndim=None, dtype=None, scalar=False):
    """
    Return `value` if it is a finite float array of the wanted kind, raise otherwise.

    Parameters
    ----------
    name : str
        The argument's name, as the caller wrote it.
    value : object
        What came in.
    shape : tuple of (int or None), optional
        The wanted shape; None stands for any length of at least 1.
    ndim : int, optional
        The wanted number of axes, where the shape is free.
    dtype : numpy.dtype, optional
        The wanted dtype, that of the function's first array.
    scalar : bool, default False
        Whether an array without axes will do: NumPy's functions make a plain number of it.

    Returns
    -------
    numpy.ndarray
        `value` itself, unchanged.

    Raises
    ------
    TypeError
        If it is no plain NumPy array (a tensor's ``.var`` and a matrix's ``*`` mean other
        things, a masked array hides values), or its dtype is not the wanted one.
    ValueError
        If its shape is another one, an axis is empty, or an entry is infinite or NaN.
    """
    if type(value) is not np.ndarray:
        raise TypeError(
            f"{name} must be a numpy.ndarray of float32 or float64, got {_kind(value)}; "
            f"convert it first, for instance with numpy.asarray({name}, dtype=float)"
        )
    if value.dtype not in FLOATS:
        raise TypeError(
            f"{name} must have dtype float32 or float64, got {value.dtype}; "
            f"convert it first, for instance with {name}.astype(float)"
        )
    if dtype is not None and value.dtype != dtype:
        raise TypeError(f"{name} must have dtype {dtype} like the other arrays, got {value.dtype}")
    _require_shape(name, value, (None,) * ndim if shape is None and ndim else shape)
    if value.ndim == 0 and not scalar:
        raise ValueError(f"{name} must have at least one axis, got shape ()")
    if not _is_finite(value):
        bad = np.argwhere(~np.isfinite(value))[0].tolist()
        raise ValueError(f"{name} must be finite, got {value[tuple(bad)]} at index {bad}")
    return value


def _require_shape(name, value, shape):
    fits = shape is None or (
        value.ndim == len(shape)
        and all(n is None or n == m for n, m in zip(shape, value.shape, strict=True))
    )
    if not fits:
        wanted = "(" + ", ".join("*" if n is None else str(n) for n in shape) + ")"
        raise ValueError(f"{name} must have shape {wanted}, got {value.shape}")
    if value.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {value.shape}")


def require_batch(name, value):
    """Return `value` if it is a finite (B, M) float array with B of at least 2."""
    require_array(name, value, ndim=2)
    if value.shape[0] < 2:
        raise ValueError(
            f"{name} must have at least 2 rows (samples), got shape {value.shape}: "
            "the statistics of a batch of one say nothing about its spread"
        )
    return value


def require_real(name, value, *, low=-math.inf, high=math.inf, open_low=False, open_high=False):
    """Return `value` as a float if it is a finite real number between `low` and `high`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {_kind(value)}")
    try:
        with np.errstate(over="ignore"):
            number = float(value)
    except OverflowError:
        raise ValueError(f"{name} must fit into a float, got a larger {_kind(value)}") from None
    inside = (low < number if open_low else low <= number) and (
        number < high if open_high else number <= high
    )
    if not (math.isfinite(number) and inside):
        interval = f"{'(' if open_low or low == -math.inf else '['}{low:g}, {high:g}"
        interval += ")" if open_high or high == math.inf else "]"
        shown = value if isinstance(value, (int, float)) else number
        raise ValueError(f"{name} must lie in {interval}, got {shown!r}")
    return number


def require_drop_probability(p):
    """Return `p` as a float if it lies in [0, 1): at 1, the scale 1 / (1 - p) is infinite."""
    return require_real("p", p, low=0, high=1, open_high=True)


def require_size(name, value, *, low=1, high=LARGEST_SIZE):
    """Return `value` as an int if it is a whole number between `low` and `high`."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {_kind(value)}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {_kind(value)}") from None
    shown = number if number.bit_length() < 100 else f"one of {number.bit_length()} bits"
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {shown}")
    if number > high:
        raise ValueError(f"{name} must be at most {high}, got {shown}")
    return number


def require_lengths(name, value):
    """Return `value` as a tuple of ints if an array of these lengths can be made."""
    lengths = tuple(require_size(name, n) for n in value[:33])
    if not 1 <= len(lengths) <= 32:
        raise ValueError(f"{name} must have 1 to 32 lengths, got {len(value)}")
    if math.prod(lengths) > LARGEST_COUNT:
        raise ValueError(
            f"{name} must have at most {LARGEST_COUNT} entries in all, got {math.prod(lengths)}"
        )
    return lengths


def require_counts(name, value):
    """Return `value` as an int64 array if it is an integer or an array of integers."""
    plain = isinstance(value, (int, np.integer, range)) and not isinstance(value, bool)
    if not plain and (type(value) is not np.ndarray or value.dtype.kind not in "iu"):
        raise TypeError(f"{name} must be an integer or an array of integers, got {_kind(value)}")
    if isinstance(value, range) and value[LARGEST_COUNT:]:
        raise ValueError(f"{name} must have at most {LARGEST_COUNT} counts, got a longer range")
    counts = np.asarray(value)
    # What does not fit into an int64 comes as uint64 or as objects.
    if counts.dtype.kind != "i" and (counts > np.iinfo(np.int64).max).any():
        raise ValueError(f"{name} must be below 2**63, got a larger integer")
    if counts.dtype.kind == "O":
        raise ValueError(f"{name} must be at least -2**63, got a smaller integer")
    return counts.astype(np.int64)


def require_rng(rng):
    """Return `rng` if it is a numpy.random.Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, got {_kind(rng)}; "
            "make one with numpy.random.default_rng(seed)"
        )
    return rng


def require_dtype(dtype):
    """Return `dtype` as a numpy.dtype if it is float32 or float64."""
    # Not everything may go through numpy.dtype, which makes a float64 of None.
    name = dtype.__name__ if isinstance(dtype, type) else dtype
    named = isinstance(name, (str, np.dtype))
    name = str(name) if named else _kind(dtype)
    if not named or name not in ("float32", "float64", "float"):
        raise TypeError(f"dtype must be float32 or float64, got {name}")
    return np.dtype(name)


def require_choice(name, value, choices):
    """Return `value` if it is one of `choices`."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_kind(value)}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def require_cache(cache, kind):
    """Return `cache` if a forward pass of the right kind made it."""
    if not isinstance(cache, kind):
        raise TypeError(
            f"cache must be the {kind.__name__} of the forward pass, got {_kind(cache)}"
        )
    return cache


def _kind(value):
    """Name a value's type as the reader knows it: 'list', 'torch.Tensor', 'numpy.matrix'."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return f"{module}{kind.__qualname__}"
