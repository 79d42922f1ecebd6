"""Dropout: the mask, the two passes, the moments it leaves and the law of the kept units."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hw1lib import _contract as a
from hw1lib._contract import Array, checked

Counts = int | NDArray[np.integer]
Probabilities = float | NDArray[np.float64]


class DropoutCache(NamedTuple):
    """What the backward pass needs: the mask (0 or 1) and the scale 1 / (1 - p)."""

    mask: Array
    scale: float


def _zeros_and_ones(name: str, value: Any, known: dict[str, Any]) -> Array:
    """Accept a mask of the shape of the activations."""
    a.array("...")(name, value, known)
    if not ((value == 0) | (value == 1)).all():
        raise ValueError(f"{name} must hold only zeros and ones, got other values")
    return value


@checked(rng=a.generator, shape=a.lengths, p=a.drop_probability, dtype=a.float_type)
def dropout_mask(
    rng: np.random.Generator, shape: int | tuple[int, ...], p: float, dtype: DTypeLike = np.float64
) -> Array:
    """Draw the keep-mask: each entry is 1 with probability 1 - p and 0 with probability p.

    Equation (3); in Srivastava et al. (2014), section 4, p is the probability of *keeping*::

        m[i] ~ Bernoulli(1 - p), independent over i

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : int or tuple of int
        The shape of the activations that the mask is for.
    p : float
        The probability of dropping a unit, in [0, 1).
    dtype : dtype, default float64
        float32 or float64: that of the activations.

    Returns
    -------
    numpy.ndarray
        Zeros and ones, of `shape` and `dtype`.

    Examples
    --------
    >>> dropout_mask(np.random.default_rng(0), 5, p=0.5)
    array([1., 0., 0., 0., 1.])
    """
    return (rng.random(shape) >= p).astype(dtype)


@checked(h=a.shown("..."), mask=_zeros_and_ones, p=a.drop_probability)
def dropout_forward(h: Array, mask: Array, p: float) -> tuple[Array, DropoutCache]:
    """Zero the dropped activations and rescale the kept ones.

    Equations (2) and (13)::

        h_tilde = mask * h / (1 - p)

    Inference is the identity, so it needs no function. Source: Srivastava et al. (2014),
    section 10, in the inverted form that PyTorch uses.

    Parameters
    ----------
    h : numpy.ndarray
        Activations, of any shape.
    mask : numpy.ndarray
        Zeros and ones, of the shape and dtype of `h`.
    p : float
        The probability of dropping a unit, in [0, 1), with which the mask was drawn.

    Returns
    -------
    h_tilde : numpy.ndarray
        The activations after dropout, of the shape and dtype of `h`.
    cache : DropoutCache
        What `dropout_backward` needs.
    """
    scale = 1 / (1 - p)
    # A Python float keeps float32 activations in float32.
    return mask * h * scale, DropoutCache(mask.copy(), scale)


@checked(cache=a.cached(DropoutCache, mask="..."), dh_tilde=a.shown("..."))
def dropout_backward(dh_tilde: Array, cache: DropoutCache) -> Array:
    """Send the gradient through the kept units only, with the same scale.

    The derivative of (13)::

        dh = mask * dh_tilde / (1 - p)

    Parameters
    ----------
    dh_tilde : numpy.ndarray
        Gradient of the loss with respect to the output, of the mask's shape and dtype.
    cache : DropoutCache
        From `dropout_forward`.

    Returns
    -------
    numpy.ndarray
        Gradient of the loss with respect to `h`, of the same shape and dtype.
    """
    return cache.mask * dh_tilde * cache.scale


def rectified_normal_moments() -> tuple[float, float]:
    """Return the mean and the variance of relu(z) for a standard normal z.

    Equations (8) and (12)::

        mean = 1 / sqrt(2 pi)
        variance = (pi - 1) / (2 pi)

    Returns
    -------
    tuple of two floats
        The mean, about 0.3989, and the variance, about 0.3408.
    """
    return 1 / math.sqrt(2 * math.pi), (math.pi - 1) / (2 * math.pi)


@checked(mean=a.any_real, variance=a.nonnegative, p=a.drop_probability)
def dropout_moments(mean: float, variance: float, p: float) -> tuple[float, float]:
    """Compute the mean and the variance of an activation after dropout.

    Equation (16), in the form that holds for any activation that is independent of its mask::

        mean_after = mean
        variance_after = variance + p / (1 - p) * (variance + mean**2)

    Parameters
    ----------
    mean, variance : float
        Mean and variance of the activation before dropout, the variance at least 0.
    p : float
        The probability of dropping a unit, in [0, 1).

    Returns
    -------
    tuple of two floats
        The same mean, which is what the rescaling is for, and the larger variance.
    """
    return mean, variance + p / (1 - p) * (variance + mean**2)


@checked(M=a.whole(0), p=a.drop_probability)
def kept_units_mean(M: int, p: float) -> float:
    """Compute the expected number of kept units.

    Equation (17)::

        E[K] = M * (1 - p)

    Parameters
    ----------
    M : int
        Number of hidden units, at least 0.
    p : float
        The probability of dropping a unit, in [0, 1).

    Returns
    -------
    float
        The expected number, in units.
    """
    return M * (1 - p)


@checked(k=a.counts, M=a.whole(0), p=a.drop_probability)
def kept_units_pmf(k: Counts, M: int, p: float) -> Probabilities:
    """Compute the probability that exactly k of M units are kept.

    Equation (19)::

        P(K = k) = binom(M, k) * (1 - p)**k * p**(M - k)

    Evaluated by the saddle-point form of Loader (2000): the factorials of (19) overflow, and
    differences of their logarithms lose all the digits that the large terms share.

    Parameters
    ----------
    k : int or numpy.ndarray of int
        Numbers of kept units; a number outside 0..M has probability 0.
    M : int
        Number of hidden units, at least 0.
    p : float
        The probability of dropping a unit, in [0, 1).

    Returns
    -------
    float or numpy.ndarray
        Probabilities (float64), of the shape of `k`.
    """
    return _binomial_pmf(np.asarray(k), M, 1 - p, p)


@checked(k=a.counts, lam=a.nonnegative)
def poisson_pmf(k: Counts, lam: float) -> Probabilities:
    """Compute the Poisson probabilities: limit of the kept count, exact at a Poisson width.

    Equations (24), (26) and (33)::

        P(K = k) = lam**k * exp(-lam) / k!

    Parameters
    ----------
    k : int or numpy.ndarray of int
        Counts; a negative one has probability 0.
    lam : float
        The mean count, at least 0.

    Returns
    -------
    float or numpy.ndarray
        Probabilities (float64), of the shape of `k`.
    """
    k = np.asarray(k)
    pmf = np.zeros(k.shape)
    # The equation itself, where no power and no factorial overflows; else the saddle-point form.
    direct = (k >= 0) & (k < len(_FACTORIALS)) & ((lam <= 100) | (k == 0))
    pmf[direct] = lam ** k[direct] * math.exp(-lam) / _FACTORIALS[k[direct]]
    inside = (k > 0) & ~direct & (lam > 0)
    count = k[inside]
    exponent = -_stirling_error(count) - _deviance(count, lam)
    pmf[inside] = np.exp(exponent) / np.sqrt(2 * math.pi * count)
    return pmf if pmf.ndim else float(pmf)


@checked(M=a.whole(1, high=10**9), lam=a.real("(0, M]"))
def poisson_limit_distance(M: int, lam: float) -> float:
    """Compute the total variation distance between Binomial(M, lam / M) and Poisson(lam).

    The distance that (25) says goes to zero::

        d = 1/2 * sum over k of |P(K_M = k) - lam**k * exp(-lam) / k!|

    Parameters
    ----------
    M : int
        Number of hidden units, at least 1.
    lam : float
        The expected number of kept units, in (0, M].

    Returns
    -------
    float
        A probability: the largest error of the limit on any event.
    """
    # Outside of this window, both laws hold less than 1e-30 (Bernstein's inequality).
    width = 13 * math.sqrt(lam) + 60
    k = np.arange(max(0, math.floor(lam - width)), min(M, math.ceil(lam + width)))
    # Binomial / Poisson, as a logarithm: their difference would lose the digits they share.
    log_ratio = (
        _stirling_error(np.array(M))
        - _stirling_error(M - k)
        - _deviance(M - k, M - lam, difference=lam - k)
        - np.log1p(-k / M) / 2
    )
    below_M = poisson_pmf(k, lam) * np.expm1(log_ratio)
    excess = np.append(below_M, (lam / M) ** M - poisson_pmf(M, lam))
    # Both sum to 1, so the parts where the binomial is larger make half of the sum. Beyond M
    # the binomial is 0, hence never larger.
    return float(excess[excess > 0].sum())


@checked(M=a.size, lam=a.real("(0, M]"))
def poisson_limit_bound(M: int, lam: float) -> float:
    """Bound the distance of the kept count from its Poisson limit.

    Equation (25) (Barbour and Hall (1984), equation (1.1) with equal probabilities)::

        d <= (1 - exp(-lam)) * lam / M

    Parameters
    ----------
    M : int
        Number of hidden units, at least 1.
    lam : float
        The expected number of kept units, in (0, M].

    Returns
    -------
    float
        The bound on the total variation distance.
    """
    return -math.expm1(-lam) * lam / M


@checked(k=a.counts, lam=a.nonnegative, p=a.drop_probability)
def poisson_width_pmf(k: Counts, lam: float, p: float) -> Probabilities:
    """Compute the law of the number of kept units when the width itself is Poisson.

    Equation (33)::

        K ~ Poisson(lam * (1 - p))

    Parameters
    ----------
    k : int or numpy.ndarray of int
        Numbers of kept units.
    lam : float
        The mean width, at least 0.
    p : float
        The probability of dropping a unit, in [0, 1).

    Returns
    -------
    float or numpy.ndarray
        Probabilities (float64), of the shape of `k`.
    """
    return poisson_pmf(k, lam * (1 - p))


def _binomial_pmf(k: NDArray[np.integer], M: int, q: float, p: float) -> Probabilities:
    """Compute P(K = k) at the keep probability q = 1 - p; both come in, each to full precision."""
    pmf = np.zeros(k.shape)
    # The smaller of p and q is the precise one; p is precise anyway.
    pmf[k == M] = q**M if q < 0.5 else math.exp(M * math.log1p(-p))
    pmf[k == 0] = p**M
    inside = (k > 0) & (k < M) & (p > 0)
    kept = k[inside]
    dropped = M - kept
    errors = (
        _stirling_error(np.array([max(M, 1)])) - _stirling_error(kept) - _stirling_error(dropped)
    )
    exponent = errors - _deviance(kept, M * q) - _deviance(dropped, M * p)
    pmf[inside] = np.exp(exponent) * np.sqrt(M / (2 * math.pi * kept * dropped))
    return pmf if pmf.ndim else float(pmf)


_FACTORIALS = np.array([float(math.factorial(n)) for n in range(150)])

# log(n!) - log(sqrt(2 pi n) (n / e)^n) for n = 1..15, where the series below is not yet exact.
_SMALL_STIRLING_ERRORS = np.array(
    [math.nan]
    + [
        math.log(math.factorial(n) / n**n * math.exp(n) / math.sqrt(2 * math.pi * n))
        for n in range(1, 16)
    ]
)


def _stirling_error(n: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compute the error of Stirling's formula for log(n!), n >= 1, exactly (Loader 2000)."""
    x = 1 / n.astype(float) ** 2
    series = (1 / 12 - x * (1 / 360 - x * (1 / 1260 - x * (1 / 1680 - x / 1188)))) / n
    return np.where(n < 16, _SMALL_STIRLING_ERRORS[np.minimum(n, 15)], series)


def _deviance(x: Any, mean: float, difference: Any = None) -> NDArray[np.float64]:
    """Compute x log(x / mean) + mean - x without cancellation near x = mean (Loader 2000).

    `difference` is x - mean, where the caller has it without the rounding of the mean.
    """
    difference = x - mean if difference is None else difference
    v = difference / (x + mean)
    odd = np.arange(3, 21, 2).reshape(-1, *[1] * np.ndim(v))
    near = difference * v + 2 * x * (v**odd / odd).sum(axis=0)
    return np.where(np.abs(v) < 0.1, near, x * np.log(x / mean) + mean - x)
