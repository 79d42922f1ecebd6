"""Checks for questions 3.1 and 3.2, back-propagation, and the mistakes that learners make there."""

import math
from itertools import pairwise

import numpy as np

from hw1check._problem import Problem
from hw1lib import mlp as reference


def _softmax(h):
    return reference.softmax(h[None])[0]


def _draw_target(rng, h):
    """Draw probabilities with two decimals that sum to 1, apart from 0 and from softmax(h)."""
    K = len(h)
    while True:
        target = (6 + rng.multinomial(100 - 6 * K, rng.dirichlet(np.ones(K)))) / 100
        # Near the softmax the gradient is a difference of equals, and float32 would not do.
        if np.abs(_softmax(h) - target).max() > 0.05:
            return target


def _one_hot(label, K):
    return np.eye(K)[label]


softmax_of_logits = Problem(
    "softmax_of_logits",
    "beyond 3.1",
    "Softmax that cannot overflow",
    """
    Check the softmax of a vector of logits, also of logits as large as 1000.

    Your function gets the logits `z` (K,), K at least 2, and returns the probabilities y (K,). In
    some cases the logits lie near 1000, near -1000 or on both sides; the answer is finite there,
    too.
    """,
    page="backprop/softmax_cross_entropy",
    parts=("y",),
)


@softmax_of_logits.drawn_by
def _draw_softmax(rng, i):
    K = 2 if i == 0 else int(rng.integers(3, 7))
    z = rng.normal(0.5, 1.0, size=K).round(2)
    # Quarters, so that even float32 holds the large logits exactly.
    far = rng.integers(-8, 9, size=K) / 4
    if i % 5 == 1:
        return (1000 + far,)
    if i % 5 == 2:
        return (far - 1000,)
    if i % 5 == 3:
        # The top two are near each other, the others out of reach.
        far[2:] -= 1900
        return (1000 + far,)
    return (z,)


@softmax_of_logits.solved_by
def _solve_softmax(z):
    return _softmax(z)


def _finite(y):
    # What overflowed compares as a number: nan is not even equal to itself.
    return np.nan_to_num(y, nan=-1.0, posinf=-2.0, neginf=-3.0)


@softmax_of_logits.mistake(
    "exp(z) is computed as it stands",
    "exp(710) is infinite in float64 and exp(-750) is 0, so you divide infinity by infinity or 0 "
    "by 0. Which change of all the logits leaves the probabilities as they are?",
    page="backprop/softmax_cross_entropy#log-sum-exp-without-overflow",
    view=_finite,
)
def _exponential_overflows(z):
    return np.exp(z) / np.exp(z).sum()


@softmax_of_logits.mistake(
    "math.exp(z) is computed as it stands",
    "math.exp refuses 710, and for logits near -1000 all terms of the sum are 0. Which change of "
    "all the logits leaves the probabilities as they are?",
    page="backprop/softmax_cross_entropy#log-sum-exp-without-overflow",
)
def _exponential_refuses(z):
    terms = [math.exp(value) for value in z]
    return [term / sum(terms) for term in terms]


@softmax_of_logits.mistake(
    "the mean of the logits is subtracted",
    "If the logits spread far enough, one of them is still 710 above the mean. What must be "
    "subtracted so that no exponent is above 0?",
    page="backprop/softmax_cross_entropy#log-sum-exp-without-overflow",
    view=_finite,
)
def _shifted_by_the_mean(z):
    return _exponential_overflows(z - z.mean())


@softmax_of_logits.mistake(
    "the shift is made in the numerator only",
    "A shift changes nothing only if the numerator and the denominator get the same factor. Do "
    "the probabilities still add up to 1?",
    page="backprop/softmax_cross_entropy#log-sum-exp-without-overflow",
    view=_finite,
)
def _shifted_in_the_numerator_only(z):
    return np.exp(z - z.max()) / np.exp(z).sum()


@softmax_of_logits.mistake(
    "the sum in the denominator does not run, as in the printed (85)",
    "There exp(h_L[k]) is summed over an index that does not occur in it. That adds one number K "
    "times, and every class gets 1/K whatever the logits are.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _idle_summation_index(z):
    return np.full(len(z), 1 / len(z))


@softmax_of_logits.mistake(
    "each entry goes through the sigmoid",
    "The sigmoid weighs each logit against 0, not against the other logits, so the entries do not "
    "add up to 1.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _sigmoid_of_each_entry(z):
    return 1 / (1 + np.exp(-z))


@softmax_of_logits.mistake(
    "the logits are divided by their sum, without the exponential",
    "Logits have either sign, so their shares can be negative or above 1. The exponential is "
    "there to make each term positive.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _exponential_forgotten(z):
    return z / z.sum()


@softmax_of_logits.mistake(
    "the exponents have the wrong sign",
    "The largest logit must get the largest probability. Yours gets the smallest.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _exponents_negated(z):
    return _softmax(-z)


@softmax_of_logits.mistake(
    "the logarithm of the probabilities is returned",
    "Your numbers are negative or 0: they are log-probabilities, which the loss needs. Here the "
    "probabilities themselves are asked for.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _logarithm_returned(z):
    return z - reference.logsumexp(z[None])[0]


softmax_cross_entropy_gradient = Problem(
    "softmax_cross_entropy_gradient",
    "3.1",
    "The gradient at the logits",
    """
    Check the gradient of the cross-entropy with respect to the logits.

    Your function gets the logits `h` (K,), which are the h_L of the homework, and the `target`
    (K,), a vector of probabilities that sums to 1 but is not one-hot. With y = softmax(h), the
    loss is minus the sum over k of target[k] * log(y[k]). It returns dh (K,), the gradient of the
    loss with respect to h.
    """,
    page="backprop/softmax_cross_entropy",
    parts=("dh",),
    points=(5,),
)


@softmax_cross_entropy_gradient.drawn_by
def _draw_softmax_cross_entropy_gradient(rng, i):
    K = 2 if i == 0 else int(rng.integers(3, 7))
    h = rng.normal(size=K).round(2)
    return h, _draw_target(rng, h)


@softmax_cross_entropy_gradient.solved_by
def _solve_softmax_cross_entropy_gradient(h, target):
    _, cache = reference.softmax_cross_entropy_forward(h[None], target[None])
    return reference.softmax_cross_entropy_backward(np.ones(1), cache)[0]


@softmax_cross_entropy_gradient.mistake(
    "the softmax and the target are subtracted the wrong way round",
    "This is the direction in which the loss falls. The gradient points where it rises: should "
    "the loss rise or fall when the logit of the right class grows?",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _logit_gradient_negated(h, target):
    return target - _softmax(h)


@softmax_cross_entropy_gradient.mistake(
    "the softmax is left out: the loss is differentiated with respect to y",
    "This is the gradient with respect to the probabilities. Each of them depends on all the "
    "logits, so the Jacobian of the softmax is still to come.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _jacobian_forgotten(h, target):
    return -target / _softmax(h)


@softmax_cross_entropy_gradient.mistake(
    "only the diagonal of the softmax's Jacobian is used",
    "A logit also sits in the denominator of the other probabilities. Sum the chain rule over all "
    "of them.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _diagonal_of_the_jacobian_only(h, target):
    return -target * (1 - _softmax(h))


@softmax_cross_entropy_gradient.mistake(
    "the denominator of the softmax is held constant",
    "With the denominator fixed, dy_k/dh_k is y_k and the others are 0. But the sum in the "
    "denominator contains every logit.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _denominator_held_constant(h, target):
    return -target


@softmax_cross_entropy_gradient.mistake(
    "a factor y, the derivative of the exponential, is put on a finished result",
    "The derivative of the softmax is in that result already: its factor y has cancelled the 1/y "
    "of the logarithm. Here it comes in twice.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _extra_factor_y(h, target):
    y = _softmax(h)
    return y * (y - target)


@softmax_cross_entropy_gradient.mistake(
    "an error is multiplied by y * (1 - y), as for a sigmoid with the squared error",
    "y * (1 - y) is the slope of a sigmoid and only the diagonal of the softmax's Jacobian. And "
    "the cross-entropy's own derivative is not a difference.",
    page="backprop/softmax_cross_entropy#what-the-gradient-does",
)
def _sigmoid_slope_on_the_error(h, target):
    y = _softmax(h)
    return (y - target) * y * (1 - y)


@softmax_cross_entropy_gradient.mistake(
    "the loss is half the squared error of the probabilities",
    "That loss has another gradient, which keeps a factor y and so fades when the network is sure "
    "of a wrong class. The question asks for the cross-entropy.",
    page="backprop/softmax_cross_entropy#what-the-gradient-does",
)
def _squared_error_instead(h, target):
    y = _softmax(h)
    return y * ((y - target) - y @ (y - target))


@softmax_cross_entropy_gradient.mistake(
    "the softmax is forgotten",
    "The target is compared with the logits themselves, which are no probabilities: add 5 to all "
    "of them and the loss stays, but your gradient does not.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _softmax_forgotten(h, target):
    return h - target


@softmax_cross_entropy_gradient.mistake(
    "the softmax is applied twice",
    "The probabilities went through the softmax again, as when a loss that takes logits is given "
    "probabilities. Which of the two does your loss expect?",
    page="backprop/softmax_cross_entropy#log-sum-exp-without-overflow",
)
def _softmax_applied_twice(h, target):
    return _softmax(_softmax(h)) - target


@softmax_cross_entropy_gradient.mistake(
    "each logit goes through a sigmoid of its own",
    "With sigmoids the classes do not compete. The softmax divides by a sum over all the logits.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _sigmoid_instead_of_softmax(h, target):
    return 1 / (1 + np.exp(-h)) - target


@softmax_cross_entropy_gradient.mistake(
    "the probabilities are those of the printed (85)",
    "As printed, the sum in the denominator adds one number K times, so that every class has the "
    "probability 1/K.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _printed_softmax_at_the_logits(h, target):
    return 1 / len(h) - target


@softmax_cross_entropy_gradient.mistake(
    "the target is replaced by its largest class",
    "Subtracting 1 at one class is right for a one-hot target. This target spreads its "
    "probability over all classes.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _target_taken_as_a_label(h, target):
    return _softmax(h) - _one_hot(target.argmax(), len(h))


@softmax_cross_entropy_gradient.mistake(
    "the loss is averaged over the classes",
    "The cross-entropy is the sum over the classes: it is already a mean, with the target's "
    "probabilities as weights.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _averaged_over_the_classes(h, target):
    return (_softmax(h) - target) / len(h)


def _tanh_slope(z):
    return 1 - np.tanh(z) ** 2


def _softplus_slope(z):
    return 1 / (1 + np.exp(-z))


def _relu_slope(z):
    return np.where(z > 0, 1.0, 0.0)


# A report prints a function by its name: here the name is what a learner can paste.
_tanh_slope.__name__ = "lambda z: 1 - np.tanh(z) ** 2"
_softplus_slope.__name__ = "lambda z: 1 / (1 + np.exp(-z))"
_relu_slope.__name__ = "lambda z: np.where(z > 0, 1.0, 0.0)"

_ACTIVATIONS = (
    (np.tanh, _tanh_slope),
    (lambda z: np.log1p(np.exp(z)), _softplus_slope),
    (lambda z: np.maximum(z, 0), _relu_slope),
)


def _draw_network(rng, i):
    """Draw a forward pass: h_0 .. h_L, z_1 .. z_L, W_1 .. W_L and the activation's slope."""
    L = 2 if i == 0 else int(rng.integers(2, 4))
    widths = rng.permutation(np.arange(2, 7))[: L + 1]
    if i == 0:
        widths = np.array([2, 3, 2])
    elif i % 3 == 1:
        # Square: there a wrong product has a value, in the others it fails.
        widths[:] = widths[0]
    phi, dphi = _ACTIVATIONS[0 if i == 0 else rng.integers(3)]
    h, z, W = [rng.normal(size=widths[0]).round(2)], [], []
    for n, m in pairwise(widths):
        W.append((rng.normal(size=(m, n)) / np.sqrt(n)).round(2))
        z.append((W[-1] @ h[-1] + rng.normal(0.3, 0.5, size=m)).round(2))
        h.append(phi(z[-1]).round(2))
    return h, z, W, dphi


activation_gradients = Problem(
    "activation_gradients",
    "3.1",
    "The gradients of all activations",
    """
    Check the gradients of the loss with respect to the activations of every layer.

    The network is that of the homework, z_i = W_i h_(i-1) + b_i and h_i = phi(z_i) for i = 1 .. L,
    with the activation on the last layer, too. So the logits are h_L = phi(z_L), and the loss is
    the cross-entropy of y = softmax(h_L) and the target.

    Your function gets the lists `h` = [h_0, ..., h_L], `z` = [z_1, ..., z_L] and `W` =
    [W_1, ..., W_L] of vectors and matrices, so that z_1 is z[0]; `dphi`, the derivative of the
    activation, a function to call on a vector of pre-activations; and the `target`, a probability
    vector with the shape of h_L. It returns the list [dh_0, ..., dh_L], where dh_i, with the shape
    of h_i, is the gradient of the loss with respect to h_i.
    """,
    page="backprop/activations",
    parts=("dh",),
    points=(10,),
)


@activation_gradients.drawn_by
def _draw_activation_gradients(rng, i):
    h, z, W, dphi = _draw_network(rng, i)
    return h, z, W, dphi, _draw_target(rng, h[-1])


@activation_gradients.solved_by
def _solve_activation_gradients(h, z, W, dphi, target):
    layers = [
        (reference.AffineCache(h[i][None], W[i]), reference.ReLUCache(dphi(z[i])[None]))
        for i in range(len(W))
    ]
    dlogits = _solve_softmax_cross_entropy_gradient(h[-1], target)[None]
    return [dh[0] for dh in reference.mlp_backward(dlogits, reference.MLPCache(layers))[0]]


def _downwards(dh, W, step):
    """Build the list from its last entry; step(i, dh) goes down through the layer W[i]."""
    dhs = [dh]
    for i in reversed(range(len(W))):
        dhs.insert(0, step(i, dhs[0]))
    return dhs


@activation_gradients.mistake(
    "the weights are not transposed on the way back",
    "The unit h_(i-1)[c] acts on all units of layer i, through the column W_i[:, c]. Over which "
    "index of W_i does the chain rule sum?",
    page="backprop/activations#the-derivation-index-by-index",
)
def _transpose_forgotten(h, z, W, dphi, target):
    dh = _softmax(h[-1]) - target
    return _downwards(dh, W, lambda i, dh: W[i] @ (dh * dphi(z[i])))


@activation_gradients.mistake(
    "the derivative of the activation is forgotten",
    "Between two layers there is an activation besides the weights. How much does h_i move when "
    "z_i does?",
    page="backprop/activations#the-derivation-index-by-index",
)
def _slope_forgotten(h, z, W, dphi, target):
    return _downwards(_softmax(h[-1]) - target, W, lambda i, dh: W[i].T @ dh)


@activation_gradients.mistake(
    "y - target is taken as the gradient at z_L",
    "In this model the activation also stands between z_L and the logits h_L. What you start with "
    "belongs to h_L, so one derivative is missing before W_L.",
    page="backprop/activations#two-readouts",
)
def _slope_at_the_logits_forgotten(h, z, W, dphi, target):
    def step(i, dh):
        return W[i].T @ (dh * dphi(z[i]) if i < len(W) - 1 else dh)

    return _downwards(_softmax(h[-1]) - target, W, step)


@activation_gradients.mistake(
    "the derivative of the activation counts twice at the logits",
    "The logits are h_L itself, behind the activation. Your dh_L holds a derivative that is due "
    "only on the way to z_L.",
    page="backprop/activations#two-readouts",
)
def _slope_at_the_logits_twice(h, z, W, dphi, target):
    dh = (_softmax(h[-1]) - target) * dphi(z[-1])
    return _downwards(dh, W, lambda i, dh: W[i].T @ (dh * dphi(z[i])))


@activation_gradients.mistake(
    "the derivative of the activation is taken at h in place of z",
    "h_i = phi(z_i), so the slope is wanted at the point that went into phi, not at what came "
    "out. With ReLU the two agree, which hides this.",
    page="backprop/activations#the-derivation-index-by-index",
)
def _slope_at_the_activation(h, z, W, dphi, target):
    dh = _softmax(h[-1]) - target
    return _downwards(dh, W, lambda i, dh: W[i].T @ (dh * dphi(h[i + 1])))


@activation_gradients.mistake(
    "the derivative is that of the layer below",
    "On the way from h_i to h_(i-1) one crosses the activation of layer i. The list z begins with "
    "z_1, the list h with h_0: check your indices for i = 1.",
    page="backprop/activations#the-derivation-index-by-index",
)
def _slope_of_the_layer_below(h, z, W, dphi, target):
    dh = _softmax(h[-1]) - target
    return _downwards(dh, W, lambda i, dh: W[i].T @ (dh * dphi(z[i - 1])))


@activation_gradients.mistake(
    "the derivative of the activation is multiplied after the weights",
    "The way back meets the activation of layer i first and its weights second. In this order the "
    "shapes do not fit, unless the layers are equally wide.",
    page="backprop/activations#the-product-and-the-order-of-its-factors",
)
def _slope_after_the_weights(h, z, W, dphi, target):
    dh = _softmax(h[-1]) - target
    return _downwards(dh, W, lambda i, dh: W[i].T @ dh * dphi(z[i]))


@activation_gradients.mistake(
    "the gradients with respect to the pre-activations z_i are returned",
    "These are the deltas, one step further down than asked: they hold the derivative of the "
    "activation of their own layer.",
    page="backprop/activations#the-derivation-index-by-index",
)
def _gradients_at_z_returned(h, z, W, dphi, target):
    dh = _solve_activation_gradients(h, z, W, dphi, target)
    return [dh[0], *(dh[i + 1] * dphi(z[i]) for i in range(len(z)))]


@activation_gradients.mistake(
    "the factors are multiplied in the order of the forward pass",
    "Matrices do not commute. Which layer does y - target meet first?",
    page="backprop/activations#the-product-and-the-order-of-its-factors",
)
def _factors_in_forward_order(h, z, W, dphi, target):
    dhs = []
    for i in range(len(h)):
        dh = _softmax(h[-1]) - target
        for j in range(i, len(W)):
            dh = W[j].T @ (dh * dphi(z[j]))
        dhs.append(dh)
    return dhs


@activation_gradients.mistake(
    "the softmax is taken of z_L",
    "The logits of this model are h_L: the activation comes between z_L and the softmax.",
    page="backprop/softmax_cross_entropy#an-activation-on-the-logits",
)
def _softmax_of_the_pre_activation(h, z, W, dphi, target):
    dh = _softmax(z[-1]) - target
    return _downwards(dh, W, lambda i, dh: W[i].T @ (dh * dphi(z[i])))


@activation_gradients.mistake(
    "the softmax is forgotten at the top",
    "Everything below is right, but it starts from h_L - target. The loss compares the target "
    "with probabilities.",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _softmax_forgotten_at_the_top(h, z, W, dphi, target):
    return _downwards(h[-1] - target, W, lambda i, dh: W[i].T @ (dh * dphi(z[i])))


@activation_gradients.mistake(
    "the probabilities at the top are those of the printed (85)",
    "As printed, the sum in the denominator adds one number K times, so that every class has the "
    "probability 1/K.",
    page="backprop/softmax_cross_entropy#softmax",
)
def _printed_softmax_at_the_top(h, z, W, dphi, target):
    dh = 1 / len(target) - target
    return _downwards(dh, W, lambda i, dh: W[i].T @ (dh * dphi(z[i])))


@activation_gradients.mistake(
    "the recursion starts from target - y",
    "The recursion is linear, so the sign at the top reaches every layer. Should the loss rise or "
    "fall when the logit of the right class grows?",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _activation_gradients_negated(h, z, W, dphi, target):
    return [-dh for dh in _solve_activation_gradients(h, z, W, dphi, target)]


@activation_gradients.mistake(
    "the list is in the order of the backward pass",
    "Your values are right, but the first entry of the list must belong to h_0, as in the list h.",
    page="backprop/activations#run-it-for-one-sample",
)
def _list_from_the_top(h, z, W, dphi, target):
    return _solve_activation_gradients(h, z, W, dphi, target)[::-1]


parameter_gradients = Problem(
    "parameter_gradients",
    "3.2",
    "The gradients of the weights and biases",
    """
    Check the gradients of the loss with respect to the weights and biases of every layer.

    The network is that of the homework, z_i = W_i h_(i-1) + b_i and h_i = phi(z_i) for i = 1 .. L,
    with W_i of shape (D_i, D_(i-1)).

    Your function gets the lists `h` = [h_0, ..., h_L] and `z` = [z_1, ..., z_L] of vectors; `dphi`,
    the derivative of the activation, a function to call on a vector of pre-activations; and the
    list `dh` = [dh_0, ..., dh_L] of the gradients with respect to h_0 .. h_L, as in 3.1. It returns
    two lists, [dW_1, ..., dW_L] and [db_1, ..., db_L], with the shapes of W_i and b_i.
    """,
    page="backprop/weights",
    parts=("dW", "db"),
    points=(6, 4),
)


@parameter_gradients.drawn_by
def _draw_parameter_gradients(rng, i):
    h, z, _, dphi = _draw_network(rng, i)
    return h, z, dphi, [rng.normal(size=len(value)).round(2) for value in h]


def _deltas(z, dphi, dh):
    return [upstream * dphi(value) for upstream, value in zip(dh[1:], z, strict=True)]


@parameter_gradients.solved_by
def _solve_parameter_gradients(h, z, dphi, dh):
    dW, db = [], []
    for x, delta in zip(h[:-1], _deltas(z, dphi, dh), strict=True):
        # The weights matter for the gradient of the input alone.
        cache = reference.AffineCache(x[None], np.zeros((len(delta), len(x))))
        _, dW_i, db_i = reference.affine_backward(delta[None], cache)
        dW.append(dW_i)
        db.append(db_i)
    return dW, db


def _outer(columns, rows):
    return [np.outer(a, b) for a, b in zip(columns, rows, strict=True)]


@parameter_gradients.mistake(
    "the outer product is taken the other way round",
    "The result is the transpose of what is asked. Which index of W_i counts the units of layer i, "
    "the first or the second?",
    page="backprop/weights#the-derivation-index-by-index",
)
def _outer_product_reversed(h, z, dphi, dh):
    deltas = _deltas(z, dphi, dh)
    return _outer(h[:-1], deltas), deltas


@parameter_gradients.mistake(
    "dW_i is taken to be h_(i-1)",
    "W_i h_(i-1) is a vector and W_i a matrix, so its derivative has three indices and is no "
    "vector. And where is the error that comes from above?",
    page="backprop/weights#what-the-derivative-of-w-mathbf-h-is",
)
def _input_alone(h, z, dphi, dh):
    return h[:-1], _deltas(z, dphi, dh)


@parameter_gradients.mistake(
    "every row of dW_i is h_(i-1)",
    "The rows of W_i belong to different units, and each of them has an error of its own. Yours "
    "all move alike.",
    page="backprop/weights#what-the-derivative-of-w-mathbf-h-is",
)
def _input_in_every_row(h, z, dphi, dh):
    deltas = _deltas(z, dphi, dh)
    return _outer([np.ones(len(delta)) for delta in deltas], h[:-1]), deltas


@parameter_gradients.mistake(
    "h_i stands where h_(i-1) belongs",
    "W_i multiplies what comes into layer i, not what goes out of it. The list h begins with h_0, "
    "the list z with z_1.",
    page="backprop/weights#the-derivation-index-by-index",
)
def _output_for_input(h, z, dphi, dh):
    deltas = _deltas(z, dphi, dh)
    return _outer(deltas, h[1:]), deltas


@parameter_gradients.mistake(
    "the derivative of the activation is forgotten",
    "W_i and b_i act on z_i, but dh_i is the gradient behind the activation. What lies between "
    "z_i and h_i?",
    page="backprop/weights#the-derivation-index-by-index",
)
def _parameter_slope_forgotten(h, z, dphi, dh):
    return _outer(dh[1:], h[:-1]), dh[1:]


@parameter_gradients.mistake(
    "the derivative of the activation is taken at h in place of z",
    "h_i = phi(z_i), so the slope is wanted at the point that went into phi, not at what came "
    "out. With ReLU the two agree, which hides this.",
    page="backprop/activations#the-derivation-index-by-index",
)
def _parameter_slope_at_the_activation(h, z, dphi, dh):
    deltas = _deltas(h[1:], dphi, dh)
    return _outer(deltas, h[:-1]), deltas


@parameter_gradients.mistake(
    "the last layer is taken as linear",
    "In the homework's model the activation also stands on the last layer, so that dh_L is not "
    "yet the gradient at z_L.",
    page="backprop/activations#two-readouts",
)
def _last_layer_taken_as_linear(h, z, dphi, dh):
    deltas = [*_deltas(z, dphi, dh)[:-1], dh[-1]]
    return _outer(deltas, h[:-1]), deltas


@parameter_gradients.mistake(
    "dh_(i-1) stands where dh_i belongs",
    "W_i and b_i act on the loss through h_i, the output of their layer. The list dh begins with "
    "dh_0, the list z with z_1.",
    page="backprop/weights#the-derivation-index-by-index",
)
def _gradient_of_the_layer_below(h, z, dphi, dh):
    deltas = [dh[i] * dphi(z[i]) for i in range(len(z))]
    return _outer(deltas, h[:-1]), deltas


@parameter_gradients.mistake(
    "the two vectors are multiplied entry by entry",
    "Each weight joins one input to one unit, so each pair of entries has a product of its own: a "
    "matrix, and not a vector.",
    page="backprop/weights#the-derivation-index-by-index",
)
def _elementwise_product(h, z, dphi, dh):
    deltas = _deltas(z, dphi, dh)
    return [delta * x for delta, x in zip(deltas, h[:-1], strict=True)], deltas


@parameter_gradients.mistake(
    "the gradient of the biases is multiplied by h_(i-1)",
    "The bias is added to W_i h_(i-1) and multiplies nothing. By how much does z_i move when b_i "
    "moves by 1?",
    page="backprop/weights#the-derivation-index-by-index",
)
def _bias_gradient_times_input(h, z, dphi, dh):
    dW, db = _solve_parameter_gradients(h, z, dphi, dh)
    return dW, [delta * x for delta, x in zip(db, h[:-1], strict=True)]


@parameter_gradients.mistake(
    "db_i is the sum of dW_i over the inputs",
    "That multiplies the error by the sum of the inputs. A sum belongs here only over the samples "
    "of a batch, and there is one sample.",
    page="backprop/weights#the-derivation-index-by-index",
)
def _bias_gradient_summed_over_inputs(h, z, dphi, dh):
    dW, _ = _solve_parameter_gradients(h, z, dphi, dh)
    return dW, [matrix.sum(axis=1) for matrix in dW]


softmax_cross_entropy_hessian = Problem(
    "softmax_cross_entropy_hessian",
    "beyond 3.1",
    "The Hessian at the logits",
    """
    Check the second derivatives of the cross-entropy with respect to the logits.

    Your function gets the logits `h` (K,) and the `target` (K,), a vector of probabilities that
    sums to 1. With y = softmax(h), the loss is minus the sum over k of target[k] * log(y[k]). It
    returns the matrix (K, K) whose entry [k, r] is the second derivative of the loss with respect
    to h[k] and h[r].
    """,
    page="backprop/softmax_cross_entropy",
    parts=("hessian",),
)


@softmax_cross_entropy_hessian.drawn_by
def _draw_softmax_cross_entropy_hessian(rng, i):
    return _draw_softmax_cross_entropy_gradient(rng, i)


@softmax_cross_entropy_hessian.solved_by
def _solve_softmax_cross_entropy_hessian(h, target):
    y = _softmax(h)
    return np.diag(y) - np.outer(y, y)


@softmax_cross_entropy_hessian.mistake(
    "the denominator of the softmax is held constant",
    "Then each probability depends on its own logit alone and the matrix is diagonal. But every "
    "logit is in the denominator of every probability.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _outer_product_forgotten(h, target):
    return np.diag(_softmax(h))


@softmax_cross_entropy_hessian.mistake(
    "the second derivatives are those of K sigmoids",
    "The diagonal is right. But how does the probability of one class answer to the logit of "
    "another one?",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _hessian_of_sigmoids(h, target):
    y = _softmax(h)
    return np.diag(y * (1 - y))


@softmax_cross_entropy_hessian.mistake(
    "the sign is that of the log-likelihood",
    "The loss is convex in the logits, so no second derivative along a line can be negative. Which "
    "sign does that ask of the diagonal?",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _hessian_negated(h, target):
    return -_solve_softmax_cross_entropy_hessian(h, target)


@softmax_cross_entropy_hessian.mistake(
    "the outer product is added",
    "Raising all logits together changes no probability, so each row must add up to 0. Yours do "
    "not.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _outer_product_added(h, target):
    y = _softmax(h)
    return np.diag(y) + np.outer(y, y)


@softmax_cross_entropy_hessian.mistake(
    "the gradient's outer product with itself is returned",
    "That is the square of a first derivative (its mean over targets drawn from y is the Fisher "
    "information), not the second derivative for this target.",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _gradient_times_itself(h, target):
    dh = _solve_softmax_cross_entropy_gradient(h, target)
    return np.outer(dh, dh)


@softmax_cross_entropy_hessian.mistake(
    "the target stands in place of the softmax",
    "The target enters the loss linearly and is gone after two derivatives. Which vector still "
    "depends on the logits then?",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _target_for_softmax(h, target):
    return np.diag(target) - np.outer(target, target)


@softmax_cross_entropy_hessian.mistake(
    "the Jacobian of the softmax comes in twice",
    "The first derivative with respect to the logits is a difference in which no Jacobian is "
    "left. Only one is made by the second derivative.",
    page="backprop/softmax_cross_entropy#the-gradient-second-proof",
)
def _jacobian_squared(h, target):
    J = _solve_softmax_cross_entropy_hessian(h, target)
    return J @ J


label_smoothing_gradient = Problem(
    "label_smoothing_gradient",
    "beyond 3.1",
    "The gradient with smoothed labels",
    """
    Check the gradient of the cross-entropy with a smoothed label.

    Your function gets the logits `h` (K,), the `label`, which is the index of the right class
    (from 0), and `smoothing`, a number s between 0 and 1. The target is a mixture: 1 - s of the
    one-hot vector of the label and s of the uniform distribution over all K classes, the right one
    included, as in PyTorch. It returns dh (K,), the gradient of the cross-entropy of softmax(h)
    and this target with respect to h.
    """,
    page="backprop/softmax_cross_entropy",
    parts=("dh",),
)


@label_smoothing_gradient.drawn_by
def _draw_label_smoothing_gradient(rng, i):
    K = 3 if i == 0 else int(rng.integers(3, 7))
    smoothing = round(float(rng.uniform(0.1, 0.4)), 2)
    return rng.normal(size=K).round(2), int(rng.integers(K)), smoothing


@label_smoothing_gradient.solved_by
def _solve_label_smoothing_gradient(h, label, smoothing):
    target = (1 - smoothing) * _one_hot(label, len(h)) + smoothing / len(h)
    return _solve_softmax_cross_entropy_gradient(h, target)


@label_smoothing_gradient.mistake(
    "the label is not smoothed",
    "This is the gradient for a one-hot target, whose loss can always be made smaller by larger "
    "logits. The mixture is missing.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _smoothing_forgotten(h, label, smoothing):
    return _softmax(h) - _one_hot(label, len(h))


@label_smoothing_gradient.mistake(
    "the smoothing is shared among the wrong classes only",
    "Another convention, with K - 1 in place of K. Here the uniform part goes to all K classes, so "
    "that the right one gets a share of it as well.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _shared_among_the_wrong_classes(h, label, smoothing):
    K = len(h)
    right = _one_hot(label, K)
    return _softmax(h) - (1 - smoothing) * right - smoothing / (K - 1) * (1 - right)


@label_smoothing_gradient.mistake(
    "the right class gets no share of the uniform part",
    "Then the target does not sum to 1, and y - target is the gradient only for one that does. "
    "Add up your target.",
    page="backprop/softmax_cross_entropy#targets-that-do-not-sum-to-1",
)
def _smoothed_target_below_one(h, label, smoothing):
    K = len(h)
    right = _one_hot(label, K)
    return _softmax(h) - (1 - smoothing) * right - smoothing / K * (1 - right)


@label_smoothing_gradient.mistake(
    "every class gets the whole smoothing",
    "The uniform distribution gives each of the K classes an equal share. Add up your target: it "
    "is more than 1.",
    page="backprop/softmax_cross_entropy#targets-that-do-not-sum-to-1",
)
def _uniform_part_not_divided(h, label, smoothing):
    return _softmax(h) - (1 - smoothing) * _one_hot(label, len(h)) - smoothing


@label_smoothing_gradient.mistake(
    "the weights of the label and of the uniform part are exchanged",
    "The smoothing is the share of the uniform part. With a smoothing of 0 your target would "
    "forget the label.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _mixture_exchanged(h, label, smoothing):
    K = len(h)
    return _softmax(h) - smoothing * _one_hot(label, K) - (1 - smoothing) / K


@label_smoothing_gradient.mistake(
    "the prediction is smoothed in place of the target",
    "Only the target is a mixture. The softmax enters the loss as it is.",
    page="backprop/softmax_cross_entropy#cross-entropy",
)
def _prediction_smoothed(h, label, smoothing):
    K = len(h)
    return (1 - smoothing) * _softmax(h) + smoothing / K - _one_hot(label, K)


@label_smoothing_gradient.mistake(
    "the target and the softmax are subtracted the wrong way round",
    "This is the direction in which the loss falls. The gradient points where it rises.",
    page="backprop/softmax_cross_entropy#the-gradient-first-proof",
)
def _smoothed_gradient_negated(h, label, smoothing):
    return -_solve_label_smoothing_gradient(h, label, smoothing)


batch_weight_gradient = Problem(
    "batch_weight_gradient",
    "beyond 3.2",
    "The weights' gradient of a batch",
    """
    Check the gradients of a layer's weights and biases for the mean loss over a batch.

    The layer is Z = X W.T + b with one sample a row: X is (B, N), W is (M, N), b is (M,) and Z is
    (B, M). The loss of the batch is the mean of the B losses of its samples.

    Your function gets `dZ` (B, M), whose row n is the gradient of sample n's own loss with respect
    to its row of Z (no 1/B in it), and `X` (B, N). It returns dW (M, N) and db (M,), the gradients
    of the mean loss.
    """,
    page="backprop/weights",
    parts=("dW", "db"),
)


@batch_weight_gradient.drawn_by
def _draw_batch_weight_gradient(rng, i):
    # The sizes differ, but for some cases with M = N: there a transposed dW has the right shape.
    B, M, N = (3, 2, 4) if i == 0 else rng.permutation(np.arange(2, 8))[:3]
    if i % 4 == 3:
        N = M
    return rng.normal(size=(B, M)).round(2), rng.normal(size=(B, N)).round(2)


@batch_weight_gradient.solved_by
def _solve_batch_weight_gradient(dZ, X):
    # The weights matter for the gradient of the input alone.
    cache = reference.AffineCache(X, np.zeros((dZ.shape[1], X.shape[1])))
    _, dW, db = reference.affine_backward(dZ / len(X), cache)
    return dW, db


@batch_weight_gradient.mistake(
    "the loss is the sum over the batch",
    "With the sum, a batch twice as large makes steps twice as large. The question asks for the "
    "mean.",
    page="backprop/weights#a-batch-mean-and-sum",
)
def _sum_for_mean(dZ, X):
    return dZ.T @ X, dZ.sum(axis=0)


@batch_weight_gradient.mistake(
    "the batch size divides twice",
    "The factor of the mean belongs to the loss, where it enters once. Both factors of your "
    "product seem to carry it, or a mean was divided again.",
    page="backprop/weights#a-batch-mean-and-sum",
)
def _batch_size_divides_twice(dZ, X):
    return dZ.T @ X / len(X) ** 2, dZ.mean(axis=0) / len(X)


@batch_weight_gradient.mistake(
    "`dW` is transposed",
    "W is (M, N), one unit a row, and its gradient must have the same shape. Which of the two "
    "factors counts the units?",
    page="backprop/weights#a-batch-mean-and-sum",
)
def _batch_product_reversed(dZ, X):
    return X.T @ dZ / len(X), dZ.mean(axis=0)


@batch_weight_gradient.mistake(
    "the mean error is multiplied by the mean input",
    "The mean of a product is not the product of the means: each sample's error belongs to its "
    "own input. And a batch would give rank one only.",
    page="backprop/weights#the-rank",
)
def _product_of_the_means(dZ, X):
    return np.outer(dZ.mean(axis=0), X.mean(axis=0)), dZ.mean(axis=0)


@batch_weight_gradient.mistake(
    "the samples are not added up",
    "All samples share the same weights, so each weight acts on the loss along B paths. What does "
    "the chain rule do with several paths?",
    page="backprop/weights#a-batch-mean-and-sum",
)
def _samples_not_added(dZ, X):
    return dZ[:, :, None] * X[:, None, :] / len(X), dZ / len(X)


@batch_weight_gradient.mistake(
    "the mean is taken over the units in place of the samples",
    "db must have one entry a unit, as b has. The samples are the rows.",
    page="backprop/weights#a-batch-mean-and-sum",
)
def _mean_over_the_units(dZ, X):
    return _solve_batch_weight_gradient(dZ, X)[0], dZ.mean(axis=1)


@batch_weight_gradient.mistake(
    "the mean is taken over all entries",
    "A mean without an axis also runs over the units, and one number is left. Each unit has a bias "
    "of its own.",
    page="backprop/weights#a-batch-mean-and-sum",
)
def _mean_over_all_entries(dZ, X):
    return _solve_batch_weight_gradient(dZ, X)[0], dZ.mean()
