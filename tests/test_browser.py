"""Every page in a real browser: light and dark, phone and desktop, with and without scripts.

One sweep loads each page in both modes and notes all that the first tests ask; a few pages at a
time, since a browser uses one core a page. These tests take over a minute, so `make test` leaves
them out and `make test-site` runs them.
"""

import asyncio
import io
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from site_browser import (
    DESKTOP,
    FONTS_THAT_FAILED,
    JUMPED,
    LAY_OUT_ALL,
    NARROW,
    PHONE,
    PRESS_A_LINK,
    TWO_FRAMES,
    UNFOLDED,
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


@pytest.fixture(params=["server", "folder"])
def place(request, site, address):
    return address if request.param == "server" else f"{site.as_uri()}/"


@pytest.mark.parametrize(
    ("asked", "text", "leads_to"),
    [("78", "Equation (78), in 2.3", "gradient_input.html#equation-eq-78"),
     ("(16)", "Equation (16), in 1.2", "variance.html#equation-eq-16"),
     ("equation 3", "Equation (3), in 1.1", "rescaling.html#equation-eq-3"),
     ("1.2", "Question 1.2", "dropout/variance.html"),
     ("question 3", "Question 3 (", "softmax_cross_entropy.html"),
     ("Q3.1", "Question 3.1", "activations.html"),
     ("bonus question 1.4", "Question 1.4", "poisson_limit.html"),
     ("batchnorm_backward", "Function ", "api.html#hw1lib.batchnorm.batchnorm_backward"),
     ("hw1lib.softmax()", "Function ", "api.html#hw1lib.mlp.softmax"),
     ("check.kaiming_stds", "Mistakes that ", "mistakes_backprop.html#kaiming-stds"),
     ("dropout scale", "Mistakes that ", "mistakes_dropout.html#dropout-scale")],
)  # fmt: skip
def test_the_search_shows_the_place_first(page, place, asked, text, leads_to):
    page.goto(f"{place}search.html?q={quote(asked)}")
    first = page.locator("ul.search a").first
    first.wait_for()
    assert first.inner_text().startswith(text)
    assert first.get_attribute("href").endswith(leads_to)


def test_both_search_fields_lead_to_a_place_while_sphinx_still_loads(browser, address):
    page = browser.new_page(viewport=DESKTOP)
    page.route("**/searchindex.js*", lambda route: None)
    page.goto(f"{address}index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("(16)")
    page.keyboard.press("Enter")
    page.get_by_text("Equation (16), in 1.2").wait_for()
    page.locator("main input[name=q]").fill("eq. 33")
    page.keyboard.press("Enter")
    page.get_by_text("Equation (33), in 1.5").click()
    page.wait_for_url("**/poisson_width.html#equation-eq-33")
    page.close()


def test_an_equation_of_the_book_is_found_by_its_number_and_letter(browser, address):
    page = browser.new_page()
    data = 'const PLACES = {pages: [["a.html", "A"]], places: [["78a", "Equation (78a)", 0, ""]]}'
    page.route("**/places.js*", lambda route: route.fulfill(body=data))
    page.goto(f"{address}search.html?q=equation+78a")
    assert page.locator(".places a").get_attribute("href") == "a.html"
    page.close()


def test_where_nothing_but_a_place_is_found_the_search_does_not_say_that_it_found_nothing(
    page, address
):
    page.goto(f"{address}search.html?q=78")
    page.wait_for_selector("#search-results", state="hidden")
    page.goto(f"{address}search.html?q=nothingofthekind")
    page.get_by_text("did not match any").wait_for()
    assert page.locator(".places").count() == 0


def test_only_a_page_that_was_reached_from_the_results_has_marks(page, place):
    warnings = []
    page.on("console", lambda message: message.type == "warning" and warnings.append(message.text))
    marks = page.locator("article .highlighted")
    page.goto(f"{place}search.html?q=whitening")
    result = page.locator("#search-results li a[href*='batchnorm/whitening.html']").first
    result.wait_for()
    page.goto(f"{place}chapters/batchnorm/whitening.html")
    page.wait_for_timeout(100)
    assert marks.count() == page.locator(".highlight-link").count() == 0
    page.go_back()
    result.click()
    page.wait_for_url("**/batchnorm/whitening.html")
    marks.first.wait_for()
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "anchor"),
    [("api", "hw1lib.batchnorm.batchnorm_backward"),
     ("practice/mistakes_batchnorm", "batchnorm-gradients"),
     ("errata", "erratum-8"), ("errata", "the-limits-of-a-substitution")],
)  # fmt: skip
def test_a_link_opens_what_is_folded_and_opens_it_again(page, place, name, anchor):
    address = f"{place}chapters/{name}.html"
    page.goto(f"{address}#{anchor}")
    assert page.evaluate(UNFOLDED, anchor)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = false; })")
    page.evaluate(PRESS_A_LINK, anchor)
    assert page.evaluate(UNFOLDED, anchor)
    page.goto("about:blank")
    page.goto(f"{place}chapters/api.html#module-hw1lib.mlp")
    assert page.locator("details[open]").count() == 0


FOLDING = ("api", "practice/mistakes_batchnorm", "errata", "tested", "equations",
           "equations/dropout",
           "equations/batchnorm", "equations/gradient", "equations/backprop")  # fmt: skip


@pytest.mark.parametrize("name", FOLDING)
def test_a_page_to_look_up_in_is_no_longer_than_a_phone_can_scroll(browser, address, name):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(f"{address}chapters/{name}.html")
    page.add_style_tag(content=LAY_OUT_ALL)
    assert page.evaluate("document.documentElement.scrollHeight") < 15_000
    page.close()


def test_a_formula_that_is_unfolded_can_be_scrolled_by_keyboard(browser, address):
    page = browser.new_page(viewport=NARROW)
    page.goto(f"{address}chapters/errata.html")
    assert page.locator(".formula[tabindex='0']").count() == 0
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.wait_for_selector("details[open] .formula[tabindex='0']")
    page.close()


def test_what_is_higher_than_its_line_is_not_cut(page, address):
    page.goto(address + "chapters/dropout/variance.html")
    found = "spans => spans.map((span) => getComputedStyle(span).overflowY)"
    assert set(page.locator("p span.math").evaluate_all(found)) == {"visible"}


def test_the_index_of_the_equations_is_filtered_by_word_and_by_verdict(page, address):
    page.goto(f"{address}chapters/equations/dropout.html#check-16")
    shown = page.locator(".equation-index li:visible")
    assert shown.count() == 33
    page.locator(".equation-filter input").fill("variance after")
    assert [entry.get_attribute("id") for entry in shown.all()] == ["check-16"]
    assert page.locator(".equation-filter output").inner_text() == "1 of 33 equations"
    page.locator(".equation-filter select").select_option("correct")
    assert page.locator(".equation-index:visible").count() == 0


def test_a_copied_example_has_neither_prompts_nor_output(browser, address):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}chapters/api.html#hw1lib.dropout.dropout_mask")
    example = page.locator("[id='hw1lib.dropout.dropout_mask'] .highlight", has_text=">>>")
    example.hover()
    example.locator(".copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    lines = [line for line in example.locator("pre").inner_text().splitlines() if line[:3] == ">>>"]
    assert copied.splitlines() == [line[4:] for line in lines]
    context.close()


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
    page.goto(f"{address}chapters/batchnorm/why.html")
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
    page.goto(f"{address}chapters/equations/dropout.html")
    assert page.locator(".equation-index li").count() == 33
    assert not page.locator(".equation-filter").is_visible()
    page.goto(f"{address}chapters/practice/dropout.html")
    page.locator("summary", has_text="Hint").first.click()
    assert page.locator("details[open] .katex-html").first.is_visible()
    page.locator("a", has_text="The solution").first.click()
    assert page.locator("h1").inner_text().startswith("Solutions")
    assert page.locator(".katex-html").first.is_visible()
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
    page.goto(f"{address}chapters/errata.html")
    assert page.locator("details.on-paper p").first.is_visible()
