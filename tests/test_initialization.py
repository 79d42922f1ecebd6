"""Xavier and Kaiming against torch.nn.init, and the predicted moments against random networks.

Tolerance: rtol = 1e-12 for what is computed; a Monte Carlo claim states n, seed and bound.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from hw1lib import (
    alive_probability,
    backward_second_moments,
    forward_second_moments,
    kaiming_normal,
    kaiming_std,
    kaiming_uniform,
    xavier_normal,
    xavier_std,
    xavier_uniform,
)

RTOL = 1e-12
SHAPE = (300, 200)  # (out, in): n = 60,000 weights a draw


def torch_fans(shape):
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    return {"fan_in": fan_in, "fan_out": fan_out}


# The standard deviations.


@pytest.mark.parametrize("gain", [1.0, 5 / 3, 1e-150, 1e150])
@pytest.mark.parametrize("shape", [(1, 1), (30, 10), (10, 30), [7, 5]])
def test_xavier_std_has_the_fans_of_torch(shape, gain):
    fans = torch_fans(shape)
    expected = gain * math.sqrt(2 / (fans["fan_in"] + fans["fan_out"]))
    np.testing.assert_allclose(xavier_std(shape, gain), expected, rtol=RTOL)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, -0.3, 1.0, 2.5])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("shape", [(1, 1), (30, 10), (10, 30)])
def test_kaiming_std_has_the_gain_and_the_fans_of_torch(shape, mode, slope):
    gain = torch.nn.init.calculate_gain("leaky_relu", slope)
    expected = gain / math.sqrt(torch_fans(shape)[mode])
    np.testing.assert_allclose(kaiming_std(shape, mode, slope), expected, rtol=RTOL)


def test_defaults_are_those_of_a_relu_network():
    gain = torch.nn.init.calculate_gain("relu")
    np.testing.assert_allclose(kaiming_std((30, 10)), gain / math.sqrt(10), rtol=RTOL)
    np.testing.assert_allclose(xavier_std((30, 10)), math.sqrt(2 / 40), rtol=RTOL)


# The draws.


def torch_std(fill, *args, **kwargs):
    torch.manual_seed(0)
    return fill(torch.empty(SHAPE, dtype=torch.float64), *args, **kwargs).std().item()


NORMAL = [
    (xavier_normal, {}, torch.nn.init.xavier_normal_, {}),
    (xavier_normal, {"gain": 1.7}, torch.nn.init.xavier_normal_, {"gain": 1.7}),
    (kaiming_normal, {}, torch.nn.init.kaiming_normal_, {"nonlinearity": "relu"}),
    (kaiming_normal, {"mode": "fan_out"}, torch.nn.init.kaiming_normal_, {"mode": "fan_out"}),
    (kaiming_normal, {"negative_slope": 0.5}, torch.nn.init.kaiming_normal_, {"a": 0.5}),
]
UNIFORM = [
    (xavier_uniform, {}, torch.nn.init.xavier_uniform_, {}),
    (xavier_uniform, {"gain": 1.7}, torch.nn.init.xavier_uniform_, {"gain": 1.7}),
    (kaiming_uniform, {}, torch.nn.init.kaiming_uniform_, {"nonlinearity": "relu"}),
    (kaiming_uniform, {"mode": "fan_out"}, torch.nn.init.kaiming_uniform_, {"mode": "fan_out"}),
    (kaiming_uniform, {"negative_slope": 0.5}, torch.nn.init.kaiming_uniform_, {"a": 0.5}),
]


@pytest.mark.parametrize(("draw", "options", "fill", "torch_options"), NORMAL + UNIFORM)
def test_draw_has_the_spread_of_torch(draw, options, fill, torch_options):
    # n = 60,000 weights each, seeds 0; a sample's std has the relative error 1 / sqrt(2 n) at
    # most (normal; less if uniform), two samples differ by 5 * sqrt(2) of it.
    W = draw(np.random.default_rng(0), SHAPE, **options)
    bound = 5 * math.sqrt(2) / math.sqrt(2 * W.size)
    np.testing.assert_allclose(W.std(), torch_std(fill, **torch_options), rtol=bound)


@pytest.mark.parametrize(("draw", "options", "fill", "torch_options"), NORMAL + UNIFORM)
def test_draw_is_symmetric_about_zero(draw, options, fill, torch_options):
    # n = 60,000, seed 1, 5 standard errors, for the mean and for the share of positive weights.
    W = draw(np.random.default_rng(1), SHAPE, **options)
    assert abs(W.mean()) < 5 * W.std() / math.sqrt(W.size)
    assert abs((W > 0).mean() - 0.5) < 5 * 0.5 / math.sqrt(W.size)


@pytest.mark.parametrize(("draw", "options", "fill", "torch_options"), NORMAL)
def test_normal_draw_is_normal(draw, options, fill, torch_options):
    # n = 60,000, seed 2, Kolmogorov-Smirnov at 1e-4.
    W = draw(np.random.default_rng(2), SHAPE, **options)
    assert stats.kstest(W.ravel() / W.std(), "norm").pvalue > 1e-4


@pytest.mark.parametrize(("draw", "options", "fill", "torch_options"), UNIFORM)
def test_uniform_draw_is_uniform_up_to_the_limit_of_torch(draw, options, fill, torch_options):
    # n = 60,000, seed 3, Kolmogorov-Smirnov at 1e-4. The largest of n uniform weights stays
    # below the limit, and above 1 - 20 / n of it but for a chance of exp(-20).
    torch.manual_seed(0)
    filled = fill(torch.empty(SHAPE, dtype=torch.float64), **torch_options)
    W = draw(np.random.default_rng(3), SHAPE, **options)
    limit = np.abs(W).max()
    np.testing.assert_allclose(limit, filled.abs().max().item(), rtol=40 / W.size)
    assert stats.kstest(W.ravel() / limit, "uniform", args=(-1, 2)).pvalue > 1e-4


@pytest.mark.parametrize("draw", [xavier_normal, xavier_uniform, kaiming_normal, kaiming_uniform])
def test_draw_depends_on_the_generator_alone(draw):
    a, b = (draw(np.random.default_rng(7), (4, 3)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    rng = np.random.default_rng(7)
    assert (draw(rng, (4, 3)) != draw(rng, (4, 3))).all()


@pytest.mark.parametrize("draw", [xavier_normal, xavier_uniform, kaiming_normal, kaiming_uniform])
def test_draw_rounds_the_same_numbers_to_float32(draw):
    single = draw(np.random.default_rng(7), (4, 3), dtype=np.float32)
    double = draw(np.random.default_rng(7), (4, 3))
    assert (single.dtype, double.dtype, single.shape) == (np.float32, np.float64, (4, 3))
    np.testing.assert_array_equal(single, double.astype(np.float32))


# The predicted second moments: products by hand.


def test_forward_second_moments_are_the_products_of_the_fans_in():
    actual = forward_second_moments([3, 5, 2, 7], [0.5, 0.25, 3.0], 1.6, [0.5, 0.7, 1.0])
    first = 1.6 * 0.5 * 3 * 0.25
    second = first * 0.7 * 5 * 0.0625
    np.testing.assert_allclose(actual, [1.6, first, second, second * 2 * 9], rtol=RTOL)


def test_backward_second_moments_are_the_products_of_the_fans_out():
    actual = backward_second_moments([3, 5, 2, 7], [0.5, 0.25, 3.0], 1.6, [0.5, 0.7, 1.0])
    last = 1.6 * 7 * 9
    middle = last * 0.7 * 2 * 0.0625
    np.testing.assert_allclose(actual, [middle * 0.5 * 5 * 0.25, middle, last, 1.6], rtol=RTOL)


@pytest.mark.parametrize("moments", [forward_second_moments, backward_second_moments])
def test_moments_start_at_one_and_keep_one_half_by_default(moments):
    actual = moments([3, 5, 2], [0.6, 0.8])
    np.testing.assert_array_equal(actual, moments([3, 5, 2], [0.6, 0.8], 1.0, [0.5, 0.5]))
    np.testing.assert_array_equal(actual, moments(np.array([3, 5, 2]), np.array([0.6, 0.8])))


@pytest.mark.parametrize("moments", [forward_second_moments, backward_second_moments])
def test_moments_survive_factors_that_overflow_together(moments):
    actual = moments([1, 1, 1], [1e140, 1e140], 1e-300, 1.0)
    np.testing.assert_allclose(np.sort(actual), [1e-300, 1e-20, 1e260], rtol=RTOL)


def test_fan_in_is_level_forward_and_ends_at_the_ratio_of_the_widths_backward():
    widths = [12, 20, 8, 16]
    stds = [kaiming_std(s) for s in [(20, 12), (8, 20), (16, 8)]]
    np.testing.assert_allclose(forward_second_moments(widths, stds), 1, rtol=RTOL)
    np.testing.assert_allclose(backward_second_moments(widths, stds)[0], 16 / 12, rtol=RTOL)


def test_fan_out_is_level_backward_and_ends_at_the_ratio_of_the_widths_forward():
    widths = [12, 20, 8, 16]
    stds = [kaiming_std(s, "fan_out") for s in [(20, 12), (8, 20), (16, 8)]]
    np.testing.assert_allclose(backward_second_moments(widths, stds), 1, rtol=RTOL)
    np.testing.assert_allclose(forward_second_moments(widths, stds)[-1], 12 / 16, rtol=RTOL)


def test_a_network_may_have_ten_thousand_widths():
    assert alive_probability([30] * 10_000).shape == (10_000,)


def test_alive_probability_is_the_product_over_the_layers():
    expected = [1, 3 / 4, 3 / 4 * 31 / 32]
    np.testing.assert_allclose(alive_probability([6, 2, 5]), expected, rtol=RTOL)


# The predicted second moments: many random networks at once.


def random_networks(widths, stds, slope, n, seed):
    """Mean squares of h_i and of dh_i, one a network and layer, for isotropic dh_L; and h_i."""
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


def assert_mean_square(values, expected):
    squares = (values**2).mean(axis=1)
    error = squares.std() / math.sqrt(len(squares))
    assert abs(squares.mean() - expected) < 5 * error + 1e-12


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_forward_moments_agree_with_random_networks(slope):
    # n = 20,000 networks, seed 0, 5 standard errors.
    widths, stds = [12, 20, 8, 16], [0.3, 0.4, 0.5]
    hs, _ = random_networks(widths, stds, slope, 20_000, 0)
    predicted = forward_second_moments(
        widths, stds, float((hs[0][0] ** 2).mean()), kept=(1 + slope**2) / 2
    )
    for h, expected in zip(hs, predicted, strict=True):
        assert_mean_square(h, expected)


def test_backward_moments_agree_with_random_networks():
    # n = 20,000 networks, seed 1, 5 standard errors, leaky units, which never die.
    widths, stds = [12, 20, 8, 16], [0.3, 0.4, 0.5]
    _, dhs = random_networks(widths, stds, 0.3, 20_000, 1)
    predicted = backward_second_moments(widths, stds, kept=(1 + 0.3**2) / 2)
    for dh, expected in zip(dhs, predicted, strict=True):
        assert_mean_square(dh, expected)


def test_backward_moments_of_a_narrow_relu_network_need_the_alive_probability():
    # n = 40,000 networks, seed 2, 5 standard errors: 3/4 * 5/2 = 1.875 and not 2.5.
    widths = [6, 2, 5]
    stds = [kaiming_std((2, 6)), kaiming_std((5, 2))]
    _, dhs = random_networks(widths, stds, 0.0, 40_000, 2)
    predicted = backward_second_moments(widths, stds)
    assert_mean_square(dhs[0], predicted[0])
    assert_mean_square(dhs[1], predicted[1] * alive_probability(widths)[1])


def test_alive_probability_agrees_with_random_networks():
    # n = 40,000 networks, seed 3, 5 standard errors.
    widths = [6, 2, 1, 3]
    hs, _ = random_networks(widths, [1.3, 0.7, 0.9], 0.0, 40_000, 3)
    for h, expected in zip(hs, alive_probability(widths), strict=True):
        error = math.sqrt(expected * (1 - expected) / len(h))
        assert abs((h != 0).any(axis=1).mean() - expected) <= 5 * error
