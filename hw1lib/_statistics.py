"""Sums and means over a batch, and what is left without them, for several layers."""

from __future__ import annotations

import numpy as np

from hw1lib._contract import Array


def column_sum(Y: Array) -> Array:
    """Return the sum of each column, as a product with ones: faster and more exact than sum."""
    return np.ones(len(Y), Y.dtype) @ Y


def mean(Y: Array) -> Array:
    """Return the mean of each column."""
    return column_sum(Y) / len(Y)


def mean_square(C: Array) -> Array:
    """Return the mean of the squares of each column."""
    # Added in float64, as in PyTorch, since one long sum in float32 loses a digit; in blocks of
    # rows, so that the wider copy stays in the cache.
    blocks = (np.asarray(C[i : i + 64], np.float64) for i in range(0, len(C), 64))
    sums = [np.einsum("ij,ij->j", block, block) for block in blocks]
    return (sum(sums) / len(C)).astype(C.dtype)


def center(Y: Array) -> tuple[Array, Array]:
    """Return the mean of each column and what is left of `Y` without it."""
    m = mean(Y)
    C = Y - m
    # A second pass takes away the rounding of the first: without it, a column of 0.1 keeps a
    # variance of 1e-34, which eps = 0 would blow up to 1, and a mean of 1e4 costs 4 digits.
    rest = mean(C)
    C -= rest
    return m + rest, C


def affine(scale: Array, X: Array, shift: Array) -> Array:
    """Return scale * X + shift in one array: a second one costs as much as the arithmetic."""
    Y = scale * X
    Y += shift
    return Y
