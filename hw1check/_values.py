"""Decide whether two answers agree, and say in a line where they do not."""

import numpy as np

from hw1check._run import Strange

# Relative tolerance, and the absolute one as a share of the largest entry.
DOUBLE = 1e-9, 1e-10
SINGLE = 1e-4, 1e-5  # an answer in float32 is a right answer


class Failed(str):
    """Why a call gave no values: it stands in their place."""

    __slots__ = ()


def arrays(value):
    """Put a right value into float arrays and lists."""
    if isinstance(value, (list, tuple)):
        return [arrays(item) for item in value]
    return np.asarray(value, dtype=float)


def difference(got, expected, name="it", scale=0.0):
    """
    Say in a line how `got` differs from `expected`; None where they agree.

    `got` is what an `Outcome` holds, or a part of it. An entry may be so large as `scale` of which
    the last digits are only rounding.
    """
    if got is None:
        return f"{name} is None"
    if isinstance(got, Failed):
        return str(got)
    if isinstance(got, Strange):
        return f"{name} is {got}"
    if isinstance(expected, list):
        return _list_difference(got, expected, name, scale)
    if isinstance(got, list):
        got = stacked(got)
        if got is None:
            return f"{name} is a list, expected {_kind(expected)}"
    if got.shape != expected.shape and not same_axes(got, expected):
        return f"{name} {_has(got)}, expected {_kind(expected)}"
    return _entry_difference(got.reshape(expected.shape), expected, name, scale)


def same_axes(got, expected):
    """Say whether two arrays have the same axes, but for kept ones of length 1."""
    longer = [n for n in expected.shape if n > 1]
    return got.ndim > expected.ndim and [n for n in got.shape if n > 1] == longer


def stacked(values):
    """Stack a list of numbers (of lists of numbers) to an array; None if that cannot be done."""
    values = [stacked(item) if isinstance(item, list) else item for item in values]
    if not values or not all(isinstance(item, np.ndarray) for item in values):
        return None
    return np.stack(values) if len({item.shape for item in values}) == 1 else None


def flat(value):
    """Put all entries of a value in a row; None where it has none."""
    if isinstance(value, list):
        rows = [flat(item) for item in value]
        return None if not rows or any(row is None for row in rows) else np.concatenate(rows)
    return value.ravel() if isinstance(value, np.ndarray) else None


def digits(got, expected):
    """Count the digits to which two unequal values agree, up to 8; 0 where they do not."""
    got, expected = flat(got), flat(expected)
    if got is None or expected is None or got.shape != expected.shape or not got.size:
        return 0
    error = np.abs(got - expected).max() / np.abs(expected).max() if expected.any() else np.inf
    return 0 if not error < 0.1 else 8 if error == 0 else min(8, int(-np.log10(2 * error)))


def number(x, scale=0.0, digits=4):
    """Write a number with a few digits; what is only rounding beside `scale` is 0."""
    return "0" if abs(x) < 1e-12 * scale else f"{x:.{digits}g}"


def _list_difference(got, expected, name, scale):
    if not isinstance(got, list) or len(got) != len(expected):
        came = f"a list of {len(got)}" if isinstance(got, list) else "one array"
        return f"{name} is {came}, expected a list of {len(expected)}"
    pairs = enumerate(zip(got, expected, strict=True))
    texts = (difference(a, b, f"{name}[{index}]", scale) for index, (a, b) in pairs)
    return next((text for text in texts if text), None)


def _entry_difference(got, expected, name, scale):
    rtol, atol = SINGLE if got.dtype == np.float32 else DOUBLE
    finite = np.isfinite(expected)
    scale = np.abs(expected[finite]).max(initial=scale)
    with np.errstate(all="ignore"):  # an answer may be infinite
        errors = np.abs(got - expected)
        close = finite & (errors <= rtol * np.abs(expected) + atol * scale)
        wrong = ~(close | (got == expected))
    if not wrong.any():
        return None
    index = tuple(np.argwhere(wrong)[0].tolist())
    right, came = float(expected[index]), float(got[index])
    place = f"{name}{list(index)}" if index else name
    for places in range(4, 18):
        a, b = number(right, scale, places), number(came, scale, places)
        if a != b:
            break
    text = f"{place} is {b}, expected {a}"
    if wrong.size == 1:
        return text
    some = f"all {wrong.size}" if wrong.all() else f"{wrong.sum()} of {wrong.size}"
    differ = "differs, by" if wrong.sum() == 1 else "differ, by up to"
    return f"{text}; {some} entries {differ} {number(errors[wrong].max())}"


def _has(got):
    return f"has shape {got.shape}" if got.shape else "is a number"


def _kind(expected):
    return f"shape {expected.shape}" if expected.shape else "a number"
