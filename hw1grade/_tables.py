"""The marks as text, as data for JSON, and as JUnit XML."""

from textwrap import indent
from xml.etree import ElementTree as ET

from hw1check import PROBLEMS
from hw1grade._messages import clean

# The homework's topics by the first digit of their questions.
TOPICS = {
    "1": "Dropout",
    "2": "Batch normalization",
    "3": "Back-propagation and initialization",
}
BONUS = "bonus"


def totals(marks=None):
    """Sum up each topic, all of them and the bonus: title, points, possible points."""
    rows = {topic: {"title": title, **_count(marks, topic)} for topic, title in TOPICS.items()}
    both = {key: sum(row[key] for row in rows.values()) for key in ("points", "possible")}
    rows["total"] = {"title": "Total", **both}
    rows[BONUS] = {"title": "Bonus", **_count(marks, BONUS)}
    return rows


def plain(marks):
    """Return the marks as plain data."""
    return {
        "submission": marks.submission,
        "seed": marks.seed,
        "problem": marks.problem,
        "totals": totals(marks),
        "questions": [_plain_mark(mark) for mark in marks.marks],
        "cells": [{"cell": number, "error": text} for number, text in marks.cells.items()],
        "imports": list(marks.imports),
    }


def text(marks, details=True):
    """Write the marks of one submission; the reports on wrong answers only with `details`."""
    lines = [f"{marks.submission}, seed {marks.seed}"]
    if marks.problem:
        return f"{lines[0]}\n{marks.problem}\n"
    rows = [("Question", "Title", "Points", "Result")]
    for mark in marks.marks:
        points = _points(sum(mark.points), sum(mark.problem.points))
        rows.append((mark.problem.question, mark.problem.title, points, result(mark)))
    lines += ["", *_aligned(rows), ""]
    sums = totals(marks).values()
    lines += _aligned([(row["title"], _points(row["points"], row["possible"])) for row in sums])
    lines += ["", *notes(marks)] if notes(marks) else []
    if details:
        for mark in marks.marks:
            lines += ["", str(mark.report)] if _wrong(mark) else []
    return "\n".join(lines) + "\n"


def folder(all_marks):
    """Write one table for several submissions, one a line."""
    sums = [f"{_head(key, row)} / {row['possible']:g}" for key, row in totals().items()]
    rows = [("Submission", *sums, "Remarks")]
    for marks in all_marks:
        sums = [f"{row['points']:g}" for row in totals(marks).values()]
        sums = ["-"] * len(sums) if marks.problem else sums
        rows.append((marks.submission, *sums, marks.problem or _remark(marks)))
    return "\n".join(_aligned(rows, right=range(1, len(rows[0]) - 1))) + "\n"


def junit(all_marks):
    """Write a JUnit XML document: a suite a submission, a case a part."""
    root = ET.Element("testsuites", name="hw1grade")
    for marks in all_marks:
        suite = ET.SubElement(root, "testsuite", name=marks.submission)
        for mark in marks.marks:
            for part in mark.report.parts:
                _case(suite, mark, part)
        if marks.problem:
            case = ET.SubElement(suite, "testcase", classname=marks.submission, name="submission")
            ET.SubElement(case, "error", message=marks.problem)
        if notes(marks):
            ET.SubElement(suite, "system-out").text = "\n".join(notes(marks))
        _counted(suite, suite)
    _counted(root, root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def result(mark):
    """Say in a few words what is wrong, and with which part if it is not all."""
    words = {}
    for part in mark.report.parts:
        words.setdefault(_word(mark, part), []).append(part.name)
    if len(words) == 1:
        return next(iter(words))
    words.pop("right", None)
    return "; ".join(f"{', '.join(names)}: {word}" for word, names in words.items())


def notes(marks):
    """Say what a marker must know beside the points."""
    lines = [f"Cell {number}: {_joined(error)}" for number, error in marks.cells.items()]
    if marks.imports:
        lines.append(f"Uses of hw1lib, beside the checks: {', '.join(marks.imports)}")
    return lines


def one_line(words):
    """Write a stranger's text in one line without control characters."""
    return " ".join(clean(words).split())


def _joined(error):
    return one_line(error.replace("\n", "; "))


def _count(marks, topic):
    """Sum up the points of a topic; the possible ones also where there are no marks."""
    got = [mark for mark in (marks.marks if marks else ()) if _topic(mark.problem) == topic]
    return {
        "points": sum(sum(mark.points) for mark in got),
        "possible": sum(sum(problem.points) for problem in PROBLEMS if _topic(problem) == topic),
    }


def _topic(problem):
    return BONUS if problem.bonus else problem.question.rpartition(" ")[2][0]


def _head(key, row):
    return f"Topic {key}" if key in TOPICS else row["title"]


def _plain_mark(mark):
    problem = mark.problem
    data = {"title": problem.title, "bonus": problem.bonus, **mark.report.to_dict()}
    for part, points, possible in zip(data["parts"], mark.points, problem.points, strict=True):
        part.update(points=points, possible=possible)
    data.update(points=sum(mark.points), possible=sum(problem.points), result=result(mark))
    return {**data, "report": str(mark.report) if _wrong(mark) else ""}


def _wrong(mark):
    return mark.answered and not mark.report.passed


def _points(got, possible):
    return f"{got:g} / {possible:g}" if possible else "-"


def _word(mark, part):
    if part.passed:
        return "right"
    if not part.answered:
        return "no answer"
    if part.mistake:
        return part.mistake.key
    return "error" if mark.failed else "wrong"


def _remark(marks):
    cells = f"errors in {len(marks.cells)} cells" if len(marks.cells) > 1 else "error in a cell"
    remarks = [cells] if marks.cells else []
    if marks.imports:
        remarks.append("uses " + ", ".join(marks.imports))
    return "; ".join(remarks)


def _case(suite, mark, part):
    classname = f"{mark.problem.question} {mark.problem.name}"
    case = ET.SubElement(suite, "testcase", classname=classname, name=part.name)
    if not part.answered:
        ET.SubElement(case, "skipped", message="no answer")
    elif not part.passed:
        failure = ET.SubElement(case, "failure", message=_word(mark, part))
        failure.text = "\n" + indent(str(mark.report), "  ") + "\n"


def _counted(element, within):
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in kinds.items():
        element.set(name, str(sum(1 for _ in within.iter(tag))))


def _aligned(rows, right=()):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
