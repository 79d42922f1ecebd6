"""Sphinx extension: where a reader answers, in a page.

Where a practice notebook has a blank function, or a page the directive `answer` with the name of a
question, the page gets a place that `answers/boxes.js` makes a box of. The numbers that judge
formulas travel apart, a script a question, and the solutions are on a page of their own, and in a
script: neither comes before it is asked for. A cell with the tag "live" can be changed and run in
the page; it needs NumPy, hw1lib and the notebook's imports alone. The directive `guess` asks: each
choice is a list item, the right one behind a tick, and below it stands what the page says to it.
"""

import ast
import json
import re
from html import escape
from pathlib import Path

from answers.question_data import is_formula, question_data
from docutils import nodes
from folds import details
from live_python import FOLDER
from practice import part_of
from selectolax.lexbor import LexborHTMLParser
from sphinx.util.docutils import SphinxDirective

import hw1check
from hw1check import PROBLEMS

LIBRARY = Path(__file__).parent / "answers" / "answers"
PRACTICE = "chapters/practice/"
TOPICS = {"1": "dropout", "2": "batchnorm", "3": "backprop"}  # the practice page of a part
TAGS = re.compile(r'"(stub|live)"')
AVAILABLE = ("hw1lib", "itertools", "math", "numpy")  # in a page


def before_reading(app, docname, source):
    """Put a place before a blank function, and after a live cell, in the copy that Sphinx reads."""
    if not app.env.doc2path(docname).endswith(".ipynb") or not TAGS.search(source[0]):
        return
    notebook = json.loads(source[0])
    imports = imports_of(notebook)
    cells = []
    for cell in notebook["cells"]:
        own = cell["metadata"].get("tags", [])
        if "stub" in own:
            name = ast.parse("".join(cell["source"])).body[-1].name
            cells.append(shown(place(getattr(hw1check, name), imports), len(cells)))
        cells.append(cell)
        if "live" in own:
            html = f'<div class="live-cell" data-setup="{escape(imports)}"></div>'
            cells.append(shown(html, len(cells)))
    source[0] = json.dumps(notebook | {"cells": cells})


def imports_of(notebook):
    """Return the imports of a notebook that a page can make, too."""
    setup = next(c for c in notebook["cells"] if "remove-cell" in c["metadata"].get("tags", []))
    statements = ast.parse("".join(setup["source"])).body
    names = [(s, getattr(s, "module", None) or s.names[0].name) for s in statements
             if isinstance(s, (ast.Import, ast.ImportFrom))]  # fmt: skip
    return "\n".join(ast.unparse(s) for s, name in names if name.split(".")[0] in AVAILABLE)


def shown(html, number):
    """Return a cell that shows HTML and nothing else."""
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}
    metadata = {"tags": ["remove-input", "answer-place"]}
    about = {"cell_type": "code", "id": f"place-{number}", "metadata": metadata}
    return about | {"source": "place", "outputs": [output], "execution_count": 1}


def place(problem, imports):
    """Return the element of which a script makes the box."""
    formula = " data-formula" if is_formula(problem) else ""
    solutions = f"{PRACTICE}{TOPICS[part_of(problem)]}_solutions.js"
    return (
        f'<div class="answer-box" data-question="{problem.name}" data-setup="{escape(imports)}"'
        f' data-solutions="{solutions}"{formula}></div>'
    )


class Answer(SphinxDirective):
    """A box for the answer to a question, away from the practice pages."""

    required_arguments = 1

    def run(self):
        """Show the blank function, of which the script makes the box."""
        problem = getattr(hw1check, self.arguments[0])
        blank = nodes.literal_block("", problem.blank(), language="python")
        html = nodes.raw("", place(problem, "import numpy as np"), format="html")
        stub = nodes.container("", blank, classes=["tag_stub"])
        return [nodes.container("", html, stub, classes=["answer-question"])]


class Guess(SphinxDirective):
    """A question with choices; each is a fold of what the page says to it."""

    has_content = True

    def run(self):
        """Make a fold of each item of the list."""
        box = nodes.container(classes=["guess"])
        self.state.nested_parse(self.content, self.content_offset, box)
        (choices,) = box.findall(nodes.bullet_list)
        for item in choices.children:
            choice, *says = item.children
            is_right = choice.astext().startswith("✓")
            if is_right:
                first = next(choice.findall(nodes.Text))
                first.parent.replace(first, nodes.Text(first.lstrip("✓ ")))
            verdict = nodes.strong(text="✓ Yes. " if is_right else "✗ No. ")
            says[0].insert(0, verdict)
            box += details(choice.children, says, f"guess-{'right' if is_right else 'wrong'}")
        choices.parent.remove(choices)
        return [box]


def finish_page(app, pagename, templatename, context, doctree):
    """Send the script with a page that has boxes, and move its solutions; or say what is solved."""
    body = context.get("body", "")
    if doctree is not None and "live-cell" in body:
        app.add_js_file("live-cells.js", loading_method="defer")
    if doctree is not None and "answer-box" in body:
        app.add_js_file("boxes.js", loading_method="defer")
    if doctree is not None and "answer-box" in body and pagename.startswith(PRACTICE):
        page = LexborHTMLParser(body)
        app.solutions[pagename] = move_solutions(
            page.body, f"{pagename.split('/')[-1]}_solutions.html"
        )
        context["body"] = page.body.inner_html
    elif doctree is not None and "answer-progress" in body:
        app.add_js_file("progress.js", loading_method="defer")
        total = f'class="answer-progress" data-total="{len(PROBLEMS)}"'
        context["body"] = body.replace('class="answer-progress"', total)


def is_solution(details):
    """Say whether a folded box is the solution of an exercise."""
    return details.css_first("summary").text().startswith("Solution")


def move_solutions(article, name):
    """Take the solutions out of a practice page, with a link in their place; give their HTML."""
    solutions = {}
    for exercise in article.css("section section"):
        found = [box for box in exercise.css("details") if is_solution(box)]
        if not found:
            continue
        for box in found:
            box.css_first("summary").decompose()
        code = exercise.css(".tag_solution")
        question = exercise.css_first(".answer-box").attributes["data-question"]
        texts = [*(box.inner_html for box in found), *(box.html for box in code)]
        anchor = exercise.attributes["id"]
        heading = re.sub(r'<a class="headerlink".*?</a>', "", exercise.css_first("h2").inner_html)
        solutions[question] = anchor, heading, "".join(texts)
        link = f'<p class="answer-link"><a href="{name}#solution-{anchor}">The solution</a></p>'
        found[0].insert_before(LexborHTMLParser(link).body.child)
        for box in (*found, *code):
            box.decompose()
    return solutions


def pages_of_solutions(app):
    """Give a page with the solutions of each practice page that was written."""
    for name, solutions in app.solutions.items():
        title = f"Solutions: {app.env.titles[name].astext()}"
        home = f"{name.split('/')[-1]}.html"
        sections = "".join(
            f'<section id="solution-{anchor}"><h2>{heading}</h2>'
            f'<p><a href="{home}#{anchor}">The exercise</a></p>{html}</section>'
            for anchor, heading, html in solutions.values()
        )
        about = f"{title}, each as a derivation and as code, for where no script can show them."
        context = {
            "title": title,
            "body": f"<section><h1>{escape(title)}</h1>{sections}</section>",
            "metatags": f'<meta content="{escape(about)}" name="description" />',
        }
        yield f"{name}_solutions", context, "page.html"


def finish(app, exception):
    """Write what the boxes need."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    for name, solutions in app.solutions.items():
        script = {question: html for question, (_, _, html) in solutions.items()}
        text = f"answerBoxes.solutions({json.dumps(script, ensure_ascii=False)});\n"
        (out / f"{name}_solutions.js").write_text(text, encoding="utf-8")
    questions = out / "_static" / "questions"
    questions.mkdir(exist_ok=True)
    for problem in filter(is_formula, PROBLEMS):
        data = json.dumps(question_data(problem), separators=(",", ":"), ensure_ascii=False)
        text = f'answerBoxes.take("{problem.name}", {data});\n'
        (questions / f"{problem.name}.js").write_text(text, encoding="utf-8")


def tell_of_the_site(app, exception):
    """Tell the script the questions, the headings of their pages, and how large Python is."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    files = re.search(r"FILES = (\{.*?\});", (out / FOLDER / "python.js").read_text("utf-8"))
    pages = {m.page.partition("#")[0] for p in PROBLEMS for m in (p, *p.known)}
    titles = {page: app.env.titles[f"chapters/{page}"].astext() for page in sorted(pages)}
    site = {
        "pages": titles,
        "names": [problem.name for problem in PROBLEMS],
        "size": sum(size for size, _ in json.loads(files[1]).values()),
    }
    told = {"boxes.js": ("SITE", site), "live-cells.js": ("SIZE", site["size"])}
    for name, (constant, value) in told.items():
        path = out / "_static" / name
        before, mark, after = path.read_text(encoding="utf-8").partition(f"const {constant} = ")
        text = before + mark + json.dumps(value, ensure_ascii=False) + after[after.index(";") :]
        path.write_text(text, encoding="utf-8")


def prepare(app):
    """Keep the solutions of the pages that are written; the others have theirs already."""
    app.solutions = {}
    app.config.html_static_path.append(str(LIBRARY))


def setup(app):
    """Register with Sphinx."""
    app.add_directive("answer", Answer)
    app.add_directive("guess", Guess)
    app.connect("builder-inited", prepare)
    app.connect("source-read", before_reading)
    app.connect("html-page-context", finish_page)
    app.connect("html-collect-pages", pages_of_solutions)
    app.connect("build-finished", finish, priority=400)
    app.connect("build-finished", tell_of_the_site, priority=960)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
