"""pytest plugin: count the equations that a run has checked, and keep what it measured."""

import platform
from importlib.metadata import version
from pathlib import Path

import pytest

import records

RESULTS = Path(__file__).parent.parent / "chapters" / "equations.json"
COUNT = 97
LIBRARIES = ("numpy", "scipy", "sympy", "torch")


def pytest_addoption(parser):
    """Add the option that keeps the results for the index page."""
    text = f"write what the checks of the equations measured into {RESULTS.name}, for the site"
    parser.addoption("--write-equations", action="store_true", help=text)


@pytest.fixture(autouse=True)
def _name_the_equation(request, record_property):
    """Store a check's number and means in its report: these travel between processes."""
    for marker in request.node.iter_markers("equation"):
        record_property("equation", marker.args[0])
        record_property("by", marker.kwargs["by"])


def measured(report):
    """Return the record of one check for the index page."""
    properties = dict(report.user_properties)
    errors = [value for name, value in report.user_properties if name == "error"]
    floats = [error for error in errors if error != "exact"]
    record = {"test": report.nodeid, "by": properties["by"]}
    if "exact" in errors:
        record["exact"] = True
    if floats:
        record["error"] = max(floats)
    deviations = [value for name, value in report.user_properties if name == "standard_errors"]
    if deviations:
        record["standard_errors"] = max(deviations)
    return record


def pytest_terminal_summary(terminalreporter, config):
    """Say in one line how many equations this run has checked."""
    outcomes = {
        outcome: [
            report
            for report in terminalreporter.getreports(outcome)
            if report.when == "call" and "equation" in dict(report.user_properties)
        ]
        for outcome in ("passed", "failed")
    }
    failed = {dict(report.user_properties)["equation"] for report in outcomes["failed"]}
    checks = {}
    for report in outcomes["passed"]:
        number = dict(report.user_properties)["equation"]
        checks.setdefault(number, []).append(measured(report))
    good = set(checks) - failed
    if good or failed:
        terminalreporter.write_line(f"equations: {len(good)} of {COUNT} have a check that passes")
    if config.getoption("write_equations") and not failed:
        write(checks)


def write(checks):
    """Keep the results, and the versions they were measured with."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    equations = {
        number: sorted(checks[number], key=lambda check: check["test"]) for number in sorted(checks)
    }
    records.write(RESULTS, {"versions": versions, "equations": equations})
