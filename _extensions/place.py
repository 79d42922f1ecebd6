"""Sphinx extension: the book's text face, and where in the book a page stands.

The bar above a page names its part and its place in it; the links to the pages beside it name
their parts. The parts are the captions of the table of contents.
"""

from pathlib import Path

from sphinx.addnodes import toctree

HERE = Path(__file__).parent


def parts(env):
    """Return the pages of each part in their order, by its caption."""

    def with_children(page):
        children = env.toctree_includes.get(page, [])
        return [page, *(below for child in children for below in with_children(child))]

    root = env.get_doctree(env.config.root_doc)
    return {
        node["caption"]: [below for page in node["includefiles"] for below in with_children(page)]
        for node in root.findall(toctree)
        if node.get("caption")
    }


def add_place(app, pagename, templatename, context, doctree):
    """Tell the templates the part and the place of a page, and the parts of those beside it."""
    if not hasattr(app, "places"):
        app.relations = app.env.collect_relations()
        app.places = {
            page: {"part": part, "number": i, "total": len(pages)}
            for part, pages in parts(app.env).items()
            for i, page in enumerate(pages, start=1)
        }
    _, before, after = app.relations.get(pagename, (None,) * 3)
    context["place"] = app.places.get(pagename)
    context["parts_beside"] = {
        name: app.places.get(page, {}).get("part")
        for name, page in (("prev", before), ("next", after))
    }


def add_files(app, config):
    """Ship the face, and let our templates win over the theme's."""
    config.html_static_path.append(str(HERE / "type"))
    config.templates_path.append(str(HERE / "templates"))
    app.add_css_file("type.css")


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", add_files)
    app.connect("html-page-context", add_place)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
