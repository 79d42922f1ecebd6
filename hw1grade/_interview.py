"""What the grader asks the process of a submission: to run its cells, and to call its answers."""

import time
from dataclasses import dataclass, field

from hw1check._run import GOES_ON, MORE, Outcome
from hw1grade._messages import MalformedError, clean, one_line, pack, unpack_outcomes
from hw1grade._session import GRACE, START_SECONDS, LateError, LostError, Session

MAX_LEFT_OUT = 5


@dataclass
class Interview:
    """The questions to one submission, each judged as soon as it is answered.

    `judge` takes a problem, its cases, the outcomes and what was printed. `verdicts` has what it
    gave, by the names of the problems; `errors` what went wrong in cells, by their numbers from 1;
    `late` says whether a limit of time was met, which a busy machine may have done.
    """

    cells: tuple
    questions: list
    limits: object
    judge: object
    verdicts: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)
    late: bool = False

    def run(self):
        """Run the cells and call the answers; start anew without a cell that ends the process."""
        self.deadline = time.monotonic() + self.limits.time
        left_out, pending = set(), list(self.questions)
        while pending and len(left_out) <= MAX_LEFT_OUT and self._left() > 0:
            with Session(self.limits) as session:
                session.ask({"start": True}, START_SECONDS)
                if self._run_cells(session, left_out):
                    self._ask_all(session, pending)
        why = f"not called: {len(left_out)} cells were too slow or ended the process"
        if self._left() <= 0:
            self.late, why = True, f"not called: {self._over()}"
        for problem, cases in pending:
            self._judge(problem, cases, [Outcome(error=why)])
        return self

    def _left(self):
        return self.deadline - time.monotonic()

    def _over(self):
        return f"the {self.limits.time:g} seconds for a submission were over"

    def _run_cells(self, session, left_out):
        """Run the cells; say whether the process is still of use, and leave out what ended it."""
        for number, source in enumerate(self.cells, start=1):
            if number in left_out:
                continue
            self.errors.pop(number, None)
            try:
                reply = session.ask({"cell": source}, min(self.limits.cell, self._left()))
                why = "it took nearly all of the memory" if reply.get("full") else ""
                said = [clean(reply[key], 500) for key in ("error", "not_run") if reply.get(key)]
                if said:
                    self.errors[number] = "\n".join(said)
            except LateError:
                self.late = True
                took = f"it took more than {self.limits.cell:g} seconds"
                why = took if self._left() > 0 else self._over()
            except LostError as problem:
                why = str(problem)
            if why:
                self.errors[number] = f"left out: {why}"
                left_out.add(number)
                return False
        return True

    def _ask_all(self, session, pending):
        """Ask the questions that are left, until one of them ends the process."""
        names = [problem.name for problem, _ in self.questions]
        reply = session.ask({"scan": self.cells, "names": names}, START_SECONDS)
        found = reply.get("remarks")
        self.remarks[:] = map(one_line, found[:20] if isinstance(found, list) else [])
        while pending and self._left() > 0:
            problem, cases = pending.pop(0)
            found, printed, is_whole = self._ask(session, problem, cases)
            self._judge(problem, cases, found, printed)
            if not is_whole:
                return

    def _ask(self, session, problem, cases):
        """Ask a question: outcomes, what was printed, and whether the process is still of use."""
        request = {
            "question": problem.name,
            "arguments": problem.arguments,
            "parts": problem.parts,
            "names": problem.lines.names,
            "cases": [[pack(value) for value in case.values()] for case in cases],
            "seconds": self.limits.answer,
        }
        try:
            reply = session.ask(request, min(self.limits.answer + GRACE, self._left()))
            if "missing" in reply:
                return [Outcome()] * len(cases), "", True
            names = problem.arguments, problem.lines.names
            found = unpack_outcomes(reply.get("outcomes"), *names, len(cases))
        except (LostError, MalformedError) as lost:
            self.late = self.late or isinstance(lost, LateError)
            why = lost if self._left() > 0 else self._over()
            return [Outcome(error=f"your function was not judged: {why}")], "", False
        last = found[-1].error or ""
        self.late = self.late or MORE in last
        # What goes on in the background would slow down the next.
        return found, clean(reply.get("printed", "")), GOES_ON not in last

    def _judge(self, problem, cases, found, printed=""):
        self.verdicts[problem.name] = self.judge(problem, cases, found, printed)
