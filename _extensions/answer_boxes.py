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


def add_scripts(app, pagename, templatename, context, doctree):
    """Send the script with the pages that have a box, or say how many are solved."""
    body = context.get("body", "")
    if doctree is not None and "answer-box" in body:
        app.add_js_file("boxes.js", loading_method="defer")
    elif doctree is not None and "answer-progress" in body:
        app.add_js_file("progress.js", loading_method="defer")
        total = f'data-total="{len(PROBLEMS)}" hidden'
        context["body"] = body.replace(
            'class="answer-progress" hidden', f'class="answer-progress" {total}'
        )


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
        solutions[question] = anchor, exercise.css_first("h2").inner_html, "".join(texts)
        link = f'<p class="answer-link"><a href="{name}#solution-{anchor}">The solution</a></p>'
        found[0].insert_before(LexborHTMLParser(link).body.child)
        for box in (*found, *code):
            box.decompose()
    return solutions


def write_solutions(path, title):
    """Move the solutions of a practice page to one of their own, and into a script."""
    page = LexborHTMLParser(path.read_text(encoding="utf-8"))
    target = path.with_name(f"{path.stem}_solutions.html")
    article = page.css_first("article")
    solutions = move_solutions(article, target.name)
    if not solutions:  # the page is that of an earlier build
        return
    path.write_text(page.html, encoding="utf-8")
    script = {name: html for name, (_, _, html) in solutions.items()}
    text = f"answerBoxes.solutions({json.dumps(script, ensure_ascii=False)});\n"
    target.with_suffix(".js").write_text(text, encoding="utf-8")
    sections = "".join(
        f'<section id="solution-{anchor}"><h2>{heading}</h2>'
        f'<p><a href="{path.name}#{anchor}">The exercise</a></p>{html}</section>'
        for anchor, heading, html in solutions.values()
    )
    article.inner_html = f"<section><h1>Solutions: {escape(title)}</h1>{sections}</section>"
    for element in page.css(
        '[property^="og:"], [name^="twitter:"], [rel="canonical"], .answer-box'
    ):
        element.decompose()
    page.css_first("title").inner_html = f"Solutions: {escape(title)}"
    page.css_first('meta[name="description"]').attrs["content"] = f"The solutions of {title}."
    target.write_text(page.html, encoding="utf-8")


def finish(app, exception):
    """Write what the boxes need."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    for docname in sorted(app.env.all_docs):
        path = out / f"{docname}.html"
        if docname.startswith(PRACTICE) and "answer-box" in path.read_text(encoding="utf-8"):
            write_solutions(path, app.env.titles[docname].astext())
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


def setup(app):
    """Register with Sphinx: the solutions move before the pages are made lean."""
    app.connect("source-read", before_reading)
    app.connect("html-page-context", add_scripts)
    app.connect("builder-inited", lambda app: app.config.html_static_path.append(str(LIBRARY)))
    app.connect("build-finished", finish, priority=400)
    app.connect("build-finished", tell_of_the_site, priority=960)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
