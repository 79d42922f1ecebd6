"""The suite with other versions: `make versions`, and whether every pin has a wheel: `nox -s wheels`.

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
