"""Sphinx extension: the index of the homework's equations, from the results of their checks.

The directive ``equation-index`` lists the equations of a topic, that of the page it stands on: each
as the book displays it, with what it states and how it is printed (``chapters/equations.yml``) and
what the last recorded test run measured (``chapters/equations.json``). ``equation-parts`` counts
them by topic. A displayed equation gets a small mark beside its number that leads to its entry.
"""

import json
import re
from collections import Counter
from itertools import groupby
from pathlib import Path

import yaml
from addresses import find_addresses
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
DISPLAYED = re.compile(r"^\$\$\n(.*?)\n\$\$(?: \(eq-(\d+)\))?$", re.M | re.S)
# Above the list, for a script; without scripts it is not shown.
FILTER = """<form class="equation-filter">
  <label>Find <input type="search" placeholder="variance, autograd, 16"></label>
  <label>Printed form <select><option value="">all</option>{options}</select></label>
  <output></output>
</form>"""


def catalogue(root):
    """Give what each equation states and how it is printed, by number."""
    text = (root / f"{INDEX}.yml").read_text(encoding="utf-8")
    return {entry["number"]: entry for entry in yaml.safe_load(text)}


def results(root):
    """Give what the recorded test run measured."""
    return json.loads((root / f"{INDEX}.json").read_text(encoding="utf-8"))


def displayed(root):
    """Give the page and the LaTeX of each equation, by number."""
    found = {}
    for path in sorted((root / "chapters").rglob("*.ipynb")):
        page = path.relative_to(root).with_suffix("").as_posix()
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for latex, number in DISPLAYED.findall("".join(cell["source"])):
                if number:
                    found[int(number)] = page, latex
    return dict(sorted(found.items()))


def topics(root, equations):
    """Give the numbers on each page of the index, by the page's name.

    A page has the equations of the chapters whose names begin like its own, as whitening_backward
    does, or else of those in the folder with its name.
    """
    names = {path.stem for path in (root / INDEX).glob("*.md")}
    found = {}
    for number, (page, _) in equations.items():
        folder, chapter = page.split("/")[-2:]
        topic = next((name for name in names if chapter.startswith(name)), folder)
        found.setdefault(f"{INDEX}/{topic}", []).append(number)
    return found


def error_text(check):
    """Say a check's error for a reader: 'exact', 'error 4e-16', '1.2 standard errors'."""
    parts = ["exact"] if check.get("exact") else []
    error = f"{check.get('error', 0):.0e}" if check.get("error") else "0"
    if parts and error != "0":
        parts = [f"exact in symbols, error {error} in numbers"]
    elif "error" in check and not parts:
        parts = [f"error {error}"]
    if "standard_errors" in check:
        parts.append(f"{check['standard_errors']:.1f} standard errors")
    # U+2011: no line ends within 1e-16.
    return (", ".join(parts) or "holds").replace("e-", "e\u2011")


def merged(checks):
    """Give the worst that each test function has measured, over its parameters."""
    functions = {}
    for check in checks:
        function = functions.setdefault(check["test"].partition("[")[0], dict(check))
        for name in ("error", "standard_errors"):
            if name in check:
                function[name] = max(function[name], check[name])
    return functions


class Index(SphinxDirective):
    """What both directives read."""

    def read(self):
        """Read the sources, of which the page is made."""
        self.root = Path(self.env.srcdir)
        self.entries, self.measured = catalogue(self.root), results(self.root)
        self.displayed = displayed(self.root)
        self.topics = topics(self.root, self.displayed)
        pages = {f"{page}.ipynb" for page, _ in self.displayed.values()}
        for name in (f"{INDEX}.yml", f"{INDEX}.json", *pages):
            self.env.note_dependency(str(self.root / name))

    def page(self, docname):
        """Make a reference to a page, under its title."""
        options = {"refdomain": "std", "reftype": "doc", "refexplicit": False, "refwarn": True}
        target = addnodes.pending_xref(
            "", reftarget=f"/{docname}", refdoc=self.env.docname, **options
        )
        target += nodes.inline(text=docname)
        return target


class EquationIndex(Index):
    """The equations of a topic, which a script of the page can filter."""

    def run(self):
        """Build the nodes."""
        self.read()
        self.repository, self.branch, _ = find_addresses(self.root)
        numbers = self.topics[self.env.docname]
        groups = groupby(numbers, key=lambda number: self.displayed[number][0])
        options = "".join(
            f'<option value="{key}">{text}</option>' for key, text in VERDICTS.items()
        )
        versions = ", ".join(f"{name} {v}" for name, v in self.measured["versions"].items())
        script = '<script src="../../_static/equation-filter.js" defer></script>'
        return [
            nodes.raw("", FILTER.format(options=options), format="html"),
            *(self.group(page, list(numbers)) for page, numbers in groups),
            nodes.paragraph(text=f"Measured with {versions}."),
            nodes.raw("", script, format="html"),
        ]

    def group(self, page, numbers):
        """Make the list of the equations on a page, below its title."""
        title = nodes.paragraph("", "", self.page(page))
        items = map(self.item, numbers)
        return nodes.container("", title, nodes.bullet_list("", *items), classes=["equation-index"])

    def item(self, number):
        """Make an entry: number, statement, the equation, its checks, the printed form."""
        entry, (_, latex) = self.entries[number], self.displayed[number]
        item = nodes.list_item(classes=[f"verdict-{entry['verdict']}"], ids=[f"check-{number}"])
        self.env.get_domain("std").note_hyperlink_target(
            f"check-{number}", self.env.docname, f"check-{number}"
        )
        text = nodes.Text(f" {entry['what']}")
        item += nodes.paragraph("", "", nodes.strong("", "", self.equation(number)), text)
        item += nodes.math_block(latex, latex, number=None)
        checks = merged(self.measured["equations"][str(number)])
        item += [self.check(*check) for check in checks.items()]
        if "printed" in entry:
            verdict = nodes.strong(text=f"Printed form: {VERDICTS[entry['verdict']]}.")
            item += nodes.paragraph("", "", verdict, nodes.Text(f" {entry['printed']}"))
        return item

    def equation(self, number):
        """Make a reference to the displayed equation."""
        role, text = MathReferenceRole(warn_dangling=True), f"eq-{number}"
        (node,), _ = role("eq", f"{{eq}}`{text}`", text, self.lineno, self.state.inliner)
        return node

    def check(self, test, check):
        """Say by what means a test checks, what it has found and, in small, where it stands."""
        path, _, function = test.partition("::")
        where = nodes.Text(f"{function} in {path}")
        if self.repository:
            file = self.root / path
            self.env.note_dependency(str(file))
            code = file.read_text(encoding="utf-8")
            line = code[: code.index(f"\ndef {function}(") + 1].count("\n") + 1
            uri = f"{self.repository}/blob/{self.branch}/{path}#L{line}"
            where = nodes.reference("", "", where, refuri=uri)
        text = nodes.Text(f"Checked by {check['by']}: {error_text(check)} ")
        return nodes.paragraph("", "", text, nodes.inline("", "", where, classes=["test"]))


class EquationParts(Index):
    """A table of the index's pages, with what is on each."""

    def run(self):
        """Build the table."""
        self.read()
        rows = [
            self.row([self.page(page)], f"({min(numbers)}) to ({max(numbers)})", numbers)
            for page, numbers in self.topics.items()
        ]
        rows.append(self.row([nodes.Text("all")], str(len(self.entries)), self.entries))
        titles = ("Page", "Equations", *VERDICTS.values())
        group = nodes.tgroup(cols=len(titles))
        group += [nodes.colspec(colwidth=1) for _ in titles]
        head = [nodes.entry("", nodes.paragraph(text=title)) for title in titles]
        group += [nodes.thead("", nodes.row("", *head)), nodes.tbody("", *rows)]
        return [nodes.table("", group)]

    def row(self, first, span, numbers):
        """Make a row: a link, the span of the numbers, how many there are of each verdict."""
        verdicts = Counter(self.entries[number]["verdict"] for number in numbers)
        texts = [span, *(str(verdicts[key]) for key in VERDICTS)]
        cells = [nodes.paragraph("", "", *first), *(nodes.paragraph(text=t) for t in texts)]
        return nodes.row("", *[nodes.entry("", cell) for cell in cells])


def setup(app):
    """Register with Sphinx."""
    app.add_directive("equation-index", EquationIndex)
    app.add_directive("equation-parts", EquationParts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
