"""The marks as text, and in the formats of those who take them: JUnit, CSV, Gradescope, a page."""

import csv
import io
import re
from html import escape
from xml.etree import ElementTree as ET

from hw1check import PROBLEMS
from hw1check._problem import HOMEWORK

TOPICS = HOMEWORK["topics"]
BONUS = "bonus"
WIDTH = 100  # of a remark in a table


def students(files):
    """Put the marked files of each student together: of each question, the better answer."""
    found = {}
    for marks in files:
        blank = {"files": [], "questions": {}, "remarks": [], "problems": []}
        student = found.setdefault(marks["student"], {**marks, **blank})
        where = f"{marks['file']}: "
        if marks["problem"]:
            student["problems"].append(where + marks["problem"])
            continue
        student["files"].append(marks["file"])
        for data in marks["questions"]:
            other = student["questions"].setdefault(data["name"], data)
            if other is not data and other["answered"] and data["answered"]:
                student["remarks"].append(f"{data['name']} stands in two files; the better counts")
            best = max((other, data), key=lambda one: (one["points"], one["answered"]))
            student["questions"][data["name"]] = best
        cells = [f"cell {n}: {'; '.join(text.splitlines())}" for n, text in marks["cells"]]
        student["remarks"] += [where + text for text in (*cells, *marks["remarks"])]
    order = [problem.name for problem in PROBLEMS]
    for student in found.values():
        questions = student["questions"].values()
        student["questions"] = sorted(questions, key=lambda data: order.index(data["name"]))
    return list(found.values())


def totals(student=None):
    """List each topic, all of them and the bonus: title, points, possible points."""
    questions = student["questions"] if student else ()

    def count(topics):
        got = (data["points"] for data in questions if _topic(**data) in topics)
        return sum(got), sum(sum(one.points) for one in PROBLEMS if _topic(**vars(one)) in topics)

    rows = [(title, *count([topic])) for topic, title in TOPICS.items()]
    return [*rows, ("Total", *count(TOPICS)), ("Bonus", *count([BONUS]))]


def text(student, details=True):
    """Write the marks of one student; the reports on wrong answers only with `details`."""
    lines = [f"{student['student']}, seed {student['seed']}", *student["problems"]]
    if student["files"]:
        rows = [("Question", "Title", "Points", "Result"), *_rows(student)]
        lines += ["", *_aligned(rows), "", *_aligned(_sums(student))]
    lines += ["", *student["remarks"]] if student["remarks"] else []
    if details:
        lines += [f"\n{data['report']}" for data in student["questions"] if data["report"]]
    return "\n".join(lines) + "\n"


def table(people):
    """Write one table for several students, one a line, with their first remark."""
    names = [*(f"Topic {topic}" for topic in TOPICS), "Total", "Bonus"]
    possible = [f"{possible:g}" for *_, possible in totals()]
    rows = [("Student", *map(" / ".join, zip(names, possible, strict=True)), "Remarks")]
    for student in people:
        sums = [f"{got:g}" if student["files"] else "-" for _, got, _ in totals(student)]
        first, *more = *student["problems"], *student["remarks"], ""
        first = first if len(first) <= WIDTH else f"{first[:WIDTH]}…"
        more = f" (and {len(more) - 1} more)" if len(more) > 1 else ""
        rows.append((student["student"], *sums, first + more))
    return "\n".join(_aligned(rows, right=range(1, len(rows[0]) - 1))) + "\n"


def sheet(people):
    """Write a CSV for a gradebook: a row a student, a column a question."""
    asked = [problem for problem in PROBLEMS if any(problem.points)]
    columns = [*(f"{one.question} {one.name}" for one in asked), *HOMEWORK["words"]]
    rows = [["student", *(title for title, *_ in totals()), *columns, "remarks"]]
    for student in people:
        points = {data["name"]: data["points"] for data in student["questions"]}
        cells = [got for _, got, _ in totals(student)]
        cells += [points.get(one.name, 0) for one in asked] + [""] * len(HOMEWORK["words"])
        texts = student["student"], "; ".join((*student["problems"], *student["remarks"]))
        # A spreadsheet would take what begins so for a formula.
        name, remarks = (f"'{cell}" if cell[:1] in tuple("=+-@") else cell for cell in texts)
        rows.append([name, *(cells if student["files"] else [""] * len(cells)), remarks])
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def gradescope(student):
    """Return what an autograder of Gradescope writes into its results.json."""
    tests = [
        {
            "name": f"{data['question']} {data['title']}, {part['name']}",
            "score": part["points"],
            "max_score": part["possible"],
            "output": data["report"] or data["result"],
        }
        for data in student["questions"]
        for part in data["parts"]
        if part["possible"]
    ]
    return {"tests": tests, "output": "\n".join((*student["problems"], *student["remarks"]))}


def junit(people):
    """Write a JUnit XML document: a suite a student, a case a part."""
    root = ET.Element("testsuites", name="hw1grade")
    for student in people:
        suite = ET.SubElement(root, "testsuite", name=student["student"])
        for data in student["questions"]:
            for part in data["parts"]:
                name = f"{data['question']} {data['name']}"
                case = ET.SubElement(suite, "testcase", classname=name, name=part["name"])
                if not part["answered"]:
                    ET.SubElement(case, "skipped", message="no answer")
                elif not part["passed"]:
                    ET.SubElement(case, "failure", message=_word(part)).text = data["report"]
        for problem in student["problems"]:
            case = ET.SubElement(suite, "testcase", classname=student["student"], name="file")
            ET.SubElement(case, "error", message=problem)
        ET.SubElement(suite, "system-out").text = "\n".join(student["remarks"])
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>
body {{ font: 1rem/1.5 system-ui; max-width: 44rem; margin: 1rem auto; padding: 0 1rem }}
td, th {{ text-align: left; padding: 0.2rem 1rem 0.2rem 0 }}
pre {{ overflow-x: auto }} ul {{ padding-left: 1rem }}
</style>
<h1>{name}</h1>
<table><tr><th>Question<th><th>Points<th>Result{rows}</table>
{reports}<h2>Remarks</h2><ul>{remarks}</ul>
</html>
"""


def page(student, site=""):
    """Write a student's page: the points, the reports with links into the book, the remarks."""
    rows = [*_rows(student), *(("", *row, "") for row in _sums(student))]
    cells = ["<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows]
    reports = "".join(data["html"] for data in student["questions"])
    if site:
        link = rf'<a href="{escape(site.rstrip("/"))}/chapters/\1.html\2">\1</a>'
        reports = re.sub(r'<span class="hw1check-page">([^<#]*)(#[^<]*)?</span>', link, reports)
    said = [f"<li>{escape(text)}" for text in (*student["problems"], *student["remarks"])]
    name = escape(student["student"])
    return PAGE.format(name=name, rows="".join(cells), reports=reports, remarks="".join(said))


def result(parts, failed):
    """Say in a few words what is wrong, and with which part if it is not all."""
    words = {}
    for part in parts:
        words.setdefault(_word(part, failed), []).append(part["name"])
    if len(words) == 1:
        return next(iter(words))
    words.pop("right", None)
    return "; ".join(f"{', '.join(names)}: {word}" for word, names in words.items())


def _word(part, failed=False):
    if part["passed"] or not part["answered"]:
        return "right" if part["passed"] else "no answer"
    if part["follows"]:
        return f"follows from {part['follows']}"
    return (part["mistake"] or "").replace("-", " ") or ("error" if failed else "wrong")


def _topic(question, bonus, **_):
    return BONUS if bonus else question.rpartition(" ")[2].partition(".")[0]


def _rows(student):
    for data in student["questions"]:
        points = _points(data["points"], data["possible"])
        yield data["question"], data["title"], points, data["result"]
    for title, points in HOMEWORK["words"].items():
        yield *title.split(" ", 1), f"- / {points:g}", "for a person to mark"


def _sums(student):
    return [(title, _points(got, possible)) for title, got, possible in totals(student)]


def _points(got, possible):
    return f"{got:g} / {possible:g}" if possible else "-"


def _aligned(rows, right=()):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        pairs = enumerate(zip(row, widths, strict=True))
        cells = [cell.rjust(n) if i in right else cell.ljust(n) for i, (cell, n) in pairs]
        yield "  ".join(cells).rstrip()
