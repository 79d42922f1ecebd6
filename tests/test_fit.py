"""Code, outputs and tables fit on a phone; a page has its text face and says where it stands."""

import re

import fit
import pytest
from selectolax.lexbor import LexborHTMLParser

TABLE = "<article><table><thead><tr>{}</tr></thead><tbody><tr>{}</tr></tbody></table></article>"


def fitted(*cells):
    heads = "".join(f"<th>head {i}</th>" for i in range(len(cells)))
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    return LexborHTMLParser(fit.fit(TABLE.format(heads, row)))


def test_a_box_of_code_knows_its_columns():
    page = LexborHTMLParser(fit.fit('<div class="highlight"><pre>a\nfour\n</pre></div>'))
    assert page.css_first(".highlight").attributes["style"] == "--columns: 4"


def test_a_wide_table_names_the_column_at_each_cell_and_stays_a_table_for_screen_readers():
    page = fitted("a long sentence that wraps", "another one that wraps too", "a third sentence")
    assert page.css_first("table").attributes["role"] == "table"
    cells = [(c.attributes["role"], c.attributes["data-column"]) for c in page.css("tbody td")]
    assert cells == [("cell", "head 0"), ("cell", "head 1"), ("cell", "head 2")]


@pytest.mark.parametrize(
    "cells", [("a", "b", "c"), ("x", "a long sentence that wraps and wraps", "y")]
)
def test_a_table_that_fits_is_left_alone(cells):
    assert not fitted(*cells).css(".cards")


def test_a_formula_in_a_cell_counts_once():
    page = LexborHTMLParser('<p>a <b class="katex-mathml">x+y</b><i>x+y</i></p>')
    assert fit.text_of(page.css_first("p")) == "a x+y"


def test_every_page_of_a_part_says_its_place_and_the_parts_beside_it(chapters):
    for path, page in chapters.items():
        place = page.css_first(".place")
        if path.name == "index.md":
            assert place is None
        else:
            assert re.fullmatch(r"\w.+ \d+ of \d+", " ".join(place.text().split()))
    page = next(page for path, page in chapters.items() if path.stem == "paper_dropout")
    beside = [" ".join(line.text().split()) for line in page.css(".prev-next-subtitle")]
    assert beside == ["Previous · Dropout", "Next · Batch normalization"]


def test_no_two_chapters_of_a_part_have_one_number(chapters):
    titles = [
        page.css_first("h1").text() for path, page in chapters.items() if path.suffix == ".ipynb"
    ]
    numbers = [match[0] for title in titles if (match := re.match(r"\d\.\d\w?", title))]
    assert len(set(numbers)) == len(numbers) > 10


def test_each_equation_with_an_anchor_can_be_shown_beside_its_references(chapters, site):
    for page in chapters.values():
        for box in page.css('div.math[id^="equation-"]'):
            name = box.attributes["id"].removeprefix("equation-")
            text = (site / "_static" / "equations" / f"{name}.js").read_text(encoding="utf-8")
            assert text.startswith(f'equations.set("{name}", "<div')
            assert "katex-mathml" in text
