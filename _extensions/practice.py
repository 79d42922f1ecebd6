"""Sphinx extension: the student's edition of the practice notebooks, and the known mistakes.

The notebooks in `chapters/practice` hold the solutions. The student's edition is made of them:
without the cells tagged "solution" or "book-only" and without any output. The directive `mistakes`
lists all mistakes that the checks know.
"""

import re
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from hw1lib.check import PROBLEMS, _pages

FOLDER = Path("chapters") / "practice"


def student_edition(notebook):
    """Return a copy of a practice notebook without its solutions and outputs."""
    edition = deepcopy(notebook)
    edition.cells = [c for c in edition.cells if not {"solution", "book-only"} & set(tags(c))]
    for cell in edition.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return edition


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def students_text(path):
    """Return the text of a notebook as a student gets it: of a practice notebook the blanks."""
    if path.parts[-3:-1] != FOLDER.parts:
        return path.read_text(encoding="utf-8")
    return nbformat.writes(student_edition(nbformat.read(path, as_version=4))) + "\n"


def write_student_editions(source, target):
    """Write the student's edition of each practice notebook."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((source / FOLDER).glob("*.ipynb")):
        (target / path.name).write_text(students_text(path), encoding="utf-8")


def link_to_pages(app, doctree):
    """Let the links in a check's output lead to pages: in a notebook they lead to notebooks."""
    for raw in list(doctree.findall(nodes.raw)):
        text = raw.astext()
        if 'class="hw1lib-check"' in text:
            linked = re.sub(r'(href="\.\./[\w/]+)\.ipynb', r"\1.html", text)
            raw.replace_self(nodes.raw(raw.rawsource, linked, **raw.attributes))


def sentence(text):
    """Begin with a capital letter, unless a symbol or a function's name stands there."""
    first = text.partition(" ")[0].rstrip(",").replace("-", "")
    word = first.isalpha() and (len(first) > 1 or first == "a")
    return text[0].upper() + text[1:] if word else text


def with_code(text):
    """Give the nodes of a text in which code stands between backticks."""
    return [
        nodes.literal("", part) if i % 2 else nodes.Text(part)
        for i, part in enumerate(text.split("`"))
    ]


class Mistakes(SphinxDirective):
    """A section for each check, with what it knows to be wrong, why, and the page to read."""

    def run(self):
        """Build the sections."""
        return [self.section(problem) for problem in PROBLEMS]

    def section(self, problem):
        """Build the section of one check."""
        title = f"{sentence(problem.question)} {problem.title}"
        section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(problem.name)])
        called = nodes.literal("", f"check.{problem.name}")
        gets = ", ".join(problem.arguments)
        text = nodes.Text(f" checks a function of ({gets})." if gets else " checks a number.")
        section += nodes.paragraph("", "", called, text)
        section += nodes.bullet_list("", *map(self.item, problem.mistakes))
        return section

    def item(self, mistake):
        """Build the entry of one mistake."""
        name, _, anchor = mistake.page.partition("#")
        address = f"../{name}.html" + (f"#{anchor}" if anchor else "")
        page = nodes.reference("", _pages.title(mistake.page), refuri=address)
        what = nodes.strong("", "", *with_code(f"{sentence(mistake.what)}."))
        why = with_code(f" {mistake.why} Read: ")
        return nodes.list_item("", nodes.paragraph("", "", what, *why, page, nodes.Text(".")))


def setup(app):
    """Register with Sphinx."""
    app.add_directive("mistakes", Mistakes)
    app.connect("doctree-read", link_to_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_student_editions(Path(sys.argv[1]), Path(sys.argv[2]))
