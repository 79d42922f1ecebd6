"""Check a gradient: by central differences, and by saying where two arrays differ most."""

from typing import NamedTuple

import numpy as np

from hw1lib._arguments import require_array, require_real


class Difference(NamedTuple):
    """Where two arrays differ most: both errors there, the index and the two values."""

    absolute: float
    relative: float
    index: tuple
    actual: float
    expected: float

    def __str__(self):
        """Say it in one line, with 4 digits."""
        return (
            f"largest difference {self.absolute:.3e} (relative {self.relative:.3e}) "
            f"at index {self.index}: {self.actual:.4g}, expected {self.expected:.4g}"
        )


def numerical_gradient(f, x, step=1e-5):
    r"""
    Give the gradient of a scalar function by central differences.

    One entry at a time, with a step in proportion to the entry::

        df[i] = (f(x + h e_i) - f(x - h e_i)) / (2 h)
        h = step * max(1, |x[i]|)

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, returns a number.
    x : numpy.ndarray
        Where to take the gradient, float64, of any shape.
    step : float, default 1e-5
        Relative step, at most 1 and at least 2.2e-16, so that x + h differs from x. The error is
        about step**2 from the formula and 1e-16 / step from rounding.

    Returns
    -------
    numpy.ndarray
        The gradient, of the shape of `x` (float64).

    Raises
    ------
    TypeError
        If `x` is not a float64 NumPy array, `f` is not callable, or its value is not a number.
    ValueError
        If an entry of `x`, a value of `f` or a slope is not finite, or `step` is outside its
        range.

    Notes
    -----
    It calls `f` twice for every entry: use it to check a formula, not to train. `f` gets a copy
    of `x`, so it cannot change `x` itself.

    Examples
    --------
    >>> numerical_gradient(lambda x: float((x**2).sum()), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    if not callable(f):
        raise TypeError(f"f must be callable, got {type(f).__name__}")
    require_array("x", x, dtype=np.dtype(np.float64), scalar=True)
    step = require_real("step", step, low=np.finfo(float).eps, high=1)
    if np.abs(x).max() > np.finfo(float).max / 4:
        raise ValueError(f"x must leave room for the step, got an entry of {np.abs(x).max():.3g}")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        h = step * max(1.0, abs(x[index]))
        upper, lower = x.copy(), x.copy()
        upper[index] += h
        lower[index] -= h
        # Divide by the step that was really taken: x + h is rounded.
        taken = upper[index] - lower[index]
        slope = (_value(f, upper) - _value(f, lower)) / float(taken)
        gradient[index] = require_real("the slope of f", slope)
    return gradient


def largest_difference(actual, expected):
    r"""
    Say where two arrays differ most, relative to the size of the expected one.

    The error at each entry is measured against the largest entry, so that an entry that is
    nearly 0 does not look wrong by its rounding::

        relative[i] = |actual[i] - expected[i]| / max|expected|

    Parameters
    ----------
    actual : numpy.ndarray
        What was computed, of any shape.
    expected : numpy.ndarray
        What it should be, of the same shape and dtype.

    Returns
    -------
    Difference
        The absolute and the relative error, the index and the two values; printing it gives
        one line. Both errors are 0 where the arrays are equal; the relative one is infinite
        where `expected` is 0 everywhere and `actual` is not.

    Raises
    ------
    TypeError
        If an array is not a NumPy array of float32 or float64, or the dtypes differ.
    ValueError
        If the shapes differ or an entry is not finite.

    Examples
    --------
    >>> print(largest_difference(np.array([1.0, 2.5]), np.array([1.0, 2.0])))
    largest difference 5.000e-01 (relative 2.500e-01) at index (1,): 2.5, expected 2
    """
    require_array("expected", expected, scalar=True)
    require_array("actual", actual, shape=expected.shape, dtype=expected.dtype, scalar=True)
    with np.errstate(over="ignore"):
        error = np.abs(actual - expected)
    index = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
    absolute = float(error[index])
    scale = float(np.abs(expected).max())
    relative = absolute / scale if scale > 0 else (np.inf if absolute > 0 else 0.0)
    return Difference(absolute, relative, index, float(actual[index]), float(expected[index]))


def _value(f, x):
    value = f(x)
    return require_real(
        "the value of f",
        value.item() if np.ndim(value) == 0 and isinstance(value, np.ndarray) else value,
    )
