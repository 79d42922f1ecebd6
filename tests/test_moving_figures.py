"""A figure with sliders: its data in the notebook, its drawing and its script on the site."""

import copy
import gzip
import json
import re
from functools import cache

import pytest
from moving_figures import KIND, LIBRARY, figure
from nbformat.v4 import new_output
from nbval.plugin import IPyNbCell, nocolors
from selectolax.lexbor import LexborHTMLParser
from themed_figures import CYCLE

from moving import find_figures, numbers_in

FIGURES = find_figures()
MAX_DATA = 40_000  # characters
MAX_SCRIPTS = 300_000  # bytes, compressed
COLOUR = re.compile(r"#[0-9a-f]{6}\b", re.IGNORECASE)


@pytest.fixture(params=FIGURES)
def stored(request):
    """Return a figure's specification and its texts."""
    return FIGURES[request.param]


@cache
def drawn(name):
    """Draw each figure once."""
    return LexborHTMLParser(figure(*FIGURES[name]))


@pytest.fixture(params=FIGURES)
def html(request):
    """Return a figure as the site shows it."""
    return drawn(request.param)


def test_there_are_figures_of_all_three_topics():
    assert len(FIGURES) >= 9
    assert {name.partition("/")[0] for name in FIGURES} >= {"backprop", "batchnorm", "dropout"}


def test_the_data_is_small_and_has_at_most_five_digits(stored):
    assert len(json.dumps(stored[0], separators=(",", ":"))) <= MAX_DATA
    assert [x for x in numbers_in(stored[0]) if float(f"{x:.5g}") != x] == []


def test_each_slider_has_a_name_in_words_and_a_start_on_its_grid(stored):
    for slider in stored[0]["params"]:
        bind = slider["bind"]
        assert bind["input"] == "range"
        assert len(bind["name"].split()) >= 2
        steps = (slider["value"] - bind["min"]) / bind["step"]
        assert steps == pytest.approx(round(steps))


def test_the_chart_selects_and_computes_nothing(stored):
    text = json.dumps(stored[0])
    assert '"calculate"' not in text
    assert '"expr"' not in text
    filters = re.findall(r'"filter": "([^"]*)"', text)
    term = r"abs\(datum\.\w+ - \w+\) < 0\.01|datum\.\w+ == (\w+|'\w+')"
    assert all(re.fullmatch(rf"({term})( && ({term}))*", test) for test in filters)


def test_the_static_drawing_is_there_with_its_text(html):
    svg = html.css_first(".drawing svg")
    assert svg.attributes["role"] == "img"
    assert svg.css("path")
    assert svg.css("text")


def test_texts_reach_the_page():
    texts = {"alt": 'A "quoted" <text>', "caption": "One & two"}
    spec = next(iter(FIGURES.values()))[0]
    html = LexborHTMLParser(figure(spec, texts))
    assert html.css_first("svg").attributes["aria-label"] == texts["alt"]
    assert html.css_first("figcaption").text() == texts["caption"]


def test_every_colour_follows_the_theme(html):
    text = html.html
    assert COLOUR.findall(text) == []
    assert "currentColor" in text
    assert re.search(r"var\(--cycle-\d\)", text)


def test_a_figure_uses_only_the_colours_of_the_style(stored):
    colours = {colour.lower() for colour in COLOUR.findall(json.dumps(stored[0]))}
    assert colours <= {f"#{colour}" for colour in CYCLE}


def test_the_moving_drawing_is_data_with_its_sliders(html):
    spec = json.loads(html.css_first("script").text())
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega/v5")
    assert any("bind" in signal for signal in spec["signals"])


def test_text_of_a_figure_cannot_end_its_script():
    spec, texts = copy.deepcopy(next(iter(FIGURES.values())))
    spec["title"] = "</script><b>"
    html = LexborHTMLParser(figure(spec, texts))
    assert html.css("b") == []
    assert json.loads(html.css_first("script").text())["title"]["text"] == spec["title"]


def test_the_room_of_the_sliders_is_kept(stored):
    sliders = len(stored[0]["params"])
    assert f"--sliders: {sliders}" in figure(*stored)


def test_the_scripts_are_small_and_come_with_their_licence():
    scripts = sorted(LIBRARY.glob("*.js"))
    assert [path.name for path in scripts] == ["moving-figures.js", "vega.min.js"]
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) <= MAX_SCRIPTS
    assert "Redistribution" in (LIBRARY / "vega-LICENSE.txt").read_text(encoding="utf-8")


def changed(value):
    """Change the last digit of the last fraction in a specification."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in reversed(keys):
        part = value[key]
        if isinstance(part, float):
            value[key] = part + 10.0**-4
            return True
        if isinstance(part, dict | list) and changed(part):
            return True
    return False


def test_nbval_notices_another_number_in_a_figure(stored):
    cell = IPyNbCell.__new__(IPyNbCell)
    cell.colors, cell.format_output_compare = nocolors, lambda *_: None
    spec = stored[0]
    other = copy.deepcopy(spec)
    assert changed(other)
    first, again, moved = (
        [new_output("display_data", {KIND: data})] for data in (spec, copy.deepcopy(spec), other)
    )
    assert cell.compare_outputs(first, again, ("metadata", "output_type"))
    assert not cell.compare_outputs(first, moved, ("metadata", "output_type"))
