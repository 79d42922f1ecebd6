"""Sphinx extension: what the theme leaves undone for readers with a keyboard or a screen reader.

The built pages are mended, since the theme has no hook for these parts of them. A test runs
axe-core on every page, and says so when the theme changes.
"""

import re
from pathlib import Path

from lean_pages import site_pages, write_changed
from selectolax.lexbor import LexborHTMLParser

EARLY = """
    if (document.documentElement.dataset.theme === "auto")
      document.documentElement.dataset.theme =
        matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
"""
# A heading cell of a table without a heading, from an empty first column.
EMPTY_HEADING = re.compile(r'<th class="head[^"]*">(?:<p>\s*</p>)?</th>')


def mend(text, name):
    """Return the mended text of a page."""
    page = LexborHTMLParser(EMPTY_HEADING.sub("<td></td>", text))
    # A second title and list of contents, for print only: the page's own title is printed. A place
    # for advertisements, the same logo again, and settings that are written thrice or not read.
    for selector in (
        "#jb-print-docs-body",
        ".sidebar-primary-items__end:has(#ethical-ad-placement)",
        ".logo__image.only-dark",
        'meta[name^="docsearch"]',
        'meta[name="viewport"] ~ meta[name="viewport"]',
    ):
        for element in page.css(selector):
            element.decompose()
    for logo in page.css(".logo__image.only-light"):
        logo.attrs["class"] = "logo__image"
    # The theme knows "auto" only when its scripts have come: until then the page would be light.
    for script in page.css("head script[data-cfasync]"):
        if EARLY not in script.text():
            script.inner_html = script.text() + EARLY
    # Logo and search stand beside the navigation: all of it is a region of its own.
    for sidebar in page.css("#pst-primary-sidebar"):
        sidebar.attrs["role"] = "complementary"
        sidebar.attrs["aria-label"] = "Book"
    # The entries of the bibliography stand in a list, where their old role is not allowed.
    for entry in page.css('[role="list"] > [role="doc-biblioentry"]'):
        entry.attrs["role"] = "listitem"
    # Its visible text names it, with the keys that press it.
    for button in page.css(".search-button-field[aria-label]"):
        del button.attrs["aria-label"]
    # So does that of a folded cell.
    for summary in page.css("summary[aria-label]"):
        del summary.attrs["aria-label"]
    # In the navigation it has no text, only an arrow.
    for summary in page.css("li.has-children > details > summary"):
        above = summary.parent.parent.css_first("a").text()
        summary.attrs["aria-label"] = f"Pages below {above}"
    if name == "404.html":
        # Its links start from the site's root, and so would this one.
        for link in page.css(".skip-link a"):
            link.attrs["href"] = "404.html#main-content"
    # "Title: Title" on the front page.
    title = page.css_first("title")
    parts = title.text().split(" \u2014 ")
    if len(parts) == 2 and parts[0] == parts[1]:
        title.inner_html = parts[0]
    return page.html


def finish(app, exception):
    """Mend every page."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    for path in site_pages(out):
        write_changed(path, mend(path.read_text(encoding="utf-8"), path.name))


def setup(app):
    """Register with Sphinx, after the extensions that change the pages' text."""
    app.connect("build-finished", finish, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
