"""Sphinx extension: the student's edition of the practice notebooks, and the known mistakes.

The notebooks in `chapters/practice` hold the solutions. The student's edition is made of them:
without the cells tagged "solution" or "book-only" and without any output. The directive `mistakes`
lists the mistakes that the checks of a part know, "1" for the homework's questions 1.1 to 1.5.
"""

import re
import sys
from copy import deepcopy
from html import escape, unescape
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from hw1check import PROBLEMS

logger = logging.getLogger(__name__)

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


def link_to_pages(app, doctree, docname):
    """Make a link, with the page's heading, of each page that a check or a mistake names."""

    def address_and_heading(page):
        name, hash_mark, anchor = page.partition("#")
        target = f"chapters/{name}"
        if target not in app.env.titles:
            logger.warning("a check names the page %s, which is not there", name, location=docname)
            return "", name
        address = app.builder.get_relative_uri(docname, target) + hash_mark + anchor
        return address, app.env.titles[target].astext()

    def link(match):
        address, heading = map(escape, address_and_heading(unescape(match[1])))
        return f'<a href="{address}">{heading}</a>'

    for raw in list(doctree.findall(nodes.raw)):
        text = raw.astext()
        if 'class="hw1check"' in text:
            linked = re.sub(r'<span class="hw1check-page">([^<]*)</span>', link, text)
            raw.replace_self(nodes.raw(raw.rawsource, linked, **raw.attributes))
    for node in doctree.findall(nodes.reference):
        if "hw1check-page" in node["classes"]:
            address, heading = address_and_heading(node.astext())
            node.clear()
            node["refuri"] = address
            node += nodes.Text(heading)


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

    required_arguments = 1

    def run(self):
        """Build the sections."""
        part = self.arguments[0]
        return [self.section(p) for p in PROBLEMS if part_of(p) == part]

    def section(self, problem):
        """Build the section of one check."""
        title = f"{sentence(problem.question)} {problem.title}"
        name = nodes.make_id(problem.name)
        section = nodes.section("", nodes.title(title, title), ids=[name])
        section["fold"] = f"{len(problem.known)} mistakes"
        label = f"mistakes-{problem.name}"
        self.env.get_domain("std").note_hyperlink_target(label, self.env.docname, name)
        called = nodes.literal("", f"check.{problem.name}")
        gets = ", ".join(problem.arguments)
        text = nodes.Text(f" checks a function of ({gets})." if gets else " checks a number.")
        section += nodes.paragraph("", "", called, text)
        section += nodes.bullet_list("", *(self.item(problem, m) for m in problem.known))
        return section

    def item(self, problem, mistake):
        """Build the entry of one mistake, each wrong line beside the right one."""
        page = nodes.reference("", mistake.page, refuri="", classes=["hw1check-page"])
        what = nodes.strong("", "", *with_code(f"{sentence(mistake.what)}."))
        why = with_code(f" {mistake.why} Read: ")
        words = nodes.paragraph("", "", what, *why, page, nodes.Text("."))
        pairs = problem.lines.pairs(mistake.lines)
        return nodes.list_item(
            "",
            words,
            *(nodes.container("", *map(line, "✗✓", pair), classes=["line-pair"]) for pair in pairs),
        )


def line(sign, code):
    """Build a paragraph of a line of code, with a sign before it."""
    classes = {"classes": ["code", "highlight"], "language": "python"}
    return nodes.paragraph("", "", nodes.Text(f"{sign} "), nodes.literal("", code, **classes))


def part_of(problem):
    """Return the homework's part to which a question belongs, the first digit of its number."""
    return problem.question.removeprefix("beyond ")[0]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("mistakes", Mistakes)
    app.connect("doctree-resolved", link_to_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    write_student_editions(Path(sys.argv[1]), Path(sys.argv[2]))
