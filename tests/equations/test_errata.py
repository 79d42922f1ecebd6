"""Each form that the source prints wrongly, run as it is printed, beside the one that holds.

The marker has the number of the equation, or of the nearest one for a sentence of the source. A
test shows two things: the printed form misses the truth by a stated margin (or diverges, or has
another shape), and the right form does not. The truth is an exact sum over all cases, an integral,
autograd or a library, never hw1lib. The slips without mathematical content have no test: the
therefore signs of (20), (21), (39) and (56), and an index in (76).
"""

from fractions import Fraction
from itertools import pairwise, product
from math import comb

import numpy as np
import pytest
import sympy as sp
import torch
from scipy import stats
from scipy.special import factorial

import hw1lib as hw


def agree(actual, expected, rtol=1e-10, atol=1e-14):
    """Two arrays are equal up to rounding."""
    assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def apart(printed, truth, margin):
    """Somewhere the printed form misses by more than the margin, relative to the largest entry."""
    assert np.shape(printed) == np.shape(truth)
    assert np.abs(np.subtract(printed, truth)).max() > margin * np.abs(truth).max()


def corners(*values, n):
    """Return all n-tuples of the values as the rows of an array."""
    return np.array(list(product(values, repeat=n)), dtype=float)


# ---------------------------------------------------------------------------------- dropout


@pytest.mark.erratum(1)
def test_the_declared_shape_of_the_weights_cannot_be_multiplied():
    N, M = 5, 8
    rng = np.random.default_rng(1)
    x = rng.standard_normal(N)
    with pytest.raises(ValueError, match="mismatch"):
        rng.standard_normal((N, M)) @ x
    assert (rng.standard_normal((M, N)) @ x).shape == (M,)
    assert torch.nn.Linear(N, M).weight.shape == (M, N)


@pytest.mark.erratum(2)
def test_no_denominator_but_one_minus_p_keeps_the_mean():
    p, n, h = sp.symbols("p n h")
    mean = (1 - p) * (1 / (1 - n)) * h + p * (0 / (1 - n)) * h
    assert sp.solve(mean - h, n) == [p]


@pytest.mark.erratum(3)
def test_a_single_mask_does_not_drop_the_fraction_p():
    M, p = 10, 0.3
    dropped = (1 - corners(0, 1, n=M)).sum(axis=1)
    probability = p**dropped * (1 - p) ** (M - dropped)
    agree(probability @ (dropped / M), p)
    agree(probability @ (dropped / M - p) ** 2, p * (1 - p) / M)
    assert probability[dropped != 3].sum() > 0.7


@pytest.mark.erratum(3)
def test_without_rescaling_an_output_can_be_larger():
    p, h, w = 0.5, np.array([1.0, 1.5]), np.array([1.0, -1.0])
    without = (corners(0, 1, n=2) * h @ w).mean()  # the four masks are equally likely
    assert without > h @ w + 0.2
    agree((corners(0, 1, n=2) * h / (1 - p) @ w).mean(), h @ w)


@pytest.mark.erratum(3)
def test_rescaling_does_not_keep_the_mean_behind_a_nonlinearity():
    h, w = np.array([1.0, 1.5]), np.array([1.0, -1.0])
    outputs = np.maximum(corners(0, 1, n=2) * h / 0.5 @ w, 0)
    assert outputs.mean() > max(h @ w, 0) + 0.4


@pytest.mark.erratum(4)
def test_orthonormal_rows_need_at_least_as_many_inputs_as_units():
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    wide, tall = basis[:5, :], basis[:, :5]  # (M, N) = (5, 8) and (8, 5)
    agree(wide @ wide.T, np.eye(5))
    assert np.linalg.matrix_rank(tall @ tall.T) == 5 < 8


@pytest.mark.erratum(8)
def test_the_substituted_integral_with_the_old_limits_diverges():
    u, z = sp.symbols("u z", real=True)
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    truth = sp.integrate(z * density, (z, 0, sp.oo))
    printed = -1 / sp.sqrt(2 * sp.pi) * sp.integrate(sp.exp(u), (u, 0, sp.oo))
    right = -1 / sp.sqrt(2 * sp.pi) * sp.integrate(sp.exp(u), (u, 0, -sp.oo))
    assert printed == -sp.oo
    assert sp.simplify(right - truth) == 0


@pytest.mark.erratum(12)
def test_the_middle_of_12_lacks_a_square():
    truth = stats.norm.expect(lambda z: (z - 1 / np.sqrt(2 * np.pi)) ** 2, lb=0)
    truth += 0.5 / (2 * np.pi)  # half of the time h = 0
    apart(1 / 2 - 1 / np.sqrt(2 * np.pi), truth, margin=0.7)
    agree(1 / 2 - (1 / np.sqrt(2 * np.pi)) ** 2, truth)


@pytest.mark.erratum(14)
def test_the_product_rule_for_variances_is_false_for_equal_factors():
    def rule(mean_x, var_x, mean_y, var_y):
        return var_x * var_y + var_x * mean_y**2 + var_y * mean_x**2

    x = np.array([1.0, 2.0, 4.0])
    agree(np.outer(x, x + 1).var(), rule(x.mean(), x.var(), (x + 1).mean(), x.var()))
    apart(rule(x.mean(), x.var(), x.mean(), x.var()), (x * x).var(), margin=0.5)
    apart(rule(0, 1, 0, 1), stats.norm.moment(4) - stats.norm.moment(2) ** 2, margin=0.49)


def variance_after_dropout(p):
    """Sum over the two values of the bit, and integrate over z."""
    moments = [0, 0]
    for bit, probability in ((0, p), (1, 1 - p)):
        for r in (1, 2):
            scale = bit / (1 - p)
            moments[r - 1] += probability * stats.norm.expect(
                lambda z, r=r, scale=scale: (scale * z) ** r, lb=0
            )
    return moments[1] - moments[0] ** 2


@pytest.mark.erratum(16)
def test_line_3_of_the_variance_after_dropout_is_too_large():
    pi, p = np.pi, 0.5
    printed = (1 / (1 - p)) ** 2 * ((1 - p) * ((pi - 1 + p * pi) / (2 * pi)))
    assert round(printed, 4) == 1.1817
    apart(printed, variance_after_dropout(p), margin=0.4)


@pytest.mark.erratum(16)
def test_the_printed_variance_after_dropout_is_too_small():
    pi, p = np.pi, 0.5
    printed = (pi - 1 + p * (2 - pi)) / (2 * pi * (1 - p))
    assert round(printed, 4) == 0.5
    apart(printed, variance_after_dropout(p), margin=0.4)


@pytest.mark.erratum(16)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_right_variance_after_dropout_is_that_of_the_sum_over_the_mask(p):
    agree((np.pi - 1 + p) / (2 * np.pi * (1 - p)), variance_after_dropout(p), rtol=1e-8)


@pytest.mark.erratum(18)
def test_the_binomial_law_is_that_of_the_kept_units_not_of_the_hidden_units():
    M, p = 6, 0.3
    bits = corners(0, 1, n=M)
    kept, hidden = bits.sum(axis=1), np.full(len(bits), M)
    probability = (1 - p) ** kept * p ** (M - kept)
    mean, variance = M * (1 - p), M * p * (1 - p)
    agree([probability @ kept, probability @ (kept - mean) ** 2], [mean, variance])
    apart([probability @ hidden, hidden.var()], [mean, variance], margin=0.3)


@pytest.mark.erratum(25)
def test_no_finite_layer_keeps_a_poisson_number_of_units():
    M, lam, k = 10, 3.0, np.arange(100)
    printed = lam**k * np.exp(-lam) / factorial(k)
    truth = np.array([comb(M, j) * (lam / M) ** j * (1 - lam / M) ** (M - j) for j in k[: M + 1]])
    distance = np.abs(printed - np.pad(truth, (0, 89))).sum() / 2
    assert 0.08 < distance < (1 - np.exp(-lam)) * lam / M
    assert printed[M + 1 :].sum() > 1e-4


LAM, P = 3.2, 0.3
K = np.arange(30)


def total_probability():
    """Sum over all widths, which is what (29) starts from."""
    m = np.arange(150)[:, None]
    return (stats.poisson.pmf(m, LAM) * stats.binom.pmf(K, m, 1 - P)).sum(axis=0)


def series(k):
    """Return the sum over m from k that stands in (29)."""
    r = np.arange(60)
    return ((LAM * P) ** r / factorial(r)).sum() + 0.0 * k


@pytest.mark.erratum(29)
def test_the_third_line_of_29_loses_a_power_of_lambda():
    printed = (1 - P) ** K * np.exp(-LAM) / factorial(K) * series(K)
    right = (LAM * (1 - P)) ** K * np.exp(-LAM) / factorial(K) * series(K)
    agree(right, total_probability())
    apart(printed, total_probability(), margin=0.5)
    agree(printed * LAM**K, total_probability())


@pytest.mark.erratum(31)
def test_the_printed_31_does_not_sum_to_1():
    printed = (1 - P) ** K * np.exp(-LAM * (1 - P)) / factorial(K)
    agree(printed.sum(), np.exp((1 - P) * (1 - LAM)))
    assert printed.sum() < 0.22
    right = (LAM * (1 - P)) ** K * np.exp(-LAM * (1 - P)) / factorial(K)
    agree(right, total_probability())
    agree(right.sum(), 1)


@pytest.mark.erratum(32)
def test_the_arrow_in_32_changes_the_value():
    before, after = ((LAM * (1 - P)) / LAM) ** K, (LAM * (1 - P)) ** K
    agree(before, (1 - P) ** K)
    agree(after, LAM**K * before)
    apart(after[1:], before[1:], margin=2)


# ------------------------------------------------------------------------------- batch norm

B, M = 7, 3
EPS = 1e-2
GAMMA, BETA = np.array([-1.7, 0.6, 2.3]), np.array([0.4, -0.2, 0.1])

# Correlated features of scale 0.01, 1 and 10, and a random upstream gradient.
rng = np.random.default_rng(36)
MIXING = np.array([[1, 2, -2], [0, 1, 1], [0, 0, 1]]) * [0.01, 1, 10]
Y = rng.standard_normal((B, M)) @ MIXING + [0.02, 1, -5]
dH = rng.standard_normal((B, M))  # noqa: N816
m = Y.mean(axis=0)
C = Y - m
s = np.sqrt((C**2).mean(axis=0) + EPS)
G = dH * (GAMMA * C / s + BETA > 0)
SIGMA = C.T @ C / B


def torch_batch_norm(Y, m=None, v=None):
    """Normalize as (38) says; m and v may come from elsewhere."""
    m = Y.mean(0) if m is None else m
    v = ((Y - m) ** 2).mean(0) if v is None else v
    return torch.tensor(GAMMA) * (Y - m) / torch.sqrt(v + EPS) + torch.tensor(BETA)


@pytest.mark.erratum(36)
def test_the_average_of_rows_is_not_a_column():
    printed = sum(Y[i : i + 1, :] for i in range(B)) / B
    right = Y.T @ np.ones((B, 1)) / B
    assert (printed.shape, right.shape) == ((1, M), (M, 1))
    agree(right[:, 0], np.mean(Y, axis=0))


@pytest.mark.erratum(36)
def test_a_mean_of_the_declared_shape_is_subtracted_from_the_wrong_entries():
    square = Y[:M]  # as many samples as features, so that nothing is refused
    column = square.mean(axis=0).reshape(M, 1)
    agree((square - column.T).mean(axis=0), np.zeros(M), atol=1e-13)
    assert np.abs((square - column).mean(axis=0)).max() > 0.4


@pytest.mark.erratum(37)
def test_a_row_in_the_sum_of_37_makes_every_variance_a_vector():
    printed = np.array([sum((Y[i, :] - m[j]) ** 2 for i in range(B)) / B for j in range(M)])
    right = np.array([sum((Y[i, j] - m[j]) ** 2 for i in range(B)) / B for j in range(M)])
    assert (printed.shape, right.shape) == ((M, M), (M,))
    agree(right, torch.var(torch.tensor(Y), dim=0, correction=0).numpy())


@pytest.mark.erratum(38)
def test_epsilon_shrinks_the_variance_that_it_is_said_to_enable():
    ratio = torch_batch_norm(torch.tensor(Y)).numpy().var(axis=0) / GAMMA**2
    agree(ratio, Y.var(axis=0) / (Y.var(axis=0) + EPS))
    assert ratio[0] < 0.1
    exact = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    agree(exact.var(axis=0), np.ones(M))


# All batches of 4 rows that take three values: an expectation is an exact, weighted sum.
VALUES, WEIGHTS = np.array([-1.0, 0.5, 4.0]), np.array([0.5, 0.3, 0.2])
ROWS = corners(*VALUES, n=4)
CHANCE = np.array(list(product(WEIGHTS, repeat=4))).prod(axis=1)
MEAN = WEIGHTS @ VALUES
VARIANCE = WEIGHTS @ (VALUES - MEAN) ** 2


@pytest.mark.erratum(39)
def test_the_batch_mean_is_random_and_not_the_expectation():
    m = ROWS.mean(axis=1)
    agree(CHANCE @ m, MEAN)
    agree(CHANCE @ (m - MEAN) ** 2, VARIANCE / 4)
    assert np.abs(m - MEAN).max() > 1


@pytest.mark.erratum(40)
def test_the_middle_member_of_40_is_not_zero():
    printed = MEAN - ROWS.mean(axis=1)  # E[Y] - m, one value for each batch
    assert CHANCE[np.abs(printed) > 0.1].sum() > 0.9
    agree(CHANCE @ (ROWS[:, 0] - ROWS.mean(axis=1)), 0)


@pytest.mark.erratum(41)
def test_the_root_of_the_variance_cannot_leave_the_expectation():
    rows = np.random.default_rng(41).exponential(size=(5, 40_000)) - 1  # E[Y] = 0
    s = rows.std(axis=0)
    printed, truth = (1 / s).mean() * 0, (rows[0] / s).mean()
    error = (rows[0] / s).std() / 200
    assert abs(truth - printed) > 20 * error
    centred = (rows[0] - rows.mean(axis=0)) / s
    assert abs(centred.mean()) < 4 * centred.std() / 200


def shifted_rows():
    """Normalize batches of 8 normal rows, of which the first is shifted by 3."""
    rows = np.random.default_rng(42).standard_normal((8, 40_000))
    rows[0] += 3
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


@pytest.mark.erratum(42)
def test_the_mean_is_not_beta_for_a_row_unlike_the_others():
    x_hat = shifted_rows()
    assert abs(x_hat[0].mean()) > 1.8
    agree(x_hat.mean(axis=0), np.zeros(40_000))


@pytest.mark.erratum(43)
def test_the_batch_variance_is_too_small_on_average():
    v = ROWS.var(axis=1)
    agree(CHANCE @ v, 3 / 4 * VARIANCE)
    apart(CHANCE @ v, VARIANCE, margin=0.24)


@pytest.mark.erratum(44)
def test_subtracting_the_batch_mean_changes_the_variance():
    centred = ROWS[:, 0] - ROWS.mean(axis=1)
    truth = CHANCE @ centred**2
    apart(VARIANCE, truth, margin=0.3)
    agree((1 - 1 / 4) * VARIANCE, truth)


@pytest.mark.erratum(45)
def test_the_middle_member_of_45_is_seven_fifths_for_eight_normal_rows():
    rows = 8
    inverse = rows * stats.chi2(rows - 1).expect(lambda t: 1 / t)  # E[1 / v] for variance 1
    middle = inverse * (1 - 1 / rows)
    agree(middle, 7 / 5, rtol=1e-7)
    apart(1, middle, margin=0.28)


@pytest.mark.erratum(46)
def test_the_variance_is_not_gamma_squared_for_a_row_unlike_the_others():
    x_hat = shifted_rows()
    assert x_hat[0].var() < 0.25
    agree((x_hat**2).mean(axis=0), np.ones(40_000))


@pytest.mark.erratum(47)
def test_the_hidden_activations_that_are_called_normalized_are_not():
    Y_hat = torch_batch_norm(torch.tensor(Y)).numpy()
    H = np.maximum(Y_hat, 0)
    agree(Y_hat.mean(axis=0), BETA)
    # Feature 0 is positive in all samples, so that ReLU changes nothing there.
    assert (H.mean(axis=0) - BETA)[1:].min() > 0.3
    assert (H.var(axis=0) < 0.3 * Y_hat.var(axis=0))[1:].all()


def gradient_of_the_mean(variance, shift=0.0):
    """Let autograd differentiate with respect to m, with v a given function of m."""
    batch = torch.tensor(Y)
    m = (batch.mean(0) + shift).requires_grad_()
    H = torch.relu(torch_batch_norm(batch, m, variance(batch, m)))
    return torch.autograd.grad((H * torch.tensor(dH)).sum(), m)[0].numpy()


@pytest.mark.erratum(61)
def test_the_path_through_the_variance_speaks_in_another_program():
    printed = -GAMMA / s * G.sum(axis=0)
    dv = -GAMMA / (2 * s**3) * (G * C).sum(axis=0)
    agree(gradient_of_the_mean(lambda Y, m: ((Y - m) ** 2).mean(0)), printed)
    truth = gradient_of_the_mean(lambda Y, m: (Y**2).mean(0) - m**2)
    apart(printed[1], truth[1], margin=0.05)
    agree(printed - 2 * Y.mean(axis=0) * dv, truth)


@pytest.mark.erratum(61)
def test_the_path_through_the_variance_speaks_away_from_the_batch_mean():
    def variance(Y, m):
        return ((Y - m) ** 2).mean(0)

    fixed = gradient_of_the_mean(lambda Y, m: variance(Y, m.detach()), shift=0.3)
    apart(fixed[1], gradient_of_the_mean(variance, shift=0.3)[1], margin=0.05)


@pytest.mark.erratum(64)
def test_another_feature_s_variance_has_no_effect():
    batch = torch.tensor(Y)
    v = batch.var(0, correction=0).requires_grad_()
    J = torch.autograd.functional.jacobian(lambda v: torch_batch_norm(batch, batch.mean(0), v), v)
    for j, i in product(range(M), repeat=2):
        assert J[:, j, i].any() == (i == j)


def jacobian_of_batch_norm():
    """Return d Y_hat[k, j] / d Y[i, j] with the axes (k, i, j)."""
    J = torch.autograd.functional.jacobian(torch_batch_norm, torch.tensor(Y)).numpy()
    return np.einsum("kjij->kij", J)


@pytest.mark.erratum(68)
def test_the_printed_68_gives_every_sample_the_same_gradient():
    J = jacobian_of_batch_norm()
    leaf = torch.tensor(Y, requires_grad=True)
    loss = (torch.relu(torch_batch_norm(leaf)) * torch.tensor(dH)).sum()
    truth = torch.autograd.grad(loss, leaf)[0].numpy()
    printed = np.array([[sum(G[k, j] * J[k, k, j] for k in range(B)) for j in range(M)]] * B)
    right = np.einsum("kj,kij->ij", G, J)
    for j in range(M):
        apart(printed[:, j], truth[:, j], margin=0.5)
    agree(right, truth)


@pytest.mark.erratum(69)
def test_a_sample_depends_indirectly_on_all_the_others():
    J = jacobian_of_batch_norm()
    own = np.einsum("kkj->kj", J)
    assert np.abs(J.sum(axis=1)).max() < 1e-10  # the others cancel the own sample
    assert np.abs(J.sum(axis=1) - own).max() > 0.5


@pytest.mark.erratum(74)
def test_gamma_must_multiply_both_sums_of_74():
    first = np.einsum("kj,ki->ij", G, np.eye(B) - 1 / B) / s
    second = np.einsum("kj,kj,ij->ij", G, C, C) / (B * s**3)
    truth = np.einsum("kj,kij->ij", G, jacobian_of_batch_norm())
    apart((GAMMA * first - second)[:, 1], truth[:, 1], margin=0.1)
    agree(GAMMA * (first - second), truth)


# -------------------------------------------------------------------------------- whitening


@pytest.mark.erratum(79)
def test_the_covariance_of_batch_norm_is_not_diagonal():
    Y_hat = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    covariance = Y_hat.T @ Y_hat / B
    off_diagonal = covariance - np.diag(np.diag(covariance))
    assert np.abs(off_diagonal).max() > 0.5
    agree(covariance, torch.corrcoef(torch.tensor(Y.T)).numpy())


@pytest.mark.erratum(79)
def test_the_mean_for_whitening_is_declared_a_column_and_computed_as_a_row():
    mu = sum(Y[i : i + 1, :] for i in range(B)) / B
    assert mu.shape == (1, M)
    agree(Y.T @ np.ones(B) / B, mu[0])


@pytest.mark.erratum(79)
def test_the_mean_and_variance_of_the_output_are_those_of_the_parameters():
    Y_hat = torch_batch_norm(torch.tensor(Y)).numpy()
    apart(Y_hat.mean(axis=0) + 1, np.ones(M), margin=0.3)  # not zero mean
    apart(Y_hat.var(axis=0), np.ones(M), margin=2)  # not unit variance


@pytest.mark.erratum(80)
def test_the_printed_covariance_of_rows_is_its_trace():
    mu = Y.mean(axis=0, keepdims=True)
    truth = np.cov(Y.T, bias=True)
    printed = sum((Y[i : i + 1] - mu) @ (Y[i : i + 1] - mu).T for i in range(B)) / B
    assert printed.shape == (1, 1)
    agree(printed[0, 0], np.trace(truth))
    agree((Y - mu).T @ (Y - mu) / B, truth)


@pytest.mark.erratum(81)
def test_a_small_batch_has_no_inverse_root():
    small = np.random.default_rng(81).standard_normal((4, 5))
    Sigma = np.cov(small.T, bias=True)
    assert np.linalg.matrix_rank(Sigma) == 3
    with pytest.raises(ValueError, match="positive definite"):
        hw.inverse_root_forward(Sigma)
    lam, U = np.linalg.eigh(Sigma)
    root = (U / np.sqrt(np.maximum(lam, 0) + EPS)) @ U.T
    values = np.linalg.eigvalsh(root @ Sigma @ root)
    agree(values, np.sort(np.maximum(lam, 0) / (np.maximum(lam, 0) + EPS)), atol=1e-10)


def inverse_root(Sigma):
    """Take the symmetric inverse root."""
    lam, U = np.linalg.eigh(Sigma)
    return (U / np.sqrt(lam)) @ U.T


@pytest.mark.erratum(82)
def test_the_root_cannot_stand_on_the_left_of_a_row():
    root = inverse_root(SIGMA)
    with pytest.raises(ValueError, match="mismatch"):
        root @ C[:1]
    agree((C @ root).T @ (C @ root) / B, np.eye(M), atol=1e-10)


@pytest.mark.erratum(82)
def test_the_whitened_batch_is_not_unique():
    R = np.linalg.qr(np.random.default_rng(82).standard_normal((M, M)))[0]
    whitened = C @ inverse_root(SIGMA)
    turned = whitened @ R.T
    apart(turned, whitened, margin=0.3)
    agree(turned.T @ turned / B, np.eye(M), atol=1e-10)


@pytest.mark.erratum(83)
def test_a_learned_scale_takes_the_covariance_away_from_the_identity():
    whitened = C @ inverse_root(SIGMA)
    covariance = np.cov((whitened @ np.diag(GAMMA) + BETA).T, bias=True)
    apart(np.eye(M), covariance, margin=0.5)
    agree(covariance, np.diag(GAMMA) ** 2, atol=1e-10)


@pytest.mark.erratum(83)
def test_a_vector_in_the_printed_product_gives_a_number():
    row = np.array([0.3, -1.2, 0.8])
    assert np.shape(GAMMA @ row) == ()
    agree(np.diag(GAMMA) @ row, GAMMA * row)


# --------------------------------------------------------------------------- back-propagation


def tiny_net(bias):
    """Return the loss of two ReLU layers, the last on the logits, and its gradients."""
    rng = np.random.default_rng(84)
    W_1, W_2 = (torch.tensor(rng.standard_normal(s), requires_grad=True) for s in ((6, 4), (3, 6)))
    x, target = torch.tensor(rng.standard_normal(4)), torch.tensor([0.0, 1.0, 0.0])
    z_L = W_2 @ torch.relu(W_1 @ x) + bias
    h_L = torch.relu(z_L)
    loss = -(target * torch.log_softmax(h_L, 0)).sum()
    grads = [g.numpy() for g in torch.autograd.grad(loss, (W_1, W_2, z_L, h_L))]
    return torch.softmax(h_L, 0).detach().numpy(), target.numpy(), z_L.detach().numpy(), grads


@pytest.mark.erratum(84)
def test_a_net_with_relu_on_its_logits_can_be_dead():
    y, _, z_L, (dW_1, dW_2, _, _) = tiny_net(bias=-50.0)
    assert (z_L < 0).all()
    agree(y, np.full(3, 1 / 3))
    assert not dW_1.any()
    assert not dW_2.any()


@pytest.mark.erratum(84)
def test_with_relu_on_the_logits_the_difference_is_not_the_gradient_at_z():
    y, target, z_L, (_, _, dz_L, dh_L) = tiny_net(bias=-0.6)
    agree(y - target, dh_L)
    apart(y - target, dz_L, margin=0.1)
    agree((y - target) * (z_L > 0), dz_L)


@pytest.mark.erratum(85)
def test_the_printed_softmax_is_uniform():
    h = np.array([2.0, 0.0, -1.0, 0.5])
    printed = np.array([np.exp(h[k]) / sum(np.exp(h[k]) for i in range(4)) for k in range(4)])
    right = np.array([np.exp(h[k]) / sum(np.exp(h[r]) for r in range(4)) for k in range(4)])
    truth = torch.softmax(torch.tensor(h), 0).numpy()
    agree(printed, np.full(4, 1 / 4))
    apart(printed, truth, margin=0.6)
    agree(right, truth)


@pytest.mark.erratum(85)
def test_one_component_of_the_logits_is_a_number():
    h_L = np.array([2.0, 0.0, -1.0, 0.5])
    assert h_L[1].shape == ()
    assert h_L.shape == (4,)


@pytest.mark.erratum(91)
def test_the_derivative_of_a_vector_by_a_matrix_has_three_indices():
    rng = np.random.default_rng(91)
    W, h = torch.tensor(rng.standard_normal((4, 3))), torch.tensor(rng.standard_normal(3))
    truth = torch.autograd.functional.jacobian(lambda V: V @ h, W).numpy()
    assert truth.shape == (4, 4, 3)
    assert truth.shape != h.shape
    agree(np.einsum("ab,c->abc", np.eye(4), h.numpy()), truth)


# ----------------------------------------------------------------------------- initialization


@pytest.mark.erratum(93)
def test_the_variance_of_the_activations_does_not_obey_93():
    D, sigma2, v_0 = 12, 2 / 12, 1.0  # inputs +1 or -1: z is exactly normal, variance D sigma2
    spread = np.sqrt(D * sigma2 * v_0)
    mean, second = (stats.norm.expect(lambda z, r=r: (spread * z) ** r, lb=0) for r in (1, 2))
    printed = 1 / 2 * D * sigma2 * v_0
    apart(printed, second - mean**2, margin=0.4)
    agree(printed, second, rtol=1e-8)


def second_moment(law, inputs):
    """Sum over all pairs of weights: {(w_1, w_2): probability}."""
    return sum(q * max(np.dot(w, inputs), 0) ** 2 for w, q in law.items())


@pytest.mark.erratum(93)
def test_mean_and_variance_of_the_weights_are_not_enough_if_they_are_equal():
    equal = {(1, 1): 0.5, (-1, -1): 0.5}
    independent = dict.fromkeys(product((1, -1), repeat=2), 0.25)
    agree(second_moment(independent, (1, 1)), 1 / 2 * 2 * 1 * 1)
    apart(second_moment(equal, (1, 1)), 1.0, margin=0.99)


@pytest.mark.erratum(93)
def test_mean_and_variance_of_the_weights_are_not_enough_if_they_lean():
    entry = {3: 0.1, -1 / 3: 0.9}
    agree([sum(q * w**r for w, q in entry.items()) for r in (1, 2)], [0, 1])
    leaning = {(a, b): entry[a] * entry[b] for a, b in product(entry, repeat=2)}
    apart(second_moment(leaning, (1, 1)), 1.0, margin=0.6)


@pytest.mark.erratum(93)
def test_the_half_does_not_come_from_sparsity():
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    law = {Fraction(1): half, Fraction(-1, 2): quarter, Fraction(-3, 2): quarter}
    assert sum(q * z for z, q in law.items()) == 0
    kept = sum(q * z**2 for z, q in law.items() if z > 0)
    assert kept / sum(q * z**2 for z, q in law.items()) == Fraction(4, 9)


def exact_moments(widths, variances, inputs):
    """Sum over all nets with weights of one size and random sign, and over the inputs."""
    D_0, D_1 = widths
    hidden = []
    for x in inputs:
        z = corners(1, -1, n=D_0 * D_1).reshape(-1, D_1, D_0) @ x * np.sqrt(variances[0])
        hidden.append(np.maximum(z, 0))
    hidden = np.concatenate(hidden)
    z = hidden @ corners(1, -1, n=D_1).T * np.sqrt(variances[1])
    return (inputs**2).mean(), (hidden**2).mean(), (np.maximum(z, 0) ** 2).mean()


@pytest.mark.erratum(93)
def test_an_input_with_a_mean_enters_by_its_second_moment():
    inputs = corners(1, 3, n=2)  # variance 1, second moment 5
    second = exact_moments((2, 3), (1, 1), inputs)[1]
    agree(second, 1 / 2 * 2 * 1 * 5)
    apart(1 / 2 * 2 * 1 * inputs.var(), second, margin=0.7)


@pytest.mark.erratum(94)
def test_the_printed_power_is_wrong_for_unequal_widths():
    D_0, D_1, sigma2 = 2, 3, 1.0
    start, _, truth = exact_moments((D_0, D_1), (sigma2, sigma2), corners(-1, 2, n=D_0))
    printed = (1 / 2 * D_0 * sigma2) ** 2 * start
    apart(printed, truth, margin=0.3)
    agree((1 / 2 * D_0 * sigma2) * (1 / 2 * D_1 * sigma2) * start, truth)


@pytest.mark.erratum(95)
def test_the_variance_that_follows_from_the_printed_94_does_not_keep_the_signal():
    inputs = corners(-1, 2, n=2)
    start, _, printed = exact_moments((2, 3), (2 / 2, 2 / 2), inputs)
    apart(printed, start, margin=0.4)
    agree(exact_moments((2, 3), (2 / 2, 2 / 3), inputs), [start] * 3)


@pytest.mark.erratum(95)
def test_equal_ends_do_not_mean_equal_layers():
    start, middle, end = exact_moments((2, 3), (2, 1 / 3), corners(-1, 2, n=2))
    agree(end, start)
    agree(middle, 2 * start)


def gradient_step(D_i, D_next, sigma2):
    """Sum over all weights, upstream signs and a fixed input without ties; the upstream is 1."""
    h = np.array([1.0, 0.3, 0.15])[:D_i]
    W = corners(1, -1, n=D_i * D_next).reshape(-1, D_next, D_i) * np.sqrt(sigma2)
    mask = W @ h > 0
    return np.mean(
        [(((g * mask)[:, :, None] * W).sum(axis=1) ** 2).mean() for g in corners(1, -1, n=D_next)]
    )


@pytest.mark.erratum(96)
def test_the_gradient_grows_with_the_width_above():
    D_i, D_next, sigma2 = 2, 4, 0.7
    truth = gradient_step(D_i, D_next, sigma2)
    apart(1 / 2 * D_i * sigma2, truth, margin=0.49)
    agree(1 / 2 * D_next * sigma2, truth)


@pytest.mark.erratum(96)
def test_two_over_the_fan_in_does_not_keep_the_gradient():
    truth = gradient_step(2, 4, sigma2=2 / 2)
    agree(truth, 4 / 2)
    agree(gradient_step(2, 4, sigma2=2 / 4), 1)


@pytest.mark.erratum(97)
def test_fan_in_balances_the_forward_direction_only():
    rng, n, widths = np.random.default_rng(97), 6000, (12, 20, 8, 16)
    x = torch.tensor(rng.standard_normal((n, 12)), requires_grad=True)
    h = x
    for fan_in, fan_out in pairwise(widths):
        W = torch.tensor(rng.standard_normal((n, fan_out, fan_in)) * np.sqrt(2 / fan_in))
        h = torch.relu(torch.einsum("nab,nb->na", W, h))
    (dx,) = torch.autograd.grad(h, x, torch.tensor(rng.standard_normal((n, 16))))
    forward, backward = ((a.detach().numpy() ** 2).mean(axis=1) for a in (h, dx))
    error = [a.std() / np.sqrt(n) for a in (forward, backward)]
    assert abs(forward.mean() - 1) < 4 * error[0]
    assert abs(backward.mean() - 16 / 12) < 4 * error[1]
    assert backward.mean() - 1 > 10 * error[1]


@pytest.mark.erratum(97)
def test_the_second_argument_of_97_is_a_variance():
    W = torch.empty((600, 500), dtype=torch.float64)
    torch.manual_seed(97)
    torch.nn.init.kaiming_normal_(W, mode="fan_in", nonlinearity="relu")
    truth = W.std().item()
    apart(2 / 500, truth, margin=0.9)
    agree(np.sqrt(2 / 500), truth, rtol=0.01)


@pytest.mark.erratum(97)
def test_a_matrix_of_normal_entries_that_are_not_independent_does_not_serve():
    D, inputs = 12, np.linspace(0.1, 1.2, 12)
    # Each entry of the row is the same normal number with variance 2 / D.
    truth = stats.norm.expect(lambda w: (w * np.sqrt(2 / D) * inputs.sum()) ** 2, lb=0)
    apart((inputs**2).mean(), truth, margin=0.8)
