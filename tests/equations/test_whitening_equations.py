"""Equations (79) to (83), the batch norm that whitens; each docstring is the displayed equation.

The columns are correlated and of scale 0.01 to 10, so that the covariance has the condition number
1e6. The error of its inverse root is about 4e-12; the entries that are 0 get an atol of 1e-10.
"""

import numpy as np
import pytest
import torch
from scipy import linalg

from hw1lib import inverse_root_forward, whitening_forward, whitening_inference

B, M = 11, 4
EPS = 1e-2  # of the size of some eigenvalues of the covariance, so that its place matters

rng = np.random.default_rng(79)
mixing = np.eye(M) + 0.4 * rng.normal(size=(M, M))
Y = rng.normal(size=(B, M)) @ mixing * [0.01, 1, 10, 0.1] + [0.02, 3, -10, 0.5]
gamma, beta = np.array([1.7, -0.6, 0.4, -2.3]), rng.normal(size=M)


def covariance(Y):
    """Torch's covariance over the batch, with 1/B."""
    return torch.cov(torch.from_numpy(Y).T, correction=0).numpy()


def inverse_root(A):
    """SciPy's: Schur decomposition and inverse, where hw1lib has the eigendecomposition."""
    return linalg.inv(linalg.sqrtm(A))


@pytest.mark.equation(79, by="torch")
def test_the_mean_is_the_sum_of_the_rows_over_their_number(check):
    r"""\boldsymbol\mu = \frac1B\, Y^\top \mathbf 1_B \in \mathbb R^{M}"""
    mu = 1 / B * Y.T @ np.ones(B)
    assert mu.shape == (M,)
    check.equal(mu, torch.from_numpy(Y).mean(dim=0))
    _, cache = whitening_forward(Y, gamma, beta)
    check.equal(cache.mean, mu)


@pytest.mark.equation(80, by="torch")
def test_the_covariance_is_a_mean_of_outer_products_and_one_matrix_product(check):
    r"""\begin{aligned}
    \Sigma &= \frac1B \sum_{i=1}^{B} (\mathbf y_i - \boldsymbol\mu)(\mathbf y_i -
    \boldsymbol\mu)^\top \\
    &= \frac1B\, C^\top C \in \mathbb R^{M \times M}.
    \end{aligned}"""
    y = Y[:, :, None]  # y[i] is sample i as a column, M x 1
    # With mu off the mean, both forms gain off off^T: this shows the sign in each of the factors.
    for off in (np.zeros(M), beta):
        mu = Y.mean(axis=0) + off
        m = mu[:, None]
        outer_products = 1 / B * sum((y[i] - m) @ (y[i] - m).T for i in range(B))
        C = Y - np.outer(np.ones(B), mu)
        matrix_product = 1 / B * C.T @ C
        assert outer_products.shape == matrix_product.shape == (M, M)
        check.equal(outer_products, matrix_product, covariance(Y) + np.outer(off, off))

    _, cache = whitening_forward(Y, gamma, beta)
    check.equal(cache.C, Y - Y.mean(axis=0))
    check.equal(cache.sigma, covariance(Y))


@pytest.mark.equation(81, by="scipy")
def test_the_inverse_root_makes_the_covariance_the_identity_and_epsilon_nearly_so(check):
    r"""\begin{aligned}
    &\Sigma \succ 0: \\
    &\qquad \Sigma^{-1/2}\, \Sigma\, \Sigma^{-1/2} = I; \\
    &\text{in general}: \\
    &\qquad (\Sigma + \epsilon I)^{-1/2}\, \Sigma\, (\Sigma + \epsilon I)^{-1/2} \\
    &\qquad \text{has the eigenvalues } \frac{\lambda_a}{\lambda_a + \epsilon}.
    \end{aligned}"""
    Sigma, identity = covariance(Y), np.eye(M)
    assert (linalg.eigvalsh(Sigma) > 0).all()  # positive definite
    check.equal(inverse_root(Sigma) @ Sigma @ inverse_root(Sigma), identity, atol=1e-10)
    check.equal(inverse_root_forward(Sigma)[0], inverse_root(Sigma))

    singular = covariance(Y[:M])  # B = M samples: an eigenvalue is 0
    with pytest.raises(ValueError, match="positive definite"):
        inverse_root_forward(singular)

    for batch in (Y, Y[:M]):  # in general
        Sigma = covariance(batch)
        lam = linalg.eigvalsh(Sigma)
        root = inverse_root(Sigma + EPS * identity)
        check.equal(linalg.eigvalsh(root @ Sigma @ root), lam / (lam + EPS), atol=1e-12)
        check.equal(inverse_root_forward(Sigma, EPS)[0], root)
        check.equal(whitening_forward(batch, gamma, beta, EPS)[1].root, root)


@pytest.mark.equation(82, by="scipy")
def test_the_centred_batch_times_the_root_is_white(check):
    r"""\begin{aligned}
    \tilde Y &= (Y - \mathbf 1_B \boldsymbol\mu^\top)\, \Sigma^{-1/2} \\
    &\in \mathbb R^{B \times M}, \\
    \frac1B \tilde Y^\top \tilde Y &= I.
    \end{aligned}"""
    mu, Sigma = Y.mean(axis=0), covariance(Y)
    Y_tilde = (Y - np.outer(np.ones(B), mu)) @ inverse_root(Sigma)
    assert Y_tilde.shape == (B, M)
    check.equal(1 / B * Y_tilde.T @ Y_tilde, np.eye(M), atol=1e-10)

    # C = Q P with Q^T Q = I and P = sqrt(B) Sigma^{1/2}: C Sigma^{-1/2} is sqrt(B) Q.
    Q, _ = linalg.polar(Y - mu)
    check.equal(Y_tilde, np.sqrt(B) * Q)
    _, cache = whitening_forward(Y, gamma, beta, eps=0.0)
    check.equal(cache.C @ cache.root, np.sqrt(B) * Q)


@pytest.mark.equation(83, by="torch")
def test_scale_and_shift_give_the_covariance_gamma_squared(check):
    r"""\begin{aligned}
    \hat Y &= \tilde Y \operatorname{diag}(\boldsymbol\gamma) + \mathbf 1_B \boldsymbol\beta^\top,
    \\
    \operatorname{Cov}_{\text{batch}}(\hat Y) &= \Gamma I \Gamma =
    \operatorname{diag}(\boldsymbol\gamma)^2.
    \end{aligned}"""
    mu, root = Y.mean(axis=0), inverse_root(covariance(Y))
    Y_tilde = (Y - mu) @ root
    Y_hat = Y_tilde @ np.diag(gamma) + np.outer(np.ones(B), beta)
    layer = torch.nn.functional.linear(*map(torch.from_numpy, (Y_tilde, np.diag(gamma), beta)))
    check.equal(Y_hat, layer)

    Gamma = np.diag(gamma)
    check.equal(covariance(Y_hat), Gamma @ np.eye(M) @ Gamma, atol=1e-10)
    check.equal(covariance(Y_hat), np.diag(gamma) ** 2, atol=1e-10)
    check.equal(whitening_forward(Y, gamma, beta, eps=0.0)[0], Y_hat)
    check.equal(whitening_inference(Y, gamma, beta, mu, root), Y_hat)
