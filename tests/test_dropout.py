"""Dropout against torch, scipy.stats, exact fractions and mpmath.

The equations (1) to (33) are checked in tests/equations. Tolerance: rtol = 1e-10 in float64; the
probabilities are held to 1e-12 and closer against exact arithmetic.
"""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

import hw1lib as hw
from oracles import autograd, same


@pytest.mark.parametrize(("shape", "expected"), [(4, (4,)), ((4,), (4,)), ((2, 3, 5), (2, 3, 5))])
def test_mask_has_the_wanted_shape(shape, expected):
    assert hw.dropout_mask(np.random.default_rng(0), shape, 0.4).shape == expected


def test_mask_holds_zeros_and_ones_and_without_dropping_ones_only():
    for p, values in ((0.4, [0, 1]), (0.0, [1])):
        mask = hw.dropout_mask(np.random.default_rng(0), 1000, p)
        np.testing.assert_array_equal(np.unique(mask), values)


def test_mask_depends_on_the_generator_alone():
    a, b = (hw.dropout_mask(np.random.default_rng(7), (9, 9), 0.5) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    rng = np.random.default_rng(7)
    assert (hw.dropout_mask(rng, (9, 9), 0.5) != hw.dropout_mask(rng, (9, 9), 0.5)).any()


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(40,), (12, 5), (2, 3, 11)])
def test_dropout_equals_torch_with_the_same_mask(shape, p):
    def torch_dropout(x):
        torch.manual_seed(3)
        return torch.nn.functional.dropout(x, p, training=True)

    rng = np.random.default_rng(0)
    h, dh_tilde = rng.normal(size=shape), rng.normal(size=shape)
    # With the same seed, torch's dropout of ones gives the mask.
    mask = (torch_dropout(torch.ones(shape, dtype=torch.float64)) > 0).double().numpy()
    expected = autograd(torch_dropout, dh_tilde, h)
    h_tilde, cache = hw.dropout_forward(h, mask, p)
    same((h_tilde, [hw.dropout_backward(dh_tilde, cache)]), expected)


# Probabilities.


def exact_binomial(k, M, q):
    """Return the binomial probability of k at the success probability q."""
    return mpmath.binomial(M, k) * q**k * (1 - q) ** (M - k)


def exact_poisson(k, lam):
    return mpmath.mpf(lam) ** k * mpmath.exp(-mpmath.mpf(lam)) / mpmath.factorial(k)


@pytest.mark.parametrize("p", [0.0, 1e-12, 0.1, 0.5, 0.77, 1 - 2.0**-30])
@pytest.mark.parametrize("M", [0, 1, 2, 15, 16, 17, 33, 200])
def test_kept_units_pmf_equals_exact_fractions(M, p):
    q = 1 - Fraction(p)  # a float is a fraction, thus the probability is one
    expected = [float(math.comb(M, k) * q**k * (1 - q) ** (M - k)) for k in range(M + 1)]
    actual = hw.kept_units_pmf(np.arange(-2, M + 3), M, p)
    np.testing.assert_allclose(actual, [0, 0, *expected, 0, 0], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("M", "p"), [(10**6, 1.3e-6), (10**5, 0.001), (300, 0.1), (300, 0.9), (700, 0.63), (40, 0.37)]
)
def test_probability_that_all_or_no_units_are_kept_is_exact_to_thirteen_digits(M, p):
    with mpmath.workdps(40):
        expected = [float((1 - mpmath.mpf(p)) ** M), float(mpmath.mpf(p) ** M)]
    same(hw.kept_units_pmf(np.array([M, 0]), M, p), np.array(expected), rtol=5e-14)


@pytest.mark.parametrize("lam", [0.0, 1e-150, 1e-9, 3.7, 1e4, 1e150])
def test_poisson_pmf_equals_scipy(lam):
    k = np.array([-5, -1, 0, 1, 2, 3, 15, 16, 40, 10_000, 10**9])
    expected = stats.poisson.pmf(k, lam)
    np.testing.assert_allclose(hw.poisson_pmf(k, lam), expected, rtol=1e-7, atol=1e-290)


@pytest.mark.parametrize("lam", [1e5, 1e7, 1e9])
def test_poisson_pmf_at_a_large_mean_is_stirling_at_its_peak(lam):
    # n! = sqrt(2 pi n) (n / e)**n (1 + 1 / (12 n) + 1 / (288 n**2) + ...)
    expected = 1 / (math.sqrt(2 * math.pi * lam) * (1 + 1 / (12 * lam) + 1 / (288 * lam**2)))
    same(hw.poisson_pmf(int(lam), lam), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("counts", "lam"),
    [*((range(80), lam) for lam in (0.5, 1.0, 2.25, 17.0, 150.0)), ((160,), 0.9), ((150,), 1.0),
     ((155,), 99.5), ((160,), 100.5), ((1,), 101), ((99_968, 100_158), 1e5)],
)  # fmt: skip
def test_poisson_pmf_is_exact_far_from_the_mean_and_near(counts, lam):
    with mpmath.workdps(40):
        expected = [float(exact_poisson(k, lam)) for k in counts]
    np.testing.assert_allclose(hw.poisson_pmf(np.array(counts), lam), expected, rtol=3e-13)


@pytest.mark.parametrize(
    "pmf", [lambda k: hw.kept_units_pmf(k, 9, 0.3), lambda k: hw.poisson_pmf(k, 2.5)]
)
def test_probabilities_have_the_shape_of_k(pmf):
    k = np.array([[0, 3, 9], [-1, 2, 20]])
    assert pmf(k).shape == (2, 3)
    assert isinstance(pmf(3), float)
    np.testing.assert_array_equal(pmf(k)[0, 1], pmf(3))
    np.testing.assert_array_equal(pmf(range(4)), pmf(np.arange(4, dtype=np.uint8)))


def test_stirling_error_is_exact_up_to_the_first_term_that_is_left_out():
    from hw1lib.dropout import _stirling_error

    n = np.array([1, 2, 15, 16, 17, 40, 1000])
    with mpmath.workdps(40):
        stirling = [mpmath.sqrt(2 * mpmath.pi * m) * (m / mpmath.e) ** m for m in n.tolist()]
        pairs = zip(n.tolist(), stirling, strict=True)
        expected = [float(mpmath.log(mpmath.factorial(m) / s)) for m, s in pairs]
    same(_stirling_error(n), np.array(expected), rtol=4e-14)


# The distance of the Poisson limit.


@pytest.mark.parametrize(
    ("M", "lam"),
    [(1, 1.0), (1, 0.3), (3, 2.9), (10, 3.0), (10, 10.0), (50, 1.5), (400, 20.0), (10**5, 1e4)],
)
def test_poisson_limit_distance_equals_scipy(M, lam):
    k = np.arange(max(0, int(lam - 20 * lam**0.5)), int(lam + 20 * lam**0.5 + 200))
    difference = np.abs(stats.binom.pmf(k, M, lam / M) - stats.poisson.pmf(k, lam))
    same(hw.poisson_limit_distance(M, lam), difference.sum() / 2, rtol=1e-8)


@pytest.mark.parametrize(
    ("M", "lam"), [(10**9, 2.3), (10**8, 0.7), (10**7, 31.3), (10**5, 0.01), (3000, 0.3)]
)
def test_distance_of_a_wide_layer_keeps_its_digits(M, lam):
    with mpmath.workdps(60):
        q = mpmath.mpf(lam) / M
        terms = (abs(exact_binomial(k, M, q) - exact_poisson(k, lam)) for k in range(200))
        expected = float(mpmath.fsum(terms) / 2)
    same(hw.poisson_limit_distance(M, lam), expected, rtol=1e-11)
