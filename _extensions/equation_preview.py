"""Sphinx extension: a reference to an equation shows it when it is pointed at or focused.

Each equation that has an anchor is written to a small script of its own, which is loaded when a
reference on another page asks for it: pages opened from a folder may load scripts, but not read
each other.
"""

import json
from pathlib import Path

from lean_pages import site_pages, write_changed
from selectolax.lexbor import LexborHTMLParser

FOLDER = "_static/equations"
ANCHOR = "equation-"


def finish(app, exception):
    """Write the script of every equation."""
    if exception or app.builder.name != "html":
        return
    out, written = Path(app.outdir), set()
    for path in site_pages(out):
        page = LexborHTMLParser(path.read_text(encoding="utf-8"))
        for box in page.css(f'div.math[id^="{ANCHOR}"]'):
            name = box.attributes["id"].removeprefix(ANCHOR)
            formula = json.dumps(box.css_first(".formula").html)
            target = out / FOLDER / f"{name}.js"
            write_changed(target, f'equations.set("{name}", {formula});\n')
            written.add(target)
    for path in set((out / FOLDER).glob("*.js")) - written:
        path.unlink()


def setup(app):
    """Register with Sphinx; the pages without a reference do not get the script (lean_pages)."""
    folder = Path(__file__).parent / "preview"
    app.connect("config-inited", lambda app, config: config.html_static_path.append(str(folder)))
    app.add_js_file("equation-preview.js", loading_method="defer")
    app.connect("build-finished", finish, priority=750)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
