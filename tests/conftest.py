"""The site, built once for all tests that read it, and the browser that shows it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def site():
    """Build the site as `make book` does, and give its folder."""
    # One build at a time: another worker's would take files away from the tests of this one.
    lock = ROOT / ".site-build"
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            if time.time() - lock.stat().st_mtime > 300:  # of a run that was killed
                lock.rmdir()
            time.sleep(0.5)
    try:
        return build()
    finally:
        lock.rmdir()


def build():
    """Build the site, unless it was built a moment ago by another worker of this run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    stamp = ROOT / "_build" / f"tested-{run}"
    if run and stamp.exists():
        return ROOT / "_build" / "html"
    program = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    command = [program, "build", str(ROOT), "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        # A second build would not repeat the warnings.
        shutil.rmtree(ROOT / "_build", ignore_errors=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    if run:
        stamp.touch()
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def pages(site):
    """Parse each page of the site."""
    from selectolax.lexbor import LexborHTMLParser

    return {
        path: LexborHTMLParser(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.relative_to(site).parts  # templates of the theme
    }


@pytest.fixture(scope="session")
def chapters(pages, site):
    """Return the pages that people write."""
    found = sorted((ROOT / "chapters").rglob("*.*"))
    written = [ROOT / "index.md", *(path for path in found if path.suffix in (".ipynb", ".md"))]
    return {path: pages[site / path.relative_to(ROOT).with_suffix(".html")] for path in written}


@pytest.fixture(scope="session")
def chromium():
    """Return the browser's path, or skip; where CI has none, fail."""
    from site_browser import find_chromium  # here, since playwright takes a while to import

    path, advice = find_chromium(), "no Chromium here; on Debian: apt-get install chromium"
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(advice)
    if path is None:
        pytest.skip(advice)
    return path


@pytest.fixture(scope="module")
def chrome(chromium):
    """Return Chromium, open for the tests of a module."""
    from playwright.sync_api import sync_playwright

    from site_browser import open_browser

    with sync_playwright() as playwright:
        browser = open_browser(playwright, chromium)
        yield browser
        browser.close()
