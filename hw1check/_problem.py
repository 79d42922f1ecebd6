"""A question with a formula: its cases, its solution, its known mistakes, and the verdict."""

import inspect
from typing import NamedTuple

import numpy as np

from hw1check._compare import difference, number
from hw1check._report import Part, Report
from hw1check._run import outcomes
from hw1lib._contract import positive, size, whole

# How an answer may be off by a size of its arguments.
POWERS = {
    1: "times {}",
    -1: "divided by {}",
    2: "times {}**2",
    -2: "divided by {}**2",
    0.5: "times sqrt({})",
    -0.5: "divided by sqrt({})",
}


class Mistake(NamedTuple):
    """A wrong answer that learners give, and what to say about it.

    `what` completes the sentence "this is what you get when ..."; `why` says why it is wrong;
    `page` is where the book explains it, as in "batchnorm/gradient_input#anchor"; `answer` is
    the wrong function itself, with the arguments of the solution. Two values of it are the same
    if `view` makes them equal.
    """

    key: str
    what: str
    why: str
    page: str
    answer: object
    view: object = None


class Problem:
    """
    A check: call it on a function of yours and it says which parts are right.

    Parameters
    ----------
    name : str
        Its name in `hw1check`.
    question : str
        The homework's question, such as "2.3"; for what goes beyond it, "beyond 2.3".
    title : str
        What is asked for, in a few words.
    task : str
        What the learner's function gets and must return: the documentation of the check.
    page : str
        The page of the book that derives it, as in "batchnorm/gradient_input".
    parts : tuple of str
        The names of what it returns, in order.
    points : tuple of float
        The homework's points for each part; empty for what goes beyond it.
    bonus : bool, default False
        Whether the points are a bonus.
    """

    def __init__(self, name, question, title, task, page, parts, points=(), bonus=False):
        self.name = name
        self.question = question
        self.title = title
        self.page = page
        self.parts = parts
        self.points = points or (0,) * len(parts)
        self.bonus = bonus
        self.mistakes = []
        self.__doc__ = task

    def solved_by(self, solution):
        """Take the right function; its arguments are those that a learner's function gets."""
        self.solution = solution
        self.arguments = tuple(inspect.signature(solution).parameters)
        return solution

    def drawn_by(self, draw):
        """Take the function (rng, i) that draws the arguments of case i, as a tuple."""
        self.draw = draw
        return draw

    def mistake(self, what, why, page, view=None):
        """Take a wrong function, with what to say about it (see `Mistake`)."""

        def register(answer):
            key = answer.__name__.strip("_").replace("_", "-")
            self.mistakes.append(Mistake(key, what, why, page, answer, view))
            return answer

        return register

    def cases(self, count=20, seed=0):
        """Draw the arguments of `count` calls, by name."""
        rng = np.random.default_rng(seed)
        drawn = (self.draw(rng, i) for i in range(count))
        return [dict(zip(self.arguments, values, strict=True)) for values in drawn]

    def __call__(self, answer, *, cases=20, seed=0, seconds=1.5):
        """
        Check a learner's answer.

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
        Report
            The verdict on each part.

        Raises
        ------
        TypeError
            If `answer` cannot be called, or not with the arguments of the question.
        ValueError
            If `cases` is below 1 or `seconds` is not positive.
        """
        function = self._callable(answer)
        drawn = self.cases(size("cases", cases, {}), whole(0)("seed", seed, {}))
        seconds = positive("seconds", seconds, {})
        # The right values first: the learner's function may change NumPy itself.
        expected = self.expected(drawn)
        return self.judge(drawn, expected, *outcomes(function, drawn, seconds))

    def _callable(self, answer):
        wanted = f"a function of ({', '.join(self.arguments)})"
        if not callable(answer):
            if self.arguments:
                raise TypeError(f"answer must be {wanted}, got {answer!r}")
            return lambda: answer
        try:
            inspect.signature(answer).bind(*self.arguments)
        except TypeError:
            raise TypeError(
                f"answer must be {wanted}, got one of {inspect.signature(answer)}"
            ) from None
        except ValueError:
            pass  # a function of C shows no signature
        return answer

    def expected(self, drawn):
        """Compute the right values of each case, a list of one value for each part."""
        return [_parts_of(_arrays(self.solution(**case)), len(self.parts)) for case in drawn]

    def judge(self, drawn, expected, found, printed=""):
        """
        Compare what an answer gave with what is right.

        Parameters
        ----------
        drawn : list of dict
            The arguments of each case.
        expected : list of list
            From `expected`.
        found : list of Outcome
            From `outcomes`; shorter than `drawn` if the time was over.
        printed : str, default ""
            What the answer printed.

        Returns
        -------
        Report
            The verdict on each part.
        """
        split = [_split(outcome, self.parts) for outcome in found]
        with np.errstate(all="ignore"):  # an answer may be infinite
            parts = tuple(
                self._part(i, drawn, [values[i] for values in expected], [row[i] for row in split])
                for i in range(len(self.parts))
            )
        notes = _notes(found, printed)
        return Report(self.question, self.name, self.title, self.page, parts, notes)

    def _part(self, i, drawn, expected, found):
        name, count = self.parts[i], len(drawn)
        if all(value is None for value in found):
            return Part(name, passed=False, answered=False, cases=count)
        texts = [_difference(a, b, name) for a, b in zip(found, expected, strict=False)]
        wrong = [k for k, text in enumerate(texts) if text is not None]
        if not wrong and len(found) == count:
            return Part(name, passed=True, agreed=count, cases=count)
        first = wrong[0]
        mistake = self._recognize(i, drawn, found)
        problem = texts[first]
        if not self.arguments:
            # There is one value to find: do not show it.
            problem = problem.partition(", expected")[0]
        elif not mistake and (factor := _factor(drawn, expected, found)):
            problem = f"{problem}: in every case it is {factor}"
        return Part(
            name,
            passed=False,
            agreed=len(texts) - len(wrong),
            cases=count,
            problem=f"Case {first + 1}: {problem}.",
            mistake=mistake,
            case=first + 1,
            inputs=drawn[first],
        )

    def _recognize(self, i, drawn, found):
        """Find the mistake whose part i is what was found, in every case."""
        if len(found) < len(drawn):
            return None
        count = len(self.parts)
        gives = (m for m in self.mistakes if _gives(m, drawn, found, count, i))
        return next(gives, None)


class _Error(str):
    """Why a call gave no values: it stands in their place."""

    __slots__ = ()


def _split(outcome, names):
    """Split an outcome, a value for each part: the same error for all if the call has none."""
    if outcome.error is not None:
        return [_Error(outcome.error)] * len(names)
    value = outcome.value
    if len(names) == 1 or value is None:
        return [value] * len(names)
    if isinstance(value, list) and len(value) == len(names):
        return value
    if isinstance(value, np.ndarray) and value.ndim and len(value) == len(names):
        return list(value)
    came = f"{len(value)} values" if isinstance(value, list) else "one value"
    return [_Error(f"it must return {', '.join(names)}, got {came}")] * len(names)


def _difference(found, expected, name):
    return str(found) if isinstance(found, _Error) else difference(found, expected, name)


def _parts_of(value, count):
    return [value] if count == 1 else list(value)


def _arrays(value):
    if isinstance(value, (list, tuple)):
        return [_arrays(item) for item in value]
    return np.asarray(value, dtype=float)


def _gives(mistake, drawn, found, count, i):
    """Say whether a mistake's part i is what was found, errors at the same places included."""
    compared = False
    for case, value in zip(drawn, found, strict=True):
        wrong = _value_of(mistake.answer, case, count, i)
        if isinstance(wrong, _Error) or isinstance(value, _Error):
            if type(wrong) is not type(value):
                return False
        elif not _same(value, wrong, mistake.view):
            return False
        else:
            compared = True
    return compared


def _same(found, wrong, view):
    if view is None:
        return not difference(found, wrong)
    same_kind = isinstance(found, np.ndarray) and found.shape == wrong.shape
    return same_kind and not difference(view(found), view(wrong))


def _value_of(answer, case, count, i):
    """Compute part i of a wrong answer, or return an _Error where it cannot be computed."""
    try:
        return _parts_of(_arrays(answer(**case)), count)[i]
    except (ValueError, IndexError, ZeroDivisionError, OverflowError, np.linalg.LinAlgError):
        return _Error()


def _factor(drawn, expected, found):
    """Say by which factor an answer is off, if it is the same, or the same size, everywhere."""
    pairs = [(_flat(a), _flat(b)) for a, b in zip(found, expected, strict=False)]
    if len(pairs) < len(drawn) or any(
        a is None or b is None or a.shape != b.shape for a, b in pairs
    ):
        return None
    pairs = [(a, b, case) for (a, b), case in zip(pairs, drawn, strict=True) if b.any()]
    ratios = [a @ b / (b @ b) for a, b, _ in pairs]
    if not np.isfinite(ratios).all():
        return None
    exact = all(
        not difference(a, ratio * b) for (a, b, _), ratio in zip(pairs, ratios, strict=True)
    )
    if not exact or len(pairs) < 2 or not np.all(ratios) or np.allclose(ratios, 1, rtol=1e-4):
        return None
    if np.allclose(ratios, ratios[0], rtol=1e-4):
        return (
            "minus the right value"
            if np.isclose(ratios[0], -1)
            else (f"{number(ratios[0])} times the right value")
        )
    for name, values in _sizes([case for _, _, case in pairs]).items():
        for power, words in POWERS.items():
            if np.allclose(ratios, values**power, rtol=1e-4):
                return f"the right value {words.format(name)}"
    return None


def _sizes(cases):
    """List the numbers of each case that a factor may be: scalars, 1 minus them, and lengths."""
    sizes = {}
    for name, value in cases[0].items():
        if isinstance(value, (int, float)):
            sizes[name] = np.array([case[name] for case in cases], dtype=float)
            sizes[f"(1 - {name})"] = 1 - sizes[name]
        elif isinstance(value, np.ndarray):
            for axis in range(value.ndim):
                lengths = [case[name].shape[axis] for case in cases]
                sizes[f"{name}.shape[{axis}]"] = np.array(lengths, dtype=float)
    return {name: values for name, values in sizes.items() if (values > 0).all()}


def _flat(value):
    """Put all entries of a value in a row; None where it has none."""
    if isinstance(value, list):
        rows = [_flat(item) for item in value]
        return None if not rows or any(row is None for row in rows) else np.concatenate(rows)
    return value.ravel() if isinstance(value, np.ndarray) else None


def _notes(found, printed):
    changed = sorted({name for outcome in found for name in outcome.changed})
    notes = []
    if changed:
        notes.append(
            f"your function writes to its argument {', '.join(changed)}; "
            "the caller's array changes with it."
        )
    if printed.strip():
        lines = printed.strip().splitlines()
        notes.append("your function printed:\n" + "\n".join(lines[:5]))
    return tuple(notes)
