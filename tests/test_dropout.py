"""Dropout against torch, sympy, scipy.stats and exact fractions.

Tolerance: rtol = 1e-10 in float64, 1e-12 for the closed moments; the probabilities are held to
1e-12 against exact rational arithmetic. A Monte Carlo claim states n, seed and bound where it is.
"""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
import torch
from scipy import stats

from hw1lib import (
    dropout_backward,
    dropout_forward,
    dropout_mask,
    dropout_moments,
    kept_units_mean,
    kept_units_pmf,
    poisson_limit_bound,
    poisson_limit_distance,
    poisson_pmf,
    poisson_width_pmf,
    rectified_normal_moments,
)

RTOL = 1e-10


# The mask.


@pytest.mark.parametrize("p", [0.1, 0.5, 0.83])
def test_mask_keeps_with_probability_one_minus_p(p):
    # n = 100,000 draws, seed 0, 5 standard errors.
    mask = dropout_mask(np.random.default_rng(0), 100_000, p)
    assert abs(mask.mean() - (1 - p)) < 5 * math.sqrt(p * (1 - p) / mask.size)


def test_mask_entries_are_independent():
    # n = 20,000 rows, seed 1: the counts of the 8 patterns, chi-square at 1e-4.
    mask = dropout_mask(np.random.default_rng(1), (20_000, 3), 0.3)
    counts = np.bincount((mask @ [4, 2, 1]).astype(int), minlength=8)
    q = np.array([0.3, 0.7])
    expected = 20_000 * np.kron(np.kron(q, q), q)
    assert stats.chisquare(counts, expected).pvalue > 1e-4


@pytest.mark.parametrize(("shape", "expected"), [(4, (4,)), ((4,), (4,)), ((2, 3, 5), (2, 3, 5))])
def test_mask_has_the_wanted_shape(shape, expected):
    assert dropout_mask(np.random.default_rng(0), shape, 0.4).shape == expected


def test_mask_holds_zeros_and_ones_only():
    mask = dropout_mask(np.random.default_rng(0), 1000, 0.4)
    np.testing.assert_array_equal(np.unique(mask), [0, 1])


def test_mask_without_dropping_is_all_ones():
    np.testing.assert_array_equal(dropout_mask(np.random.default_rng(0), 1000, 0.0), np.ones(1000))


def test_mask_depends_on_the_generator_alone():
    a, b = (dropout_mask(np.random.default_rng(7), (9, 9), 0.5) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    rng = np.random.default_rng(7)
    assert (dropout_mask(rng, (9, 9), 0.5) != dropout_mask(rng, (9, 9), 0.5)).any()


# The two passes: with the same seed, torch's dropout of ones gives the mask.


def torch_dropout(x, p, seed=3):
    torch.manual_seed(seed)
    return torch.nn.functional.dropout(x, p, training=True)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(40,), (12, 5), (2, 3, 11)])
def test_dropout_equals_torch_with_the_same_mask(shape, p):
    rng = np.random.default_rng(0)
    h, dh_tilde = rng.normal(size=shape), rng.normal(size=shape)
    mask = (torch_dropout(torch.ones(shape, dtype=torch.float64), p) > 0).double().numpy()
    output = torch_dropout(t := torch.tensor(h, requires_grad=True), p)
    (expected,) = torch.autograd.grad(output, t, torch.tensor(dh_tilde))
    h_tilde, cache = dropout_forward(h, mask, p)
    np.testing.assert_allclose(h_tilde, output.detach(), rtol=RTOL)
    np.testing.assert_allclose(dropout_backward(dh_tilde, cache), expected, rtol=RTOL)


def test_inference_is_the_mean_over_all_masks():
    # Exact: every one of the 2**4 masks with its probability.
    h, p = np.array([0.3, -1.7, 2.2, 0.9]), 0.3
    total = np.zeros(4)
    for bits in np.ndindex(2, 2, 2, 2):
        mask = np.array(bits, dtype=float)
        total += np.prod(np.where(mask == 1, 1 - p, p)) * dropout_forward(h, mask, p)[0]
    np.testing.assert_allclose(total, h, rtol=RTOL)


# The moments, against sympy's integrals.


def half_line_moment(power):
    z = sympy.symbols("z", real=True)
    density = sympy.exp(-(z**2) / 2) / sympy.sqrt(2 * sympy.pi)
    return sympy.integrate(z**power * density, (z, 0, sympy.oo))


def test_rectified_normal_moments_equal_sympy():
    first, second = half_line_moment(1), half_line_moment(2)
    expected = float(first), float(second - first**2)
    np.testing.assert_allclose(rectified_normal_moments(), expected, rtol=1e-14)


@pytest.mark.parametrize("p", ["0", "1/10", "1/2", "99/100"])
def test_dropout_moments_equal_sympy(p):
    p = sympy.Rational(p)
    first, second = half_line_moment(1), half_line_moment(2)
    expected = float(first), float(second / (1 - p) - first**2)
    mean, variance = float(first), float(second - first**2)
    np.testing.assert_allclose(dropout_moments(mean, variance, float(p)), expected, rtol=1e-12)


def test_dropout_moments_at_one_half_are_those_of_the_corrected_equation():
    # (16): (pi - 1 + p) / (2 pi (1 - p)), 0.8408 and not the printed 0.5.
    _, variance = dropout_moments(*rectified_normal_moments(), p=0.5)
    np.testing.assert_allclose(variance, (math.pi - 0.5) / math.pi, rtol=1e-12)


def test_dropout_moments_hold_for_an_activation_with_negative_mean():
    # E[h] = -3 and E[h**2] = 13: the second moment grows by 1 / (1 - p).
    np.testing.assert_allclose(dropout_moments(-3.0, 4.0, 0.2), (-3, 13 / 0.8 - 9), rtol=1e-12)


def test_dropout_moments_agree_with_dropped_out_activations():
    # n = 400,000, seed 2, 5 standard errors.
    rng = np.random.default_rng(2)
    h = np.maximum(rng.normal(size=400_000), 0)
    h_tilde, _ = dropout_forward(h, dropout_mask(rng, h.shape, 0.4), 0.4)
    mean, variance = dropout_moments(*rectified_normal_moments(), p=0.4)
    squares = (h_tilde - mean) ** 2
    assert abs(h_tilde.mean() - mean) < 5 * h_tilde.std() / math.sqrt(h.size)
    assert abs(squares.mean() - variance) < 5 * squares.std() / math.sqrt(h.size)


# The law of the kept units.


def exact_binomial(k, M, p):
    p = Fraction(p)  # a float is a fraction, thus the probability is one
    return float(math.comb(M, k) * (1 - p) ** k * p ** (M - k)) if 0 <= k <= M else 0.0


@pytest.mark.parametrize("p", [0.0, 1e-12, 0.1, 0.5, 0.77, 1 - 2.0**-30])
@pytest.mark.parametrize("M", [0, 1, 2, 15, 16, 17, 33, 200])
def test_kept_units_pmf_equals_exact_fractions(M, p):
    k = np.arange(-2, M + 3)
    expected = [exact_binomial(int(i), M, p) for i in k]
    np.testing.assert_allclose(kept_units_pmf(k, M, p), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("M", [2000, 10**6])
@pytest.mark.parametrize("p", [0.001, 0.4, 0.999])
def test_kept_units_pmf_of_a_wide_layer_equals_high_precision(M, p):
    center = round(M * (1 - p))
    width = round(6 * math.sqrt(M * p * (1 - p))) + 2
    k = np.unique(np.clip(np.linspace(center - width, center + width, 9).round(), 0, M).astype(int))
    with mpmath.workdps(40):
        expected = [
            float(mpmath.binomial(M, i) * (1 - mpmath.mpf(p)) ** i * mpmath.mpf(p) ** (M - i))
            for i in k.tolist()
        ]
    np.testing.assert_allclose(kept_units_pmf(k, M, p), expected, rtol=1e-11)


@pytest.mark.parametrize(("M", "p"), [(12, 0.3), (100, 0.5), (1000, 0.02)])
def test_kept_units_pmf_equals_scipy(M, p):
    k = np.arange(-3, M + 4)
    expected = stats.binom.pmf(k, M, 1 - p)
    np.testing.assert_allclose(kept_units_pmf(k, M, p), expected, rtol=1e-9, atol=1e-290)


@pytest.mark.parametrize(("M", "p"), [(0, 0.3), (1, 0.3), (50, 0.9), (10**4, 0.5)])
def test_kept_units_pmf_sums_to_one(M, p):
    np.testing.assert_allclose(kept_units_pmf(np.arange(M + 1), M, p).sum(), 1, rtol=1e-12)


@pytest.mark.parametrize(("M", "p"), [(0, 0.3), (30, 0.25), (1000, 0.9)])
def test_kept_units_mean_equals_scipy(M, p):
    np.testing.assert_allclose(kept_units_mean(M, p), stats.binom.mean(M, 1 - p), rtol=RTOL)


def test_mask_has_as_many_ones_as_the_law_of_the_kept_units_says():
    # n = 20,000 masks of 6 units, seed 4, chi-square at 1e-4.
    kept = dropout_mask(np.random.default_rng(4), (20_000, 6), 0.4).sum(axis=1).astype(int)
    expected = 20_000 * kept_units_pmf(np.arange(7), 6, 0.4)
    assert stats.chisquare(np.bincount(kept, minlength=7), expected).pvalue > 1e-4


# The Poisson limit and the Poisson width.


@pytest.mark.parametrize("lam", [0.5, 1.0, 2.25, 17.0, 150.0])
def test_poisson_pmf_equals_high_precision(lam):
    k = np.arange(80)
    exact = [float(Fraction(lam) ** int(i) / math.factorial(int(i)) * Fraction(2) ** 60) for i in k]
    expected = np.array(exact) / 2.0**60 * math.exp(-lam)
    np.testing.assert_allclose(poisson_pmf(k, lam), expected, rtol=1e-12)


@pytest.mark.parametrize("lam", [0.0, 1e-150, 1e-9, 3.7, 1e4, 1e150])
def test_poisson_pmf_equals_scipy(lam):
    k = np.array([-5, -1, 0, 1, 2, 3, 15, 16, 40, 10_000, 10**9])
    expected = stats.poisson.pmf(k, lam)
    np.testing.assert_allclose(poisson_pmf(k, lam), expected, rtol=1e-7, atol=1e-290)


@pytest.mark.parametrize("lam", [1e5, 1e7, 1e9])
def test_poisson_pmf_at_a_large_mean_is_stirling_at_its_peak(lam):
    # n! = sqrt(2 pi n) (n / e)**n (1 + 1 / (12 n) + 1 / (288 n**2) + ...)
    expected = 1 / (math.sqrt(2 * math.pi * lam) * (1 + 1 / (12 * lam) + 1 / (288 * lam**2)))
    np.testing.assert_allclose(poisson_pmf(int(lam), lam), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "pmf", [lambda k: kept_units_pmf(k, 9, 0.3), lambda k: poisson_pmf(k, 2.5)]
)
def test_probabilities_have_the_shape_of_k(pmf):
    k = np.array([[0, 3, 9], [-1, 2, 20]])
    assert pmf(k).shape == (2, 3)
    assert isinstance(pmf(3), float)
    np.testing.assert_array_equal(pmf(k)[0, 1], pmf(3))
    np.testing.assert_array_equal(pmf(range(4)), pmf(np.arange(4, dtype=np.uint8)))


def brute_force_distance(M, lam):
    k = np.arange(2 * M + 200)
    return np.abs(stats.binom.pmf(k, M, lam / M) - stats.poisson.pmf(k, lam)).sum() / 2


@pytest.mark.parametrize(
    ("M", "lam"), [(1, 1.0), (1, 0.3), (3, 2.9), (10, 3.0), (10, 10.0), (50, 1.5), (400, 20.0)]
)
def test_poisson_limit_distance_equals_scipy(M, lam):
    actual = poisson_limit_distance(M, lam)
    np.testing.assert_allclose(actual, brute_force_distance(M, lam), rtol=1e-9)


def test_poisson_limit_distance_of_one_unit_is_known():
    # Bernoulli(lam) and Poisson(lam): lam (1 - exp(-lam)), the bound itself.
    np.testing.assert_allclose(poisson_limit_distance(1, 0.3), 0.3 * -math.expm1(-0.3), rtol=RTOL)


@pytest.mark.parametrize(("M", "lam"), [(10**5, 1.0), (10**5, 0.01), (3000, 0.3)])
def test_poisson_limit_distance_of_a_wide_layer_equals_high_precision(M, lam):
    # The two laws differ beyond the first 12 counts by less than 1e-12 of the distance.
    with mpmath.workdps(40):
        q, excess = mpmath.mpf(lam) / M, 0
        for k in range(12):
            binomial = mpmath.binomial(M, k) * q**k * (1 - q) ** (M - k)
            poisson = mpmath.mpf(lam) ** k * mpmath.exp(-lam) / mpmath.factorial(k)
            excess += max(binomial - poisson, 0)
    np.testing.assert_allclose(poisson_limit_distance(M, lam), float(excess), rtol=1e-6)


@pytest.mark.parametrize("M", [1, 2, 10, 100, 10**4])
@pytest.mark.parametrize("lam", [1e-14, 0.01, 0.5, 1.0, 7.0, 90.0])
def test_poisson_limit_distance_is_below_its_bound(M, lam):
    lam = min(lam, M)
    rounding = 1e-15
    assert 0 <= poisson_limit_distance(M, lam) <= poisson_limit_bound(M, lam) + rounding


@pytest.mark.parametrize(("M", "lam"), [(10, 3.0), (7, 0.2), (1000, 1e-9)])
def test_poisson_limit_bound_equals_sympy(M, lam):
    lam_exact = sympy.Rational(Fraction(lam))
    expected = float(sympy.N((1 - sympy.exp(-lam_exact)) * lam_exact / M, 30))
    np.testing.assert_allclose(poisson_limit_bound(M, lam), expected, rtol=1e-14)


@pytest.mark.parametrize(("lam", "p"), [(0.0, 0.3), (3.2, 0.3), (8.0, 0.0), (8.0, 0.95)])
def test_poisson_width_equals_the_sum_over_all_widths(lam, p):
    k, widths = np.arange(-1, 15), np.arange(120)[:, None]
    terms = stats.binom.pmf(k, widths, 1 - p) * stats.poisson.pmf(widths, lam)
    np.testing.assert_allclose(poisson_width_pmf(k, lam, p), terms.sum(axis=0), rtol=1e-9)


# To the last digits, against mpmath.


def test_stirling_error_is_exact_up_to_the_first_term_that_is_left_out():
    from hw1lib.dropout import _stirling_error

    n = np.array([1, 2, 15, 16, 17, 40, 1000])
    with mpmath.workdps(40):
        expected = [
            float(
                mpmath.loggamma(m + 1)
                - mpmath.log(mpmath.sqrt(2 * mpmath.pi * m))
                - m * mpmath.log(m)
                + m
            )
            for m in n.tolist()
        ]
    np.testing.assert_allclose(_stirling_error(n), expected, rtol=4e-14)


@pytest.mark.parametrize(
    ("M", "p"), [(10**6, 1.3e-6), (10**5, 0.001), (300, 0.1), (300, 0.9), (700, 0.63), (40, 0.37)]
)
def test_probability_that_all_or_no_units_are_kept_is_exact_to_thirteen_digits(M, p):
    with mpmath.workdps(40):
        all_kept, none_kept = (1 - mpmath.mpf(p)) ** M, mpmath.mpf(p) ** M
    np.testing.assert_allclose(kept_units_pmf(M, M, p), float(all_kept), rtol=5e-14)
    np.testing.assert_allclose(kept_units_pmf(0, M, p), float(none_kept), rtol=5e-14)


@pytest.mark.parametrize(
    ("k", "lam"), [(160, 0.9), (150, 1.0), (155, 99.5), (160, 100.5), (1, 101)]
)
def test_poisson_pmf_is_exact_far_from_the_mean(k, lam):
    with mpmath.workdps(40):
        exact = mpmath.mpf(lam) ** k * mpmath.exp(-mpmath.mpf(lam)) / mpmath.factorial(k)
    np.testing.assert_allclose(poisson_pmf(k, lam), float(exact), rtol=3e-13)


@pytest.mark.parametrize(("M", "lam"), [(10**9, 2.3), (10**8, 0.7), (10**7, 31.3)])
def test_distance_of_a_very_wide_layer_keeps_its_digits(M, lam):
    with mpmath.workdps(60):
        q, distance = mpmath.mpf(lam) / M, mpmath.mpf(0)
        for k in range(200):
            binomial = mpmath.binomial(M, k) * q**k * (1 - q) ** (M - k)
            poisson = mpmath.mpf(lam) ** k * mpmath.exp(-mpmath.mpf(lam)) / mpmath.factorial(k)
            distance += abs(binomial - poisson) / 2
    np.testing.assert_allclose(poisson_limit_distance(M, lam), float(distance), rtol=1e-11)


def test_distance_counts_all_values_around_a_large_mean():
    M, lam = 100_000, 10_000.0
    k = np.arange(8_000, 12_000)
    difference = np.abs(stats.binom.pmf(k, M, lam / M) - stats.poisson.pmf(k, lam))
    np.testing.assert_allclose(poisson_limit_distance(M, lam), difference.sum() / 2, rtol=1e-8)
