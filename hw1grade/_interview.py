"""What the grader asks the process of a submission: to run its cells, and to call its answers."""

import time
from typing import NamedTuple

from hw1check._run import IMPORT_SECONDS, Outcome
from hw1grade._messages import MalformedError, clean, pack, unpack_outcomes
from hw1grade._session import GRACE, START_SECONDS, LateError, LostError, Session

MAX_LEFT_OUT = 5


class Answers(NamedTuple):
    """What a submission gave.

    `found` has the outcomes of each question, and what was printed; `cells` the error of each cell
    that had one, by its number from 1; `imports` names what it uses of hw1lib.
    """

    found: dict
    cells: dict
    imports: list


def interview(sources, questions, limits):
    """
    Run the cells of a submission and call its answers.

    Parameters
    ----------
    sources : list of str
        The source of each code cell.
    questions : list of (Problem, list of dict)
        Each problem with its cases.
    limits : Limits
        How much the submission may take.

    Returns
    -------
    Answers
        What it gave.

    Raises
    ------
    LostError
        If its process does not even start.
    """
    answers = Answers({}, {}, [])
    left_out = set()
    pending = list(questions)
    while pending and len(left_out) <= MAX_LEFT_OUT:
        with Session(limits, len(questions)) as session:
            answers.imports[:] = _scan(session, sources)
            if _run_cells(session, sources, limits.time, answers.cells, left_out):
                _ask(session, pending, limits.seconds, answers.found)
    why = f"not called: {len(left_out)} cells were too slow or ended the process"
    answers.found.update((problem.name, ([Outcome(error=why)], "")) for problem, _ in pending)
    return answers


def _scan(session, sources):
    names = session.ask({"scan": sources}, START_SECONDS).get("imports", [])
    return [clean(name, 100) for name in names]


def _run_cells(session, sources, seconds, errors, left_out):
    """Run the cells; say whether the process is still there, leave out the cell that ended it."""
    deadline = time.monotonic() + seconds
    for number, source in enumerate(sources, start=1):
        if number in left_out:
            continue
        errors.pop(number, None)
        try:
            left = max(0.0, deadline - time.monotonic())
            error = session.ask({"cell": source}, left).get("error")
        except LateError:
            why = f"the {seconds:g} seconds for all cells were over"
        except LostError as problem:
            why = str(problem)
        else:
            why = None
        if why:
            errors[number] = f"left out: {why}"
            left_out.add(number)
            return False
        if error is not None:
            errors[number] = clean(error, 500)
    return True


def _ask(session, pending, seconds, found):
    """Ask the questions that are left, until one of them ends the process."""
    while pending:
        problem, cases = pending.pop(0)
        request = {
            "question": problem.name,
            "arguments": problem.arguments,
            "parts": problem.parts,
            "names": problem.lines.names,
            "cases": [[pack(value) for value in case.values()] for case in cases],
            "seconds": seconds,
        }
        try:
            # What an answer imports has a time of its own, which its process keeps.
            reply = session.ask(request, seconds + IMPORT_SECONDS + GRACE)
            found[problem.name] = _outcomes(reply, problem, len(cases))
        except (LostError, MalformedError) as lost:
            found[problem.name] = [Outcome(error=f"your function was not judged: {lost}")], ""
            return


def _outcomes(reply, problem, count):
    printed = clean(reply.get("printed", ""))
    if "missing" in reply:
        return [Outcome()] * count, printed
    if "lost" in reply:
        return [Outcome(error=clean(reply["lost"]) or "?")], printed
    names = problem.lines.names
    found = unpack_outcomes(reply.get("outcomes"), problem.arguments, names, count)
    return found, printed
