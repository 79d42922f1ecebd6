"""Sphinx extension: what search engines and messengers show of a page, and the page for 404.

Each page has a title of its own, a description, the data of a preview, and its one address, below
``html_baseurl`` if that is known. Jupyter Book gives them only where an author wrote them.
"""

import re
from html import escape, unescape
from posixpath import join
from urllib.parse import urlparse

PREVIEW = "_static/page.png"
PREVIEW_TEXT = "A page of the book: the gradient of batch norm, derived, run and drawn"
# The pages that Sphinx makes.
DESCRIPTIONS = {
    "genindex": "Index of the functions, classes and modules of hw1lib that the book describes.",
    "search": "Search the book on dropout, batch norm, back-propagation and initialization.",
    "404": "There is no page at this address. The contents of the book and its search.",
}
NOT_FOUND = """<section><h1>There is no page at this address</h1>
<p>It may have moved. The <a href="index.html">front page</a> lists the chapters, the
<a href="chapters/equations.html">index of the equations</a> finds an equation by its number, and
the <a href="search.html">search</a> finds the rest.</p></section>"""


def add_metadata(app, pagename, templatename, context, doctree):
    """Add the metadata of a page to its context."""
    tags = context.get("metatags") or ""
    written = re.search(r'content="([^"]*)"[^>]*name="description"', tags)
    description = unescape(written[1]) if written else DESCRIPTIONS.get(pagename, "")
    if description and not written:
        tags += f'\n<meta name="description" content="{escape(description)}" />'
    title = unescape(re.sub(r"<[^>]+>", "", context.get("title") or "")) or "Search"
    base = app.config.html_baseurl
    properties = {
        "og:site_name": app.config.html_title or app.config.project,
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:title": title,
        "og:description": description,
    }
    if base:  # a preview needs addresses that are whole
        properties |= {
            "og:url": context.get("pageurl") or join(base, pagename + ".html"),
            "og:image": join(base, PREVIEW),
            "og:image:width": "1280",
            "og:image:height": "900",
            "og:image:alt": PREVIEW_TEXT,
        }
    for name, value in properties.items():
        tags += f'\n<meta property="{name}" content="{escape(value)}" />'
    tags += '\n<meta name="twitter:card" content="summary_large_image" />'
    if pagename == "404":
        context["pageurl"] = None  # It stands for every address, and is that of none.
        # The page is shown at any depth, so its links start from the site's own root.
        tags = f'<base href="{escape(urlparse(base).path or "/")}" />\n' + tags
    context["metatags"] = tags


def collect_pages(app):
    """Give the page that a server shows in place of a missing one."""
    yield "404", {"title": "Page not found", "body": NOT_FOUND}, "page.html"


def setup(app):
    """Register with Sphinx, after the extensions that write metadata."""
    app.connect("html-page-context", add_metadata, priority=900)
    app.connect("html-collect-pages", collect_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
