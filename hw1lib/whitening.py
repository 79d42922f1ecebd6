"""Batch norm with the full covariance: symmetric (ZCA) whitening, its gradient, Newton's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from hw1lib import _contract as a
from hw1lib._contract import Array, RefusalError, checked, finite
from hw1lib._statistics import affine, center, column_sum, mean


class InverseRootCache(NamedTuple):
    """The eigenvalues of sigma + eps I, (M,), and the eigenvectors, (M, M), one a column."""

    eigenvalues: Array
    U: Array


class NewtonCache(NamedTuple):
    """The iterates P_0 .. P_T, each (M, M), the scaled matrix S, (M, M), and its trace before."""

    iterates: list[Array]
    S: Array
    trace: float


class WhiteningCache(NamedTuple):
    """What the backward pass needs.

    C is (B, M), the centred input; root is (M, M), the inverse root of the covariance, and
    root_cache that of its own forward pass; gamma and mean are (M,), sigma is (M, M).
    """

    C: Array
    root: Array
    root_cache: InverseRootCache | NewtonCache
    gamma: Array
    mean: Array
    sigma: Array


_steps = a.whole(1, high=1000)


@checked(sigma=a.symmetric, eps=a.nonnegative)
def inverse_root_forward(sigma: Array, eps: float = 0.0) -> tuple[Array, InverseRootCache]:
    """Take the symmetric inverse square root of a covariance matrix.

    The root in (81), by the eigendecomposition::

        sigma + eps * I = U @ diag(lam) @ U.T
        root = U @ diag(1 / sqrt(lam)) @ U.T

    Parameters
    ----------
    sigma : numpy.ndarray, shape (M, M)
        A symmetric matrix without negative eigenvalues.
    eps : float, default 0
        Added to every eigenvalue, at least 0.

    Returns
    -------
    root : numpy.ndarray, shape (M, M)
        Symmetric, with root @ (sigma + eps * I) @ root = I.
    cache : InverseRootCache
        What `inverse_root_backward` needs.
    """
    lam, U = np.linalg.eigh(sigma)
    # An eigenvalue that is 0 in exact arithmetic comes out as rounding noise of either sign.
    noise = len(sigma) * np.finfo(sigma.dtype).eps * max(lam[-1], 0)
    if lam[0] < -10 * noise:
        raise RefusalError(f"sigma must have no negative eigenvalue, got {lam[0]:.3g}")
    return _inverse_root(lam, U, eps, noise)


@checked(cache=a.cached(InverseRootCache, U="M M"), droot=a.shown("M M"))
def inverse_root_backward(droot: Array, cache: InverseRootCache) -> Array:
    """Send a gradient back through the symmetric inverse square root.

    In the eigenbasis, with no difference left in the divided difference K of lam**(-1/2)::

        K[a, b] = -1 / (r[a] * r[b] * (r[a] + r[b]))
        r = sqrt(lam)
        dsigma = U @ (K * (U.T @ sym(droot) @ U)) @ U.T

    The usual form divides by lam[a] - lam[b] and fails at equal eigenvalues; at a = b this one
    is the derivative -1/2 * lam**(-3/2) itself.

    Parameters
    ----------
    droot : numpy.ndarray, shape (M, M)
        Gradient of the loss with respect to the root.
    cache : InverseRootCache
        From `inverse_root_forward`.

    Returns
    -------
    numpy.ndarray, shape (M, M)
        Symmetric gradient with respect to `sigma`.
    """
    lam, U = cache
    r = np.sqrt(lam)
    A = U.T @ _sym(droot) @ U
    # One division at a time: the product of the three roots, K's denominator, underflows (or
    # overflows) long before the quotient does.
    return U @ (-A / r / r[:, None] / np.add.outer(r, r)) @ U.T


@checked(guarded=False, sigma=a.symmetric, eps=a.nonnegative, steps=_steps)
def newton_inverse_root_forward(
    sigma: Array, eps: float = 0.0, steps: int = 5
) -> tuple[Array, NewtonCache]:
    """Approach the inverse square root by Newton's iteration, with matrix products only.

    Divided by its trace, sigma has eigenvalues in (0, 1], where the iteration converges::

        S = (sigma + eps * I) / t
        t = trace(sigma + eps * I)
        P_0 = I
        P_k = (3 * P_{k-1} - P_{k-1}**3 @ S) / 2
        root = P_steps / sqrt(t)

    A negative eigenvalue makes the iteration diverge, to infinity with NumPy's warning; it is
    not looked for: that would take the eigendecomposition that the iteration avoids. Take no
    more steps than it needs to converge: from then on rounding grows, for eigenvalues in the
    ratio c about (c + sqrt(c)) / 2-fold a step. Source: Huang et al. (2019), algorithm 1.

    Parameters
    ----------
    sigma : numpy.ndarray, shape (M, M)
        A symmetric matrix without negative eigenvalues.
    eps : float, default 0
        Added to the diagonal, at least 0.
    steps : int, default 5
        Number of iterations, 1 to 1000.

    Returns
    -------
    root : numpy.ndarray, shape (M, M)
        The approximation; small eigenvalues are approached from below, slowly.
    cache : NewtonCache
        What `newton_inverse_root_backward` needs.
    """
    return _newton_root(sigma, eps, steps)


@checked(cache=a.cached(NewtonCache, S="M M"), droot=a.shown("M M"))
def newton_inverse_root_backward(droot: Array, cache: NewtonCache) -> Array:
    """Send a gradient back through the steps of Newton's iteration.

    For each step, in reverse, with the product rule on P @ P @ P @ S::

        dS -= (P @ P @ P).T @ dP / 2
        dP <- 3/2 * dP - (dP @ (P @ P @ S).T + P.T @ dP @ (P @ S).T + (P @ P).T @ dP @ S.T) / 2

    then through S = (sigma + eps * I) / t and root = P / sqrt(t), where t depends on sigma too.

    Parameters
    ----------
    droot : numpy.ndarray, shape (M, M)
        Gradient of the loss with respect to the root.
    cache : NewtonCache
        From `newton_inverse_root_forward`.

    Returns
    -------
    numpy.ndarray, shape (M, M)
        Symmetric gradient with respect to `sigma`.
    """
    iterates, S, trace = cache
    # The iterates are polynomials in S, so all of them are symmetric.
    dP = _sym(droot) / trace**0.5
    dtrace = -np.sum(dP * iterates[-1]) / (2 * trace)
    dS = np.zeros_like(S)
    for P in reversed(iterates[:-1]):
        PP, PS = P @ P, P @ S
        dS -= PP @ P @ dP / 2
        dP = (3 * dP - dP @ S @ PP - P @ dP @ PS.T - PP @ dP @ S) / 2
    dtrace -= np.sum(dS * S) / trace
    return _sym(dS) / trace + dtrace * np.eye(len(S), dtype=S.dtype)


@checked(Y=a.shown("B>1 M"), gamma="M", beta="M", eps=a.nonnegative)
def whitening_forward(
    Y: Array, gamma: Array, beta: Array, eps: float = 1e-5
) -> tuple[Array, WhiteningCache]:
    """Center the batch, make its covariance the identity, then scale and shift each feature.

    Equations (79) to (83)::

        mu = mean(Y)
        C = Y - mu
        sigma = C.T @ C / B
        Y_hat = gamma * (C @ inverse_root(sigma + eps * I)) + beta

    The symmetric root (ZCA) is one of many: R @ root whitens for every orthogonal R. It is the
    one that moves the data least. Above a condition number of 1000, the eigenvalues come from
    the singular values of C: those of sigma would have lost more than 3 digits.
    Source: Huang et al. (2018).

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row, with B of at least 2.
    gamma, beta : numpy.ndarray, shape (M,)
        Scale and shift of each whitened feature.
    eps : float, default 1e-5
        Added to every eigenvalue of the covariance, at least 0, in squared units of `Y`.

    Returns
    -------
    Y_hat : numpy.ndarray, shape (B, M)
        Output; for gamma = 1 its covariance has the eigenvalues lam / (lam + eps).
    cache : WhiteningCache
        What `whitening_backward` needs.
    """
    return _whiten(Y, gamma, beta, lambda C, sigma: _inverse_root_of_batch(C, sigma, eps))


@checked(Y=a.shown("B>1 M"), gamma="M", beta="M", eps=a.nonnegative, steps=_steps)
def newton_whitening_forward(
    Y: Array, gamma: Array, beta: Array, eps: float = 1e-5, steps: int = 5
) -> tuple[Array, WhiteningCache]:
    """Whiten the batch approximately, with the inverse root from Newton's iteration.

    As `whitening_forward`, with `newton_inverse_root_forward` (Huang et al. (2019))::

        Y_hat = gamma * (C @ newton_inverse_root(sigma + eps * I, steps)) + beta

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row, with B of at least 2.
    gamma, beta : numpy.ndarray, shape (M,)
        Scale and shift of each whitened feature.
    eps : float, default 1e-5
        Added to the diagonal of the covariance, at least 0, in squared units of `Y`.
    steps : int, default 5
        Number of iterations, 1 to 1000.

    Returns
    -------
    Y_hat : numpy.ndarray, shape (B, M)
        Output; directions of small variance stay below unit variance.
    cache : WhiteningCache
        What `whitening_backward` needs.
    """
    return _whiten(Y, gamma, beta, lambda _, sigma: _newton_root(sigma, eps, steps))


@checked(cache=a.cached(WhiteningCache, C="B M"), dY_hat=a.shown("B M"))
def whitening_backward(dY_hat: Array, cache: WhiteningCache) -> tuple[Array, Array, Array]:
    """Return the gradients of either whitening with respect to the input, the scale and the shift.

    With D the products of the centred batch with the gradient, and sums and means over the batch::

        D = C.T @ dY_hat
        dsigma = inverse_root_backward(D * gamma)
        dC = (dY_hat * gamma) @ root + 2 / B * C @ dsigma
        dY = dC - mean(dC)
        dgamma = sum(dY_hat * (C @ root)) = sum(root * D)
        dbeta = sum(dY_hat)

    At M = 1 the gradient is that of batch norm, (78). The homework does not derive it.

    Parameters
    ----------
    dY_hat : numpy.ndarray, shape (B, M)
        Gradient of the loss with respect to the output.
    cache : WhiteningCache
        From `whitening_forward` or `newton_whitening_forward`.

    Returns
    -------
    dY : numpy.ndarray, shape (B, M)
        Gradient with respect to `Y`, through the data, the mean and the covariance.
    dgamma, dbeta : numpy.ndarray, shape (M,)
        Gradients with respect to `gamma` and `beta`.
    """
    C, root, root_cache, gamma, _, _ = cache
    D = finite(C.T @ dY_hat)
    if isinstance(root_cache, InverseRootCache):
        dsigma = inverse_root_backward(D * gamma, root_cache)
    else:
        dsigma = newton_inverse_root_backward(D * gamma, root_cache)
    dC = (dY_hat * gamma) @ root
    dC += C @ (2 / len(C) * dsigma)
    dC -= mean(dC)
    return dC, np.sum(root * D, axis=0), column_sum(dY_hat)


@checked(Y=a.shown("B>1 M"), gamma="M", beta="M", eps=a.nonnegative)
def pca_whitening_forward(Y: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Whiten the batch in the axes of its principal components, without turning back.

    As `whitening_forward`, with another root of sigma (Huang et al. (2018), section 3)::

        Y_hat = gamma * (C @ U @ diag(1 / sqrt(lam + eps))) + beta

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row, with B of at least 2.
    gamma, beta : numpy.ndarray, shape (M,)
        Scale and shift of each component.
    eps : float, default 1e-5
        Added to every eigenvalue of the covariance, at least 0, in squared units of `Y`.

    Returns
    -------
    numpy.ndarray, shape (B, M)
        Output, components in the order of growing variance. Their order and signs change from
        batch to batch: this is what makes training with it stall.
    """
    _, C = center(Y)
    _, (lam, U) = _inverse_root_of_batch(C, finite(C.T @ C / len(C)), eps)
    return affine(gamma, C @ U / np.sqrt(lam), beta)


@checked(Y=a.shown("B M"), gamma="M", beta="M", running_mean="M", running_root="M M")
def whitening_inference(
    Y: Array, gamma: Array, beta: Array, running_mean: Array, running_root: Array
) -> Array:
    """Apply whitening with a stored mean and a stored root: a fixed affine map.

    Equation (83) with statistics from training::

        Y_hat = gamma * ((Y - running_mean) @ running_root) + beta

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row; here a single row is fine.
    gamma, beta : numpy.ndarray, shape (M,)
        Scale and shift of each whitened feature.
    running_mean : numpy.ndarray, shape (M,)
        Mean of each feature from training.
    running_root : numpy.ndarray, shape (M, M)
        Inverse root from training, for instance of the running covariance.

    Returns
    -------
    numpy.ndarray, shape (B, M)
        The output for each sample, whatever else is in the batch.
    """
    return gamma * ((Y - running_mean) @ running_root) + beta


def _newton_root(sigma: Array, eps: float, steps: int) -> tuple[Array, NewtonCache]:
    identity = np.eye(len(sigma), dtype=sigma.dtype)
    with np.errstate(over="ignore"):
        S = sigma + eps * identity
        trace = float(np.trace(S))
    if not np.finfo(sigma.dtype).tiny <= trace < np.inf:
        raise RefusalError(f"sigma + eps * I must have a positive finite trace, got {trace:.3g}")
    S /= trace
    iterates = [identity]
    for _ in range(steps):
        P = iterates[-1]
        iterates.append((3 * P - P @ P @ P @ S) / 2)
    return iterates[-1] / trace**0.5, NewtonCache(iterates, S, trace)


def _inverse_root(lam: Array, U: Array, eps: float, noise: float) -> tuple[Array, InverseRootCache]:
    """Take the root from the eigenvalues without eps; those up to `noise` may be 0."""
    if eps == 0 and lam[0] <= noise:
        raise RefusalError(
            f"sigma must be positive definite where eps is 0, got the eigenvalue {lam[0]:.3g} "
            f"beside {lam[-1]:.3g}; a batch of B samples gives rank at most B - 1"
        )
    lam = finite(np.maximum(lam, 0) + eps)
    if lam[0] < np.finfo(lam.dtype).tiny:
        raise RefusalError(
            f"sigma + eps * I must not be that small, got the eigenvalue {lam[0]:.3g}"
        )
    return (U / np.sqrt(lam)) @ U.T, InverseRootCache(lam, U)


def _inverse_root_of_batch(C: Array, sigma: Array, eps: float) -> tuple[Array, InverseRootCache]:
    B, M = C.shape
    lam, U = np.linalg.eigh(sigma)
    noise = M * np.finfo(C.dtype).eps * lam[-1]
    if lam[-1] + eps >= 1000 * (lam[0] + eps):
        # The square has the square of the condition number: the singular values of C itself keep
        # twice the digits of the small eigenvalues, at twice the time.
        lengths, Ut = np.linalg.svd(np.linalg.qr(C, mode="r"))[1:]
        rank = min(B - 1, M)  # at most: the rows of C add up to 0
        lam = np.zeros(M, dtype=C.dtype)
        lam[:rank] = (lengths[:rank] / B**0.5) ** 2
        lam, U = lam[::-1], Ut[::-1].T.copy()  # in growing order, as from eigh
        noise = (max(M, 64) * np.finfo(C.dtype).eps) ** 2 * lam[-1]
    return _inverse_root(lam, U, eps, noise)


def _whiten(
    Y: Array, gamma: Array, beta: Array, root_forward: Callable[[Array, Array], Any]
) -> tuple[Array, WhiteningCache]:
    m, C = center(Y)
    sigma = finite(C.T @ C / len(C))
    root, root_cache = root_forward(C, sigma)
    cache = WhiteningCache(C, root, root_cache, gamma.copy(), m, sigma)
    return affine(gamma, C @ root, beta), cache


def _sym(A: Array) -> Array:
    return (A + A.T) / 2
