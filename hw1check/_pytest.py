"""A plugin for pytest, which cuts the text of what is asserted: it shows a wrong report whole."""

import pytest

from hw1check._problem import LAST


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Forget the report of an earlier test."""
    LAST.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add the test's last report to what is shown of its failure."""
    result = yield
    if call.when == "call" and call.excinfo and LAST and not LAST[-1]:
        result.sections.append(("hw1check", str(LAST[-1])))
    return result
