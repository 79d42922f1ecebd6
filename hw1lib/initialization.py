"""Xavier and Kaiming initialization, and the second moments that they predict layer by layer."""

import math
import numbers

import numpy as np

from hw1lib._arguments import (
    refuse_overflow,
    require_choice,
    require_dtype,
    require_lengths,
    require_real,
    require_rng,
    require_size,
)

MOST_WIDTHS = 10_000


def xavier_std(shape, gain=1.0):
    r"""
    Give the standard deviation of Xavier's weights.

    The compromise between the forward condition 1 / fan_in and the backward one 1 / fan_out::

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

    Raises
    ------
    TypeError
        If `shape` is not a pair of integers or `gain` not a real number.
    ValueError
        If a length is not positive or `gain` is not above 0.

    Notes
    -----
    Source: Glorot and Bengio (2010), equation (12).
    """
    fan_out, fan_in = _require_fans(shape)
    gain = require_real("gain", gain, low=0, open_low=True)
    return gain * math.sqrt(2 / (fan_in + fan_out))


def kaiming_std(shape, mode="fan_in", negative_slope=0.0):
    r"""
    Give the standard deviation of Kaiming's weights.

    Equation (95) for ``fan_in``, its backward counterpart for ``fan_out``, with a = 0 for ReLU::

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a length is not positive, `mode` is unknown or the slope is not finite.

    Notes
    -----
    Source: He et al. (2015), equations (10), (14) and (15).
    """
    fan_out, fan_in = _require_fans(shape)
    fan = fan_in if require_choice("mode", mode, ("fan_in", "fan_out")) == "fan_in" else fan_out
    slope = require_real("negative_slope", negative_slope)
    return math.sqrt(2 / fan) / math.hypot(1, slope)


@refuse_overflow
def xavier_normal(rng, shape, gain=1.0, dtype=np.float64):
    r"""
    Draw normal weights with Xavier's variance.

    Independent entries::

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a length is not positive or `gain` is not above 0.

    Notes
    -----
    Source: Glorot and Bengio (2010), equation (12).
    """
    return _draw_normal(rng, shape, xavier_std(shape, gain), dtype)


@refuse_overflow
def xavier_uniform(rng, shape, gain=1.0, dtype=np.float64):
    r"""
    Draw uniform weights with Xavier's variance.

    A uniform variable on (-a, a) has the variance a**2 / 3, hence::

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a length is not positive or `gain` is not above 0.

    Notes
    -----
    Source: Glorot and Bengio (2010), equation (16).
    """
    return _draw_uniform(rng, shape, xavier_std(shape, gain), dtype)


@refuse_overflow
def kaiming_normal(rng, shape, mode="fan_in", negative_slope=0.0, dtype=np.float64):
    r"""
    Draw normal weights with Kaiming's variance.

    Equation (97), independent entries::

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a length is not positive, `mode` is unknown or the slope is not finite.

    Notes
    -----
    Source: He et al. (2015), equations (10) and (14).
    """
    return _draw_normal(rng, shape, kaiming_std(shape, mode, negative_slope), dtype)


@refuse_overflow
def kaiming_uniform(rng, shape, mode="fan_in", negative_slope=0.0, dtype=np.float64):
    r"""
    Draw uniform weights with Kaiming's variance.

    Independent entries::

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If a length is not positive, `mode` is unknown or the slope is not finite.

    Notes
    -----
    Source: ``torch.nn.init.kaiming_uniform_``, the uniform form of He et al. (2015).
    """
    return _draw_uniform(rng, shape, kaiming_std(shape, mode, negative_slope), dtype)


@refuse_overflow
def forward_second_moments(widths, stds, input_second_moment=1.0, kept=0.5):
    r"""
    Predict the second moment of the activations of every layer.

    Equations (93) and (94), from the input up::

        E[h_i**2] = kept[i] * D_{i-1} * std_i**2 * E[h_{i-1}**2]

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If the lengths do not fit, a width is below 1, or a number is negative or not finite.

    Notes
    -----
    The second moment obeys this, not the variance: the activations of a ReLU have a mean.
    Source: He et al. (2015), section 2.2.

    Examples
    --------
    >>> forward_second_moments([4, 8, 2], stds=[kaiming_std((8, 4)), kaiming_std((2, 8))])
    array([1., 1., 1.])
    """
    widths, variances, kept = _require_layers(widths, stds, kept)
    start = require_real("input_second_moment", input_second_moment, low=0)
    return np.cumprod(np.append(start, kept * widths[:-1] * variances))


@refuse_overflow
def backward_second_moments(widths, stds, output_second_moment=1.0, kept=0.5):
    r"""
    Predict the second moment of the gradient with respect to every layer's activations.

    Equation (96), from the output down::

        E[dh_i**2] = kept[i+1] * D_{i+1} * std_{i+1}**2 * E[dh_{i+1}**2]

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

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If the lengths do not fit, a width is below 1, or a number is negative or not finite.

    Notes
    -----
    Exact for i = 0, the input, if the gradient at the top is isotropic and independent of the
    network; for a hidden ReLU layer, 0 < i < L, multiply by `alive_probability`.
    Source: He et al. (2015), section 2.2, where the factor is the fan-out.

    Examples
    --------
    >>> backward_second_moments([4, 8, 2], stds=[kaiming_std((8, 4)), kaiming_std((2, 8))])
    array([0.5 , 0.25, 1.  ])
    """
    widths, variances, kept = _require_layers(widths, stds, kept)
    start = require_real("output_second_moment", output_second_moment, low=0)
    return np.cumprod(np.append(start, (kept * widths[1:] * variances)[::-1]))[::-1].copy()


def alive_probability(widths):
    r"""
    Give the probability that a ReLU layer of a random network is not all zero.

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

    Raises
    ------
    TypeError
        If `widths` is not a sequence of integers.
    ValueError
        If there is no layer or a width is below 1.

    Examples
    --------
    >>> alive_probability([6, 2, 5]).round(4)
    array([1.    , 0.75  , 0.7266])
    """
    return np.cumprod(np.append(1.0, 1 - 0.5 ** _require_widths(widths)[1:]))


def _draw_normal(rng, shape, std, dtype):
    shape, dtype = require_lengths("shape", shape), require_dtype(dtype)
    return (require_rng(rng).standard_normal(shape) * std).astype(dtype)


def _draw_uniform(rng, shape, std, dtype):
    shape, dtype = require_lengths("shape", shape), require_dtype(dtype)
    limit = math.sqrt(3) * std
    return require_rng(rng).uniform(-limit, limit, shape).astype(dtype)


def _require_fans(shape):
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"shape must be a pair (out, in), got {type(shape).__name__}")
    if len(shape) != 2:
        raise ValueError(f"shape must be a pair (out, in), got {len(shape)} lengths")
    return tuple(require_size("shape", n) for n in shape)


def _is_sequence(value):
    # An array without axes has no length.
    return isinstance(value, (list, tuple, range)) or (type(value) is np.ndarray and value.ndim > 0)


def _require_widths(widths):
    if not _is_sequence(widths):
        raise TypeError(f"widths must be a sequence of integers, got {type(widths).__name__}")
    length = len(widths[: MOST_WIDTHS + 1])  # a range can be longer than a length may be
    if length < 2:
        raise ValueError(f"widths must hold D_0 and at least one layer, got {length} widths")
    if length > MOST_WIDTHS:
        raise ValueError(f"widths must hold at most {MOST_WIDTHS} numbers, got more")
    return np.array([require_size("widths", n) for n in widths])


def _require_layers(widths, stds, kept):
    widths = _require_widths(widths)
    layers = len(widths) - 1
    kept = [kept] * layers if isinstance(kept, numbers.Real) else kept
    for name, values in (("stds", stds), ("kept", kept)):
        if not _is_sequence(values):
            raise TypeError(f"{name} must be a sequence of numbers, got {type(values).__name__}")
        if len(values) != layers:
            raise ValueError(
                f"{name} must have one number for each of the {layers} layers, got {len(values)}"
            )
    stds = np.array([require_real("stds", s, low=0) for s in stds])
    return widths, stds**2, np.array([require_real("kept", k, low=0) for k in kept])
