"""Mark submissions: run a notebook in a process of its own, check its answers, count the points."""

import importlib.util
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hw1check import PROBLEMS, Problem, Report
from hw1grade import _tables
from hw1grade._interview import interview
from hw1grade._session import Limits, LostError
from hw1lib._contract import positive, whole

__all__ = ["Mark", "Marks", "UnreadableError", "grade"]

CASES = 20
INSTALL = "in the folder of the project: python -m pip install '.[grade]'"
MAX_BYTES = 2**25


class UnreadableError(ValueError):
    """Raised for a submission that is no notebook and no module; the message says why."""


@dataclass(frozen=True)
class Mark:
    """
    The verdict on one question.

    Attributes
    ----------
    problem : Problem
        The question.
    report : Report
        What its check says.
    failed : bool
        Whether a call raised an error, or was stopped.
    """

    problem: Problem
    report: Report
    failed: bool = False

    @property
    def points(self):
        """The points of each part: all or nothing."""
        pairs = zip(self.report.parts, self.problem.points, strict=True)
        return tuple(points if part.passed else 0 for part, points in pairs)

    @property
    def answered(self):
        """Whether the submission gave anything for a part of it."""
        return any(part.answered for part in self.report.parts)


@dataclass(frozen=True)
class Marks:
    """
    The verdict on a submission; it prints as a table.

    Attributes
    ----------
    submission : str
        The name of its file.
    seed : int
        The seed of the cases.
    marks : tuple of Mark
        One for each question with points, and for each other one that is answered.
    cells : dict
        The errors of cells, by their numbers from 1.
    imports : tuple of str
        What it uses of hw1lib beside the checks, as far as its text shows.
    problem : str
        Why it could not be marked; empty if it was.
    """

    submission: str
    seed: int
    marks: tuple = ()
    cells: dict = field(default_factory=dict)
    imports: tuple = ()
    problem: str = ""

    def to_dict(self):
        """Return the marks as plain dicts, lists, strings and numbers, for a JSON file."""
        return _tables.plain(self)

    def __str__(self):
        return _tables.text(self)


def grade(path, *, seed=None, seconds=5.0, time=60.0, memory=4.0):
    """
    Mark a submission.

    Its code runs in a process of its own; the right values and the verdict are computed in this
    one, on cases that the submission cannot know before it is asked.

    Parameters
    ----------
    path : str or pathlib.Path
        A notebook (.ipynb) or a module (.py).
    seed : int, optional
        The seed of the cases; without it, one that nobody knows. The marks say which it was.
    seconds : float, default 5.0
        The time for all calls of an answer together.
    time : float, default 60.0
        The time for all cells together.
    memory : float, default 4.0
        The gigabytes that a process of the submission may take, where the system can limit it.

    Returns
    -------
    Marks
        The points, question by question, and what went wrong.

    Raises
    ------
    ImportError
        If IPython is not installed.
    TypeError
        If an argument is no number.
    ValueError
        If `seed` is negative, or a limit is not positive.
    """
    if importlib.util.find_spec("IPython") is None:
        raise ImportError(f"marking needs IPython; {INSTALL}")
    seed = secrets.randbits(32) if seed is None else whole(0)("seed", seed, {})
    given = {"seconds": seconds, "time": time, "memory": memory}
    limits = Limits(*(positive(name, x, {}) for name, x in given.items()))
    path = Path(path)
    name = _tables.one_line(path.name)
    try:
        questions = [(problem, problem.cases(CASES, seed)) for problem in PROBLEMS]
        answers = interview(_sources(path), questions, limits)
        marks = [
            _mark(problem, cases, *answers.found[problem.name]) for problem, cases in questions
        ]
    except (UnreadableError, LostError, OSError) as problem:
        return Marks(name, seed, problem=_tables.one_line(f"not marked: {problem}"))
    except Exception as problem:  # whatever a stranger's answer does here, it costs no one else
        text = f"not marked: the grader failed on it ({type(problem).__name__}: {problem})"
        return Marks(name, seed, problem=_tables.one_line(text))
    marks = tuple(mark for mark in marks if any(mark.problem.points) or mark.answered)
    cells = dict(sorted(answers.cells.items()))
    return Marks(name, seed, marks, cells, tuple(answers.imports))


def _mark(problem, cases, found, printed):
    with np.errstate(all="ignore"):  # a submission may answer with infinity
        report = problem.judge(cases, problem.expected(cases), found, printed)
    return Mark(problem, report, any(outcome.error for outcome in found))


def _sources(path):
    """Read the code cells, as data: nothing of it is run here."""
    if not path.is_file():
        raise UnreadableError("it is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableError(f"it has more than {MAX_BYTES // 2**20} MB")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".py":
            return [text]
        return [_source(cell) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    except UnicodeDecodeError:
        raise UnreadableError("it is not a text in UTF-8") from None
    except (ValueError, RecursionError):
        raise UnreadableError("it is not JSON, so it is no notebook") from None
    except (KeyError, TypeError):
        raise UnreadableError("it is JSON, but no notebook of version 4") from None


def _source(cell):
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
