"""A multilayer perceptron with softmax cross-entropy: every layer forward and backward."""

from typing import NamedTuple

import numpy as np

from hw1lib._arguments import (
    finite,
    refuse_overflow,
    require_array,
    require_cache,
    require_choice,
)
from hw1lib.batchnorm import _sum


class ActivationCache(NamedTuple):
    """The derivative of the activation at its input: an array of the input's shape."""

    derivative: np.ndarray


class AffineCache(NamedTuple):
    """The input X, (B, N), and the weights W, (M, N)."""

    X: np.ndarray
    W: np.ndarray


class SoftmaxCrossEntropyCache(NamedTuple):
    """The probabilities and the targets, both (B, K)."""

    probabilities: np.ndarray
    targets: np.ndarray


class MLPCache(NamedTuple):
    """One (affine cache, activation cache) a layer; the activation cache is None if linear."""

    layers: list


def relu_forward(Z):
    r"""
    Rectify: keep what is positive.

    Equations (4) and (47)::

        H = max(Z, 0)

    Parameters
    ----------
    Z : numpy.ndarray
        Pre-activations, of any shape.

    Returns
    -------
    H : numpy.ndarray
        Activations, of the shape and dtype of `Z`.
    cache : ActivationCache
        What `relu_backward` needs.

    Raises
    ------
    TypeError
        If `Z` is not a NumPy array of float32 or float64.
    ValueError
        If an entry is not finite or `Z` is empty.
    """
    require_array("Z", Z)
    return np.maximum(Z, 0), ActivationCache((Z > 0).astype(Z.dtype))


def relu_backward(dH, cache):
    r"""
    Pass the gradient where the pre-activation was positive.

    Equations (50) and (59); the derivative at 0 is 0, as in PyTorch::

        dZ = dH * (Z > 0)

    Parameters
    ----------
    dH : numpy.ndarray
        Gradient of the loss with respect to the activations.
    cache : ActivationCache
        From `relu_forward`.

    Returns
    -------
    numpy.ndarray
        Gradient with respect to `Z`, of the same shape and dtype.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not that of `Z` or an entry is not finite.
    """
    return _activation_backward(dH, cache)


def tanh_forward(Z):
    r"""
    Squash into (-1, 1).

    The activation of Glorot and Bengio (2010)::

        H = tanh(Z)

    Parameters
    ----------
    Z : numpy.ndarray
        Pre-activations, of any shape.

    Returns
    -------
    H : numpy.ndarray
        Activations, of the shape and dtype of `Z`.
    cache : ActivationCache
        What `tanh_backward` needs.

    Raises
    ------
    TypeError
        If `Z` is not a NumPy array of float32 or float64.
    ValueError
        If an entry is not finite or `Z` is empty.
    """
    require_array("Z", Z)
    H = np.tanh(Z)
    return H, ActivationCache(1 - H * H)


def tanh_backward(dH, cache):
    r"""
    Scale the gradient by the slope of tanh.

    With the slope written in the output::

        dZ = dH * (1 - H**2)

    Parameters
    ----------
    dH : numpy.ndarray
        Gradient of the loss with respect to the activations.
    cache : ActivationCache
        From `tanh_forward`.

    Returns
    -------
    numpy.ndarray
        Gradient with respect to `Z`, of the same shape and dtype.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not that of `Z` or an entry is not finite.
    """
    return _activation_backward(dH, cache)


@refuse_overflow
def affine_forward(X, W, b):
    r"""
    Apply an affine layer to a batch, as torch.nn.Linear does.

    Equation (34)::

        Y = X @ W.T + b

    Parameters
    ----------
    X : numpy.ndarray, shape (B, N)
        Inputs, one sample a row.
    W : numpy.ndarray, shape (M, N)
        Weights, one unit a row: (out, in).
    b : numpy.ndarray, shape (M,)
        Biases.

    Returns
    -------
    Y : numpy.ndarray, shape (B, M)
        Pre-activations.
    cache : AffineCache
        What `affine_backward` needs.

    Raises
    ------
    TypeError
        If an array is not a NumPy array of float32 or float64, or the dtypes differ.
    ValueError
        If a shape does not fit or an entry is not finite.
    """
    require_array("X", X, ndim=2)
    require_array("W", W, shape=(None, X.shape[1]), dtype=X.dtype)
    require_array("b", b, shape=W.shape[:1], dtype=X.dtype)
    return _affine(X, W, b), AffineCache(X.copy(), W.copy())


@refuse_overflow
def affine_backward(dY, cache):
    r"""
    Give the gradients of an affine layer with respect to its input, weights and biases.

    Equations (90), (91) and (92) for a batch, where a row of `dY` is the delta of one sample::

        dX = dY @ W
        dW = dY.T @ X
        db = sum over the batch of dY

    Parameters
    ----------
    dY : numpy.ndarray, shape (B, M)
        Gradient of the loss with respect to the output.
    cache : AffineCache
        From `affine_forward`.

    Returns
    -------
    dX : numpy.ndarray, shape (B, N)
        Gradient with respect to the input.
    dW : numpy.ndarray, shape (M, N)
        Gradient with respect to the weights, summed over the batch.
    db : numpy.ndarray, shape (M,)
        Gradient with respect to the biases, summed over the batch.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not that of the output or an entry is not finite.
    """
    X, W = require_cache(cache, AffineCache)
    require_array("dY", dY, shape=(len(X), len(W)), dtype=X.dtype)
    return _affine_backward(dY, cache)


@refuse_overflow
def logsumexp(Z):
    r"""
    Give log(sum(exp(z))) of each row, without overflow.

    With the largest entry taken out, so that no exponential exceeds 1 and a small sum of the
    others is not lost beside it::

        logsumexp(z) = max(z) + log1p(sum over the others of exp(z - max(z)))

    Parameters
    ----------
    Z : numpy.ndarray, shape (B, K)
        Logits, one sample a row.

    Returns
    -------
    numpy.ndarray, shape (B,)
        One number a row.

    Raises
    ------
    TypeError
        If `Z` is not a NumPy array of float32 or float64.
    ValueError
        If `Z` is not a matrix or an entry is not finite.
    """
    require_array("Z", Z, ndim=2)
    rows, top = np.arange(len(Z)), Z.argmax(axis=1)
    others = np.exp(Z - Z[rows, top][:, None])
    others[rows, top] = 0
    return Z[rows, top] + np.log1p(others.sum(axis=1))


@refuse_overflow
def softmax(Z):
    r"""
    Turn each row of logits into probabilities.

    Equation (85), with the largest logit subtracted first, which changes nothing but avoids
    overflow::

        y[k] = exp(z[k]) / sum over r of exp(z[r])

    Parameters
    ----------
    Z : numpy.ndarray, shape (B, K)
        Logits, one sample a row.

    Returns
    -------
    numpy.ndarray, shape (B, K)
        Probabilities; each row sums to 1.

    Raises
    ------
    TypeError
        If `Z` is not a NumPy array of float32 or float64.
    ValueError
        If `Z` is not a matrix or an entry is not finite.
    """
    require_array("Z", Z, ndim=2)
    exponentials = np.exp(Z - Z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@refuse_overflow
def softmax_cross_entropy_forward(Z, targets):
    r"""
    Give the cross-entropy of each sample, from its logits.

    Equations (85) and (86) in one step, so that no probability is rounded to 0 before its
    logarithm::

        loss = sum over k of targets[k] * (logsumexp(z) - z[k])

    Parameters
    ----------
    Z : numpy.ndarray, shape (B, K)
        Logits, one sample a row.
    targets : numpy.ndarray, shape (B, K)
        Target probabilities; each row is not negative and sums to 1 (one-hot, as a rule).

    Returns
    -------
    losses : numpy.ndarray, shape (B,)
        The loss of each sample, in nats. Take the mean or the sum yourself.
    cache : SoftmaxCrossEntropyCache
        What `softmax_cross_entropy_backward` needs.

    Raises
    ------
    TypeError
        If an array is not a NumPy array of float32 or float64, or the dtypes differ.
    ValueError
        If a shape does not fit, an entry is not finite, or a row of `targets` is no probability
        vector.
    """
    require_array("Z", Z, ndim=2)
    require_array("targets", targets, shape=Z.shape, dtype=Z.dtype)
    if (targets < 0).any():
        raise ValueError(f"targets must not be negative, got {targets.min()}")
    sums = targets.sum(axis=1)
    if np.abs(sums - 1).max() > 1e-5:
        worst = sums[np.abs(sums - 1).argmax()]
        raise ValueError(f"targets must sum to 1 in each row, got a row that sums to {worst}")
    # With the top at 0 first: next to a logit of 1e4, the loss would keep 12 decimals only.
    shifted = finite(Z - Z.max(axis=1, keepdims=True))
    losses = np.sum(targets * (logsumexp(shifted)[:, None] - shifted), axis=1)
    return losses, SoftmaxCrossEntropyCache(softmax(Z), targets.copy())


@refuse_overflow
def softmax_cross_entropy_backward(dlosses, cache):
    r"""
    Give the gradient with respect to the logits.

    Equation (87), weighted by the gradient of each sample's loss::

        dZ = dloss * (y - target)

    Parameters
    ----------
    dlosses : numpy.ndarray, shape (B,)
        Gradient with respect to each loss: 1 / B for their mean, 1 for their sum.
    cache : SoftmaxCrossEntropyCache
        From `softmax_cross_entropy_forward`.

    Returns
    -------
    numpy.ndarray, shape (B, K)
        Gradient with respect to the logits; each row sums to 0.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not (B,) or an entry is not finite.
    """
    probabilities, targets = require_cache(cache, SoftmaxCrossEntropyCache)
    require_array("dlosses", dlosses, shape=targets.shape[:1], dtype=targets.dtype)
    return dlosses[:, None] * (probabilities - targets)


@refuse_overflow
def mlp_forward(X, weights, biases, *, activation="relu", readout="linear"):
    r"""
    Run a batch through all layers of a multilayer perceptron.

    Equation (84), for i = 1..L::

        z_i = h_{i-1} @ W_i.T + b_i
        h_i = phi(z_i)

    With the usual linear readout, the last layer has no activation: h_L = z_L. The homework
    applies it there too; ``readout="activated"`` does as well.

    Parameters
    ----------
    X : numpy.ndarray, shape (B, D_0)
        Inputs h_0, one sample a row.
    weights : list of numpy.ndarray
        W_1 .. W_L, where W_i is (D_i, D_{i-1}).
    biases : list of numpy.ndarray
        b_1 .. b_L, where b_i is (D_i,).
    activation : {"relu", "tanh"}
        The activation phi.
    readout : {"linear", "activated"}
        Whether the last layer has the activation.

    Returns
    -------
    logits : numpy.ndarray, shape (B, D_L)
        The last layer's output h_L: the input of the softmax.
    cache : MLPCache
        What `mlp_backward` needs.

    Raises
    ------
    TypeError
        If an array is not a NumPy array of float32 or float64, the dtypes differ, or the
        parameters are not lists.
    ValueError
        If there is no layer, the lists differ in length, a shape does not fit the layer before
        it, an entry is not finite, or a name is unknown.
    """
    forward = _ACTIVATIONS[require_choice("activation", activation, tuple(_ACTIVATIONS))]
    require_choice("readout", readout, ("linear", "activated"))
    _require_layers(X, weights, biases)
    h, layers = X.copy(), []
    for i, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        affine_cache, activation_cache = AffineCache(h, W.copy()), None
        h = finite(_affine(h, W, b))  # a ReLU would hide -inf
        if i < len(weights) or readout == "activated":
            h, activation_cache = forward(h)
        layers.append((affine_cache, activation_cache))
    return h, MLPCache(layers)


@refuse_overflow
def mlp_backward(dlogits, cache):
    r"""
    Give the gradients with respect to all activations, weights and biases.

    Equations (90), (91) and (92), for i = L..1::

        delta_i = dh_i * phi'(z_i)
        dW_i = delta_i.T @ h_{i-1}
        db_i = sum over the batch of delta_i
        dh_{i-1} = delta_i @ W_i

    Parameters
    ----------
    dlogits : numpy.ndarray, shape (B, D_L)
        Gradient of the loss with respect to the output of `mlp_forward`.
    cache : MLPCache
        From `mlp_forward`.

    Returns
    -------
    dhs : list of numpy.ndarray
        dh_0 .. dh_L, each (B, D_i): dhs[i] is the gradient with respect to h_i, dhs[0] that
        with respect to the input.
    dWs : list of numpy.ndarray
        dW_1 .. dW_L, each (D_i, D_{i-1}), summed over the batch.
    dbs : list of numpy.ndarray
        db_1 .. db_L, each (D_i,), summed over the batch.

    Raises
    ------
    TypeError
        If an argument has the wrong type or dtype.
    ValueError
        If the shape is not that of the output or an entry is not finite.
    """
    layers = require_cache(cache, MLPCache).layers
    last = layers[-1][0]
    require_array("dlogits", dlogits, shape=(len(last.X), len(last.W)), dtype=last.X.dtype)
    dhs, dWs, dbs = [dlogits.copy()], [], []
    for affine_cache, activation_cache in reversed(layers):
        delta = dhs[-1]
        if activation_cache is not None:
            delta = delta * activation_cache.derivative
        dh, dW, db = _affine_backward(delta, affine_cache)
        dhs.append(dh)
        dWs.append(dW)
        dbs.append(db)
    return dhs[::-1], dWs[::-1], dbs[::-1]


def _affine(X, W, b):
    Y = X @ W.T
    Y += b
    return Y


def _affine_backward(dY, cache):
    return dY @ cache.W, dY.T @ cache.X, _sum(dY)


_ACTIVATIONS = {"relu": relu_forward, "tanh": tanh_forward}


def _activation_backward(dH, cache):
    derivative = require_cache(cache, ActivationCache).derivative
    require_array("dH", dH, shape=derivative.shape, dtype=derivative.dtype)
    return dH * derivative


def _require_layers(X, weights, biases):
    require_array("X", X, ndim=2)
    for name, value in (("weights", weights), ("biases", biases)):
        if not isinstance(value, (list, tuple)):
            raise TypeError(
                f"{name} must be a list of arrays, one a layer, got {type(value).__name__}"
            )
    if not weights or len(weights) != len(biases):
        raise ValueError(
            "weights and biases must have the same length of at least 1, "
            f"got {len(weights)} and {len(biases)}"
        )
    width = X.shape[1]
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        require_array(f"weights[{i}]", W, shape=(None, width), dtype=X.dtype)
        width = len(W)
        require_array(f"biases[{i}]", b, shape=(width,), dtype=X.dtype)
