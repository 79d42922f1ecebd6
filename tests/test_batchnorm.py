"""Batch norm against torch: the forward pass, every gradient, the running statistics, inference.

Tolerance: rtol = 1e-10 in float64. Where the exact answer is 0, an atol of 1e-12 times the size of
the terms that cancel.
"""

import numpy as np
import pytest
import torch

from hw1lib import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_inference,
    batchnorm_running_update,
    batchnorm_statistics_backward,
)

RTOL = 1e-10
SHAPES = [(2, 1), (2, 3), (7, 5), (64, 3)]
EPSILONS = [0.0, 1e-5, 0.5]


def make_batch(B=7, M=5, seed=0):
    """Columns of scale 0.01, 1 and 10, around different means; nothing is 0 or 1."""
    rng = np.random.default_rng(seed)
    scale = np.resize([0.01, 1.0, 10.0], M)
    Y = rng.normal(size=(B, M)) * scale + rng.normal(size=M)
    gamma, beta = rng.normal(size=M) + 0.3, rng.normal(size=M)
    return Y, gamma, beta, rng.normal(size=(B, M))


def leaf(x):
    return torch.tensor(np.array(x), requires_grad=True)


def torch_forward(Y, gamma, beta, eps):
    leaves = [leaf(Y), leaf(gamma), leaf(beta)]
    Y, gamma, beta = leaves
    if eps > 0:
        Y_hat = torch.nn.functional.batch_norm(Y, None, None, gamma, beta, training=True, eps=eps)
    else:  # which torch's own function refuses
        v, m = torch.var_mean(Y, dim=0, correction=0)
        Y_hat = gamma * (Y - m) / torch.sqrt(v) + beta
    return Y_hat, leaves


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_equals_torch(shape, eps):
    Y, gamma, beta, _ = make_batch(*shape)
    expected, _ = torch_forward(Y, gamma, beta, eps)
    Y_hat, _ = batchnorm_forward(Y, gamma, beta, eps)
    np.testing.assert_allclose(Y_hat, expected.detach(), rtol=RTOL, atol=1e-12)


def test_forward_uses_the_eps_of_torch_by_default():
    Y, gamma, beta, _ = make_batch()
    bn = torch.nn.BatchNorm1d(5, dtype=torch.float64)
    with torch.no_grad():
        bn.weight.copy_(torch.tensor(gamma))
        bn.bias.copy_(torch.tensor(beta))
    Y_hat, _ = batchnorm_forward(Y, gamma, beta)
    np.testing.assert_allclose(Y_hat, bn(torch.tensor(Y)).detach(), rtol=RTOL)


def test_cache_holds_the_mean_and_the_biased_variance():
    Y, gamma, beta, _ = make_batch()
    cache = batchnorm_forward(Y, gamma, beta, 0.5)[1]
    variance, mean = torch.var_mean(torch.tensor(Y), dim=0, correction=0)
    np.testing.assert_allclose(cache.m, mean, rtol=RTOL)
    np.testing.assert_allclose(cache.v, variance, rtol=RTOL)
    np.testing.assert_allclose(cache.s, torch.sqrt(variance + 0.5), rtol=RTOL)
    np.testing.assert_allclose(cache.x_hat, (Y - mean.numpy()) / cache.s, rtol=RTOL)


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize("shape", SHAPES[2:])
def test_backward_equals_autograd(shape, eps):
    Y, gamma, beta, dY_hat = make_batch(*shape)
    output, leaves = torch_forward(Y, gamma, beta, eps)
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY_hat))
    actual = batchnorm_backward(dY_hat, batchnorm_forward(Y, gamma, beta, eps)[1])
    for name, a, e in zip(("dY", "dgamma", "dbeta"), actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=RTOL, err_msg=name)


def test_backward_behind_a_relu_equals_autograd():
    Y, gamma, beta, dH = make_batch()
    output, leaves = torch_forward(Y, gamma, beta, 1e-2)
    expected = torch.autograd.grad(torch.relu(output), leaves, torch.tensor(dH))
    Y_hat, cache = batchnorm_forward(Y, gamma, beta, 1e-2)
    actual = batchnorm_backward(dH * (Y_hat > 0), cache)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=RTOL)


def test_backward_sums_to_zero_over_the_batch():
    Y, gamma, beta, dY_hat = make_batch()
    dY, _, _ = batchnorm_backward(dY_hat, batchnorm_forward(Y, gamma, beta, 0.1)[1])
    assert (np.abs(dY.sum(axis=0)) < 1e-12 * np.abs(dY).max(axis=0)).all()


@pytest.mark.parametrize("eps", EPSILONS)
def test_backward_along_x_hat_is_what_eps_leaves(eps):
    Y, gamma, beta, dY_hat = make_batch()
    _, cache = batchnorm_forward(Y, gamma, beta, eps)
    dY, dgamma, _ = batchnorm_backward(dY_hat, cache)
    v = Y.var(axis=0)
    expected = gamma / np.sqrt(v + eps) * dgamma * eps / (v + eps)
    actual = (dY * cache.x_hat).sum(axis=0)
    atol = 1e-12 * np.abs(dY * cache.x_hat).sum(axis=0).max()
    np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=atol)


def test_two_samples_without_eps_become_plus_and_minus_one():
    Y, gamma, beta, _ = make_batch(B=2)
    Y_hat, _ = batchnorm_forward(Y, gamma, beta, 0.0)
    expected = gamma * np.where(Y[::-1] < Y, 1, -1) + beta
    np.testing.assert_allclose(Y_hat, expected, rtol=RTOL)


def test_two_samples_without_eps_get_no_gradient():
    Y, gamma, beta, dY_hat = make_batch(B=2)
    _, cache = batchnorm_forward(Y, gamma, beta, 0.0)
    dY, _, _ = batchnorm_backward(dY_hat, cache)
    terms = np.abs(gamma / cache.s * dY_hat)
    assert (np.abs(dY) < 1e-12 * terms.max(axis=0)).all()


def test_two_samples_with_eps_get_the_gradient_of_autograd():
    Y, gamma, beta, dY_hat = make_batch(B=2)
    output, leaves = torch_forward(Y, gamma, beta, 0.5)
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY_hat))
    actual = batchnorm_backward(dY_hat, batchnorm_forward(Y, gamma, beta, 0.5)[1])
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9)


def test_a_shift_of_the_batch_changes_nothing():
    Y, gamma, beta, _ = make_batch()
    shift = np.array([3.0, -2.0, 40.0, 0.25, 7.0])
    shifted, _ = batchnorm_forward(Y + shift, gamma, beta)
    np.testing.assert_allclose(shifted, batchnorm_forward(Y, gamma, beta)[0], rtol=RTOL, atol=1e-12)


@pytest.mark.parametrize("eps", EPSILONS)
def test_output_has_mean_beta_and_the_variance_that_eps_leaves(eps):
    Y, gamma, beta, _ = make_batch()
    Y_hat, _ = batchnorm_forward(Y, gamma, beta, eps)
    v = torch.var(torch.tensor(Y), dim=0, correction=0).numpy()
    np.testing.assert_allclose(Y_hat.mean(axis=0), beta, rtol=RTOL)
    np.testing.assert_allclose(Y_hat.var(axis=0), gamma**2 * v / (v + eps), rtol=RTOL)


def test_covariance_of_the_output_is_the_correlation_matrix():
    Y, _, _, _ = make_batch()
    x_hat = batchnorm_forward(Y, np.ones(5), np.zeros(5), 0.0)[1].x_hat
    expected = torch.corrcoef(torch.tensor(Y.T))
    np.testing.assert_allclose(x_hat.T @ x_hat / len(Y), expected, rtol=RTOL, atol=1e-12)


# The mean and the variance in the three computation graphs of (61).


def statistics_graph(Y, kind):
    Y = torch.tensor(Y)
    m = Y.mean(0).requires_grad_()
    if kind == "independent leaves":
        return Y, m, torch.var(Y, dim=0, correction=0).requires_grad_()
    if kind == "v = mean((Y - m)**2)":
        return Y, m, ((Y - m) ** 2).mean(0)
    return Y, m, (Y**2).mean(0) - m**2


def statistics_gradients(kind, eps=0.1):
    Y, gamma, beta, dY_hat = make_batch()
    Yt, m, v = statistics_graph(Y, kind)
    if not v.requires_grad:
        v.requires_grad_()
    output = torch.tensor(gamma) * (Yt - m) / torch.sqrt(v + eps) + torch.tensor(beta)
    expected = torch.autograd.grad(output, (m, v), torch.tensor(dY_hat))
    actual = batchnorm_statistics_backward(dY_hat, batchnorm_forward(Y, gamma, beta, eps)[1])
    return [e.numpy() for e in expected], actual, m.detach().numpy()


@pytest.mark.parametrize("kind", ["independent leaves", "v = mean((Y - m)**2)"])
def test_statistics_backward_equals_autograd(kind):
    (dm, dv), actual, _ = statistics_gradients(kind)
    np.testing.assert_allclose(actual[0], dm, rtol=RTOL)
    np.testing.assert_allclose(actual[1], dv, rtol=RTOL)


def test_shortcut_variance_adds_its_own_path_to_dm():
    (dm, dv), actual, m = statistics_gradients("v = mean(Y**2) - m**2")
    np.testing.assert_allclose(actual[0] - 2 * m * dv, dm, rtol=RTOL)
    np.testing.assert_allclose(actual[1], dv, rtol=1e-8)
    assert np.abs(actual[0] - dm).max() > 0.01


def test_statistics_put_together_give_the_whole_gradient():
    Y, gamma, beta, dY_hat = make_batch()
    output, leaves = torch_forward(Y, gamma, beta, 0.1)
    (expected,) = torch.autograd.grad(output, leaves[:1], torch.tensor(dY_hat))
    _, cache = batchnorm_forward(Y, gamma, beta, 0.1)
    dm, dv = batchnorm_statistics_backward(dY_hat, cache)
    actual = gamma / cache.s * dY_hat + dm / len(Y) + 2 * (Y - cache.m) * dv / len(Y)
    np.testing.assert_allclose(actual, expected, rtol=RTOL)


# Running statistics and inference.


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.7, 1.0])
def test_running_update_equals_torch_over_three_batches(momentum):
    rng = np.random.default_rng(1)
    running = [rng.normal(size=5), rng.uniform(0.5, 2, size=5)]
    expected = [torch.tensor(r.copy()) for r in running]
    for seed in range(3):
        Y, gamma, beta, _ = make_batch(seed=seed)
        torch.nn.functional.batch_norm(torch.tensor(Y), *expected, training=True, momentum=momentum)
        running = batchnorm_running_update(*running, batchnorm_forward(Y, gamma, beta)[1], momentum)
    for a, e in zip(running, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=RTOL)


def test_running_update_has_the_momentum_of_torch_by_default():
    Y, gamma, beta, _ = make_batch()
    bn = torch.nn.BatchNorm1d(5, dtype=torch.float64)
    bn(torch.tensor(Y))
    cache = batchnorm_forward(Y, gamma, beta)[1]
    mean, variance = batchnorm_running_update(np.zeros(5), np.ones(5), cache)
    np.testing.assert_allclose(mean, bn.running_mean, rtol=RTOL)
    np.testing.assert_allclose(variance, bn.running_var, rtol=RTOL)


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize("B", [1, 7])
def test_inference_equals_torch(B, eps):
    Y, gamma, beta, _ = make_batch(B=B)
    rng = np.random.default_rng(2)
    mean, variance = rng.normal(size=5), rng.uniform(0.01, 9, size=5)
    expected = torch.nn.functional.batch_norm(
        *map(torch.tensor, (Y, mean, variance, gamma, beta)), training=False, eps=eps
    )
    actual = batchnorm_inference(Y, gamma, beta, mean, variance, eps)
    np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=1e-13)


def test_inference_uses_the_eps_of_torch_by_default():
    Y, gamma, beta, _ = make_batch()
    mean, variance = Y[0] + 0.1, np.full(5, 1e-4)
    expected = torch.nn.functional.batch_norm(*map(torch.tensor, (Y, mean, variance, gamma, beta)))
    actual = batchnorm_inference(Y, gamma, beta, mean, variance)
    np.testing.assert_allclose(actual, expected, rtol=RTOL)


def test_inference_accepts_a_variance_of_zero_where_eps_is_positive():
    Y, gamma, beta, _ = make_batch()
    actual = batchnorm_inference(Y, gamma, beta, Y[0], np.zeros(5), 0.25)
    np.testing.assert_allclose(actual, gamma * (Y - Y[0]) / 0.5 + beta, rtol=RTOL)


# Numerics.


def test_float32_variance_survives_a_mean_of_ten_thousand():
    rng = np.random.default_rng(3)
    Y = (rng.normal(size=(64, 2)) + 1e4).astype(np.float32)
    cache = batchnorm_forward(Y, np.ones(2, np.float32), np.zeros(2, np.float32))[1]
    np.testing.assert_allclose(cache.v, Y.astype(float).var(axis=0), rtol=1e-5)


def test_float32_mean_survives_a_hundred_thousand_rows():
    rng = np.random.default_rng(4)
    Y = (rng.normal(size=(100_000, 2)) + 100).astype(np.float32)
    cache = batchnorm_forward(Y, np.ones(2, np.float32), np.zeros(2, np.float32))[1]
    np.testing.assert_allclose(cache.m, Y.astype(float).mean(axis=0), rtol=2e-7)


@pytest.mark.parametrize("value", [0.1, 1.1, 10000 / 3])
def test_constant_feature_has_a_variance_of_exactly_zero(value):
    # The plain mean of 7 times 0.1 is not 0.1.
    Y = np.full((7, 1), value)
    gamma, beta = np.array([1.7]), np.array([-0.3])
    Y_hat, cache = batchnorm_forward(Y, gamma, beta, 1e-30)
    assert cache.v[0] == 0
    np.testing.assert_array_equal(Y_hat, np.full((7, 1), -0.3))


@pytest.mark.parametrize("size", [1e-150, 1e-30, 1e30, 1e150])
def test_magnitude_of_the_input_does_not_matter_without_eps(size):
    Y, gamma, beta, dY_hat = make_batch()
    big, cache = batchnorm_forward(Y * size, gamma, beta, 0.0)
    output, leaves = torch_forward(Y, gamma, beta, 0.0)
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY_hat))
    dY, dgamma, _ = batchnorm_backward(dY_hat, cache)
    np.testing.assert_allclose(big, output.detach(), rtol=1e-9)
    np.testing.assert_allclose(dY * size, expected[0], rtol=1e-9)
    np.testing.assert_allclose(dgamma, expected[1], rtol=1e-9)


def test_float32_variance_of_many_rows_has_the_digits_of_float32():
    rng = np.random.default_rng(5)
    Y = rng.normal(size=(100_000, 4)).astype(np.float32)
    cache = batchnorm_forward(Y, np.ones(4, np.float32), np.zeros(4, np.float32))[1]
    np.testing.assert_allclose(cache.v, Y.astype(float).var(axis=0), rtol=6.1e-8)


def test_a_variance_of_the_smallest_normal_number_is_accepted():
    tiny, ones = np.full(2, np.finfo(float).tiny), np.ones(2)
    actual = batchnorm_inference(np.zeros((1, 2)), ones, ones, 0 * ones, tiny, 0)
    np.testing.assert_array_equal(actual, [[1, 1]])
