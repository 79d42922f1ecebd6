"""Sphinx extension: boxes in which a reader answers the questions of the practice pages.

Where a practice notebook has a blank function, its page gets a place that `answers/boxes.js` makes
a box of. The numbers that judge formulas travel apart, a script a question, and the solutions are
on a page of their own, and in a script: neither comes before it is asked for.
"""

import ast
import json
import re
from html import escape
from pathlib import Path

from answers.question_data import is_formula, question_data
from live_python import FOLDER
from selectolax.lexbor import LexborHTMLParser

import hw1check
from hw1check import PROBLEMS

LIBRARY = Path(__file__).parent / "answers" / "answers"
PRACTICE = "chapters/practice/"


def before_reading(app, docname, source):
    """Put a place for a box before each blank function, in the copy that Sphinx reads."""
    if not docname.startswith(PRACTICE) or '"stub"' not in source[0]:
        return
    notebook = json.loads(source[0])
    setup = next(c for c in notebook["cells"] if "remove-cell" in c["metadata"].get("tags", []))
    imports = [row for row in setup["source"] if "hw1check" not in row]
    cells = []
    for cell in notebook["cells"]:
        if "stub" in cell["metadata"].get("tags", []):
            name = ast.parse("".join(cell["source"])).body[-1].name
            html = place(getattr(hw1check, name), "".join(imports).strip(), docname)
            output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}
            outputs = {"source": "box", "outputs": [output], "execution_count": 1}
            metadata = {"tags": ["remove-input", "answer-place"]}
            about = {"cell_type": "code", "id": f"box-{len(cells)}", "metadata": metadata}
            cells.append(about | outputs)
        cells.append(cell)
    source[0] = json.dumps(notebook | {"cells": cells})


def place(problem, imports, docname):
    """Return the element of which a script makes the box."""
    formula = " data-formula" if is_formula(problem) else ""
    return (
        f'<div class="answer-box" data-question="{problem.name}" data-setup="{escape(imports)}"'
        f' data-solutions="{docname}_solutions.js"{formula}></div>'
    )


def finish_page(app, pagename, templatename, context, doctree):
    """Send the script with a page that has boxes, and move its solutions; or say what is solved."""
    body = context.get("body", "")
    if doctree is not None and "answer-box" in body:
        app.add_js_file("boxes.js", loading_method="defer")
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
    path = out / "_static" / "boxes.js"
    before, mark, after = path.read_text(encoding="utf-8").partition("const SITE = ")
    text = before + mark + json.dumps(site, ensure_ascii=False) + after[after.index(";") :]
    path.write_text(text, encoding="utf-8")


def prepare(app):
    """Keep the solutions of the pages that are written; the others have theirs already."""
    app.solutions = {}
    app.config.html_static_path.append(str(LIBRARY))


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", prepare)
    app.connect("source-read", before_reading)
    app.connect("html-page-context", finish_page)
    app.connect("html-collect-pages", pages_of_solutions)
    app.connect("build-finished", finish, priority=400)
    app.connect("build-finished", tell_of_the_site, priority=960)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
