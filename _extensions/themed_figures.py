"""Sphinx extension: the notebooks' SVG figures stand in the page itself and follow its theme.

As a picture, a figure keeps its black ink when the page turns dark. Inlined, the ink is the text's
own colour and the colours of the lines are variables of the stylesheet, which has a set for each
mode. The notebooks keep ordinary matplotlib figures, so other tools show them too.
"""

import re
from html import escape
from pathlib import Path

from docutils import nodes

# hw1lib/book.mplstyle has the same colours in the same order; a test compares the two.
CYCLE = ("0072b2", "d55e00", "009e73", "cc79a7", "e69f00", "56b4e9", "8c8c8c")
PIXELS_PER_POINT = 4 / 3
UNUSED_NAME = re.compile(r' id="[\w-]*?(?:text|line2d|patch|xtick|ytick|axes|figure|legend)_\d+"')
PLACES = re.compile(r' (?:d|x|y|width|height)="[^"]*"|translate\([^)]*')
GLYPH = re.compile(r'<path id="(DejaVu[^"]*)"[^>]*/>\s*')


def themed(svg, alt, prefix, glyphs):
    """Return the <svg> element with unique identifiers, no fixed ink, and a text to be read.

    `glyphs` has the names of the letters that earlier figures of the page have drawn: they are the
    same in all, and not drawn again.
    """
    head, _, drawing = svg[svg.index("<svg") :].partition(">")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = GLYPH.sub(lambda match: "" if match[1] in glyphs else match[0], drawing)
    glyphs.update(GLYPH.findall(drawing))
    own = r"(?!DejaVu)"
    drawing = re.sub(rf' id="{own}', f' id="{prefix}-', drawing)
    drawing = re.sub(rf'href="#{own}', f'href="#{prefix}-', drawing)
    drawing = drawing.replace("url(#", f"url(#{prefix}-")
    # What only weighs: comments, names that nothing refers to, and more than hundredths of a point.
    drawing = re.sub(r"<!--.*?-->|\n\s*(?=<)", "", drawing, flags=re.DOTALL)
    drawing = UNUSED_NAME.sub("", drawing)
    drawing = PLACES.sub(lambda place: re.sub(r"(\.\d\d)\d+", r"\1", place[0]), drawing)
    drawing = drawing.replace("#000000", "currentColor")
    for i, colour in enumerate(CYCLE):
        drawing = re.sub(f"#{colour}", f"var(--cycle-{i})", drawing, flags=re.IGNORECASE)
    width = float(re.search(r'\bwidth="([\d.]+)pt"', head)[1]) * PIXELS_PER_POINT
    view = re.search(r'viewBox="[^"]+"', head)[0]
    return (
        f'<svg class="figure" {view} fill="currentColor" '
        f'role="img" aria-label="{escape(alt)}" style="width: {width:.0f}px">{drawing}'
    )


def visit_image(translator, node):
    """Inline a figure of a notebook; leave any other picture to the theme."""
    if not (node["uri"].endswith(".svg") and "jupyter_execute" in node["uri"]):
        type(translator).visit_image(translator, node)
        return
    path = Path(translator.builder.srcdir) / node["uri"]
    prefix = "f" + path.stem[:10]
    glyphs = translator.__dict__.setdefault("glyphs", set())  # one translator for each page
    svg = themed(path.read_text(encoding="utf-8"), node.get("alt", ""), prefix, glyphs)
    translator.body.append(f'<div class="figure-box">{svg}</div>')
    raise nodes.SkipNode


def depart_image(translator, node):
    """Close what the theme opened."""
    type(translator).depart_image(translator, node)


def setup(app):
    """Register with Sphinx."""
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
