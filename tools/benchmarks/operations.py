"""What is compared: each operation's inputs, its mathematics, and hw1lib's two passes.

The mathematics is written once, for a library `xp` that has NumPy's names; torch, HIPS autograd and
JAX all run that text and differentiate it. hw1lib runs its closed forms.

Each operation has the same five parts: `inputs` draws its arguments and the upstream gradient,
`mathematics` is its equation, `fused` what torch ships for it, `closed_form` the two passes of
hw1lib, and `work` counts the numbers that must move and the operations of its matrix products.
"""

from itertools import pairwise

import numpy as np

import hw1lib
from benchmarks.ladder import rungs

EPS = 1e-5
P = 0.5
CLASSES = 10
GRID = ((32, 100), (128, 256), (512, 512), (1024, 1024), (4096, 1024), (8192, 2048))
GENERATOR = np.random.default_rng(0)  # draws hw1lib's masks


class BatchNormReLU:
    """Batch norm, then ReLU; the size is (B, M)."""

    name = "batch norm with ReLU"
    sizes = GRID
    rungs = rungs()

    @staticmethod
    def inputs(rng, B, M):
        Y = rng.normal(size=(B, M)) * np.resize([0.1, 1.0, 10.0], M) + rng.normal(size=M)
        return [Y, rng.normal(size=M), rng.normal(size=M)], rng.normal(size=(B, M))

    @staticmethod
    def mathematics(xp, Y, gamma, beta):
        m = xp.mean(Y, 0)
        v = xp.mean((Y - m) ** 2, 0)
        x_hat = (Y - m) / xp.sqrt(v + EPS)
        return xp.relu(gamma * x_hat + beta)

    @staticmethod
    def fused(torch, Y, gamma, beta):
        normalized = torch.nn.functional.batch_norm(Y, None, None, gamma, beta, True, 0.1, EPS)
        return torch.relu(normalized)

    @staticmethod
    def closed_form(leaves, dH):
        Y_hat, batchnorm_cache = hw1lib.batchnorm_forward(*leaves, EPS)
        H, relu_cache = hw1lib.relu_forward(Y_hat)
        dY_hat = hw1lib.relu_backward(dH, relu_cache)
        return H, *hw1lib.batchnorm_backward(dY_hat, batchnorm_cache)

    @staticmethod
    def work(B, M):
        # Forward: Y is read, H written; backward: Y and dH are read, dY written.
        return {"numbers": 5 * B * M, "products": 0}


class Whitening:
    """ZCA whitening; the size is (B, M), up to what five eigendecompositions a round allow."""

    name = "whitening"
    sizes = ((64, 16), (256, 64), (512, 128), (1024, 256), (4096, 512))

    @staticmethod
    def inputs(rng, B, M):
        Y = rng.normal(size=(B, M)) + rng.normal(size=M)
        return [Y, rng.normal(size=M), rng.normal(size=M)], rng.normal(size=(B, M))

    @staticmethod
    def mathematics(xp, Y, gamma, beta):
        C = Y - xp.mean(Y, 0)
        lam, U = xp.eigh(C.T @ C / len(Y))
        root = (U / xp.sqrt(lam + EPS)) @ U.T
        return gamma * (C @ root) + beta

    fused = None  # torch has none

    @staticmethod
    def closed_form(leaves, dY_hat):
        Y_hat, cache = hw1lib.whitening_forward(*leaves, EPS)
        return Y_hat, *hw1lib.whitening_backward(dY_hat, cache)

    @staticmethod
    def work(B, M):
        # Five products with the batch (sigma, Y_hat, C.T @ T and the two terms of dC), about 9 M^3
        # for the eigenvectors (Golub and Van Loan, 8.3), and five products of M x M matrices.
        return {"numbers": 5 * B * M, "products": 10 * B * M * M + 19 * M**3}


class IllConditionedWhitening(Whitening):
    """Whitening of features with scales from 0.1 to 10: the covariance loses four digits.

    hw1lib takes singular values of the batch then, which keep them; the other sides do not.
    """

    name = "whitening, scales 0.1 to 10"
    inputs = BatchNormReLU.inputs


class Dropout:
    """Dropout with a given mask; the size is (B, M)."""

    name = "dropout"
    sizes = GRID

    @staticmethod
    def inputs(rng, B, M):
        mask = (rng.random((B, M)) >= P).astype(float)
        return [rng.normal(size=(B, M)), mask], rng.normal(size=(B, M))

    @staticmethod
    def mathematics(xp, h, mask):
        return mask * h / (1 - P)

    fused = None  # it draws its own mask: see DrawnDropout
    constants = (1,)

    @staticmethod
    def closed_form(leaves, dh_tilde):
        h_tilde, cache = hw1lib.dropout_forward(*leaves, P)
        return h_tilde, hw1lib.dropout_backward(dh_tilde, cache)

    @staticmethod
    def work(B, M):
        return {"numbers": 6 * B * M, "products": 0}


class DrawnDropout:
    """Dropout that draws its mask, each library with its own generator; the size is (B, M)."""

    name = "dropout with its mask"
    sizes = GRID
    random = True  # so each side's gradient is compared with its own mask

    @staticmethod
    def inputs(rng, B, M):
        return [rng.normal(size=(B, M)) + 3], rng.normal(size=(B, M))

    @staticmethod
    def mathematics(xp, h):
        return xp.keep(h) * h / (1 - P)

    @staticmethod
    def fused(torch, h):
        return torch.nn.functional.dropout(h, P)

    @staticmethod
    def closed_form(leaves, dh_tilde):
        (h,) = leaves
        mask = hw1lib.dropout_mask(GENERATOR, h.shape, P, h.dtype)
        h_tilde, cache = hw1lib.dropout_forward(h, mask, P)
        return h_tilde, hw1lib.dropout_backward(dh_tilde, cache)

    work = Dropout.work


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy of one-hot targets; the size is (B, K)."""

    name = "softmax cross-entropy"
    sizes = GRID

    @staticmethod
    def inputs(rng, B, K):
        targets = np.eye(K)[rng.integers(K, size=B)]
        return [3 * rng.normal(size=(B, K)), targets], rng.normal(size=B)

    @staticmethod
    def mathematics(xp, Z, targets):
        shifted = Z - xp.rowmax(Z)
        log_sum = xp.log(xp.sum(xp.exp(shifted), 1))
        return log_sum - xp.sum(targets * shifted, 1)

    @staticmethod
    def fused(torch, Z, targets):
        return torch.nn.functional.cross_entropy(Z, targets, reduction="none")

    constants = (1,)

    @staticmethod
    def closed_form(leaves, dlosses):
        losses, cache = hw1lib.softmax_cross_entropy_forward(*leaves)
        return losses, hw1lib.softmax_cross_entropy_backward(dlosses, cache)

    @staticmethod
    def work(B, K):
        return {"numbers": 5 * B * K, "products": 0}


class MLP:
    """A perceptron with ReLU and ten logits; the size is (B, width, layers)."""

    name = "MLP"
    sizes = (
        (32, 100, 2),
        (128, 64, 4),
        (256, 128, 3),
        (256, 256, 1),
        (256, 256, 2),
        (256, 256, 4),
        (256, 256, 8),
        (512, 512, 4),
        (512, 1024, 3),
        (1024, 1024, 2),
        (8192, 2048, 1),
    )

    @staticmethod
    def inputs(rng, B, width, layers):
        widths = [width] * layers + [CLASSES]
        leaves = [rng.normal(size=(B, width))]
        for n, m in pairwise(widths):
            leaves.append(rng.normal(size=(m, n)) * (2 / n) ** 0.5)
            leaves.append(rng.normal(size=m) * 0.1)
        return leaves, rng.normal(size=(B, CLASSES))

    @staticmethod
    def mathematics(xp, h, *parameters):
        for i in range(0, len(parameters), 2):
            h = h @ parameters[i].T + parameters[i + 1]
            h = xp.relu(h) if i + 2 < len(parameters) else h
        return h

    @staticmethod
    def fused(torch, h, *parameters):
        for i in range(0, len(parameters), 2):
            h = torch.nn.functional.linear(h, parameters[i], parameters[i + 1])
            h = torch.relu(h) if i + 2 < len(parameters) else h
        return h

    @staticmethod
    def closed_form(leaves, dlogits):
        logits, cache = hw1lib.mlp_forward(leaves[0], leaves[1::2], leaves[2::2])
        dhs, dWs, dbs = hw1lib.mlp_backward(dlogits, cache)
        gradients = [g for pair in zip(dWs, dbs, strict=True) for g in pair]
        return logits, dhs[0], *gradients

    @staticmethod
    def work(B, width, layers):
        weights = (layers - 1) * width**2 + width * CLASSES
        # The activations and their gradients, and each weight with its gradient.
        numbers = 4 * layers * B * width + 3 * weights
        return {"numbers": numbers, "products": 6 * B * weights}


OPERATIONS = [
    BatchNormReLU,
    Whitening,
    IllConditionedWhitening,
    Dropout,
    DrawnDropout,
    SoftmaxCrossEntropy,
    MLP,
]
