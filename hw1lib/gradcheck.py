"""Check a gradient: by central differences, and by saying where two arrays differ most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from hw1lib import _contract as a
from hw1lib._contract import Array, checked


class Difference(NamedTuple):
    """Where two arrays differ most: both errors there, the index and the two values."""

    absolute: float
    relative: float
    index: tuple[int, ...]  # type: ignore[assignment]  # tuples have a method of that name
    actual: float
    expected: float

    def __str__(self) -> str:
        """Say it in one line, with 4 digits."""
        return (
            f"largest difference {self.absolute:.3e} (relative {self.relative:.3e}) "
            f"at index {self.index}: {self.actual:.4g}, expected {self.expected:.4g}"
        )


def _point(name: str, value: Any, known: dict[str, Any]) -> Array:
    """Accept a float64 array of any shape, with room for a step at each entry."""
    a.array("any")(name, value, known)
    if value.dtype != np.float64:
        raise TypeError(
            f"{name} must have dtype float64, got {value.dtype}: half of the digits are lost in a "
            f"difference; convert it first, for instance with {name}.astype(float)"
        )
    largest = np.abs(value).max()
    if largest > np.finfo(float).max / 4:
        raise ValueError(f"{name} must leave room for the step, got an entry of {largest:.3g}")
    return value


@checked(guarded=False, f=a.function, x=_point, step=a.real("[1e-15, 1]"))
def numerical_gradient(f: Callable[[Array], float], x: Array, step: float = 1e-5) -> Array:
    """Approximate the gradient of a scalar function by central differences.

    One entry at a time, with a step in proportion to the entry::

        df[i] = (f(x + h e_i) - f(x - h e_i)) / (2 h)
        h = step * max(1, |x[i]|)

    It calls `f` twice for every entry, with copies of `x`: use it to check, not to train.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, returns a number.
    x : numpy.ndarray
        Where to take the gradient, float64, of any shape.
    step : float, default 1e-5
        Relative step, at most 1 and at least 1e-15, so that x + h differs from x. The error is
        about step**2 from the formula and 1e-16 / step from rounding.

    Returns
    -------
    numpy.ndarray
        The gradient, of the shape of `x` (float64).

    Examples
    --------
    >>> numerical_gradient(lambda x: float((x**2).sum()), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        h = step * max(1.0, float(abs(x[index])))
        upper, lower = x.copy(), x.copy()
        upper[index] += h
        lower[index] -= h
        # Divide by the step that was really taken: x + h is rounded.
        taken = upper[index] - lower[index]
        slope = (_value(f, upper) - _value(f, lower)) / float(taken)
        gradient[index] = a.any_real("the slope of f", slope, {})
    return gradient


@checked(guarded=False, expected="any", actual="any")
def largest_difference(actual: Array, expected: Array) -> Difference:
    """Say where two arrays differ most, relative to the size of the expected one.

    Measured against the largest entry, one that is nearly 0 does not look wrong by its rounding::

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
        Printing it gives one line. Both errors are 0 where the arrays are equal; the relative
        one is infinite where `expected` is 0 everywhere and `actual` is not.

    Examples
    --------
    >>> print(largest_difference(np.array([1.0, 2.5]), np.array([1.0, 2.0])))
    largest difference 5.000e-01 (relative 2.500e-01) at index (1,): 2.5, expected 2
    """
    with np.errstate(over="ignore"):
        error = np.abs(actual - expected)
    index = tuple(int(i) for i in np.unravel_index(error.argmax(), error.shape))
    absolute = float(error[index])
    scale = float(np.abs(expected).max())
    relative = absolute / scale if scale > 0 else (np.inf if absolute > 0 else 0.0)
    return Difference(absolute, relative, index, float(actual[index]), float(expected[index]))


def _value(f: Callable[[Array], float], x: Array) -> float:
    value = f(x)
    plain = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return a.any_real("the value of f", plain, {})
