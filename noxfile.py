"""The suite with other versions: `make versions`.

With the lowest versions that pyproject.toml declares and the newest that it allows, on each Python
that it names and that is found here. Where a lowest version has no wheel for a Python, the lowest
that has one. Only the Python that the book is built with gets torch, the pinned version; the
others run what needs none.
"""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
WITH_TORCH = PYTHONS[0]
TORCH = next(
    line for line in Path("requirements.txt").read_text().splitlines() if line.startswith("torch==")
)
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
TABLE = Path("_build/versions.md")
COLUMNS = ("threads", "python", "numpy", "scipy", "matplotlib", "passed", "failed", "skipped")
SHOW = """
import platform
from importlib.metadata import version
print(platform.python_version(), *map(version, ("numpy", "scipy", "matplotlib")))
"""

nox.options.default_venv_backend = "uv"
nox.options.envdir = "_build/versions"


def requirements():
    """List what the tests need, without hw1lib itself and torch."""
    extras = PROJECT["project"]["optional-dependencies"]
    needed = PROJECT["project"]["dependencies"] + extras["book"] + extras["grade"] + extras["dev"]
    return [line for line in needed if not line.startswith(("homework-1-checked", "torch>"))]


@nox.session(python=PYTHONS)
@nox.parametrize("versions", list(RESOLUTIONS))
def suite(session, versions):
    """Run every test and every notebook, with one thread and with two."""
    needed, options = requirements(), ["--without-torch"]
    if session.python == WITH_TORCH:
        # First and alone, so that the resolution for the lowest does not look for another build.
        session.install("--no-deps", TORCH)
        needed, options = [*needed, TORCH], []
    if versions == "lowest":
        # An old release may call what a newer package below it has deprecated, and an old
        # Matplotlib lays text out in another way.
        options += ["-W", "default::DeprecationWarning", "--any-figures"]
    # Only quickjs may be compiled: it has no wheels for Python 3.12 and later.
    names = {re.match(r"[\w-]+", line)[0] for line in needed} - {"quickjs"}
    wheels = [f"--only-binary={name}" for name in sorted(names)]
    session.install(*wheels, "--resolution", RESOLUTIONS[versions], *needed)
    session.install("--no-deps", "-e", ".")
    found = session.run("python", "-c", SHOW, silent=True).split()
    arguments = session.posargs or ["-n", "auto", "--dist", "loadscope"]
    failed = 0
    for threads in "12":
        report = Path(session.create_tmp(), f"{threads}.xml")
        report.unlink(missing_ok=True)
        session.run(
            *("pytest", "-q", *arguments, *options),
            *("-o", "junit_family=xunit1", f"--junitxml={report}"),
            env={"OMP_NUM_THREADS": threads},
            success_codes=range(6),
        )
        counts = count(report)
        write_row(threads, *found, *counts)
        failed += counts[1]
    if failed:
        session.error(f"{failed} failed")


def count(report):
    """Count what has passed, failed and been skipped; a run without a report has failed."""
    if not report.exists():
        return 0, 1, 0
    suite = ET.parse(report).getroot()[0].attrib
    skipped = int(suite["skipped"])
    failed = int(suite["failures"]) + int(suite["errors"])
    return int(suite["tests"]) - failed - skipped, failed, skipped


def write_row(*cells):
    """Add a run to the table."""
    if not TABLE.exists():
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n")
    with TABLE.open("a") as table:
        table.write(f"| {' | '.join(map(str, cells))} |\n")
