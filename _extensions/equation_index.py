"""Sphinx extension: the index of the homework's equations, from the results of their checks.

The directive ``equation-index`` shows a table of all equations and, below it, the code of every
check. Its sources: ``chapters/equations.yml`` says what each equation states and how it is printed,
``chapters/equations.json`` what the last recorded test run measured, and the test files hold the
code. Each displayed equation gets a small mark beside its number that leads to its row.
"""

import ast
import json
import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.domains.math import MathReferenceRole
from sphinx.util.docutils import SphinxDirective

INDEX = "chapters/equations"
VERDICTS = {
    "correct": "correct",
    "slip": "slip of the pen",
    "imprecise": "imprecise",
    "wrong": "wrong",
}


def catalogue(root):
    """Give what each equation states and how it is printed, by number."""
    text = (root / f"{INDEX}.yml").read_text(encoding="utf-8")
    return {entry["number"]: entry for entry in yaml.safe_load(text)}


def results(root):
    """Give what the recorded test run measured."""
    return json.loads((root / f"{INDEX}.json").read_text(encoding="utf-8"))


def pages(root):
    """Give the page that displays each equation, by number."""
    return {
        int(number): path.relative_to(root).with_suffix("").as_posix()
        for path in sorted((root / "chapters").rglob("*.ipynb"))
        for number in re.findall(r"\$\$ \(eq-(\d+)\)", path.read_text(encoding="utf-8"))
    }


def error_text(check):
    """Say a check's error for a reader: 'exact', '4e-16', '1.2 standard errors'."""
    parts = ["exact"] if check.get("exact") else []
    if check.get("error") or ("error" in check and not parts):
        parts.append(f"{check['error']:.0e}" if check["error"] else "0")
    if "standard_errors" in check:
        parts.append(f"{check['standard_errors']:.1f} standard errors")
    return ", ".join(parts) or "holds"


def source_of(root, test):
    """Give a test's code without its decorators and docstring."""
    path, _, name = test.partition("::")
    text = (root / path).read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name.partition("[")[0]:
            lines = text.splitlines()
            body = "\n".join(lines[node.body[1].lineno - 1 : node.end_lineno])
            return f"{lines[node.lineno - 1]}\n{body}"
    raise ValueError(f"{path} has no test {name}")


class EquationIndex(SphinxDirective):
    """The table of all equations, and the code of their checks."""

    def run(self):
        """Build the nodes."""
        root = Path(self.env.srcdir)
        for name in (f"{INDEX}.yml", f"{INDEX}.json"):
            self.env.note_dependency(name)
        entries, measured, page_of = catalogue(root), results(root), pages(root)
        rows, checks = [], []
        for number, entry in sorted(entries.items()):
            tests = measured["equations"][str(number)]
            rows.append(self.row(number, entry, tests, page_of[number]))
            checks.append(self.checks(root, number, entry, tests))
        versions = ", ".join(f"{name} {value}" for name, value in measured["versions"].items())
        note = f"Measured with {versions}."
        heading = nodes.rubric(text="The checks")
        return [self.table(rows), nodes.paragraph(text=note), heading, *checks]

    def table(self, rows):
        """Make the table, which a script of the page can filter."""
        titles = ("Number", "What it says", "Check", "Error", "Printed form")
        table = nodes.table(classes=["equation-index"])
        group = nodes.tgroup(cols=len(titles))
        group += [nodes.colspec(colwidth=width) for width in (8, 34, 16, 14, 28)]
        head = nodes.row("", *[nodes.entry("", nodes.paragraph(text=title)) for title in titles])
        group += nodes.thead("", head)
        group += nodes.tbody("", *rows)
        table += group
        return table

    def row(self, number, entry, tests, page):
        """Make one row: a link to the equation, to its check, the error, the verdict."""
        # U+2011: no line ends within 1e-16.
        errors = ", ".join(dict.fromkeys(error_text(test) for test in tests)).replace("-", "\u2011")
        means = ", ".join(dict.fromkeys(test["by"] for test in tests))
        check = nodes.reference("", means, refid=f"code-{number}", internal=True)
        verdict = nodes.paragraph()
        verdict += nodes.strong(text=VERDICTS[entry["verdict"]])
        if "printed" in entry:
            verdict += nodes.Text(": " + entry["printed"])
        cells = (
            [nodes.paragraph("", "", self.equation(number))],
            [nodes.paragraph(text=entry["what"]), self.page(page)],
            [nodes.paragraph("", "", check)],
            [nodes.paragraph(text=errors)],
            [verdict],
        )
        classes = [f"verdict-{entry['verdict']}"]
        row = nodes.row("", *[nodes.entry("", *cell) for cell in cells], classes=classes)
        row["ids"].append(f"check-{number}")
        return row

    def equation(self, number):
        """Make a reference to the displayed equation."""
        role, text = MathReferenceRole(warn_dangling=True), f"eq-{number}"
        (node,), _ = role("eq", f"{{eq}}`{text}`", text, self.lineno, self.state.inliner)
        return node

    def page(self, docname):
        """Make a reference to the page that derives an equation, under its title."""
        options = {"refdomain": "std", "reftype": "doc", "refexplicit": False, "refwarn": True}
        target = addnodes.pending_xref(
            "", reftarget=f"/{docname}", refdoc=self.env.docname, **options
        )
        target += nodes.inline(text=docname)
        return nodes.paragraph("", "", target, classes=["derived"])

    def checks(self, root, number, entry, tests):
        """Make the folded code of an equation's checks."""
        box = nodes.container(classes=["equation-checks"], ids=[f"code-{number}"])
        summary = f"({number}) {entry['what']}"
        box += nodes.raw("", f"<details><summary>{summary}</summary>", format="html")
        for test in tests:
            path = test["test"].partition("::")[0]
            self.env.note_dependency(path)
            box += nodes.paragraph("", f"{path}, by {test['by']}: {error_text(test)}")
            code = source_of(root, test["test"])
            box += nodes.literal_block(code, code, language="python")
        box += nodes.raw("", "</details>", format="html")
        return box


def setup(app):
    """Register with Sphinx."""
    app.add_directive("equation-index", EquationIndex)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
