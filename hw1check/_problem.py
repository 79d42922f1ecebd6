"""A question with a formula: its cases, its solution and its known mistakes."""

import inspect
import tomllib
from functools import cached_property
from pathlib import Path

import numpy as np

from hw1check._lines import FAILURES, Lines, entries, keys_of
from hw1check._report import Report
from hw1check._run import outcomes
from hw1check._values import arrays
from hw1check._verdict import Verdict
from hw1lib._contract import positive, size, whole

SOLVED = set()  # the names of the questions that were solved since Python began
LAST = []  # the last report, for whoever shows it beside a failure
_NOTHING = object()
HOMEWORK = tomllib.loads((Path(__file__).parent / "homework.toml").read_text(encoding="utf-8"))


class Mistake:
    """
    A wrong answer that learners give, and what to say about it.

    `what` completes "this is what you get when ...", `why` says why it is wrong, and `page` where
    the book explains it. `lines` are the changed ones; a mistake that no line can say has none, and
    a function of its own, and perhaps a `view`: what makes two of its values equal.
    """

    def __init__(self, problem, what, why, page, lines="", function=None, view=None):
        self.key = "-".join("".join(c if c.isalnum() else " " for c in what.lower()).split())
        self.what, self.why, self.lines, self.view = what, why, lines, view
        self.page = problem.page.partition("#")[0] + page if page.startswith("#") else page
        self._problem, self._function = problem, function

    @cached_property
    def keys(self):
        """What the changed lines are known by."""
        return keys_of(self.lines)

    @cached_property
    def changed(self):
        """The lines of the solution with the change in them."""
        return self._problem.lines.changed(self.lines)

    def values(self, case, given=()):
        """Compute what `Lines.values` does, with the mistake in it."""
        if self._function is None:
            return self.changed.values(case, given)
        parts = self._problem.parts
        try:
            value = self._function(**case)
        except FAILURES:
            return {}, None
        returned = [value] if len(parts) == 1 else list(value)
        return dict(zip(parts, returned, strict=True)), returned

    def answer(self, *values, **named):
        """Answer the question with the mistake."""
        case = dict(zip(self._problem.arguments, values, strict=False)) | named
        _, returned = self.values(case)
        if returned is None:
            raise ValueError("a line of this mistake has no value here")
        return returned[0] if len(returned) == 1 else tuple(returned)


class Problem:
    """
    A check: call it on a function of yours and it says which parts are right.

    Made by `question` of a function: its documentation is the task, its arguments are those that
    a learner's function gets, and its body is the solution, line by line.
    """

    def __init__(self, solution, question, title, page, points=(), bonus=False):
        self.solution = solution
        self.lines = Lines(solution)
        self.name = solution.__name__
        self.question, self.title, self.page, self.bonus = question, title, page, bonus
        self.parts = self.lines.parts
        points = tuple(points) if isinstance(points, (list, tuple)) else (points,)
        self.points = points or (0,) * len(self.parts)
        if len(self.points) != len(self.parts):
            parts = ", ".join(self.parts)
            raise ValueError(f"{self.name} needs points for each of {parts}, got {points}")
        self.arguments = tuple(inspect.signature(solution).parameters)
        self.known = []
        self.__doc__ = inspect.cleandoc(solution.__doc__)

    def __repr__(self):
        return f"<check {self.name}({', '.join(self.arguments)}): {self.question} {self.title}>"

    def drawn_by(self, draw):
        """Take the function (rng, i) that draws the arguments of case i, as a tuple."""
        self.draw = draw
        return draw

    def mistakes(self, text):
        """Take mistakes that are changed lines, from a text (see `entries`)."""
        for entry in entries(text, self.page):
            self.known.append(Mistake(self, entry.what, entry.why, entry.page, entry.lines))

    def mistake(self, what, why, page, view=None):
        """Take a mistake that no changed line can say, as a function with the same arguments."""

        def register(function):
            self.known.append(Mistake(self, what, why, page, function=function, view=view))
            return function

        return register

    @cached_property
    def slips(self):
        """A mistake made of each slip in a line (see `_slips`)."""
        found = []
        for name, words, changed in self.lines.slipped():
            why = f"Derive {self.called(name)} once more."
            slip = Mistake(self, f"{words} in the line {name}", why, self.page, f"{name} = ...")
            slip.changed = changed
            found.append(slip)
        return found

    def called(self, name):
        """Write the name of a line with what it means."""
        meaning = self.lines.meaning(name)
        return f"{name}, {meaning}" if meaning else name

    def cases(self, count=20, seed=0):
        """Draw the arguments of `count` calls, by name."""
        rng = np.random.default_rng(seed)
        drawn = (self.draw(rng, i) for i in range(count))
        return [dict(zip(self.arguments, values, strict=True)) for values in drawn]

    def right(self, case):
        """Compute the right values of a case, by the names of the lines."""
        return {name: arrays(value) for name, value in self.lines.values(case)[0].items()}

    def expected(self, drawn):
        """Compute the right values of each case."""
        return [self.right(case) for case in drawn]

    def __call__(self, answer=_NOTHING, *, cases=20, seed=0, seconds=1.5):
        """
        Check a learner's answer; without one, print the task.

        Parameters
        ----------
        answer : callable or float
            The learner's function; where the question has no variable, its number will do.
        cases : int, default 20
            The number of random cases.
        seed : int, default 0
            The seed from which they are drawn.
        seconds : float, default 1.5
            The time for all calls of the function together.

        Returns
        -------
        Report or None
            The verdict on each part.

        Raises
        ------
        TypeError
            If `answer` cannot be called, or not with the arguments of the question.
        ValueError
            If `cases` is below 1 or `seconds` is not positive.
        """
        if answer is _NOTHING:
            print(self.task())
            return None
        function = self._callable(answer)
        count = size("cases", cases, {}) if self.arguments else 1
        drawn = self.cases(count, whole(0)("seed", seed, {}))
        seconds = positive("seconds", seconds, {})
        # The right values first: the learner's function may change NumPy itself.
        expected = self.expected(drawn)
        names = self.lines.names
        report = self.judge(
            drawn, expected, *outcomes(function, drawn, seconds, parts=self.parts, names=names)
        )
        LAST[:] = [report]
        if report:
            SOLVED.add(self.name)
        return report

    def task(self):
        """Write what is asked for, and the function to begin with."""
        return f"{self.question} {self.title}\n\n{self.__doc__}\n\n{self.blank()}"

    def blank(self):
        """Write the function to begin with: a name for each line."""
        names = [f"    {n} = ...{_comment(self.lines.meaning(n))}" for n in self.lines.names]
        head = f"def {self.name}({', '.join(self.arguments)}):"
        return "\n".join([head, *names, f"    return {', '.join(self.parts)}"])

    def hint(self, number=1):
        """Name the lines of the solution, and print all before that number, but the last."""
        print(f"The lines: {', '.join(self.lines.names)}.")
        for line in self.lines.first(size("number", number, {}) - 1):
            print(f"    {line}")
        print(f"Worked out on the page: {self.page}.")

    def _callable(self, answer):
        wanted = f"a function of ({', '.join(self.arguments)})"
        if not callable(answer):
            if self.arguments:
                raise TypeError(f"answer must be {wanted}, got {answer!r}")
            return lambda: answer
        try:
            signature = inspect.signature(answer)
        except ValueError:
            return answer  # a function of C shows no signature
        for values, names in ((self.arguments, {}), ((), dict.fromkeys(self.arguments))):
            try:
                signature.bind(*values, **names)
                return answer
            except TypeError:
                pass
        raise TypeError(f"answer must be {wanted}, got one of {signature}")

    def judge(self, drawn, expected, found, printed=""):
        """
        Compare what an answer gave with what is right, and give the report.

        `expected` comes from the method of that name, `found` and `printed` from `outcomes`; there
        are fewer outcomes than cases if the time was over.
        """
        with np.errstate(all="ignore"):  # an answer may be infinite
            verdict = Verdict(self, drawn, expected, found)
            parts = tuple(verdict.part(name) for name in self.parts)
            lines = tuple(verdict.part(name) for name in verdict.own_lines())
            notes = verdict.notes(parts, lines, printed)
        return Report(self.question, self.name, self.title, self.page, parts, notes, lines)


def question(number, title, page):
    """
    Make a question of a function whose body is the solution.

    Parameters
    ----------
    number : str
        The homework's question, such as "2.3"; for what goes beyond it, "beyond 2.3".
    title : str
        What is asked for, in a few words.
    page : str
        The page of the book that derives it, as in "batchnorm/gradient_input".

    Returns
    -------
    callable
        The decorator, which gives a `Problem` with the points of `homework.toml`.
    """

    def make(solution):
        name = solution.__name__
        points = (HOMEWORK["points"] | HOMEWORK["bonus"]).get(name, ())
        return Problem(solution, number, title, page, points, name in HOMEWORK["bonus"])

    return make


def _comment(meaning):
    return f"  # {meaning}" if meaning else ""
