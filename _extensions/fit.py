"""Sphinx extension: code, outputs and tables fit on a phone.

Each box of code is told how many columns it has, so that the stylesheet can choose a size at which
they fit. A table that would not fit gets the name of the column at each cell, and becomes a list of
cards on a narrow screen.
"""

from pathlib import Path

from lean_pages import site_pages, write_changed
from selectolax.lexbor import LexborHTMLParser

PHONE = 46  # signs of text that stand beside each other on a phone
COLUMN, PADDING = 22, 2  # no column needs more than this: its text breaks


def text_of(cell):
    """Return what a cell shows; a formula stands in the page twice."""
    text = cell.text()
    for copy in cell.css(".katex-mathml"):
        text = text.replace(copy.text(), "", 1)
    return " ".join(text.split())


def is_wide(rows):
    """Say whether a table, as rows of texts, is too wide for a phone."""
    columns = zip(*rows, strict=False)
    longest = (min(max(map(len, column)), COLUMN) + PADDING for column in columns)
    return sum(longest) > PHONE


def make_cards(table):
    """Name the column at each cell, and say what the parts are: as a card, the table is a list."""
    heads = [text_of(head) for head in table.css("thead th, thead td")]
    rows = [row.css("th, td") for row in table.css("tbody tr")]
    if not heads or not is_wide([heads, *[[text_of(cell) for cell in row] for row in rows]]):
        return
    table.attrs["class"] = f"{table.attributes.get('class') or ''} cards".strip()
    table.attrs["role"] = "table"
    for group in table.css("thead, tbody"):
        group.attrs["role"] = "rowgroup"
    for row in table.css("tr"):
        row.attrs["role"] = "row"
    for head in table.css("thead th"):
        head.attrs["role"] = "columnheader"
    for row in rows:
        for name, cell in zip(heads, row, strict=False):
            cell.attrs["role"] = "rowheader" if cell.tag == "th" else "cell"
            cell.attrs["data-column"] = name


def fit(text):
    """Return a page whose code and tables fit."""
    page = LexborHTMLParser(text)
    for box in page.css("div.highlight"):
        columns = max((len(line) for line in box.text().splitlines()), default=0)
        box.attrs["style"] = f"--columns: {max(columns, 1)}"
    for table in page.css("article table:not(.equation-index, .indextable, .cards)"):
        make_cards(table)
    return page.html


def finish(app, exception):
    """Fit every page."""
    if exception or app.builder.name != "html":
        return
    for path in site_pages(Path(app.outdir)):
        write_changed(path, fit(path.read_text(encoding="utf-8")))


def setup(app):
    """Register with Sphinx, before the pages' stylesheet is made."""
    app.connect("build-finished", finish, priority=810)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
