"""Sphinx extension: the reference of hw1lib, a section for each module that is found.

The directive stands in an ``{eval-rst}`` block, since automodule is reStructuredText.
"""

from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

import hw1lib


class Reference(SphinxDirective):
    """The functions of each public module, without the caches that they hand on."""

    def run(self):
        """Build the sections."""
        names = [m.name for m in iter_modules(hw1lib.__path__) if not m.name.startswith("_")]
        return [self.section(f"hw1lib.{name}") for name in names]

    def section(self, name):
        """Build the section of one module."""
        module = import_module(name)
        caches = [key for key, value in vars(module).items() if isclass(value)]
        lines = [f".. automodule:: {name}", "   :members:"]
        lines += [f"   :exclude-members: {', '.join(caches)}"] * bool(caches)
        title = name.rpartition(".")[2]
        section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(title)])
        self.state.nested_parse(StringList(lines, source=name), 0, section)
        return section


def setup(app):
    """Register with Sphinx."""
    app.add_directive("reference", Reference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
