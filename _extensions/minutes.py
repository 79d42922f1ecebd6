"""Sphinx extension: how long a page takes to read, counted from its words.

A line below the title of each notebook's page says it, but for the practice pages, where a reader
works rather than reads; the role ``{minutes}`` adds up the pages of a folder of `chapters`.
"""

import json
import math
import re
from pathlib import Path

from docutils import nodes

WORDS_A_MINUTE = 200
DERIVATION = 100  # a section with a displayed formula is read half as fast
LEFT_OUT = "practice"
NO_WORDS = re.compile(
    r"(?ms)^(```|~~~).*?^\1"  # code and directives
    r"|^:::.*?$|^:\w+:.*?$|^\([\w-]+\)=$"  # the frame of a box, a label
    r"|<[^>]+>|\]\([^)]*\)|\{[\w:]+\}"  # tags, addresses, the names of roles
)
DISPLAYED = re.compile(r"(?s)\$\$.*?\$\$")
INLINE = re.compile(r"(?<!\\)\$[^$]+\$")


def minutes(text):
    """Return the whole minutes that a text in MyST takes, at least 1."""
    total = 0
    for section in re.split(r"(?m)^(?=## )", text):
        speed = DERIVATION if DISPLAYED.search(section) else WORDS_A_MINUTE
        words = INLINE.sub("formula", DISPLAYED.sub(" ", NO_WORDS.sub(" ", section)))
        total += len(re.findall(r"\w[\w'’-]*", words)) / speed
    return max(1, math.ceil(total))


def minutes_of(path):
    """Return the minutes that the prose of a notebook takes."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    prose = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return minutes("\n\n".join(prose))


def add_line(app, doctree):
    """Put the line below the title."""
    path = Path(app.env.doc2path(app.env.docname))
    title = next(iter(doctree.findall(nodes.title)), None)
    if path.suffix != ".ipynb" or path.parent.name == LEFT_OUT or title is None:
        return
    number = minutes_of(path)
    text = f"{number} minute{'s' * (number > 1)} to read"
    title.parent.insert(1, nodes.paragraph("", text, classes=["minutes"]))


def add_up(name, rawtext, text, lineno, inliner, options=None, content=None):
    """Return the minutes of all pages of a folder, as a role."""
    root = Path(inliner.document.settings.env.srcdir)
    paths = (root / "chapters" / text).glob("*.ipynb")
    return [nodes.Text(str(sum(map(minutes_of, paths))))], []


def setup(app):
    """Register with Sphinx."""
    app.add_role("minutes", add_up)
    app.connect("doctree-read", add_line)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
