"""The learner's checks: right answers pass, known mistakes are named, and nothing gets out."""

import contextlib
import inspect
import io
import json
import math
import re
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from selectolax.lexbor import LexborHTMLParser

import hw1check as check
import hw1lib
import perturbations
from hw1check import PROBLEMS

torch.set_num_threads(1)
ROOT = Path(__file__).parent.parent
MODULES = ("dropout", "batchnorm", "whitening", "mlp", "initialization")
STYLES = {
    name: answers
    for module in MODULES
    for name, answers in import_module(f"styles.{module}").STYLES.items()
}
MISTAKES = [(problem, mistake) for problem in PROBLEMS for mistake in problem.mistakes]


def by_name(pair):
    return f"{pair[0].name}-{pair[1].key}"


# The catalogue ------------------------------------------------------------------------------


def test_there_are_at_least_sixty_mistakes():
    assert len(MISTAKES) >= 60


def test_all_questions_with_a_formula_have_a_check():
    questions = {problem.question for problem in PROBLEMS}
    assert questions >= {"1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.3", "2.4"}
    assert questions >= {"3.1", "3.2", "3.3"}


def test_the_points_are_those_of_the_homework():
    def total(digit, bonus):
        return sum(
            sum(problem.points)
            for problem in PROBLEMS
            if problem.question[0] == digit and problem.bonus is bonus
        )

    assert [total(digit, False) for digit in "123"] == [25, 35, 40]
    assert [total(digit, True) for digit in "123"] == [20, 10, 0]
    assert not any(any(p.points) for p in PROBLEMS if p.question.startswith("beyond"))


def test_every_check_has_the_name_under_which_it_is_called():
    assert [problem.name for problem in PROBLEMS] == [
        name for p in PROBLEMS for name, value in vars(check).items() if value is p
    ]
    assert {problem.name for problem in PROBLEMS} <= set(check.__all__)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_a_right_answer_passes_in_five_styles(problem, pytestconfig):
    answers = STYLES[problem.name]
    assert len({answer.__name__ for answer in answers}) == 5
    if pytestconfig.getoption("without_torch"):
        answers = [answer for answer in answers if not answer.__name__.endswith("_torch")]
    for answer in answers:
        report = problem(answer, seconds=20)
        assert report.passed, f"{answer.__name__}\n{report}"


@pytest.mark.parametrize("pair", MISTAKES, ids=by_name)
def test_a_mistake_is_wrong_and_named_exactly(pair):
    problem, mistake = pair
    report = problem(mistake.answer, seconds=20)
    assert not report.passed
    wrong = [part for part in report.parts if not part.passed]
    assert {part.mistake and part.mistake.key for part in wrong} == {mistake.key}, str(report)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_mistake_is_off_by_far_more_than_the_tolerance(problem):
    drawn = problem.cases()
    right = [flat(problem.solution(**case)) for case in drawn]
    for mistake in problem.mistakes:
        wrong = [wrong_value(mistake, case) for case in drawn]
        errors = [
            np.abs(a - b).max() / np.abs(b).max() if a.shape == b.shape else math.inf
            for a, b in zip(wrong, right, strict=True)
        ]
        assert not max(errors) <= 0.01, mistake.key


def wrong_value(mistake, case):
    """Give what a mistake gives, infinity where that cannot be computed."""
    try:
        with np.errstate(all="ignore"):
            value = flat(mistake.answer(**case))
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        return np.array(math.inf)
    return np.nan_to_num(value, nan=math.inf, posinf=math.inf, neginf=-math.inf)


def flat(value):
    if isinstance(value, (list, tuple)):
        return np.concatenate([flat(item) for item in value])
    return np.ravel(np.asarray(value, dtype=float))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_names_of_the_mistakes_of_a_problem_differ(problem):
    keys = [mistake.key for mistake in problem.mistakes]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_mistake_is_explained_in_whole_sentences(problem):
    for mistake in problem.mistakes:
        assert len(mistake.why.split()) >= 7, mistake.key
        assert mistake.why.rstrip(")")[-1] in ".?", mistake.key
        assert mistake.what[-1] not in ".?", mistake.key
        assert "—" not in mistake.what + mistake.why, mistake.key


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_documentation_of_a_check_names_every_argument_and_part(problem):
    text = problem.__doc__
    assert text.strip().startswith("Check ")
    assert all(f"`{name}`" in text for name in problem.arguments), text


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_inputs_are_printed_as_python_that_gives_them_back(problem):
    case = next(iter(problem.cases(1)))
    plain = {name: value for name, value in case.items() if not callable(value)}
    namespace = {"np": np}
    exec(check._report.format_inputs(plain), namespace)
    for name, value in plain.items():
        assert same(namespace[name], value), name


def same(a, b):
    if isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return np.array_equal(a, b)


def first_values(problem):
    return problem.expected(problem.cases(1))[0]


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    "problem",
    [p for p in PROBLEMS if all(isinstance(x, np.ndarray) and x.ndim for x in first_values(p))],
    ids=lambda problem: problem.name,
)
def test_no_sorted_answer_passes(problem, turn):
    def answer(*values):
        right = problem.solution(*values)
        parts = right if isinstance(right, tuple) else (right,)
        return [turn * np.sort(turn * np.asarray(part), axis=0) for part in parts]

    one = len(problem.parts) == 1
    assert not problem(lambda *values: answer(*values)[0] if one else answer(*values)).passed


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_an_answer_comes_within_two_seconds_even_to_a_function_that_never_returns(problem):
    def never(*_):
        while True:
            pass

    start = time.perf_counter()
    report = problem(never, seconds=0.05)
    assert time.perf_counter() - start < 2
    assert "did not return within 0.05 seconds" in str(report)


# Perturbed answers --------------------------------------------------------------------------

# Broken lines that give the right answer all the same, with the reason.
EQUIVALENT = {
    # The Jacobian of dropout is diagonal.
    "backward_matrix: return np.stack([J.real @ g for J, g in zip(jacobians, dh_tilde, "
    "strict=True)])",
}


def test_none_of_200_perturbed_answers_passes():
    mutants = perturbations.sample(STYLES, 200, seed=0)
    passed = [
        f"{name}, {line}"
        for name, line, answer in mutants
        if line not in EQUIVALENT and getattr(check, name)(answer, seconds=5)
    ]
    assert passed == []


# What a learner's function may do -----------------------------------------------------------


def scale(p):
    return 1 / (1 - p)


def solution(dH, Y, gamma, beta, eps):
    return check.batchnorm_gradients.solution(dH, Y, gamma, beta, eps)


def first_problem(answer, problem=check.dropout_scale, **options):
    report = problem(answer, **options)
    assert not report.passed
    return report.parts[0].problem


def test_the_report_of_a_right_answer_is_true_and_says_so():
    report = check.dropout_scale(scale)
    assert report
    assert report.passed
    assert "right in 20 of 20 random cases" in str(report)


def test_a_wrong_value_is_shown_beside_the_right_one_with_its_inputs():
    report = check.dropout_scale(lambda p: 1 / (1 - p) + (p > 0.5))
    assert not report
    (part,) = report.parts
    p = part.inputs["p"]
    assert 0 < part.agreed < 20
    assert p > 0.5
    assert f"is {1 / (1 - p) + 1:.4g}, expected {1 / (1 - p):.4g}" in part.problem
    assert f"p = {p}" in str(report)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda p: -1 / (1 - p), "in every case it is minus the right value"),
        (lambda p: 3 / (1 - p), "in every case it is 3 times the right value"),
        (lambda p: 1 / (1 - p) * p**2, "in every case it is the right value times p**2"),
    ],
)
def test_a_factor_that_is_the_same_everywhere_is_named(answer, words):
    assert words in first_problem(answer)


def test_a_factor_of_the_batch_size_is_named():
    def answer(dH, Y, gamma, beta, eps):
        return (
            check.batchnorm_gradients.solution(dH, Y, gamma, beta, eps)[0] * len(Y) ** 2,
            *[None] * 4,
        )

    text = first_problem(answer, check.batchnorm_gradients)
    assert "the right value times dH.shape[0]**2" in text


def test_none_is_no_answer_yet():
    report = check.batchnorm_gradients(lambda *_: None)
    assert [part.answered for part in report.parts] == [False] * 5
    assert str(report).count("no answer yet") == 5


def test_one_part_can_be_answered_before_the_others():
    def answer(dH, Y, gamma, beta, eps):
        return (
            None,
            check.batchnorm_gradients.solution(dH, Y, gamma, beta, eps)[1],
            None,
            None,
            ...,
        )

    report = check.batchnorm_gradients(answer)
    assert [part.passed for part in report.parts] == [False, True, False, False, False]
    assert [part.answered for part in report.parts] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.ones(3), "torch.Tensor; return a NumPy array"),
        ("one", "an object of type str"),
        ({"p": 1}, "an object of type dict"),
        (1j, "an object of type complex"),
        (np.array([1j]), "dtype complex128"),
        (np.array([None]), "dtype object"),
        (np.ma.masked_array([1.0]), "MaskedArray"),
        (math.nan, "is nan"),
        (math.inf, "is inf"),
        (np.ones(3), "has shape (3,), expected ()"),
        (np.ones(10**6), "an array of shape (1000000,)"),
        ([1, "a"], "is a list, expected a number"),
        ([[[[[1.0]]]]], "is a list, expected a number"),
        (print, "builtin_function_or_method"),
    ],
)
def test_what_is_no_number_is_described(value, words):
    assert words in first_problem(lambda p: value)


def test_a_wrong_number_of_values_is_described():
    text = first_problem(lambda *_: (1.0, 2.0), check.batchnorm_gradients)
    assert "must return dgamma, dbeta, dm, dv, dY, got 2 values" in text


def test_lists_of_numbers_and_integers_are_answers():
    def answer(dH, Y, gamma, beta, eps):
        values = solution(dH, Y, gamma, beta, eps)
        return [value.tolist() for value in values]

    assert check.batchnorm_gradients(answer)
    assert check.kept_units_mean(lambda M, p: M * (1 - p))


def test_a_number_is_an_answer_where_the_question_has_no_variable():
    assert check.activation_variance((math.pi - 1) / (2 * math.pi))
    assert not check.activation_variance(0.5)


def test_the_one_value_of_a_question_without_variables_is_not_shown():
    text = str(check.activation_variance(0.123))
    assert "variance is 0.123" in text
    assert "0.34" not in text


def test_an_exception_is_shown_with_the_learners_own_lines():
    def inner(p):
        return np.linalg.inv(np.zeros((2, 2)))

    def answer(p):
        return inner(p)

    text = first_problem(answer)
    lines = text.splitlines()
    assert lines[0] == "Case 1: your function raised an error:"
    assert [line.partition(": ")[2] for line in lines[1:3]] == [
        "return inner(p)",
        "return np.linalg.inv(np.zeros((2, 2)))",
    ]
    assert lines[3] == "LinAlgError: Singular matrix."
    assert "linalg.py" not in text


def test_an_exception_that_cannot_be_shown_is_an_error_all_the_same():
    class BadError(Exception):
        def __str__(self):
            raise ValueError

    def answer(p):
        raise BadError

    assert "BadError: (its message cannot be shown)" in first_problem(answer)


def test_no_address_of_the_run_is_shown():
    def answer(p):
        raise ValueError(object())

    assert "object at 0x...>" in first_problem(answer)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, RecursionError, MemoryError])
def test_no_exception_gets_out(kind):
    def answer(p):
        raise kind

    assert kind.__name__ in first_problem(answer)


def test_a_function_that_calls_itself_for_ever_is_an_error():
    def answer(p):
        return answer(p)

    text = first_problem(answer)
    assert "RecursionError" in text
    assert len(text.splitlines()) == 5


def test_a_function_that_swallows_every_exception_is_left_behind():
    over = time.perf_counter() + 3

    def answer(p):
        while time.perf_counter() < over:
            try:
                time.sleep(0.001)
            except BaseException:
                continue

    start = time.perf_counter()
    assert "did not return within 0.1 seconds" in first_problem(answer, seconds=0.1)
    assert time.perf_counter() - start < 1.5
    print_works = io.StringIO()
    with contextlib.redirect_stdout(print_works):
        print("still here")
    assert print_works.getvalue() == "still here\n"
    assert check.dropout_scale(scale)


def test_a_slow_function_is_told_how_far_it_came():
    def answer(p):
        time.sleep(0.05)
        return 1 / (1 - p)

    assert re.search(
        r"the time was over: \d+ calls took 0.3 seconds", first_problem(answer, seconds=0.3)
    )


def test_arguments_that_the_function_changes_are_reported_and_not_shared():
    def answer(dH, Y, gamma, beta, eps):
        values = solution(dH, Y, gamma, beta, eps)
        Y *= 0
        gamma[0] = 7
        return values

    report = check.batchnorm_gradients(answer)
    assert report
    assert "writes to its argument Y, gamma;" in report.notes[0]


def test_what_the_function_prints_is_a_note_and_nothing_else(capsys):
    def answer(p):
        print("here", p)
        print("there", file=sys.stderr)
        return scale(p)

    report = check.dropout_scale(answer)
    assert capsys.readouterr() == ("", "")
    assert report.notes[0].startswith("your function printed:\nhere")
    assert len(report.notes[0].splitlines()) == 6


def test_a_flood_of_prints_is_cut():
    def answer(p):
        for _ in range(1000):
            print("x" * 1000)
        return scale(p)

    assert len(str(check.dropout_scale(answer))) < 3000


def test_a_warning_of_the_function_is_no_error():
    def answer(p):
        np.log(np.array(-1.0))
        return scale(p)

    assert check.dropout_scale(answer)


def test_objects_with_hostile_methods_do_no_harm():
    class Hostile:
        def __array__(self, *args, **kwargs):
            raise SystemExit

        def __eq__(self, other):
            raise SystemExit

        __hash__ = None

        def __repr__(self):
            raise SystemExit

    assert "Hostile" in first_problem(lambda p: Hostile())
    assert "is a list" in first_problem(lambda p: [Hostile()])


def test_the_same_answer_gives_the_same_text():
    assert str(check.dropout_scale(lambda p: p)) == str(check.dropout_scale(lambda p: p))


def test_another_seed_draws_other_cases():
    first, second = (check.dropout_scale.cases(5, seed) for seed in (0, 1))
    assert first != second
    assert first == check.dropout_scale.cases(5, 0)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: check.dropout_scale(2.0), TypeError, "answer must be a function of (p), got 2.0"),
        (lambda: check.dropout_scale(lambda: 1), TypeError, "a function of (p), got one of ()"),
        (lambda: check.dropout_scale(scale, cases=0), ValueError, "cases must be at least 1"),
        (lambda: check.dropout_scale(scale, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: check.dropout_scale(scale, seconds=0), ValueError, "seconds must lie in (0, inf)"),
    ],
)
def test_a_wrong_call_of_a_check_is_refused(call, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        call()


# The report ---------------------------------------------------------------------------------


def test_the_html_says_what_the_text_says():
    report = check.batchnorm_gradients(check.batchnorm_gradients.mistakes[0].answer)
    words = re.findall(r"\w+", LexborHTMLParser(report._repr_html_()).text(separator=" "))
    assert words == re.findall(r"\w+", str(report))


def test_the_html_links_to_the_page_of_the_mistake_and_escapes_the_rest():
    mistake = check.batchnorm_gradients.mistakes[0]
    page = LexborHTMLParser(check.batchnorm_gradients(mistake.answer)._repr_html_())
    assert page.css_first(".hw1check-page").text() == mistake.page

    def answer(p):
        raise ValueError("<script>")

    assert "<script>" not in check.dropout_scale(answer)._repr_html_()


def test_the_report_as_a_dict_is_plain_json():
    report = check.batchnorm_gradients(check.batchnorm_gradients.mistakes[0].answer)
    told = json.loads(json.dumps(report.to_dict()))
    assert told["name"] == "batchnorm_gradients"
    assert told["passed"] is False
    keys = {part["mistake"] for part in told["parts"] if not part["passed"]}
    assert keys == {check.batchnorm_gradients.mistakes[0].key}


def test_a_wrong_answer_never_shows_the_solutions_source():
    source = inspect.getsource(check.batchnorm_gradients.solution)
    text = str(check.batchnorm_gradients(lambda *_: [0.0] * 5))
    assert not any(line.strip() in text for line in source.splitlines() if len(line.strip()) > 12)


def test_completion_shows_the_checks_and_no_module():
    assert set(dir(check)) == set(check.__all__)
    assert {problem.name for problem in PROBLEMS} < set(dir(check))
    assert "batchnorm" not in dir(check)


def test_a_check_and_a_reference_function_of_one_name_take_the_same_arguments():
    both = [p for p in PROBLEMS if hasattr(hw1lib, p.name)]
    assert both
    for problem in both:
        given = inspect.signature(getattr(hw1lib, problem.name)).parameters
        assert tuple(given) == problem.arguments
        case = problem.cases(1)[0]
        np.testing.assert_array_equal(
            np.asarray(getattr(hw1lib, problem.name)(**case)), problem.expected([case])[0][0]
        )


def test_checking_needs_numpy_and_no_other_package():
    code = "import sys; import hw1check; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "hw1lib"} <= set(modules)
    assert {"torch", "scipy", "sympy", "matplotlib", "IPython"}.isdisjoint(modules)
