"""The layers of the MLP against torch: forward, every gradient, huge logits.

Tolerance: rtol = 1e-10 in float64. Where the exact answer is 0, an atol of 1e-12 times the size of
the terms that cancel.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch

from hw1lib import (
    affine_backward,
    affine_forward,
    logsumexp,
    mlp_backward,
    mlp_forward,
    relu_backward,
    relu_forward,
    softmax,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    tanh_backward,
    tanh_forward,
)

RTOL = 1e-10
WIDTHS = [6, 9, 4, 7, 3, 5]


def make_network(depth, B=8, seed=0):
    rng = np.random.default_rng(seed)
    widths = WIDTHS[: depth + 1]
    X = rng.normal(size=(B, widths[0])) * np.resize([0.01, 1.0, 10.0], widths[0])
    weights = [rng.normal(size=(m, n)) * 0.5 for n, m in pairwise(widths)]
    biases = [rng.normal(size=m) for m in widths[1:]]
    return X, weights, biases, rng.normal(size=(B, widths[-1]))


def leaf(x):
    return torch.tensor(np.array(x), requires_grad=True)


def make_logits(B=7, K=4, size=1.0, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(B, K)) * size
    targets = rng.dirichlet(np.full(K, 0.7), size=B)
    return Z, targets, rng.normal(size=B)


# Activations.


@pytest.mark.parametrize(
    ("forward", "backward", "reference"),
    [(relu_forward, relu_backward, torch.relu), (tanh_forward, tanh_backward, torch.tanh)],
)
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
def test_activation_equals_torch_forward_and_backward(forward, backward, reference, shape):
    rng = np.random.default_rng(0)
    Z, dH = rng.normal(size=shape) * 2, rng.normal(size=shape)
    output = reference(z := leaf(Z))
    (expected,) = torch.autograd.grad(output, z, torch.tensor(dH))
    H, cache = forward(Z)
    np.testing.assert_allclose(H, output.detach(), rtol=RTOL)
    np.testing.assert_allclose(backward(dH, cache), expected, rtol=RTOL)


def test_slope_of_relu_at_zero_is_zero():
    Z, dH = np.array([-0.0, 0.0, 5e-324, -5e-324]), np.array([0.3, -1.7, 2.5, 0.8])
    (expected,) = torch.autograd.grad(torch.relu(z := leaf(Z)), z, torch.tensor(dH))
    actual = relu_backward(dH, relu_forward(Z)[1])
    np.testing.assert_array_equal(actual, [0, 0, 2.5, 0])
    np.testing.assert_array_equal(actual, expected)


# The affine layer.


def test_affine_layer_equals_torch_forward_and_backward():
    X, (W,), (b,), dY = make_network(1)
    leaves = [leaf(X), leaf(W), leaf(b)]
    output = torch.nn.functional.linear(*leaves)
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY))
    Y, cache = affine_forward(X, W, b)
    np.testing.assert_allclose(Y, output.detach(), rtol=RTOL)
    for name, a, e in zip(("dX", "dW", "db"), affine_backward(dY, cache), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=RTOL, atol=1e-13, err_msg=name)


# Softmax, log-sum-exp and cross-entropy.


@pytest.mark.parametrize("size", [1.0, 1e4, 1e150])
def test_logsumexp_and_softmax_equal_torch(size):
    Z, _, _ = make_logits(size=size)
    np.testing.assert_allclose(logsumexp(Z), torch.logsumexp(torch.tensor(Z), 1), rtol=RTOL)
    np.testing.assert_allclose(
        softmax(Z), torch.softmax(torch.tensor(Z), 1), rtol=RTOL, atol=1e-300
    )


def test_softmax_sums_to_one_in_each_row():
    np.testing.assert_allclose(softmax(make_logits(size=30)[0]).sum(axis=1), 1, rtol=RTOL)


def test_softmax_of_equal_huge_logits_is_uniform():
    np.testing.assert_allclose(softmax(np.full((1, 4), 1e4)), 0.25, rtol=RTOL)
    np.testing.assert_allclose(logsumexp(np.full((1, 4), -1e4)), -1e4 + np.log(4), rtol=RTOL)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_cross_entropy_equals_torch_sample_by_sample(size):
    Z, targets, _ = make_logits(size=size)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(Z), torch.tensor(targets), reduction="none"
    )
    losses, _ = softmax_cross_entropy_forward(Z, targets)
    np.testing.assert_allclose(losses, expected, rtol=RTOL)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_cross_entropy_backward_equals_autograd(size):
    Z, targets, dlosses = make_logits(size=size)
    losses = torch.nn.functional.cross_entropy(
        z := leaf(Z), torch.tensor(targets), reduction="none"
    )
    (expected,) = torch.autograd.grad(losses, z, torch.tensor(dlosses))
    actual = softmax_cross_entropy_backward(dlosses, softmax_cross_entropy_forward(Z, targets)[1])
    np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=1e-15)


def test_cross_entropy_backward_sums_to_zero_in_each_row():
    Z, targets, dlosses = make_logits()
    dZ = softmax_cross_entropy_backward(dlosses, softmax_cross_entropy_forward(Z, targets)[1])
    assert (np.abs(dZ.sum(axis=1)) < 1e-12 * np.abs(dZ).max(axis=1)).all()


def test_small_loss_keeps_its_digits_next_to_huge_logits():
    # log(1 + exp(-12)); next to 1e4, a double has only 12 decimals.
    Z, targets = np.array([[1e4, 1e4 - 12]]), np.array([[1.0, 0.0]])
    losses, _ = softmax_cross_entropy_forward(Z, targets)
    np.testing.assert_allclose(losses, np.log1p(np.exp(-12)), rtol=1e-10)


def test_a_small_loss_keeps_its_digits_beside_a_row_of_huge_logits():
    Z, targets = np.array([[0.1, -20.3], [1e8, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    losses, _ = softmax_cross_entropy_forward(Z, targets)
    alone, _ = softmax_cross_entropy_forward(Z[:1], targets[:1])
    np.testing.assert_allclose(losses, [alone[0], 1e8], rtol=1e-12)


def test_hopeless_sample_has_a_finite_loss():
    losses, _ = softmax_cross_entropy_forward(np.array([[1e4, -1e4]]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(losses, 2e4, rtol=RTOL)


# The whole network.


def torch_network(leaves, activation, readout):
    phi = {"relu": torch.relu, "tanh": torch.tanh}[activation]
    X, weights, biases = leaves
    hs = [X]
    for i, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        z = torch.nn.functional.linear(hs[-1], W, b)
        hs.append(phi(z) if i < len(weights) or readout == "activated" else z)
    return hs


@pytest.mark.parametrize("readout", ["linear", "activated"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_network_equals_torch_in_every_gradient(depth, activation, readout):
    X, weights, biases, dlogits = make_network(depth)
    leaves = (leaf(X), [leaf(W) for W in weights], [leaf(b) for b in biases])
    hs = torch_network(leaves, activation, readout)
    logits, cache = mlp_forward(X, weights, biases, activation=activation, readout=readout)
    np.testing.assert_allclose(logits, hs[-1].detach(), rtol=RTOL)
    expected = torch.autograd.grad(hs[-1], [*hs, *leaves[1], *leaves[2]], torch.tensor(dlogits))
    dhs, dWs, dbs = mlp_backward(dlogits, cache)
    assert [len(dhs), len(dWs), len(dbs)] == [depth + 1, depth, depth]
    for a, e in zip([*dhs, *dWs, *dbs], expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-12 * e.abs().max().item())


def test_network_is_relu_with_a_linear_readout_by_default():
    X, weights, biases, _ = make_network(3)
    hs = torch_network(
        [torch.tensor(X), *([*map(torch.tensor, p)] for p in (weights, biases))], "relu", "linear"
    )
    logits, _ = mlp_forward(X, weights, biases)
    assert (logits < 0).any()
    np.testing.assert_allclose(logits, hs[-1], rtol=RTOL)


def test_network_with_a_loss_equals_torch():
    X, weights, biases, _ = make_network(3)
    _, targets, dlosses = make_logits(B=8, K=7)
    leaves = (leaf(X), [leaf(W) for W in weights], [leaf(b) for b in biases])
    loss = torch.nn.functional.cross_entropy(
        torch_network(leaves, "tanh", "activated")[-1], torch.tensor(targets), reduction="none"
    )
    expected = torch.autograd.grad(loss, leaves[1], torch.tensor(dlosses))
    logits, cache = mlp_forward(X, weights, biases, activation="tanh", readout="activated")
    _, loss_cache = softmax_cross_entropy_forward(logits, targets)
    dlogits = softmax_cross_entropy_backward(dlosses, loss_cache)
    _, dWs, _ = mlp_backward(dlogits, cache)
    for a, e in zip(dWs, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-13)


def test_relu_readout_with_negative_logits_sends_nothing_back():
    X, weights, _, dlogits = make_network(1)
    biases = [np.full(9, -1e3)]
    logits, cache = mlp_forward(X, weights, biases, readout="activated")
    np.testing.assert_array_equal(logits, np.zeros((8, 9)))
    for d in (gradient for kind in mlp_backward(dlogits, cache)[1:] for gradient in kind):
        np.testing.assert_array_equal(d, np.zeros_like(d))


def test_network_accepts_tuples_of_parameters():
    X, weights, biases, _ = make_network(2)
    expected, _ = mlp_forward(X, weights, biases)
    np.testing.assert_array_equal(mlp_forward(X, tuple(weights), tuple(biases))[0], expected)
