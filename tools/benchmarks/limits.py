"""What the machine allows: its memory bandwidth and its matrix-product rate."""

import mmap
import time

import numpy as np


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
