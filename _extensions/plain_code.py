"""Sphinx extension: no box around a word of code that has the colour of the code's box.

Names, brackets and blanks are more than half of the words. Without their boxes a phone lays out the
page faster, and nobody sees a difference.
"""

from pygments.formatters import HtmlFormatter
from pygments.token import Name, Punctuation, Token, Whitespace
from sphinx.highlighting import PygmentsBridge

PLAIN = {Name, Name.Namespace, Name.Other, Punctuation, Whitespace, Token.Text}


class PlainFormatter(HtmlFormatter):
    """Pygments' HTML, without the boxes that change nothing."""

    def _get_css_class(self, ttype):
        """Return no class for what has no colour of its own; without a class there is no box."""
        return "" if ttype in PLAIN else super()._get_css_class(ttype)


def setup(app):
    """Register with Sphinx."""
    PygmentsBridge.html_formatter = PlainFormatter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
