"""A multilayer perceptron with softmax cross-entropy: every layer forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from hw1lib import _contract as a
from hw1lib._contract import Array, Kind, checked, finite
from hw1lib._statistics import column_sum


class ReLUCache(NamedTuple):
    """The derivative of ReLU at its input, 0 or 1: an array of the input's shape."""

    derivative: Array


class TanhCache(NamedTuple):
    """The derivative of tanh at its input: an array of the input's shape."""

    derivative: Array


class AffineCache(NamedTuple):
    """The input X, (B, N), and the weights W, (M, N)."""

    X: Array
    W: Array


class SoftmaxCrossEntropyCache(NamedTuple):
    """The probabilities and the targets, both (B, K)."""

    probabilities: Array
    targets: Array


Layer = tuple[AffineCache, ReLUCache | TanhCache | None]


class MLPCache(NamedTuple):
    """One (affine cache, activation cache) a layer; the activation cache is None if linear."""

    layers: list[Layer]


def _distributions(name: str, value: Any, known: dict[str, Any]) -> Array:
    """Accept a probability distribution in each row."""
    a.array("B K")(name, value, known)
    if value.min() < 0:
        raise ValueError(f"{name} must not be negative, got {value.min()}")
    sums = value.sum(axis=1)
    worst = sums[np.abs(sums - 1).argmax()]
    if abs(worst - 1) > 1e-5:
        raise ValueError(f"{name} must sum to 1 in each row, got a row that sums to {worst}")
    return value


def _one_a_layer(shape: str) -> Kind:
    """Accept a list of arrays, where {0} and {1} in the shape number the layer's two ends."""

    def check(name: str, value: Any, known: dict[str, Any]) -> list[Array]:
        if not isinstance(value, (list, tuple)):
            raise a.wrong_type(name, "a list of arrays, one a layer", value)
        layers = known.setdefault("layers", max(len(value), 1))
        if len(value) != layers:
            raise ValueError(f"{name} must have {layers} arrays, one a layer, got {len(value)}")
        ends = [shape.format(i, i + 1) for i in range(layers)]
        return [a.shown(ends[i])(f"{name}[{i}]", entry, known) for i, entry in enumerate(value)]

    return check


def _mlp_cache(name: str, value: Any, known: dict[str, Any]) -> MLPCache:
    """Accept the cache of `mlp_forward`, whose output is (B, M)."""
    a.cached(MLPCache)(name, value, known)
    last = value.layers[-1][0]
    known.update(B=len(last.X), M=len(last.W), dtype=last.X.dtype)
    return value


@checked(guarded=False, Z="...")
def relu_forward(Z: Array) -> tuple[Array, ReLUCache]:
    """Rectify: keep what is positive.

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
    cache : ReLUCache
        What `relu_backward` needs.
    """
    return _relu(Z)


@checked(cache=a.cached(ReLUCache, derivative="..."), dH=a.shown("..."))
def relu_backward(dH: Array, cache: ReLUCache) -> Array:
    """Pass the gradient where the pre-activation was positive.

    Equations (50) and (59); the derivative at 0 is 0, as in PyTorch::

        dZ = dH * (Z > 0)

    Parameters
    ----------
    dH : numpy.ndarray
        Gradient of the loss with respect to the activations.
    cache : ReLUCache
        From `relu_forward`.

    Returns
    -------
    numpy.ndarray
        Gradient with respect to `Z`, of the same shape and dtype.
    """
    return dH * cache.derivative


@checked(guarded=False, Z="...")
def tanh_forward(Z: Array) -> tuple[Array, TanhCache]:
    """Squash into (-1, 1).

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
    cache : TanhCache
        What `tanh_backward` needs.
    """
    return _tanh(Z)


@checked(cache=a.cached(TanhCache, derivative="..."), dH=a.shown("..."))
def tanh_backward(dH: Array, cache: TanhCache) -> Array:
    """Scale the gradient by the slope of tanh.

    With the slope written in the output::

        dZ = dH * (1 - H**2)

    Parameters
    ----------
    dH : numpy.ndarray
        Gradient of the loss with respect to the activations.
    cache : TanhCache
        From `tanh_forward`.

    Returns
    -------
    numpy.ndarray
        Gradient with respect to `Z`, of the same shape and dtype.
    """
    return dH * cache.derivative


@checked(X=a.shown("B N"), W=a.shown("M N"), b=a.shown("M"))
def affine_forward(X: Array, W: Array, b: Array) -> tuple[Array, AffineCache]:
    """Apply an affine layer to a batch, as torch.nn.Linear does.

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
    """
    return _affine(X, W, b), AffineCache(X.copy(), W.copy())


@checked(cache=a.cached(AffineCache, X="B N", W="M N"), dY=a.shown("B M"))
def affine_backward(dY: Array, cache: AffineCache) -> tuple[Array, Array, Array]:
    """Return the gradients of an affine layer with respect to its input, weights and biases.

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
    """
    return _affine_backward(dY, cache)


@checked(Z="B K")
def logsumexp(Z: Array) -> Array:
    """Compute log(sum(exp(z))) of each row, without overflow.

    With the largest entry taken out, no exponential exceeds 1 and no small sum is lost beside it::

        logsumexp(z) = max(z) + log1p(sum over the others of exp(z - max(z)))

    Parameters
    ----------
    Z : numpy.ndarray, shape (B, K)
        Logits, one sample a row.

    Returns
    -------
    numpy.ndarray, shape (B,)
        One number a row.
    """
    top = Z.max(axis=1, keepdims=True)
    _, others = _exponentials(Z - top)
    return (top + np.log1p(others))[:, 0]


@checked(Z="B K")
def softmax(Z: Array) -> Array:
    """Turn each row of logits into probabilities.

    Equation (85); the largest logit is subtracted first, so that nothing overflows::

        y[k] = exp(z[k]) / sum over r of exp(z[r])

    Parameters
    ----------
    Z : numpy.ndarray, shape (B, K)
        Logits, one sample a row.

    Returns
    -------
    numpy.ndarray, shape (B, K)
        Probabilities; each row sums to 1.
    """
    exponentials, others = _exponentials(Z - Z.max(axis=1, keepdims=True))
    return exponentials / (1 + others)


@checked(Z=a.shown("B K"), targets=_distributions)
def softmax_cross_entropy_forward(
    Z: Array, targets: Array
) -> tuple[Array, SoftmaxCrossEntropyCache]:
    """Compute the cross-entropy of each sample, from its logits.

    Equations (85) and (86) in one: no probability is rounded to 0 before its logarithm::

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
    """
    # With the top at 0 first: next to a logit of 1e4, the loss would keep 12 decimals only.
    shifted = finite(Z - Z.max(axis=1, keepdims=True))
    exponentials, others = _exponentials(shifted)
    losses = targets.sum(axis=1) * np.log1p(others[:, 0]) - np.einsum("ij,ij->i", targets, shifted)
    exponentials /= 1 + others
    return losses, SoftmaxCrossEntropyCache(exponentials, targets.copy())


@checked(cache=a.cached(SoftmaxCrossEntropyCache, targets="B K"), dlosses=a.shown("B"))
def softmax_cross_entropy_backward(dlosses: Array, cache: SoftmaxCrossEntropyCache) -> Array:
    """Return the gradient with respect to the logits.

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
    """
    dZ = cache.probabilities - cache.targets
    dZ *= dlosses[:, None]
    return dZ


@checked(
    X=a.shown("B D0"),
    weights=_one_a_layer("D{1} D{0}"),
    biases=_one_a_layer("D{1}"),
    activation=a.one_of("relu", "tanh"),
    readout=a.one_of("linear", "activated"),
)
def mlp_forward(
    X: Array,
    weights: Sequence[Array],
    biases: Sequence[Array],
    *,
    activation: Literal["relu", "tanh"] = "relu",
    readout: Literal["linear", "activated"] = "linear",
) -> tuple[Array, MLPCache]:
    """Run a batch through all layers of a multilayer perceptron.

    Equation (84), for i = 1..L::

        z_i = h_{i-1} @ W_i.T + b_i
        h_i = phi(z_i)

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
        The usual h_L = z_L, or h_L = phi(z_L) as in the homework.

    Returns
    -------
    logits : numpy.ndarray, shape (B, D_L)
        The last layer's output h_L: the input of the softmax.
    cache : MLPCache
        What `mlp_backward` needs.
    """
    phi = _relu if activation == "relu" else _tanh
    h, layers = X.copy(), list[Layer]()
    for i, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        affine_cache = AffineCache(h, W.copy())
        h = finite(_affine(h, W, b))  # a ReLU would hide -inf
        if i < len(weights) or readout == "activated":
            h, activation_cache = phi(h)
            layers.append((affine_cache, activation_cache))
        else:
            layers.append((affine_cache, None))
    return h, MLPCache(layers)


@checked(cache=_mlp_cache, dlogits=a.shown("B M"))
def mlp_backward(dlogits: Array, cache: MLPCache) -> tuple[list[Array], list[Array], list[Array]]:
    """Return the gradients with respect to all activations, weights and biases.

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
        dh_0 .. dh_L, each (B, D_i); dh_0 is the gradient with respect to the input.
    dWs : list of numpy.ndarray
        dW_1 .. dW_L, each (D_i, D_{i-1}), summed over the batch.
    dbs : list of numpy.ndarray
        db_1 .. db_L, each (D_i,), summed over the batch.
    """
    dhs, dWs, dbs = [dlogits.copy()], [], []
    for affine_cache, activation_cache in reversed(cache.layers):
        delta = dhs[-1]
        if activation_cache is not None:
            delta = delta * activation_cache.derivative
        dh, dW, db = _affine_backward(delta, affine_cache)
        dhs.append(dh)
        dWs.append(dW)
        dbs.append(db)
    return dhs[::-1], dWs[::-1], dbs[::-1]


def _relu(Z: Array) -> tuple[Array, ReLUCache]:
    return np.maximum(Z, 0), ReLUCache((Z > 0).astype(Z.dtype))


def _tanh(Z: Array) -> tuple[Array, TanhCache]:
    H = np.tanh(Z)
    return H, TanhCache(1 - H * H)


def _affine(X: Array, W: Array, b: Array) -> Array:
    Y = X @ W.T
    Y += b
    return Y


def _affine_backward(dY: Array, cache: AffineCache) -> tuple[Array, Array, Array]:
    return dY @ cache.W, dY.T @ cache.X, column_sum(dY)


def _exponentials(shifted: Array) -> tuple[Array, Array]:
    """Return exp(shifted), and what each row adds up to without its largest entry, which is 1."""
    exponentials = np.exp(shifted)
    top = shifted.argmax(axis=1)[:, None]
    np.put_along_axis(exponentials, top, 0, axis=1)
    others = exponentials.sum(axis=1, keepdims=True)
    np.put_along_axis(exponentials, top, 1, axis=1)
    return exponentials, others
