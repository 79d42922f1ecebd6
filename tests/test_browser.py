"""Every page in a real browser: light and dark, phone and desktop, with and without scripts.

One sweep loads each page in both modes and notes all that the first tests ask; a few pages at a
time, since a browser uses one core a page. These tests take over a minute, so `make test` leaves
them out and `make test-site` runs them.
"""

import asyncio
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from site_browser import (
    DESKTOP,
    FONTS_THAT_FAILED,
    JUMPED,
    PHONE,
    missed_headings,
    open_browser,
    sweep,
    watch,
)
from site_server import serve

pytestmark = pytest.mark.site


@pytest.fixture(scope="session")
def names(site):
    """Give the pages, as paths below the site's folder."""
    found = (path.relative_to(site) for path in sorted(site.rglob("*.html")))
    return [path.as_posix() for path in found if path.parts[0] != "_static"]


@pytest.fixture(scope="session")
def address(site):
    """Serve the site."""
    with serve(site) as base:
        yield base


@pytest.fixture(scope="session")
def visits(chromium, address, names):
    """Give what each visit noted, by mode and page."""
    return asyncio.run(sweep(chromium, address, names))


def noted(visits, what):
    return {" ".join(key): visit[what] for key, visit in visits.items() if visit[what]}


def test_no_page_has_an_error_or_a_failed_or_foreign_request(visits):
    assert noted(visits, "troubles") == {}


def test_every_formula_is_rendered_and_its_fonts_arrive(visits):
    assert noted(visits, "empty formulas") == {}
    assert noted(visits, "failed fonts") == {}


@pytest.mark.parametrize("window", ["phone", "narrow", "desktop"])
def test_no_page_scrolls_sideways(visits, window):
    assert noted(visits, f"too wide, {window}") == {}


def test_no_page_moves_while_it_loads(visits):
    shifts = noted(visits, "layout shift")
    assert {key: shift for key, shift in shifts.items() if shift >= 0.01} == {}


def test_axe_finds_nothing(visits):
    assert noted(visits, "axe") == {}


@pytest.fixture
def browser(chromium):
    """Open a browser for one test: while it is open, no other event loop can run."""
    with sync_playwright() as playwright:
        browser = open_browser(playwright, chromium)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, site, address):
    """Open a page; the test fails when it meets an error."""
    page = browser.new_page(viewport=DESKTOP)
    troubles = watch(page, address, site.as_uri())
    yield page
    assert troubles == []


@pytest.mark.parametrize("place", ["server", "folder"])
def test_the_search_finds_whitening(page, site, address, place):
    page.goto((address if place == "server" else f"{site.as_uri()}/") + "index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("whitening")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=whitening*")
    result = page.locator("#search-results li a[href*='batchnorm/whitening.html']").first
    result.wait_for()
    result.click()
    page.wait_for_url("**/batchnorm/whitening.html*")


def test_every_page_opens_from_a_folder(page, site, names):
    for name in names:
        if name != "404.html":  # Only a server shows it.
            page.goto(f"{site.as_uri()}/{name}")
            assert page.evaluate(FONTS_THAT_FAILED) == 0, name
            assert page.evaluate("document.styleSheets.length") > 0, name


def test_wide_code_can_be_reached_by_keyboard_once_it_is_unfolded(browser, address):
    page = browser.new_page(viewport=PHONE)
    page.goto(f"{address}chapters/practice/dropout.html")
    folded = page.locator("details:has(div.highlight)").first
    assert folded.locator("pre").first.get_attribute("tabindex") is None
    folded.locator("summary").first.click()
    page.wait_for_selector("details[open] pre[tabindex='0']")
    page.close()


@pytest.mark.parametrize("name", ["batchnorm/gradient_input", "backprop/weights"])
def test_every_heading_in_the_contents_lands(page, address, name):
    assert missed_headings(f"{address}chapters/{name}.html", page.goto, page.evaluate) == {}


def test_nothing_jumps_while_scrolling_up(page, address):
    page.goto(f"{address}chapters/batchnorm/gradient_input.html")
    assert page.evaluate(JUMPED) <= 1


def picture(page, box):
    """Take the brightness of the pixels in a box of a page."""
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("L"), dtype=int)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_in_forced_colours_the_letter_under_an_accent_is_seen(browser, address, mode):
    page = browser.new_page(forced_colors="active", color_scheme=mode)
    page.goto(f"{address}chapters/batchnorm/gradient_input.html")
    letters = page.locator("div.math .katex-accent .vlist > :first-child > .mord")
    assert letters.count() > 5
    for letter in letters.all()[:3]:
        letter.scroll_into_view_if_needed()
        box = letter.bounding_box()
        shown = picture(page, box)
        letter.evaluate("(letter) => { letter.style.opacity = 0; }")
        assert (abs(shown - picture(page, box)) > 100).sum() > 20
    page.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_page_reads_without_scripts(browser, address, mode):
    context = browser.new_context(java_script_enabled=False, color_scheme=mode)
    page = context.new_page()
    page.goto(f"{address}chapters/batchnorm/gradient_input.html")
    assert page.locator("h1").is_visible()
    assert page.locator("svg.figure").first.is_visible()
    heights = [box.bounding_box()["height"] for box in page.locator("div.math .katex-html").all()]
    assert heights
    assert min(heights) > 10
    page.goto(f"{address}chapters/equations.html")
    assert page.locator("table.equation-index tbody tr").count() == 97
    assert not page.locator(".equation-filter").is_visible()
    context.close()


def test_a_missing_page_at_any_depth_shows_the_way(browser, address):
    page, missing = browser.new_page(), []
    page.on(
        "response",
        lambda answer: (
            missing.append(answer.url)
            if answer.status >= 400 and not answer.request.is_navigation_request()
            else None
        ),
    )
    for path in ("nothing", "chapters/nothing.html", "a/b/c/d/nothing.html"):
        assert page.goto(address + path).status == 404
    assert missing == []
    page.locator("article a", has_text="front page").click()
    page.wait_for_url("**/index.html")


def test_the_keyboard_skips_to_the_text_and_is_seen(page, address):
    page.goto(f"{address}chapters/dropout/variance.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    # It slides in.
    page.wait_for_function("document.activeElement.getBoundingClientRect().y >= 0")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = "document.activeElement"
    assert page.evaluate(f"{focused}.closest('main')?.id") == "main-content"
    assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"


def test_who_asks_for_less_motion_gets_none(browser, address):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"{address}chapters/dropout/variance.html")
    moving = """[...document.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element);
      return parseFloat(style.transitionDuration) || style.animationName !== "none";
    }).length"""
    assert page.evaluate(moving) == 0


def test_on_paper_there_is_the_text_and_nothing_to_click(page, address):
    page.goto(f"{address}chapters/batchnorm/gradient_input.html")
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    for part in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer", ".copybtn"):
        assert not page.locator(part).first.is_visible(), part
