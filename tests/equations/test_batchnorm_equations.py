"""Checks of equations (34) to (78): batch normalization, forward and backward.

The docstring of a check is the equation as the page displays it. Each check types the equation in
with the same indices, and compares it with torch or with an enumeration, and with hw1lib.

Samples are i (whose input moves) and k (whose output answers), features j. A Jacobian, which has
the entries d[k, j] / d[i, j], is an array [k, i, j].
"""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
import torch
from torch.nn import functional

import hw1lib as hw

# One batch: features of scale 0.01, 1 and 10 around other means than 0, and a sizable eps.
B, N, M = 7, 6, 3
EPS = 1e-2
rng = np.random.default_rng(47)
X = rng.normal(size=(B, N))
W = rng.normal(size=(M, N)) * np.array([[0.01], [1.0], [10.0]])
b = rng.normal(size=M)
Y = X @ W.T + b
gamma, beta = rng.normal(size=M), rng.normal(size=M) * np.array([0.02, 0.5, 0.5])
# The gradient of the loss with respect to H, which is given.
dH = rng.normal(size=(B, M))  # noqa: N816

# What (36), (37), (38) and (47) make of it; their own checks are below.
m = Y.mean(axis=0)
v = ((Y - m) ** 2).mean(axis=0)
s = np.sqrt(v + EPS)
x_hat = (Y - m) / s
Y_hat = gamma * x_hat + beta
H = np.maximum(0, Y_hat)
G = dH * (Y_hat > 0)
delta = np.eye(B)

# All 5**4 batches of R = 4 rows, each row one of 5: together, the law of 4 i.i.d. rows.
R = 4
VALUES = rng.exponential(size=(5, M)) * np.array([0.01, 1.0, 10.0]) + rng.normal(size=M)
MU, SIGMA2 = VALUES.mean(axis=0), VALUES.var(axis=0)
IID = VALUES[list(itertools.product(range(5), repeat=R))]
# Without the constant batches the rows depend on one another, but are exchangeable and have v > 0.
EXCHANGEABLE = IID[np.ptp(IID, axis=1).min(axis=1) > 0]
# The same batches with their rows in order are not exchangeable any more.
SORTED = np.sort(EXCHANGEABLE, axis=1)


def entries(f, *shape):
    """Compute an array entry by entry, from the indices of each."""
    return np.array([f(*index) for index in np.ndindex(shape)]).reshape(shape)


def each_row(value):
    """Say the same of every row of a batch of R rows."""
    return np.tile(value, (R, 1))


def is_zero(check, value, size):
    """Find that a value is 0, up to the rounding of terms of that size."""
    check.equal(value / size, np.zeros_like(value), atol=1e-13)


def forward(Y=Y, eps=EPS):
    """Let hw1lib run one batch; give the output and the statistics."""
    Y_hat, cache = hw.batchnorm_forward(Y, gamma, beta, eps)
    return SimpleNamespace(Y_hat=Y_hat, **cache._asdict())


def forward_all(batches, eps):
    """Let hw1lib run every batch; the first axis is that of the batches."""
    runs = [vars(forward(batch, eps=eps)) for batch in batches]
    return SimpleNamespace(**{name: np.array([run[name] for run in runs]) for name in runs[0]})


def backward(upstream=dH, behind_relu=True):
    """Let hw1lib give all gradients of the layer, from that of H (or of Y_hat)."""
    Y_hat, cache = hw.batchnorm_forward(Y, gamma, beta, EPS)
    G = hw.relu_backward(upstream, hw.relu_forward(Y_hat)[1]) if behind_relu else upstream
    dY, dgamma, dbeta = hw.batchnorm_backward(G, cache)
    dm, dv = hw.batchnorm_statistics_backward(G, cache)
    return SimpleNamespace(G=G, dY=dY, dgamma=dgamma, dbeta=dbeta, dm=dm, dv=dv)


def jacobians(behind_relu):
    """Let hw1lib give the derivatives of each H[k, j] (or Y_hat[k, j]); the first axis is k."""
    rows = []
    for k in range(B):
        only_k = np.zeros((B, M))
        only_k[k] = 1  # features do not mix, so all j at once
        rows.append(vars(backward(only_k, behind_relu)))
    return SimpleNamespace(**{name: np.array([row[name] for row in rows]) for name in rows[0]})


def loss(H):
    """Return a loss whose gradient with respect to H is dH."""
    return (torch.tensor(dH) * H).sum()


def batch_norm(Y=Y, gamma=gamma, beta=beta):
    """Let torch normalize: the mean and the variance are functions of Y."""
    Y, gamma, beta = map(torch.as_tensor, (Y, gamma, beta))
    return functional.batch_norm(Y, None, None, gamma, beta, training=True, eps=EPS)


def normalize(m=m, v=v):
    """Return Y_hat in torch, with m and v as two variables of their own."""
    m, v = torch.as_tensor(m), torch.as_tensor(v)
    return torch.tensor(gamma) * (torch.tensor(Y) - m) / torch.sqrt(v + EPS) + torch.tensor(beta)


def variance_around(m):
    """Return the mean squared distance of Y from m in torch, as a function of m."""
    return ((torch.tensor(Y) - torch.as_tensor(m)) ** 2).mean(dim=0)


def gradient(f, x):
    """Let autograd differentiate f at x: the axes of f(x), then those of x."""
    return torch.autograd.functional.jacobian(f, torch.tensor(x)).numpy()


def derivative(f, x):
    """Let autograd give d f[k, j] / d x[j] as [k, j], or d f[k, j] / d x[i, j] as [k, i, j]."""
    J = gradient(f, x)
    kept = np.einsum("kjj->kj" if J.ndim == 3 else "kjij->kij", J)
    assert np.count_nonzero(J) == np.count_nonzero(kept)  # features do not mix
    return kept


def own(J):
    """Take d f[i, j] / d x[i, j] out of a Jacobian of a function that works entry by entry."""
    assert np.count_nonzero(J) == np.count_nonzero(np.einsum("iij->ij", J))
    return np.einsum("iij->ij", J)


def test_the_batch_can_hide_no_mistake():
    blocked = (Y_hat <= 0).sum(axis=0)
    assert (blocked > 1).all()
    assert (blocked < B - 1).all()
    assert gamma.min() < 0 < gamma.max()
    assert len({B, N, M, R, len(VALUES)}) == 5


@pytest.mark.equation(34, by="torch")
def test_a_layer_multiplies_by_the_weights_and_adds_the_bias_to_every_row(check):
    r"""Y = XW^\top + \mathbf 1_B\mathbf b^\top \in\mathbb R^{B\times M},"""
    ones, column = np.ones((B, 1)), b[:, None]
    right = X @ W.T + ones @ column.T
    assert right.shape == (B, M)
    check.equal(right, functional.linear(*map(torch.tensor, (X, W, b))))
    check.equal(hw.affine_forward(X, W, b)[0], right)


@pytest.mark.equation(35, by="torch")
def test_the_activation_acts_on_each_entry(check):
    r"""H = \phi(Y)\in\mathbb R^{B\times M}."""
    for phi, oracle, ours in (
        (lambda y: max(0.0, y), torch.relu, hw.relu_forward),
        (math.tanh, torch.tanh, hw.tanh_forward),
    ):
        right = np.array([[phi(Y[i, j]) for j in range(M)] for i in range(B)])
        assert right.shape == (B, M)
        check.equal(right, oracle(torch.tensor(Y)))
        check.equal(ours(Y)[0], right)


@pytest.mark.equation(36, by="torch")
def test_the_batch_mean_averages_the_rows_as_columns(check):
    r"""\mathbf m = \frac1B\,Y^\top\mathbf 1_B = \frac1B\sum_{i=1}^{B} Y_{i,:}^\top \in\mathbb
    R^{M}."""
    product = 1 / B * Y.T @ np.ones((B, 1))
    average = 1 / B * sum(Y[i : i + 1, :].T for i in range(B))
    assert product.shape == average.shape == (M, 1)
    expected = torch.tensor(Y).mean(dim=0)
    check.equal(product[:, 0], average[:, 0], forward().m, expected)


@pytest.mark.equation(37, by="torch")
def test_the_batch_variance_is_divided_by_the_number_of_samples(check):
    r"""v_j = \frac1B\sum_{i=1}^{B}\left(Y_{ij}-m_j\right)^2 ."""
    right = [1 / B * sum((Y[i, j] - m[j]) ** 2 for i in range(B)) for j in range(M)]
    check.equal(right, torch.tensor(Y).var(dim=0, correction=0))
    check.equal(forward().v, right)


@pytest.mark.equation(38, by="torch")
def test_batch_norm_standardizes_then_scales_and_shifts(check):
    r"""\begin{aligned}
    \hat Y_{ij} &= \gamma_j\,\hat x_{ij} + \beta_j, \\[4pt]
    \hat x_{ij} &= \frac{Y_{ij}-m_j}{s_j}, \qquad s_j = \sqrt{v_j+\epsilon}.
    \end{aligned}"""
    root = entries(lambda j: math.sqrt(v[j] + EPS), M)
    normalized = entries(lambda i, j: (Y[i, j] - m[j]) / root[j], B, M)
    output = entries(lambda i, j: gamma[j] * normalized[i, j] + beta[j], B, M)
    check.equal(root, torch.sqrt(torch.tensor(Y).var(dim=0, correction=0) + EPS))
    check.equal(normalized, batch_norm(gamma=np.ones(M), beta=np.zeros(M)))
    check.equal(output, batch_norm())
    ours = forward()
    check.equal(ours.s, root)
    check.equal(ours.x_hat, normalized)
    check.equal(ours.Y_hat, output)


@pytest.mark.equation(39, by="enumeration")
def test_the_batch_average_is_the_batch_mean_whose_expectation_is_the_population_mean(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}Y_{ij} = m_j, \\[6pt]
    &\mathbb E[Y_{ij}] = \mu_j = \mathbb E[m_j] \ne m_j \ \text{in general}.
    \end{aligned}"""
    check.equal(forward().m, 1 / B * sum(Y[i] for i in range(B)))
    batch_means = forward_all(IID, EPS).m
    check.equal(IID.mean(axis=0), each_row(MU))
    check.equal(batch_means.mean(axis=0), MU)
    assert not np.isclose(batch_means, MU).all(axis=0).any()  # m is not mu in general


@pytest.mark.equation(40, by="enumeration")
def test_centred_entries_average_to_zero(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\left(Y_{ij}-m_j\right) = m_j-m_j = 0, \\[6pt]
    &\mathbb E[Y_{ij}-m_j] = 0 \quad\text{(exch.)}.
    \end{aligned}"""
    ours, size = forward().m, np.abs(Y).max(axis=0)
    left = 1 / B * sum(Y[i] - ours for i in range(B))
    is_zero(check, left, size)
    is_zero(check, 1 / B * sum(Y[i] for i in range(B)) - ours, size)
    for centre in (ours + 0.3, ours - 2):  # the step before, seen where the sum is not 0
        check.equal(1 / B * sum(Y[i] - centre for i in range(B)), m - centre)
    centred = EXCHANGEABLE - forward_all(EXCHANGEABLE, 0.0).m[:, None]
    is_zero(check, centred.mean(axis=0), np.abs(EXCHANGEABLE).max(axis=(0, 1)))
    centred = SORTED - SORTED.mean(axis=1, keepdims=True)
    assert (centred[:, 0].mean(axis=0) < 0).all()  # exchangeability is needed


@pytest.mark.equation(41, by="enumeration")
def test_standardized_entries_average_to_zero(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\frac{Y_{ij}-m_j}{\sqrt{v_j}} = \frac1{\sqrt{v_j}}\cdot0 = 0, \\[6pt]
    &\mathbb E\left[\frac{Y_{ij}-m_j}{\sqrt{v_j}}\right] = 0 \quad\text{(exch.)}.
    \end{aligned}"""
    ours = forward(eps=0.0)
    check.equal(ours.x_hat, (Y - m) / np.sqrt(v))
    is_zero(check, 1 / B * sum((Y[i] - ours.m) / np.sqrt(ours.v) for i in range(B)), 1)
    for centre in (ours.m + 0.3, ours.m - 2):  # the factor comes out, seen where the sum is not 0
        left = 1 / B * sum((Y[i] - centre) / np.sqrt(ours.v) for i in range(B))
        check.equal(left, 1 / np.sqrt(ours.v) * (m - centre))
    is_zero(check, forward_all(EXCHANGEABLE, 0.0).x_hat.mean(axis=0), 1)
    assert (forward_all(SORTED, 0.0).x_hat[:, 0].mean(axis=0) < -0.5).all()


@pytest.mark.equation(42, by="enumeration")
def test_the_output_has_the_mean_beta_for_every_eps(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\hat Y_{ij} = \gamma_j\cdot0+\beta_j = \beta_j \quad(\epsilon\ge0),
        \\[6pt]
    &\mathbb E[\hat Y_{ij}] = \beta_j \quad\text{(exch.)}.
    \end{aligned}"""
    for eps in (0.0, 1e-5, EPS, 3.0):
        ours = forward(eps=eps)
        check.equal(1 / B * sum(ours.Y_hat[i] for i in range(B)), beta)
        is_zero(check, 1 / B * sum(ours.x_hat[i] for i in range(B)), 1)
        check.equal(forward_all(EXCHANGEABLE, eps).Y_hat.mean(axis=0), each_row(beta))
    check.equal(batch_norm().mean(dim=0), beta)
    # gamma and beta come out of an average, seen where it is not 0
    check.equal(1 / B * sum(gamma * Y[i] + beta for i in range(B)), gamma * m + beta)
    first_row = forward_all(SORTED, 0.0).Y_hat[:, 0].mean(axis=0)
    assert not np.isclose(first_row, beta, rtol=1e-2).any()  # exchangeability is needed


@pytest.mark.equation(43, by="enumeration")
def test_the_mean_square_is_the_batch_variance_which_is_too_small_on_average(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\left(Y_{ij}-m_j\right)^2 = v_j, \\[6pt]
    &\mathbb E[v_j] = \frac{B-1}{B}\,\sigma_j^2 \quad\text{(i.i.d.)}.
    \end{aligned}"""
    ours = forward()
    check.equal(1 / B * sum((Y[i] - ours.m) ** 2 for i in range(B)), ours.v)
    check.equal(ours.v, torch.tensor(Y).var(dim=0, correction=0))
    right = (R - 1) / R * SIGMA2
    check.equal(forward_all(IID, EPS).v.mean(axis=0), right)
    dependent = forward_all(EXCHANGEABLE, EPS).v.mean(axis=0)
    assert not np.isclose(dependent, right, rtol=1e-3).any()  # independence is needed


@pytest.mark.equation(44, by="enumeration")
def test_centring_keeps_the_batch_variance_but_not_the_population_variance(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\left(\left(Y_{ij}-m_j\right)-0\right)^2 = v_j, \\[6pt]
    &\operatorname{Var}[Y_{ij}-m_j] = \Big(1-\frac1B\Big)\sigma_j^2 \ \text{(i.i.d.)}.
    \end{aligned}"""
    ours = forward()
    check.equal(1 / B * sum(((Y[i] - ours.m) - 0) ** 2 for i in range(B)), ours.v)
    check.equal(torch.tensor(Y - ours.m).var(dim=0, correction=0), ours.v)
    right = (1 - 1 / R) * SIGMA2
    centred = IID - forward_all(IID, EPS).m[:, None]
    check.equal(centred.var(axis=0), each_row(right))
    centred = EXCHANGEABLE - forward_all(EXCHANGEABLE, EPS).m[:, None]
    assert not np.isclose(centred.var(axis=0), right, rtol=1e-3).any()  # independence is needed


@pytest.mark.equation(45, by="enumeration")
def test_standardized_entries_have_mean_square_one(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\frac{\left(Y_{ij}-m_j\right)^2}{v_j} = \frac{v_j}{v_j} = 1, \\[6pt]
    &\mathbb E\left[\frac{\left(Y_{ij}-m_j\right)^2}{v_j}\right] = 1 \quad\text{(exch.)}.
    \end{aligned}"""
    ours = forward(eps=0.0)
    left = 1 / B * sum((Y[i] - ours.m) ** 2 / ours.v for i in range(B))
    check.equal(left, ours.v / v)
    check.equal(left, 1 / B * sum(ours.x_hat[i] ** 2 for i in range(B)), np.full(M, 1.0))
    squares = forward_all(EXCHANGEABLE, 0.0).x_hat ** 2
    check.equal(squares.mean(axis=0), each_row(np.full(M, 1.0)))
    in_order = forward_all(SORTED, 0.0).x_hat ** 2
    assert not np.isclose(in_order.mean(axis=0), 1, rtol=1e-2).all()  # exchangeability is needed


@pytest.mark.equation(46, by="enumeration")
def test_the_output_has_the_variance_gamma_squared_up_to_eps(check):
    r"""\begin{aligned}
    &\frac1B\sum_{i=1}^{B}\left(\hat Y_{ij}-\beta_j\right)^2 =
        \gamma_j^2\,\frac{v_j}{v_j+\epsilon} \\
    &\qquad\xrightarrow{\;\epsilon\to0\;}\;\gamma_j^2, \\[6pt]
    &\operatorname{Var}[\hat Y_{ij}] = \gamma_j^2 \quad\text{(exch., }\epsilon=0).
    \end{aligned}"""
    for eps in (0.0, 1e-5, EPS, 3.0):
        ours = forward(eps=eps)
        left = 1 / B * sum((ours.Y_hat[i] - beta) ** 2 for i in range(B))
        check.equal(left, gamma**2 * v / (v + eps))
    check.equal(batch_norm().var(dim=0, correction=0), gamma**2 * v / (v + EPS))
    g, w, e = sympy.symbols("gamma v epsilon", positive=True)
    check.identity(sympy.limit(g**2 * w / (w + e), e, 0, "+"), g**2)
    variance = forward_all(EXCHANGEABLE, 0.0).Y_hat.var(axis=0)
    check.equal(variance, each_row(gamma**2))
    assert not np.isclose(forward_all(EXCHANGEABLE, 3.0).Y_hat.var(axis=0), gamma**2).any()
    in_order = forward_all(SORTED, 0.0).Y_hat.var(axis=0)
    assert not np.isclose(in_order, gamma**2, rtol=1e-2).any()  # exchangeability is needed


@pytest.mark.equation(47, by="torch")
def test_the_activations_are_the_positive_part_of_the_output(check):
    r"""H_{ij} = \max(0, \hat Y_{ij}) ."""
    right = np.array([[max(0, Y_hat[i, j]) for j in range(M)] for i in range(B)])
    check.equal(right, torch.relu(batch_norm()))
    check.equal(hw.relu_forward(forward().Y_hat)[0], right)


@pytest.mark.equation(48, by="autograd")
def test_the_scale_reaches_the_loss_through_its_whole_column(check):
    r"""\frac{\partial \ell}{\partial \gamma_j}
    = \sum_{i=1}^{B} \frac{\partial \ell}{\partial H_{ij}} \frac{\partial H_{ij}}{\partial
        \gamma_j} ."""
    left = gradient(lambda gamma: loss(torch.relu(batch_norm(gamma=gamma))), gamma)
    dl_dH = gradient(loss, H)
    dH_dgamma = derivative(lambda gamma: torch.relu(batch_norm(gamma=gamma)), gamma)
    check.equal(np.einsum("ij,ij->j", dl_dH, dH_dgamma), backward().dgamma, left)


@pytest.mark.equation(49, by="autograd")
def test_the_scale_reaches_the_activation_through_the_output_of_batch_norm(check):
    r"""\frac{\partial H_{ij}}{\partial \gamma_j}
    = \frac{\partial H_{ij}}{\partial \hat Y_{ij}} \frac{\partial \hat Y_{ij}}{\partial \gamma_j}
        ."""
    left = derivative(lambda gamma: torch.relu(batch_norm(gamma=gamma)), gamma)
    dH_dY_hat = own(derivative(torch.relu, Y_hat))
    dY_hat_dgamma = derivative(lambda gamma: batch_norm(gamma=gamma), gamma)
    check.equal(dH_dY_hat * dY_hat_dgamma, jacobians(behind_relu=True).dgamma, left)


@pytest.mark.equation(50, by="autograd")
def test_relu_has_the_slope_one_above_zero_and_zero_elsewhere(check):
    r"""\begin{aligned}
    \frac{\partial H_{ij}}{\partial \hat Y_{ij}} &= \phi'(\hat Y_{ij}) = \mathbb I[\hat Y_{ij} >
        0] \\
    &\quad \text{for } \hat Y_{ij} \ne 0, \text{ and by choice at } 0 .
    \end{aligned}"""
    indicator = [[float(Y_hat[i, j] > 0) for j in range(M)] for i in range(B)]
    check.equal(own(derivative(torch.relu, Y_hat)), indicator)
    h = 1e-3 * np.abs(Y_hat).min()
    slopes = (np.maximum(Y_hat + h, 0) - np.maximum(Y_hat - h, 0)) / (2 * h)
    check.equal(slopes, indicator, rtol=1e-9)  # away from 0 it is the derivative
    at_zero = np.where(np.arange(B)[:, None] % 2, 0.0, Y_hat)
    check.equal(own(derivative(torch.relu, at_zero)), np.where(at_zero > 0, 1.0, 0.0))
    for Z in (Y_hat, at_zero):  # at 0, where the slopes of the two sides differ, by choice
        check.equal(hw.relu_backward(dH, hw.relu_forward(Z)[1]), dH * (Z > 0))


@pytest.mark.equation(51, by="autograd")
def test_the_output_grows_with_the_scale_by_the_normalized_input(check):
    r"""\frac{\partial \hat Y_{ij}}{\partial \gamma_j} = \hat x_{ij} =
    \frac{Y_{ij} - m_j}{\sqrt{v_j + \epsilon}} ."""
    left = derivative(lambda gamma: batch_norm(gamma=gamma), gamma)
    right = [[(Y[i, j] - m[j]) / math.sqrt(v[j] + EPS) for j in range(M)] for i in range(B)]
    check.equal(right, forward().x_hat, jacobians(behind_relu=False).dgamma, left)


@pytest.mark.equation(52, by="autograd")
def test_the_activation_grows_with_the_scale_where_relu_is_open(check):
    r"""\frac{\partial H_{ij}}{\partial \gamma_j} = \mathbb I[\hat Y_{ij} > 0] \, \hat x_{ij} ,"""
    left = derivative(lambda gamma: torch.relu(batch_norm(gamma=gamma)), gamma)
    check.equal([[float(Y_hat[i, j] > 0) * x_hat[i, j] for j in range(M)] for i in range(B)], left)
    check.equal(jacobians(behind_relu=True).dgamma, left)


@pytest.mark.equation(53, by="autograd")
def test_the_gradient_of_the_scale_sums_the_masked_gradient_times_the_normalized_input(check):
    r"""\begin{aligned}
    \frac{\partial \ell}{\partial \gamma_j}
    &= \sum_{i=1}^{B} \frac{\partial \ell}{\partial H_{ij}} \, \mathbb I[\hat Y_{ij} > 0] \, \hat
        x_{ij} \\
    &= \sum_{i=1}^{B} G_{ij} \, \hat x_{ij}, \\
    G &:= \frac{\partial \ell}{\partial \hat Y} = \frac{\partial \ell}{\partial H} \odot \mathbb
        I[\hat Y > 0] .
    \end{aligned}"""
    left = gradient(lambda gamma: loss(torch.relu(batch_norm(gamma=gamma))), gamma)
    open_ = (Y_hat > 0).astype(float)
    check.equal(np.einsum("ij,ij,ij->j", dH, open_, x_hat), left)
    masked = dH * open_
    check.equal(np.einsum("ij,ij->j", masked, x_hat), left)
    check.equal(masked, gradient(lambda Z: loss(torch.relu(Z)), Y_hat))
    ours = backward()
    check.equal(ours.G, masked)
    check.equal(ours.dgamma, left)


@pytest.mark.equation(54, by="autograd")
def test_the_shift_reaches_the_loss_through_its_whole_column(check):
    r"""\frac{\partial \ell}{\partial \beta_j}
    = \sum_{i=1}^{B} \frac{\partial \ell}{\partial H_{ij}} \frac{\partial H_{ij}}{\partial
        \beta_j} ,"""
    left = gradient(lambda beta: loss(torch.relu(batch_norm(beta=beta))), beta)
    dl_dH = gradient(loss, H)
    dH_dbeta = derivative(lambda beta: torch.relu(batch_norm(beta=beta)), beta)
    check.equal(np.einsum("ij,ij->j", dl_dH, dH_dbeta), backward().dbeta, left)


@pytest.mark.equation(55, by="autograd")
def test_the_shift_reaches_the_activation_through_the_output_of_batch_norm(check):
    r"""\frac{\partial H_{ij}}{\partial \beta_j}
    = \phi'(\hat Y_{ij}) \frac{\partial \hat Y_{ij}}{\partial \beta_j} ."""
    left = derivative(lambda beta: torch.relu(batch_norm(beta=beta)), beta)
    slope = own(derivative(torch.relu, Y_hat))
    dY_hat_dbeta = derivative(lambda beta: batch_norm(beta=beta), beta)
    check.equal(slope * dY_hat_dbeta, jacobians(behind_relu=True).dbeta, left)


@pytest.mark.equation(56, by="autograd")
def test_the_shift_moves_every_output_by_itself(check):
    r"""\frac{\partial \hat Y_{ij}}{\partial \beta_j} = 1
    \quad \therefore \quad
    \frac{\partial H_{ij}}{\partial \beta_j} = \mathbb I[\hat Y_{ij} > 0] ."""
    check.equal(derivative(lambda beta: batch_norm(beta=beta), beta), np.full((B, M), 1.0))
    left = derivative(lambda beta: torch.relu(batch_norm(beta=beta)), beta)
    check.equal([[float(Y_hat[i, j] > 0) for j in range(M)] for i in range(B)], left)
    check.equal(jacobians(behind_relu=False).dbeta, np.full((B, M), 1.0))
    check.equal(jacobians(behind_relu=True).dbeta, left)


@pytest.mark.equation(57, by="autograd")
def test_the_gradient_of_the_shift_sums_the_masked_gradient(check):
    r"""\frac{\partial \ell}{\partial \beta_j}
    = \sum_{i=1}^{B} \frac{\partial \ell}{\partial H_{ij}} \, \mathbb I[\hat Y_{ij} > 0]
    = \sum_{i=1}^{B} G_{ij} ."""
    left = gradient(lambda beta: loss(torch.relu(batch_norm(beta=beta))), beta)
    check.equal(np.einsum("ij,ij->j", dH, (Y_hat > 0).astype(float)), np.einsum("ij->j", G), left)
    check.equal(backward().dbeta, left)


@pytest.mark.equation(58, by="autograd")
def test_at_fixed_variance_the_mean_reaches_the_loss_through_its_whole_column(check):
    r"""\left.\frac{\partial \ell}{\partial m_j}\right|_{\mathbf v}
    = \sum_{k=1}^{B} \frac{\partial \ell}{\partial \hat Y_{kj}}
      \left.\frac{\partial \hat Y_{kj}}{\partial m_j}\right|_{\mathbf v} ."""
    left = gradient(lambda m: loss(torch.relu(normalize(m=m))), m)
    dl_dY_hat = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    dY_hat_dm = derivative(lambda m: normalize(m=m), m)
    check.equal(np.einsum("kj,kj->j", dl_dY_hat, dY_hat_dm), backward().dm, left)


@pytest.mark.equation(59, by="autograd")
def test_the_mask_of_relu_gives_the_gradient_that_the_mean_collects(check):
    r"""G_{kj} = \frac{\partial \ell}{\partial \hat Y_{kj}}
    = \frac{\partial \ell}{\partial H_{kj}} \, \mathbb I[\hat Y_{kj} > 0] ."""
    left = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    right = gradient(loss, H) * (Y_hat > 0)
    check.equal(right, left)
    ours = backward()
    check.equal(ours.G, left)
    # its use: the sum over the column, times the slope (60), is the gradient of the mean
    check.equal(-gamma / s * right.sum(axis=0), ours.dm)


@pytest.mark.equation(60, by="autograd")
def test_at_fixed_variance_the_mean_moves_every_output_by_the_same(check):
    r"""\left.\frac{\partial \hat Y_{kj}}{\partial m_j}\right|_{v_j} = - \frac{\gamma_j}{s_j}
    = - \frac{\gamma_j}{\sqrt{v_j + \epsilon}} ."""
    left = derivative(lambda m: normalize(m=m), m)
    check.equal([[-gamma[j] / s[j] for j in range(M)] for _ in range(B)], left)
    check.equal([[-gamma[j] / math.sqrt(v[j] + EPS) for j in range(M)] for _ in range(B)], left)
    check.equal(jacobians(behind_relu=False).dm, left)


@pytest.mark.equation(61, by="autograd")
def test_the_gradient_of_the_mean_has_a_silent_path_through_the_variance(check):
    r"""\begin{aligned}
    \frac{d\ell}{dm_j}
    &= -\frac{\gamma_j}{s_j} \sum_{k=1}^{B} G_{kj} \\
    &\quad + \frac{\partial \ell}{\partial v_j}
       \underbrace{\Big( -\frac{2}{B} \sum_{k=1}^{B} (Y_{kj} - m_j) \Big)}_{= \, 0 \text{ at } m_j
        = \text{ batch mean}} \\
    &= -\frac{\gamma_j}{s_j} \sum_{k=1}^{B} G_{kj} .
    \end{aligned}"""
    for shift in (0.0, 0.1):  # the batch mean, and a point where the path speaks
        m_at = m + shift * s
        v_at = variance_around(m_at).numpy()
        s_at = np.sqrt(v_at + EPS)
        G_at = dH * (gamma * (Y - m_at) / s_at + beta > 0)
        left = gradient(lambda m: loss(torch.relu(normalize(m, variance_around(m)))), m_at)
        direct = -gamma / s_at * np.einsum("kj->j", G_at)
        dl_dv = gradient(lambda v, m=m_at: loss(torch.relu(normalize(m, v))), v_at)
        path = -2 / B * np.einsum("kj->j", Y - m_at)
        check.equal(direct + dl_dv * path, left)
        if shift == 0:
            is_zero(check, path, np.abs(Y).max(axis=0))
            check.equal(direct, backward().dm, left)
    assert not np.isclose(direct, left, rtol=1e-3).any()  # the path is silent at the mean only


@pytest.mark.equation(62, by="autograd")
def test_the_variance_reaches_the_loss_through_its_whole_column(check):
    r"""\frac{\partial \ell}{\partial v_j}
    = \sum_{k=1}^{B} \frac{\partial \ell}{\partial \hat Y_{kj}} \frac{\partial \hat
        Y_{kj}}{\partial v_j} ,"""
    left = gradient(lambda v: loss(torch.relu(normalize(v=v))), v)
    dl_dY_hat = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    dY_hat_dv = derivative(lambda v: normalize(v=v), v)
    check.equal(np.einsum("kj,kj->j", dl_dY_hat, dY_hat_dv), backward().dv, left)


@pytest.mark.equation(63, by="autograd")
def test_the_mask_of_relu_gives_the_gradient_that_the_variance_collects(check):
    r"""\frac{\partial \ell}{\partial \hat Y_{kj}} = G_{kj}
    = \frac{\partial \ell}{\partial H_{kj}} \, \mathbb I[\hat Y_{kj} > 0] ."""
    left = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    right = gradient(loss, H) * (Y_hat > 0)
    check.equal(right, left)
    ours = backward()
    check.equal(ours.G, left)
    # its use: the sum with the slope (64) is the gradient of the variance
    check.equal((right * (-gamma * (Y - m) / (2 * s**3))).sum(axis=0), ours.dv)


@pytest.mark.equation(64, by="autograd")
def test_the_variance_pulls_every_output_towards_the_shift(check):
    r"""\begin{aligned}
    \frac{\partial \hat Y_{kj}}{\partial v_j}
    &= \gamma_j (Y_{kj} - m_j) \Big( -\frac12 (v_j + \epsilon)^{-3/2} \Big) \\
    &= - \frac{\gamma_j (Y_{kj} - m_j)}{2 s_j^3} .
    \end{aligned}"""
    left = derivative(lambda v: normalize(v=v), v)
    exponent = entries(lambda j: -1 / 2 * (v[j] + EPS) ** (-3 / 2), M)
    power = entries(lambda k, j: gamma[j] * (Y[k, j] - m[j]) * exponent[j], B, M)
    root = entries(lambda k, j: -gamma[j] * (Y[k, j] - m[j]) / (2 * s[j] ** 3), B, M)
    check.equal(power, root, jacobians(behind_relu=False).dv, left)


@pytest.mark.equation(65, by="autograd")
def test_the_gradient_of_the_variance_sums_the_masked_gradient_times_the_deviation(check):
    r"""\begin{aligned}
    \frac{\partial \ell}{\partial v_j}
    &= -\frac{\gamma_j}{2 s_j^3} \sum_{k=1}^{B} G_{kj} \, (Y_{kj} - m_j) \\
    &= -\frac{\gamma_j}{2 s_j^2} \sum_{k=1}^{B} G_{kj} \, \hat x_{kj} .
    \end{aligned}"""
    left = gradient(lambda v: loss(torch.relu(normalize(v=v))), v)
    check.equal(-gamma / (2 * s**3) * np.einsum("kj,kj->j", G, Y - m), left)
    check.equal(-gamma / (2 * s**2) * np.einsum("kj,kj->j", G, x_hat), backward().dv, left)


@pytest.mark.equation(66, by="autograd")
def test_an_input_reaches_the_loss_through_every_output_of_its_column(check):
    r"""\frac{d\ell}{dY_{ij}} = \sum_{k=1}^{B} \frac{\partial \ell}{\partial \hat Y_{kj}}
    \frac{d\hat Y_{kj}}{dY_{ij}}
    = \sum_{k=1}^{B} G_{kj} \frac{d\hat Y_{kj}}{dY_{ij}} ."""
    left = gradient(lambda Y: loss(torch.relu(batch_norm(Y))), Y)
    dl_dY_hat = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    dY_hat_dY = derivative(batch_norm, Y)
    check.equal(np.einsum("kj,kij->ij", dl_dY_hat, dY_hat_dY), left)
    check.equal(np.einsum("kj,kij->ij", G, dY_hat_dY), backward().dY, left)


@pytest.mark.equation(67, by="autograd")
def test_the_mask_of_relu_gives_the_gradient_that_the_input_collects(check):
    r"""G_{kj} = \frac{\partial \ell}{\partial \hat Y_{kj}}
    = \frac{\partial \ell}{\partial H_{kj}} \, \mathbb I[\hat Y_{kj} > 0] ,"""
    left = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    right = gradient(loss, H) * (Y_hat > 0)
    check.equal(right, backward().G, left)
    # its use: the sum with the Jacobian is the gradient of the input
    check.equal(np.einsum("kj,kij->ij", right, derivative(batch_norm, Y)), backward().dY)


@pytest.mark.equation(68, by="autograd")
def test_the_gradient_of_one_input_sums_over_all_outputs_with_the_mask(check):
    r"""\frac{d\ell}{dY_{ij}} = \sum_{k=1}^{B} \frac{\partial \ell}{\partial H_{kj}} \,
    \mathbb I[\hat Y_{kj} > 0] \, \frac{d\hat Y_{kj}}{dY_{ij}} ."""
    left = gradient(lambda Y: loss(torch.relu(batch_norm(Y))), Y)
    indicator, dY_hat_dY = (Y_hat > 0).astype(float), derivative(batch_norm, Y)
    check.equal(np.einsum("kj,kj,kij->ij", gradient(loss, H), indicator, dY_hat_dY), left)
    ours = jacobians(behind_relu=False).dY
    check.equal(np.einsum("kj,kj,kij->ij", dH, indicator, ours), left)
    printed = np.einsum("kj,kj,kkj->j", dH, indicator, dY_hat_dY)  # d Y_hat[k, j] / d Y[k, j]
    assert not np.isclose(printed, left, rtol=1e-3).any()


@pytest.mark.equation(69, by="autograd")
def test_the_jacobian_is_the_scale_times_that_of_the_normalized_input(check):
    r"""\frac{d\hat Y_{kj}}{dY_{ij}}
    = \gamma_j \frac{d}{dY_{ij}} \left( \frac{Y_{kj} - m_j}{\sqrt{v_j + \epsilon}} \right) ."""

    def bracket(Y):
        m = Y.mean(dim=0)
        return (Y - m) / torch.sqrt(((Y - m) ** 2).mean(dim=0) + EPS)

    left = derivative(batch_norm, Y)
    check.equal(np.einsum("j,kij->kij", gamma, derivative(bracket, Y)), left)
    check.equal(jacobians(behind_relu=False).dY, left)


@pytest.mark.equation(70, by="autograd")
def test_the_product_rule_separates_the_centring_from_the_division(check):
    r"""\begin{aligned}
    &\frac{d}{dY_{ij}} \left( \frac{Y_{kj} - m_j}{s_j} \right) \\
    &\quad = \frac{1}{s_j} \, \frac{d (Y_{kj} - m_j)}{dY_{ij}}
    + (Y_{kj} - m_j) \, \frac{d}{dY_{ij}} \left( \frac{1}{s_j} \right) .
    \end{aligned}"""

    def inverse_root(Y):
        return 1 / torch.sqrt(Y.var(dim=0, correction=0) + EPS)

    left = derivative(lambda Y: (Y - Y.mean(dim=0)) * inverse_root(Y), Y)
    d_centred = derivative(lambda Y: Y - Y.mean(dim=0), Y)
    d_inverse = np.einsum("jij->ij", gradient(inverse_root, Y))
    right = np.einsum("j,kij->kij", 1 / s, d_centred)
    right += np.einsum("kj,ij->kij", Y - m, d_inverse)
    check.equal(right, jacobians(behind_relu=False).dY / gamma, left)


@pytest.mark.equation(71, by="autograd")
def test_a_centred_entry_moves_with_its_own_input_and_against_the_mean(check):
    r"""\begin{aligned}
    \frac{d (Y_{kj} - m_j)}{dY_{ij}} &= \delta_{ki} - \frac1B , \\
    \delta_{ki} &= \begin{cases} 1, & k = i \\ 0, & k \ne i . \end{cases}
    \end{aligned}"""
    left = derivative(lambda Y: Y - Y.mean(dim=0), Y)
    right = entries(lambda k, i, j: (1 if k == i else 0) - 1 / B, B, B, M)
    check.equal(right, left)
    for i in range(B):  # hw1lib's mean is linear in Y: a finite step is exact
        step = np.outer(delta[i], [0.3, 0.5, 2.0])
        moved = (Y + step - forward(Y + step).m) - (Y - forward().m)
        check.equal(moved / step[i], right[:, i])


@pytest.mark.equation(72, by="autograd")
def test_the_inverse_root_falls_as_an_entry_leaves_the_mean(check):
    r"""\begin{aligned}
    \frac{d}{dY_{ij}} \left( \frac{1}{s_j} \right)
    &= -\frac12 (v_j + \epsilon)^{-3/2} \frac{dv_j}{dY_{ij}} \\
    &= -\frac{1}{2 s_j^3} \, \frac2B (Y_{ij} - m_j) \\
    &= -\frac{Y_{ij} - m_j}{B s_j^3} .
    \end{aligned}"""
    left = np.einsum("jij->ij", gradient(lambda Y: (Y.var(dim=0, correction=0) + EPS) ** -0.5, Y))
    dv_dY = np.einsum("jij->ij", gradient(lambda Y: Y.var(dim=0, correction=0), Y))
    check.equal(-1 / 2 * (v + EPS) ** (-3 / 2) * dv_dY, -1 / (2 * s**3) * (2 / B) * (Y - m), left)
    check.equal(-(Y - m) / (B * s**3), left)
    # in hw1lib: an upstream of Y - m leaves (Y - m) / s + B v d(1 / s)/dY of the product rule (70)
    ours = backward(Y - m, behind_relu=False).dY / gamma - (Y - m) / s
    check.equal(ours / (B * v), left)


@pytest.mark.equation(73, by="autograd")
def test_the_jacobian_has_a_direct_part_and_one_by_the_mean_and_by_the_variance(check):
    r"""\begin{aligned}
    \frac{d\hat Y_{kj}}{dY_{ij}}
    &= \gamma_j \bigg( \frac{\delta_{ki} - \frac1B}{s_j} \\
    &\qquad - \frac{(Y_{kj} - m_j)(Y_{ij} - m_j)}{B s_j^3} \bigg) \\
    &= \frac{\gamma_j}{s_j} \Big( \underbrace{\vphantom{\frac{\hat x}{B}}
        \delta_{ki}}_{\text{direct}} - \underbrace{\vphantom{\frac{\hat x}{B}}
        \frac1B}_{\text{mean}} - \underbrace{\frac{\hat x_{kj} \hat x_{ij}}{B}}_{\text{variance}}
        \Big) .
    \end{aligned}"""
    left = derivative(batch_norm, Y)
    first = entries(lambda k, i, j: delta[k, i] - 1 / B, B, B, M)
    product = entries(lambda k, i, j: (Y[k, j] - m[j]) * (Y[i, j] - m[j]), B, B, M)
    long = first / s - product / (B * s**3)
    short = first - entries(lambda k, i, j: x_hat[k, j] * x_hat[i, j] / B, B, B, M)
    check.equal(gamma * long, gamma / s * short, jacobians(behind_relu=False).dY, left)


@pytest.mark.equation(74, by="autograd")
def test_the_scale_multiplies_both_sums_of_the_gradient(check):
    r"""\begin{aligned}
    \frac{d\ell}{dY_{ij}}
    &= \gamma_j \Bigg( \sum_{k=1}^{B} G_{kj} \, \frac{\delta_{ki} - \frac1B}{s_j} \\
    &\quad - \sum_{k=1}^{B} G_{kj} \, \frac{(Y_{kj} - m_j)(Y_{ij} - m_j)}{B s_j^3} \Bigg) .
    \end{aligned}"""
    left = gradient(lambda Y: loss(torch.relu(batch_norm(Y))), Y)

    def right(i, j):
        first = sum(G[k, j] * (delta[k, i] - 1 / B) / s[j] for k in range(B))
        products = [(Y[k, j] - m[j]) * (Y[i, j] - m[j]) / (B * s[j] ** 3) for k in range(B)]
        return gamma[j] * (first - sum(G[k, j] * products[k] for k in range(B)))

    check.equal(entries(right, B, M), backward().dY, left)


@pytest.mark.equation(75, by="autograd")
def test_the_sum_of_differences_is_the_difference_of_the_sums(check):
    r"""\begin{aligned}
    &\sum_{k=1}^{B} G_{kj} \Big( \delta_{ki} - \frac1B \Big) \\
    &\qquad = \sum_{k=1}^{B} G_{kj} \, \delta_{ki} - \frac1B \sum_{k=1}^{B} G_{kj} .
    \end{aligned}"""
    left = np.einsum("kj,ki->ij", G, delta - 1 / B)
    right = np.einsum("kj,ki->ij", G, delta) - 1 / B * np.einsum("kj->j", G)
    # by (71) both are the gradient of sum(G * (Y - m))
    expected = gradient(lambda Y: (torch.tensor(G) * (Y - Y.mean(dim=0))).sum(), Y)
    check.equal(left, right, backward().G - 1 / B * backward().dbeta, expected)


@pytest.mark.equation(76, by="autograd")
def test_the_delta_sifts_out_the_gradient_of_one_sample(check):
    r"""\sum_{k=1}^{B} G_{kj} \, \delta_{ki} = G_{ij} = \frac{\partial \ell}{\partial H_{ij}} \,
    \mathbb I[\hat Y_{ij} > 0] ."""
    expected = gradient(lambda Z: loss(torch.relu(Z)), Y_hat)
    left = [[sum(G[k, j] * (k == i) for k in range(B)) for j in range(M)] for i in range(B)]
    check.equal(left, G, expected)
    check.equal([[dH[i, j] * (Y_hat[i, j] > 0) for j in range(M)] for i in range(B)], expected)
    check.equal(backward().G, expected)


@pytest.mark.equation(77, by="autograd")
def test_the_deviation_of_one_sample_comes_out_of_the_sum(check):
    r"""\begin{aligned}
    &\sum_{k=1}^{B} G_{kj} \, \frac{(Y_{kj} - m_j)(Y_{ij} - m_j)}{B s_j^3} \\
    &\qquad = \frac{Y_{ij} - m_j}{B s_j^3} \sum_{k=1}^{B} G_{kj} \, (Y_{kj} - m_j) .
    \end{aligned}"""
    left = np.einsum("kj,kj,ij,j->ij", G, Y - m, Y - m, 1 / (B * s**3))
    right = (Y - m) / (B * s**3) * np.einsum("kj,kj->j", G, Y - m)

    def by_the_variance(Y):  # only 1 / s moves
        fixed = torch.tensor(G * (Y - Y.mean(dim=0)).detach().numpy())
        return (fixed / torch.sqrt(Y.var(dim=0, correction=0) + EPS)).sum()

    expected = -gradient(by_the_variance, Y)
    check.equal(left, right, -2 * (Y - m) / (B * gamma) * backward().dv, expected)  # with (65)


@pytest.mark.equation(78, by="autograd")
def test_the_gradient_of_the_input_takes_three_paths(check):
    r"""\begin{aligned}
    \frac{d\ell}{dY_{ij}}
    &= \frac{\gamma_j}{s_j} \bigg( G_{ij} - \frac1B \sum_{k=1}^{B} G_{kj} \\
    &\qquad\quad - \frac{\hat x_{ij}}{B} \sum_{k=1}^{B} G_{kj} \, \hat x_{kj} \bigg) \\
    &= \frac{\gamma_j}{s_j} G_{ij} + \frac1B \frac{\partial \ell}{\partial m_j} \\
    &\qquad\quad + \frac{2 (Y_{ij} - m_j)}{B} \frac{\partial \ell}{\partial v_j} .
    \end{aligned}"""
    left = gradient(lambda Y: loss(torch.relu(batch_norm(Y))), Y)
    mean = entries(lambda j: 1 / B * sum(G[k, j] for k in range(B)), M)
    total = entries(lambda j: sum(G[k, j] * x_hat[k, j] for k in range(B)), M)
    check.equal(gamma / s * (G - mean - x_hat / B * total), left)
    ours = backward()
    dl_dm = gradient(lambda m: loss(torch.relu(normalize(m=m))), m)
    dl_dv = gradient(lambda v: loss(torch.relu(normalize(v=v))), v)
    for dm, dv in ((dl_dm, dl_dv), (ours.dm, ours.dv)):
        check.equal(gamma / s * G + 1 / B * dm + 2 * (Y - m) / B * dv, left)
    check.equal(ours.dY, left)
