"""The catalogue of the learner's checks: right answers pass, and each known mistake is named.

What a check does with any answer, and says of it, stands in `test_check_engine.py`.
"""

import functools
import inspect
import math
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import hw1check as check
import hw1lib
import perturbations
import styles
from hw1check import PROBLEMS, _run

torch.set_num_threads(1)
ROUTES = styles.found()
MISTAKES = [(problem, mistake) for problem in PROBLEMS for mistake in problem.known]
SEEDS = int(os.environ.get("CHECK_SEEDS", "3"))  # `nox -s seeds` takes a hundred
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)


# What is in it ------------------------------------------------------------------------------


def test_all_questions_with_a_formula_have_a_check():
    questions = {problem.question for problem in PROBLEMS}
    assert questions >= {"1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.3", "2.4"}
    assert questions >= {"3.1", "3.2", "3.3"}


def test_a_name_in_the_points_that_no_check_has_is_refused():
    code = (
        "from hw1check import _problem; import hw1check, importlib; "
        "_problem.HOMEWORK['points']['dropout_scales'] = 5; importlib.reload(hw1check)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "homework.toml names dropout_scales, and there is no such check" in done.stderr


def test_the_points_are_those_of_the_homework():
    points = {}
    for problem in PROBLEMS:
        key = problem.question[0], problem.bonus
        points[key] = points.get(key, 0) + sum(problem.points)
    assert {(topic, False): points[topic, False] for topic in "123"} == {
        ("1", False): 25, ("2", False): 35, ("3", False): 40,
    }  # fmt: skip
    # 2.4 has 10 points: the other 5 are for the comparison, which no check can mark.
    assert (points["1", True], points["2", True], points["b", False]) == (20, 5, 0)


def test_completion_shows_each_check_under_its_name_and_no_module():
    names = [name for p in PROBLEMS for name, value in vars(check).items() if value is p]
    assert [problem.name for problem in PROBLEMS] == names
    assert set(dir(check)) == {*names, "questions"}


def test_the_list_of_questions_shows_what_was_solved(capsys):
    problem = PROBLEMS[0]
    assert problem(problem.solution)
    check.questions()
    rows = capsys.readouterr().out.splitlines()
    assert f"✓ {problem.name}: {problem.question} {problem.title}" in rows
    assert len(rows) == len(PROBLEMS) + 1


def test_a_check_and_a_reference_function_of_one_name_take_the_same_arguments():
    both = [p for p in PROBLEMS if hasattr(hw1lib, p.name)]
    assert both
    for problem in both:
        reference = getattr(hw1lib, problem.name)
        assert tuple(inspect.signature(reference).parameters) == problem.arguments
        (case,) = problem.cases(1)
        right = problem.right(case)[problem.parts[0]]
        np.testing.assert_allclose(reference(**case), right, rtol=1e-12)


def test_checking_needs_numpy_and_no_other_package():
    code = "import sys; import hw1check; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "hw1lib"} <= set(modules)
    assert {"torch", "scipy", "sympy", "matplotlib", "IPython", "hw1grade"}.isdisjoint(modules)


@each_problem
def test_the_documentation_of_a_check_names_every_argument(problem):
    assert problem.__doc__.strip().startswith("Check ")
    assert all(f"`{name}`" in problem.__doc__ for name in problem.arguments)


def test_the_cases_and_right_values_of_a_check_take_less_than_a_second():
    for problem in PROBLEMS:
        start = time.process_time()
        problem.expected(problem.cases())
        assert time.process_time() - start < 1, problem.name


# Right answers ------------------------------------------------------------------------------


def single(value):
    """Put what is of double precision into single precision."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(single, value))
    if isinstance(value, float):
        return np.float32(value)
    is_double = isinstance(value, np.ndarray) and value.dtype == float
    return value.astype(np.float32) if is_double else value


def listed(value):
    """Put arrays into lists of Python's own numbers."""
    is_list = isinstance(value, (list, tuple))
    return list(map(listed, value)) if is_list else np.asarray(value).tolist()


FORMS = {
    "double": lambda answer: answer,
    "single": lambda answer: lambda *values: single(answer(*map(single, values))),
    "lists": lambda answer: lambda *values: listed(answer(*values)),
}


def test_every_solution_of_the_book_is_held_to_a_route_that_is_not_its_own():
    # An instructor's own question, of another topic, may have one in tests/styles too.
    book = {problem.name for problem in PROBLEMS if re.search(r"\d", problem.question)[0] in "123"}
    assert set(ROUTES) >= book


@pytest.mark.parametrize("form", FORMS)
@each_problem
def test_a_right_answer_passes_by_any_route_and_in_any_form(problem, form, pytestconfig):
    answers = [*ROUTES.get(problem.name, ()), problem.solution]
    if form == "single" or pytestconfig.getoption("without_torch"):
        answers = [answer for answer in answers if not answer.__name__.endswith("_torch")]
    for answer in answers:
        report = problem(FORMS[form](answer), seconds=20)
        assert report.passed, f"{answer.__name__}\n{report}"


# Wrong answers ------------------------------------------------------------------------------


@functools.cache
def drawn(problem, seed):
    """Draw cases with their right values."""
    cases = problem.cases(seed=seed)
    return cases, problem.expected(cases)


def judge(problem, answer, seed=0):
    """Judge an answer that harms nobody, without the time limit's thread."""
    cases, expected = drawn(problem, seed)
    watch = _run._Watch(())
    with np.errstate(all="ignore"):
        calls = [
            _run._call(lambda case: answer(*case.values()), case, problem.parts, watch)
            for case in cases
        ]
    return problem.judge(cases, expected, calls)


@pytest.mark.parametrize("pair", MISTAKES, ids=lambda pair: f"{pair[0].name}-{pair[1].key}")
def test_a_mistake_is_wrong_in_the_same_parts_at_every_seed_and_named_exactly(pair):
    problem, mistake = pair
    parts = set()
    for seed in range(SEEDS):
        report = judge(problem, mistake.answer, seed)
        wrong = [part for part in report.parts if not part.passed]
        named = {part.mistake and part.mistake.key for part in wrong if not part.follows}
        assert named == {mistake.key}, f"seed {seed}\n{report}"
        parts.add(tuple(part.name for part in wrong))
    assert len(parts) == 1, parts


@pytest.mark.parametrize("pair", MISTAKES, ids=lambda pair: f"{pair[0].name}-{pair[1].key}")
def test_no_mistake_passes_in_single_precision(pair):
    problem, mistake = pair
    report = judge(problem, lambda *values: single(mistake.answer(*values)))
    assert not report.passed
    assert {part.mistake and part.mistake.key for part in report.parts if part.problem} == {
        mistake.key
    }


def test_the_mistakes_of_a_line_are_the_same_lines_that_the_page_shows():
    for problem, mistake in MISTAKES:
        for wrong, right in problem.lines.pairs(mistake.lines):
            assert wrong != right, mistake.what


@each_problem
def test_the_mistakes_of_a_problem_differ_in_name_and_are_explained_in_whole_sentences(problem):
    assert len({mistake.key for mistake in problem.known}) == len(problem.known) > 0
    for mistake in problem.known:
        assert len(mistake.why.split()) >= 7, mistake.key
        assert mistake.why.rstrip(")")[-1] in ".?", mistake.key
        assert mistake.what[-1] not in ".?", mistake.key
        assert "—" not in mistake.what + mistake.why, mistake.key


@each_problem
def test_every_mistake_is_off_by_far_more_than_the_tolerance(problem):
    drawn = problem.cases()
    for mistake in problem.known:
        errors = [relative_error(mistake.answer, problem.solution, case) for case in drawn]
        assert max(errors) > 0.01, mistake.key


def relative_error(answer, solution, case):
    """Compare the largest error with the largest entry; infinite where there is no answer."""
    right = flat(solution(**case))
    try:
        with np.errstate(all="ignore"):
            wrong = flat(answer(**case))
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        return math.inf
    if wrong.shape != right.shape or not np.isfinite(wrong).all():
        return math.inf
    return np.abs(wrong - right).max() / np.abs(right).max()


def flat(value):
    if isinstance(value, (list, tuple)):
        return np.concatenate([flat(item) for item in value])
    return np.ravel(np.asarray(value, dtype=float))


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    "problem",
    [p for p in PROBLEMS if all(isinstance(x, np.ndarray) and x.ndim
                                for x in map(p.right(p.cases(1)[0]).get, p.parts))],
    ids=lambda problem: problem.name,
)  # fmt: skip
def test_no_sorted_answer_passes(problem, turn):
    def answer(*values):
        right = problem.solution(*values)
        parts = right if isinstance(right, tuple) else (right,)
        turned = [turn * np.sort(turn * np.asarray(part), axis=0) for part in parts]
        return turned if len(problem.parts) > 1 else turned[0]

    assert not problem(answer).passed


def test_none_of_200_perturbed_answers_passes():
    mutants = perturbations.sample(ROUTES, 200, seed=0)
    passed = [line for name, line, answer in mutants if getattr(check, name)(answer, seconds=5)]
    assert passed == []
