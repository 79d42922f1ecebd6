"""Refuse bad arguments early, with a message that names the argument."""

import math
import numbers
import operator

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def require_array(name, value, *, shape=None, ndim=None, dtype=None):
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
    if not np.isfinite(value).all():
        bad = np.argwhere(~np.isfinite(value))[0].tolist()
        raise ValueError(f"{name} must be finite, got {value[tuple(bad)]} at index {bad}")
    return value


def _require_shape(name, value, shape):
    wanted = "any shape"
    fits = True
    if shape is not None:
        wanted = "(" + ", ".join("*" if n is None else str(n) for n in shape) + ")"
        fits = value.ndim == len(shape) and all(
            n is None or n == m for n, m in zip(shape, value.shape, strict=True)
        )
    if not fits:
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
    number = float(value)
    interval = f"{'(' if open_low or low == -math.inf else '['}{low:g}, {high:g}"
    interval += ")" if open_high or high == math.inf else "]"
    inside = (low < number if open_low else low <= number) and (
        number < high if open_high else number <= high
    )
    if not (math.isfinite(number) and inside):
        raise ValueError(f"{name} must lie in {interval}, got {value!r}")
    return number


def require_drop_probability(p):
    """Return `p` as a float if it lies in [0, 1): at 1, the scale 1 / (1 - p) is infinite."""
    return require_real("p", p, low=0, high=1, open_high=True)


def require_size(name, value, *, low=1):
    """Return `value` as an int if it is a whole number of at least `low`."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {_kind(value)}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {_kind(value)}") from None
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}")
    return number


def require_counts(name, value):
    """Return `value` as an int64 array if it is an integer or an array of integers."""
    plain = isinstance(value, (int, np.integer, range)) or type(value) is np.ndarray
    counts = np.asarray(value)
    if not plain or counts.dtype.kind not in "iu":
        raise TypeError(f"{name} must be an integer or an array of integers, got {_kind(value)}")
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
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64, got {dtype!r}") from None
    if wanted not in FLOATS:
        raise TypeError(f"dtype must be float32 or float64, got {wanted}")
    return wanted


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
