"""Sphinx extension: what a page folds, each in a native ``<details>`` that says what it holds.

Folded are functions and classes, under their signature and first sentence; sections with an
attribute "fold", which is what their summary says besides the title; and sections whose label
begins like one of the config value ``folded_sections``. These are open on paper.
``assets/folds.js`` opens what a link leads to.
"""

from docutils import nodes
from sphinx import addnodes


def details(summary, content, classes="fold", name=""):
    """Give the nodes of a fold. Its title must stay the child of its section, so it is no node."""
    names = f'class="{classes}"' + (f' id="{name}"' if name else "")
    opening = nodes.raw("", f"<details {names}><summary>", format="html")
    between = nodes.raw("", "</summary>", format="html")
    return [opening, *summary, between, *content, nodes.raw("", "</details>", format="html")]


def fold_object(desc):
    """Fold a function or a class: the summary is its signature and the first sentence."""
    signature, content = desc.children
    inside = nodes.inline("", "", *signature.children, classes=["sig", "sig-object", "py"])
    summary, rest = [inside], content.children
    if rest and isinstance(rest[0], nodes.paragraph):
        summary.append(nodes.inline("", "", *rest[0].children, classes=["says"]))
        rest = rest[1:]
    place = desc.parent.index(desc)
    desc.parent[place : place + 1] = details(summary, rest, name=signature["ids"][0])


def fold_section(section, classes="fold"):
    """Fold a section below its title."""
    title, *rest = section.children
    note = [nodes.inline(text=section["fold"], classes=["note"])] if section.get("fold") else []
    section.children = []
    section += details([title, *note], rest, classes)


def fold(app, doctree, docname):
    """Fold what is to be folded on a page."""
    if app.builder.format != "html":
        return
    labels = tuple(app.config.folded_sections)
    for desc in list(doctree.findall(addnodes.desc)):
        fold_object(desc)
    for section in list(doctree.findall(nodes.section)):
        if "fold" in section:
            fold_section(section)
        elif any(name.startswith(labels) for name in section["names"]):
            fold_section(section, "fold on-paper")


def setup(app):
    """Register with Sphinx, after the references have been resolved."""
    app.add_config_value("folded_sections", [], "env", list)
    app.connect("doctree-resolved", fold, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
