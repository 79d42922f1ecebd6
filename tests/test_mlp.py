"""The layers of the MLP against torch: forward, every gradient, huge logits.

The equations (84) to (92) are checked in tests/equations. Tolerance: rtol = 1e-10 in float64. Where
the exact answer is 0, an atol of 1e-12 times the size of the terms that cancel.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, linear

import hw1lib as hw
from oracles import autograd, same


def make_network(depth, B=8):
    rng = np.random.default_rng(0)
    widths = [6, 9, 4, 7, 3, 5][: depth + 1]
    X = rng.normal(size=(B, widths[0])) * np.resize([0.01, 1.0, 10.0], widths[0])
    weights = [rng.normal(size=(m, n)) * 0.5 for n, m in pairwise(widths)]
    biases = [rng.normal(size=m) for m in widths[1:]]
    return X, weights, biases, rng.normal(size=(B, widths[-1]))


def make_logits(size, B=7, K=4):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(B, K)) * size
    return Z, rng.dirichlet(np.full(K, 0.7), size=B), rng.normal(size=B)


@pytest.mark.parametrize(
    ("forward", "backward", "reference"),
    [
        (hw.relu_forward, hw.relu_backward, torch.relu),
        (hw.tanh_forward, hw.tanh_backward, torch.tanh),
    ],
)
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
def test_activation_equals_torch_forward_and_backward(forward, backward, reference, shape):
    rng = np.random.default_rng(0)
    Z, dH = rng.normal(size=shape) * 2, rng.normal(size=shape)
    H, cache = forward(Z)
    same((H, [backward(dH, cache)]), autograd(reference, dH, Z))


def test_slope_of_relu_at_zero_is_zero():
    Z, dH = np.array([-0.0, 0.0, 5e-324, -5e-324]), np.array([0.3, -1.7, 2.5, 0.8])
    _, (expected,) = autograd(torch.relu, dH, Z)
    actual = hw.relu_backward(dH, hw.relu_forward(Z)[1])
    np.testing.assert_array_equal(actual, [0, 0, 2.5, 0])
    np.testing.assert_array_equal(actual, expected)


def test_affine_layer_equals_torch_forward_and_backward():
    X, (W,), (b,), dY = make_network(1)
    Y, cache = hw.affine_forward(X, W, b)
    same((Y, hw.affine_backward(dY, cache)), autograd(linear, dY, X, W, b), atol=1e-13)


@pytest.mark.parametrize("size", [1.0, 1e4, 1e150])
def test_logsumexp_and_softmax_equal_torch(size):
    Z = make_logits(size)[0]
    same(hw.logsumexp(Z), torch.logsumexp(torch.tensor(Z), 1).numpy())
    same(hw.softmax(Z), torch.softmax(torch.tensor(Z), 1).numpy(), atol=1e-300)


def test_softmax_of_equal_huge_logits_is_uniform():
    same(hw.softmax(np.full((1, 4), 1e4)), np.full((1, 4), 0.25))
    same(hw.logsumexp(np.full((1, 4), -1e4)), [-1e4 + np.log(4)])


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_cross_entropy_equals_torch_sample_by_sample(size):
    Z, targets, dlosses = make_logits(size)

    def losses_by_torch(Z):
        return cross_entropy(Z, torch.tensor(targets), reduction="none")

    losses, cache = hw.softmax_cross_entropy_forward(Z, targets)
    actual = losses, [hw.softmax_cross_entropy_backward(dlosses, cache)]
    same(actual, autograd(losses_by_torch, dlosses, Z), atol=1e-15)


def test_a_small_loss_keeps_its_digits_beside_a_row_of_huge_logits():
    Z, targets = np.array([[0.1, -20.3], [1e8, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    losses, _ = hw.softmax_cross_entropy_forward(Z, targets)
    same(losses, np.array([np.log1p(np.exp(-20.4)), 1e8]))


# The whole network.


def network_by_torch(depth, activation="relu", readout="linear"):
    """Return a function of the weights, the biases and h_0 that gives the logits."""
    phi = {"relu": torch.relu, "tanh": torch.tanh}[activation]

    def network(h, *parameters):
        for i in range(depth):
            h = linear(h, parameters[i], parameters[depth + i])
            h = phi(h) if i + 1 < depth or readout == "activated" else h
        return h

    return network


@pytest.mark.parametrize("readout", ["linear", "activated"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_network_equals_torch_in_every_gradient(depth, activation, readout):
    X, weights, biases, dlogits = make_network(depth)
    reference = network_by_torch(depth, activation, readout)
    expected, gradients = autograd(reference, dlogits, X, *weights, *biases)
    logits, cache = hw.mlp_forward(X, weights, biases, activation=activation, readout=readout)
    same(logits, expected)
    dhs, dWs, dbs = hw.mlp_backward(dlogits, cache)
    same(dhs[-1], dlogits)
    assert len(dhs) == depth + 1  # (90), which compares all of them
    same([dhs[0], *dWs, *dbs], gradients, rtol=1e-9, atol=1e-12)
