"""How it is compared: the sides agree first, then take turns, and every round gives a ratio."""

import gc
import time
from functools import partial

import numpy as np

from benchmarks.sides import SIDES

SAMPLE = 2e-3  # seconds: shorter calls are repeated until a sample lasts that long
ROUNDS = (3, 21)
SLOW = 3  # seconds, for one call of each side
# Distance of the gradients over their size; some float32 pre-activations lie at the kink of ReLU,
# on one side in one library and on the other in another.
TOLERANCE = {"float64": 1e-8, "float32": 1e-2}


def compare(operation, size, dtype, clock, budget, seed=0):
    """Measure one operation at one size on all sides, for about `budget` seconds."""
    started = time.perf_counter()
    leaves, upstream = operation.inputs(np.random.default_rng(seed), *size)
    leaves, upstream = [x.astype(dtype) for x in leaves], upstream.astype(dtype)
    makers = {name: side(operation, leaves, upstream) for name, side in SIDES.items()}
    runs = {name: run for name, run in makers.items() if run is not None}
    for name, rung in getattr(operation, "rungs", {}).items():
        runs[name] = partial(rung, *leaves, upstream)
    errors = agreement(operation, runs, upstream)
    # Where a case is slow, its first calls were warm-up enough.
    slow = time.perf_counter() - started > SLOW
    calls = {name: 1 if slow else repetitions(run, clock) for name, run in runs.items()}
    samples = in_turn(runs, calls, clock, budget - (time.perf_counter() - started))
    return {
        "operation": operation.name,
        "size": list(size),
        "dtype": dtype,
        "rounds": len(samples["hw1lib"]),
        "sides": {
            name: {
                "seconds": quartiles(samples[name]),
                "ratio": quartiles(np.divide(samples["hw1lib"], samples[name])),
                "calls": calls[name],
                "error": float(f"{errors[name]:.1e}"),
                "agrees": bool(errors[name] < TOLERANCE[dtype]),
            }
            for name in runs
        },
    }


def agreement(operation, runs, upstream):
    """Return the largest distance of each side's output and gradients from hw1lib's."""
    expected = [np.asarray(x) for x in runs["hw1lib"]()]
    errors = {}
    for name, run in runs.items():
        actual = [np.asarray(x) for x in run()]
        if getattr(operation, "random", False):
            # Every side draws another mask, so each is held to its own: 0 or twice the upstream.
            h_tilde, dh = actual
            errors[name] = distance(dh, 2 * upstream * (h_tilde != 0))
        else:
            pairs = zip(actual, expected, strict=True)
            errors[name] = max(distance(a, e) for a, e in pairs)
    return errors


def distance(a, b):
    """Return the norm of the difference over the norm; infinite if one of them is not finite."""
    error = np.linalg.norm((a - b).ravel()) / np.linalg.norm(b.ravel())
    return float(error) if np.isfinite(error) else np.inf


def in_turn(runs, calls, clock, budget):
    """Take a sample of each side in every round, until the budget is spent."""
    samples = {name: [] for name in runs}
    least, most = ROUNDS
    started = time.perf_counter()
    gc.disable()
    for done in range(most):
        if done >= least and (time.perf_counter() - started) * (done + 1) / done > budget:
            break
        for name, run in runs.items():
            begin = clock()
            for _ in range(calls[name]):
                run()
            samples[name].append((clock() - begin) / calls[name])
    gc.enable()
    return samples


def repetitions(run, clock):
    """Say how many calls make a sample long enough."""
    begin = clock()
    run()
    return max(1, round(SAMPLE / max(clock() - begin, 1e-6)))


def quartiles(values):
    """Return the lower quartile, the median and the upper quartile, with four digits."""
    return [float(f"{x:.4g}") for x in np.quantile(values, [0.25, 0.5, 0.75])]
