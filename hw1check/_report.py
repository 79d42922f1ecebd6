"""What a check answers: right or wrong, part by part, and why."""

from dataclasses import dataclass, field, replace
from html import escape
from itertools import groupby
from textwrap import fill, indent

import numpy as np

WIDTH = 88


@dataclass(frozen=True)
class Part:
    """The verdict on one part of an answer, or on one of its lines."""

    name: str
    passed: bool  # whether it was right in every case
    answered: bool = True
    agreed: int = 0  # in how many cases it was right
    cases: int = 0  # of how many
    problem: str = ""  # what is wrong, in a line; empty if it passed
    mistake: object = None  # the known mistake that gives exactly this answer
    case: int = 0  # the number of the first case in which it is wrong, from 1
    inputs: dict = field(default_factory=dict, compare=False)  # the arguments of that case
    follows: str = ""  # the first wrong line, if this one is right for what was found there
    waits_for: str = ""  # the first wrong line, if this one is not judged before that is right
    meaning: str = ""  # what a wrong one stands for in the solution


@dataclass(frozen=True)
class Report:
    """The answer of a check: it prints as text, shows as HTML and is true if right."""

    question: str  # the homework's question, such as "2.3"
    name: str
    title: str
    page: str  # the page of the book that derives it
    parts: tuple  # the verdict on each part, a Part
    notes: tuple = ()  # what was noticed beside the verdict
    lines: tuple = ()  # the verdict on each named line that is no part, in the solution's order

    @property
    def passed(self):
        """Whether every part is right."""
        return all(part.passed for part in self.parts)

    def __bool__(self):
        return self.passed

    def to_dict(self):
        """Return the report as plain dicts, lists, strings and numbers, for a JSON file."""
        return {
            "question": self.question,
            "name": self.name,
            "passed": self.passed,
            "parts": [_plain(part) for part in self.parts],
            "lines": [_plain(line) for line in self.lines],
            "notes": list(self.notes),
        }

    def __str__(self):
        lines = [self._headline()]
        for names, part, texts in self._explained():
            line = f"{_sign(part)} {names}{_meaning(part)}: {_verdict(part)}"
            lines.append(fill(line, WIDTH, initial_indent="  ", subsequent_indent="      "))
            lines += [_paragraph(text) for text in texts]
        for number, inputs in self._cases().items():
            lines += [f"  The inputs of case {number}:", indent(inputs, "      ")]
        lines += [_paragraph(f"Note: {note}", "  ") for note in self.notes]
        if self._needs_page():
            lines.append(f"  Worked out on the page: {self.page}.")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        items = "".join(
            f"<li>{_sign(part)} <code>{escape(names)}</code>{escape(_meaning(part))}: "
            + _verdict(part)
            + "".join(f"<br>{_linked(text, part)}" for text in texts)
            + "</li>"
            for names, part, texts in self._explained()
        )
        cases = "".join(
            f"<details><summary>The inputs of case {number}</summary>"
            f"<pre>{escape(inputs)}</pre></details>"
            for number, inputs in self._cases().items()
        )
        notes = "".join(f"<p>Note: {_lines(note)}</p>" for note in self.notes)
        if self._needs_page():
            notes += f"<p>Worked out on the page: {_page(self.page)}.</p>"
        return (
            f'<div class="hw1check"><p><strong>{escape(self._headline())}</strong></p>'
            f'<ul style="list-style: none">{items}</ul>{cases}{notes}</div>'
        )

    def _explained(self):
        """Pair each part with its names and its paragraphs, which are not said twice.

        The lines come first, those with the same short verdict together.
        """
        said = set()
        for (_, part), group in groupby(
            self.lines, lambda p: (p.name if p.problem else "", _alike(p))
        ):
            names = ", ".join(line.name for line in group)
            yield names, part, self._new(part, said)
        for part in self.parts:
            yield part.name, part, self._new(part, said)

    def _new(self, part, said):
        texts = [text for text in _explanation(part) if text not in said]
        said.update(texts)
        return texts

    def _needs_page(self):
        """Say whether something is wrong for which no mistake names its page."""
        return any(part.problem and not part.mistake for part in (*self.lines, *self.parts))

    def _cases(self):
        """Write the inputs of each case that a part points to."""
        both = (*self.lines, *self.parts)
        return {part.case: format_inputs(part.inputs) for part in both if part.inputs}

    def _headline(self):
        right = sum(part.passed for part in self.parts)
        count = len(self.parts)
        if count == 1:
            verdict = "right" if right else "wrong" if self.parts[0].answered else "no answer yet"
        elif right == count:
            verdict = "both parts right" if count == 2 else f"all {count} parts right"
        else:
            verdict = f"{right} of {count} parts right"
        first = next((line.name for line in self.lines if line.problem), None)
        if first and not self.passed:
            verdict = f"{verdict}, the first wrong line is {first}"
        return f"{self.question[0].upper()}{self.question[1:]} {self.title}: {verdict}"


def format_inputs(inputs):
    """Write the arguments of a case as lines of Python that a learner can paste."""
    return "\n".join(f"{name} = {_literal(value)}" for name, value in inputs.items())


def _literal(value):
    if isinstance(value, np.ndarray):
        text = np.array2string(value, separator=", ", floatmode="unique")
        return f"np.array({text})".replace("\n", "\n ")
    if isinstance(value, list):
        return "[" + ",\n ".join(_literal(item) for item in value) + "]"
    return getattr(value, "__name__", None) or repr(value)


def _plain(part):
    names = ("name", "passed", "answered", "agreed", "cases", "problem", "follows", "waits_for")
    data = {name: getattr(part, name) for name in names}
    return data | {"mistake": part.mistake.key if part.mistake else None}


def _alike(part):
    """Make a part that is equal to those of the same verdict, whatever their names."""
    return part if part.problem else replace(part, name="", meaning="")


def _sign(part):
    if part.passed:
        return "✓"
    return "→" if part.follows else "✗" if part.problem else "○"


def _meaning(part):
    return f" ({part.meaning})" if part.meaning and part.problem else ""


def _verdict(part):
    if part.follows:
        return f"follows from {part.follows}, right for what you found there"
    if part.waits_for:
        return f"not judged before {part.waits_for} is right"
    if not part.answered:
        return "no answer yet"
    of = f" in {part.agreed} of {part.cases} random cases" if part.cases > 1 else ""
    if part.passed:
        return f"right{of}"
    return f"wrong, right{of}" if of else "wrong"


def _explanation(part):
    """Write the paragraphs below a part's line."""
    if not part.problem:
        return []
    if part.mistake is None:
        return [part.problem]
    mistake = part.mistake
    return [
        f"This is what you get when {mistake.what}.",
        mistake.why,
        f"Read: {mistake.page}.",
        part.problem,
    ]


def _page(name):
    """Mark the name of a page: who shows the report knows its address and its heading."""
    return f'<span class="hw1check-page">{escape(name)}</span>'


def _linked(text, part):
    """Write a paragraph as HTML, with the page marked where it names one to read."""
    if part.mistake and text.startswith("Read: "):
        return f"Read: {_page(part.mistake.page)}."
    return _lines(text)


def _paragraph(text, margin="      "):
    shape = {"initial_indent": margin, "subsequent_indent": margin, "width": WIDTH}
    return "\n".join(
        fill(line, **shape, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def _lines(text):
    return escape(text).replace("\n", "<br>")
