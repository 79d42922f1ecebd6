"""The verdict on an answer: what is right, which line errs first, and what it is."""

from dataclasses import replace

import numpy as np

from hw1check._diagnosis import pattern, relation
from hw1check._report import Part
from hw1check._values import Failed, arrays, difference, digits, flat, same_axes


class Verdict:
    """What is right and wrong of the lines and parts of an answer."""

    def __init__(self, problem, drawn, expected, found):
        self.problem, self.drawn, self.expected = problem, drawn, expected
        self.outcomes = found
        rows = list(zip(found, expected, strict=False))
        split = [_split(outcome, problem.parts, right) for outcome, right in rows]
        # What is returned counts, whatever a line of the same name says.
        self.found = {n: [_line(o, n, right) for o, right in rows] for n in problem.lines.names}
        self.found |= {part: [row[i] for row in split] for i, part in enumerate(problem.parts)}
        self.other = []
        self._judge()
        while other := self._of_other_meaning():  # judged as though these lines were not there
            self.other += other
            self.found |= {name: [] for name in other}
            self._judge()

    def _judge(self):
        self.texts = {name: self._differences(name) for name in self.found}
        self.answered = [n for n in self.found if any(v is not None for v in self.found[n])]
        wrong = [name for name in self.answered if not self._is_right(name)]
        self.carried = self._carried(wrong) if wrong else {}
        self.following = {name for name in wrong if self._follows(name)}
        self.wrong = [name for name in wrong if name not in self.following]

    def own_lines(self):
        """List the answered lines that are no parts."""
        return [name for name in self.answered if name not in self.problem.parts]

    def _of_other_meaning(self):
        """List the wrong lines that the learner seems to mean something else by.

        That is so if the result is right, or if it is what a known mistake gives that is none of
        these lines.
        """
        lines = [name for name in self.wrong if name not in self.problem.parts]
        if not lines or all(self._is_right(name) for name in self.problem.parts):
            return lines
        names = list(self.found)
        later = names[names.index(lines[0]) + 1 :]
        if any(self._is_right(name) and not self._holds_carried(name) for name in later):
            return lines[:1]  # what depends on it is right, so it was not used as this line
        parts = [n for n in self.problem.parts if n in self.answered and n not in self.following]
        if not self.recognized(lines[0]) and any(self.recognized(n, False) for n in parts):
            return lines
        return []

    def _holds_carried(self, name):
        """Say whether the learner's earlier values, right or wrong, lead to the right value."""
        rows = zip(self.carried[name], self.expected, strict=True)
        return all(v is None or not difference(arrays(v), right[name]) for v, right in rows)

    def _differences(self, name):
        rows = zip(self.found[name], self.expected, strict=False)
        return [difference(value, right[name], name) for value, right in rows]

    def _is_right(self, name):
        return self.texts[name] == [None] * len(self.drawn)

    def _carried(self, wrong):
        """Compute each line from the values that the learner found for those before it."""
        rows = []
        for k, case in enumerate(self.drawn):
            given = {n: self._given(n, k) for n in wrong if self._given(n, k) is not None}
            rows.append(self.problem.lines.values(case, given)[0])
        return {name: [row.get(name) for row in rows] for name in self.found}

    def _given(self, name, k):
        value = self.found[name][k] if k < len(self.found[name]) else None
        return None if isinstance(value, str) else value  # an error or something strange

    def _follows(self, name):
        """Say whether a wrong value is right for the learner's earlier ones."""
        carried = self.carried.get(name)
        return (
            carried is not None
            and len(self.found[name]) == len(self.drawn)
            and not any(
                v is None or isinstance(f, Failed) or difference(f, arrays(v))
                for f, v in zip(self.found[name], carried, strict=True)
            )
        )

    def part(self, name):
        """Give the verdict on a line or a part."""
        count, texts = len(self.drawn), self.texts[name]
        agreed = sum(text is None for text in texts)
        if name not in self.answered:
            return Part(name, passed=False, answered=False, cases=count)
        if self._is_right(name):
            return Part(name, passed=True, agreed=count, cases=count)
        verdict = Part(name, passed=False, agreed=agreed, cases=count)
        verdict = replace(verdict, meaning=self.problem.lines.meaning(name))
        first = self.wrong[0] if self.wrong else None
        if name in self.following:
            return replace(verdict, follows=first)
        if name != first and first in self.own_lines():
            return replace(verdict, waits_for=first)
        case = next(k for k, text in enumerate(texts) if text is not None)
        mistake, related = self.recognized(name), None
        if not mistake:
            related = relation(self.problem, name, self.drawn, self.expected, self.found[name])
            mistake = None if related else self._guessed(name)
        return replace(
            verdict,
            mistake=mistake,
            problem=self._words(name, case, mistake, related),
            case=case + 1,
            inputs=self.drawn[case],
        )

    def _words(self, name, case, mistake, related):
        """Say in words what is wrong, beside the name of the mistake."""
        text, found = self.texts[name][case], self.found[name]
        if not self.problem.arguments:
            text = text.partition(", expected")[0]  # there is one value to find: do not show it
            text = f"{text[0].upper()}{text[1:]}."
        else:
            text = f"Case {case + 1}: {text}."
        if mistake:
            return text
        if related:
            return f"{text} In every case it is {related}."
        right = [row[name] for row in self.expected]
        if places := _rounded(found, right):
            return f"{text} It is the right value, rounded to {places} decimals: give all digits."
        same = min((digits(f, r) for f, r in zip(found, right, strict=False)), default=0)
        if same >= 2 and not any(isinstance(f, Failed) for f in found):
            return (
                f"{text} It agrees to {same} digits, and 9 are asked for: single precision, a "
                "rounded number, a numerical derivative, a simulation or a large number in place "
                "of a limit would explain it."
            )
        if common := pattern(self.drawn[: len(found)], [t is None for t in self.texts[name]]):
            text = f"{text} Over the cases, {common}."
        return text

    def recognized(self, name, carried=True):
        """Find the mistake that gives what was found, in every case."""
        if len(self.found[name]) < len(self.drawn) or self._is_right(name):
            return None
        known = sorted(self.problem.known, key=lambda m: not m.lines.startswith(f"{name} ="))
        before = list(self.found)[: list(self.found).index(name)]
        earlier = [n for n in before if n in self.answered and not self._is_right(n)]
        # From the right values of the lines before it, or from the learner's own.
        for given in [(), earlier] if earlier and carried else [()]:
            fitting = [m for m in known if self._gives(m, name, given)]
            if carried:  # what it changes besides has to be so, too
                fitting = [m for m in fitting if self._changes_as(m, name, given)]
            if fitting:  # the one that explains most of what comes after it
                return max(fitting, key=lambda m: self._explains(m, name, given))
        return None

    def _guessed(self, name):
        """Find the slip in a line that gives what was found."""
        if len(self.found[name]) < len(self.drawn):
            return None
        if not any(_has_numbers(v) and np.any(flat(v)) for v in self.found[name]):
            return None  # of 0 there are too many
        return next((m for m in self.problem.slips if self._gives(m, name, ())), None)

    def _changes_as(self, mistake, name, given):
        lines = [key for key in mistake.keys if key in self.own_lines() and key != name]
        return all(self._gives(mistake, key, given) for key in lines)

    def _explains(self, mistake, name, given):
        later = [n for n in self.answered if n != name and not self._is_right(n)]
        return sum(self._gives(mistake, n, given) for n in later)

    def _gives(self, mistake, name, given):
        """Say whether it gives what was found, with errors at the same places."""
        if any(key in given for key in mistake.keys):
            return False  # what it changes would be put back
        compared, differs = False, not given
        for k, (case, value) in enumerate(zip(self.drawn, self.found[name], strict=True)):
            before = {n: self._given(n, k) for n in given if self._given(n, k) is not None}
            values, returned = mistake.values(case, before)
            if name in self.problem.parts:
                i = self.problem.parts.index(name)
                wrong = None if returned is None else returned[i]
            else:
                wrong = _alike(values.get(name), self.expected[k][name])
            carried = self.carried[name][k] if given and wrong is not None else None
            # It has to change what follows from the learner's own earlier values.
            differs = differs or carried is None or bool(difference(arrays(wrong), arrays(carried)))
            if wrong is None or isinstance(value, Failed):
                if wrong is not None or not isinstance(value, Failed):
                    return False
            elif not _same(value, arrays(wrong), mistake.view, self._scale(name, k)):
                return False
            else:
                compared = compared or _has_numbers(value)
        return compared and differs

    def _scale(self, name, k):
        entries = flat(self.expected[k][name])
        return 0.0 if entries is None else np.abs(entries).max(initial=0.0)

    def notes(self, parts, lines, printed):
        """Note what is right in another form, and lines that a right answer contradicts."""
        notes = [
            f"{name} has a kept axis, {got.shape} in place of {right.shape}; the values are right."
            for name in self.problem.parts
            if self.drawn and self._is_right(name)
            for got, right in [(self.found[name][0], self.expected[0][name])]
            if isinstance(got, np.ndarray) and right.ndim and same_axes(got, right)
        ]
        for name in self.other:
            notes.append(
                f"your {name} is not what the blank function calls so "
                f"({self.problem.lines.meaning(name)}); it was not judged as a line."
            )
        steps = [n for n in self.problem.lines.names if n not in self.problem.parts]
        unknown = self.wrong and not any(part.mistake for part in parts)
        if steps and unknown and self.problem.arguments and not lines:
            notes.append(
                f"give your steps their names, {', '.join(steps)}, as far as you have them, "
                "and the first wrong one is shown."
            )
        return tuple(notes + _remarks(self.outcomes, printed))


def _line(outcome, name, right):
    """Take the value of a name: the first one if it is right, for it may be changed later on."""
    values = [_alike(v, right[name]) for v in outcome.lines.get(name, [None])]
    return next((v for v in values if not difference(v, right[name])), values[-1])


def _split(outcome, names, expected):
    """Split an outcome, a value for each part: the same error for all if the call has none."""
    if outcome.error is not None:
        return [Failed(outcome.error)] * len(names)
    value = outcome.value
    if len(names) == 1 or value is None:
        return [value] * len(names)
    if isinstance(value, list) and len(value) == len(names):
        return value
    came = f"{len(value)} values" if isinstance(value, list) else "one value"
    if isinstance(value, np.ndarray) and value.ndim:
        # Rows are parts only if all parts are such rows.
        if len(value) == len(names) and {np.shape(expected[n]) for n in names} == {value.shape[1:]}:
            return list(value)
        came = f"one array of shape {value.shape}"
    return [Failed(f"it must return {', '.join(names)}, got {came}")] * len(names)


def _rounded(found, right):
    """Count the decimals to which every right value is rounded; 0 where they are not."""
    for places in range(1, 8):
        pairs = zip(found, right, strict=False)
        if all(
            isinstance(f, np.ndarray) and not difference(f, _round(r, places)) for f, r in pairs
        ):
            return places
    return 0


def _round(value, places):
    return [_round(v, places) for v in value] if isinstance(value, list) else value.round(places)


def _same(found, wrong, view, scale):
    """Compare with a mistake; what overflowed is equal to what overflowed the same way."""
    if view is not None:
        same_kind = isinstance(found, np.ndarray) and found.shape == wrong.shape
        return same_kind and not difference(view(found), view(wrong))
    if isinstance(found, np.ndarray) and isinstance(wrong, np.ndarray):
        return not difference(_finite(found), _finite(wrong), scale=scale)
    return not difference(found, wrong, scale=scale)


def _has_numbers(value):
    """Say whether a value has a finite entry: an answer that is all nan shows nothing."""
    if isinstance(value, list):
        return any(map(_has_numbers, value))
    return isinstance(value, np.ndarray) and bool(np.isfinite(value).any())


def _finite(y):
    if np.isfinite(y).all():
        return y
    return np.nan_to_num(y, nan=-1.0, posinf=-2.0, neginf=-3.0)


def _alike(value, right):
    """Give an array the axes of another one, if they differ in some of length 1 alone."""
    if isinstance(value, np.ndarray) and isinstance(right, np.ndarray):
        same = [n for n in value.shape if n > 1] == [n for n in right.shape if n > 1]
        return value.reshape(right.shape) if same else value
    return value


def _remarks(found, printed):
    changed = sorted({name for outcome in found for name in outcome.changed})
    notes = []
    if changed:
        notes.append(
            f"your function writes to its argument {', '.join(changed)}; "
            "the caller's array changes with it."
        )
    if printed.strip():
        notes.append("\n".join(["your function printed:", *printed.strip().splitlines()[:5]]))
    return notes
