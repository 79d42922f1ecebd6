"""Whitening against torch (eigh, autograd) and, at equal eigenvalues, against differences.

Tolerance: rtol = 1e-10 in float64, times the condition number where an eigendecomposition stands
in between. Where the exact answer is 0, an atol of 1e-12 times the size of the terms that cancel.
"""

import numpy as np
import pytest
import scipy.linalg
import torch

from hw1lib import (
    inverse_root_backward,
    inverse_root_forward,
    newton_inverse_root_backward,
    newton_inverse_root_forward,
    newton_whitening_forward,
    pca_whitening_forward,
    whitening_backward,
    whitening_forward,
    whitening_inference,
)

RTOL = 1e-10
SHAPES = [(4, 1), (4, 2), (9, 3), (40, 6)]


def make_batch(B=9, M=3, seed=0):
    """Correlated columns of different scale, around different means."""
    rng = np.random.default_rng(seed)
    Y = (rng.normal(size=(B, M)) + rng.normal(size=(B, 1))) * np.resize([0.3, 1.5, 4.0], M)
    Y += rng.normal(size=M)
    return Y, rng.normal(size=M) + 0.4, rng.normal(size=M), rng.normal(size=(B, M))


def make_sigma(eigenvalues, seed=0):
    rng = np.random.default_rng(seed)
    U = scipy.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))[0]
    sigma = (U * eigenvalues) @ U.T
    return (sigma + sigma.T) / 2, rng.normal(size=sigma.shape)


def leaf(x):
    return torch.tensor(np.array(x), requires_grad=True)


def torch_root(sigma, eps):
    lam, U = torch.linalg.eigh(sigma)
    return U @ torch.diag((lam + eps) ** -0.5) @ U.T


def torch_newton_root(sigma, eps, steps):
    shifted = sigma + eps * torch.eye(len(sigma), dtype=sigma.dtype)
    trace = torch.trace(shifted)
    P = torch.eye(len(sigma), dtype=sigma.dtype)
    for _ in range(steps):
        P = 1.5 * P - 0.5 * torch.linalg.matrix_power(P, 3) @ (shifted / trace)
    return P / torch.sqrt(trace)


def torch_whitening(Y, gamma, beta, root):
    leaves = [leaf(Y), leaf(gamma), leaf(beta)]
    C = leaves[0] - leaves[0].mean(0)
    return leaves[1] * (C @ root(torch.cov(leaves[0].T, correction=0).reshape(C.shape[1], -1))) + (
        leaves[2]
    ), leaves


def symmetric_gradient(root, sigma, droot):
    """Autograd treats the entries as free: take the symmetric part."""
    sigma = leaf(sigma)
    (d,) = torch.autograd.grad(root(sigma), sigma, torch.tensor(droot))
    return (d + d.T) / 2


# The inverse root.


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_inverse_root_equals_scipy(eps):
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    expected = scipy.linalg.inv(scipy.linalg.sqrtm(sigma + eps * np.eye(3)))
    np.testing.assert_allclose(inverse_root_forward(sigma, eps)[0], expected, rtol=RTOL)


def test_inverse_root_has_no_eps_by_default():
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    root, _ = inverse_root_forward(sigma)
    np.testing.assert_allclose(root @ sigma @ root, np.eye(3), rtol=RTOL, atol=1e-12)


def test_inverse_root_is_symmetric():
    root, _ = inverse_root_forward(make_sigma([0.2, 1.7, 6.0])[0])
    np.testing.assert_allclose(root, root.T, rtol=RTOL)


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_inverse_root_backward_equals_autograd_at_distinct_eigenvalues(eps):
    sigma, droot = make_sigma([0.2, 1.7, 6.0, 6.5])
    expected = symmetric_gradient(lambda s: torch_root(s, eps), sigma, droot)
    actual = inverse_root_backward(droot, inverse_root_forward(sigma, eps)[1])
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


@pytest.mark.parametrize("eigenvalues", [[2.3, 2.3, 2.3], [0.4, 2.3, 2.3]])
def test_inverse_root_backward_solves_its_sylvester_equation_at_equal_eigenvalues(eigenvalues):
    # R S R = 1 gives dR S R + R dS R + R S dR = 0, thus dR (R^-1) + (R^-1) dR = -R dS R.
    sigma, droot = make_sigma(eigenvalues)
    root = scipy.linalg.inv(scipy.linalg.sqrtm(sigma))
    inverse = scipy.linalg.inv(root)
    direction = make_sigma([1.3, -0.4, 2.2], seed=1)[0]
    change = scipy.linalg.solve_sylvester(inverse, inverse, -root @ direction @ root)
    actual = inverse_root_backward(droot, inverse_root_forward(sigma)[1])
    np.testing.assert_allclose((actual * direction).sum(), (droot * change).sum(), rtol=RTOL)


def test_inverse_root_backward_is_a_power_at_a_multiple_of_the_identity():
    _, droot = make_sigma([2.0, 3.0, 4.0])
    actual = inverse_root_backward(droot, inverse_root_forward(2.3 * np.eye(3))[1])
    np.testing.assert_allclose(actual, -0.5 * 2.3**-1.5 * (droot + droot.T) / 2, rtol=RTOL)


def test_autograd_through_eigh_fails_at_equal_eigenvalues():
    # The reason for the form without a difference.
    _, droot = make_sigma([2.0, 3.0, 4.0])
    d = symmetric_gradient(lambda s: torch_root(s, 0.0), 2.3 * np.eye(3), droot)
    assert not torch.isfinite(d).all()


def test_inverse_root_backward_is_symmetric():
    sigma, droot = make_sigma([0.2, 1.7, 6.0])
    d = inverse_root_backward(droot, inverse_root_forward(sigma)[1])
    np.testing.assert_allclose(d, d.T, rtol=RTOL)


@pytest.mark.parametrize("eigenvalues", [[0.0, 1.7, 6.0], [0.0, 0.0, 6.0], [0.0, 0.0, 0.0]])
def test_singular_matrix_needs_eps(eigenvalues):
    sigma, _ = make_sigma(eigenvalues)
    with pytest.raises(ValueError, match="sigma must be positive definite where eps is 0"):
        inverse_root_forward(sigma)
    root, _ = inverse_root_forward(sigma, 0.25)
    expected = (np.array(eigenvalues) + 0.25) ** -0.5
    np.testing.assert_allclose(np.linalg.eigvalsh(root)[::-1], expected, rtol=RTOL)


def test_rounding_below_zero_is_no_negative_eigenvalue():
    sigma = make_sigma([0.0, 1.7, 6.0])[0] - 1e-15 * np.eye(3)
    lam = inverse_root_forward(sigma, 1e-5)[1].eigenvalues
    np.testing.assert_allclose(lam[0], 1e-5, rtol=RTOL)


def test_a_small_negative_eigenvalue_is_refused_whatever_eps_is():
    sigma, _ = make_sigma([-1e-6, 1.7, 6.0])
    with pytest.raises(ValueError, match="sigma must have no negative eigenvalue, got -1e-06"):
        inverse_root_forward(sigma, 1.5)


def test_a_negative_eigenvalue_may_be_ten_times_the_rounding_noise():
    ulp = np.finfo(float).eps
    inverse_root_forward(np.diag([1.0, -20 * ulp]), 1.0)
    with pytest.raises(ValueError, match="sigma must have no negative eigenvalue"):
        inverse_root_forward(np.diag([1.0, -21 * ulp]), 1.0)


@pytest.mark.parametrize("root", [inverse_root_forward, newton_inverse_root_forward])
def test_the_smallest_normal_number_has_an_inverse_root(root):
    tiny = np.finfo(float).tiny
    np.testing.assert_allclose(root(np.array([[tiny]]))[0], [[tiny**-0.5]], rtol=RTOL)


def test_symmetry_may_be_off_by_a_hundred_roundings_of_the_largest_entry():
    ulp = np.finfo(float).eps
    inverse_root_forward(np.array([[2.0, 1 + 200 * ulp], [1.0, 2.0]]))
    with pytest.raises(ValueError, match="sigma must be symmetric"):
        inverse_root_forward(np.array([[2.0, 1 + 201 * ulp], [1.0, 2.0]]))


def test_rounding_of_the_symmetry_is_accepted():
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    bent = sigma.copy()
    bent[0, 1] += 5e-15
    expected, _ = inverse_root_forward(sigma)
    np.testing.assert_allclose(inverse_root_forward(bent)[0], expected, rtol=1e-9)


# Newton's iteration.


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_newton_root_equals_its_iteration_in_torch(steps):
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    expected = torch_newton_root(torch.tensor(sigma), 0.3, steps)
    actual, _ = newton_inverse_root_forward(sigma, 0.3, steps)
    np.testing.assert_allclose(actual, expected, rtol=RTOL)


def test_newton_root_takes_five_steps_without_eps_by_default():
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    expected = torch_newton_root(torch.tensor(sigma), 0.0, 5)
    np.testing.assert_allclose(newton_inverse_root_forward(sigma)[0], expected, rtol=RTOL)


def test_newton_root_comes_closer_to_the_inverse_root_with_every_step():
    # Up to step 9 at this condition number of 30; then the rounding grows.
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    exact = scipy.linalg.inv(scipy.linalg.sqrtm(sigma))
    roots = [newton_inverse_root_forward(sigma, steps=k)[0] for k in range(1, 10)]
    errors = [np.abs(root - exact).max() for root in roots]
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 1e-9


def test_newton_root_approaches_from_below():
    sigma, _ = make_sigma([0.2, 1.7, 6.0])
    exact = scipy.linalg.inv(scipy.linalg.sqrtm(sigma))
    gaps = [exact - newton_inverse_root_forward(sigma, steps=k)[0] for k in (1, 3, 5)]
    assert min(np.linalg.eigvalsh(gap).min() for gap in gaps) > -1e-12


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("eigenvalues", [[0.2, 1.7, 6.0], [2.3, 2.3, 2.3]])
def test_newton_backward_equals_autograd(eigenvalues, steps):
    sigma, droot = make_sigma(eigenvalues)
    expected = symmetric_gradient(lambda s: torch_newton_root(s, 0.3, steps), sigma, droot)
    actual = newton_inverse_root_backward(droot, newton_inverse_root_forward(sigma, 0.3, steps)[1])
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


# Whitening of a batch.


@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_whitening_forward_equals_torch(shape, eps):
    Y, gamma, beta, _ = make_batch(*shape)
    expected, _ = torch_whitening(Y, gamma, beta, lambda s: torch_root(s, eps))
    actual, _ = whitening_forward(Y, gamma, beta, eps)
    np.testing.assert_allclose(actual, expected.detach(), rtol=1e-9)


@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_whitening_backward_equals_autograd(shape, eps):
    Y, gamma, beta, dY_hat = make_batch(*shape)
    output, leaves = torch_whitening(Y, gamma, beta, lambda s: torch_root(s, eps))
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY_hat))
    actual = whitening_backward(dY_hat, whitening_forward(Y, gamma, beta, eps)[1])
    for name, a, e in zip(("dY", "dgamma", "dbeta"), actual, expected, strict=True):
        atol = 1e-11 * e.abs().max().item()
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=atol, err_msg=name)


@pytest.mark.parametrize("shape", SHAPES)
def test_newton_whitening_equals_torch_forward_and_backward(shape):
    Y, gamma, beta, dY_hat = make_batch(*shape)
    output, leaves = torch_whitening(Y, gamma, beta, lambda s: torch_newton_root(s, 0.3, 4))
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY_hat))
    Y_hat, cache = newton_whitening_forward(Y, gamma, beta, 0.3, 4)
    np.testing.assert_allclose(Y_hat, output.detach(), rtol=1e-9)
    for a, e in zip(whitening_backward(dY_hat, cache), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-11 * e.abs().max().item())


def test_whitening_backward_equals_differences_at_equal_eigenvalues():
    # The corners of a square, turned and moved: its covariance is 2.25 I.
    rng = np.random.default_rng(0)
    c, s = np.cos(0.3), np.sin(0.3)
    corners = np.array([[1.5, 1.5], [1.5, -1.5], [-1.5, 1.5], [-1.5, -1.5]])
    Y = corners @ np.array([[c, s], [-s, c]]) + [0.7, -2.1]
    gamma, beta, dY_hat, direction = (rng.normal(size=n) for n in (2, 2, (4, 2), (4, 2)))

    def loss(Y):
        C = Y - Y.mean(axis=0)
        root = scipy.linalg.inv(scipy.linalg.sqrtm(C.T @ C / 4))
        return (dY_hat * (gamma * (C @ root) + beta)).sum()

    steps = np.array([-2, -1, 1, 2])
    values = np.array([loss(Y + 1e-3 * k * direction) for k in steps])
    expected = values @ [1, -8, 8, -1] / 12e-3  # its error is of order step**4 = 1e-12
    dY, _, _ = whitening_backward(dY_hat, whitening_forward(Y, gamma, beta, 0.0)[1])
    np.testing.assert_allclose((dY * direction).sum(), expected, rtol=1e-9)


@pytest.mark.parametrize("forward", [whitening_forward, pca_whitening_forward])
def test_defaults_add_the_eps_of_batch_norm(forward):
    Y, gamma, beta, _ = make_batch()
    expected = forward(Y * 0.01, gamma, beta, 1e-5)
    actual = forward(Y * 0.01, gamma, beta)
    np.testing.assert_array_equal(
        *(x[0] if isinstance(x, tuple) else x for x in (actual, expected))
    )


def test_newton_whitening_defaults_to_five_steps_with_a_small_eps():
    Y, gamma, beta, _ = make_batch()
    expected, _ = torch_whitening(Y * 0.01, gamma, beta, lambda s: torch_newton_root(s, 1e-5, 5))
    actual, _ = newton_whitening_forward(Y * 0.01, gamma, beta)
    np.testing.assert_allclose(actual, expected.detach(), rtol=1e-9)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_one_feature_is_batch_norm(eps):
    Y, gamma, beta, dY_hat = make_batch(M=1)
    leaves = [leaf(Y), leaf(gamma), leaf(beta)]
    output = torch.nn.functional.batch_norm(
        leaves[0], None, None, leaves[1], leaves[2], training=True, eps=eps
    )
    expected = torch.autograd.grad(output, leaves, torch.tensor(dY_hat))
    Y_hat, cache = whitening_forward(Y, gamma, beta, eps)
    np.testing.assert_allclose(Y_hat, output.detach(), rtol=RTOL)
    for a, e in zip(whitening_backward(dY_hat, cache), expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9)


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_covariance_of_the_output_is_what_eps_leaves(eps):
    Y, _, beta, _ = make_batch()
    Y_hat, _ = whitening_forward(Y, np.ones(3), beta, eps)
    lam = np.linalg.eigvalsh(np.cov(Y.T, bias=True))
    actual = np.linalg.eigvalsh(np.cov(Y_hat.T, bias=True))
    np.testing.assert_allclose(actual, lam / (lam + eps), rtol=RTOL)
    np.testing.assert_allclose(Y_hat.mean(axis=0), beta, rtol=RTOL)


def test_gamma_makes_the_covariance_of_the_output_its_square():
    Y, gamma, beta, _ = make_batch()
    Y_hat, _ = whitening_forward(Y, gamma, beta, 0.0)
    np.testing.assert_allclose(np.cov(Y_hat.T, bias=True), np.diag(gamma**2), rtol=RTOL, atol=1e-12)


def test_whitening_turns_with_the_data():
    Y, _, _, _ = make_batch()
    Q = scipy.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    plain, _ = whitening_forward(Y, np.ones(3), np.zeros(3), 0.1)
    turned, _ = whitening_forward(Y @ Q, np.ones(3), np.zeros(3), 0.1)
    np.testing.assert_allclose(turned, plain @ Q, rtol=1e-9, atol=1e-12)


def test_backward_sums_to_zero_over_the_batch():
    Y, gamma, beta, dY_hat = make_batch()
    dY, _, _ = whitening_backward(dY_hat, whitening_forward(Y, gamma, beta, 0.1)[1])
    assert (np.abs(dY.sum(axis=0)) < 1e-12 * np.abs(dY).max(axis=0)).all()


@pytest.mark.parametrize(
    ("dtype", "scale", "error"), [(np.float32, 3000.0, 1e-6), (np.float64, 1e8, 1e-11)]
)
def test_features_of_very_different_scales_need_no_eps(dtype, scale, error):
    rng = np.random.default_rng(5)
    Y = (rng.normal(size=(64, 3)) * [1.0, scale**0.5, scale]).astype(dtype)
    ones = np.ones(3, dtype=dtype)
    Y_hat = whitening_forward(Y, ones, 0 * ones, 0.0)[0].astype(float)
    np.testing.assert_allclose(Y_hat.T @ Y_hat / 64, np.eye(3), atol=error)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_feature_that_is_the_sum_of_two_others_needs_eps_at_any_scale(dtype, scale):
    rng = np.random.default_rng(6)
    Y = rng.normal(size=(64, 3)) * [1.0, scale, 1.0] + 5.0
    Y[:, 2] = Y[:, 0] + Y[:, 1]
    ones = np.ones(3, dtype=dtype)
    with pytest.raises(ValueError, match="sigma must be positive definite where eps is 0"):
        whitening_forward(Y.astype(dtype), ones, ones, 0.0)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3, 5), (2, 8)])
def test_too_few_samples_need_eps(shape):
    Y, gamma, beta, dY_hat = make_batch(*shape)
    with pytest.raises(ValueError, match="a batch of B samples gives rank at most B - 1"):
        whitening_forward(Y, gamma, beta, 0.0)
    Y_hat, cache = whitening_forward(Y, gamma, beta, 1e-3)
    rank = np.linalg.matrix_rank((Y_hat - beta) / gamma, tol=1e-8)
    assert rank == shape[0] - 1
    assert np.isfinite(whitening_backward(dY_hat, cache)[0]).all()


@pytest.mark.parametrize("value", [0.1, 10000 / 3])
def test_constant_feature_needs_eps(value):
    # The plain mean of 7 times 0.1 is not 0.1.
    Y = np.full((7, 1), value)
    for forward in (whitening_forward, newton_whitening_forward):
        with pytest.raises(ValueError, match=r"must (be|have a) positive"):
            forward(Y, np.array([1.7]), np.array([0.3]), 0.0)


def test_cache_holds_the_statistics():
    Y, gamma, beta, _ = make_batch()
    Y_hat, cache = whitening_forward(Y, gamma, beta, 0.1)
    np.testing.assert_allclose(cache.mean, Y.mean(axis=0), rtol=RTOL)
    np.testing.assert_allclose(cache.sigma, np.cov(Y.T, bias=True), rtol=RTOL)
    np.testing.assert_allclose(gamma * (cache.C @ cache.root) + beta, Y_hat, rtol=RTOL)


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_pca_whitening_equals_torch_up_to_signs(eps):
    Y, gamma, beta, _ = make_batch()
    C = torch.tensor(Y - Y.mean(axis=0))
    lam, U = torch.linalg.eigh(C.T @ C / len(C))
    expected = (C @ U / torch.sqrt(lam + eps)).numpy()
    actual = (pca_whitening_forward(Y, gamma, beta, eps) - beta) / gamma
    signs = np.sign((actual * expected).sum(axis=0))
    np.testing.assert_allclose(actual, expected * signs, rtol=1e-9)


def test_pca_whitening_orders_the_components_by_growing_variance():
    Y, _, _, _ = make_batch()
    Y_hat = pca_whitening_forward(Y, np.ones(3), np.zeros(3), 0.3)
    assert (np.diff(Y_hat.var(axis=0)) > 0.01).all()


def test_inference_with_the_statistics_of_the_batch_repeats_training():
    Y, gamma, beta, _ = make_batch()
    root = scipy.linalg.inv(scipy.linalg.sqrtm(np.cov(Y.T, bias=True) + 0.1 * np.eye(3)))
    expected, _ = torch_whitening(Y, gamma, beta, lambda s: torch_root(s, 0.1))
    actual = whitening_inference(Y, gamma, beta, Y.mean(axis=0), root)
    np.testing.assert_allclose(actual, expected.detach(), rtol=1e-9)


def test_inference_is_an_affine_map_of_one_row():
    rng = np.random.default_rng(6)
    y, gamma, beta, mean, root = (rng.normal(size=n) for n in ((1, 3), 3, 3, 3, (3, 3)))
    expected = torch.nn.functional.linear(torch.tensor(y - mean), torch.tensor(root.T)).numpy()
    actual = whitening_inference(y, gamma, beta, mean, root)
    np.testing.assert_allclose(actual, expected * gamma + beta, rtol=RTOL)


@pytest.mark.parametrize("size", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("newton", [False, True])
def test_magnitude_of_the_input_does_not_matter_without_eps(newton, size):
    Y, gamma, beta, dY_hat = make_batch()
    root = (lambda s: torch_newton_root(s, 0.0, 5)) if newton else (lambda s: torch_root(s, 0.0))
    output, leaves = torch_whitening(Y, gamma, beta, root)
    (expected,) = torch.autograd.grad(output, leaves[:1], torch.tensor(dY_hat))
    forward = newton_whitening_forward if newton else whitening_forward
    Y_hat, cache = forward(Y * size, gamma, beta, 0.0)
    np.testing.assert_allclose(Y_hat, output.detach(), rtol=1e-9)
    np.testing.assert_allclose(whitening_backward(dY_hat, cache)[0] * size, expected, rtol=1e-8)


# Batches whose covariance is badly conditioned take the singular values of the batch itself.


def badly_conditioned(B=9, dtype=float):
    rng = np.random.default_rng(11)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return (rng.normal(size=(B, 4)) * [1e-3, 0.03, 1.0, 20.0] @ turn).astype(dtype)


def covariance(Y):
    C = Y - Y.mean(axis=0)
    return C.T @ C / len(C)


@pytest.mark.parametrize("eps", [1e-5, 1e-9])
def test_root_of_a_badly_conditioned_batch_undoes_its_covariance(eps):
    Y = badly_conditioned()
    cache = whitening_forward(Y, np.ones(4), np.zeros(4), eps)[1]
    product = cache.root @ (covariance(Y) + eps * np.eye(4)) @ cache.root
    np.testing.assert_allclose(product, np.eye(4), atol=1e-7)
    np.testing.assert_allclose(cache.root, cache.root.T, rtol=1e-9)


@pytest.mark.parametrize("B", [3, 9])
def test_cache_of_a_badly_conditioned_batch_holds_what_eigh_gives_in_growing_order(B):
    Y = badly_conditioned(B)
    lam, U = whitening_forward(Y, np.ones(4), np.zeros(4), 1e-4)[1].root_cache
    expected = np.linalg.eigvalsh(covariance(Y)) + 1e-4
    np.testing.assert_allclose(lam, expected, rtol=1e-9)
    np.testing.assert_allclose(
        U.T @ (covariance(Y) + 1e-4 * np.eye(4)) @ U, np.diag(lam), atol=1e-9
    )


def test_a_badly_conditioned_batch_of_float32_stays_in_float32():
    Y = badly_conditioned(dtype=np.float32)
    cache = whitening_forward(Y, np.ones(4, np.float32), np.zeros(4, np.float32), 1e-4)[1]
    assert {array.dtype for array in (cache.root, *cache.root_cache)} == {np.dtype(np.float32)}


def test_output_of_a_badly_conditioned_batch_has_the_identity_as_covariance():
    Y = badly_conditioned(50)
    Y_hat, _ = whitening_forward(Y, np.ones(4), np.zeros(4), 0.0)
    np.testing.assert_allclose(Y_hat.T @ Y_hat / 50, np.eye(4), atol=1e-7)


def test_whitening_keeps_seven_digits_at_a_condition_number_of_1e12():
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    Y = rng.normal(size=(50, 3)) * [1e-5, 1.0, 10.0] @ turn
    Y_hat, _ = whitening_forward(Y, np.ones(3), np.zeros(3), 0.0)
    np.testing.assert_allclose(Y_hat.T @ Y_hat / 50, np.eye(3), atol=1e-7)
