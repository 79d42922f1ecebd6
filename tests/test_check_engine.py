"""The engine of the learner's checks, piece by piece: what agrees, what is said, what gets out.

The texts are compared whole: they are what a learner reads.
"""

import ast
import contextlib
import itertools
import math
import os
import re
import sys
import threading
import time
import types
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import sympy
import torch

from hw1check import Part, Report, _problem, _run
from hw1check._diagnosis import _factor, _sizes, pattern
from hw1check._lines import Lines, entries
from hw1check._problem import HOMEWORK, Mistake, question
from hw1check._report import _paragraph, format_inputs
from hw1check._run import MAX_DEPTH, MAX_SIZE, Outcome, Strange, is_too_large, outcomes
from hw1check._slips import slips
from hw1check._values import Failed, difference, digits, number

# Comparing ----------------------------------------------------------------------------------

MATRIX = np.array([[1.0, -2.0], [30.0, 0.5]])


@pytest.mark.parametrize(
    ("got", "expected", "text"),
    [
        (None, MATRIX, "z is None"),
        (Strange("an object of type str"), MATRIX, "z is an object of type str"),
        (MATRIX[0], MATRIX, "z has shape (2,), expected shape (2, 2)"),
        (np.ones(4), MATRIX, "z has shape (4,), expected shape (2, 2)"),
        (np.array(4.0), MATRIX, "z is a number, expected shape (2, 2)"),
        (np.array([7.0]), np.array(7.5), "z is 7, expected 7.5"),
        (np.ones(1), MATRIX, "z has shape (1,), expected shape (2, 2)"),
        (MATRIX, np.array(1.0), "z has shape (2, 2), expected a number"),
        (np.ones(2), np.ones((2, 1)), "z has shape (2,), expected shape (2, 1)"),
        (np.ones((2, 1)), np.full(2, 2.0),
         "z[0] is 1, expected 2; all 2 entries differ, by up to 1"),
        (MATRIX + np.array([[0, 0.01], [0, 0]]), MATRIX,
         "z[0, 1] is -1.99, expected -2; 1 of 4 entries differs, by 0.01"),
        (MATRIX + np.array([[0, 0], [0, 0.01]]), MATRIX,
         "z[1, 1] is 0.51, expected 0.5; 1 of 4 entries differs, by 0.01"),
        (Failed("it raised"), MATRIX, "it raised"),
        (np.array(1.23456), np.array(1.0), "z is 1.235, expected 1"),
        (np.array(1.00011), np.array(1.0), "z is 1.0001, expected 1"),
        (np.array(1 + 2e-9), np.array(1.0), "z is 1.000000002, expected 1"),
        (np.array(1.00011, np.float32), np.array(1.0), "z is 1.0001, expected 1"),
        (np.array(2e-6), np.array(1e-6), "z is 2e-06, expected 1e-06"),
        (np.array(math.nan), np.array(1.0), "z is nan, expected 1"),
        (np.array(-math.inf), np.array(1.0), "z is -inf, expected 1"),
        (np.array(1.0), np.array(math.inf), "z is 1, expected inf"),
        (np.array([1e-3, 1.0]), np.array([1e-14, 1.0]),
         "z[0] is 0.001, expected 0; 1 of 2 entries differs, by 0.001"),
        (np.array([-1e3, -2e-7]), np.array([-1e3, 0.0]),
         "z[1] is -2e-07, expected 0; 1 of 2 entries differs, by 2e-07"),
        (np.array(123456 * 1.0002), np.array(123456.0), "z is 1.2348e+05, expected 1.2346e+05"),
        ([Strange("odd")], np.ones(2), "z is a list, expected shape (2,)"),
        ([np.array(1.0), Strange("odd")], np.array(1.0), "z is a list, expected a number"),
        ([], np.ones(2), "z is a list, expected shape (2,)"),
        ([np.ones(2), np.ones(3)], np.ones(2), "z is a list, expected shape (2,)"),
        (MATRIX, [MATRIX, MATRIX], "z is one array, expected a list of 2"),
        ([MATRIX], [MATRIX, MATRIX], "z is a list of 1, expected a list of 2"),
        ([MATRIX, MATRIX + 1], [MATRIX, MATRIX],
         "z[1][0, 0] is 2, expected 1; all 4 entries differ, by up to 1"),
        ([None, MATRIX], [MATRIX, MATRIX], "z[0] is None"),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_a_line_of_what_is_called_it_if_it_has_no_name(got, expected, text):
    assert difference(got, expected, "z") == text
    assert difference(got, expected) == ("it" + text[1:] if text[0] == "z" else text)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (MATRIX, MATRIX),
        (np.array([[7.0]]), np.array(7.0)),
        ([np.array(1.0), np.array(2.0)], np.array([1.0, 2.0])),
        ([[np.array(1.0)], np.array([2.0])], np.array([[1.0], [2.0]])),
        ([MATRIX, MATRIX[0]], [MATRIX, MATRIX[0]]),
        (np.ones((1, 2)), np.ones(2)),  # a kept axis
        (np.array([1000.0, 9e-8]), np.array([1000.0, 0.0])),  # 1e-10 of the largest entry
        (np.array([1 + 9e-10]), np.array([1.0])),
        (np.array([1000.0, 0.009], np.float32), np.array([1000.0, 0.0])),
        (np.array([1.00009], np.float32), np.array([1.0])),
        (np.array([np.inf, 1.0]), np.array([np.inf, 1.0])),
        (np.empty(0), np.empty(0)),
    ],
)
def test_answers_within_the_tolerance_agree(got, expected):
    assert difference(got, expected) is None


@pytest.mark.parametrize(
    ("x", "options", "text"),
    [(math.pi, {}, "3.142"), (math.pi, {"digits": 6}, "3.14159"), (1e-13, {}, "1e-13"),
     (0.9e-12, {"scale": 1.0}, "0"), (1e-12, {"scale": 1.0}, "1e-12"),
     (-1e-13, {"scale": 1.0}, "0"), (-5.0, {"scale": 1.0}, "-5"), (1e-11, {"scale": 100.0}, "0")],
)  # fmt: skip
def test_a_number_is_written_with_four_digits_or_as_zero_beside_a_scale(x, options, text):
    assert number(x, **options) == text


# The report ---------------------------------------------------------------------------------

PROBLEM = types.SimpleNamespace(page="dropout/variance")
MISTAKE = Mistake(PROBLEM, "a < b", "It is not.", "#steps")
INPUTS = {"x": np.array([1.5, 2.0]), "n": 3, "W": [np.array(1.0), np.array(2.0)], "f": math.sqrt}
PARTS = (
    Part("dY", passed=True, agreed=20, cases=20),
    Part("dm", passed=False, agreed=3, cases=20, problem="Case 2: dm is 1, expected 2.",
         mistake=MISTAKE, case=2, inputs=INPUTS),
    Part("d<v", passed=False, agreed=0, cases=20, problem="Case 1: <none>\nof it.", case=1,
         inputs={"s": "<b>"}),
    Part("db", passed=False, answered=False, cases=20),
)  # fmt: skip


def make_report(*parts, notes=()):
    return Report("2.3", "some_check", "dY & co", "batchnorm/gradient_input", parts, notes)


def test_the_text_of_a_report_is_what_a_learner_reads():
    assert str(make_report(*PARTS, notes=("it printed:\nhere", "so " * 40))) == (
        "2.3 dY & co: 1 of 4 parts right\n"
        "  ✓ dY: right in 20 of 20 random cases\n"
        "  ✗ dm: wrong, right in 3 of 20 random cases\n"
        "      This is what you get when a < b.\n"
        "      It is not.\n"
        "      Read: dropout/variance#steps.\n"
        "      Case 2: dm is 1, expected 2.\n"
        "  ✗ d<v: wrong, right in 0 of 20 random cases\n"
        "      Case 1: <none>\n"
        "      of it.\n"
        "  ○ db: no answer yet\n"
        "  The inputs of case 2:\n"
        "      x = np.array([1.5, 2. ])\n"
        "      n = 3\n"
        "      W = [np.array(1.),\n"
        "       np.array(2.)]\n"
        "      f = sqrt\n"
        "  The inputs of case 1:\n"
        "      s = '<b>'\n"
        "  Note: it printed:\n"
        "  here\n"
        f"  Note: {' '.join(['so'] * 27)}\n"
        f"  {' '.join(['so'] * 13)}\n"
        "  Worked out on the page: batchnorm/gradient_input."
    )


def test_the_html_of_a_report_is_what_a_notebook_shows():
    assert make_report(*PARTS, notes=("a & b:\nhere", "two"))._repr_html_() == (
        '<div class="hw1check"><p><strong>2.3 dY &amp; co: 1 of 4 parts right</strong></p>'
        '<ul style="list-style: none">'
        "<li>✓ <code>dY</code>: right in 20 of 20 random cases</li>"
        "<li>✗ <code>dm</code>: wrong, right in 3 of 20 random cases"
        "<br>This is what you get when a &lt; b.<br>It is not."
        '<br>Read: <span class="hw1check-page">dropout/variance#steps</span>.'
        "<br>Case 2: dm is 1, expected 2.</li>"
        "<li>✗ <code>d&lt;v</code>: wrong, right in 0 of 20 random cases"
        "<br>Case 1: &lt;none&gt;<br>of it.</li>"
        "<li>○ <code>db</code>: no answer yet</li></ul>"
        "<details><summary>The inputs of case 2</summary><pre>x = np.array([1.5, 2. ])\n"
        "n = 3\nW = [np.array(1.),\n np.array(2.)]\nf = sqrt</pre></details>"
        "<details><summary>The inputs of case 1</summary>"
        "<pre>s = &#x27;&lt;b&gt;&#x27;</pre></details>"
        "<p>Note: a &amp; b:<br>here</p><p>Note: two</p>"
        '<p>Worked out on the page: <span class="hw1check-page">batchnorm/gradient_input</span>.'
        "</p></div>"
    )


def test_a_report_that_is_right_names_no_page():
    text = "2.3 dY & co: right\n  ✓ dY: right in 20 of 20 random cases"
    assert str(make_report(PARTS[0])) == text
    assert "Worked out" not in make_report(PARTS[0])._repr_html_()
    assert "Worked out" not in str(make_report(PARTS[3]))
    assert "Worked out" not in str(make_report(PARTS[1]))


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (PARTS[:1], "right"), (PARTS[1:2], "wrong"), (PARTS[3:], "no answer yet"),
        (PARTS[:1] * 2, "both parts right"), (PARTS[:1] * 3, "all 3 parts right"),
        (PARTS[:2], "1 of 2 parts right"), (PARTS[1:3], "0 of 2 parts right"),
    ],
)  # fmt: skip
def test_the_headline_says_how_many_parts_are_right(parts, verdict):
    assert str(make_report(*parts)).splitlines()[0] == f"2.3 dY & co: {verdict}"


def test_the_headline_begins_with_a_capital_letter():
    report = Report("beyond 2.3", "name", "more of it", "dropout/variance", PARTS[:1])
    assert str(report).startswith("Beyond 2.3 more of it: right")


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["a" * 40, "b" * 41], ["      " + "a" * 40 + " " + "b" * 41]),  # 88 characters
        (["a" * 40, "b" * 42], ["      " + "a" * 40, "      " + "b" * 42]),
        (["a" * 70, "well-known-word"], ["      " + "a" * 70, "      well-known-word"]),
        (["x" * 90, "y"], ["      " + "x" * 90, "      y"]),
    ],
)
def test_a_long_paragraph_is_wrapped_and_no_word_is_broken(words, lines):
    assert _paragraph(" ".join(words)).splitlines() == lines


def test_a_report_as_a_dict_has_everything_but_the_inputs():
    assert make_report(*PARTS[:2], notes=("note",)).to_dict() == {
        "question": "2.3",
        "name": "some_check",
        "passed": False,
        "parts": [
            {"name": "dY", "passed": True, "answered": True, "agreed": 20, "cases": 20,
             "problem": "", "follows": "", "waits_for": "", "mistake": None},
            {"name": "dm", "passed": False, "answered": True, "agreed": 3, "cases": 20,
             "problem": "Case 2: dm is 1, expected 2.", "follows": "", "waits_for": "",
             "mistake": "a-b"},
        ],
        "lines": [],
        "notes": ["note"],
    }  # fmt: skip


LINES = (
    Part("Eh", passed=True, agreed=9, cases=9, meaning="the mean"),
    Part("Eh2", passed=True, agreed=9, cases=9),
    Part("Var", passed=False, agreed=3, cases=9, problem="Case 1: Var is 1.", meaning="its spread"),
    Part("Em", passed=False, cases=9, waits_for="Var"),
    Part("Ef", passed=False, cases=9, follows="Var"),
)


def test_lines_come_first_and_those_with_the_same_short_verdict_together():
    report = Report("1.2", "x", "It", "a/b", (Part("it", False, follows="Var"),), lines=LINES)
    assert str(report) == (
        "1.2 It: wrong, the first wrong line is Var\n"
        "  ✓ Eh, Eh2: right in 9 of 9 random cases\n"
        "  ✗ Var (its spread): wrong, right in 3 of 9 random cases\n"
        "      Case 1: Var is 1.\n"
        "  ○ Em: not judged before Var is right\n"
        "  → Ef: follows from Var, right for what you found there\n"
        "  → it: follows from Var, right for what you found there\n"
        "  Worked out on the page: a/b."
    )
    assert "<li>✗ <code>Var</code> (its spread): wrong" in report._repr_html_()


def test_of_one_case_a_verdict_says_right_or_wrong_alone():
    parts = (Part("a", passed=True, agreed=1, cases=1), Part("b", False, cases=1, problem="No."))
    assert str(make_report(*parts)).splitlines()[1:3] == ["  ✓ a: right", "  ✗ b: wrong"]


def test_reports_compare_and_hash_by_what_they_say():
    assert make_report(*PARTS) == make_report(*PARTS)
    assert hash(make_report(*PARTS)) == hash(make_report(*PARTS))
    assert make_report(*PARTS) != make_report(*PARTS[:2])


def test_inputs_are_written_with_all_their_digits():
    rows = np.array([[1 / 3, -2.0], [1e-12, 4.0]])
    inputs = {"x": rows, "n": 3, "p": 1 / 3, "k": np.arange(3), "c": np.array(0.1), "y": [rows[0]]}
    text, namespace = format_inputs(inputs), {"np": np}
    exec(text, namespace)
    np.testing.assert_equal({name: namespace[name] for name in inputs}, inputs)
    assert "\n  [" in text.partition("y = ")[0]


# Lines ----------------------------------------------------------------------------------------


def paper(x, n):
    """Give two values."""
    root = x**0.5  # the root of x
    rows = [root]
    for i in range(n):
        step = rows[0] + i
        rows.insert(0, step)
    total, k = sum(rows), 3
    last = total - root * k
    return last, rows


def test_the_lines_of_a_solution_are_its_names_in_the_order_in_which_they_are_finished():
    lines = Lines(paper)
    assert (lines.names, lines.parts) == (("root", "rows", "last"), ("last", "rows"))
    values, returned = lines.values({"x": 4.0, "n": 2})
    assert values == {"root": 2.0, "rows": [3.0, 2.0, 2.0], "last": 1.0}
    assert returned == [1.0, [3.0, 2.0, 2.0]] == list(paper(4.0, 2))
    assert (lines.text("last"), lines.meaning("root"), lines.meaning("last")) == (
        "last = total - root * k", "the root of x", "",
    )  # fmt: skip


def test_a_line_goes_on_with_the_value_that_is_given_for_an_earlier_one():
    values, _ = Lines(paper).values({"x": 4.0, "n": 2}, {"root": 3.0, "rows": [1.0]})
    assert values == {"root": 2.0, "rows": [4.0, 3.0, 3.0], "last": 1.0 - 9.0}


@pytest.mark.parametrize(
    ("text", "returned"),
    [("root = x", [2.0, [5.0, 4.0, 4.0]]), ("step = rows[0] - i", [-1.0, [1.0, 2.0, 2.0]]),
     ("rows.insert(1, step)", [1.0, [2.0, 3.0, 2.0]]),
     ("total, k = 0, 1\nlast = total + k", [1, [3.0, 2.0, 2.0]]),
     ("return rows, last", [[3.0, 2.0, 2.0], 1.0])],
)  # fmt: skip
def test_a_changed_line_takes_the_place_of_the_one_with_its_name(text, returned):
    lines = Lines(paper)
    if text == "root = x":
        returned = [sum(returned[1]) - 12.0, returned[1]]
    assert lines.changed(text).values({"x": 4.0, "n": 2})[1] == returned
    assert lines.values({"x": 4.0, "n": 2})[1] == [1.0, [3.0, 2.0, 2.0]]  # as before


@pytest.mark.parametrize("text", ["other = 1", "print(1)", "assert x", "x = 1"])
def test_a_changed_line_that_the_solution_does_not_have_is_an_error(text):
    with pytest.raises(ValueError, match="paper has 0 lines like: "):
        Lines(paper).changed(text)


def test_behind_a_line_that_fails_there_are_no_values():
    values, returned = Lines(paper).changed("last = rows[9]").values({"x": 4.0, "n": 1})
    assert (list(values), returned) == (["root", "rows"], None)


def test_mistakes_are_read_from_a_text():
    text = """
        [#first]
        a = 1
        b = 2
            it is wrong
            and long:
            Why: it is. [#a]
        c = 3
            so: is this:
            No. [dropout/variance#b]
        d = 4
        e = 5  # shorter
            Why?
            [#c]
        f = 6  # the last one
            Whose page is the text's.
    """
    first, second, third, fourth = entries(text, "#unused")
    assert first == ("a = 1\nb = 2", "it is wrong and long", "Why: it is.", "#a")
    assert second == ("c = 3", "so: is this", "No.", "dropout/variance#b")
    assert third == ("d = 4\ne = 5", "shorter", "Why?", "#c")
    assert fourth == ("f = 6", "the last one", "Whose page is the text's.", "#first")
    with pytest.raises(ValueError, match="needs its name, a colon, and why"):
        entries("a = 1\n    without the rest", "#here")


# A problem ----------------------------------------------------------------------------------


def make_problem():
    @question("9.1", "doubling", "dropout/variance")
    def double(x, n):
        """Check `x` and `n`."""
        size = 2 * n  # twice n
        twice = size * x
        half = x / size
        return twice, half

    double.drawn_by(lambda rng, i: (rng.normal(size=3), i + 2))
    double.mistakes("""
        size = 2
            n is left out:
            It is a factor. [#n]
        size = 2 * n**2
            n is squared:
            It is not. [dropout/rescaling#n]
    """)
    return double


def right(x, n):
    return 2 * n * x, x / (2 * n)


def test_a_problem_keeps_what_it_was_made_of(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(HOMEWORK["bonus"], "double", [2, 1])
        problem = make_problem()
    assert (problem.points, problem.bonus, problem.__doc__) == ((2, 1), True, "Check `x` and `n`.")
    assert (problem.name, problem.arguments, problem.parts) == (
        "double", ("x", "n"), ("twice", "half"),
    )  # fmt: skip
    first, second = problem.known
    assert (first.key, first.what, first.why) == (
        "n-is-left-out",
        "n is left out",
        "It is a factor.",
    )
    assert (first.page, second.page) == ("dropout/variance#n", "dropout/rescaling#n")
    np.testing.assert_array_equal(first.answer(MATRIX, 3), (2 * MATRIX, MATRIX / 2))
    plain = make_problem()
    assert (plain.points, plain.bonus) == ((0, 0), False)
    monkeypatch.setitem(HOMEWORK["points"], "double", 3)
    with pytest.raises(ValueError, match="double needs points for each of twice, half, got"):
        make_problem()
    assert repr(plain) == "<check double(x, n): 9.1 doubling>"


def test_cases_are_drawn_by_name_with_their_number_from_one_seed():
    problem = make_problem()
    cases = problem.cases(3, seed=5)
    rng = np.random.default_rng(5)
    assert [case["n"] for case in cases] == [2, 3, 4]
    for case in cases:
        np.testing.assert_array_equal(case["x"], rng.normal(size=3))
    assert len(problem.cases()) == 20
    np.testing.assert_array_equal(problem.cases()[0]["x"], problem.cases(1, 0)[0]["x"])
    assert problem.expected(cases)[0]["half"].dtype == float


def test_a_right_answer_has_a_report_with_the_names_of_the_problem():
    parts = (Part("twice", True, agreed=4, cases=4), Part("half", True, agreed=4, cases=4))
    assert make_problem()(right, cases=4) == Report(
        "9.1", "double", "doubling", "dropout/variance", parts
    )


def test_a_problem_is_checked_on_twenty_cases_of_seed_zero_in_one_and_a_half_seconds(monkeypatch):
    seen, problem = [], make_problem()
    monkeypatch.setattr(_problem, "outcomes", lambda *given, **_: seen.append(given) or ([], ""))
    problem(right)
    np.testing.assert_equal(seen[0][1:], (problem.cases(20, 0), 1.5))


def test_without_an_answer_a_check_prints_its_task_and_the_blank_function(capsys):
    assert make_problem()() is None
    assert capsys.readouterr().out == (
        "9.1 doubling\n\nCheck `x` and `n`.\n\ndef double(x, n):\n"
        "    size = ...  # twice n\n    twice = ...\n    half = ...\n    return twice, half\n"
    )


def test_hints_show_one_line_more_each_and_never_the_last(capsys):
    problem = make_problem()
    problem.hint()
    problem.hint(9)
    first, second = capsys.readouterr().out.split("page: dropout/variance.\n")[:2]
    assert "size = 2" not in first
    assert "    size = 2 * n  # twice n\n    twice = size * x\n" in second
    assert "half = x" not in second


def test_the_first_wrong_case_is_shown_with_its_inputs():
    report = make_problem()(lambda x, n: (2 * n * x + (n > 3), right(x, n)[1]), cases=5)
    part = report.parts[0]
    assert (part.name, part.passed, part.answered, part.mistake) == ("twice", False, True, None)
    assert (part.case, part.agreed, part.cases, part.inputs["n"]) == (3, 2, 5, 4)
    assert part.problem.startswith("Case 3: twice[0] is ")
    assert part.problem.endswith(".")
    assert report.parts[1].passed


@pytest.mark.parametrize("answer", [None, (None, ...)])
def test_nothing_is_no_answer_yet(answer):
    report = make_problem()(lambda x, n: answer)
    assert [(part.answered, part.passed) for part in report.parts] == [(False, False)] * 2


# The first wrong line -----------------------------------------------------------------------


def slipped(x, n):
    size = 2 * n**2
    twice = size * x
    half = x / size
    return twice, half


def slipped_twice(x, n):
    size = 2 * n**2
    twice = size + x
    half = x / size
    return twice, half


def slipped_late(x, n):
    size = 2 * n
    twice = size * x**2
    half = x / size
    return twice, half


def other_meaning(x, n):
    size = len(x)
    return 2 * x, x / 2 + 0 * size


def half_filled(x, n):
    size = 2 * n  # noqa: F841, a line of its own
    twice = half = ...
    return twice, half


def raising(x, n):
    size = 2
    return size.no * x, x / size


def verdicts(function):
    """Show each line and part: the sign, and what it is said to be."""
    report = make_problem()(function, cases=4)
    return {
        p.name: "right" if p.passed
        else p.mistake.key if p.mistake
        else f"follows {p.follows}" if p.follows
        else f"waits for {p.waits_for}" if p.waits_for
        else "wrong" if p.problem else "unanswered"
        for p in (*report.lines, *report.parts)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (slipped, {"size": "n-is-squared", "twice": "follows size", "half": "follows size"}),
        (slipped_twice,
         {"size": "n-is-squared", "twice": "waits for size", "half": "follows size"}),
        (slipped_late, {"size": "right", "twice": "wrong", "half": "right"}),
        (other_meaning, {"twice": "n-is-left-out", "half": "n-is-left-out"}),
        (half_filled, {"size": "right", "twice": "unanswered", "half": "unanswered"}),
        (raising, {"size": "n-is-left-out", "twice": "waits for size", "half": "waits for size"}),
    ],
)  # fmt: skip
def test_the_first_wrong_line_is_named_and_what_only_follows_is_not_blamed(function, said):
    assert verdicts(function) == said


@question("9.3", "two steps", "dropout/variance")
def two_steps(x, n):
    """Give it."""
    twice = 2 * x
    raised = twice + n
    result = raised**2
    return result  # noqa: RET504


two_steps.drawn_by(lambda rng, i: (rng.normal(), i + 2))
two_steps.mistakes("""
    twice = x  # it is not doubled
        Why? [#a]
    raised = twice - n  # n has the wrong sign
        Why not? [#b]
    result = raised  # it is not squared
        Why so? [#c]
""")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda x, n: (2 * x + n) ** 2 + 0 * n, None),
        (lambda x, n: (2 * x - n * 3) ** 2, None),
        (lambda x, n: (x / 2 + n) ** 2, None),
        (lambda x, n: (2 / x + n) ** 2, "a product and a quotient are exchanged in the line twice"),
        (lambda x, n: (2 * x * n) ** 2, None),
        (lambda x, n: (2 * x) ** 2, "a term is lost in the line raised"),
        (lambda x, n: (2 * x + n**2) ** 2, "a square is too many in the line raised"),
        (lambda x, n: 0, None),
    ],
)
def test_a_slip_in_one_line_is_named_where_no_mistake_is_known(answer, what):
    (part,) = two_steps(answer).parts
    assert (part.mistake and part.mistake.what) == what
    if what:
        assert re.fullmatch("Derive (twice|raised) once more.", part.mistake.why)


def test_every_kind_of_slip_is_made():
    line = ast.parse("y = (-a + b - 2 * c / d**2) @ np.sqrt(e).T").body[0]
    made = [ast.unparse(changed) for _, changed in slips(line)]
    assert len(made) == len(set(made)) == 25
    assert "y = (-a + b - 2 * c / d ** 2) @ np.sqrt(e ** 2).T" in made
    assert "y = (-a + b - 4 * c / d ** 2) @ np.sqrt(e).T" in made
    assert set(made) >= {
        "y = np.sqrt(e).T @ (-a + b - 2 * c / d ** 2)",
        "y = (-a + b + 2 * c / d ** 2) @ np.sqrt(e).T", "y = (-a + b) @ np.sqrt(e).T",
        "y = (2 * c / d ** 2 - (-a + b)) @ np.sqrt(e).T",
        "y = (-a + b - 2 * c / d ** 2) @ np.sqrt(e)",
        "y = (-a - b - 2 * c / d ** 2) @ np.sqrt(e).T", "y = (-a - 2 * c / d ** 2) @ np.sqrt(e).T",
        "y = (b - 2 * c / d ** 2) @ np.sqrt(e).T",
        "y = (-a + b - 2 * c * d ** 2) @ np.sqrt(e).T", "y = (-a + b - 2 * c) @ np.sqrt(e).T",
        "y = (-a + b - d ** 2 / (2 * c)) @ np.sqrt(e).T",
        "y = (-a + b - 2 * c / d ** 2) @ e.T", "y = (a + b - 2 * c / d ** 2) @ np.sqrt(e).T",
    }  # fmt: skip


two_steps.mistakes("""
    twice = 0
    raised = n  # x is forgotten
        Is it not there? [#d]
""")


def test_a_mistake_in_two_lines_is_not_named_where_one_of_them_is_right():
    def answer(x, n):
        twice = 0 * x
        raised = 2 * x + n
        result = 5 * raised - twice
        return result  # noqa: RET504

    report = two_steps(answer)
    assert not any(part.mistake for part in (*report.lines, *report.parts))


def test_a_mistake_whose_line_was_found_otherwise_does_not_explain_what_comes_after_it():
    def answer(x, n):
        twice = 3 * x
        result = (twice + n) ** 2
        return result  # noqa: RET504

    report = two_steps(answer)
    assert [(line.name, line.mistake) for line in report.lines] == [("twice", None)]
    assert report.parts[0].follows == "twice"
    assert report.notes == ()


def test_a_name_that_is_changed_later_on_is_judged_by_its_first_value():
    def answer(x, n):
        size = np.array(2.0 * n)
        for _ in range(3):
            size += 1
        return x, size * x

    report = make_problem()(answer, cases=4)
    assert [(line.name, line.passed) for line in report.lines] == [("size", True)]


def test_a_line_may_keep_or_lack_an_axis_of_length_1():
    def answer(x, n):
        size = np.array([[2 * n]])
        return size[0, 0] * x, 3 * x

    report = make_problem()(answer, cases=4)
    assert [(line.name, line.passed) for line in report.lines] == [("size", True)]


def test_a_right_result_passes_whatever_its_lines_are_with_a_note():
    def answer(x, n):
        size = -1
        return right(x, n + 0 * size)

    report = make_problem()(answer, cases=3)
    assert report
    assert report.notes == (
        "your size is not what the blank function calls so (twice n); it was not judged as a line.",
    )


def test_who_has_no_lines_is_told_of_them():
    (note,) = make_problem()(lambda x, n: (x + 7 * n, 5 - x), cases=3).notes
    assert note.startswith("give your steps their names, size, as far as you have them")
    assert make_problem()(lambda x, n: (2 * x, x / 2), cases=3).notes == ()


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (lambda x, n: (6 * n * x, x), "In every case it is 3 times the right value."),
        (lambda x, n: (x / (2 * n), x), "In every case it is half; the order is twice, half."),
        (lambda x, n: (2 * (n + 1) * x, x),
         "In every case it is the right value with n + 1 in place of n."),
        (lambda x, n: ((2 * n * x).round(3), x),
         "It is the right value, rounded to 3 decimals: give all digits."),
        (lambda x, n: ((2 * n * x)[::-1], x),
         "In every case it is the right entries in another order."),
        (lambda x, n: (1 / (2 * n * x), x), "In every case it is 1 divided by the right value."),
        (lambda x, n: ((2 * n * x) ** 2, x), "In every case it is the square of the right value."),
        (lambda x, n: (2 * n * x.round(5), x), "It agrees to 4 digits, and 9 are asked for: single "
         "precision, a rounded number, a numerical derivative, a simulation or a large number in "
         "place of a limit would explain it."),
        (lambda x, n: (2 * min(n, 5) * x, x), ""),
    ],
)  # fmt: skip
def test_what_is_certain_of_an_unknown_answer_is_said(answer, end):
    first, _ = make_problem()(answer).parts
    assert first.mistake is None
    assert first.problem.endswith(end)


@pytest.mark.parametrize(
    ("values", "right", "words"),
    [
        ([2, 2, 2, 3, 3, 3], [1, 1, 1, 0, 0, 0], "it is right exactly where a is 2"),
        ([0.2, 0.7, 0.3, 0.8, 0.1, 0.9], [0, 1, 0, 1, 0, 1],
         "it is wrong exactly where a is below 1/2"),
        ([-1.0, 2.0, 3.0, -1.5, -2.0, 4.0], [0, 1, 1, 0, 0, 1],
         "it is right exactly where a is positive"),
        ([abs, abs, abs, max, max, max], [0, 0, 0, 1, 1, 1], "it is wrong exactly where a is abs"),
        ([[1], [1], [1], [1, 2], [1, 2], [1, 2]], [1, 1, 1, 0, 0, 0],
         "it is right exactly where a has 1 entries"),
        ([np.ones((2, k)) for k in (2, 3, 2, 3, 2, 3)], [1, 0, 1, 0, 1, 0],
         "it is right exactly where a is square"),
        ([2, 2, 2, 3, 3, 3], [1, 1, 0, 0, 0, 0], None),  # may be by chance
        ([2, 2, 2, 3, 3, 3], [1, 1, 0, 0, 1, 0], None),
    ],
)  # fmt: skip
def test_what_the_right_cases_have_in_common_is_said(values, right, words):
    assert pattern([{"a": value} for value in values], [bool(x) for x in right]) == words


@pytest.mark.parametrize(
    ("got", "count"),
    [(1.0, 8), (1 + 1e-7, 6), (1.001, 2), (1.5, 0), (np.inf, 0), (np.ones(2), 0), (None, 0)],
)
def test_the_digits_to_which_two_values_agree_are_counted(got, count):
    value = got if got is None else np.asarray(got)
    assert digits(value, np.array(1.0)) == count


def test_a_part_that_is_missing_in_some_cases_is_wrong_there():
    report = make_problem()(lambda x, n: (None if n == 3 else 2 * n * x, None), cases=4)
    assert report.parts[0].problem == "Case 2: twice is None."
    assert not report.parts[0].passed
    assert report.parts[1] == Part("half", passed=False, answered=False, cases=4)


@pytest.fixture
def odd_problem():
    problem = make_problem()

    @problem.mistake("n is 2", "It is not.", "dropout/variance")
    def only_two(x, n):
        if n > 2:
            raise ValueError
        return x + 0.5, x

    @problem.mistake("its signs are lost", "They are not.", "dropout/variance", view=np.abs)
    def no_signs(x, n):
        return np.abs(x) + 1, np.abs(x)

    @problem.mistake("it raises", "It does.", "dropout/variance")
    def raising(x, n):
        raise ValueError

    @problem.mistake("it overflows", "It does.", "dropout/variance")
    def overflowing(x, n):
        return x / np.array([0, 1, 1]), x - np.array([np.inf, 1, 2])

    return problem


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        (lambda x, n: (2 * n**2 * x, x / 2), ["n-is-squared", "n-is-left-out"]),
        (lambda x, n: (2 * x if n < 4 else 3 * x, x / (2 * n)), [None, None]),
        (lambda x, n: (x + 0.5, x) if n == 2 else 1 / 0, ["n-is-2"] * 2),
        (lambda x, n: (x + 0.5, 0 * x), [None, None]),
        (lambda x, n: 1 / 0, [None, None]),
        (lambda x, n: (-np.abs(x) - 1, x), ["its-signs-are-lost"] * 2),
        (lambda x, n: (np.abs(x[:2]) + 1, None), [None, None]),
        (lambda x, n: ("text", None), [None, None]),
        (lambda x, n: (x / [0, 1, 1], x - [np.inf, 1, 2]), ["it-overflows"] * 2),
        (lambda x, n: (x * np.inf, x * np.nan), [None, None]),
    ],
)
def test_a_mistake_is_named_part_by_part_where_it_fits_in_every_case(odd_problem, answer, keys):
    parts = odd_problem(answer, cases=4).parts
    assert [part.mistake and part.mistake.key for part in parts] == keys
    assert not any(part.mistake and "in every case" in part.problem for part in parts)


def test_the_time_that_is_over_is_said_once_for_all_parts():
    def slow(x, n):
        if n == 4:
            time.sleep(0.6)
        return right(x, n)

    report = make_problem()(slow, cases=5, seconds=0.3)
    words = f"Case 3: the time was over: 2 calls took 0.3 seconds ({_run.MORE}). {_run.GOES_ON}."
    told = {(part.problem, part.mistake, part.agreed) for part in report.parts}
    assert told == {(words, None, 2)}


@pytest.mark.parametrize(
    ("values", "came"),
    [((1.0,), "1 values"), (1.0, "one value"), (np.ones((3, 3)), "one array of shape (3, 3)"),
     (np.ones((2, 4)), "one array of shape (2, 4)"), ({"twice": 1.0}, "one value")],
)  # fmt: skip
def test_another_number_of_values_than_parts_is_said(values, came):
    report = make_problem()(lambda x, n: values, cases=2)
    words = f"Case 1: it must return twice, half, got {came}."
    assert {part.problem for part in report.parts} == {words}


@pytest.mark.parametrize(
    ("value", "words"),
    [(41.0, "It is 41."), (np.ones(2), "It has shape (2,)."), ("x", "It is a str.")],
)
def test_the_one_value_of_a_problem_without_arguments_may_be_given_and_is_not_shown(value, words):
    @question("9.2", "one value", "dropout/variance")
    def one():
        """Give it."""
        it = 42.0
        return it  # noqa: RET504

    one.drawn_by(lambda rng, i: ())
    assert one(42)
    for answer in (value, lambda: value):
        assert one(answer).parts[0].problem == words


class Named(NamedTuple):
    """Two values by name, in another order."""

    half: object
    twice: object


@pytest.mark.parametrize(
    "form",
    [list, np.stack, deque, iter,
     lambda v: {"half": v[1], "twice": v[0]}, lambda v: Named(v[1], v[0]),
     lambda v: (v[0][None], v[1].reshape(3, 1)), lambda v: [x.astype(object) for x in v],
     lambda v: [x + 0j for x in v], lambda v: [list(map(Fraction, x)) for x in v],
     lambda v: [torch.tensor(x, requires_grad=True) for x in v], np.ma.array],
)  # fmt: skip
def test_a_right_answer_passes_in_any_reasonable_form(form):
    assert make_problem()(lambda x, n: form(right(x, n)), cases=3)


def test_a_kept_axis_is_noted():
    report = make_problem()(lambda x, n: (right(x, n)[0][None], right(x, n)[1]), cases=3)
    assert report.notes == (
        "twice has a kept axis, (1, 3) in place of (3,); the values are right.",
    )


@pytest.mark.parametrize(
    "answer",
    [lambda n, x: right(x, n), lambda *, x, n: right(x, n), lambda a, b: right(a, b),
     lambda x, n, k=3: right(x, n), lambda *values: right(*values)],
)  # fmt: skip
def test_parameters_with_the_right_names_are_called_by_name(answer):
    assert make_problem()(answer, cases=3)


def test_what_a_function_writes_and_prints_is_noted_and_shown_nowhere_else(capsys):
    def answer(x, n):
        values = right(x, n)
        x[0] = 9
        for i in range(9):
            print("line", i)
        return values

    assert make_problem()(answer, cases=1).notes == (
        "your function writes to its argument x; the caller's array changes with it.",
        "your function printed:\nline 0\nline 1\nline 2\nline 3\nline 4",
    )
    assert capsys.readouterr() == ("", "")


def test_all_arguments_that_are_written_to_are_named_once_and_blank_prints_are_no_note():
    found = [Outcome(changed=("b", "a")), Outcome(changed=("b",))]
    (note,) = make_problem().judge([], [], found, " \n").notes
    assert note.startswith("your function writes to its argument a, b;")
    assert make_problem().judge([], [], []).notes == ()


@pytest.mark.parametrize(
    ("answer", "options", "kind", "words"),
    [
        (2.0, {}, TypeError, "answer must be a function of (x, n), got 2.0"),
        (lambda x: 1, {}, TypeError, "answer must be a function of (x, n), got one of (x)"),
        (right, {"cases": 0}, ValueError, "cases must be at least 1, got 0"),
        (right, {"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        (right, {"seconds": 0}, ValueError, "seconds must lie in (0, inf), got 0"),
    ],
)
def test_a_wrong_call_of_a_check_is_refused(answer, options, kind, words):
    with pytest.raises(kind) as raised:
        make_problem()(answer, **options)
    assert str(raised.value) == words


def test_a_function_of_c_without_a_signature_is_called():
    report = make_problem()(max, cases=1)
    assert "your function raised an error" in report.parts[0].problem


# A factor that is the same everywhere ---------------------------------------------------------


def factor_of(ratio, cases=9, **more):
    drawn = [
        {"x": np.ones((3, 2)), "n": i + 2, "p": 0.1 + i / 20 + (i == 5) / 7, **more}
        for i in range(cases)
    ]
    expected = [np.array([1.5, -2.0, 0.25]) * (i + 1) for i in range(cases)]
    found = [ratio(**case) * value for case, value in zip(drawn, expected, strict=True)]
    return _factor(drawn, expected, found)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (lambda **_: -1, "minus the right value"),
        (lambda **_: 3, "3 times the right value"),
        (lambda **_: 0.5, "0.5 times the right value"),
        (lambda n, **_: n, "the right value times n"),
        (lambda n, **_: 1 / n, "the right value divided by n"),
        (lambda n, **_: n**2, "the right value times n**2"),
        (lambda n, **_: n**-2.0, "the right value divided by n**2"),
        (lambda p, **_: p**0.5, "the right value times sqrt(p)"),
        (lambda p, **_: p**-0.5, "the right value divided by sqrt(p)"),
        (lambda p, **_: 1 - p, "the right value times (1 - p)"),
        (lambda n, **_: -n, "minus the right value times n"),
        (
            lambda n, p, **_: -3 * n / p**1.5,
            "minus 3 times the right value times n and divided by p**1.5",
        ),
        (lambda n, **_: 3 + 1e-5 * n, None),
        (lambda **_: 1, None),
        (lambda **_: 0, None),
        (lambda n, **_: n - 2, None),
        (lambda n, **_: math.inf, None),
        (lambda n, **_: math.exp(n), None),
        (lambda **_: np.array([1, 1, 2]), None),
    ],
)
def test_a_factor_is_put_into_words(ratio, words):
    assert factor_of(ratio) == words


def test_a_factor_needs_two_cases_and_an_answer_to_each():
    assert factor_of(lambda **_: 3, cases=1) is None
    assert factor_of(lambda **_: 3, cases=2) == "3 times the right value"
    assert factor_of(lambda n, **_: n, cases=5) is None  # three sizes may do that by chance
    assert factor_of(lambda n, **_: n, cases=6) == "the right value times n"
    drawn, values = [{"n": 1}, {"n": 2}], [np.ones(2), np.full(2, 2.0)]
    assert _factor(drawn, [values[0]] * 2, [3 * values[0]] * 2) is None  # one number has no factor
    assert _factor(drawn, values, [3 * values[0], None]) is None
    assert _factor(drawn, values, [3 * values[0], np.ones(3)]) is None
    assert _factor(drawn, values, [[3 * values[0]], [3 * values[1]]]) == "3 times the right value"
    assert _factor(drawn, values, [[], []]) is None
    assert _factor(drawn, values, [[3 * values[0], None], [3 * values[1], None]]) is None


def test_cases_whose_right_value_is_zero_say_nothing_about_a_factor():
    drawn = [{"n": 1.0}, {"n": 2.0}, {"n": 3.0}]
    expected = [np.ones(2), np.zeros(2), np.full(2, 2.0)]
    assert _factor(drawn, expected, [3 * e for e in expected]) == "3 times the right value"


def test_the_sizes_of_a_case_are_its_positive_numbers_and_lengths():
    cases = [{"x": np.ones((2, 3)), "p": 0.25, "k": 4, "z": -1.0, "f": abs},
             {"x": np.ones((5, 3)), "p": 0.5, "k": 6, "z": 2.0, "f": abs}]  # fmt: skip
    sizes = {name: values.tolist() for name, values in _sizes(cases).items()}
    assert sizes == {
        "x.shape[0]": [2, 5], "x.shape[1]": [3, 3], "p": [0.25, 0.5], "(1 - p)": [0.75, 0.5],
        "k": [4, 6], "abs(z)": [1.0, 2.0],
    }  # fmt: skip
    assert _sizes([{"p": 0.0}]) == {"(1 - p)": [1.0]}


# Calling a learner's function ------------------------------------------------------------------

CASE = {"x": 1.0}


def outcome(answer, case=CASE):
    (found,), printed = outcomes(answer, [case], 5.0)
    return found, printed


class Hostile:
    """Whatever is asked of it ends the process."""

    def __repr__(self, *args, **kwargs):
        raise SystemExit

    __array__ = __eq__ = __len__ = __float__ = __iter__ = __repr__
    __hash__ = None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "a str"),
        ({"x": 1.0, "y": 1.0}, "a dict"),
        ({1.0}, "a set"),
        (print, "a builtin_function_or_method"),
        (1 + 2j, "an object of type complex"),
        (threading.Event(), "an object of type threading.Event"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.array([1j]), "an array of dtype complex128"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "an array with masked entries"),
        (np.ones(MAX_SIZE + 1), f"an array of shape ({MAX_SIZE + 1},)"),
        ([0.0] * (MAX_SIZE + 1), "a list that is too long or too deep"),
        (itertools.count(), "a list that is too long or too deep"),
    ],
)
def test_what_is_no_answer_is_described_also_in_a_list(value, text):
    found, inside = outcome(lambda x: value)[0].value, outcome(lambda x: [value])[0].value
    assert isinstance(found, Strange)
    assert (found, inside) == (text, [text])


def test_whatever_an_object_does_when_it_is_read_is_an_error_of_the_answer():
    found, _ = outcome(lambda x: Hostile())
    assert found.error.splitlines()[-1] == "SystemExit"


@pytest.mark.parametrize(
    ("shape", "large"),
    [((1,) * MAX_DEPTH, False), ((1,) * (MAX_DEPTH + 1), True), ((MAX_SIZE, 1, 1), False),
     ((MAX_SIZE + 1,), True), ((0, MAX_SIZE), False), ((0, MAX_SIZE + 1), True)],
)  # fmt: skip
def test_the_shape_of_an_answer_has_limits_that_an_empty_axis_does_not_lift(shape, large):
    assert is_too_large(shape) is large


@pytest.mark.parametrize(
    ("value", "array"),
    [
        (True, 1.0), (3, 3.0), (Fraction(1, 2), 0.5), (np.array([1, 2]), [1.0, 2.0]),
        (np.array([True]), [1.0]), (np.array([3], np.uint8), [3.0]), (MATRIX, MATRIX),
        (sympy.Rational(1, 2), 0.5), (2 + 0j, 2.0),
        (torch.ones(2, dtype=torch.float64), [1.0, 1.0]),
        (np.array(Fraction(1, 2), object), 0.5), (np.ma.ones(2), [1.0, 1.0]),
    ],
)  # fmt: skip
def test_numbers_of_any_kind_are_copied_into_plain_float_arrays(value, array):
    found, _ = outcome(lambda x: value)
    assert type(found.value) is np.ndarray
    assert found.value.dtype == float
    assert not np.shares_memory(found.value, value)
    np.testing.assert_array_equal(found.value, array)


def test_single_precision_stays_single():
    for value in (np.float32(0.5), np.ones(2, np.float16), torch.ones(2)):
        assert outcome(lambda x, value=value: value)[0].value.dtype == np.float32


def nested(depth):
    return [nested(depth - 1)] if depth else 1.0


def test_lists_may_be_four_deep_and_as_long_as_the_limit(monkeypatch):
    assert outcome(lambda x: nested(MAX_DEPTH))[0].value == [[[[np.array(1.0)]]]]
    too_deep = [[[["a list that is too long or too deep"]]]]
    assert outcome(lambda x: nested(MAX_DEPTH + 1))[0].value == too_deep
    monkeypatch.setattr(_run, "MAX_SIZE", 10)
    assert len(outcome(lambda x: ([0.0] * 10,))[0].value[0]) == 10


@pytest.mark.parametrize(
    ("write", "changed"),
    [(lambda a, b, c: a.__setitem__(0, 5.0), ("a",)),
     (lambda a, b, c: b[1].__setitem__(0, 5.0), ("b",)), (lambda a, b, c: b.append(1.0), ("b",)),
     (lambda a, b, c: (a.__setitem__(0, 5.0), b.clear()), ("a", "b")),
     (lambda a, b, c: None, ()), (lambda a, b, c: a.resize(3, refcheck=False), ("a",))],
)  # fmt: skip
def test_arguments_that_are_written_to_are_named_and_not_shared(write, changed):
    case = {"a": np.ones(2), "b": [np.ones(2), np.zeros(2)], "c": 3}
    found, _ = outcome(lambda *arguments: write(*arguments) and None, case)
    assert found.changed == changed
    np.testing.assert_equal(case, {"a": np.ones(2), "b": [np.ones(2), np.zeros(2)], "c": 3})


def test_an_error_shows_its_last_three_own_lines():
    def inner(n):
        if n:
            return inner(n - 1)
        raise ValueError("  at 0x7fAb and 0x1  " + "y" * 400)

    lines = outcome(lambda x: inner(5))[0].error.splitlines()
    assert lines[0] == "your function raised an error:"
    assert [line.partition(" in ")[2] for line in lines[1:4]] == [
        "inner: return inner(n - 1)",
        "inner: return inner(n - 1)",
        'inner: raise ValueError("  at 0x7fAb and 0x1  " + "y" * 400)',
    ]
    assert all(line.startswith("line ") for line in lines[1:4])
    message = "at 0x... and 0x...  "
    assert lines[4] == f"ValueError: {message}" + "y" * (300 - len(message))


class BadError(Exception):
    """Its message cannot be had."""

    def __str__(self):
        raise ValueError


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, MemoryError, KeyError, BadError])
def test_no_exception_gets_out_and_one_without_a_message_has_its_name_alone(kind):
    def answer(x):
        raise kind

    message = ": (its message cannot be shown)" if kind is BadError else ""
    assert outcome(answer)[0].error.splitlines()[-1] == kind.__name__ + message


def test_a_function_that_calls_itself_for_ever_is_an_error():
    def answer(x):
        return answer(x)

    lines = outcome(answer)[0].error.splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("RecursionError: ")


def test_an_error_shows_no_line_of_numpy():
    error = outcome(lambda x: np.linalg.inv(np.zeros((2, 2))))[0].error
    first, _, last = (line.partition(" ")[0] for line in error.splitlines())
    assert (first, last) == ("your", "LinAlgError:")


def test_the_packages_are_nobodys_own_wherever_they_are():
    _run._is_own_file.cache_clear()
    root = Path(_run.__file__).parents[1]
    for folder in (Path(np.__file__).parent, root / "hw1lib", root / "hw1check", root / "hw1grade"):
        assert f"{folder}{os.sep}" in _run._FOLDERS
        assert not _run._is_own_file(str(folder / "a.py"))


@pytest.mark.parametrize(
    ("name", "names", "own"),
    [("<string>", {}, True), ("<string>", {"__file__": "/home/ada/work.py"}, True),
     ("<string>", {"__file__": np.__file__}, False), ("<frozen abc>", {}, False),
     ("/home/ada/work.py", {}, True), ("C:\\ada\\site-packages\\a.py", {}, False),
     (np.__file__, {}, False), ("", {}, False)],
)  # fmt: skip
def test_code_is_the_learners_own_unless_a_library_has_it_or_made_it(name, names, own):
    _run._is_own_file.cache_clear()
    code = types.SimpleNamespace(co_filename=name)
    assert _run._is_own(types.SimpleNamespace(f_code=code, f_globals=names)) is own


# When the time is over -------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Write modules where installed packages are: nothing in them is the learner's own."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def write(name, text):
        (folder / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


def wait_for(condition):
    """Wait until it holds; fail after five seconds."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("seconds", "limit", "importing", "late"),
    [(3, 4, "-ii---", False), (4, 3, "iii", True), (3, 2, "---", False)],
)
def test_the_time_of_an_import_is_its_own_from_the_tick_before_it_to_the_tick_after(
    monkeypatch, seconds, limit, importing, late
):
    clock, ticks, noted, waits = itertools.count(), iter(importing), [], []
    monkeypatch.setattr(_run, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(_run, "_is_importing", lambda frame: next(ticks) == "i")
    monkeypatch.setattr(_run, "IMPORT_SECONDS", limit)
    thread = types.SimpleNamespace(is_alive=lambda: True, join=waits.append, ident=None)
    assert _run._wait(thread, seconds, lambda: noted.append("i")) is late
    assert len(noted) == importing.count("i")
    assert list(ticks) == []
    assert waits == [_run.TICK] * len(importing)


def test_an_import_is_neither_counted_nor_interrupted(library):
    library("slow_a", "import time\nfor i in range(30): time.sleep(0.01)\nwhole = True")
    noted = []

    def answer(x):
        import slow_a

        return x if slow_a.whole else None

    (found,), _ = outcomes(answer, [CASE], 0.1, lambda: noted.append(1))
    assert found == Outcome(np.array(1.0))
    assert sys.modules["slow_a"].whole
    assert noted


def test_own_code_that_an_import_runs_is_not_interrupted_either(library, monkeypatch):
    hooks = types.SimpleNamespace(call=lambda: [time.sleep(0.01) for _ in range(30)])
    monkeypatch.setitem(sys.modules, "hooks", hooks)
    monkeypatch.setattr(_run, "IMPORT_SECONDS", 0.1)
    library("slow_b", "import hooks\nhooks.call()\nwhole = True")

    def answer(x):
        import slow_b

        return x if slow_b.whole else None

    (found,), _ = outcomes(answer, [CASE], 5.0)
    assert found.error == f"what your function imports took more than 0.1 seconds. {_run.GOES_ON}"
    wait_for(lambda: getattr(sys.modules.get("slow_b"), "whole", False))


@pytest.mark.parametrize("made_of", ["{}", "exec({!r})"])
def test_a_library_is_left_to_finish_and_the_next_own_line_ends_the_answer(library, made_of):
    work = "def work():\n    for i in range(30): time.sleep(0.01)\n    done.append(1)"
    library("slow_c", f"import time\ndone = []\n{made_of.format(work)}")
    import slow_c

    reached, before = [], set(threading.enumerate())

    def answer(x):
        slow_c.work()
        reached.append(1)

    (found,), _ = outcomes(answer, [CASE], 0.05)
    assert found.error == (
        "your function did not return within 0.05 seconds "
        "(if it is only slow, call the check with seconds=10). "
        "What it has called goes on in the background; if that never ends, restart Python"
    )
    wait_for(lambda: set(threading.enumerate()) <= before)
    assert (slow_c.done, reached) == ([1], [])


@pytest.mark.parametrize(
    "source",
    ["while True: pass", "while True:\n        x += 1",
     "for _ in range(3000):\n        try: time.sleep(0.001)\n        except Exception: pass",
     "next(i for i in itertools.count() if i < 0)", "[i for i in itertools.count() if i < 0]",
     "list(map(lambda i: i, itertools.count()))", "np.vectorize(spin)(np.ones(3))"],
)  # fmt: skip
def test_an_endless_loop_is_ended(source, monkeypatch):
    monkeypatch.setattr(_run, "END_SECONDS", 5)
    namespace = {"np": np, "itertools": itertools, "time": time}
    exec(f"def spin(x):\n    while True: pass\ndef answer(x):\n    {source}", namespace)
    (found,), _ = outcomes(namespace["answer"], [CASE], 0.01)
    assert found.error == f"your function did not return within 0.01 seconds ({_run.MORE})"


def test_what_cannot_be_stopped_is_left_behind_and_counts_no_more():
    end, before = threading.Event(), set(threading.enumerate())

    def answer(x):
        for _ in range(3000):  # three seconds at least
            with contextlib.suppress(BaseException):
                if end.wait(0.001):
                    break
        return 1.0

    found, _ = outcomes(answer, [CASE] * 3, 0.05)
    (left,) = set(threading.enumerate()) - before
    assert left.daemon  # it does not keep the interpreter alive
    end.set()
    left.join()
    assert [one.value for one in found] == [None]
    assert found[0].error.endswith(_run.GOES_ON)


def test_without_threads_the_calls_are_made_without_a_limit(monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    found, _ = outcomes(lambda x: x + 1, [{"x": 1.0}, {"x": 2.0}], 5.0)
    assert [one.value.item() for one in found] == [2.0, 3.0]
    assert _run._run_within(lambda: None, 5.0, _run._Watch(()), None) == (False, False)


# What is as it was -----------------------------------------------------------------------------


def vandal(x):
    """Change what every program shares."""
    import builtins

    sys.stdout.close()
    np.abs = np.random.seed = builtins.sum = np.linalg.inv = math.sqrt = None
    sys.stdin = sys.stderr = None
    sys.setrecursionlimit(500)
    os.chdir("/")
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    warnings.simplefilter("error")
    return x


def shared():
    functions = sum, np.abs, np.random.seed, np.linalg.inv, math.sqrt, input, sys.breakpointhook
    settings = sys.getrecursionlimit(), os.getcwd(), np.geterr(), np.get_printoptions()
    return functions, settings, sys.stdin, sys.stdout, sys.stderr, list(warnings.filters)


@pytest.mark.parametrize("threads", [True, False])
def test_whatever_an_answer_changes_is_put_back(threads, monkeypatch):
    if not threads:
        monkeypatch.setattr(threading.Thread, "start", raise_no_threads)
    before = shared()
    assert outcome(vandal)[0].value == 1.0
    assert shared() == before


def raise_no_threads(self):
    raise RuntimeError("can't start new thread")


def test_the_dice_of_the_session_are_left_alone():
    dice = np.random
    dice.seed(3)
    before = dice.get_state()[1].tolist()
    outcome(lambda x: dice.seed(7))
    assert dice.get_state()[1].tolist() == before


def test_checks_in_several_threads_leave_the_streams_alone():
    before = shared()
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: make_problem()(right, cases=2), range(16)))
    assert all(reports)
    assert shared() == before


def test_an_answer_may_check_another_one():
    assert make_problem()(lambda x, n: right(x, n) if make_problem()(right) else None, cases=2)


@pytest.mark.parametrize("call", ["input()", "breakpoint()"])
def test_who_asks_is_told_that_nobody_answers(call):
    namespace = {}
    exec(f"def answer(x):\n    {call}", namespace)
    assert outcome(namespace["answer"])[0].error.splitlines()[-1] == (
        f"RuntimeError: nobody answers here: take {call} out, or call your function yourself, "
        "outside of the check"
    )


# What a call writes and warns ------------------------------------------------------------------


def test_prints_are_kept_up_to_a_thousand_characters():
    def answer(x):
        print("a" * 600)
        sys.stderr.write("b" * 600)
        assert sys.stdout.write("c") == 1
        return x

    assert outcome(answer)[1] == "a" * 600 + "\n" + "b" * 399


def test_warnings_and_floating_point_errors_are_silent_inside_and_as_before_outside():
    before = np.geterr()
    found, _ = outcome(lambda x: np.log(np.array(-x)) + np.array(1.0) / 0)
    assert np.isnan(found.value)
    assert found.error is None
    assert np.geterr() == before


def test_a_division_by_zero_is_no_error_where_warnings_are_errors():
    def answer(x):
        warnings.simplefilter("error")
        return x / np.zeros(2)

    np.testing.assert_array_equal(outcome(answer)[0].value, [np.inf, np.inf])
