"""Batch norm against torch: both passes at every shape, running statistics, inference, numerics.

The equations (34) to (78) are checked in tests/equations. Tolerance: rtol = 1e-10 in float64. Where
the exact answer is 0, an atol of 1e-12 times the size of the terms that cancel.
"""

import inspect
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm

import hw1lib as hw
from oracles import autograd, same

EPSILONS = [0.0, 1e-5, 0.5]


def make_batch(B=7, M=5, seed=0):
    """Columns of scale 0.01, 1 and 10, around different means; nothing is 0 or 1."""
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(B, M)) * np.resize([0.01, 1.0, 10.0], M) + rng.normal(size=M)
    return Y, rng.normal(size=M) + 0.3, rng.normal(size=M), rng.normal(size=(B, M))


def by_torch(Y, gamma, beta, dY_hat, eps):
    def layer(Y, gamma, beta):
        if eps > 0:
            return batch_norm(Y, None, None, gamma, beta, training=True, eps=eps)
        v, m = torch.var_mean(Y, dim=0, correction=0)  # torch's own function refuses eps = 0
        return gamma * (Y - m) / torch.sqrt(v) + beta

    return autograd(layer, dY_hat, Y, gamma, beta)


@pytest.mark.parametrize(
    ("shape", "eps"), [*product([(7, 5), (64, 3), (3, 1)], EPSILONS), ((2, 5), 0.5)]
)
def test_layer_equals_torch_forward_and_backward(shape, eps):
    Y, gamma, beta, dY_hat = make_batch(*shape)
    expected, gradients = by_torch(Y, gamma, beta, dY_hat, eps)
    Y_hat, cache = hw.batchnorm_forward(Y, gamma, beta, eps)
    same(Y_hat, expected, atol=1e-12)
    same(hw.batchnorm_backward(dY_hat, cache), gradients, rtol=1e-9)


def test_two_samples_without_eps_become_plus_and_minus_one_and_get_no_gradient():
    Y, gamma, beta, dY_hat = make_batch(B=2)
    Y_hat, cache = hw.batchnorm_forward(Y, gamma, beta, 0.0)
    same(Y_hat, gamma * np.where(Y[::-1] < Y, 1, -1) + beta)
    dY, _, _ = hw.batchnorm_backward(dY_hat, cache)
    assert (np.abs(dY) < 1e-12 * np.abs(gamma / cache.s * dY_hat).max(axis=0)).all()


@pytest.mark.parametrize(
    ("function", "name"),
    [(hw.batchnorm_forward, "eps"), (hw.batchnorm_inference, "eps"),
     (hw.batchnorm_running_update, "momentum")],
)  # fmt: skip
def test_defaults_are_those_of_torch(function, name):
    default = inspect.signature(function).parameters[name].default
    assert default == getattr(torch.nn.BatchNorm1d(5), name)


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.7, 1.0])
def test_running_update_equals_torch_over_three_batches(momentum):
    rng = np.random.default_rng(1)
    running = [rng.normal(size=5), rng.uniform(0.5, 2, size=5)]
    expected = [torch.tensor(r.copy()) for r in running]
    for seed in range(3):
        Y, gamma, beta, _ = make_batch(seed=seed)
        batch_norm(torch.tensor(Y), *expected, training=True, momentum=momentum)
        running = hw.batchnorm_running_update(
            *running, hw.batchnorm_forward(Y, gamma, beta)[1], momentum
        )
    same(running, [e.numpy() for e in expected])


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize("B", [1, 7])
def test_inference_equals_torch(B, eps):
    Y, gamma, beta, _ = make_batch(B=B)
    rng = np.random.default_rng(2)
    mean, variance = rng.normal(size=5), rng.uniform(0.01, 9, size=5)
    expected = batch_norm(*map(torch.tensor, (Y, mean, variance, gamma, beta)), eps=eps)
    same(hw.batchnorm_inference(Y, gamma, beta, mean, variance, eps), expected.numpy(), atol=1e-13)


def test_inference_accepts_a_variance_of_zero_where_eps_is_positive():
    Y, gamma, beta, _ = make_batch()
    actual = hw.batchnorm_inference(Y, gamma, beta, Y[0], np.zeros(5), 0.25)
    same(actual, gamma * (Y - Y[0]) / 0.5 + beta)


def test_a_variance_of_the_smallest_normal_number_is_accepted():
    tiny, ones = np.full(2, np.finfo(float).tiny), np.ones(2)
    actual = hw.batchnorm_inference(np.zeros((1, 2)), ones, ones, 0 * ones, tiny, 0)
    np.testing.assert_array_equal(actual, [[1, 1]])


def test_float32_statistics_of_a_hundred_thousand_rows_have_the_digits_of_float32():
    Y = np.random.default_rng(4).normal(size=(100_000, 3)).astype(np.float32)
    Y += np.float32([0, 1, 100])
    cache = hw.batchnorm_forward(Y, np.ones(3, np.float32), np.zeros(3, np.float32))[1]
    same(cache.m[1:], Y.astype(float).mean(axis=0)[1:], rtol=2e-7)
    same(cache.v[:1], Y.astype(float).var(axis=0)[:1], rtol=6.1e-8)


@pytest.mark.parametrize("value", [0.1, 1.1, 10000 / 3])
def test_constant_feature_has_a_variance_of_exactly_zero(value):
    # The plain mean of 7 times 0.1 is not 0.1.
    gamma, beta = np.array([1.7]), np.array([-0.3])
    Y_hat, cache = hw.batchnorm_forward(np.full((7, 1), value), gamma, beta, 1e-30)
    assert cache.v[0] == 0
    np.testing.assert_array_equal(Y_hat, np.full((7, 1), -0.3))


@pytest.mark.parametrize("size", [1e-150, 1e-30, 1e30, 1e150])
def test_magnitude_of_the_input_does_not_matter_without_eps(size):
    Y, gamma, beta, dY_hat = make_batch()
    expected, gradients = by_torch(Y, gamma, beta, dY_hat, 0.0)
    Y_hat, cache = hw.batchnorm_forward(Y * size, gamma, beta, 0.0)
    dY, dgamma, dbeta = hw.batchnorm_backward(dY_hat, cache)
    same([Y_hat, dY * size, dgamma, dbeta], [expected, *gradients], rtol=1e-9)
