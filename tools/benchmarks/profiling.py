"""Where the time of batch norm with ReLU goes: each kind of pass over memory, on its own."""

import numpy as np

from benchmarks.limits import least
from benchmarks.operations import BatchNormReLU

SIZES = ((32, 100), (512, 512), (4096, 1024))


def profile(clock, dtype="float64"):
    """Time the parts of hw1lib's two passes, in seconds, and the whole."""
    return [_profile(size, dtype, clock) for size in SIZES]


def _profile(size, dtype, clock):
    leaves, upstream = BatchNormReLU.inputs(np.random.default_rng(0), *size)
    leaves, upstream = [x.astype(dtype) for x in leaves], upstream.astype(dtype)
    whole = least(lambda: BatchNormReLU.closed_form(leaves, upstream), clock)
    parts = {
        name: count * least(run, clock, 0.1)
        for name, (count, run) in _parts(leaves, upstream).items()
    }
    rounded = {name: float(f"{seconds:.4g}") for name, seconds in parts.items()}
    return {"size": list(size), "dtype": dtype, "whole": float(f"{whole:.4g}"), "parts": rounded}


def _parts(leaves, dH):
    """Return each kind of pass, how often it occurs in forward plus backward, and one of it."""
    Y, gamma, _ = leaves
    ones, target, mask = np.ones(len(Y), Y.dtype), np.empty_like(Y), (Y > 0).astype(Y.dtype)
    return {
        "checks that all is finite": (7, lambda: np.vdot(Y, Y)),
        "sums over the batch": (4, lambda: ones @ Y),
        "sum of products over the batch": (1, lambda: np.einsum("ij,ij->j", Y, dH)),
        "array with row": (8, lambda: np.multiply(Y, gamma, out=target)),
        "array with array": (3, lambda: np.multiply(dH, mask, out=target)),
        "maximum with 0": (1, lambda: np.maximum(Y, 0, out=target)),
        "mask as numbers": (1, lambda: np.greater(Y, 0, out=target, casting="unsafe")),
    }
