"""Check your own derivation: each check says what is right, what is wrong, and what went wrong.

A module of this package has the questions of a topic. `PROBLEMS` are all of them, in the homework's
order, and each is here under its name: `hw1check.dropout_variance(lambda p: 0.34 / (1 - p))`.
"""

from importlib import import_module
from pkgutil import iter_modules

from hw1check._problem import HOMEWORK, SOLVED, Mistake, Problem
from hw1check._report import Part, Report


def _place(problem):
    """Order the checks as the homework does, each question before what goes beyond it."""
    beyond, _, number = problem.question.rpartition(" ")
    return number, bool(beyond)


PROBLEMS = tuple(
    sorted(
        (
            value
            for module in iter_modules(__path__)
            if not module.name.startswith("_")
            for value in vars(import_module(f"{__name__}.{module.name}")).values()
            if isinstance(value, Problem)
        ),
        key=_place,
    )
)
_unknown = {*HOMEWORK["points"], *HOMEWORK["bonus"]} - {problem.name for problem in PROBLEMS}
if _unknown:
    raise ValueError(
        f"homework.toml names {', '.join(sorted(_unknown))}, and there is no such check"
    )
globals().update((problem.name, problem) for problem in PROBLEMS)
__all__ = ["PROBLEMS", "Mistake", "Part", "Problem", "Report", "questions"]
__all__ += [problem.name for problem in PROBLEMS]


def questions():
    """Print the questions, with a tick at each that was solved since Python began."""
    for problem in PROBLEMS:
        sign = "✓" if problem.name in SOLVED else "○"
        print(f"{sign} {problem.name}: {problem.question} {problem.title}")
    print(f"{len(SOLVED)} of {len(PROBLEMS)} solved; a check without an answer prints its task.")


def __dir__():
    return [problem.name for problem in PROBLEMS] + ["questions"]
