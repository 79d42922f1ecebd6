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
    LAY_OUT_ALL,
    PHONE,
    TWO_FRAMES,
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


def test_code_outputs_and_tables_fit_on_a_phone(browser, address, names):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    wide = {}
    for name in names:
        page.goto(address + name)
        page.add_style_tag(content=LAY_OUT_ALL + " details > * { display: block }")
        boxes = page.evaluate(
            """[...document.querySelectorAll(
              "article :is(pre, table, .pst-scrollable-table-container)")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1)
            .map((box) => box.textContent.trim().slice(0, 60))"""
        )
        wide |= {name: boxes} if boxes else {}
    page.close()
    assert wide == {}


@pytest.mark.parametrize(("width", "fewest", "most"), [(1280, 64, 76), (360, 34, 46)])
def test_a_line_of_text_has_a_length_that_reads_well(browser, address, width, fewest, most):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"{address}chapters/dropout/rescaling.html")
    page.add_style_tag(content=LAY_OUT_ALL)
    lengths = page.evaluate(
        """[...document.querySelectorAll("article section > p:not(:has(.math))")]
        .map((p) => [p.textContent.length, p.clientHeight, getComputedStyle(p).lineHeight])
        .map(([letters, height, line]) => [letters, height / parseFloat(line)])
        .filter(([, lines]) => lines > 2.5)
        .map(([letters, lines]) => letters / (lines - 0.5))"""  # half of the last line, on average
    )
    page.close()
    assert len(lengths) > 3
    assert fewest <= sum(lengths) / len(lengths) <= most


def test_all_links_have_one_colour(page, address):
    page.goto(f"{address}chapters/errata.html")
    colours = page.evaluate(
        """[...new Set([...document.querySelectorAll("article a.reference")]
        .map((link) => getComputedStyle(link).color))]"""
    )
    assert len(colours) == 1


@pytest.mark.parametrize("place", ["server", "folder"])
@pytest.mark.parametrize("label", ["eq-66", "eq-61"])  # of this page, of another
def test_a_reference_shows_its_equation_when_pointed_at_or_focused(
    page, site, address, place, label
):
    base = address if place == "server" else f"{site.as_uri()}/"
    page.goto(base + "chapters/batchnorm/gradient_input.html")
    link = page.locator(f'article a[href$="#equation-{label}"]:not(.headerlink)').first
    box = page.locator(".equation-preview")
    for reach, leave in (
        (link.hover, lambda: page.mouse.move(0, 0)),
        (link.focus, lambda: page.keyboard.press("Escape")),
    ):
        reach()
        box.locator(".katex").first.wait_for()
        assert link.get_attribute("aria-describedby") == box.get_attribute("id")
        inside = box.bounding_box()
        assert 0 <= inside["x"] <= DESKTOP["width"] - inside["width"]
        leave()
        box.wait_for(state="hidden")


@pytest.mark.parametrize("way", ["click", "keyboard", "touch"])
def test_a_menu_opens_at_the_first_press(browser, address, way):
    context = browser.new_context(viewport=PHONE, has_touch=True)
    page = context.new_page()
    page.goto(f"{address}chapters/dropout/variance.html")
    button = page.locator(".dropdown-download-buttons > button")
    if way == "keyboard":
        button.focus()
        page.keyboard.press("Enter")
    else:
        button.tap() if way == "touch" else button.click()
    page.locator(".dropdown-download-buttons .dropdown-menu.show").wait_for()
    context.close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_part_and_the_place_stay_in_sight(browser, address, size):
    page = browser.new_page(viewport=size)
    page.goto(f"{address}chapters/backprop/kaiming.html")
    page.evaluate("scrollTo(0, 3000)")
    page.evaluate(TWO_FRAMES)
    assert page.evaluate(
        """(() => {
          const { left, top, height } = document.querySelector(".place").getBoundingClientRect();
          const seen = document.elementFromPoint(left + 5, top + height / 2);
          return top >= 0 && seen.closest(".place") !== null;
        })()"""
    )
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
