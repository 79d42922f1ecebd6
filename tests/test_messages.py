"""What a refused argument is told, word by word, and where the limits lie exactly."""

import fractions
import math

import numpy as np
import pytest

import hw1lib as h
from hw1lib import _arguments as a

ONES = np.ones((2, 3))


class Half:
    """Something that is no number."""


REFUSALS = [
    (a.require_array, ("x", [1.0]), {}, TypeError,
     "x must be a numpy.ndarray of float32 or float64, got list; "
     "convert it first, for instance with numpy.asarray(x, dtype=float)"),
    (a.require_array, ("x", np.array([1])), {}, TypeError,
     "x must have dtype float32 or float64, got int64; "
     "convert it first, for instance with x.astype(float)"),
    (a.require_array, ("x", ONES), {"dtype": np.dtype("float32")}, TypeError,
     "x must have dtype float32 like the other arrays, got float64"),
    (a.require_array, ("x", ONES), {"ndim": 1}, ValueError, "x must have shape (*), got (2, 3)"),
    (a.require_array, ("x", ONES), {"shape": (None, 4)}, ValueError,
     "x must have shape (*, 4), got (2, 3)"),
    (a.require_array, ("x", ONES), {"shape": (2, None, 1)}, ValueError,
     "x must have shape (2, *, 1), got (2, 3)"),
    (a.require_array, ("x", np.array(1.0)), {}, ValueError,
     "x must have at least one axis, got shape ()"),
    (a.require_array, ("x", np.ones((2, 0))), {}, ValueError,
     "x must not be empty, got shape (2, 0)"),
    (a.require_array, ("x", np.array([[1, 2], [3, np.inf]])), {}, ValueError,
     "x must be finite, got inf at index [1, 1]"),
    (a.require_batch, ("Y", ONES[:1]), {}, ValueError,
     "Y must have at least 2 rows (samples), got shape (1, 3): "
     "the statistics of a batch of one say nothing about its spread"),
    (a.require_real, ("t", True), {}, TypeError, "t must be a real number, got bool"),
    (a.require_real, ("t", np.bool_(True)), {}, TypeError,
     f"t must be a real number, got numpy.{np.bool_.__name__}"),
    (a.require_real, ("t", Half()), {}, TypeError,
     "t must be a real number, got test_messages.Half"),
    (a.require_real, ("t", 10**400), {}, ValueError, "t must fit into a float, got a larger int"),
    (a.require_real, ("t", math.nan), {}, ValueError, "t must lie in (-inf, inf), got nan"),
    (a.require_real, ("t", -1), {"low": 0}, ValueError, "t must lie in [0, inf), got -1"),
    (a.require_real, ("t", 0), {"low": 0, "open_low": True}, ValueError,
     "t must lie in (0, inf), got 0"),
    (a.require_real, ("t", 1.5), {"low": 0, "high": 1}, ValueError,
     "t must lie in [0, 1], got 1.5"),
    (a.require_real, ("t", 1), {"high": 1, "open_high": True}, ValueError,
     "t must lie in (-inf, 1), got 1"),
    (a.require_real, ("t", fractions.Fraction(3, 2)), {"high": 1}, ValueError,
     "t must lie in (-inf, 1], got 1.5"),
    (a.require_drop_probability, (1,), {}, ValueError, "p must lie in [0, 1), got 1"),
    (a.require_size, ("n", True), {}, TypeError, "n must be an integer, got bool"),
    (a.require_size, ("n", 1.0), {}, TypeError, "n must be an integer, got float"),
    (a.require_size, ("n", 0), {}, ValueError, "n must be at least 1, got 0"),
    (a.require_size, ("n", 8), {"high": 7}, ValueError, "n must be at most 7, got 8"),
    (a.require_size, ("n", 2**53 + 1), {}, ValueError,
     f"n must be at most {2**53}, got {2**53 + 1}"),
    (a.require_size, ("n", 2**99), {}, ValueError,
     f"n must be at most {2**53}, got one of 100 bits"),
    (a.require_size, ("n", 2**98), {}, ValueError, f"n must be at most {2**53}, got {2**98}"),
    (a.require_lengths, ("shape", ()), {}, ValueError, "shape must have 1 to 32 lengths, got 0"),
    (a.require_lengths, ("shape", (1,) * 40), {}, ValueError,
     "shape must have 1 to 32 lengths, got 40"),
    (a.require_lengths, ("shape", (*[1] * 33, "a")), {}, ValueError,
     "shape must have 1 to 32 lengths, got 34"),
    (a.require_lengths, ("shape", (2**20, 2**11, 2)), {}, ValueError,
     f"shape must have at most {2**31} entries in all, got {2**32}"),
    (a.require_counts, ("k", 1.0), {}, TypeError,
     "k must be an integer or an array of integers, got float"),
    (a.require_counts, ("k", True), {}, TypeError,
     "k must be an integer or an array of integers, got bool"),
    (a.require_counts, ("k", np.array([1.0])), {}, TypeError,
     "k must be an integer or an array of integers, got numpy.ndarray"),
    (a.require_counts, ("k", range(2**31 + 1)), {}, ValueError,
     f"k must have at most {2**31} counts, got a longer range"),
    (a.require_counts, ("k", 2**63), {}, ValueError, "k must be below 2**63, got a larger integer"),
    (a.require_counts, ("k", -(2**63) - 1), {}, ValueError,
     "k must be at least -2**63, got a smaller integer"),
    (a.require_rng, (3,), {}, TypeError,
     "rng must be a numpy.random.Generator, got int; make one with numpy.random.default_rng(seed)"),
    (a.require_dtype, (None,), {}, TypeError, "dtype must be float32 or float64, got NoneType"),
    (a.require_dtype, (int,), {}, TypeError, "dtype must be float32 or float64, got int"),
    (a.require_dtype, (3.5,), {}, TypeError, "dtype must be float32 or float64, got float"),
    (a.require_dtype, ("half",), {}, TypeError, "dtype must be float32 or float64, got half"),
    (a.require_choice, ("mode", 1, ("a", "b")), {}, TypeError, "mode must be a string, got int"),
    (a.require_choice, ("mode", "c", ("a", "b")), {}, ValueError,
     "mode must be one of 'a', 'b', got 'c'"),
    (a.require_cache, (3, h.batchnorm.BatchNormCache), {}, TypeError,
     "cache must be the BatchNormCache of the forward pass, got int"),
    (h.numerical_gradient, (3, np.ones(2)), {}, TypeError, "f must be callable, got int"),
    (h.numerical_gradient, (sum, np.array([-1e308])), {}, ValueError,
     "x must leave room for the step, got an entry of 1e+308"),
    (h.numerical_gradient, (sum, np.ones(2)), {"step": 0}, ValueError,
     "step must lie in [2.22045e-16, 1], got 0"),
    (h.numerical_gradient, (lambda x: "one", np.ones(2)), {}, TypeError,
     "the value of f must be a real number, got str"),
    (h.numerical_gradient, (lambda x: x, np.ones(2)), {}, TypeError,
     "the value of f must be a real number, got numpy.ndarray"),
    (h.numerical_gradient, (lambda x: math.copysign(1e308, x[0]), np.zeros(1)), {}, ValueError,
     "the slope of f must lie in (-inf, inf), got inf"),
    (h.dropout_forward, (ONES, ONES / 2, 0.5), {}, ValueError,
     "mask must hold only zeros and ones, got other values"),
    (h.softmax_cross_entropy_forward, (ONES, ONES * [1, 1, -1]), {}, ValueError,
     "targets must not be negative, got -1.0"),
    (h.softmax_cross_entropy_forward, (ONES, ONES), {}, ValueError,
     "targets must sum to 1 in each row, got a row that sums to 3.0"),
    (h.softmax_cross_entropy_forward, (ONES, np.array([[0.5, 0, 0], [0.5, 0.5, 0.25]])), {},
     ValueError, "targets must sum to 1 in each row, got a row that sums to 0.5"),
    (h.softmax_cross_entropy_forward, (ONES, np.array([[0.75, 0, 0], [0.5, 0.5, 0.5]])), {},
     ValueError, "targets must sum to 1 in each row, got a row that sums to 1.5"),
    (h.mlp_forward, (ONES, ONES, [ONES[0]]), {}, TypeError,
     "weights must be a list of arrays, one a layer, got ndarray"),
    (h.mlp_forward, (ONES, [ONES], ONES), {}, TypeError,
     "biases must be a list of arrays, one a layer, got ndarray"),
    (h.mlp_forward, (ONES, [], []), {}, ValueError,
     "weights and biases must have the same length of at least 1, got 0 and 0"),
    (h.mlp_forward, (ONES, [ONES, ONES], [ONES[:, 0]]), {}, ValueError,
     "weights and biases must have the same length of at least 1, got 2 and 1"),
    (h.batchnorm_inference, (ONES, *np.ones((3, 3)), np.array([1.0, 0.0, 1.0]), 0), {}, ValueError,
     "running_var + eps must be positive, got 0 for feature 1: a constant feature needs eps > 0, "
     "and a variance below 2.23e-308 has lost its digits"),
    (h.batchnorm_forward, (ONES, *np.ones((2, 3)), 0), {}, ValueError,
     "v + eps must be positive, got 0 for feature 0: a constant feature needs eps > 0, "
     "and a variance below 2.23e-308 has lost its digits"),
    (h.batchnorm_inference, (ONES, *np.ones((3, 3)), np.array([1.0, -2.0, -1.0])), {}, ValueError,
     "running_var must not be negative, got -2.0"),
    (h.inverse_root_forward, (np.diag([-2.0, 3.0]),), {}, ValueError,
     "sigma must have no negative eigenvalue, got -2"),
    (h.inverse_root_forward, (np.diag([0.0, 3.0]),), {}, ValueError,
     "sigma must be positive definite where eps is 0, got the eigenvalue 0 beside 3; "
     "a batch of B samples gives rank at most B - 1"),
    (h.inverse_root_forward, (np.diag([0.0, 1.0]), 1e-310), {}, ValueError,
     "sigma + eps * I must not be that small, got the eigenvalue 1e-310"),
    (h.newton_inverse_root_forward, (np.diag([-2.0, 1.0]),), {}, ValueError,
     "sigma + eps * I must have a positive finite trace, got -1"),
    (h.newton_inverse_root_forward, (ONES,), {}, ValueError,
     "sigma must be square, got shape (2, 3)"),
    (h.inverse_root_forward, (np.array([[2.0, 0.5], [0.25, 1.0]]),), {}, ValueError,
     "sigma must be symmetric, got sigma - sigma.T up to 0.25"),
    (h.newton_inverse_root_forward, (np.array([[1.0, 1.7e308], [-1.7e308, 1.0]]),), {}, ValueError,
     "sigma must be symmetric, got sigma - sigma.T up to inf"),
    (h.xavier_std, (3,), {}, TypeError, "shape must be a pair (out, in), got int"),
    (h.xavier_std, ((3, 2, 1),), {}, ValueError, "shape must be a pair (out, in), got 3 lengths"),
    (h.alive_probability, (3,), {}, TypeError, "widths must be a sequence of integers, got int"),
    (h.alive_probability, (np.array(3),), {}, TypeError,
     "widths must be a sequence of integers, got ndarray"),
    (h.alive_probability, ([3],), {}, ValueError,
     "widths must hold D_0 and at least one layer, got 1 widths"),
    (h.alive_probability, (range(1, 10002),), {}, ValueError,
     "widths must hold at most 10000 numbers, got more"),
    (h.forward_second_moments, ([3, 2], 0.5), {}, TypeError,
     "stds must be a sequence of numbers, got float"),
    (h.forward_second_moments, ([3, 2], [0.5]), {"kept": "x"}, TypeError,
     "kept must be a sequence of numbers, got str"),
    (h.forward_second_moments, ([3, 2], [0.5, 0.5]), {}, ValueError,
     "stds must have one number for each of the 1 layers, got 2"),
    (h.forward_second_moments, ([3, 2], [-1]), {}, ValueError, "stds must lie in [0, inf), got -1"),
    (h.forward_second_moments, ([3, 2], [1]), {"kept": -1}, ValueError,
     "kept must lie in [0, inf), got -1"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "options", "error", "message"), REFUSALS)
def test_a_refusal_says_exactly_this(function, arguments, options, error, message):
    with pytest.raises(error) as raised:
        function(*arguments, **options)
    assert str(raised.value) == message


def test_an_overflow_names_the_function_and_the_size_of_each_argument():
    with pytest.raises(ValueError, match="overflow") as raised:
        h.dropout_moments(1e200, 2.5, p=0)
    assert str(raised.value) == (
        "mean, variance, p must have magnitudes that give a finite result, got an overflow in "
        "dropout_moments with mean up to 1e+200, variance up to 2.5"
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(h.batchnorm_forward, (np.array([[7e153], [-7e153]]), np.ones(1), np.ones(1))),
     (h.batchnorm_inference, (ONES[:, :1], *np.ones((3, 1)), np.array([1e308]))),
     (h.inverse_root_forward, (np.diag([1e308, 1.0]),))],
)  # fmt: skip
def test_an_eps_that_overflows_with_a_variance_is_not_hidden_as_a_zero(function, arguments):
    with pytest.raises(ValueError, match=f"got an overflow in {function.__name__} with"):
        function(*arguments, eps=1.7e308)


@pytest.mark.parametrize(
    ("value", "size"),
    [(3, 3.0), (-2.5, 2.5), (np.array([1.0, -4.0]), 4.0), ([np.ones(2), (7, -9.0)], 9.0),
     ([], 0.0), ([[]], 0.0), ("text", 0.0), (None, 0.0)],
)  # fmt: skip
def test_the_magnitude_of_an_argument_is_its_largest_entry(value, size):
    assert a._magnitude(value) == size


@pytest.mark.parametrize(
    ("value", "is_finite"),
    [(1.0, True), (math.inf, False), (np.nan, False), ("text", True), (None, True), ([], True),
     ([1.0, (2.0, math.inf)], False), (np.array([1.0, np.nan]), False),
     (np.full(3, 1e200), True), (np.array(["a"]).size, True)],
)  # fmt: skip
def test_what_is_finite_is_told_from_what_is_not(value, is_finite):
    with np.errstate(over="ignore"):
        assert a._is_finite(value) is is_finite


@pytest.mark.parametrize(
    ("low", "high", "value"), [(0, 1, 0), (0, 1, 1), (-math.inf, math.inf, -1e308), (2, 2, 2)]
)
def test_the_ends_of_a_closed_interval_are_inside(low, high, value):
    number = a.require_real("t", value, low=low, high=high)
    assert number == value
    assert type(number) is float


LONG = np.finfo(np.longdouble).max


@pytest.mark.skipif(np.finfo(float).max == LONG, reason="no long double is longer here")
def test_a_long_double_beyond_the_floats_is_refused_without_a_warning():
    with pytest.raises(ValueError, match=r"^p must lie in \[0, 1\), got inf$"):
        h.dropout_mask(np.random.default_rng(0), 3, LONG)


@pytest.mark.parametrize(
    ("arguments", "options", "result"),
    [(("n", 1), {}, 1), (("n", 2**53), {}, 2**53), (("n", 0), {"low": 0}, 0),
     (("n", 7), {"high": 7}, 7), (("n", np.int32(3)), {}, 3)],
)  # fmt: skip
def test_the_limits_of_a_size_are_inside(arguments, options, result):
    assert a.require_size(*arguments, **options) == result


def test_shapes_up_to_the_limits_pass():
    assert a.require_lengths("shape", (1,) * 32) == (1,) * 32
    assert a.require_lengths("shape", (2**16, 2**15)) == (2**16, 2**15)


def test_counts_up_to_the_limits_pass_as_int64():
    for value in (-(2**63), 2**63 - 1, np.uint64(2**63 - 1), np.arange(3, dtype=np.uint8)):
        counts = a.require_counts("k", value)
        assert counts.dtype == np.int64
        np.testing.assert_array_equal(counts, np.asarray(value).astype(np.int64))


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("float32", np.float32), (np.float32, np.float32), (float, np.float64), ("float", np.float64),
     (np.dtype("float64"), np.float64), ("float64", np.float64)],
)  # fmt: skip
def test_a_float_dtype_has_several_names(dtype, result):
    assert a.require_dtype(dtype) == np.dtype(result)


def test_what_passes_comes_back_itself():
    rng, cache = np.random.default_rng(0), h.relu_forward(ONES)[1]
    assert a.require_array("x", ONES) is ONES
    assert a.require_array("x", np.array(2.0), scalar=True) == 2
    assert a.require_batch("Y", ONES) is ONES
    assert a.require_rng(rng) is rng
    assert a.require_choice("mode", "b", ("a", "b")) == "b"
    assert a.require_cache(cache, type(cache)) is cache


@pytest.mark.parametrize(
    ("function", "names"),
    [(h.xavier_normal, {"gain": 1.0}), (h.xavier_uniform, {"gain": 1.0}),
     (h.kaiming_normal, {"mode": "fan_in", "negative_slope": 0.0}),
     (h.kaiming_uniform, {"mode": "fan_in", "negative_slope": 0.0})],
)  # fmt: skip
def test_weights_are_drawn_in_float64_with_the_defaults_of_the_documentation(function, names):
    drawn, stated = (
        function(np.random.default_rng(0), (4, 3), **options) for options in ({}, names)
    )
    assert drawn.dtype == np.float64
    np.testing.assert_array_equal(drawn, stated)


def test_standard_deviations_and_moments_have_the_defaults_of_the_documentation():
    assert h.xavier_std((4, 3)) == h.xavier_std((4, 3), gain=1)
    assert h.kaiming_std((4, 3)) == h.kaiming_std((4, 3), mode="fan_in", negative_slope=0)
    for function in (h.forward_second_moments, h.backward_second_moments):
        stated = function([4, 3], [0.3], 1.0, kept=0.5)
        np.testing.assert_array_equal(function([4, 3], [0.3]), stated)


def test_whitening_has_the_defaults_of_the_documentation():
    Y, gamma, beta = np.random.default_rng(0).normal(size=(7, 3)), np.ones(3), np.zeros(3)
    for function in (h.whitening_forward, h.pca_whitening_forward, h.newton_whitening_forward):
        plain, stated = (function(Y, gamma, beta, **eps) for eps in ({}, {"eps": 1e-5}))
        for one, other in zip(np.atleast_1d(plain[0]), np.atleast_1d(stated[0]), strict=True):
            np.testing.assert_array_equal(one, other)
    five = h.newton_whitening_forward(Y, gamma, beta, steps=5)[0]
    np.testing.assert_array_equal(h.newton_whitening_forward(Y, gamma, beta)[0], five)
    sigma = np.cov(Y.T)
    sigma = (sigma + sigma.T) / 2
    for function in (h.inverse_root_forward, h.newton_inverse_root_forward):
        np.testing.assert_array_equal(function(sigma)[0], function(sigma, eps=0.0)[0])
    np.testing.assert_array_equal(
        h.newton_inverse_root_forward(sigma)[0], h.newton_inverse_root_forward(sigma, steps=5)[0]
    )


def test_a_difference_prints_as_one_line():
    text = str(h.largest_difference(np.array([1.0, 2.5]), np.array([1.0, 2.0])))
    assert text == (
        "largest difference 5.000e-01 (relative 2.500e-01) at index (1,): 2.5, expected 2"
    )


def test_a_draw_equal_to_the_drop_probability_is_kept():
    class Draws(np.random.Generator):
        def random(self, size):
            return np.array([0.2, 0.5, 0.7])

    mask = h.dropout_mask(Draws(np.random.PCG64(0)), 3, 0.5)
    np.testing.assert_array_equal(mask, [0, 1, 1])
