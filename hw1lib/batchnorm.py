"""Batch normalization: forward, every gradient, and what changes at inference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hw1lib import _contract as a
from hw1lib._contract import Array, RefusalError, checked, finite
from hw1lib._statistics import affine, center, column_sum, mean_square


class BatchNormCache(NamedTuple):
    """What the backward pass needs, and the batch statistics for the running averages.

    x_hat is (B, M), the normalized input; s = sqrt(v + eps), gamma, m (the mean) and v (the
    biased variance) are (M,).
    """

    x_hat: Array
    s: Array
    gamma: Array
    m: Array
    v: Array


@checked(Y=a.shown("B>1 M"), gamma=a.shown("M"), beta=a.shown("M"), eps=a.nonnegative)
def batchnorm_forward(
    Y: Array, gamma: Array, beta: Array, eps: float = 1e-5
) -> tuple[Array, BatchNormCache]:
    """Normalize every feature over the batch, then scale and shift it.

    Equations (36), (37) and (38), for each feature j::

        m = mean(Y)
        v = mean((Y - m)**2)
        s = sqrt(v + eps)
        x_hat = (Y - m) / s
        Y_hat = gamma * x_hat + beta

    The variance is the biased one (divided by B), computed in two passes: the shortcut
    mean(Y**2) - mean(Y)**2 is negative in float32 at a mean of 1e4. With `eps` 0, a feature that is
    constant over the batch (0 / 0) is refused; so is a variance that is not representable (in
    float64, for a spread beyond 1e154). Source: Ioffe and Szegedy (2015), algorithm 1.

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row, with B of at least 2.
    gamma, beta : numpy.ndarray, shape (M,)
        Scale and shift of each feature.
    eps : float, default 1e-5
        Added to the variance, at least 0, in squared units of `Y`.

    Returns
    -------
    Y_hat : numpy.ndarray, shape (B, M)
        The normalized, scaled and shifted pre-activations.
    cache : BatchNormCache
        What `batchnorm_backward` and `batchnorm_running_update` need.
    """
    m, x_hat = center(Y)
    v = mean_square(x_hat)
    s = _root("v + eps", v + eps)
    x_hat /= s
    Y_hat = affine(gamma, x_hat, beta)
    return Y_hat, BatchNormCache(x_hat, s, gamma.copy(), m, v)


@checked(cache=a.cached(BatchNormCache, x_hat="B M"), dY_hat=a.shown("B M"))
def batchnorm_backward(dY_hat: Array, cache: BatchNormCache) -> tuple[Array, Array, Array]:
    """Return the gradients with respect to the input, the scale and the shift.

    Equations (78), (53) and (57), with sums and means over the batch::

        dY = gamma / s * (dY_hat - mean(dY_hat) - x_hat * mean(dY_hat * x_hat))
        dgamma = sum(dY_hat * x_hat)
        dbeta = sum(dY_hat)

    Parameters
    ----------
    dY_hat : numpy.ndarray, shape (B, M)
        Gradient of the loss with respect to the output; behind a ReLU, after its mask (59).
    cache : BatchNormCache
        From `batchnorm_forward`.

    Returns
    -------
    dY : numpy.ndarray, shape (B, M)
        Gradient with respect to `Y`, through all three paths: direct, by way of m and of v.
    dgamma, dbeta : numpy.ndarray, shape (M,)
        Gradients with respect to `gamma` and `beta`.
    """
    x_hat, s, gamma, _, _ = cache
    B = len(x_hat)
    dgamma = np.einsum("ij,ij->j", dY_hat, x_hat)
    dbeta = column_sum(dY_hat)
    dY = affine(-dgamma / B, x_hat, -dbeta / B)
    dY += dY_hat
    dY *= gamma / s
    return dY, dgamma, dbeta


@checked(cache=a.cached(BatchNormCache, x_hat="B M"), dY_hat=a.shown("B M"))
def batchnorm_statistics_backward(dY_hat: Array, cache: BatchNormCache) -> tuple[Array, Array]:
    """Return the gradients with respect to the batch mean and the batch variance.

    Equations (61) and (65)::

        dm = -gamma / s * sum(dY_hat)
        dv = -gamma / (2 * s**2) * sum(dY_hat * x_hat)

    Parameters
    ----------
    dY_hat : numpy.ndarray, shape (B, M)
        Gradient of the loss with respect to the output.
    cache : BatchNormCache
        From `batchnorm_forward`.

    Returns
    -------
    tuple of two numpy.ndarray, shape (M,)
        Gradients with respect to m and v; the path m -> v adds exactly 0 at the batch mean.
    """
    x_hat, s, gamma, _, _ = cache
    dm = -gamma / s * np.sum(dY_hat, axis=0)
    # One division at a time: gamma / s**2 underflows before the product does.
    dv = -gamma / s * (np.sum(dY_hat * x_hat, axis=0) / s) / 2
    return dm, dv


@checked(
    cache=a.cached(BatchNormCache, x_hat="B M"),
    running_mean="M",
    running_var=a.variance,
    momentum=a.share,
)
def batchnorm_running_update(
    running_mean: Array, running_var: Array, cache: BatchNormCache, momentum: float = 0.1
) -> tuple[Array, Array]:
    """Move the running statistics towards those of the batch.

    PyTorch's convention (torch.nn.BatchNorm1d): `momentum` weighs the new batch, and the stored
    variance is unbiased, as by m / (m - 1) in Ioffe and Szegedy (2015), algorithm 2::

        running_mean_new = (1 - momentum) * running_mean + momentum * m
        running_var_new = (1 - momentum) * running_var + momentum * v * B / (B - 1)

    Parameters
    ----------
    running_mean, running_var : numpy.ndarray, shape (M,)
        Running statistics so far, the variance not negative; start at zeros and ones.
    cache : BatchNormCache
        From `batchnorm_forward`.
    momentum : float, default 0.1
        Weight of the new batch, in [0, 1].

    Returns
    -------
    tuple of two numpy.ndarray, shape (M,)
        The updated mean and variance; the arguments are left as they were.
    """
    x_hat, _, _, m, v = cache
    B = len(x_hat)
    running_mean_new = (1 - momentum) * running_mean + momentum * m
    running_var_new = (1 - momentum) * running_var + momentum * (v * (B / (B - 1)))
    return running_mean_new, running_var_new


@checked(
    Y=a.shown("B M"),
    gamma="M",
    beta="M",
    running_mean="M",
    running_var=a.variance,
    eps=a.nonnegative,
)
def batchnorm_inference(
    Y: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, eps: float = 1e-5
) -> Array:
    """Apply batch norm with stored statistics: a fixed affine map, the same for any batch.

    Equation (38) with the running statistics in place of m and v::

        Y_hat = gamma * (Y - running_mean) / sqrt(running_var + eps) + beta

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row; here a single row is fine.
    gamma, beta : numpy.ndarray, shape (M,)
        Scale and shift of each feature.
    running_mean, running_var : numpy.ndarray, shape (M,)
        Mean and variance of each feature from training, the variance not negative.
    eps : float, default 1e-5
        Added to the variance, at least 0.

    Returns
    -------
    numpy.ndarray, shape (B, M)
        The output for each sample, whatever else is in the batch.
    """
    s = _root("running_var + eps", running_var + eps)
    return gamma * ((Y - running_mean) / s) + beta


def _root(name: str, variance: Array) -> Array:
    # Below the smallest normal number, the squares have lost digits.
    smallest = np.finfo(variance.dtype).tiny
    if not (finite(variance) >= smallest).all():
        raise RefusalError(
            f"{name} must be positive, got {variance.min():.3g} for feature "
            f"{int(np.argmin(variance))}: a constant feature needs eps > 0, and a variance "
            f"below {smallest:.3g} has lost its digits"
        )
    return np.sqrt(variance)
