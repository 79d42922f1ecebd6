"""Xavier and Kaiming against torch.nn.init, and the predicted moments against random networks.

The equations (93) to (97) are checked in tests/equations. Tolerance: rtol = 1e-12 for what is
computed; a Monte Carlo claim states n, seed and bound.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import init

import hw1lib as hw
from oracles import same

RTOL = 1e-12
SHAPE = (300, 200)  # (out, in): n = 60,000 weights a draw


def torch_fans(shape):
    fan_in, fan_out = init._calculate_fan_in_and_fan_out(torch.empty(shape))
    return {"fan_in": fan_in, "fan_out": fan_out}


# The standard deviations.


@pytest.mark.parametrize("gain", [1.0, 5 / 3, 1e-150, 1e150])
@pytest.mark.parametrize("shape", [(1, 1), (30, 10), (10, 30), [7, 5]])
def test_xavier_std_has_the_fans_of_torch(shape, gain):
    expected = gain * math.sqrt(2 / sum(torch_fans(shape).values()))
    same(hw.xavier_std(shape, gain), expected, RTOL)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, -0.3, 1.0, 2.5])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("shape", [(1, 1), (30, 10), (10, 30)])
def test_kaiming_std_has_the_gain_and_the_fans_of_torch(shape, mode, slope):
    gain = init.calculate_gain("leaky_relu", slope)
    same(hw.kaiming_std(shape, mode, slope), gain / math.sqrt(torch_fans(shape)[mode]), RTOL)


# The draws.

DRAWS = [hw.xavier_normal, hw.xavier_uniform, hw.kaiming_normal, hw.kaiming_uniform]
OPTIONS = {  # of hw1lib, of torch
    "xavier": [({}, {}), ({"gain": 1.7}, {"gain": 1.7})],
    "kaiming": [
        ({}, {"nonlinearity": "relu"}),
        ({"mode": "fan_out"}, {"mode": "fan_out"}),
        ({"negative_slope": 0.5}, {"a": 0.5}),
    ],
}


@pytest.mark.parametrize(
    ("draw", "options", "torch_options"),
    [(draw, *pair) for draw in DRAWS for pair in OPTIONS[draw.__name__.partition("_")[0]]],
)
def test_draw_has_the_law_of_torch(draw, options, torch_options):
    # n = 60,000, seed 3, Kolmogorov-Smirnov at 1e-4. The largest of n uniform weights stays below
    # the limit, and above 1 - 20 / n of it but for a chance of exp(-20). A sample's spread has a
    # relative error of 1 / sqrt(2 n), two samples differ by at most 5 * sqrt(2) of it.
    torch.manual_seed(0)
    fill = getattr(init, draw.__name__ + "_")
    filled = fill(torch.empty(SHAPE, dtype=torch.float64), **torch_options)
    W = draw(np.random.default_rng(3), SHAPE, **options)
    same(W.std(), filled.std().item(), rtol=5 / math.sqrt(W.size))
    assert abs(W.mean()) < 5 * W.std() / math.sqrt(W.size)
    law = stats.norm(0, W.std())
    if "uniform" in draw.__name__:
        limit = np.abs(W).max()
        same(limit, filled.abs().max().item(), rtol=40 / W.size)
        law = stats.uniform(-limit, 2 * limit)
    assert stats.kstest(W.ravel(), law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("draw", DRAWS)
def test_draw_depends_on_the_generator_alone_and_is_rounded_to_float32(draw):
    single = draw(np.random.default_rng(7), (4, 3), dtype=np.float32)
    rng = np.random.default_rng(7)
    double = draw(rng, (4, 3))
    assert (single.dtype, double.dtype, single.shape) == (np.float32, np.float64, (4, 3))
    np.testing.assert_array_equal(single, double.astype(np.float32))
    assert (double != draw(rng, (4, 3))).all()


# The predicted second moments.


def test_forward_second_moments_are_the_products_of_the_fans_in():
    actual = hw.forward_second_moments([3, 5, 2, 7], [0.5, 0.25, 3.0], 1.6, [0.5, 0.7, 1.0])
    first = 1.6 * 0.5 * 3 * 0.25
    second = first * 0.7 * 5 * 0.0625
    same(actual, np.array([1.6, first, second, second * 2 * 9]), RTOL)


def test_backward_second_moments_are_the_products_of_the_fans_out():
    actual = hw.backward_second_moments([3, 5, 2, 7], [0.5, 0.25, 3.0], 1.6, [0.5, 0.7, 1.0])
    last = 1.6 * 7 * 9
    middle = last * 0.7 * 2 * 0.0625
    same(actual, np.array([middle * 0.5 * 5 * 0.25, middle, last, 1.6]), RTOL)


@pytest.mark.parametrize("moments", [hw.forward_second_moments, hw.backward_second_moments])
def test_moments_survive_factors_that_overflow_together(moments):
    actual = moments([1, 1, 1], [1e140, 1e140], 1e-300, 1.0)
    np.testing.assert_allclose(np.sort(actual), [1e-300, 1e-20, 1e260], rtol=RTOL)


@pytest.mark.parametrize(
    ("mode", "level", "other", "end", "ratio"),
    [
        ("fan_in", hw.forward_second_moments, hw.backward_second_moments, 0, 16 / 12),
        ("fan_out", hw.backward_second_moments, hw.forward_second_moments, -1, 12 / 16),
    ],
)
def test_a_mode_is_level_one_way_and_ends_at_the_ratio_of_the_widths_the_other(
    mode, level, other, end, ratio
):
    widths = [12, 20, 8, 16]
    stds = [hw.kaiming_std(shape, mode) for shape in [(20, 12), (8, 20), (16, 8)]]
    np.testing.assert_allclose(level(widths, stds), 1, rtol=RTOL)
    same(other(widths, stds)[end], ratio, RTOL)


def test_alive_probability_is_the_product_over_the_layers():
    same(hw.alive_probability([6, 2, 5]), np.array([1, 3 / 4, 3 / 4 * 31 / 32]), RTOL)


# The same against many random networks at once: n of each, 5 standard errors.


def random_networks(widths, stds, slope, n, seed):
    """Return each network's h_i and dh_i, for isotropic dh_L."""
    rng = np.random.default_rng(seed)
    hs = [np.broadcast_to(rng.normal(size=widths[0]) + 1.0, (n, widths[0]))]
    weights, slopes = [], []
    for fan_in, fan_out, std in zip(widths, widths[1:], stds, strict=False):
        weights.append(rng.normal(size=(n, fan_out, fan_in)) * std)
        z = np.einsum("noi,ni->no", weights[-1], hs[-1])
        slopes.append(np.where(z > 0, 1.0, slope))
        hs.append(z * slopes[-1])
    dhs = [rng.normal(size=(n, widths[-1]))]
    for W, s in zip(weights[::-1], slopes[::-1], strict=True):
        dhs.append(np.einsum("noi,no->ni", W, dhs[-1] * s))
    return hs, dhs[::-1]


def assert_mean_squares(arrays, expected):
    for array, e in zip(arrays, expected, strict=True):
        squares = (array**2).mean(axis=1)
        assert abs(squares.mean() - e) < 5 * squares.std() / math.sqrt(len(squares)) + 1e-12


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_moments_agree_with_random_networks(slope):
    # n = 20,000, seed 0.
    widths, stds, kept = [12, 20, 8, 16], [0.3, 0.4, 0.5], (1 + slope**2) / 2
    hs, dhs = random_networks(widths, stds, slope, 20_000, 0)
    start = float((hs[0][0] ** 2).mean())
    assert_mean_squares(hs, hw.forward_second_moments(widths, stds, start, kept))
    if slope:  # leaky units never die
        assert_mean_squares(dhs, hw.backward_second_moments(widths, stds, kept=kept))


def test_backward_moments_of_a_narrow_relu_network_need_the_alive_probability():
    # n = 40,000, seed 2: 3/4 * 5/2 = 1.875 and not 2.5.
    widths = [6, 2, 5]
    stds = [hw.kaiming_std((2, 6)), hw.kaiming_std((5, 2))]
    _, dhs = random_networks(widths, stds, 0.0, 40_000, 2)
    predicted = hw.backward_second_moments(widths, stds)
    assert_mean_squares(dhs[:2], predicted[:2] * [1, hw.alive_probability(widths)[1]])


def test_alive_probability_agrees_with_random_networks():
    # n = 40,000, seed 3.
    widths = [6, 2, 1, 3]
    hs, _ = random_networks(widths, [1.3, 0.7, 0.9], 0.0, 40_000, 3)
    for h, expected in zip(hs, hw.alive_probability(widths), strict=True):
        error = math.sqrt(expected * (1 - expected) / len(h))
        assert abs((h != 0).any(axis=1).mean() - expected) <= 5 * error
