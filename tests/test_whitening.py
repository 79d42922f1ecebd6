"""Whitening against torch (eigh, autograd) and SciPy, and at equal eigenvalues.

The equations (79) to (83) are checked in tests/equations. Tolerance: rtol = 1e-10 in float64, times
the condition number where an eigendecomposition stands in between. Where the exact answer is 0, an
atol of 1e-12 times the size of the terms that cancel.
"""

import numpy as np
import pytest
import scipy.linalg
import torch

import hw1lib as hw
from oracles import autograd, same

EIGENVALUES = [0.2, 1.7, 6.0]
ULP = np.finfo(float).eps


def make_batch(B=9, M=3, seed=0):
    """Correlated columns of different scale, around different means."""
    rng = np.random.default_rng(seed)
    Y = (rng.normal(size=(B, M)) + rng.normal(size=(B, 1))) * np.resize([0.3, 1.5, 4.0], M)
    Y += rng.normal(size=M)
    return Y, rng.normal(size=M) + 0.4, rng.normal(size=M), rng.normal(size=(B, M))


def make_sigma(eigenvalues=EIGENVALUES, seed=0):
    rng = np.random.default_rng(seed)
    U = scipy.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))[0]
    sigma = (U * eigenvalues) @ U.T
    return (sigma + sigma.T) / 2, rng.normal(size=sigma.shape)


def covariance(Y):
    return np.cov(Y.T, bias=True)


def scipy_root(sigma):
    return scipy.linalg.inv(scipy.linalg.sqrtm(sigma))


def eigh_root(eps):
    def root(sigma):
        lam, U = torch.linalg.eigh(sigma)
        return U @ torch.diag((lam + eps) ** -0.5) @ U.T

    return root


def newton_root(eps, steps):
    def root(sigma):
        identity = torch.eye(len(sigma), dtype=sigma.dtype)
        shifted = sigma + eps * identity
        trace, P = torch.trace(shifted), identity
        for _ in range(steps):
            P = 1.5 * P - 0.5 * torch.linalg.matrix_power(P, 3) @ (shifted / trace)
        return P / torch.sqrt(trace)

    return root


def root_by_torch(root, sigma, droot):
    """Autograd treats the entries as free: take the symmetric part of its gradient."""
    value, (d,) = autograd(root, droot, sigma)
    return value, (d + d.T) / 2


def by_torch(root, Y, gamma, beta, dY_hat):
    def layer(Y, gamma, beta):
        sigma = torch.cov(Y.T, correction=0).reshape(Y.shape[1], -1)
        return gamma * ((Y - Y.mean(0)) @ root(sigma)) + beta

    return autograd(layer, dY_hat, Y, gamma, beta)


# The inverse root.


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_inverse_root_equals_torch_at_distinct_eigenvalues(eps):
    sigma, droot = make_sigma([*EIGENVALUES, 6.5])
    root, cache = hw.inverse_root_forward(sigma, eps)
    actual = root, hw.inverse_root_backward(droot, cache)
    same(actual, root_by_torch(eigh_root(eps), sigma, droot), rtol=1e-9)


@pytest.mark.parametrize("eigenvalues", [[2.3, 2.3, 2.3], [0.4, 2.3, 2.3]])
def test_inverse_root_backward_solves_its_sylvester_equation_at_equal_eigenvalues(eigenvalues):
    # R S R = 1 gives dR S R + R dS R + R S dR = 0, thus dR (R^-1) + (R^-1) dR = -R dS R. There
    # autograd through eigh divides by 0.
    sigma, droot = make_sigma(eigenvalues)
    root = scipy_root(sigma)
    inverse = scipy.linalg.inv(root)
    direction = make_sigma([1.3, -0.4, 2.2], seed=1)[0]
    change = scipy.linalg.solve_sylvester(inverse, inverse, -root @ direction @ root)
    actual = hw.inverse_root_backward(droot, hw.inverse_root_forward(sigma)[1])
    same((actual * direction).sum(), (droot * change).sum())


@pytest.mark.parametrize("eigenvalues", [[0.0, 1.7, 6.0], [0.0, 0.0, 6.0], [0.0, 0.0, 0.0]])
def test_singular_matrix_needs_eps(eigenvalues):
    sigma, _ = make_sigma(eigenvalues)
    with pytest.raises(ValueError, match="sigma must be positive definite where eps is 0"):
        hw.inverse_root_forward(sigma)
    root, _ = hw.inverse_root_forward(sigma, 0.25)
    same(np.linalg.eigvalsh(root)[::-1], (np.array(eigenvalues) + 0.25) ** -0.5)


def test_rounding_below_zero_is_no_negative_eigenvalue():
    sigma = make_sigma([0.0, 1.7, 6.0])[0] - 1e-15 * np.eye(3)
    same(hw.inverse_root_forward(sigma, 1e-5)[1].eigenvalues[0], 1e-5)


@pytest.mark.parametrize(
    ("accepted", "refused", "message"),
    [
        # A negative eigenvalue may be ten times the rounding noise, whatever eps is.
        (np.diag([1, -20 * ULP]), np.diag([1, -21 * ULP]), "have no negative eigenvalue, got -4.6"),
        # Symmetry may be off by a hundred roundings of the largest entry.
        ([[2, 1 + 200 * ULP], [1, 2]], [[2, 1 + 201 * ULP], [1, 2]], "be symmetric"),
    ],
)
def test_rounding_of_a_covariance_is_accepted_and_no_more(accepted, refused, message):
    hw.inverse_root_forward(np.array(accepted, float), 1.0)
    with pytest.raises(ValueError, match=f"sigma must {message}"):
        hw.inverse_root_forward(np.array(refused, float), 1.0)


@pytest.mark.parametrize("root", [hw.inverse_root_forward, hw.newton_inverse_root_forward])
def test_the_smallest_normal_number_has_an_inverse_root(root):
    tiny = np.finfo(float).tiny
    same(root(np.array([[tiny]]))[0], np.array([[tiny**-0.5]]))


def test_rounding_of_the_symmetry_changes_the_root_as_little():
    sigma, _ = make_sigma()
    bent = sigma.copy()
    bent[0, 1] += 5e-15
    same(hw.inverse_root_forward(bent)[0], hw.inverse_root_forward(sigma)[0], rtol=1e-9)


# Newton's iteration.


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("eigenvalues", [EIGENVALUES, [2.3, 2.3, 2.3]])
def test_newton_root_equals_torch_forward_and_backward(eigenvalues, steps):
    sigma, droot = make_sigma(eigenvalues)
    root, cache = hw.newton_inverse_root_forward(sigma, 0.3, steps)
    actual = root, hw.newton_inverse_root_backward(droot, cache)
    same(actual, root_by_torch(newton_root(0.3, steps), sigma, droot), rtol=1e-9)


def test_newton_root_comes_closer_to_the_inverse_root_from_below_with_every_step():
    # Up to step 9 at this condition number of 30; then the rounding grows.
    sigma, _ = make_sigma()
    gaps = [
        scipy_root(sigma) - hw.newton_inverse_root_forward(sigma, 0, k)[0] for k in range(1, 10)
    ]
    errors = [np.abs(gap).max() for gap in gaps]
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 1e-9
    assert min(np.linalg.eigvalsh(gap).min() for gap in gaps[:5]) > -1e-12


# Whitening of a batch.


WHITENINGS = [
    (hw.whitening_forward, eigh_root),
    (lambda *batch: hw.newton_whitening_forward(*batch, 4), lambda eps: newton_root(eps, 4)),
]


@pytest.mark.parametrize(("forward", "root"), WHITENINGS)
@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.3])
@pytest.mark.parametrize("shape", [(4, 1), (4, 2), (9, 3), (40, 6)])
def test_whitening_equals_torch_forward_and_backward(shape, eps, forward, root):
    batch = make_batch(*shape)
    expected, gradients = by_torch(root(eps), *batch)
    Y_hat, cache = forward(*batch[:3], eps)
    same(Y_hat, expected, rtol=1e-9)
    same(hw.whitening_backward(batch[3], cache), gradients, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("dtype", "scale", "error"), [(np.float32, 3000.0, 1e-6), (np.float64, 1e8, 1e-11)]
)
def test_features_of_very_different_scales_need_no_eps(dtype, scale, error):
    rng = np.random.default_rng(5)
    Y = (rng.normal(size=(64, 3)) * [1.0, scale**0.5, scale]).astype(dtype)
    ones = np.ones(3, dtype=dtype)
    Y_hat = hw.whitening_forward(Y, ones, 0 * ones, 0.0)[0].astype(float)
    np.testing.assert_allclose(Y_hat.T @ Y_hat / 64, np.eye(3), atol=error)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_feature_that_is_the_sum_of_two_others_needs_eps_at_any_scale(dtype, scale):
    rng = np.random.default_rng(6)
    Y = rng.normal(size=(64, 3)) * [1.0, scale, 1.0] + 5.0
    Y[:, 2] = Y[:, 0] + Y[:, 1]
    ones = np.ones(3, dtype=dtype)
    with pytest.raises(ValueError, match="sigma must be positive definite where eps is 0"):
        hw.whitening_forward(Y.astype(dtype), ones, ones, 0.0)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3, 5), (2, 8)])
def test_too_few_samples_need_eps(shape):
    Y, gamma, beta, dY_hat = make_batch(*shape)
    with pytest.raises(ValueError, match="a batch of B samples gives rank at most B - 1"):
        hw.whitening_forward(Y, gamma, beta, 0.0)
    Y_hat, cache = hw.whitening_forward(Y, gamma, beta, 1e-3)
    assert np.linalg.matrix_rank((Y_hat - beta) / gamma, tol=1e-8) == shape[0] - 1
    assert np.isfinite(hw.whitening_backward(dY_hat, cache)[0]).all()


@pytest.mark.parametrize("forward", [hw.whitening_forward, hw.newton_whitening_forward])
@pytest.mark.parametrize("value", [0.1, 10000 / 3])
def test_constant_feature_needs_eps(value, forward):
    # The plain mean of 7 times 0.1 is not 0.1.
    with pytest.raises(ValueError, match=r"must (be|have a) positive"):
        forward(np.full((7, 1), value), np.array([1.7]), np.array([0.3]), 0.0)


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_pca_whitening_equals_torch_up_to_signs_in_the_order_of_growing_variance(eps):
    Y, gamma, beta, _ = make_batch()
    C = torch.tensor(Y - Y.mean(axis=0))
    lam, U = torch.linalg.eigh(C.T @ C / len(C))
    expected = (C @ U / torch.sqrt(lam + eps)).numpy()
    actual = (hw.pca_whitening_forward(Y, gamma, beta, eps) - beta) / gamma
    same(actual, expected * np.sign((actual * expected).sum(axis=0)), rtol=1e-9)


def test_inference_is_an_affine_map_of_one_row():
    rng = np.random.default_rng(6)
    y, gamma, beta, mean, root = (rng.normal(size=n) for n in ((1, 3), 3, 3, 3, (3, 3)))
    expected = torch.nn.functional.linear(torch.tensor(y - mean), torch.tensor(root.T)).numpy()
    same(hw.whitening_inference(y, gamma, beta, mean, root), expected * gamma + beta)


@pytest.mark.parametrize("size", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize(("forward", "root"), WHITENINGS)
def test_magnitude_of_the_input_does_not_matter_without_eps(forward, root, size):
    Y, gamma, beta, dY_hat = make_batch()
    expected, gradients = by_torch(root(0), Y, gamma, beta, dY_hat)
    Y_hat, cache = forward(Y * size, gamma, beta, 0.0)
    same(Y_hat, expected, rtol=1e-9)
    same(hw.whitening_backward(dY_hat, cache)[0] * size, gradients[0], rtol=1e-8)


# Batches whose covariance is badly conditioned take the singular values of the batch itself.


def badly_conditioned(B=9, scales=(1e-3, 0.03, 1.0, 20.0), dtype=float):
    rng = np.random.default_rng(11)
    turn = np.linalg.qr(rng.normal(size=(len(scales),) * 2))[0]
    return (rng.normal(size=(B, len(scales))) * scales @ turn).astype(dtype)


def whiten(Y, eps):
    ones = np.ones(Y.shape[1], Y.dtype)
    return hw.whitening_forward(Y, ones, 0 * ones, eps)


@pytest.mark.parametrize("eps", [1e-5, 1e-9])
def test_root_of_a_badly_conditioned_batch_undoes_its_covariance(eps):
    Y = badly_conditioned()
    root = whiten(Y, eps)[1].root
    product = root @ (covariance(Y) + eps * np.eye(4)) @ root
    np.testing.assert_allclose(product, np.eye(4), atol=1e-7)
    same(root, root.T, rtol=1e-9)


@pytest.mark.parametrize(("condition", "is_bad"), [(2, False), (1000.5, True)])
def test_eigenvectors_are_those_of_the_covariance_unless_eps_leaves_it_badly_conditioned(
    condition, is_bad
):
    Y = badly_conditioned()
    cache = whiten(Y, np.linalg.eigvalsh(covariance(Y))[-1] / condition)[1]
    assert np.array_equal(cache.root_cache.U, np.linalg.eigh(cache.sigma)[1]) != is_bad


@pytest.mark.parametrize("B", [3, 9])
def test_cache_of_a_badly_conditioned_batch_holds_what_eigh_gives_in_growing_order(B):
    Y = badly_conditioned(B)
    lam, U = whiten(Y, 1e-4)[1].root_cache
    shifted = covariance(Y) + 1e-4 * np.eye(4)
    same(lam, np.linalg.eigvalsh(shifted), rtol=1e-9)
    np.testing.assert_allclose(U.T @ shifted @ U, np.diag(lam), atol=1e-9)


def test_a_badly_conditioned_batch_of_float32_stays_in_float32():
    _, cache = whiten(badly_conditioned(dtype=np.float32), 1e-4)
    assert {array.dtype for array in (cache.root, *cache.root_cache)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("scales", [(1e-3, 0.03, 1.0, 20.0), (1e-5, 1.0, 10.0)])
def test_whitening_keeps_seven_digits_at_a_condition_number_of_1e12(scales):
    Y_hat, _ = whiten(badly_conditioned(50, scales), 0.0)
    np.testing.assert_allclose(Y_hat.T @ Y_hat / 50, np.eye(len(scales)), atol=1e-7)
