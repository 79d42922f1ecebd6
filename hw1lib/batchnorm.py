"""Batch normalization: forward, every gradient, and what changes at inference."""

from typing import NamedTuple

import numpy as np

from hw1lib._arguments import (
    finite,
    refuse_overflow,
    require_array,
    require_batch,
    require_cache,
    require_real,
)


class BatchNormCache(NamedTuple):
    """What the backward pass needs, and the batch statistics for the running averages.

    x_hat is (B, M), the normalized input; s = sqrt(v + eps), gamma, m (the mean) and v (the
    biased variance) are (M,).
    """

    x_hat: np.ndarray
    s: np.ndarray
    gamma: np.ndarray
    m: np.ndarray
    v: np.ndarray


@refuse_overflow
def batchnorm_forward(Y, gamma, beta, eps=1e-5):
    r"""
    Normalize every feature over the batch, then scale and shift it.

    Equations (36), (37) and (38), for each feature j::

        m = mean(Y)
        v = mean((Y - m)**2)
        s = sqrt(v + eps)
        x_hat = (Y - m) / s
        Y_hat = gamma * x_hat + beta

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row, with B of at least 2.
    gamma : numpy.ndarray, shape (M,)
        Scale of each feature.
    beta : numpy.ndarray, shape (M,)
        Shift of each feature.
    eps : float, default 1e-5
        Added to the variance, at least 0, in squared units of `Y`.

    Returns
    -------
    Y_hat : numpy.ndarray, shape (B, M)
        The normalized, scaled and shifted pre-activations.
    cache : BatchNormCache
        What `batchnorm_backward` and `batchnorm_running_update` need.

    Raises
    ------
    TypeError
        If an array is not a NumPy array of float32 or float64, or the dtypes differ.
    ValueError
        If a shape does not fit, an entry is not finite, B is 1, `eps` is negative, `eps` is 0
        and a feature is constant over the batch (0 / 0), or the variance is not representable
        (in float64, for a spread beyond 1e154; with `eps` 0, also for one below 1e-154).

    Notes
    -----
    The variance is the biased one (divided by B), computed in two passes: the shortcut
    mean(Y**2) - mean(Y)**2 is negative in float32 at a mean of 1e4. Source: Ioffe and
    Szegedy (2015), algorithm 1.
    """
    require_batch("Y", Y)
    require_array("gamma", gamma, shape=Y.shape[1:], dtype=Y.dtype)
    require_array("beta", beta, shape=Y.shape[1:], dtype=Y.dtype)
    eps = require_real("eps", eps, low=0)
    m, x_hat = _center(Y)
    v = finite(_mean_square(x_hat).astype(Y.dtype))
    s = _root("v + eps", finite(v + eps))
    x_hat /= s
    Y_hat = gamma * x_hat
    Y_hat += beta
    return Y_hat, BatchNormCache(x_hat, s, gamma.copy(), m, v)


@refuse_overflow
def batchnorm_backward(dY_hat, cache):
    r"""
    Give the gradients with respect to the input, the scale and the shift.

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
    dgamma : numpy.ndarray, shape (M,)
        Gradient with respect to `gamma`.
    dbeta : numpy.ndarray, shape (M,)
        Gradient with respect to `beta`.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not that of the output or an entry is not finite.
    """
    x_hat, s, gamma, _, _ = require_cache(cache, BatchNormCache)
    require_array("dY_hat", dY_hat, shape=x_hat.shape, dtype=x_hat.dtype)
    B = len(x_hat)
    dgamma = np.einsum("ij,ij->j", dY_hat, x_hat)
    dbeta = _sum(dY_hat)
    # Term by term in one array: each temporary would cost another pass over the memory.
    dY = x_hat * (-dgamma / B)
    dY += dY_hat
    dY -= dbeta / B
    dY *= gamma / s
    return dY, dgamma, dbeta


@refuse_overflow
def batchnorm_statistics_backward(dY_hat, cache):
    r"""
    Give the gradients with respect to the batch mean and the batch variance.

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
    dm : numpy.ndarray, shape (M,)
        Gradient with respect to the mean; the path m -> v adds exactly 0 at the batch mean.
    dv : numpy.ndarray, shape (M,)
        Gradient with respect to the variance.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not that of the output or an entry is not finite.
    """
    x_hat, s, gamma, _, _ = require_cache(cache, BatchNormCache)
    require_array("dY_hat", dY_hat, shape=x_hat.shape, dtype=x_hat.dtype)
    dm = -gamma / s * np.sum(dY_hat, axis=0)
    # One division at a time: gamma / s**2 underflows before the product does.
    dv = -gamma / s * (np.sum(dY_hat * x_hat, axis=0) / s) / 2
    return dm, dv


@refuse_overflow
def batchnorm_running_update(running_mean, running_var, cache, momentum=0.1):
    r"""
    Move the running statistics towards those of the batch.

    PyTorch's convention: the new batch has the weight `momentum`, and the variance that is
    stored is the unbiased one::

        running_mean_new = (1 - momentum) * running_mean + momentum * m
        running_var_new = (1 - momentum) * running_var + momentum * v * B / (B - 1)

    Parameters
    ----------
    running_mean : numpy.ndarray, shape (M,)
        Running mean so far; start at zeros.
    running_var : numpy.ndarray, shape (M,)
        Running variance so far, not negative; start at ones.
    cache : BatchNormCache
        From `batchnorm_forward`.
    momentum : float, default 0.1
        Weight of the new batch, in [0, 1].

    Returns
    -------
    running_mean_new : numpy.ndarray, shape (M,)
        The updated running mean; the argument is left as it was.
    running_var_new : numpy.ndarray, shape (M,)
        The updated running variance.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If a shape does not fit, an entry is not finite, a variance is negative or `momentum` is
        outside [0, 1].

    Notes
    -----
    Source: torch.nn.BatchNorm1d; Ioffe and Szegedy (2015), algorithm 2, for m / (m - 1).
    """
    x_hat, _, _, m, v = require_cache(cache, BatchNormCache)
    require_array("running_mean", running_mean, shape=m.shape, dtype=m.dtype)
    _require_variance("running_var", running_var, m)
    momentum = require_real("momentum", momentum, low=0, high=1)
    B = len(x_hat)
    running_mean_new = (1 - momentum) * running_mean + momentum * m
    running_var_new = (1 - momentum) * running_var + momentum * (v * (B / (B - 1)))
    return running_mean_new, running_var_new


@refuse_overflow
def batchnorm_inference(Y, gamma, beta, running_mean, running_var, eps=1e-5):
    r"""
    Apply batch norm with stored statistics: a fixed affine map, the same for any batch.

    Equation (38) with the running statistics in place of m and v::

        Y_hat = gamma * (Y - running_mean) / sqrt(running_var + eps) + beta

    Parameters
    ----------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations, one sample a row; here a single row is fine.
    gamma : numpy.ndarray, shape (M,)
        Scale of each feature.
    beta : numpy.ndarray, shape (M,)
        Shift of each feature.
    running_mean : numpy.ndarray, shape (M,)
        Mean of each feature from training.
    running_var : numpy.ndarray, shape (M,)
        Variance of each feature from training, not negative.
    eps : float, default 1e-5
        Added to the variance, at least 0.

    Returns
    -------
    numpy.ndarray, shape (B, M)
        The output for each sample, whatever else is in the batch.

    Raises
    ------
    TypeError
        If an array is not a NumPy array of float32 or float64, or the dtypes differ.
    ValueError
        If a shape does not fit, an entry is not finite, a variance or `eps` is negative, or both
        are 0 for a feature.
    """
    require_array("Y", Y, ndim=2)
    for name, value in (("gamma", gamma), ("beta", beta), ("running_mean", running_mean)):
        require_array(name, value, shape=Y.shape[1:], dtype=Y.dtype)
    _require_variance("running_var", running_var, gamma)
    variance = finite(running_var + require_real("eps", eps, low=0))
    s = _root("running_var + eps", variance)
    return gamma * ((Y - running_mean) / s) + beta


def _center(Y):
    """Give the mean of each column and what is left of `Y` without it."""
    m = _mean(Y)
    C = Y - m
    # A second pass takes away the rounding of the first: without it, a column of 0.1 keeps a
    # variance of 1e-34, which eps = 0 would blow up to 1, and a mean of 1e4 costs 4 digits.
    rest = _mean(C)
    C -= rest
    return m + rest, C


def _mean(Y):
    """Give the mean of each column."""
    return _sum(Y) / len(Y)


def _sum(Y):
    """Give the sum of each column, as a product with ones: faster and more exact than sum."""
    return np.ones(len(Y), Y.dtype) @ Y


def _mean_square(C):
    """Give the mean of the squares of each column."""
    # In float64, as in PyTorch: in float32, the sum of a thousand squares loses a digit. By blocks
    # of rows, whose squares stay in the processor's cache.
    blocks = (C[i : i + 64] for i in range(0, len(C), 64))
    return sum(_sum(np.square(block, dtype=np.float64)) for block in blocks) / len(C)


def _root(name, variance):
    # Below the smallest normal number, the squares have lost digits.
    smallest = np.finfo(variance.dtype).tiny
    if not (variance >= smallest).all():
        raise ValueError(
            f"{name} must be positive, got {variance.min():.3g} for feature "
            f"{int(np.argmin(variance))}: a constant feature needs eps > 0, and a variance "
            f"below {smallest:.3g} has lost its digits"
        )
    return np.sqrt(variance)


def _require_variance(name, value, like):
    require_array(name, value, shape=like.shape, dtype=like.dtype)
    if (value < 0).any():
        raise ValueError(f"{name} must not be negative, got {value.min()}")
