"""Training with hw1lib's gradients takes the path of training with torch's autograd.

Tolerance: 1e-9 after 100 steps of gradient descent, in float64.
"""

from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits

from hw1lib import (
    kaiming_normal,
    mlp_backward,
    mlp_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

STEPS, BATCH, RATE = 100, 64, 0.1
WIDTHS = [64, 32, 24, 10]


def batches():
    images, labels = load_digits(return_X_y=True)
    X, targets = images / 16, np.eye(10)[labels]
    order = np.random.default_rng(0).permutation(len(X))
    for step in range(STEPS):
        rows = order[np.arange(step * BATCH, (step + 1) * BATCH) % len(X)]
        yield X[rows], targets[rows]


def start():
    rng = np.random.default_rng(1)
    weights = [kaiming_normal(rng, (m, n)) for n, m in pairwise(WIDTHS)]
    return weights, [rng.normal(size=m) * 0.1 for m in WIDTHS[1:]]


def train_with_hw1lib():
    weights, biases = start()
    for X, targets in batches():
        logits, cache = mlp_forward(X, weights, biases)
        losses, loss_cache = softmax_cross_entropy_forward(logits, targets)
        dlogits = softmax_cross_entropy_backward(np.full(BATCH, 1 / BATCH), loss_cache)
        _, dWs, dbs = mlp_backward(dlogits, cache)
        weights = [W - RATE * dW for W, dW in zip(weights, dWs, strict=True)]
        biases = [b - RATE * db for b, db in zip(biases, dbs, strict=True)]
    return [*weights, *biases], losses.mean()


def train_with_torch():
    weights, biases = start()
    parameters = [torch.tensor(p, requires_grad=True) for p in (*weights, *biases)]
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    for X, targets in batches():
        h = torch.tensor(X)
        for i in range(3):
            h = torch.nn.functional.linear(h, parameters[i], parameters[3 + i])
            h = torch.relu(h) if i < 2 else h
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(h, torch.tensor(targets)).backward()
        optimizer.step()
    return [p.detach().numpy() for p in parameters]


def test_training_takes_the_path_of_torch():
    parameters, loss = train_with_hw1lib()
    assert loss < 1.0  # from log(10) = 2.3: it has learnt something
    for actual, expected in zip(parameters, train_with_torch(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)
