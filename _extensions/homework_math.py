"""Sphinx extension: the homework's equation numbers, and mathematics rendered while building.

Numbers: an equation labelled ``eq-78`` is number (78) wherever it stands, and ``eq-78a`` is (78a);
any other label makes an equation without a number. Rendering: KaTeX's own script runs inside
Python, in the V8 engine, so that a page needs neither a script nor a network to show its formulas,
and a formula that does not parse is a warning with its file and line.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.domains.math import MathDomain
from sphinx.util import logging

logger = logging.getLogger(__name__)

KATEX = Path(__file__).parent / "katex"
OPENING, CLOSING = re.compile(r"[(\[\u2018\u201c]+$"), re.compile(r"[.,;:!?)\]\u2019\u201d]+")
HOMEWORK_LABEL = re.compile(r"eq-(\d+[a-z]?)")


class HomeworkMathDomain(MathDomain):
    """The math domain, with the number read off the label in place of counted."""

    def get_equation_number_for(self, labelid):
        """Return '78' for the label 'eq-78', None for a label that gives no number."""
        match = HOMEWORK_LABEL.fullmatch(labelid)
        return match[1] if match and labelid in self.equations else None

    def note_equation(self, docname, labelid, location=None):
        """Register a label, with the homework's number."""
        super().note_equation(docname, labelid, location)
        match = HOMEWORK_LABEL.fullmatch(labelid)
        if match is None:
            logger.warning("equation label %r is not of the form eq-78", labelid, location=location)
        self.equations[labelid] = (docname, match[1] if match else labelid)


class Katex:
    """KaTeX in a JavaScript engine, one for the build."""

    def __init__(self, macros):
        self.macros = macros
        self.engine = MiniRacer()
        self.engine.eval((KATEX / "katex.min.js").read_text(encoding="utf-8"))

    def render(self, latex, display):
        """Return HTML with MathML beside it; raise JSEvalException if it does not parse."""
        options = {"displayMode": display, "strict": "error", "macros": self.macros}
        return self.engine.eval(f"katex.renderToString({json.dumps(latex)}, {json.dumps(options)})")


def render(translator, node, display):
    """Append the rendered formula of a node to the page."""
    app = translator.builder.app
    if not hasattr(app, "katex"):
        app.katex = Katex(app.config.katex_macros)
    try:
        html = app.katex.render(node.astext(), display)
    except JSEvalException as error:
        # V8 puts the place in the script before the message.
        message = str(error).partition("\n")[0].partition(": ")[2]
        logger.warning("formula does not parse: %s", message, location=node)
        html = f"<code>{translator.encode(node.astext())}</code>"
    translator.body.append(html)


def visit_math(translator, node):
    """Write an inline formula, with the bracket before it and the comma behind it."""
    before, behind = node.get("opening", ""), node.get("closing", "")
    translator.body.append(before)
    start = len(translator.body) - 1
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate"))
    render(translator, node, display=False)
    translator.body.append("</span>")
    parts = translator.body[start + 2].count('class="katex-base"')
    if before + behind and parts == 1:
        translator.body.insert(start, '<span class="with-its-marks">')
        translator.body.append(behind + "</span>")
    elif behind:
        # A formula of several parts may break between them, but not before its marks.
        translator.body.insert(start + 1, '<span class="room-for-marks">')
        translator.body.append(f'</span><span class="marks">{behind}</span>')
    raise nodes.SkipNode


def take_marks(app, doctree, docname):
    """Give each inline formula the marks around it, or a line might begin with a comma."""
    if app.builder.format != "html":
        return
    for formula in list(doctree.findall(nodes.math)):
        place = formula.parent.index(formula)
        for name, pattern, other in (
            ("opening", OPENING, place - 1),
            ("closing", CLOSING, place + 1),
        ):
            text = formula.parent[other] if 0 <= other < len(formula.parent) else None
            mark = pattern.search(text) if isinstance(text, nodes.Text) else None
            if mark and (name == "opening" or mark.start() == 0):
                formula[name] = mark[0]
                formula.parent[other] = nodes.Text(text[: mark.start()] + text[mark.end() :])


def check_mark(builder, number):
    """Return a small link to the equation's entry in the index, if the book has one."""
    entry = f"check-{number}"
    page, _ = builder.env.get_domain("std").anonlabels.get(entry, ("", ""))
    if not page:
        return ""
    uri = builder.get_relative_uri(builder.current_docname, page)
    title = f"How equation ({number}) is checked"
    link = f'class="check-mark" href="{uri}#{entry}" title="{title}" aria-label="{title}"'
    return f"<a {link}>\u2713</a>"


def visit_displaymath(translator, node):
    """Write a displayed formula in a box of its own that scrolls, with its number beside it."""
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate"))
    translator.body.append('<div class="formula">')
    render(translator, node, display=True)
    translator.body.append("</div>")
    if node["number"]:
        translator.body.append(f'<span class="eqno">({node["number"]})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append(check_mark(translator.builder, node["number"]))
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def add_static_files(app):
    """Ship the stylesheet and the fonts with the site."""
    app.config.html_static_path.append(str(KATEX / "static"))
    app.add_css_file("katex.min.css")


def setup(app):
    """Register with Sphinx."""
    app.add_config_value("katex_macros", {}, "env")
    app.add_domain(HomeworkMathDomain, override=True)
    app.add_html_math_renderer("katex", (visit_math, None), (visit_displaymath, None))
    app.connect("builder-inited", add_static_files)
    app.connect("doctree-resolved", take_marks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
