"""In a browser, each slider changes its figure to the values that hw1lib gives."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
from moving_figures import LIBRARY, figure
from playwright.sync_api import sync_playwright

import hw1lib as hw
from moving import ROOT, find_figures
from site_browser import open_browser, watch

pytestmark = pytest.mark.site
FIGURES = find_figures()
PHONE = {"width": 390, "height": 844}
SMALLEST_TARGET = 28  # pixels, for a finger
SMALLEST_TEXT = 9.5  # pixels, on a phone
DIGITS = 1e-3  # four digits are stored
# The numbers behind what is drawn, by field: of the first mark that has the field.
DRAWN = """(figure) => {
  const drawn = {};
  const visit = (mark) => {
    const here = {};
    for (const item of mark.items) {
      if (item.items) item.items.forEach(visit);
      else if (mark.role === "mark")
        for (const [field, value] of Object.entries(item.datum))
          if (typeof value === "number") (here[field] ??= []).push(value);
    }
    for (const field in here) drawn[field] ??= here[field];
  };
  visit(figure.view.scenegraph().root);
  return drawn;
}"""


def fifty_layers(c):
    line = hw.forward_second_moments([100] * 51, [np.sqrt(c / 100)] * 50)
    return [f"after 50 layers: predicted {line[-1]:.3g}, this net "], {"line": line}


def fan_modes(s):
    net = [round(64 * 2 ** (s * i / 6)) for i in range(7)]
    ends = []
    for moments, end in ((hw.forward_second_moments, 6), (hw.backward_second_moments, 0)):
        rules = (lambda i, o: 2 / i, lambda i, o: 2 / o, lambda i, o: 4 / (i + o))
        stds = [[np.sqrt(rule(i, o)) for i, o in pairwise(net)] for rule in rules]
        values = [moments(net, std)[end] for std in stds]
        ends.append(f"layer {end}: " + ", ".join(f"{value:.3g}" for value in values))
    return ends, {}


def singular_values(L, g):
    rng = np.random.default_rng(14)
    J = np.eye(24)
    for _ in range(round(L)):
        J = g * hw.xavier_normal(rng, (24, 24)) @ J
    s = np.linalg.svd(J, compute_uv=False)
    words = f"largest {s[0]:.3g}, median {np.median(s):.3g}, mean square {(s**2).mean():.3g}"
    return [words], {"s": s[s > 1e-4]}


def spread(p):
    mean, var = hw.dropout_moments(*hw.rectified_normal_moments(), p=p)
    # Each of the 40 bars carries its row.
    ends = {"low": np.full(40, mean - var**0.5), "high": np.full(40, mean + var**0.5)}
    return [f"mean {mean:.4f}, standard deviation {var**0.5:.4f}, zeros "], ends


def poisson(M):
    k = np.arange(13)
    distance, bound = (
        hw.poisson_limit_distance(round(M), 3.0),
        hw.poisson_limit_bound(round(M), 3.0),
    )
    laws = {
        "binomial": hw.kept_units_pmf(k, round(M), 1 - 3 / M),
        "poisson": hw.poisson_pmf(k, 3.0),
    }
    return [f"distance {distance:.4f}, at most {bound:.4f}"], laws


def kept(p, M):
    mean, sd = hw.kept_units_mean(round(M), p), np.sqrt(M * p * (1 - p))
    pmf = hw.kept_units_pmf(np.arange(M + 1), round(M), p)
    words = f"mean {mean:.4g} of {round(M)}, standard deviation {sd:.4g}"
    return [words], {"pmf": pmf[pmf > 5e-4]}


def normalized(g, b, e):
    # Two samples with the variance of the figure's feature, 0.25.
    pair = np.array([float(g)]), np.array([float(b)])
    out, _ = hw.batchnorm_forward(np.array([[2.5], [3.5]]), *pair, eps=10.0**e)
    return [f"mean {out.mean() + 0.0:.0f}, standard deviation {out.std():.4f}"], {}


def whitened(r):
    # Four samples with the covariance of the figure's cloud.
    corners = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    cloud = corners @ np.array([[1.5, r], [0, np.sqrt(1 - r * r)]])
    white, _ = hw.whitening_forward(cloud, np.ones(2), np.zeros(2))
    moved = np.mean(np.sum((white - cloud) ** 2, axis=1))
    bn, pca = (f"correlation {r:.2f}", "moved 0.250"), ("correlation 0.00", "moved ")
    return [*bn, *pca, "correlation 0.00", f"moved {moved:.3f}"], {}


def front(T):
    s = np.array([0.001, 0.01, 0.05, 0.1, 0.3, 0.539])
    root, _ = hw.newton_inverse_root_forward(np.diag(s), steps=round(T))
    dots = s * np.diag(root) ** 2
    words = f"smallest {dots[0]:.4f}, {(dots > 0.99).sum()} of 6 above 0.99"
    return [words], {"dots": dots}


EXPECTED = {
    "backprop/kaiming": fifty_layers,
    "backprop/fan_modes": fan_modes,
    "backprop/xavier": singular_values,
    "dropout/variance": spread,
    "dropout/poisson_limit": poisson,
    "dropout/kept_units": kept,
    "batchnorm/forward": normalized,
    "batchnorm/whitening": whitened,
    "batchnorm/whitening_newton": front,
}


@pytest.fixture(scope="module")
def browser(chromium):
    """Open the browser."""
    with sync_playwright() as playwright:
        browser = open_browser(playwright, chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write a page with each figure alone, as the site sends it."""
    folder = tmp_path_factory.mktemp("figures")
    for path in (*LIBRARY.glob("*.js"), ROOT / "assets" / "book.css"):
        shutil.copy(path, folder)
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="book.css">'
        # As wide as the text of a page on a phone.
        "<style>body { margin: 0 24px } figure { margin: 0 }</style>"
        '<script defer src="moving-figures.js"></script>'
    )
    for name, stored in FIGURES.items():
        path = folder / f"{name.replace('/', '-')}.html"
        path.write_text(f"{head}<body>{figure(*stored)}</body>", encoding="utf-8")
    return folder


@pytest.fixture(params=FIGURES)
def name(request):
    """Return a page that has a figure."""
    return request.param


@pytest.fixture
def page(browser, folder, name):
    """Open the figure on a phone; the test fails when the page meets an error."""
    page = browser.new_page(viewport=PHONE)
    troubles = watch(page, folder.as_uri())
    page.goto(f"{folder.as_uri()}/{name.replace('/', '-')}.html")
    page.wait_for_selector(".drawing[role=img] svg")
    yield page
    page.close()
    assert troubles == []


def words_of(page):
    return page.evaluate(
        """[...document.querySelectorAll(".drawing .mark-text.role-mark text")]
        .flatMap((text) => [...text.childNodes]).map((line) => line.textContent)"""
    )


def test_every_figure_is_compared_with_hw1lib():
    assert set(EXPECTED) == set(FIGURES)


def test_the_keyboard_moves_each_slider_to_the_values_of_hw1lib(page, name):
    figure, sliders = page.locator("figure"), FIGURES[name][0]["params"]
    for place, slider in enumerate(sliders):
        seen = []
        page.locator("input[type=range]").nth(place).focus()
        for key in ("Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft"):
            page.keyboard.press(key)
            figure.evaluate("(figure) => figure.view.runAsync().then(() => 0)")
            values = figure.evaluate(
                "(figure, names) => names.map((name) => figure.view.signal(name))",
                [each["name"] for each in sliders],
            )
            words, drawn = EXPECTED[name](*values)
            shown = words_of(page)
            assert len(shown) == len(words)
            assert all(line.startswith(start) for line, start in zip(shown, words, strict=True))
            data = figure.evaluate(DRAWN)
            for field, expected in drawn.items():
                np.testing.assert_allclose(data[field], expected, rtol=DIGITS)
            seen.append(values[place])
        assert seen[0] == slider["bind"]["min"]
        assert seen[3] == pytest.approx(slider["bind"]["max"])
        assert len(set(seen)) >= 4


def test_what_the_figure_says_is_read_out(page):
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('output').textContent !== ''")
    assert page.locator("output").text_content() == ". ".join(words_of(page))


def test_a_finger_finds_the_sliders_and_an_eye_the_words_on_a_phone(page):
    for slider in page.locator("input[type=range]").all():
        box = slider.bounding_box()
        assert box["height"] >= SMALLEST_TARGET
        assert box["width"] >= 100
    sizes = page.evaluate(
        """[...document.querySelectorAll(".drawing text")].map((text) =>
        parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d)"""
    )
    # A title of the vertical axis is turned: its scale is in another place of the matrix.
    assert min(size for size in sizes if size > 1) >= SMALLEST_TEXT
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_figure_takes_the_place_of_its_drawing(browser, folder, page, name):
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    still = context.new_page()
    still.goto(f"{folder.as_uri()}/{name.replace('/', '-')}.html")
    boxes = [each.locator(".drawing").bounding_box() for each in (still, page)]
    context.close()
    assert boxes[0]["height"] == pytest.approx(boxes[1]["height"], abs=1)


def test_vega_is_fetched_when_the_reader_comes_near_and_not_before(browser, folder, name):
    text = (folder / f"{name.replace('/', '-')}.html").read_text(encoding="utf-8")
    far = folder / "far.html"
    far.write_text(text.replace("<body>", '<body><p style="height: 5000px">'), encoding="utf-8")
    page, asked = browser.new_page(viewport=PHONE), []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(far.as_uri(), wait_until="networkidle")
    assert "moving-figures.js" in asked
    assert "vega.min.js" not in asked
    page.mouse.wheel(0, 4000)
    page.wait_for_selector(".drawing[role=img] svg")
    assert "vega.min.js" in asked
    page.close()


def test_without_scripts_there_is_the_drawing(browser, folder, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{folder.as_uri()}/{name.replace('/', '-')}.html")
    assert page.locator(".drawing svg").bounding_box()["height"] > 100
    assert len(page.locator(".drawing svg text").all()) >= 8
    context.close()
