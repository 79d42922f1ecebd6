"""The gradient check itself, against torch.

Tolerance: rtol = 1e-8 for central differences (step 1e-5: error of the formula about 1e-10, of the
rounding about 1e-11 times the ratio of value and derivative); exact where nothing is rounded.
"""

import numpy as np
import pytest
import torch

from hw1lib import largest_difference, numerical_gradient
from oracles import autograd, same

RTOL = 1e-8


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 1, 3)])
def test_numerical_gradient_equals_autograd_for_any_shape(shape):
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=shape), rng.normal(size=shape)
    _, (expected,) = autograd(torch.tanh, weights, x)
    actual = numerical_gradient(lambda x: (weights * np.tanh(x)).sum(), np.array(x))
    assert actual.shape == shape
    same(actual, expected, RTOL)


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


@pytest.mark.parametrize(
    ("actual", "expected", "found"),
    [
        (
            [[0.5, -8.0, 2.25], [3.0, -0.25, 1.5]],
            [[0.5, -8.0, 2.0], [3.0, 0.25, 1.5]],
            (0.5, 0.0625, (1, 1), -0.25, 0.25),
        ),
        ([1.5, 2.5], [1.5, 4.0], (1.5, 0.375, (1,), 2.5, 4.0)),
        ([1.5, 4.0], [1.5, 2.5], (1.5, 0.6, (1,), 4.0, 2.5)),
        ([[0.3, -2.7]], [[0.3, -2.7]], (0.0, 0.0, (0, 0), 0.3, 0.3)),
        ([0.0, 0.0], [0.0, 0.0], (0.0, 0.0, (0,), 0.0, 0.0)),
        ([0.0, 1e-300], [0.0, 0.0], (1e-300, np.inf, (1,), 1e-300, 0.0)),
        (1.5, 0.5, (1.0, 2.0, (), 1.5, 0.5)),
        ([1.7e308], [-1.7e308], (np.inf, np.inf, (0,), 1.7e308, -1.7e308)),
    ],
)
def test_largest_difference_says_where_and_how_much(actual, expected, found):
    assert largest_difference(np.array(actual), np.array(expected)) == found


def test_largest_difference_prints_one_line():
    text = str(largest_difference(np.array([[1.5], [2.0]]), np.array([[1.5], [4.0]])))
    assert text == (
        "largest difference 2.000e+00 (relative 5.000e-01) at index (1, 0): 2, expected 4"
    )


def test_largest_difference_holds_plain_numbers():
    difference = largest_difference(np.float32([0.5, 0.75]), np.float32([0.5, 1.5]))
    assert [type(x) for x in difference] == [float, float, tuple, float, float]
    assert type(difference.index[0]) is int
