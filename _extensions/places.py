"""Sphinx extension: where an equation, a question, a function and a check stand, for the search.

Sphinx's search knows words: a number is none, and a name leads to the page that has it most often.
The list of the places is written when the site is built. Only the search page gets it, with
``assets/search-page.js``, which looks there first.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from lean_pages import write_changed
from selectolax.lexbor import LexborHTMLParser

QUESTION, HEADING = re.compile(r"Question (\d(?:\.\d)?)"), re.compile(r"(\d(?:\.\d)?)([a-z]?) ")


def of_domains(env):
    """Give the equations, what Python has, and the mistakes of each check, by key."""
    for label, (docname, number) in env.get_domain("math").equations.items():
        yield number, f"Equation ({number})", docname, nodes.make_id(f"equation-{label}")
    for name, _, kind, docname, anchor, priority in env.get_domain("py").get_objects():
        # An alias has a negative priority; and whoever types "dropout" wants its chapter.
        if priority >= 0 and kind != "module":
            yield name.rpartition(".")[2].lower(), f"{kind.capitalize()} {name}", docname, anchor
    for label, (docname, anchor) in env.get_domain("std").anonlabels.items():
        kind, _, name = label.partition("-")
        if kind == "mistakes":
            yield name, f"Mistakes that check.{name} knows", docname, anchor


def of_page(docname, page):
    """Give the question that a page answers, and the exercises on it with their checks."""
    boxes = [box.text().strip() for box in page.css(".question > .admonition-title")]
    asked = [(match[1], text) for text in boxes if (match := QUESTION.match(text))]
    if match := HEADING.match(page.css_first("h1").text()):
        if not asked:
            asked = [(match[1], f"Question {match[1]}")]
        if match[2]:  # a part of a question
            asked.append((match[1] + match[2], f"Question {match[1]}, part {match[2]}"))
    for number, text in asked:
        yield number, text, docname, ""
    for cell in page.css(".tag_check"):
        section = cell.parent
        title = section.css_first("h2").text().rstrip("#")
        keys = [re.search(r"check\.(\w+)", cell.text())[1]]
        if match := HEADING.match(title):
            keys.append(match[1])
        for key in keys:
            yield key, f"Exercise: {title}", docname, section.id


def write_places(app, exception):
    """Write the list, in the order of the book: each place with its key, its text and its page."""
    if exception or app.builder.name != "html":
        return
    env, out = app.env, Path(app.outdir)
    order = list(env.collect_relations())
    found = list(of_domains(env))
    for name in order:
        html = (out / app.builder.get_target_uri(name)).read_text(encoding="utf-8")
        found += of_page(name, LexborHTMLParser(html))
    pages = [[app.builder.get_target_uri(name), env.titles[name].astext()] for name in order]
    places = [[key, text, order.index(name), anchor] for key, text, name, anchor in found]
    data = json.dumps({"pages": pages, "places": places}, ensure_ascii=False)
    write_changed(out / "_static" / "places.js", f"const PLACES = {data};\n")


def add_scripts(app, pagename, templatename, context, doctree):
    """Send the list and the script that reads it with the search page."""
    if pagename == "search":
        for name in ("places.js", "search-page.js"):
            app.add_js_file(name, loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_places)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
