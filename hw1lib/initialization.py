"""Xavier and Kaiming initialization, and the second moments that they predict layer by layer."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from hw1lib import _contract as a
from hw1lib._contract import Array, checked

MOST_WIDTHS = 10_000
Fans = tuple[int, int]
Mode = Literal["fan_in", "fan_out"]


def _entries(name: str, value: Any, of: str) -> Any:
    # An array without axes has no length.
    if isinstance(value, (list, tuple, range)) or (type(value) is np.ndarray and value.ndim > 0):
        return value
    raise a.wrong_type(name, f"a sequence of {of}", value)


def _widths(name: str, value: Any, known: dict[str, Any]) -> list[int]:
    """Accept the widths of the input and of at least one layer."""
    length = len(_entries(name, value, "integers")[: MOST_WIDTHS + 1])  # a range may have no length
    if length < 2:
        raise ValueError(f"{name} must hold D_0 and at least one layer, got {length} widths")
    if length > MOST_WIDTHS:
        raise ValueError(f"{name} must hold at most {MOST_WIDTHS} numbers, got more")
    known["layers"] = length - 1
    return [a.size(f"{name}[{i}]", n, known) for i, n in enumerate(value)]


def _one_a_layer(name: str, value: Any, known: dict[str, Any]) -> list[float]:
    """Accept a number for each layer, at least 0."""
    layers = known["layers"]
    if len(_entries(name, value, "numbers")) != layers:
        raise ValueError(
            f"{name} must have one number for each of the {layers} layers, got {len(value)}"
        )
    return [a.nonnegative(f"{name}[{i}]", x, known) for i, x in enumerate(value)]


def _shares(name: str, value: Any, known: dict[str, Any]) -> float | list[float]:
    """Accept a number for all layers, or one for each."""
    of_all = isinstance(value, numbers.Real)
    return (a.nonnegative if of_all else _one_a_layer)(name, value, known)


_mode = a.one_of("fan_in", "fan_out")


@checked(shape=a.fans, gain=a.positive)
def xavier_std(shape: Fans, gain: float = 1.0) -> float:
    """Compute the standard deviation of Xavier's weights.

    The compromise between the forward condition 1 / fan_in and the backward one 1 / fan_out
    (Glorot and Bengio (2010), equation (12))::

        std = gain * sqrt(2 / (fan_in + fan_out))

    Parameters
    ----------
    shape : tuple of int
        Shape of the weights, (out, in) = (fan_out, fan_in).
    gain : float, default 1
        Factor for the activation, above 0; 1 is for linear units.

    Returns
    -------
    float
        The standard deviation (not the variance) of one weight.
    """
    fan_out, fan_in = shape
    return gain * math.sqrt(2 / (fan_in + fan_out))


@checked(shape=a.fans, mode=_mode, negative_slope=a.any_real)
def kaiming_std(shape: Fans, mode: Mode = "fan_in", negative_slope: float = 0.0) -> float:
    """Compute the standard deviation of Kaiming's weights.

    Equation (95) for ``fan_in``, its backward counterpart for ``fan_out``, with a = 0 for ReLU
    (He et al. (2015), equations (10), (14) and (15))::

        std = sqrt(2 / ((1 + a**2) * fan))

    Parameters
    ----------
    shape : tuple of int
        Shape of the weights, (out, in) = (fan_out, fan_in).
    mode : {"fan_in", "fan_out"}
        Which pass is kept level: the forward one or the backward one.
    negative_slope : float, default 0
        Slope a of a leaky ReLU for negative inputs.

    Returns
    -------
    float
        The standard deviation (not the variance) of one weight.
    """
    fan_out, fan_in = shape
    fan = fan_in if mode == "fan_in" else fan_out
    return math.sqrt(2 / fan) / math.hypot(1, negative_slope)


@checked(rng=a.generator, shape=a.fans, gain=a.positive, dtype=a.float_type)
def xavier_normal(
    rng: np.random.Generator, shape: Fans, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    """Draw normal weights with Xavier's variance.

    Independent entries (Glorot and Bengio (2010), equation (12))::

        W[a, b] ~ Normal(0, std**2)
        std = xavier_std(shape, gain)

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        Shape of the weights, (out, in) = (fan_out, fan_in).
    gain : float, default 1
        Factor for the activation, above 0.
    dtype : dtype, default float64
        float32 or float64.

    Returns
    -------
    numpy.ndarray
        Weights, of `shape` and `dtype`.
    """
    return (rng.standard_normal(shape) * xavier_std(shape, gain)).astype(dtype)


@checked(rng=a.generator, shape=a.fans, gain=a.positive, dtype=a.float_type)
def xavier_uniform(
    rng: np.random.Generator, shape: Fans, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> Array:
    """Draw uniform weights with Xavier's variance.

    The variance on (-a, a) is a**2 / 3, hence (Glorot and Bengio (2010), equation (16))::

        W[a, b] ~ Uniform(-limit, limit)
        limit = sqrt(3) * xavier_std(shape, gain)

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        Shape of the weights, (out, in) = (fan_out, fan_in).
    gain : float, default 1
        Factor for the activation, above 0.
    dtype : dtype, default float64
        float32 or float64.

    Returns
    -------
    numpy.ndarray
        Weights, of `shape` and `dtype`.
    """
    limit = math.sqrt(3) * xavier_std(shape, gain)
    return rng.uniform(-limit, limit, shape).astype(dtype)


@checked(rng=a.generator, shape=a.fans, mode=_mode, negative_slope=a.any_real, dtype=a.float_type)
def kaiming_normal(
    rng: np.random.Generator,
    shape: Fans,
    mode: Mode = "fan_in",
    negative_slope: float = 0.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Draw normal weights with Kaiming's variance.

    Equation (97), independent entries (He et al. (2015), equations (10) and (14))::

        W[a, b] ~ Normal(0, std**2)
        std = kaiming_std(shape, mode, negative_slope)

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        Shape of the weights, (out, in) = (fan_out, fan_in).
    mode : {"fan_in", "fan_out"}
        Which pass is kept level: the forward one or the backward one.
    negative_slope : float, default 0
        Slope of a leaky ReLU for negative inputs.
    dtype : dtype, default float64
        float32 or float64.

    Returns
    -------
    numpy.ndarray
        Weights, of `shape` and `dtype`.
    """
    return (rng.standard_normal(shape) * kaiming_std(shape, mode, negative_slope)).astype(dtype)


@checked(rng=a.generator, shape=a.fans, mode=_mode, negative_slope=a.any_real, dtype=a.float_type)
def kaiming_uniform(
    rng: np.random.Generator,
    shape: Fans,
    mode: Mode = "fan_in",
    negative_slope: float = 0.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Draw uniform weights with Kaiming's variance.

    Independent entries (the uniform form of He et al. (2015), as in ``torch.nn.init``)::

        W[a, b] ~ Uniform(-limit, limit)
        limit = sqrt(3) * kaiming_std(shape, mode, ...)

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of randomness.
    shape : tuple of int
        Shape of the weights, (out, in) = (fan_out, fan_in).
    mode : {"fan_in", "fan_out"}
        Which pass is kept level: the forward one or the backward one.
    negative_slope : float, default 0
        Slope of a leaky ReLU for negative inputs.
    dtype : dtype, default float64
        float32 or float64.

    Returns
    -------
    numpy.ndarray
        Weights, of `shape` and `dtype`.
    """
    limit = math.sqrt(3) * kaiming_std(shape, mode, negative_slope)
    return rng.uniform(-limit, limit, shape).astype(dtype)


@checked(widths=_widths, stds=_one_a_layer, input_second_moment=a.nonnegative, kept=_shares)
def forward_second_moments(
    widths: Sequence[int],
    stds: Sequence[float],
    input_second_moment: float = 1.0,
    kept: float | Sequence[float] = 0.5,
) -> Array:
    """Predict the second moment of the activations of every layer.

    Equations (93) and (94), from the input up::

        E[h_i**2] = kept[i] * D_{i-1} * std_i**2 * E[h_{i-1}**2]

    The second moment obeys this, not the variance: the activations of a ReLU have a mean.
    Source: He et al. (2015), section 2.2.

    Parameters
    ----------
    widths : sequence of int
        D_0 .. D_L, the widths of the input and of every layer.
    stds : sequence of float
        Standard deviations of W_1 .. W_L.
    input_second_moment : float, default 1
        E[h_0**2], the mean square of an input, at least 0.
    kept : float or sequence of float, default 0.5
        Share of the second moment that each layer's activation keeps, for a symmetric
        pre-activation: 1/2 for ReLU, (1 + a**2) / 2 for a leaky ReLU, 1 for a linear layer.

    Returns
    -------
    numpy.ndarray, shape (L + 1,)
        E[h_0**2] .. E[h_L**2] (float64).

    Examples
    --------
    >>> forward_second_moments([4, 8, 2], stds=[kaiming_std((8, 4)), kaiming_std((2, 8))])
    array([1., 1., 1.])
    """
    factors = np.array(kept) * widths[:-1] * np.square(stds)
    return np.cumprod([input_second_moment, *factors])


@checked(widths=_widths, stds=_one_a_layer, output_second_moment=a.nonnegative, kept=_shares)
def backward_second_moments(
    widths: Sequence[int],
    stds: Sequence[float],
    output_second_moment: float = 1.0,
    kept: float | Sequence[float] = 0.5,
) -> Array:
    """Predict the second moment of the gradient with respect to every layer's activations.

    Equation (96), from the output down::

        E[dh_i**2] = kept[i+1] * D_{i+1} * std_{i+1}**2 * E[dh_{i+1}**2]

    Exact for i = 0, the input, if the gradient at the top is isotropic and independent of the
    network; for a hidden ReLU layer, 0 < i < L, multiply by `alive_probability`.
    Source: He et al. (2015), section 2.2, where the factor is the fan-out.

    Parameters
    ----------
    widths : sequence of int
        D_0 .. D_L, the widths of the input and of every layer.
    stds : sequence of float
        Standard deviations of W_1 .. W_L.
    output_second_moment : float, default 1
        E[dh_L**2], the mean square of the gradient at the output, at least 0.
    kept : float or sequence of float, default 0.5
        Mean square of each layer's activation derivative: 1/2 for ReLU, (1 + a**2) / 2 for a
        leaky ReLU, 1 for a linear layer.

    Returns
    -------
    numpy.ndarray, shape (L + 1,)
        E[dh_0**2] .. E[dh_L**2] (float64).
    """
    factors = np.array(kept) * widths[1:] * np.square(stds)
    return np.cumprod([output_second_moment, *factors[::-1]])[::-1].copy()


@checked(widths=_widths)
def alive_probability(widths: Sequence[int]) -> Array:
    """Compute the probability that a ReLU layer of a random network is not all zero.

    Each unit of a layer is off with probability 1/2 where the layer below is not all zero::

        P(h_i != 0) = product over j = 1..i of (1 - 2**(-D_j))

    Parameters
    ----------
    widths : sequence of int
        D_0 .. D_L, the widths of the input and of every ReLU layer.

    Returns
    -------
    numpy.ndarray, shape (L + 1,)
        P(h_0 != 0) .. P(h_L != 0) (float64), for a nonzero input and symmetric weights.

    Examples
    --------
    >>> alive_probability([6, 2, 5]).round(4)
    array([1.    , 0.75  , 0.7266])
    """
    return np.cumprod([1.0, *(1 - 0.5**width for width in widths[1:])])
