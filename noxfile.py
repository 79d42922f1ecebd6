"""What a maintainer runs now and then: `nox --list`. The Makefile has what everybody needs.

`suite` repeats the tests with the lowest versions that pyproject.toml declares and the newest that
it allows, on each Python that it names and that is found here. Where a lowest version has no wheel
for a Python, the lowest that has one. Only the Python that the book is built with gets torch, the
pinned version; the others run what needs none. All other sessions run in the project's environment.
"""

import os
import re
import sys
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

# Where the pinned requirements install without a compiler; by uv's names.
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
OLDEST = {"3.11": "3.11.2"}  # that of Debian 12
MACOS = "15.0"

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["suite"]
nox.options.envdir = "_build/versions"


def requirements():
    """List what the tests need, without hw1lib itself and torch."""
    extras = PROJECT["project"]["optional-dependencies"]
    needed = PROJECT["project"]["dependencies"] + extras["book"] + extras["grade"] + extras["dev"]
    return [line for line in needed if not line.startswith(("homework-1-checked", "torch>"))]


def tool(session, *command, extra=None, path="tools"):
    """Run a module or a script of the project, with what it needs beyond the tests' packages."""
    if extra:
        session.run(sys.executable, "-m", "pip", "install", "--quiet", "-e", f".[{extra}]")
    paths = os.pathsep.join((path, os.environ.get("PYTHONPATH", "")))
    session.run(sys.executable, *command, *session.posargs, env={"PYTHONPATH": paths})


@nox.session(python=False)
def mutants(session):
    """Break hw1lib in thousands of places: a unit test must notice each."""
    tool(session, "tools/mutants.py", extra="mutants")


@nox.session(python=False)
def notebook_mutants(session):
    """Break each function that a chapter uses: a notebook must notice."""
    tool(session, "tools/break_notebooks.py")


@nox.session(python=False)
def seeds(session):
    """Hold each known mistake to its name at a hundred seeds."""
    command = ("-m", "pytest", "tests/test_check.py", "-q", "-n", "auto", "-k", "every_seed")
    session.run(sys.executable, *command, *session.posargs, env={"CHECK_SEEDS": "100"})


@nox.session(python=False)
def bench(session):
    """Compare hw1lib's speed with its peers' (`-- --quick`: a minute, not recorded)."""
    tool(session, "-m", "benchmarks", extra="bench")


@nox.session(python=False)
def campaigns(session):
    """Repeat the long runs of the notebooks that are named, and record them there."""
    tool(session, "tools/campaigns.py")


@nox.session(python=False)
def site_report(session):
    """Measure the built site against its targets (Chromium, and Node for Lighthouse)."""
    tool(session, "tools/site_report.py", path="tests")


@nox.session(python=False)
def bytecode(session):
    """Compile ahead what Python imports in a page (Chromium, and uv's Python 3.13)."""
    tool(session, "tools/bytecode.py", path="tests")


@nox.session(python=False)
def points(session):
    """Write the points of hw1check/homework.toml into the practice notebooks."""
    tool(session, "tools/points.py")


@nox.session(python=False)
def equations(session):
    """Run the checks of the equations and record what they measure."""
    tool(session, "-m", "pytest", "tests/equations", "-q", "--write-equations")


@nox.session(python=False)
def lock(session):
    """Pin in requirements.txt the newest releases that pyproject.toml allows."""
    pip = (sys.executable, "-m", "pip")
    session.run(*pip, "install", "--upgrade", "--upgrade-strategy", "eager", "-e", ".[dev]", TORCH)
    frozen = session.run(*pip, "freeze", "--exclude", PROJECT["project"]["name"], silent=True)
    pins = [line.removesuffix("+cpu") for line in frozen.splitlines() if "==" in line]
    Path("requirements.txt").write_text("\n".join(["-e .", *pins]) + "\n")


@nox.session(python=False)
@nox.parametrize("platform", PLATFORMS)
@nox.parametrize("version", PYTHONS)
def wheels(session, platform, version):
    """Look up a wheel of every pin: what has none takes a compiler, or does not install."""
    pins = Path(session.create_tmp(), "pins.txt")
    pins.write_text(Path("requirements.txt").read_text().replace("-e .\n", ""))
    session.run(
        *("uv", "pip", "compile", str(pins), "--quiet", "--no-deps", "--only-binary", ":all:"),
        *("--python-platform", platform, "--python-version", OLDEST.get(version, version)),
        env={"MACOSX_DEPLOYMENT_TARGET": MACOS},
        external=True,
        silent=True,
    )


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
    names = {re.match(r"[\w-]+", line)[0] for line in needed}
    wheels = [f"--only-binary={name}" for name in sorted(names)]
    session.install(*wheels, "--resolution", RESOLUTIONS[versions], *needed)
    session.install("--no-deps", "-e", ".")
    found = session.run("python", "-c", SHOW, silent=True).split()
    arguments = session.posargs or ["-n", "auto"]
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
