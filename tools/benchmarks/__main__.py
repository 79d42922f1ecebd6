"""The speed comparison: ``python -m benchmarks`` (or ``nox -s bench``), ``--quick`` for a minute.

It has one thread on one processor and counts the processor time that it uses, which other
programs do not lengthen.
"""

import argparse
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

import records

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = ("numpy", "torch", "autograd", "jax", "jaxlib")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS = {False: 280, True: 45}


def main():
    """Measure, write the results, print them."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="float64 and the small sizes only")
    parser.add_argument("--output", type=Path, help="where to write the results")
    options = parser.parse_args()
    # The libraries read the number of threads when they are imported, which happens below.
    os.environ |= dict.fromkeys(THREADS, "1")
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    started = time.perf_counter()
    results = {"machine": machine(), "quick": options.quick} | work(options.quick)
    from benchmarks.report import report
    from benchmarks.targets import judge

    results["seconds"] = round(time.perf_counter() - started)
    results["targets"] = judge(results["cases"])
    output = options.output or (None if options.quick else RESULTS)
    if output:
        records.write(output, shown(results))
    print(report(results))


def shown(results):
    """Leave out what neither the page nor its test reads."""
    cases = []
    for case in results["cases"]:
        sides = {name: {key: side[key] for key in ("ratio", "error")}
                 for name, side in case["sides"].items()}  # fmt: skip
        sides["hw1lib"]["seconds"] = case["sides"]["hw1lib"]["seconds"]
        kept = ("operation", "size", "dtype", "limit", "bound")
        cases.append({key: case[key] for key in kept} | {"sides": sides})
    names = ("machine", "quick", "targets", "limits")
    return {name: results[name] for name in names} | {"cases": cases}


def work(quick):
    """Measure all cases within about the seconds of this kind of run."""
    seconds, started = SECONDS[quick], time.perf_counter()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    import jax
    import torch

    from benchmarks.limits import machine_limits, roofline
    from benchmarks.measure import compare
    from benchmarks.operations import OPERATIONS

    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1)
    limits = machine_limits(time.process_time)
    cases = [
        (operation, size, dtype)
        for dtype in ("float64", "float32")[: 1 if quick else 2]
        for operation in OPERATIONS
        for size in operation.sizes[: 4 if quick else None]
    ]
    # The large sizes come first: the others share what time is left.
    cases.sort(key=lambda case: -cost(*case))
    measured = []
    for i, case in enumerate(cases):
        left = seconds - (time.perf_counter() - started)
        result = compare(*case, time.process_time, left / (len(cases) - i) / 1.5)
        least, bound = roofline(*case, limits)
        measured.append(result | {"limit": least, "bound": bound})
        progress = f"{i + 1} of {len(cases)}, {left:.0f} s left "
        print(progress, end="\r", file=sys.stderr, flush=True)
    order = [operation.name for operation in OPERATIONS]
    measured.sort(
        key=lambda case: (case["dtype"] == "float32", order.index(case["operation"]), case["size"])
    )
    return {"cases": measured, "limits": limits}


def cost(operation, size, dtype):
    """Estimate how long a case takes, to sort by."""
    work = operation.work(*size)
    return work["numbers"] * 20 + work["products"]


def machine():
    """Say what was measured on what."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": processor(),
        "python": platform.python_version(),
        "versions": versions,
    }


def processor():
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
