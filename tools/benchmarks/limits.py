"""What the machine allows: its memory bandwidth, its matrix-product rate, and how cost grows."""

import mmap
import time

import numpy as np

from benchmarks.operations import MLP, BatchNormReLU, Dropout, SoftmaxCrossEntropy, Whitening

AXES = ["B", "M", "depth"]
# Operation, what grows, the sizes, and the exponent of the operation count as it grows.
GROWTH = [
    (BatchNormReLU, "B", [(B, 256) for B in (512, 1024, 2048, 4096, 8192)], 1),
    (BatchNormReLU, "M", [(256, M) for M in (512, 1024, 2048, 4096, 8192)], 1),
    (Dropout, "B", [(B, 256) for B in (512, 1024, 2048, 4096, 8192)], 1),
    (Dropout, "M", [(256, M) for M in (512, 1024, 2048, 4096, 8192)], 1),
    (SoftmaxCrossEntropy, "B", [(B, 256) for B in (512, 1024, 2048, 4096, 8192)], 1),
    (SoftmaxCrossEntropy, "M", [(256, M) for M in (512, 1024, 2048, 4096, 8192)], 1),
    (Whitening, "B", [(B, 128) for B in (1024, 2048, 4096, 8192)], 1),
    (Whitening, "M", [(1024, M) for M in (64, 128, 256, 512)], 3),
    (MLP, "B", [(B, 256, 4) for B in (128, 256, 512, 1024)], 1),
    (MLP, "M", [(256, M, 4) for M in (128, 256, 512, 1024)], 2),
    (MLP, "depth", [(256, 256, L) for L in (2, 4, 8, 16)], 1),
]


def least(function, clock, seconds=0.4):
    """Return the shortest of the times that repeated calls take."""
    function()
    times, started = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - started < seconds:
        begin = clock()
        function()
        times.append(clock() - begin)
    return min(times)


def machine_limits(clock):
    """Measure bytes a second (a copy: read and write) and operations a second (a product)."""
    source = np.ones(2**24)
    target = np.ones(2**24)
    limits = {
        "bytes per second": 2 * source.nbytes / least(lambda: np.copyto(target, source), clock)
    }
    for dtype in ("float64", "float32"):
        A = np.ones((1536, 1536), dtype)
        limits[f"{dtype} operations per second"] = 2 * 1536**3 / least(lambda A=A: A @ A, clock)
    # Pages straight from the system: NumPy's allocator keeps some, which would hide their price.
    fresh = least(lambda: np.frombuffer(mmap.mmap(-1, 2**23)).fill(1), clock)
    reused = least(lambda: target[: 2**20].fill(1), clock)
    limits["seconds per fresh byte"] = (fresh - reused) / 2**23
    return {name: float(f"{value:.4g}") for name, value in limits.items()}


def roofline(operation, size, dtype, limits):
    """Return the least time that memory and arithmetic allow, in seconds, and which binds."""
    work = operation.work(*size)
    memory = work["numbers"] * np.dtype(dtype).itemsize / limits["bytes per second"]
    arithmetic = work["products"] / limits[f"{dtype} operations per second"]
    return float(
        f"{max(memory, arithmetic):.4g}"
    ), "memory" if memory >= arithmetic else "arithmetic"


def growth(clock, rounds=5):
    """Time hw1lib as one length grows, and fit the exponent on a double logarithmic scale."""
    return [_growth(clock, rounds, *row) for row in GROWTH]


def _growth(clock, rounds, operation, axis, sizes, expected):
    inputs = [operation.inputs(np.random.default_rng(0), *size) for size in sizes]
    samples = []
    for _ in range(rounds):
        row = []
        for leaves, upstream in inputs:
            begin = clock()
            operation.closed_form(leaves, upstream)
            row.append(clock() - begin)
        samples.append(row)
    seconds = np.median(samples, axis=0)
    lengths = np.log([size[AXES.index(axis)] for size in sizes])
    return {
        "operation": operation.name,
        "axis": axis,
        "sizes": [list(size) for size in sizes],
        "seconds": [float(f"{x:.4g}") for x in seconds],
        "exponent": round(float(np.polyfit(lengths, np.log(seconds), 1)[0]), 3),
        "counted": round(float(np.polyfit(lengths, np.log(_counted(operation, sizes)), 1)[0]), 3),
        "theory": expected,
    }


def _counted(operation, sizes):
    """Count products where there are some, else the numbers that move."""
    works = [operation.work(*size) for size in sizes]
    return [work["products"] or work["numbers"] for work in works]
