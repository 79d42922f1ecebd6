"""The gradient check itself, against sympy and torch.

Tolerance: rtol = 1e-8 for central differences (step 1e-5: error of the formula about 1e-10, of the
rounding about 1e-11 times the ratio of value and derivative); exact where nothing is rounded.
"""

import numpy as np
import pytest
import sympy
import torch

from hw1lib import largest_difference, numerical_gradient

RTOL = 1e-8


def test_numerical_gradient_equals_sympy():
    a, b, c = symbols = sympy.symbols("a b c")
    expression = sympy.sin(a) * sympy.exp(b / 3) + a * b * c**2 + sympy.log(c)
    point = {a: 0.7, b: -1.3, c: 2.1}
    expected = [float(expression.diff(s).subs(point)) for s in symbols]
    f = sympy.lambdify([symbols], expression)
    actual = numerical_gradient(f, np.array([0.7, -1.3, 2.1]))
    np.testing.assert_allclose(actual, expected, rtol=RTOL)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 1, 3)])
def test_numerical_gradient_equals_autograd_for_any_shape(shape):
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=shape), rng.normal(size=shape)
    t = torch.tensor(np.array(x), requires_grad=True)
    (expected,) = torch.autograd.grad((torch.tensor(weights) * torch.tanh(t)).sum(), t)
    actual = numerical_gradient(lambda x: (weights * np.tanh(x)).sum(), np.array(x))
    assert actual.shape == shape
    np.testing.assert_allclose(actual, expected, rtol=RTOL)


def test_numerical_gradient_of_a_quadratic_has_no_error_of_the_formula():
    # A central difference of x**2 is 2x for any step, a one-sided one is off by the step.
    x = np.array([0.5, -3.0, 700.0])
    actual = numerical_gradient(lambda x: (x**2).sum(), x, step=0.125)
    np.testing.assert_allclose(actual, 2 * x, rtol=1e-12)


@pytest.mark.parametrize(("x", "h"), [(0.25, 0.125), (-0.25, 0.125), (4.0, 0.5), (-4.0, 0.5)])
def test_step_is_relative_to_entries_above_one(x, h):
    points = []
    numerical_gradient(lambda x: points.append(x[0]) or 0.0, np.array([x]), step=0.125)
    assert points == [x + h, x - h]


def test_numerical_gradient_divides_by_the_step_that_was_taken():
    # At 3e7 a step of 1e-15 of the entry is not a multiple of the spacing of the doubles.
    actual = numerical_gradient(lambda x: float(x[0]), np.array([3e7]), step=2e-15)
    np.testing.assert_array_equal(actual, [1.0])


@pytest.mark.parametrize("x", [1e-150, 1e150])
def test_numerical_gradient_works_at_any_magnitude(x):
    actual = numerical_gradient(lambda x: 3.7 * x[0], np.array([x]))
    np.testing.assert_allclose(actual, [3.7], rtol=RTOL)


def test_numerical_gradient_is_safe_from_a_function_that_changes_its_argument():
    def f(x):
        value = float((x**2).sum())
        x[:] = 99.0
        return value

    x = np.array([0.4, -1.7])
    np.testing.assert_allclose(numerical_gradient(f, x), [0.8, -3.4], rtol=RTOL)
    np.testing.assert_array_equal(x, [0.4, -1.7])


def test_numerical_gradient_takes_entries_up_to_a_quarter_of_the_largest_float():
    x = np.array([np.finfo(float).max / 4])
    np.testing.assert_array_equal(numerical_gradient(lambda _: 2.5, x), [0.0])


@pytest.mark.parametrize("kind", [int, float, np.float64, np.array])
def test_numerical_gradient_takes_any_real_number_as_value(kind):
    actual = numerical_gradient(lambda x: kind(3 if x[0] > 2 else 1), np.array([2.0]), step=0.5)
    np.testing.assert_array_equal(actual, [1.0])


@pytest.mark.parametrize("value", ["1", None, 1j, np.array([1.0]), torch.tensor(1.0), True])
def test_numerical_gradient_refuses_a_value_that_is_no_number(value):
    with pytest.raises(TypeError, match="the value of f must be a real number, got"):
        numerical_gradient(lambda _: value, np.array([0.3]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numerical_gradient_refuses_a_value_that_is_not_finite(value):
    with pytest.raises(ValueError, match="the value of f must lie in"):
        numerical_gradient(lambda _: value, np.array([0.3]))


def test_largest_difference_says_where_and_how_much():
    expected = np.array([[0.5, -8.0, 2.0], [3.0, 0.25, 1.5]])
    actual = expected.copy()
    actual[1, 1] = -0.25
    actual[0, 2] = 2.25
    assert largest_difference(actual, expected) == (0.5, 0.0625, (1, 1), -0.25, 0.25)


def test_largest_difference_reports_the_sign_of_neither_array():
    a, b = np.array([1.5, 2.5]), np.array([1.5, 4.0])
    assert largest_difference(a, b).absolute == largest_difference(b, a).absolute == 1.5
    assert largest_difference(a, b).relative == 0.375
    assert largest_difference(b, a).relative == 0.6


def test_largest_difference_of_equal_arrays_is_zero():
    x = np.array([[0.3, -2.7]])
    assert largest_difference(x, x.copy())[:2] == (0.0, 0.0)
    assert largest_difference(np.zeros(3), np.zeros(3))[:2] == (0.0, 0.0)


def test_largest_difference_from_zero_is_infinite():
    assert largest_difference(np.array([0.0, 1e-300]), np.zeros(2)).relative == np.inf


def test_largest_difference_of_arrays_without_axes_has_an_empty_index():
    assert largest_difference(np.array(1.5), np.array(0.5)) == (1.0, 2.0, (), 1.5, 0.5)


def test_largest_difference_beyond_the_largest_float_is_infinite():
    found = largest_difference(np.array([1.7e308]), np.array([-1.7e308]))
    assert found[:2] == (np.inf, np.inf)


def test_largest_difference_prints_one_line():
    text = str(largest_difference(np.array([[1.5], [2.0]]), np.array([[1.5], [4.0]])))
    assert text == (
        "largest difference 2.000e+00 (relative 5.000e-01) at index (1, 0): 2, expected 4"
    )


def test_largest_difference_holds_plain_numbers():
    difference = largest_difference(np.float32([0.5, 0.75]), np.float32([0.5, 1.5]))
    assert [type(x) for x in difference] == [float, float, tuple, float, float]
    assert type(difference.index[0]) is int
