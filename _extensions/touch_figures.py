"""Sphinx extension: figures that the reader can touch.

A cell that draws such a figure draws it still; its metadata names the script in `touch/` that draws
it anew on the site, ``"touch": {"figure": "five-points"}``, and it may display the script's data
under the type `KIND`. With the key "guess" the reader is asked before the figure shows its numbers.
The still drawing stays for paper and where there are no scripts.
"""

import json
from html import escape
from pathlib import Path

KIND = "application/vnd.hw1.touch+json"
LIBRARY = Path(__file__).parent / "touch"


def before_reading(app, docname, source):
    """Put a place for the figure beside the still drawing, in the copy that Sphinx reads."""
    if not app.env.doc2path(docname).endswith(".ipynb") or '"touch"' not in source[0]:
        return
    notebook = json.loads(source[0])
    cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        if "touch" in cell["metadata"]:
            # A cell of its own: the settings of the still figure would make this one, too.
            output = {"output_type": "display_data", "metadata": {}}
            output["data"] = {"text/html": place(cell)}
            # The script moves the place out of it; what stays is not shown.
            metadata = {"tags": ["remove-input", "touch-place"]}
            outputs = {"source": "touch", "outputs": [output], "execution_count": 1}
            cells.append({"cell_type": "code", "metadata": metadata} | outputs)
            cell["outputs"] = [o for o in cell["outputs"] if KIND not in o.get("data", {})]
    source[0] = json.dumps(notebook | {"cells": cells})


def place(cell):
    """Return the element that the script fills, with its data."""
    settings = cell["metadata"]["touch"]
    data = {"guess": settings["guess"]} if "guess" in settings else {}
    for output in cell["outputs"]:
        data |= output.get("data", {}).get(KIND, {})
    # "</" would end the script element in which it stands.
    text = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div class="touch-figure" data-figure="{escape(settings["figure"])}">'
        f'<script type="application/json">{text}</script></div>'
    )


def add_scripts(app, pagename, templatename, context, doctree):
    """Send the loader with the pages that have such a figure."""
    if doctree is not None and 'class="touch-figure"' in context.get("body", ""):
        app.add_js_file("touch-figures.js", loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.connect("source-read", before_reading)
    app.connect("html-page-context", add_scripts)
    app.connect("builder-inited", lambda app: app.config.html_static_path.append(str(LIBRARY)))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
