"""Mark submissions: run a notebook in a process of its own, check its answers, count the points."""

import ctypes
import secrets
import sys
from pathlib import Path

from hw1check import PROBLEMS
from hw1grade import _tables
from hw1grade._files import Handed, handed_in
from hw1grade._interview import Interview
from hw1grade._messages import one_line
from hw1grade._session import Limits, LostError, sandbox
from hw1lib._contract import positive, whole

__all__ = ["grade"]

CASES = 20


def grade(path, *, seed=None, answer=5.0, cell=60.0, time=600.0, memory=4.0, isolation="auto"):
    """
    Mark a submission: its code runs in a process of its own, the verdict is computed in this one.

    Parameters
    ----------
    path : str or pathlib.Path
        A notebook (.ipynb) or a module (.py).
    seed : int, optional
        The seed of the cases; without it, one that nobody knows. The marks say which it was.
    answer, cell, time : float, default 5.0, 60.0 and 600.0
        The seconds for all calls of an answer together, for a cell, and for all of it.
    memory : float, default 4.0
        The gigabytes that a process of the submission may take, where the system can limit it.
    isolation : {"auto", "bwrap", "none"}, default "auto"
        What keeps the code apart: bubblewrap where it works, or nothing but a process.

    Returns
    -------
    dict
        Plain data: `file`, `student`, `digest`, `seed` and `sandbox`; `questions`, a dict for each
        that has points or is answered; `cells`, their numbers with their errors; `remarks`;
        `problem`, why it could not be marked, or nothing; `late`, whether a limit of time was met.

    Raises
    ------
    TypeError
        If an argument is no number.
    ValueError
        If `seed` is negative, a limit is not positive, or `isolation` cannot be had.
    """
    if sys.platform == "linux":  # no process of the same user reads this one's memory, but root's
        set_dumpable = 4
        ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0)
    seed = secrets.randbits(32) if seed is None else whole(0)("seed", seed, {})
    given = {"answer": answer, "cell": cell, "time": time, "memory": memory}
    used, warning = sandbox(isolation)
    limits = Limits(*(positive(name, x, {}) for name, x in given.items()), used)
    handed = path if isinstance(path, Handed) else handed_in(Path(path))[0]
    marks = {
        **handed._asdict(), "seed": seed, "sandbox": used, "questions": [],
        "cells": [], "remarks": [warning] if warning else [], "late": False,
    }  # fmt: skip
    cells = marks.pop("sources")
    if handed.problem:
        return marks
    try:
        questions = [(problem, problem.cases(CASES, seed)) for problem in PROBLEMS]
        asked = Interview(cells, questions, limits, _verdict).run()
    except (LostError, OSError) as problem:
        return marks | {"problem": one_line(f"not marked: {problem}"), "late": True}
    except Exception as problem:  # whatever a stranger's answer does here, it costs no one else
        text = f"not marked: the grader failed on it ({type(problem).__name__}: {problem})"
        return marks | {"problem": one_line(text)}
    verdicts = [asked.verdicts[problem.name] for problem, _ in questions]
    return marks | {
        "questions": [data for data in verdicts if data["possible"] or data["answered"]],
        "cells": [list(row) for row in sorted(asked.errors.items())],
        "remarks": asked.remarks + marks["remarks"],
        "late": asked.late,
    }


def _verdict(problem, cases, found, printed):
    """Judge the answer to a question, and keep what the tables show."""
    report = problem.judge(cases, problem.expected(cases), found, printed)
    data = {"title": problem.title, "bonus": problem.bonus, **report.to_dict()}
    for part, points, possible in zip(
        data["parts"], _points(report, problem), problem.points, strict=True
    ):
        part.update(points=points, possible=possible)
    answered = any(part.answered for part in report.parts)
    failed = any(outcome.error for outcome in found)
    return data | {
        "points": sum(part["points"] for part in data["parts"]),
        "possible": sum(problem.points),
        "answered": answered,
        "result": _tables.result(data["parts"], failed),
        "report": "" if report.passed or not answered else str(report),
        "html": "" if report.passed or not answered else report._repr_html_(),
    }


def _points(report, problem):
    """
    Give each part all of its points or none.

    A part that only follows from a wrong line keeps them, since a mistake costs once: the part in
    which it was made, or, if that line is no part, the first that follows from it.
    """
    paid = {part.name for part in report.parts if not part.passed and not part.follows}
    for part, possible in zip(report.parts, problem.points, strict=True):
        yield possible if part.passed or part.follows in paid else 0
        paid |= {part.follows} - {""}
