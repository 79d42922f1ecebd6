"""Sphinx extension: the notebooks' Vega-Lite figures, with sliders, as part of the page.

A notebook stores such a figure as its specification, which JupyterLab draws itself. For the site
it becomes a static SVG, so that the page says something without scripts, and beside it the same
figure compiled to Vega. A small script, sent with the pages that have such a figure only, replaces
the first by the second. It fetches Vega when the reader comes near a figure.
"""

import json
import re
from html import escape
from pathlib import Path

import vl_convert
from themed_figures import CYCLE

KIND = "application/vnd.vegalite.v5+json"
VERSION = "5.20"
LIBRARY = Path(__file__).parent / "vega"
INK = "#000000"
# The look of hw1lib/book.mplstyle; INK stands for the text's own colour.
CONFIG = {
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": "transparent"},
    "axis": {
        "domainColor": INK,
        "tickColor": INK,
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 15,
        "titleFontSize": 15,
        "titleFontWeight": "normal",
        "gridColor": "#8c8c8c",
        "gridOpacity": 0.25,
        "labelAngle": 0,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 15,
        "orient": "top",
        "title": None,
    },
    "header": {"labelColor": INK, "titleColor": INK, "labelFontSize": 15},
    "title": {"color": INK, "fontSize": 15, "fontWeight": "normal"},
    "text": {"color": INK, "fontSize": 15},
    "point": {"opacity": 1},
    "range": {"category": [f"#{colour}" for colour in CYCLE]},
}


def before_reading(app, docname, source):
    """Replace each Vega-Lite output of a notebook by HTML, in the copy that Sphinx reads."""
    if not app.env.doc2path(docname).endswith(".ipynb") or KIND not in source[0]:
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if KIND in output.get("data", {}):
                html = figure(output["data"][KIND], cell["metadata"]["moving"])
                output["data"] = {"text/html": html}
    source[0] = json.dumps(notebook)


def figure(spec, texts):
    """Return the <figure>: a static drawing, the moving one as data, and the caption."""
    spec = spec | {"config": CONFIG, "description": texts["alt"]}
    drawing = vl_convert.vegalite_to_svg(spec, vl_version=VERSION)
    # "</" would end the script element in which it stands.
    moving = json.dumps(vl_convert.vegalite_to_vega(spec, vl_version=VERSION)).replace("</", "<\\/")
    drawing = re.sub(
        r"<svg ([^>]*)>",
        rf'<svg \1 role="img" aria-label="{escape(texts["alt"])}">',
        re.sub(r' role="graphics-[\w-]+"| aria-\w+="[^"]*"', "", drawing),
        count=1,
    )
    # The room of the sliders is kept free, so that nothing moves when the script adds them.
    sliders = sum("bind" in param for param in spec["params"])
    return (
        f'<figure class="moving-figure"><div class="drawing">{themed(drawing)}</div>'
        f'<div class="controls" style="--sliders: {sliders}"></div>'
        f'<script type="application/json">{themed(moving)}</script>'
        f"<figcaption>{escape(texts['caption'])}</figcaption></figure>"
    )


def themed(text):
    """Let the ink and the colours of a drawing follow the page's theme."""
    text = text.replace(INK, "currentColor")
    for i, colour in enumerate(CYCLE):
        text = re.sub(f"#{colour}", f"var(--cycle-{i})", text, flags=re.IGNORECASE)
    return text


def add_scripts(app, pagename, templatename, context, doctree):
    """Send the script that starts the figures with the pages that have one."""
    if doctree is not None and 'class="moving-figure"' in context.get("body", ""):
        app.add_js_file("moving-figures.js", loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.connect("source-read", before_reading)
    app.connect("html-page-context", add_scripts)
    app.connect(
        "builder-inited",
        lambda app: app.config.html_static_path.append(str(LIBRARY)),
    )
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
