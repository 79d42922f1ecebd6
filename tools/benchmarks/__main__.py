"""The speed comparison: ``python -m benchmarks`` (or ``nox -s bench``), ``--quick`` for a minute.

Single-threaded runs have one processor and are timed by the processor time that they use, which
other programs do not lengthen; runs on all cores are timed by the clock on the wall.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import records

RESULTS = Path(__file__).with_name("results.json")
MODES = ("single", "all")
PACKAGES = ("numpy", "torch", "autograd", "jax", "jaxlib", "numpy-ml")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS = {False: 420, True: 45}


def main():
    """Measure in one process for each setting, write the results, print them."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="single-threaded float64, few sizes")
    parser.add_argument("--output", type=Path, help="where to write the results")
    parser.add_argument("--mode", choices=MODES, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mode:
        json.dump(work(options.mode, options.quick, options.seconds), sys.stdout)
        return
    results = {"machine": machine(), "quick": options.quick, "cases": [], "limits": {}}
    started = time.perf_counter()
    for mode in MODES[: 1 if options.quick else 2]:
        part = in_a_process(mode, options.quick)
        results["cases"] += part.pop("cases")
        results["limits"][mode] = part.pop("limits")
        results |= part
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
        kept = ("operation", "size", "dtype", "threads", "limit", "bound")
        cases.append({key: case[key] for key in kept} | {"sides": sides})
    names = ("machine", "quick", "numpy-ml", "targets", "growth", "profile", "limits")
    return {name: results[name] for name in names if name in results} | {"cases": cases}


def in_a_process(mode, quick):
    """Run one setting in a fresh process: the libraries read the number of threads at import."""
    environment = dict(os.environ)
    count = "1" if mode == "single" else str(len(processors()))
    environment |= dict.fromkeys(THREADS, count)
    if mode == "single":
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        environment["XLA_FLAGS"] = flags
    # Two thirds of the time for the single-threaded part, which the targets are about.
    seconds = SECONDS[quick] * (1 if quick else {"single": 0.65, "all": 0.35}[mode])
    command = [sys.executable, "-m", "benchmarks", "--mode", mode, "--seconds", str(seconds)]
    command += ["--quick"] if quick else []
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def processors():
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def work(mode, quick, seconds):
    """Measure all cases of one setting within about `seconds`."""
    started = time.perf_counter()
    if mode == "single" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors()[-1:])
    import jax
    import torch

    from benchmarks.limits import growth, machine_limits, roofline
    from benchmarks.measure import compare
    from benchmarks.operations import OPERATIONS
    from benchmarks.profiling import profile
    from benchmarks.sides import numpy_ml_import

    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1 if mode == "single" else len(processors()))
    clock = time.process_time if mode == "single" else time.perf_counter
    limits = machine_limits(clock)
    cases = [
        (operation, size, dtype)
        for dtype in ("float64", "float32")[: 1 if quick else 2]
        for operation in OPERATIONS
        for size in sizes(operation, mode, quick)
    ]
    # The targets are about one core, so nothing is left out there, and the large sizes come first:
    # the others share what time is left. On all cores, the largest are left out if time runs out.
    cases.sort(key=lambda case: cost(*case) * (-1 if mode == "single" else 1))
    measured = []
    for i, case in enumerate(cases):
        left = seconds - (time.perf_counter() - started)
        if left < 0 and mode == "all":
            break
        result = compare(*case, clock, left / (len(cases) - i) / 1.5)
        least, bound = roofline(*case, limits)
        measured.append(result | {"threads": mode, "limit": least, "bound": bound})
        print(
            f"{mode}: {i + 1} of {len(cases)}, {left:.0f} s left ",
            end="\r",
            file=sys.stderr,
            flush=True,
        )
    order = [operation.name for operation in OPERATIONS]
    measured.sort(
        key=lambda case: (case["dtype"] == "float32", order.index(case["operation"]), case["size"])
    )
    part = {"cases": measured, "limits": limits, "numpy-ml": numpy_ml_import()}
    part[f"left out, {mode}"] = len(cases) - len(measured)
    if mode == "single" and not quick:
        part["growth"] = growth(clock)
        part["profile"] = profile(clock)
    return part


def sizes(operation, mode, quick):
    """Return a setting's sizes: all for the targets, small ones if quick, some on all cores."""
    if quick:
        return operation.sizes[:4]
    return operation.sizes if mode == "single" else (*operation.sizes[::3], operation.sizes[-1])


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
        "cores": len(processors()),
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
