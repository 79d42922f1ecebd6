"""The data of a question's formula box: numbers, from which the browser judges what is typed.

The formulas of the solution do not travel, only what they give in a few cases.
"""

import ast
import atexit
import json
from functools import cache
from pathlib import Path

import numpy as np
from py_mini_racer import MiniRacer

from hw1check._values import arrays, difference

SCRIPT = Path(__file__).parent / "answers" / "formula.js"
# The first of those of hw1check: a matrix has many entries, so that a few cases tell as much.
CASES = {0: 8, 1: 8, 2: 4}
DIGITS = 12


def question_data(problem):
    """
    Collect what a formula box has to know of a question.

    Parameters
    ----------
    problem : hw1check.Problem
        The question.

    Returns
    -------
    data : dict
        What `formula.judge` takes, ready for JSON. An argument may be a size of an array that the
        solution has named. A mistake has the values of the first line that it changes and of each
        part that it changes, case by case; an array is one number there, see `_mark`.
    """
    drawn, right = _drawn(problem)
    with np.errstate(all="ignore"):  # a mistake may be infinite
        mistakes = [
            {
                "what": mistake.what,
                "why": mistake.why,
                "page": mistake.page,
                "values": _marks(problem, mistake, drawn, right),
            }
            for mistake in problem.known
        ]
    return _judged(problem, drawn, right) | {"mistakes": mistakes}


def is_formula(problem):
    """Say whether a formula box can ask a question: each line of its solution can be typed."""
    typed = typed_lines(problem.lines)
    if typed is None or not all(map(_is_numeric, problem.cases(1)[0].values())):
        return False
    data = _judged(problem, *_drawn(problem)) | {"mistakes": []}
    return all(verdict["state"] == "right" for verdict in judge(data, typed))


def typed_lines(lines):
    """Write lines as one types them, by name; None if one does more than to name a value."""
    plain = [s for s in lines.body if not _named_sizes(s)]
    typed = {ast.unparse(s.targets[0]): s.value for s in plain if isinstance(s, ast.Assign)}
    if len(typed) < len(plain) or set(typed) != set(lines.names):
        return None
    returned = lines.last.value.elts if len(lines.parts) > 1 else [lines.last.value]
    for part, node in zip(lines.parts, returned, strict=True):
        if ast.unparse(node) != part:  # a mistake may return something else
            typed[part] = node
    return {name: ast.unparse(node) for name, node in typed.items()}


def judge(data, typed):
    """Judge what is typed, a text for each line, as the browser does."""
    both = f"{json.dumps(data)}, {json.dumps(typed)}"
    return json.loads(engine().eval(f"JSON.stringify(formula.judge({both}))"))


@cache
def engine():
    """Start a JavaScript engine that has `formula`, one for the build."""
    started = MiniRacer()
    atexit.register(started.close)  # without it Python may wait for ever as it ends
    started.eval(SCRIPT.read_text(encoding="utf-8"))
    return started


def _drawn(problem):
    axes = max(map(np.ndim, problem.cases(1)[0].values()), default=None)
    drawn = problem.cases(1 if axes is None else CASES[axes])
    return drawn, problem.expected(drawn)


def _judged(problem, drawn, right):
    cases = [case | _sizes(problem, case) for case in drawn]
    return {
        "name": problem.name,
        "question": problem.question,
        "title": problem.title,
        "page": problem.page,
        "arguments": list(cases[0]),
        "cases": [{name: _plain(value) for name, value in case.items()} for case in cases],
        "lines": [
            {
                "name": name,
                "meaning": problem.lines.meaning(name),
                "part": name in problem.parts,
                "right": [_plain(row[name]) for row in right],
            }
            for name in problem.lines.names
        ],
    }


def _is_numeric(value):
    return isinstance(value, (int, float, np.ndarray)) and np.ndim(value) <= 2


def _named_sizes(statement):
    """Pair the names in ``B, _ = Y.shape`` with the argument whose sizes they are."""
    match statement:
        case ast.Assign(
            targets=[ast.Tuple(elts=names)], value=ast.Attribute(ast.Name(id=array), "shape")
        ):
            return [(ast.unparse(name), array, axis) for axis, name in enumerate(names)]
    return []


def _sizes(problem, case):
    named = [size for statement in problem.lines.body for size in _named_sizes(statement)]
    return {name: case[array].shape[axis] for name, array, axis in named if name != "_"}


def _plain(value):
    """Round to numbers and lists, whole numbers without a point."""
    if np.ndim(value):
        return [_plain(item) for item in value]
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _mark(value):
    """
    Sum the entries of a value, each weighted by the cosine of its index.

    Two arrays that differ have different sums in one of several random cases, so a mistake's array
    need not travel. A number is its own mark; None stands for a failure. What is not finite has
    JavaScript's name, since JSON has no number for it.
    """
    if value is None:
        return None
    row = np.ravel(arrays(value))
    mark = row @ np.cos(np.arange(row.size))
    if not np.isfinite(mark):
        return "NaN" if np.isnan(mark) else "Infinity" if mark > 0 else "-Infinity"
    return _plain(mark)


def _marks(problem, mistake, drawn, right):
    """Give the marks of the first line that a mistake changes, and of the parts that it changes."""
    changed = {}
    rows = [mistake.values(case) for case in drawn]
    for name in problem.lines.names:
        is_part = name in problem.parts
        found = [
            (returned and returned[problem.parts.index(name)]) if is_part else values.get(name)
            for values, returned in rows
        ]
        if changed and not is_part:
            continue
        if any(
            v is None or difference(arrays(v), r[name]) for v, r in zip(found, right, strict=True)
        ):
            changed[name] = [_mark(value) for value in found]
    return changed
