"""Equations (84) to (97), the deep classifier; each docstring is the displayed equation.

Indices are the homework's: W[1] .. W[L], h[0] .. h[L]. The equations treat one sample, so the
checks compute in columns, one sample after the other; torch and hw1lib take the whole batch.
"""

import math
from collections import Counter
from fractions import Fraction
from functools import reduce
from itertools import product

import numpy as np
import pytest
import sympy
import torch
from scipy import stats
from torch.nn.functional import cross_entropy, linear

import hw1lib as hw

B, L, K = 6, 3, 4
D = [7, 5, 9, K]  # the widths D_0 .. D_L, all different
PHI = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}
SLOPE = {"relu": lambda z: 1.0 * (z > 0), "tanh": lambda z: 1 / np.cosh(z) ** 2}
TORCH = {"relu": torch.relu, "tanh": torch.tanh}
HW1LIB = {"relu": hw.relu_forward, "tanh": hw.tanh_forward}


class Network:
    """A random network and a batch, with its gradients by torch and by hw1lib.

    The loss of the batch is the sum of c[n] times the loss of sample n. With a linear readout,
    phi of layer L is the identity, with the slope 1.
    """

    def __init__(self, activation, readout):
        rng = np.random.default_rng(84)
        self.activation, self.readout = activation, readout
        self.W = [None] + [0.4 * rng.normal(size=(D[i], D[i - 1])) for i in range(1, L + 1)]
        self.b = [None] + [0.4 * rng.normal(size=D[i]) for i in range(1, L + 1)]
        self.X = rng.normal(size=(B, D[0])) * [0.01, 1, 10, 1, 0.01, 1, 0.01]
        self.W[1][:, 2] /= 10  # or tanh would be flat at its input of scale 10
        self.targets = rng.dirichlet(np.ones(K), size=B)
        self.c = rng.normal(size=B)

    def phi(self, i, z):
        return z if i == L and self.readout == "linear" else PHI[self.activation](z)

    def slope(self, i, z):
        return np.ones(K) if i == L and self.readout == "linear" else SLOPE[self.activation](z)

    def columns(self, n):
        """Return z[1] .. z[L] and h[0] .. h[L] of sample n."""
        z, h = [None], [self.X[n]]
        for i in range(1, L + 1):
            z.append(self.W[i] @ h[i - 1] + self.b[i])
            h.append(self.phi(i, z[i]))
        return z, h

    def torch_forward(self):
        """Return the tensors h_0 .. h_L of the batch, W_1 .. W_L and b_1 .. b_L."""
        tensors = [torch.from_numpy(a).requires_grad_() for a in self.W[1:] + self.b[1:]]
        h = [torch.from_numpy(self.X).requires_grad_()]
        for i in range(L):
            h.append(linear(h[i], tensors[i], tensors[L + i]))
            if i + 1 < L or self.readout == "activated":
                h[-1] = TORCH[self.activation](h[-1])
        return h, tensors

    def torch_gradients(self):
        """Return dh[0] .. dh[L], dW[1] .. dW[L] and db[1] .. db[L]."""
        h, tensors = self.torch_forward()
        losses = cross_entropy(h[L], torch.from_numpy(self.targets), reduction="none")
        gradients = torch.autograd.grad(losses @ torch.from_numpy(self.c), h + tensors)
        gradients = [g.numpy() for g in gradients]
        dh, dW, db = gradients[: L + 1], gradients[L + 1 : 2 * L + 1], gradients[2 * L + 1 :]
        return dh, [None, *dW], [None, *db]

    def hw1lib_forward(self):
        """Return h[0] .. h[L] of the batch, and the cache."""
        options = {"activation": self.activation, "readout": self.readout}
        logits, cache = hw.mlp_forward(self.X, self.W[1:], self.b[1:], **options)
        return [affine.X for affine, _ in cache.layers] + [logits], cache

    def hw1lib_gradients(self):
        """Return the same as `torch_gradients`."""
        h, cache = self.hw1lib_forward()
        _, loss_cache = hw.softmax_cross_entropy_forward(h[L], self.targets)
        dh, dW, db = hw.mlp_backward(hw.softmax_cross_entropy_backward(self.c, loss_cache), cache)
        return dh, [None, *dW], [None, *db]


PRINTED = [("relu", "activated"), ("tanh", "activated")]
USUAL = [("relu", "linear"), ("tanh", "linear")]
both_models = pytest.mark.parametrize("model", PRINTED + USUAL, ids="-".join)
printed_model = pytest.mark.parametrize("model", PRINTED, ids="-".join)


@printed_model
@pytest.mark.equation(84, by="torch")
def test_a_network_is_a_chain_of_affine_maps_and_activations(model, check):
    r"""\begin{aligned}
    \mathbf z_i &= W_i\,\mathbf h_{i-1}+\mathbf b_i, \\
    \mathbf h_i &= \phi(\mathbf z_i), \qquad i=1,\dots,L, \\
    W_i &\in\mathbb R^{D_i\times D_{i-1}}, \quad
    \mathbf b_i,\ \mathbf z_i,\ \mathbf h_i\in\mathbb R^{D_i}.
    \end{aligned}"""
    net = Network(*model)
    W, b = net.W, net.b
    by_torch, _ = net.torch_forward()
    by_hw1lib, _ = net.hw1lib_forward()
    for n in range(B):
        z, h = {}, {0: net.X[n]}
        for i in range(1, L + 1):
            z[i] = W[i] @ h[i - 1] + b[i]
            h[i] = PHI[net.activation](z[i])
            assert W[i].shape == (D[i], D[i - 1])
            assert b[i].shape == z[i].shape == h[i].shape == (D[i],)
            check.equal(h[i], by_torch[i][n].detach())
            check.equal(by_hw1lib[i][n], h[i])
    assert len(by_hw1lib) == len(h)


@pytest.fixture
def logits():
    return np.random.default_rng(85).normal(size=(B, K)) * [0.01, 1, 10, 3]


@pytest.fixture
def targets():
    """Soft targets: every row sums to 1."""
    return np.random.default_rng(86).dirichlet(np.ones(K), size=B)


@pytest.mark.equation(85, by="torch")
def test_softmax_divides_an_exponential_by_the_sum_of_all(logits, check):
    r"""\begin{aligned}
    y_k &= \frac{\exp(h_{L,k})}{\sum_{r=1}^{K}\exp(h_{L,r})}, \\
    &\qquad k=1,\dots,K, \\
    \mathbf y &\in\mathbb R^{K}.
    \end{aligned}"""
    for n in range(B):
        h_L = logits[n]
        y = [math.exp(h_L[k]) / sum(math.exp(h_L[r]) for r in range(K)) for k in range(K)]
        assert np.shape(y) == (K,)
        check.equal(y, torch.softmax(torch.from_numpy(h_L), dim=0))
        check.equal(hw.softmax(logits)[n], y)


@pytest.mark.equation(86, by="torch")
def test_cross_entropy_weighs_the_logarithms_with_the_target(logits, targets, check):
    r"""\ell=-\sum_{k=1}^{K}\bar y_k\log y_k ."""
    tensors = torch.from_numpy(logits), torch.from_numpy(targets)
    by_torch = cross_entropy(*tensors, reduction="none")
    by_hw1lib, _ = hw.softmax_cross_entropy_forward(logits, targets)
    for n in range(B):
        y, y_bar = torch.softmax(tensors[0][n], dim=0).numpy(), targets[n]
        loss = -sum(y_bar[k] * math.log(y[k]) for k in range(K))
        check.equal(loss, by_torch[n])
        check.equal(by_hw1lib[n], loss)


@pytest.mark.equation(87, by="autograd")
def test_the_gradient_at_the_logits_is_output_minus_target(logits, targets, check):
    r"""\begin{aligned}
    \frac{\partial\ell}{\partial\mathbf h_L} &= \mathbf y-\bar{\mathbf y}
    \ \in\mathbb R^{K} \\
    &\text{whenever}\quad \sum_{k=1}^K\bar y_k=1 .
    \end{aligned}"""

    def autograd(h_L, y_bar):
        h_L = torch.from_numpy(h_L).requires_grad_()
        loss = -torch.sum(torch.from_numpy(y_bar) * torch.log_softmax(h_L, dim=0))
        return torch.autograd.grad(loss, h_L)[0]

    c = np.random.default_rng(87).normal(size=B)  # the gradient of each sample's loss
    _, cache = hw.softmax_cross_entropy_forward(logits, targets)
    by_hw1lib = hw.softmax_cross_entropy_backward(c, cache)
    for n in range(B):
        y = torch.softmax(torch.from_numpy(logits[n]), dim=0).numpy()
        assert (y - targets[n]).shape == (K,)
        check.equal(y - targets[n], autograd(logits[n], targets[n]))
        check.equal(by_hw1lib[n], c[n] * (y - targets[n]))

        too_large = 1.3 * targets[n]  # does not sum to 1
        assert not np.allclose(y - too_large, autograd(logits[n], too_large), rtol=0.01)
    with pytest.raises(ValueError, match="sum to 1"):
        hw.softmax_cross_entropy_forward(logits, 1.3 * targets)


@printed_model
@pytest.mark.equation(88, by="torch")
def test_one_layer_is_an_affine_map_and_an_activation(model, check):
    r"""\begin{aligned}
    \mathbf h_i &= \phi(\mathbf z_i),\qquad
    \mathbf z_i=W_i\,\mathbf h_{i-1}+\mathbf b_i, \\
    W_i &\in\mathbb R^{D_i\times D_{i-1}},\quad
    \mathbf h_i,\ \mathbf z_i,\ \mathbf b_i\in\mathbb R^{D_i} .
    \end{aligned}"""
    net = Network(*model)
    W, b = net.W, net.b
    h, _ = net.torch_forward()  # h[i][n] is what layer i makes of h[i - 1][n]
    h = [tensor.detach().numpy() for tensor in h]
    for i in range(1, L + 1):
        Z, _ = hw.affine_forward(h[i - 1], W[i], b[i])
        H, _ = HW1LIB[net.activation](Z)
        for n in range(B):
            z_i = W[i] @ h[i - 1][n] + b[i]
            h_i = PHI[net.activation](z_i)
            assert W[i].shape == (D[i], D[i - 1])
            assert h_i.shape == z_i.shape == b[i].shape == (D[i],)
            check.equal(h_i, h[i][n])
            check.equal(Z[n], z_i)
            check.equal(H[n], h_i)


@printed_model
@pytest.mark.equation(89, by="torch")
def test_the_layer_above_uses_the_activations_of_the_layer_below(model, check):
    r"""\begin{aligned}
    \mathbf h_{i+1} &= \phi(\mathbf z_{i+1}),\qquad 0\le i\le L-1, \\
    \mathbf z_{i+1} &= W_{i+1}\,\mathbf h_i+\mathbf b_{i+1} .
    \end{aligned}"""
    net = Network(*model)
    by_torch, _ = net.torch_forward()
    for n in range(B):
        h = [net.X[n]]
        for i in range(L):  # 0 <= i <= L - 1
            z = net.W[i + 1] @ h[i] + net.b[i + 1]
            h.append(PHI[net.activation](z))
            layer = [net.W[i + 1]], [net.b[i + 1]]
            options = {"activation": net.activation, "readout": "activated"}
            check.equal(hw.mlp_forward(h[i][None], *layer, **options)[0][0], h[i + 1])
        for ours, theirs in zip(h, by_torch, strict=True):  # all of h_0 .. h_L
            check.equal(ours, theirs[n].detach())


@both_models
@pytest.mark.equation(90, by="autograd")
def test_the_gradient_goes_down_through_the_slopes_and_the_transposed_weights(model, check):
    r"""\begin{aligned}
    \frac{\partial\ell}{\partial\mathbf h_i}
    &=W_{i+1}^\top\Big[\frac{\partial\ell}{\partial\mathbf h_{i+1}}
    \odot\phi'(\mathbf z_{i+1})\Big] \\
    &\qquad\text{for } 0\le i\le L-1, \\
    &=\Big(\prod_{l=i+1}^{L}W_l^\top\operatorname{diag}\phi'(\mathbf z_l)\Big)
    (\mathbf y-\bar{\mathbf y}) \\
    &\qquad\text{for } 0\le i\le L .
    \end{aligned}"""
    net = Network(*model)
    W, by_torch, by_hw1lib = net.W, net.torch_gradients()[0], net.hw1lib_gradients()[0]
    for n in range(B):
        z, h = net.columns(n)
        error = torch.softmax(torch.from_numpy(h[L]), dim=0).numpy() - net.targets[n]
        dh = {L: error}
        for i in reversed(range(L)):  # 0 <= i <= L - 1
            dh[i] = W[i + 1].T @ (dh[i + 1] * net.slope(i + 1, z[i + 1]))
        for i in range(L + 1):  # 0 <= i <= L
            factors = [W[j].T @ np.diag(net.slope(j, z[j])) for j in range(i + 1, L + 1)]  # j for l
            unrolled = reduce(np.matmul, factors, np.eye(D[i])) @ error
            assert dh[i].shape == (D[i],)
            check.equal(net.c[n] * dh[i], net.c[n] * unrolled, by_torch[i][n])
            check.equal(by_hw1lib[i][n], net.c[n] * dh[i])


@both_models
@pytest.mark.equation(91, by="autograd")
def test_the_gradient_of_the_weights_is_an_outer_product(model, check):
    r"""\begin{aligned}
    \frac{\partial\ell}{\partial W_i}
    &=\boldsymbol\delta_i\,\mathbf h_{i-1}^\top
    \ \in\mathbb R^{D_i\times D_{i-1}} \\
    &=\Big[\frac{\partial\ell}{\partial\mathbf h_i}\odot\phi'(\mathbf z_i)\Big]\mathbf
    h_{i-1}^\top, \\
    \boldsymbol\delta_i&=\frac{\partial\ell}{\partial\mathbf h_i}\odot\phi'(\mathbf z_i)
    \ \in\mathbb R^{D_i}, \\
    &\quad 1\le i\le L .
    \end{aligned}"""
    net = Network(*model)
    dh, by_torch, _ = net.torch_gradients()
    _, by_hw1lib, _ = net.hw1lib_gradients()
    for i in range(1, L + 1):
        outer, bracket = np.zeros((D[i], D[i - 1])), np.zeros((D[i], D[i - 1]))
        for n in range(B):  # the samples share the weights: their gradients add up
            z, h = net.columns(n)
            delta = dh[i][n] * net.slope(i, z[i])
            assert delta.shape == (D[i],)
            outer += np.outer(delta, h[i - 1])
            bracket += (dh[i][n] * net.slope(i, z[i]))[:, None] @ h[i - 1][None, :]
        check.equal(outer, bracket, by_torch[i])
        check.equal(by_hw1lib[i], outer)


@both_models
@pytest.mark.equation(92, by="autograd")
def test_the_gradient_of_the_biases_is_the_delta(model, check):
    r"""\begin{aligned}
    \frac{\partial\ell}{\partial\mathbf b_i} &= \boldsymbol\delta_i
    =\frac{\partial\ell}{\partial\mathbf h_i}\odot\phi'(\mathbf z_i), \\
    \boldsymbol\delta_i &\in\mathbb R^{D_i},
    \qquad 1\le i\le L .
    \end{aligned}"""
    net = Network(*model)
    dh, _, by_torch = net.torch_gradients()
    _, _, by_hw1lib = net.hw1lib_gradients()
    for i in range(1, L + 1):
        db = np.zeros(D[i])
        for n in range(B):  # the samples share the biases: their gradients add up
            z, _ = net.columns(n)
            delta = dh[i][n] * net.slope(i, z[i])
            assert delta.shape == (D[i],)
            db += delta
        check.equal(db, by_torch[i])
        check.equal(by_hw1lib[i], db)


# Kaiming: ReLU, no biases. Weights with a few equally likely values let us visit every network.

FANS = [3, 2, 4, 5]  # D_0 .. D_L
VALUES = [None, (-2, -1, 1, 2), (-2, 2), (-3, 3)]  # of an entry of W_1, W_2, W_3
INPUTS = Counter([(1, 2, -1), (3, 0, 1), (-1, 4, 2)])  # h_0; its mean is not 0


def variance(values):
    """Return the variance of a number that is uniform on `values`."""
    mean = Fraction(sum(values), len(values))
    return sum((v - mean) ** 2 for v in values) / len(values)


def relu_layer(law, values, units):
    """Return the law of relu(W h), as counts, from that of h; W has independent entries."""
    law_above = Counter()
    for h, count in law.items():
        rows = product(values, repeat=len(h))
        unit = Counter(max(0, sum(w * x for w, x in zip(row, h, strict=True))) for row in rows)
        for layer in product(unit.items(), repeat=units):
            h_above, counts = zip(*layer, strict=True)
            law_above[h_above] += count * math.prod(counts)
    return law_above


def second_moment(law):
    """Return E[h**2], averaged over the units."""
    total = sum(count * sum(x * x for x in h) for h, count in law.items())
    return Fraction(total, sum(count * len(h) for h, count in law.items()))


@pytest.fixture(scope="module")
def moments():
    """E[h_0**2] .. E[h_L**2], exactly; in layer L one unit is enough, as all have the same law."""
    laws = [INPUTS]
    for i in range(1, L + 1):
        laws.append(relu_layer(laws[i - 1], VALUES[i], units=FANS[i] if i < L else 1))
    return [second_moment(law) for law in laws]


@pytest.mark.equation(93, by="enumeration")
def test_relu_keeps_half_of_the_second_moment_that_the_weights_make(moments, check):
    r"""\begin{gathered}
    \mathbb E[h_i^2] = \tfrac12\, D_{i-1}\, \sigma_i^2 \; \mathbb E[h_{i-1}^2], \\
    \sigma_i^2 = \operatorname{Var}\big[(W_i)_{ab}\big] \end{gathered}"""
    sigma = [None] + [math.sqrt(variance(values)) for values in VALUES[1:]]
    by_hw1lib = hw.forward_second_moments(FANS, sigma[1:], float(moments[0]))
    for i in range(1, L + 1):
        right_side = Fraction(1, 2) * FANS[i - 1] * variance(VALUES[i]) * moments[i - 1]
        check.identity(moments[i], right_side)
        check.equal(by_hw1lib[i], float(moments[i]))


@pytest.mark.equation(94, by="enumeration")
def test_the_layers_multiply_the_second_moment(moments, check):
    r"""\mathbb E[h_L^2] = \Big( \prod_{i=1}^{L} \tfrac12\, D_{i-1}\, \sigma_i^2 \Big)\, \mathbb
    E[h_0^2]"""
    factors = [Fraction(1, 2) * FANS[i - 1] * variance(VALUES[i]) for i in range(1, L + 1)]
    check.identity(moments[L], math.prod(factors) * moments[0])
    sigma = [math.sqrt(variance(VALUES[i])) for i in range(1, L + 1)]
    by_hw1lib = hw.forward_second_moments(FANS, sigma, float(moments[0]))
    check.equal(by_hw1lib[L], float(moments[L]))


@pytest.mark.equation(95, by="sympy")
def test_two_over_the_fan_in_keeps_every_layer_level(check):
    r"""\sigma_i^2 = \frac{2}{D_{i-1}}, \qquad i = 1, \dots, L"""
    fan_in, variance = sympy.symbols("D_{i-1} sigma_i^2", positive=True)
    (solution,) = sympy.solve(fan_in * variance / 2 - 1, variance)  # a factor of (94) is 1
    check.identity(2 / fan_in, solution)

    gain, squares = torch.nn.init.calculate_gain("relu"), {}
    for i in range(1, L + 1):
        squares[i] = 2 / FANS[i - 1]
        check.equal(squares[i], gain**2 / FANS[i - 1])
        check.equal(hw.kaiming_std((FANS[i], FANS[i - 1])) ** 2, squares[i])
    level = hw.forward_second_moments(FANS, [math.sqrt(s) for s in squares.values()], 1.7)
    check.equal(level, np.full(L + 1, 1.7))


@pytest.mark.parametrize(("D_i", "D_above"), [(3, 2), (2, 3)])
@pytest.mark.equation(96, by="enumeration")
def test_the_gradient_grows_with_the_fan_out(D_i, D_above, check):
    r"""\begin{aligned}
    &\mathbb E\Big[\Big(\frac{\partial\ell}{\partial h_i}\Big)^2\Big] \\
    &\quad = \tfrac12\, D_{i+1}\, \sigma_{i+1}^2 \;
    \mathbb E\Big[\Big(\frac{\partial\ell}{\partial h_{i+1}}\Big)^2\Big]
    \end{aligned}"""
    # Every W_{i+1} with entries in `values`, together with every choice of signs of the gradient
    # at h_{i+1}: independent of W_{i+1}, with mean 0, and uncorrelated.
    values, h_i = (-3, -1, 1, 3), [2.0, 0.5, 4.25][:D_i]
    signs = np.array(list(product((-1, 1), repeat=D_above)))
    g = torch.tensor(signs * [2.0, 5.0, 0.5][:D_above])
    W = torch.tensor(list(product(values, repeat=D_above * D_i)), dtype=torch.float64)
    W, g = W.repeat(len(g), 1).reshape(-1, D_above, D_i), g.repeat_interleave(len(W), dim=0)

    h = torch.tensor(h_i).double().repeat(len(g), 1).requires_grad_()
    z = torch.einsum("nak,nk->na", W, h)
    assert (z != 0).all()  # the kink has probability 0, as with weights that have a density
    (dh,) = torch.autograd.grad(torch.relu(z), h, g)
    right_side = 1 / 2 * D_above * float(variance(values)) * (g**2).mean().item()
    check.equal((dh**2).mean(dim=0), np.full(D_i, right_side))  # for each unit of layer i
    sigma = math.sqrt(variance(values))
    by_hw1lib = hw.backward_second_moments([D_i, D_above], [sigma], (g**2).mean().item())
    check.equal(by_hw1lib[0], right_side)


@pytest.mark.equation(97, by="Monte Carlo")
def test_kaiming_weights_are_independent_and_normal(check):
    r"""\begin{aligned}
    (W_i)_{ab} &\overset{\text{iid}}{\sim} \mathcal N\Big(0,\; \frac{2}{D_{i-1}}\Big), \\
    \mathbf b_i &= \mathbf 0, \qquad i = 1, \dots, L
    \end{aligned}"""
    rng = np.random.default_rng(97)
    widths = [12, 20, 8, 16]
    nets = [[hw.kaiming_normal(rng, (widths[i], widths[i - 1])) for i in range(1, L + 1)]
            for _ in range(4000)]  # fmt: skip
    b = [np.zeros(widths[i]) for i in range(1, L + 1)]
    for i in range(1, L + 1):
        W = np.array([net[i - 1].ravel() for net in nets])  # a column for each entry (a, b)
        check.sample(W.ravel(), 0)
        check.sample(W.ravel() ** 2, 2 / widths[i - 1])
        law = stats.norm(0, math.sqrt(2 / widths[i - 1]))
        assert stats.kstest(W.ravel(), law.cdf).pvalue > 1e-3
        correlations = np.corrcoef(W.T)[np.triu_indices(W.shape[1], 1)]
        assert np.abs(correlations).max() < 6 / math.sqrt(len(nets))

    # What it is for: E[h_i**2] stays what it was, from the input to the last layer.
    x = rng.uniform(0.5, 2, (1, widths[0]))
    outputs = [hw.mlp_forward(x, W, b, readout="activated") for W in nets]
    for i in range(1, L):
        squares = [np.mean(cache.layers[i][0].X ** 2) for _, cache in outputs]
        check.sample(squares, np.mean(x**2))
    check.sample([np.mean(h**2) for h, _ in outputs], np.mean(x**2))
