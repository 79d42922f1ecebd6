"""Checks for questions 3.1 and 3.2, back-propagation, and the mistakes that learners make there."""

import math  # noqa: F401, for the lines of mistakes
from itertools import pairwise

import numpy as np

from hw1check._problem import question


def softmax(h):
    """Turn logits into probabilities, without overflow."""
    exps = np.exp(h - np.max(h))
    return exps / exps.sum()


def _draw_target(rng, h):
    """Draw probabilities with two decimals that sum to 1, apart from 0 and from softmax(h)."""
    K = len(h)
    while True:
        target = (6 + rng.multinomial(100 - 6 * K, rng.dirichlet(np.ones(K)))) / 100
        # Near the softmax the gradient is a difference of equals, and float32 would not do.
        if np.abs(softmax(h) - target).max() > 0.05:
            return target


@question("beyond 3.1", "Softmax that cannot overflow", "backprop/softmax_cross_entropy")
def softmax_of_logits(z):
    """Check the softmax of a vector of logits, also of logits as large as 1000.

    Your function gets the logits `z` (K,), K at least 2, and returns the probabilities y (K,). In
    some cases the logits lie near 1000, near -1000 or on both sides; the answer is finite there,
    too.
    """
    m = max(z)  # the largest logit
    numerator = np.exp(z - m)  # the exponential of each logit, with the largest subtracted
    denominator = sum(numerator)  # the sum of these exponentials
    y = numerator / denominator
    return y


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
        # The top two are near each other, the others out of reach: in one case of the top alone,
        # in the others also of the mean, even of three.
        far[2:] -= 1000 if i == 8 else 2200
        return (1000 + far,)
    return (z,)


softmax_of_logits.mistakes("""
    numerator = np.exp(z)  # exp(z) is computed as it stands
        exp(710) is infinite in float64 and exp(-750) is 0, so you divide infinity by infinity or 0
        by 0. Which change of all the logits leaves the probabilities as they are?
        [#log-sum-exp-without-overflow]
    numerator = [math.exp(value) for value in z]
    y = np.array([term / denominator for term in numerator])  # math.exp(z) is computed as it stands
        math.exp refuses 710, and for logits near -1000 all terms of the sum are 0. Which change of
        all the logits leaves the probabilities as they are? [#log-sum-exp-without-overflow]
    m = z.mean()  # the mean of the logits is subtracted
        If the logits spread far enough, one of them is still 710 above the mean. What must be
        subtracted so that no exponent is above 0? [#log-sum-exp-without-overflow]
    m = min(z)  # the smallest logit is subtracted
        A spread of 710 still overflows: which shift cannot? [#log-sum-exp-without-overflow]
    numerator = np.exp(np.clip(z, -700, 700))  # the logits are clipped
        Logits beyond the bound become equal, and so do their probabilities. [#softmax]
    denominator = sum(np.exp(z))  # the shift is made in the numerator only
        A shift changes nothing only if the numerator and the denominator get the same factor. Do
        the probabilities still add up to 1? [#log-sum-exp-without-overflow]
    y = np.exp(z)  # the exponentials are not divided by their sum
        Every term is positive, but together they do not make 1. [#softmax]
    y = np.full(len(z), 1 / len(z))
        the sum in the denominator does not run, as in the printed (85):
        There exp(h_L[k]) is summed over an index that does not occur in it. That adds one number K
        times, and every class gets 1/K whatever the logits are. [#softmax]
    y = 1 / (1 + np.exp(-z))  # each entry goes through the sigmoid
        The sigmoid weighs each logit against 0, not against the other logits, so the entries do not
        add up to 1. [#softmax]
    numerator = z  # the logits are divided by their sum, without the exponential
        Logits have either sign, so their shares can be negative or above 1. The exponential is
        there to make each term positive. [#softmax]
    m = max(-z)
    numerator = np.exp(-z - m)  # the exponents have the wrong sign
        The largest logit must get the largest probability. Yours gets the smallest. [#softmax]
    y = z - m - np.log(denominator)  # the logarithm of the probabilities is returned
        Your numbers are negative or 0: they are log-probabilities, which the loss needs. Here the
        probabilities themselves are asked for. [#cross-entropy]
""")


@question("3.1", "The gradient at the logits", "backprop/softmax_cross_entropy")
def softmax_cross_entropy_gradient(h, target):
    """Check the gradient of the cross-entropy with respect to the logits.

    Your function gets the logits `h` (K,), which are the h_L of the homework, and the `target`
    (K,), a vector of probabilities that sums to 1 but is not one-hot. With y = softmax(h), the
    loss is minus the sum over k of target[k] * log(y[k]). It returns dh (K,), the gradient of the
    loss with respect to h.
    """
    y = softmax(h)  # the probabilities
    dy = -target / y  # the gradient with respect to the probabilities
    J = np.diag(y) - np.outer(y, y)  # the Jacobian of the softmax
    dh = J @ dy
    return dh


@softmax_cross_entropy_gradient.drawn_by
def _draw_logits_and_target(rng, i):
    K = 2 if i == 0 else int(rng.integers(3, 7))
    h = rng.normal(size=K).round(2)
    return h, _draw_target(rng, h)


softmax_cross_entropy_gradient.mistakes("""
    dh = target - y  # the softmax and the target are subtracted the wrong way round
        This is the direction in which the loss falls. The gradient points where it rises: should
        the loss rise or fall when the logit of the right class grows? [#a-short-proof-log-sum-exp]
    dh = dy  # the softmax is left out: the loss is differentiated with respect to y
        This is the gradient with respect to the probabilities. Each of them depends on all the
        logits, so the Jacobian of the softmax is still to come. [#going-deeper-the-jacobian]
    J = np.diag(y * (1 - y))  # only the diagonal of the softmax's Jacobian is used
        A logit also sits in the denominator of the other probabilities. Sum the chain rule over all
        of them. [#going-deeper-the-jacobian]
    J = np.diag(y)  # the denominator of the softmax is held constant
        With the denominator fixed, dy_k/dh_k is y_k and the others are 0. But the sum in the
        denominator contains every logit. [#going-deeper-the-jacobian]
    dh = y * (y - target)
        a factor y, the derivative of the exponential, is put on a finished result:
        The derivative of the softmax is in that result already: its factor y has cancelled the 1/y
        of the logarithm. Here it comes in twice. [#going-deeper-the-jacobian]
    dy = y - target
    J = np.diag(y * (1 - y))
        an error is multiplied by y * (1 - y), as for a sigmoid with the squared error:
        y * (1 - y) is the slope of a sigmoid and only the diagonal of the softmax's Jacobian. And
        the cross-entropy's own derivative is not a difference. [#a-sure-mistake-pulls-hardest]
    dy = y - target  # the loss is half the squared error of the probabilities
        That loss has another gradient, which keeps a factor y and so fades when the network is sure
        of a wrong class. The question asks for the cross-entropy. [#a-sure-mistake-pulls-hardest]
    dh = h - target  # the softmax is forgotten
        The target is compared with the logits themselves, which are no probabilities: add 5 to all
        of them and the loss stays, but your gradient does not. [#softmax]
    y = softmax(softmax(h))  # the softmax is applied twice
        The probabilities went through the softmax again, as when a loss that takes logits is given
        probabilities. Which of the two does your loss expect? [#pytorch-wants-logits]
    y = 1 / (1 + np.exp(-h))  # each logit goes through a sigmoid of its own
        With sigmoids the classes do not compete. The softmax divides by a sum over all the logits.
        [#softmax]
    y = np.full(len(h), 1 / len(h))  # the probabilities are those of the printed (85)
        As printed, the sum in the denominator adds one number K times, so that every class has the
        probability 1/K. [#softmax]
    dh = y - np.eye(len(h))[target.argmax()]  # the target is replaced by its largest class
        Subtracting 1 at one class is right for a one-hot target. This target spreads its
        probability over all classes. [#cross-entropy]
    dh = y - 1  # 1 is subtracted at every class
        At each class its share of the target is subtracted. [#cross-entropy]
    dh = (y - target) / len(h)  # the loss is averaged over the classes
        The cross-entropy is the sum over the classes: it is already a mean, with the target's
        probabilities as weights. [#cross-entropy]
""")


def _named(text):
    """Make a function whose name is what a learner can paste: a report prints it."""
    function = eval(text)
    function.__name__ = text
    return function


_ACTIVATIONS = (  # each with its derivative
    (np.tanh, _named("lambda z: 1 - np.tanh(z) ** 2")),
    (lambda z: np.log1p(np.exp(z)), _named("lambda z: 1 / (1 + np.exp(-z))")),
    (lambda z: np.maximum(z, 0), _named("lambda z: np.where(z > 0, 1.0, 0.0)")),
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


@question("3.1", "The gradients of all activations", "backprop/activations")
def activation_gradients(h, z, W, dphi, target):
    """Check the gradients of the loss with respect to the activations of every layer.

    The network is that of the homework, z_i = W_i h_(i-1) + b_i and h_i = phi(z_i) for i = 1 .. L,
    with the activation on the last layer, too. So the logits are h_L = phi(z_L), and the loss is
    the cross-entropy of y = softmax(h_L) and the target.

    Your function gets the lists `h` = [h_0, ..., h_L], `z` = [z_1, ..., z_L] and `W` =
    [W_1, ..., W_L] of vectors and matrices, so that z_1 is z[0]; `dphi`, the derivative of the
    activation, a function to call on a vector of pre-activations; and the `target`, a probability
    vector with the shape of h_L. It returns the list [dh_0, ..., dh_L], where dh_i, with the shape
    of h_i, is the gradient of the loss with respect to h_i.
    """
    y = softmax(h[-1])  # the probabilities
    dh_L = y - target  # the gradient with respect to the logits h_L
    dh = [dh_L]
    for i in reversed(range(len(W))):
        delta = dh[0] * dphi(z[i])  # the gradient with respect to z[i]
        dh.insert(0, W[i].T @ delta)
    return dh


@activation_gradients.drawn_by
def _draw_activation_gradients(rng, i):
    h, z, W, dphi = _draw_network(rng, i)
    return h, z, W, dphi, _draw_target(rng, h[-1])


activation_gradients.mistakes("""
    dh.insert(0, W[i] @ delta)  # the weights are not transposed on the way back
        The unit h_(i-1)[c] acts on all units of layer i, through the column W_i[:, c]. Over which
        index of W_i does the chain rule sum? [#the-sum-runs-down-a-column]
    delta = dh[0]  # the derivative of the activation is forgotten
        Between two layers there is an activation besides the weights. How much does h_i move when
        z_i does? [#the-sum-runs-down-a-column]
    delta = dh[0] if i == len(W) - 1 else dh[0] * dphi(z[i])
        y - target is taken as the gradient at z_L:
        In this model the activation also stands between z_L and the logits h_L. What you start with
        belongs to h_L, so one derivative is missing before W_L. [#two-readouts-one-slope-apart]
    dh_L = (y - target) * dphi(z[-1])  # the derivative of the activation counts twice at the logits
        The logits are h_L itself, behind the activation. Your dh_L holds a derivative that is due
        only on the way to z_L. [#two-readouts-one-slope-apart]
    delta = dh[0] * dphi(h[i + 1])  # the derivative of the activation is taken at h in place of z
        h_i = phi(z_i), so the slope is wanted at the point that went into phi, not at what came
        out. With ReLU the two agree, which hides this. [#the-sum-runs-down-a-column]
    delta = dh[0] * dphi(z[i - 1])  # the derivative is that of the layer below
        On the way from h_i to h_(i-1) one crosses the activation of layer i. The list z begins with
        z_1, the list h with h_0: check your indices for i = 1. [#the-sum-runs-down-a-column]
    dh.insert(0, W[i].T @ dh[0] * dphi(z[i]))
        the derivative of the activation is multiplied after the weights:
        The way back meets the activation of layer i first and its weights second. In this order the
        shapes do not fit, unless the layers are equally wide.
        [#from-the-loss-end-a-vector-stays-a-vector]
    dh.insert(0, W[i].T @ dh[0] * (dphi(z[i - 1]) if i > 0 else 1))
        the gradients with respect to the pre-activations of a linear readout are returned:
        You multiply by the derivative after the weights, so you end at z_i and not at h_i. And the
        last layer has an activation: y - target belongs to h_L. [#two-readouts-one-slope-apart]
    return dh[:1] + [dh[i + 1] * dphi(z[i]) for i in range(len(z))]
        the gradients with respect to the pre-activations z_i are returned:
        These are the deltas, one step further down than asked: they hold the derivative of the
        activation of their own layer. [#the-sum-runs-down-a-column]
    y = softmax(z[-1])  # the softmax is taken of z_L
        The logits of this model are h_L: the activation comes between z_L and the softmax.
        [backprop/softmax_cross_entropy#the-network-ends-in-logits]
    dh_L = h[-1] - target  # the softmax is forgotten at the top
        Everything below is right, but it starts from h_L - target. The loss compares the target
        with probabilities. [backprop/softmax_cross_entropy#a-short-proof-log-sum-exp]
    dh_L = -target / y  # the recursion starts from the gradient with respect to y
        The list ends with the gradient with respect to h_L. Between h_L and y stands the softmax,
        whose Jacobian is still to come. [backprop/softmax_cross_entropy#going-deeper-the-jacobian]
    y = np.full(len(target), 1 / len(target))
        the probabilities at the top are those of the printed (85):
        As printed, the sum in the denominator adds one number K times, so that every class has the
        probability 1/K. [backprop/softmax_cross_entropy#softmax]
    dh_L = target - y  # the recursion starts from target - y
        The recursion is linear, so the sign at the top reaches every layer. Should the loss rise or
        fall when the logit of the right class grows?
        [backprop/softmax_cross_entropy#a-short-proof-log-sum-exp]
    return dh[::-1]  # the list is in the order of the backward pass
        Your values are right, but the first entry of the list must belong to h_0, as in the list h.
        [#the-loop-beside-autograd]
    return dh[1:]  # the list has no entry for h_0
        The recursion goes down to i = 0: dh is as long as h. [#the-sum-runs-down-a-column]
    return dh[:-1]  # the list has no entry for h_L
        The base case, y - target, comes last: dh is as long as h. [#the-sum-runs-down-a-column]
""")


@activation_gradients.mistake(
    "the factors are multiplied in the order of the forward pass",
    "Matrices do not commute. Which layer does y - target meet first?",
    page="#from-the-loss-end-a-vector-stays-a-vector",
)
def _factors_in_forward_order(h, z, W, dphi, target):
    dh = [softmax(h[-1]) - target for _ in h]
    for i in range(len(h)):
        for j in range(i, len(W)):
            dh[i] = W[j].T @ (dh[i] * dphi(z[j]))
    return dh


@question("3.2", "The gradients of the weights and biases", "backprop/weights")
def parameter_gradients(h, z, dphi, dh):
    """Check the gradients of the loss with respect to the weights and biases of every layer.

    The network is that of the homework, z_i = W_i h_(i-1) + b_i and h_i = phi(z_i) for i = 1 .. L,
    with W_i of shape (D_i, D_(i-1)).

    Your function gets the lists `h` = [h_0, ..., h_L] and `z` = [z_1, ..., z_L] of vectors; `dphi`,
    the derivative of the activation, a function to call on a vector of pre-activations; and the
    list `dh` = [dh_0, ..., dh_L] of the gradients with respect to h_0 .. h_L, as in 3.1. It returns
    two lists, [dW_1, ..., dW_L] and [db_1, ..., db_L], with the shapes of W_i and b_i.
    """
    deltas = [dh[i + 1] * dphi(z[i]) for i in range(len(z))]  # the gradients at z_1 .. z_L
    dW = [np.outer(deltas[i], h[i]) for i in range(len(z))]
    db = deltas
    return dW, db


@parameter_gradients.drawn_by
def _draw_parameter_gradients(rng, i):
    h, z, _, dphi = _draw_network(rng, i)
    return h, z, dphi, [rng.normal(size=len(value)).round(2) for value in h]


parameter_gradients.mistakes("""
    dW = [np.outer(h[i], deltas[i]) for i in range(len(z))]
        the outer product is taken the other way round:
        The result is the transpose of what is asked. Which index of W_i counts the units of layer
        i, the first or the second? [#each-weight-acts-on-one-sum]
    dW = h[:-1]  # dW_i is taken to be h_(i-1)
        W_i h_(i-1) is a vector and W_i a matrix, so its derivative has three indices and is no
        vector. And where is the error that comes from above?
        [#each-weight-acts-on-one-sum]
    dW = [np.outer(np.ones(len(z[i])), h[i]) for i in range(len(z))]  # every row of dW_i is h_(i-1)
        The rows of W_i belong to different units, and each of them has an error of its own. Yours
        all move alike. [#each-weight-acts-on-one-sum]
    dW = [np.outer(deltas[i], h[i + 1]) for i in range(len(z))]  # h_i stands where h_(i-1) belongs
        W_i multiplies what comes into layer i, not what goes out of it. The list h begins with h_0,
        the list z with z_1. [#each-weight-acts-on-one-sum]
    dW = [np.outer(deltas[i], z[i - 1] if i > 0 else h[0]) for i in range(len(z))]
        z_(i-1) stands where h_(i-1) belongs:
        Between z_(i-1) and W_i stands the activation. [#each-weight-acts-on-one-sum]
    dW = [deltas[i] * h[i] for i in range(len(z))]
        the two vectors are multiplied entry by entry, or by np.dot:
        Each weight joins one input to one unit, so each pair of entries has a product of its own: a
        matrix, and not a vector. [#each-weight-acts-on-one-sum]
    deltas = dh[1:]  # the derivative of the activation is forgotten
        W_i and b_i act on z_i, but dh_i is the gradient behind the activation. What lies between
        z_i and h_i? [#each-weight-acts-on-one-sum]
    deltas = [dh[i + 1] * dphi(h[i + 1]) for i in range(len(z))]
        the derivative of the activation is taken at h in place of z:
        h_i = phi(z_i), so the slope is wanted at the point that went into phi, not at what came
        out. With ReLU the two agree, which hides this.
        [backprop/activations#the-sum-runs-down-a-column]
    deltas = [dh[i + 1] * dphi(z[i]) for i in range(len(z) - 1)] + [dh[-1]]
        the last layer is taken as linear:
        In the homework's model the activation also stands on the last layer, so that dh_L is not
        yet the gradient at z_L. [backprop/activations#two-readouts-one-slope-apart]
    deltas = [dh[i] * dphi(z[i]) for i in range(len(z))]  # dh_(i-1) stands where dh_i belongs
        W_i and b_i act on the loss through h_i, the output of their layer. The list dh begins with
        dh_0, the list z with z_1. [#each-weight-acts-on-one-sum]
    db = [deltas[i] * h[i] for i in range(len(z))]
        the gradient of the biases is multiplied by h_(i-1):
        The bias is added to W_i h_(i-1) and multiplies nothing. By how much does z_i move when b_i
        moves by 1? [#each-weight-acts-on-one-sum]
    db = [dW[i].sum(axis=1) for i in range(len(z))]  # db_i is the sum of dW_i over the inputs
        That multiplies the error by the sum of the inputs. A sum belongs here only over the samples
        of a batch, and there is one sample. [#each-weight-acts-on-one-sum]
""")


@question("beyond 3.1", "The Hessian at the logits", "backprop/softmax_cross_entropy")
def softmax_cross_entropy_hessian(h, target):
    """Check the second derivatives of the cross-entropy with respect to the logits.

    Your function gets the logits `h` (K,) and the `target` (K,), a vector of probabilities that
    sums to 1. With y = softmax(h), the loss is minus the sum over k of target[k] * log(y[k]). It
    returns the matrix (K, K) whose entry [k, r] is the second derivative of the loss with respect
    to h[k] and h[r].
    """
    y = softmax(h)  # the probabilities
    J = np.diag(y) - np.outer(y, y)  # the Jacobian of the softmax
    hessian = J
    return hessian


softmax_cross_entropy_hessian.drawn_by(_draw_logits_and_target)

softmax_cross_entropy_hessian.mistakes("""
    J = np.diag(y)  # the denominator of the softmax is held constant
        Then each probability depends on its own logit alone and the matrix is diagonal. But every
        logit is in the denominator of every probability. [#going-deeper-the-jacobian]
    J = -np.outer(y, y)  # the numerator of the softmax is held constant
        Each logit is also in the numerator of its own probability. [#going-deeper-the-jacobian]
    J = np.diag(y * (1 - y))  # the second derivatives are those of K sigmoids
        The diagonal is right. But how does the probability of one class answer to the logit of
        another one? [#going-deeper-the-jacobian]
    hessian = -J  # the sign is that of the log-likelihood
        The loss is convex in the logits, so no second derivative along a line can be negative.
        Which sign does that ask of the diagonal? [#a-short-proof-log-sum-exp]
    J = np.diag(y) + np.outer(y, y)  # the outer product is added
        Raising all logits together changes no probability, so each row must add up to 0. Yours do
        not. [#going-deeper-the-jacobian]
    J = np.eye(len(y)) - np.outer(y, y)  # the identity stands in place of diag(y)
        The exponential is its own derivative: y_k, and not 1. [#going-deeper-the-jacobian]
    J = np.outer(y, 1 - y)  # each entry is y_k (1 - y_r), which holds on the diagonal alone
        For r other than k, the numerator of y_k does not contain h_r. [#going-deeper-the-jacobian]
    J = np.diag(y) - y @ y.T
        one number, the sum of y**2, is subtracted in place of the outer product:
        y has one axis, so that y @ y.T is one number for all entries. [#going-deeper-the-jacobian]
    hessian = np.outer(y - target, y - target)
        the gradient's outer product with itself is returned:
        That is the square of a first derivative (its mean over targets drawn from y is the Fisher
        information), not the second derivative for this target. [#a-short-proof-log-sum-exp]
    y = target  # the target stands in place of the softmax
        The target enters the loss linearly and is gone after two derivatives. Which vector still
        depends on the logits then? [#a-short-proof-log-sum-exp]
    hessian = J @ J  # the Jacobian of the softmax comes in twice
        The first derivative with respect to the logits is a difference in which no Jacobian is
        left. Only one is made by the second derivative. [#going-deeper-the-jacobian]
""")


@question("beyond 3.1", "The gradient with smoothed labels", "backprop/softmax_cross_entropy")
def label_smoothing_gradient(h, label, smoothing):
    """Check the gradient of the cross-entropy with a smoothed label.

    Your function gets the logits `h` (K,), the `label`, which is the index of the right class
    (from 0), and `smoothing`, a number s between 0 and 1. The target is a mixture: 1 - s of the
    one-hot vector of the label and s of the uniform distribution over all K classes, the right one
    included, as in PyTorch. It returns dh (K,), the gradient of the cross-entropy of softmax(h)
    and this target with respect to h.
    """
    K = len(h)  # the number of classes
    y = softmax(h)  # the probabilities
    one_hot = np.eye(K)[label]  # the label as a vector, 1 at its class and 0 elsewhere
    target = (1 - smoothing) * one_hot + smoothing / K  # the smoothed label
    dh = y - target
    return dh


@label_smoothing_gradient.drawn_by
def _draw_label_smoothing_gradient(rng, i):
    K = 3 if i == 0 else int(rng.integers(3, 7))
    smoothing = round(float(rng.uniform(0.1, 0.4)), 2)
    return rng.normal(size=K).round(2), int(rng.integers(K)), smoothing


label_smoothing_gradient.mistakes("""
    target = one_hot  # the label is not smoothed
        This is the gradient for a one-hot target, whose loss can always be made smaller by larger
        logits. The mixture is missing. [#cross-entropy]
    target = (1 - smoothing) * one_hot + smoothing / (K - 1) * (1 - one_hot)
        the smoothing is shared among the wrong classes only:
        Another convention, with K - 1 in place of K. Here the uniform part goes to all K classes,
        so that the right one gets a share of it as well. [#cross-entropy]
    target = (1 - smoothing) * one_hot + smoothing / K * (1 - one_hot)
        the right class gets no share of the uniform part:
        Then the target does not sum to 1, and y - target is the gradient only for one that does.
        Add up your target. [#targets-must-sum-to-1]
    dh = (1 - smoothing) * (y - one_hot)  # the loss of the uniform target is left out
        The gradient of each part counts with its weight; the second is y - 1/K. [#cross-entropy]
    target = (1 - smoothing) * one_hot + smoothing  # every class gets the whole smoothing
        The uniform distribution gives each of the K classes an equal share. Add up your target: it
        is more than 1. [#targets-must-sum-to-1]
    target = smoothing * one_hot + (1 - smoothing) / K
        the weights of the label and of the uniform part are exchanged:
        The smoothing is the share of the uniform part. With a smoothing of 0 your target would
        forget the label. [#cross-entropy]
    y = (1 - smoothing) * softmax(h) + smoothing / K
    target = one_hot  # the prediction is smoothed in place of the target
        Only the target is a mixture. The softmax enters the loss as it is. [#cross-entropy]
    y = h  # the softmax is forgotten
        Add 5 to all logits: the loss stays, but your gradient does not. [#softmax]
    dh = target - y  # the target and the softmax are subtracted the wrong way round
        This is the direction in which the loss falls. The gradient points where it rises.
        [#a-short-proof-log-sum-exp]
""")


@question("beyond 3.2", "The weights' gradient of a batch", "backprop/weights")
def batch_weight_gradient(dZ, X):
    """Check the gradients of a layer's weights and biases for the mean loss over a batch.

    The layer is Z = X W.T + b with one sample a row: X is (B, N), W is (M, N), b is (M,) and Z is
    (B, M). The loss of the batch is the mean of the B losses of its samples.

    Your function gets `dZ` (B, M), whose row n is the gradient of sample n's own loss with respect
    to its row of Z (no 1/B in it), and `X` (B, N). It returns dW (M, N) and db (M,), the gradients
    of the mean loss.
    """
    B = len(X)  # the number of samples
    Delta = dZ / B  # the gradient of the mean loss with respect to Z
    dW = Delta.T @ X
    db = Delta.sum(axis=0)
    return dW, db


@batch_weight_gradient.drawn_by
def _draw_batch_weight_gradient(rng, i):
    # The sizes differ, but for some cases with M = N: there a transposed dW has the right shape.
    B, M, N = (3, 2, 4) if i == 0 else rng.permutation(np.arange(2, 8))[:3]
    if i % 4 == 3:
        N = M
    return rng.normal(size=(B, M)).round(2), rng.normal(size=(B, N)).round(2)


batch_weight_gradient.mistakes("""
    Delta = dZ  # the loss is the sum over the batch
        With the sum, a batch twice as large makes steps twice as large. The question asks for the
        mean. [#a-batch-adds-up]
    Delta = dZ / B**2  # the batch size divides twice
        The factor of the mean belongs to the loss, where it enters once. Both factors of your
        product seem to carry it, or a mean was divided again. [#a-batch-adds-up]
    dW = X.T @ Delta  # `dW` is transposed
        W is (M, N), one unit a row, and its gradient must have the same shape. Which of the two
        factors counts the units? [#a-batch-adds-up]
    dW = np.outer(dZ.mean(axis=0), X.mean(axis=0))  # the mean error is multiplied by the mean input
        The mean of a product is not the product of the means: each sample's error belongs to its
        own input. And a batch would give rank one only. [#each-sample-adds-at-most-one-rank]
    dW = Delta[:, :, None] * X[:, None, :]
    db = Delta  # the samples are not added up
        All samples share the same weights, so each weight acts on the loss along B paths. What does
        the chain rule do with several paths? [#a-batch-adds-up]
    db = dZ.mean(axis=1)  # the mean is taken over the units in place of the samples
        db must have one entry a unit, as b has. The samples are the rows. [#a-batch-adds-up]
    db = dZ.mean()  # the mean is taken over all entries
        A mean without an axis also runs over the units, and one number is left. Each unit has a
        bias of its own. [#a-batch-adds-up]
""")
