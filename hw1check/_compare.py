"""Decide whether two answers agree, and say in a line where they do not."""

import numpy as np

from hw1check._run import Strange

# An answer in float32 is a right answer. Cases are drawn so that a mistake shows at 1 %.
RTOL = 1e-4
ATOL = 1e-5  # of the largest entry


def difference(got, expected, name="it"):
    """
    Say how `got` differs from `expected`; None where they agree.

    Parameters
    ----------
    got : numpy.ndarray, list, Strange or None
        The value of an `Outcome`, or a part of it.
    expected : numpy.ndarray or list of numpy.ndarray
        The right value.
    name : str, default "it"
        What the value is called.

    Returns
    -------
    str or None
        One line, such as "dY has shape (3,), expected (3, 2)".
    """
    if got is None:
        return f"{name} is None"
    if isinstance(got, Strange):
        return f"{name} is {got}"
    if isinstance(expected, list):
        return _list_difference(got, expected, name)
    if isinstance(got, list):
        got = stacked(got)
        if got is None:
            return f"{name} is a list, expected {_kind(expected)}"
    if got.shape != expected.shape and not got.size == expected.size == 1:
        return f"{name} has shape {got.shape}, expected {expected.shape}"
    return _entry_difference(got.reshape(expected.shape), expected, name)


def stacked(values):
    """Stack a list of numbers (of lists of numbers) to an array; None if that cannot be done."""
    values = [stacked(item) if isinstance(item, list) else item for item in values]
    if not values or not all(isinstance(item, np.ndarray) for item in values):
        return None
    return np.stack(values) if len({item.shape for item in values}) == 1 else None


def number(x, scale=0.0, digits=4):
    """Write a number with a few digits; what is only rounding beside `scale` is 0."""
    return "0" if abs(x) < 1e-12 * scale else f"{x:.{digits}g}"


def _list_difference(got, expected, name):
    if not isinstance(got, list) or len(got) != len(expected):
        came = f"a list of {len(got)}" if isinstance(got, list) else "one array"
        return f"{name} is {came}, expected a list of {len(expected)}"
    pairs = enumerate(zip(got, expected, strict=True))
    texts = (difference(a, b, f"{name}[{index}]") for index, (a, b) in pairs)
    return next((text for text in texts if text), None)


def _entry_difference(got, expected, name):
    scale = np.abs(expected).max(initial=0)
    wrong = ~(np.abs(got - expected) <= RTOL * np.abs(expected) + ATOL * scale)
    if not wrong.any():
        return None
    index = tuple(np.argwhere(wrong)[0].tolist())
    right, came = float(expected[index]), float(got[index])
    place = f"{name}{list(index)}" if index else name
    for digits in range(4, 18):
        a, b = number(right, scale, digits), number(came, scale, digits)
        if a != b:
            break
    return f"{place} is {b}, expected {a}"


def _kind(expected):
    return f"an array of shape {expected.shape}" if expected.shape else "a number"
