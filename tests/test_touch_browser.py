"""The figures that one can touch, in Chromium: by mouse, finger and key, and on paper."""

import pytest

from site_browser import PHONE, watch
from site_server import serve
from test_notebooks import ROOT
from test_touch import NAMES, SCRIPTS, stored

pytestmark = pytest.mark.site

SMALL = {"width": 360, "height": 740}
STATE = "document.querySelector('[data-figure={}]').state()"
# The marks that run out of the drawing, and the size of the smallest text, in pixels of the window.
OUTSIDE = """
(name) => {
  const svg = document.querySelector(`[data-figure=${name}] > svg`);
  const whole = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll("polyline, rect, text, circle:not(.reach)")];
  return marks.filter((mark) => {
    const { left, right, top, bottom } = mark.getBoundingClientRect();
    return left < whole.left - 3 || right > whole.right + 3 || top < whole.top - 3
      || bottom > whole.bottom + 3;
  }).map((mark) => mark.outerHTML.slice(0, 120));
}"""
SMALLEST = """
(name) => {
  const svg = document.querySelector(`[data-figure=${name}] > svg`);
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return scale * Math.min(...[...svg.querySelectorAll("text")].map((text) =>
    Number(text.getAttribute("font-size"))));
}"""


@pytest.fixture(scope="module")
def address(site):
    with serve(site) as base:
        yield base


def place_of(name):
    return stored()[name][0].relative_to(ROOT).with_suffix(".html").as_posix()


def open_figure(page, base, name):
    """Go to a figure, wait until it is alive, and answer its guess."""
    page.goto(base + place_of(name))
    figure = page.locator(f"[data-figure={name}].is-live")
    figure.locator("svg").wait_for()
    figure.evaluate("(box) => box.scrollIntoView({ block: 'center', behavior: 'instant' })")
    if figure.locator(".touch-guess button").count():
        assert figure.locator("dl div").count() == 0
        figure.locator(".touch-guess button").first.click()
    return figure


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def page(chrome, address, site):
    context = chrome.new_context(viewport=SMALL, has_touch=True)
    page = context.new_page()
    troubles = watch(page, address, site.as_uri())
    yield page
    context.close()
    assert troubles == []


@pytest.mark.parametrize("where", ["server", "folder"])
def test_it_comes_with_its_page_from_a_server_and_from_a_folder(page, address, site, name, where):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    base = address if where == "server" else f"{site.as_uri()}/"
    open_figure(page, base, name)
    assert sum("touch/kit.js" in url for url in asked) == 1


def controls(figure):
    return figure.locator(".grip, .touch-sliders input")


def test_each_control_moves_by_key_to_both_ends_and_says_where_it_is(page, address, name):
    figure = open_figure(page, address, name)
    first = page.evaluate(STATE.format(name))
    for i in range(controls(figure).count()):
        control = controls(figure).nth(i)
        said = set()
        for key in ("End", "Home", "ArrowRight", "PageUp"):
            control.press(key)
            said.add(control.get_attribute("aria-valuetext"))
            assert page.evaluate(OUTSIDE, name) == []
        assert len(said) >= 3
        assert all(said)
    assert page.evaluate(STATE.format(name)) != first
    figure.locator(".touch-reset").click()
    assert page.evaluate(STATE.format(name)) == first
    assert figure.locator(".touch-reset").is_disabled()


def test_a_grip_is_dragged_by_mouse_and_by_finger(page, address, name):
    figure = open_figure(page, address, name)
    page.evaluate("addEventListener('pointercancel', () => { window.taken = true; })")
    for i in range(figure.locator(".grip").count()):
        grip = figure.locator(".grip").nth(i)
        along = grip.get_attribute("aria-orientation") == "horizontal"
        for way in ("mouse", "finger"):
            before = page.evaluate(STATE.format(name))
            box = grip.locator(".reach").bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            drag(page, way, (x, y), 25 if along else 0, 0 if along else -25)
            if page.evaluate(STATE.format(name)) == before:  # it was at its end
                drag(page, way, (x, y), -25 if along else 0, 0 if along else 25)
            assert page.evaluate(STATE.format(name)) != before, way
    assert not page.evaluate("window.taken"), "the page scrolled and took the finger from the grip"


def drag(page, way, start, dx, dy):
    x, y = start
    if way == "mouse":
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx, y + dy, steps=3)
        page.mouse.up()
        return
    session = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [(x, y)]),
        ("touchMove", [(x + dx / 2, y + dy / 2)]),
        ("touchMove", [(x + dx, y + dy)]),
        ("touchEnd", []),
    ):
        touches = [{"x": px, "y": py} for px, py in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


SWITCHED = [name for name in NAMES if "pen.toggle(" in (SCRIPTS / f"{name}.js").read_text("utf-8")]


@pytest.mark.parametrize("name", SWITCHED)
def test_a_switch_is_flipped_by_mouse_finger_and_key_and_says_so(page, address, name):
    figure = open_figure(page, address, name)
    first = page.evaluate(STATE.format(name))
    for switch in figure.get_by_role("switch").all():
        assert switch.get_attribute("aria-label")
        on, place = switch.get_attribute("aria-checked"), page.evaluate("scrollY")
        reach = switch.locator(".reach")
        for way in ("click", "tap", "Space", "Enter"):
            if way in ("click", "tap"):
                getattr(reach, way)()
            else:
                switch.press(way)
            on = {"true": "false", "false": "true"}[on]
            assert switch.get_attribute("aria-checked") == on
            assert page.evaluate(OUTSIDE, name) == []
            assert page.evaluate(STATE.format(name)) != first
        assert page.evaluate("scrollY") == place
        assert reach.bounding_box()["width"] >= 36
    figure.locator(".touch-reset").click()
    assert page.evaluate(STATE.format(name)) == first


PRESSED = [name for name in NAMES if "buttons: [" in (SCRIPTS / f"{name}.js").read_text("utf-8")]


@pytest.mark.parametrize("name", PRESSED)
def test_a_button_changes_the_state_each_time_or_cannot_be_pressed(page, address, name):
    figure = open_figure(page, address, name)
    for button in figure.locator("> button").all():
        assert button.is_enabled()
        for _ in range(3):
            before = page.evaluate(STATE.format(name))
            if button.is_enabled():
                button.click()
                assert page.evaluate(STATE.format(name)) != before
            assert page.evaluate(OUTSIDE, name) == []


def test_it_is_whole_and_readable_on_a_phone(page, address, name):
    open_figure(page, address, name)
    assert page.evaluate(OUTSIDE, name) == []
    assert page.evaluate(SMALLEST, name) >= 9
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]


def test_what_has_changed_is_spoken_once_the_hand_rests(page, address, name):
    figure = open_figure(page, address, name)
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft"):  # one end or the other may be the start
        controls(figure).first.press(key)
    page.wait_for_function(
        f"document.querySelector('[data-figure={name}] .touch-spoken').textContent.length > 8"
    )


def test_without_scripts_and_on_paper_the_still_drawing_is_there(chrome, page, address, name):
    open_figure(page, address, name)
    page.emulate_media(media="print")
    still = page.locator(f".figure-box:has(+ [data-figure={name}])")
    assert still.is_visible()
    assert not page.locator(f"[data-figure={name}] svg").is_visible()
    context = chrome.new_context(viewport=PHONE, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(address + place_of(name))
    assert plain.locator("svg.figure").first.is_visible()
    context.close()


@pytest.mark.parametrize("mode", ["light", "dark", "forced"])
def test_its_marks_are_seen_in_every_mode(chrome, address, name, mode):
    settings = {"forced_colors": "active"} if mode == "forced" else {"color_scheme": mode}
    context = chrome.new_context(viewport=SMALL, **settings)
    page = context.new_page()
    figure = open_figure(page, address, name)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    inks = figure.evaluate(
        """(figure) => [...new Set([...figure.querySelectorAll("svg text, svg .knob")].map((mark) =>
          getComputedStyle(mark).fill))]"""
    )
    context.close()
    assert inks
    assert ground not in inks
