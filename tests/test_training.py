"""Training with hw1lib's gradients takes the path of training with torch's autograd.

Tolerance: 1e-9 after 100 steps of gradient descent, in float64.
"""

from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy, linear

import hw1lib as hw
from oracles import autograd, same

STEPS, BATCH, RATE = 100, 64, 0.1
WIDTHS = [64, 32, 24, 10]


def by_hw1lib(X, targets, *parameters):
    """Return the loss and its gradients; the parameters are the weights, then the biases."""
    logits, cache = hw.mlp_forward(X, parameters[:3], parameters[3:])
    losses, loss_cache = hw.softmax_cross_entropy_forward(logits, targets)
    dlogits = hw.softmax_cross_entropy_backward(np.full(BATCH, 1 / BATCH), loss_cache)
    _, dWs, dbs = hw.mlp_backward(dlogits, cache)
    return losses.mean(), [*dWs, *dbs]


def by_torch(X, targets, *parameters):
    def loss(W_1, W_2, W_3, b_1, b_2, b_3):
        h_1 = torch.relu(linear(torch.tensor(X), W_1, b_1))
        h_2 = torch.relu(linear(h_1, W_2, b_2))
        return cross_entropy(linear(h_2, W_3, b_3), torch.tensor(targets))

    return autograd(loss, 1.0, *parameters)


def train(loss_and_gradients):
    images, labels = load_digits(return_X_y=True)
    order, rng = np.random.default_rng(0).permutation(len(images)), np.random.default_rng(1)
    parameters = [hw.kaiming_normal(rng, (m, n)) for n, m in pairwise(WIDTHS)]
    parameters += [rng.normal(size=m) * 0.1 for m in WIDTHS[1:]]
    for step in range(STEPS):
        rows = order[np.arange(step * BATCH, (step + 1) * BATCH) % len(order)]
        batch = images[rows] / 16, np.eye(10)[labels[rows]]
        loss, gradients = loss_and_gradients(*batch, *parameters)
        parameters = [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]
    return parameters, loss


def test_training_takes_the_path_of_torch():
    parameters, loss = train(by_hw1lib)
    assert loss < 1.0  # from log(10) = 2.3: it has learnt something
    same(parameters, train(by_torch)[0], rtol=1e-9, atol=1e-9)
