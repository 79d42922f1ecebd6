"""Checks for question 2, batch normalization, and the mistakes that learners make there."""

from itertools import combinations

import numpy as np

from hw1check._problem import question


def _batch_shape(rng, i):
    """Draw (B, M), now and then a square: there a swapped axis raises no error."""
    if i == 0:
        return 3, 2
    B, M = int(rng.integers(3, 8)), int(rng.integers(2, 6))
    if i % 5 == 4:
        return max(M, 3), max(M, 3)
    return (B + 1, M) if B == M else (B, M)


def _printable(values):
    """Round to what a learner can paste; 0, 1 and -1 are moved away, since they hide mistakes."""
    values = np.round(values, 2)
    return np.where(np.isin(values, (-1, 0, 1)), values + 0.07, values).round(2)


def _scale(rng, M):
    return _printable(rng.uniform(0.5, 2.0, M) * rng.choice((-1, 1), M))


def _epsilon(rng):
    return round(rng.uniform(0.1, 0.5), 2)


def mean(x):
    """Average over the features of each sample."""
    return np.mean(x, axis=1, keepdims=True)


def total(x):
    """Add up the features of each sample."""
    return np.sum(x, axis=1, keepdims=True)


def _batch(rng, B, M):
    """Draw a batch whose features have different means."""
    return _printable(rng.normal(size=(B, M)) + rng.uniform(-1.5, 1.5, M))


@question(
    "2.1",
    "The variance that epsilon leaves",
    "batchnorm/forward#what-epsilon-costs-variance-and-scale-invariance",
)
def batchnorm_output_variance(gamma, v, eps):
    """Check the variance of batch norm's output over the batch, for one feature.

    Your function gets three numbers: the scale `gamma` of the feature, the biased variance `v` of
    its input over the batch (divided by B), and `eps`. It returns one number: the biased variance
    of the feature's output over the same batch.
    """
    s = np.sqrt(v + eps)  # what the deviations are divided by
    Var_x_hat = v / s**2  # the variance of the normalized value
    variance = gamma**2 * Var_x_hat
    return variance


batchnorm_output_variance.drawn_by(
    lambda rng, i: (
        float(_scale(rng, 1)[0]),
        float(_printable(rng.uniform(0.2, 3.0))),
        _epsilon(rng),
    )
)
batchnorm_output_variance.mistakes("""
    Var_x_hat = 1  # epsilon is taken to make no difference
        That is the answer of question 2.2, where epsilon is 0. The divisor with epsilon in it is
        larger than the standard deviation of the batch: what does that do to the spread?
    variance = abs(gamma) * np.sqrt(Var_x_hat)
        the standard deviation is given in place of the variance:
        A variance is in squared units. Square the factor by which the deviations are multiplied.
        [batchnorm/moments#the-variance]
    variance = gamma * Var_x_hat  # gamma is not squared
        Gamma multiplies every deviation, and the variance is the mean of the squared deviations.
        Note that a negative gamma would give a negative variance. [batchnorm/moments#the-variance]
    variance = Var_x_hat  # gamma is forgotten
        This is the variance of the normalized value. The output is scaled once more after that.
        [#normalize-scale-shift]
    s = np.sqrt(v) + eps  # epsilon is added to the standard deviation, outside of the root
        Equation (38) adds epsilon to the variance and takes the root of the sum. The two differ:
        compare them for a feature whose variance is 0. [#normalize-scale-shift]
    s = v + eps  # the deviations are divided by the variance, without its root
        Look at the units: a deviation divided by a variance still has some. Equation (38) divides
        by something with the unit of Y. [#normalize-scale-shift]
    Var_x_hat = s**2 / v  # the ratio of the variances is upside down
        Your variance is above gamma squared. A larger divisor cannot make the spread larger.
""")


@question(
    "2.1",
    "The largest gain that epsilon allows",
    "batchnorm/gradient_input#epsilon-bounds-what-the-jacobian-can-magnify",
)
def batchnorm_gain_bound(gamma, eps):
    """Check the largest factor by which batch norm can magnify a change of its input.

    Take one feature: y holds its values over the batch, y_hat its outputs. If y changes by dy and
    y_hat by d(y_hat), the gain is the length of d(y_hat) over the length of dy. Your function gets
    the numbers `gamma` (of either sign) and `eps`. It returns the smallest number that the gain
    never exceeds, whatever the batch and the change are, for a batch of any size.
    """
    v = 0  # the variance for which the gain is largest
    s = np.sqrt(v + eps)  # the smallest divisor
    gain = abs(gamma) / s
    return gain


batchnorm_gain_bound.drawn_by(lambda rng, i: (float(_scale(rng, 1)[0]), _epsilon(rng)))
batchnorm_gain_bound.mistakes("""
    gain = gamma / s  # the sign of gamma is kept
        A ratio of two lengths is never negative: the sign of gamma does not matter for it.
    s = np.sqrt(v) + eps  # epsilon stands outside of the root
        Equation (38) divides by the root of v + eps. What is left of that divisor for a feature
        that is constant over the batch?
    gain = 1 / s  # gamma is forgotten
        Gamma multiplies the normalized value, so it multiplies every change of it.
    v = 1  # the feature is taken to have variance 1
        The bound has to hold for every batch. For which variance is the divisor smallest?
    gain = (gamma / s) ** 2  # the factor is squared
        That is how much the squared length grows. The question asks for the length itself.
""")


@question("2.2", "The mean and variance of the output", "batchnorm/moments")
def batchnorm_moments(gamma, beta):
    """Check the mean and the variance of each output feature of batch norm at eps = 0.

    Your function gets the scale `gamma` (M,) and the shift `beta` (M,) of the M features. It
    returns two arrays, the mean (M,) and the variance (M,) of each output feature over the batch;
    None stands for one that you have not derived yet.
    """
    Ex_hat = 0  # the mean of the normalized value
    Var_x_hat = 1  # the variance of the normalized value
    mean = gamma * Ex_hat + beta
    variance = gamma**2 * Var_x_hat
    return mean, variance


@batchnorm_moments.drawn_by
def _draw_moments(rng, i):
    M = 2 if i == 0 else int(rng.integers(3, 6))
    return _scale(rng, M), _printable(rng.uniform(-2.0, 2.0, M))


batchnorm_moments.mistakes("""
    [#the-variance]
    mean = np.zeros_like(beta)
    variance = np.ones_like(gamma)  # the scale and the shift are forgotten
        0 and 1 are the moments of the normalized value, before it is scaled and shifted.
        [#the-mean]
    variance = abs(gamma) * Var_x_hat  # the standard deviation is given in place of the variance
        Gamma multiplies each deviation from the mean. The variance averages their squares.
    variance = gamma * Var_x_hat  # gamma is not squared
        Var[aX + b] is not a times Var[X]: with a negative a that would be a negative variance.
    variance = gamma**2 * Var_x_hat + beta  # the shift is added to the variance
        A shift moves all values and their mean by the same amount. What does it do to the
        deviations?
    variance = gamma**2 * Var_x_hat + beta**2  # the mean of the square is taken for the variance
        Before the values are squared, their mean has to be subtracted, and it is not 0 here.
    mean = gamma * (Ex_hat + beta)  # gamma multiplies the shift as well
        In (38) gamma multiplies the normalized value alone. The shift is added after that.
        [#the-mean]
    Ex_hat = 1  # the normalized value is taken to have mean 1
        Its variance is 1. What is the sum of the deviations from their own mean? [#the-mean]
""")


@question("beyond 2.1", "Batch norm, forward", "batchnorm/forward#normalize-scale-shift")
def batchnorm_output(Y, gamma, beta, eps):
    """Check the forward pass of batch norm, the code of (36), (37) and (38).

    Your function gets the batch `Y` (B, M) with one sample a row, the scale `gamma` (M,), the shift
    `beta` (M,) and the number `eps`. It returns the output Y_hat (B, M).
    """
    m = np.mean(Y, axis=0)  # the mean of each feature over the batch
    v = np.mean((Y - m) ** 2, axis=0)  # the biased variance of each feature
    s = np.sqrt(v + eps)  # what the deviations are divided by
    x_hat = (Y - m) / s  # the normalized values
    Y_hat = gamma * x_hat + beta
    return Y_hat


@batchnorm_output.drawn_by
def _draw_forward(rng, i):
    B, M = _batch_shape(rng, i)
    return _batch(rng, B, M), _scale(rng, M), _printable(rng.uniform(-2.0, 2.0, M)), _epsilon(rng)


batchnorm_output.mistakes("""
    v = np.var(Y, axis=0, ddof=1)  # the variance is divided by B - 1
        The aim is that this batch comes out with mean square 1, not to estimate the variance of a
        population. Which divisor does (37) have? (torch.var and ddof=1 divide by B - 1.)
        [#why-the-variance-is-divided-by-b]
    v = np.sum((Y - m) ** 2, axis=0)  # the squared deviations are added up and not averaged
        Without the division the variance grows with the number of samples.
    v = np.mean(Y**2, axis=0)  # the variance is taken about 0 and not about the mean
        The mean of Y squared is the variance only where the mean of Y is 0.
    s = np.sqrt(v) + eps  # epsilon is added to the standard deviation, outside of the root
        Equation (38) takes the root of v + eps. Only then does epsilon have the unit of a variance.
    s = v + eps  # the deviations are divided by the variance, without its root
        Multiply a batch by 10: its deviations grow by 10 and its variance by 100. Which divisor
        makes the output stay?
    s = np.sqrt(v)  # epsilon is forgotten
        For a feature of large variance the output hardly changes. For one that is constant over the
        batch it would be 0 / 0. [#what-epsilon-prevents-zero-over-zero]
    m = np.mean(Y, axis=1, keepdims=True)
    v = np.mean((Y - m) ** 2, axis=1, keepdims=True)
        the statistics are those of each sample, over its features:
        That is layer norm. Batch norm asks of one feature how it varies from sample to sample:
        along which axis do the samples lie?
    m = np.mean(Y)
    v = np.mean((Y - m) ** 2)  # one mean and one variance are taken over the whole array
        Without an axis NumPy averages over everything. Each feature has statistics of its own.
    m = np.mean(Y, axis=0)[:, None]
    v = np.mean((Y - m) ** 2, axis=0)[:, None]
        the mean and the variance are columns of shape (M, 1), as the homework declares them:
        The samples are rows, so a column lines up with the samples and not with the features. It
        raises an error, except for B = M, where it is wrong without a word. [#rows-against-columns]
    x_hat = Y / s  # the mean is not subtracted
        The output is then centred at some multiple of the mean of Y, where it should be at beta.
    Y_hat = x_hat  # the scale and the shift are forgotten
        This is the normalized value. The layer lets the network choose another scale and place.
    Y_hat = gamma * (x_hat + beta)  # gamma multiplies the shift as well
        Scale first, then shift: the batch mean of the output is to be beta.
    x_hat = Y - m / s  # the mean alone is divided, because a bracket is missing
        Python divides before it subtracts: Y - m needs a bracket.
""")


@question("2.3", "Batch norm, backward", "batchnorm/gradient_input")
def batchnorm_gradients(dH, Y, gamma, beta, eps):
    """Check the gradients of ReLU(batch norm) with respect to all that goes into it.

    Your function gets the gradient `dH` (B, M) of the loss behind the ReLU, the input `Y` (B, M) of
    batch norm with one sample a row, `gamma` (M,), `beta` (M,) and `eps`. It returns dgamma (M,),
    dbeta (M,), dm (M,), dv (M,) and dY (B, M), in this order; None stands for a gradient that you
    have not derived yet. dm is the gradient with respect to the batch mean at a fixed variance;
    dY counts every path from the input to the loss.
    """
    m = np.mean(Y, axis=0)  # the mean of each feature over the batch
    v = np.mean((Y - m) ** 2, axis=0)  # the biased variance of each feature
    s = np.sqrt(v + eps)  # what the deviations are divided by
    x_hat = (Y - m) / s  # the normalized values
    Y_hat = gamma * x_hat + beta  # what goes into the ReLU
    G = dH * (Y_hat > 0)  # the gradient at Y_hat
    dgamma = np.sum(G * x_hat, axis=0)
    dbeta = np.sum(G, axis=0)
    dm = -gamma / s * np.sum(G, axis=0)
    dv = -gamma / (2 * s**3) * np.sum(G * (Y - m), axis=0)
    dY = gamma / s * G + dm / len(Y) + 2 * (Y - m) / len(Y) * dv
    return dgamma, dbeta, dm, dv, dY


@batchnorm_gradients.drawn_by
def _draw_backward(rng, i):
    B, M = _batch_shape(rng, i)
    dH, Y = _printable(rng.normal(size=(B, M))), _batch(rng, B, M)
    gamma, eps, v = _scale(rng, M), _epsilon(rng), Y.var(axis=0)
    # The first output of each feature is near 0: the mask tells a wrong divisor from another.
    divisors = np.sqrt([v, v + eps, v * B / (B - 1) + eps, (np.sqrt(v) + eps) ** 2])
    a, b = list(combinations(divisors, 2))[i % 6]
    beta = _printable(gamma * (Y.mean(axis=0) - Y[0]) * (1 / a + 1 / b) / 2)
    return dH, Y, gamma, beta, eps


batchnorm_gradients.mistakes("""
    [batchnorm/gradients_parameters#the-scale-collects-from-every-sample]
    G = dH  # the mask of the ReLU is forgotten
        Where Y_hat <= 0 the output of the ReLU is 0 and does not move, so nothing flows back there.
    G = dH * (Y > 0)  # the mask asks whether Y is positive, and not Y_hat
        What goes into the ReLU decides what it lets pass. Here batch norm stands in front of it.
    G = dH * (x_hat > 0)
        the mask asks whether the normalized value is positive, before scale and shift:
        The scale may change its sign and the shift moves it. What goes into the ReLU is Y_hat.
    dgamma = np.mean(G * x_hat, axis=0)
    dbeta = np.mean(G, axis=0)
    dm = -gamma / s * np.mean(G, axis=0)
    dv = -gamma / (2 * s**3) * np.mean(G * (Y - m), axis=0)
    dY = gamma / s * G + dm + 2 * (Y - m) * dv  # the sums over the batch are taken as means
        The loss depends on the parameter through every sample, and the chain rule adds what comes
        through each of them. A mean belongs to the loss, if it has one, and is in dH already.
    dgamma = np.sum(G * x_hat, axis=1)
    dbeta = np.sum(G, axis=1)
    dm = np.sum(-gamma / s * G, axis=1)
    dv = np.sum(-gamma / (2 * s**3) * G * (Y - m), axis=1)
    dY = gamma / s * (G - np.mean(G, axis=0) - x_hat * np.mean(G * x_hat, axis=0))
        the sums run over the features and not over the batch:
        gamma, beta, m and v belong to one feature each and are shared by the samples. Which axis
        disappears in the sum?
    m = np.mean(Y, axis=1, keepdims=True)
    v = np.mean((Y - m) ** 2, axis=1, keepdims=True)
    dm = np.sum(-gamma / s * G, axis=1)
    dv = np.sum(-gamma / (2 * s**3) * G * (Y - m), axis=1)
    dY = (gamma * G - mean(gamma * G) - x_hat * mean(gamma * G * x_hat)) / s
        the statistics are those of each sample, over its features:
        That is layer norm. Batch norm takes mean and variance of one feature over the samples.
        [batchnorm/forward#normalize-scale-shift]
    v = np.var(Y, axis=0, ddof=1)  # the variance is divided by B - 1
        Batch norm divides by B, in (37): the batch itself is to have mean square 1. With another
        variance x_hat and s are others, and with them all that follows.
        [batchnorm/forward#why-the-variance-is-divided-by-b]
    v = np.var(Y, axis=0, ddof=1)
    dY = gamma / s * (G - np.mean(G, axis=0) - x_hat * dgamma / (len(Y) - 1))
        the variance is divided by B - 1, in the forward pass and in its derivative:
        The derivative is right, the function is not: (37) divides by B. torch.var divides by B - 1
        unless it is told otherwise. [batchnorm/forward#why-the-variance-is-divided-by-b]
    s = np.sqrt(v)  # epsilon is forgotten
        It is part of the divisor in (38), so it is part of x_hat and of every derivative.
        [batchnorm/forward#normalize-scale-shift]
    dm = -gamma / np.sqrt(v) * np.sum(G, axis=0)
    dv = -gamma / (2 * v**1.5) * np.sum(G * (Y - m), axis=0)
    dY = gamma / np.sqrt(v) * G + dm / len(Y) + 2 * (Y - m) / len(Y) * dv
        epsilon is in the forward pass, but not in the derivatives:
        The derivative of (v + eps)**(-1/2) with respect to v still contains v + eps.
        [batchnorm/gradients_parameters#the-variance-has-one-path-only]
    s = np.sqrt(v) + eps  # epsilon is added to the standard deviation, outside of the root
        Equation (38) takes the root of v + eps. [batchnorm/forward#normalize-scale-shift]
    dm = -1 / s * np.sum(G, axis=0)
    dv = -1 / (2 * s**3) * np.sum(G * (Y - m), axis=0)
    dY = 1 / s * G + dm / len(Y) + 2 * (Y - m) / len(Y) * dv  # gamma is forgotten
        The loss feels m, v and Y only through gamma times the normalized value.
        [batchnorm/gradients_parameters#the-mean-has-a-second-path-of-slope-zero]
    G = gamma * dH * (Y_hat > 0)  # gamma is a factor of G
        G is the gradient with respect to Y_hat. Gamma comes in one step further back, on the way to
        the normalized value: it is in dm, dv and dY, once, and not in dgamma and dbeta.
        [batchnorm/gradients_parameters#the-mean-has-a-second-path-of-slope-zero]
    G = dH * np.maximum(0, Y_hat)  # the output of the ReLU stands where its slope belongs
        The chain rule asks how fast the ReLU grows at Y_hat, not for its value there.
    dbeta = gamma * np.sum(G, axis=0)  # the gradient of beta is multiplied by gamma
        Beta is added after the scale. By how much does Y_hat move if beta grows by 0.1?
        [batchnorm/gradients_parameters#the-shift-adds-up-what-arrives]
    dgamma = np.sum(G * Y_hat, axis=0)  # the output Y_hat stands where the normalized value belongs
        What multiplies gamma in (38)? The shift is not part of it, and gamma itself is not either.
    dgamma = np.sum(G * (Y - m), axis=0)
        the deviation from the mean stands where the normalized value belongs:
        What multiplies gamma in (38)? The deviation has been divided by s before gamma meets it.
    dgamma = np.sum(G * Y, axis=0)  # the input Y stands where the normalized value belongs
        What multiplies gamma in (38)? The mean is subtracted and s has divided by then.
    dgamma = G * x_hat
    dbeta = G
    dm = -gamma / s * G
    dv = -gamma / (2 * s**3) * G * (Y - m)  # the sums over the batch are forgotten
        gamma, beta, m and v are shared by all samples, and each of them reaches the loss through
        all. A gradient has the shape of what it belongs to.
    dm = np.sum(-gamma / s * G + m * gamma / s**3 * G * (Y - m), axis=0)
    dY = gamma / s * G + dm / len(Y) + 2 * Y / len(Y) * dv
        the variance is written as mean(Y**2) - m**2 and m is moved in it:
        Written like this the variance has a slope in m, which the other term takes back when Y
        moves. The task asks for m at a fixed variance: by how many ways does it reach the loss?
        [batchnorm/gradients_parameters#three-programs-two-answers]
    dv = -gamma / s**3 * np.sum(G * (Y - m), axis=0)
        the exponent -1/2 does not come down as a factor:
        The derivative of u**a is a * u**(a - 1). What is a here?
        [batchnorm/gradients_parameters#the-variance-has-one-path-only]
    dv = gamma / (2 * s**3) * np.sum(G * (Y - m), axis=0)  # the sign of the exponent -1/2 is lost
        If the variance grows, do the normalized values move away from 0 or towards it?
        [batchnorm/gradients_parameters#the-variance-has-one-path-only]
    dv = -gamma / (2 * s) * np.sum(G * (Y - m), axis=0)
        the exponent -1/2 comes down, but is not lowered by 1:
        The derivative of u**a is a * u**(a - 1). With the exponent left as it is, the units of dv
        do not fit either: loss over squared units of Y.
        [batchnorm/gradients_parameters#the-variance-has-one-path-only]
    dv = -gamma / s**2 * np.sum(G * (Y - m), axis=0)
        the derivative is that with respect to s, and not to v:
        s is the root of v + eps: the chain rule asks for one more factor.
        [batchnorm/gradients_parameters#the-variance-has-one-path-only]
    dY = gamma / s * G + dm / len(Y)  # the variance is treated as a constant
        The variance is computed from Y, so Y also reaches the loss through it: the third path.
        [#what-if-you-forget-a-path]
    dY = gamma / s * G + 2 * (Y - m) / len(Y) * dv  # the mean is treated as a constant
        The mean is computed from Y. If one sample moves, the mean moves a little, and with it the
        outputs of all samples. One sign: the columns of your dY do not add up to 0.
        [#what-if-you-forget-a-path]
    dY = gamma / s * G  # both the mean and the variance are treated as constants
        That would be the gradient of a fixed affine map, as at inference. In training both are
        computed from Y: how many paths lead from one entry of Y to the loss?
        [#every-sample-reaches-every-sample]
    dY = gamma / s * G + dm + 2 * (Y - m) / len(Y) * dv  # the path through the mean lacks its 1 / B
        Move one sample by 1. By how much does the mean of B samples move?
        [#the-jacobian-of-batch-norm]
    dY = gamma / s * G + dm / len(Y) + 2 * (Y - m) * dv
        the path through the variance lacks its 1 / B:
        The variance is a mean of B squares, and one entry of Y is in one of them (its effect
        through the mean cancels). [#the-jacobian-of-batch-norm]
    dY = gamma / s * G + dm + 2 * (Y - m) * dv
        the paths through the mean and the variance both lack their 1 / B:
        m and v are means over the batch: one entry of Y is one of the B terms in each.
        [#the-jacobian-of-batch-norm]
    dY = gamma / s * G + dm / len(Y) + (Y - m) / len(Y) * dv
        the path through the variance lacks the 2 of the square:
        Differentiate the squares in (37) with respect to one entry of Y once more.
        [#the-jacobian-of-batch-norm]
    dY = gamma / s * (G - dbeta - x_hat * dgamma) / len(Y)
        1 / B is taken out of the bracket, but the direct term is not multiplied by B:
        The two sums carry a 1 / B and the direct term does not. With a common 1 / B in front, what
        has to stand before G? [#from-the-jacobian-to-the-gradient]
    dY = gamma / s * (G - dbeta / len(Y)) - x_hat / s * dgamma / len(Y)
        the misplaced bracket of the printed (74) is read literally:
        There gamma multiplies the first sum only. Both sums are part of the derivative of Y_hat,
        and gamma multiplies all of it. [#from-the-jacobian-to-the-gradient]
    dY = np.tile(np.sum(gamma / s * G * (1 - (1 + x_hat**2) / len(Y)), axis=0), (len(Y), 1))
        the printed (68) is read literally, with k as the free and the summed index at once:
        It adds up the derivatives of each output by its own input, so that every sample gets the
        same number. Which entry of Y is held and over which outputs does the sum run?
        [#every-sample-reaches-every-sample]
""")


@question("beyond 2.3", "Layer norm, backward", "batchnorm/gradient_input")
def layernorm_backward(dY_hat, Y, gamma, eps):
    """Check the gradients of layer norm, which normalizes each sample over its own features.

    Forward, with mean and biased variance of each row of Y: Y_hat = gamma * (Y - mean) /
    sqrt(variance + eps) + beta. Your function gets the gradient `dY_hat` (B, M) of the loss with
    respect to the output, the input `Y` (B, M), `gamma` (M,), one entry a feature, and `eps`. It
    returns dY (B, M), dgamma (M,) and dbeta (M,), in this order; None stands for one that you have
    not derived yet.
    """
    m = mean(Y)  # the mean of each sample over its features
    v = mean((Y - m) ** 2)  # the biased variance of each sample
    s = np.sqrt(v + eps)  # what the deviations are divided by
    x_hat = (Y - m) / s  # the normalized values
    dx_hat = gamma * dY_hat  # the gradient at x_hat
    dY = (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)) / s
    dgamma = np.sum(dY_hat * x_hat, axis=0)
    dbeta = np.sum(dY_hat, axis=0)
    return dY, dgamma, dbeta


@layernorm_backward.drawn_by
def _draw_layernorm(rng, i):
    B, M = _batch_shape(rng, i)
    M = max(M, 3)  # with two features the normalized values are fixed up to their sign
    Y = _printable(_batch(rng, B, M) + rng.uniform(-1.0, 1.0, (B, 1)))
    return _printable(rng.normal(size=(B, M))), Y, _scale(rng, M), _epsilon(rng)


layernorm_backward.mistakes("""
    m = np.mean(Y, axis=0)
    v = np.mean((Y - m) ** 2, axis=0)
    dY = (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0)) / s
        the statistics are taken over the batch:
        That is batch norm. In layer norm a sample is normalized by its own features and does not
        know of the other samples. [batchnorm/forward#normalize-scale-shift]
    dY = (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0)) / s
        the statistics are those of each sample, but dY averages over the batch:
        What is averaged on the way forward is averaged on the way back: the features of a sample.
        [#the-jacobian-of-batch-norm]
    dY = gamma * (dY_hat - mean(dY_hat) - x_hat * mean(dY_hat * x_hat)) / s
        gamma is taken out of the means:
        In batch norm gamma is the same for all that is averaged. Here the mean runs over features,
        and each has its own gamma. [#the-jacobian-of-batch-norm]
    dx_hat = dY_hat  # gamma is forgotten
        The loss feels the normalized value only after it has been multiplied by gamma.
        [batchnorm/gradients_parameters#the-mean-has-a-second-path-of-slope-zero]
    dY = (dx_hat - mean(dx_hat)) / s  # the variance of the sample is treated as a constant
        It is computed from the features of the sample, so each of them also acts through it.
        [#what-if-you-forget-a-path]
    dY = (dx_hat - x_hat * mean(dx_hat * x_hat)) / s
        the mean of the sample is treated as a constant:
        It is computed from the features of the sample. Add the same number to all of them: what
        happens to the output, and what must the rows of dY add up to? [#what-if-you-forget-a-path]
    dY = dx_hat / s  # both statistics of the sample are treated as constants
        Both are computed from the features of the sample, so there are two more paths.
        [#every-sample-reaches-every-sample]
    dY = (dx_hat - (total(dx_hat) + x_hat * total(dx_hat * x_hat)) / len(Y)) / s
        the sums over the features are divided by the number of samples:
        The statistics of a sample are means over its M features. B does not occur in dY.
        [#from-the-jacobian-to-the-gradient]
    dY = (dx_hat - total(dx_hat) - x_hat * total(dx_hat * x_hat)) / s
        the sums over the features lack their 1 / M:
        The mean and the variance average over M features, and one feature is one of the M terms in
        each. [#the-jacobian-of-batch-norm]
    dgamma = np.sum(dY_hat * x_hat, axis=1)
    dbeta = np.sum(dY_hat, axis=1)  # the gradients of gamma and beta are summed over the features
        The statistics changed their axis, the parameters did not: gamma and beta still have one
        entry a feature, shared by all samples.
        [batchnorm/gradients_parameters#the-scale-collects-from-every-sample]
    s = np.sqrt(v)  # epsilon is forgotten
        It is part of the divisor, so it is part of the normalized value and of its derivative.
        [batchnorm/forward#normalize-scale-shift]
    v = np.var(Y, axis=1, ddof=1, keepdims=True)  # the variance is divided by M - 1
        Layer norm takes the biased variance, a plain mean over the M features.
        [batchnorm/forward#why-the-variance-is-divided-by-b]
""")


@question("beyond 2.3", "RMS norm, backward", "batchnorm/gradient_input")
def rmsnorm_backward(dY_hat, Y, gamma, eps):
    """Check the gradient of RMS norm, which divides each sample by its root mean square.

    Forward, for each row of Y: Y_hat = gamma * Y / r with r = sqrt(mean(Y**2) + eps), the mean over
    the features; no mean is subtracted. Your function gets the gradient `dY_hat` (B, M) of the loss
    with respect to the output, the input `Y` (B, M), `gamma` (M,) and `eps`. It returns dY (B, M).
    """
    r = np.sqrt(mean(Y**2) + eps)  # the root mean square of each sample
    x_hat = Y / r  # the normalized values
    dx_hat = gamma * dY_hat  # the gradient at x_hat
    dY = (dx_hat - x_hat * mean(dx_hat * x_hat)) / r
    return dY


rmsnorm_backward.drawn_by(_draw_layernorm)
rmsnorm_backward.mistakes("""
    [#the-jacobian-of-batch-norm]
    dY = dx_hat / r  # the root mean square is treated as a constant
        It is computed from the features of the sample, so each of them also acts through it.
        [#what-if-you-forget-a-path]
    r = np.sqrt(mean((Y - mean(Y)) ** 2) + eps)
    x_hat = (Y - mean(Y)) / r
    dY = (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)) / r
        the gradient of layer norm is given:
        RMS norm subtracts no mean and measures the spread about 0. One path is gone, and the other
        starts from another number. [#every-sample-reaches-every-sample]
    dY = (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)) / r
        there is a path through a mean that the forward pass does not have:
        The mean of the gradient is subtracted where the forward pass subtracts a mean. Does it?
        [#every-sample-reaches-every-sample]
    dY = gamma * (dY_hat - x_hat * mean(dY_hat * x_hat)) / r  # gamma is taken out of the mean
        The mean runs over features, and each has its own gamma.
    dx_hat = dY_hat  # gamma is forgotten
        The loss feels the normalized value only after it has been multiplied by gamma.
        [batchnorm/gradients_parameters#the-mean-has-a-second-path-of-slope-zero]
    r = np.sqrt(mean(Y**2))  # epsilon is forgotten
        It is part of the divisor, so it is part of the normalized value and of its derivative.
        [batchnorm/forward#normalize-scale-shift]
    dY = (dx_hat - Y * mean(dx_hat * Y)) / r  # the input stands where the normalized value belongs
        Differentiate 1 / r carefully: how many powers of r are there in the end?
    dY = (dx_hat - 2 * x_hat * mean(dx_hat * x_hat)) / r
        the 2 of the square is kept, but the 1/2 of the root is lost:
        The derivative of sqrt(u) is 1 / (2 sqrt(u)), and that of y**2 is 2 y. What is left of the
        two?
    dY = (dx_hat - x_hat * mean(dx_hat * x_hat) / 2) / r
        the 1/2 of the root is kept, but the 2 of the square is lost:
        The derivative of sqrt(u) is 1 / (2 sqrt(u)), and that of y**2 is 2 y. What is left of the
        two?
    dY = (dx_hat - x_hat * total(dx_hat * x_hat)) / r
        the path through the root mean square lacks its 1 / M:
        The mean square averages M squares, and one feature is in one of them.
    r = np.sqrt(np.mean(Y**2, axis=0) + eps)
    dY = (dx_hat - x_hat * np.mean(dx_hat * x_hat, axis=0)) / r
        the mean square is taken over the batch:
        RMS norm normalizes each sample by its own features, as layer norm does.
        [batchnorm/forward#normalize-scale-shift]
""")


@question("beyond 2.3", "Batch norm after the ReLU, backward", "batchnorm/gradient_input")
def relu_batchnorm_backward(dY_hat, Z, gamma, eps):
    """Check the gradient of batch norm that stands after the ReLU, and not before it.

    Forward: Y = max(0, Z), then batch norm of Y over the batch, with (36) to (38). Your function
    gets the gradient `dY_hat` (B, M) of the loss with respect to the output of batch norm, the
    input `Z` (B, M) of the ReLU with one sample a row, `gamma` (M,) and `eps`. It returns
    dZ (B, M).
    """
    Y = np.maximum(0, Z)  # the output of the ReLU
    m = np.mean(Y, axis=0)  # the mean of each feature over the batch
    v = np.mean((Y - m) ** 2, axis=0)  # the biased variance of each feature
    s = np.sqrt(v + eps)  # what the deviations are divided by
    x_hat = (Y - m) / s  # the normalized values
    dx_hat = gamma * dY_hat  # the gradient at x_hat
    dY = (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0)) / s  # the gradient at Y
    dZ = dY * (Z > 0)
    return dZ


@relu_batchnorm_backward.drawn_by
def _draw_relu_batchnorm(rng, i):
    B, M = _batch_shape(rng, i)
    Z = _printable(rng.normal(size=(B, M)))
    # Both signs in every column: a column that the ReLU blocks has no variance without epsilon.
    Z[0], Z[1] = np.abs(Z[0]), -np.abs(Z[1])
    return _printable(rng.normal(size=(B, M))), Z, _scale(rng, M), _epsilon(rng)


relu_batchnorm_backward.mistakes("""
    [batchnorm/gradients_parameters#the-scale-collects-from-every-sample]
    dZ = dY  # the mask of the ReLU is forgotten
        This is the gradient with respect to Y. Between Y and Z there is still the ReLU.
    dx_hat = gamma * dY_hat * (Z > 0)
    dZ = dY  # the mask is applied before batch norm is differentiated, as in question 2.3
        The backward pass takes the forward pass in reverse. Here batch norm came last.
        [batchnorm/gradients_parameters#relu-sits-on-top-of-batch-norm]
    dx_hat = gamma * dY_hat * (Z > 0)  # the mask is applied twice, before and after batch norm
        Where the ReLU gives 0 the output of batch norm is not 0, and its gradient acts on the
        others through the mean and the variance. Only one ReLU is passed on the way back.
        [batchnorm/gradients_parameters#relu-sits-on-top-of-batch-norm]
    Y = Z  # batch norm is computed from Z and not from the output of the ReLU
        What goes into batch norm here is max(0, Z): another mean, another variance.
        [batchnorm/forward#normalize-scale-shift]
    dZ = dY * (x_hat > 0)  # the mask asks whether the normalized value is positive
        What goes into the ReLU decides what it lets pass. Here that is Z.
    dZ = dY * Y  # the gradient is multiplied by the output of the ReLU, and not by its slope
        The chain rule asks how fast the ReLU grows at Z, not for its value there.
    dY = dx_hat / s  # the mean and the variance are treated as constants
        Both are computed from the outputs of the ReLU, so there are two more paths.
        [#every-sample-reaches-every-sample]
    dY = (dx_hat - dx_hat.mean(0)) / s  # the variance is treated as a constant
        It is computed from the outputs of the ReLU, so they also act through it.
        [#what-if-you-forget-a-path]
    dY = (dx_hat - x_hat * (dx_hat * x_hat).mean(0)) / s  # the mean is treated as a constant
        It is computed from the outputs of the ReLU, so they also act through it.
        [#what-if-you-forget-a-path]
    dY = (dx_hat - dx_hat.sum(0) - x_hat * (dx_hat * x_hat).sum(0)) / s
        the paths through the mean and the variance lack their 1 / B:
        m and v are means over the batch: one entry of Y is one of the B terms in each.
        [#the-jacobian-of-batch-norm]
    v = np.var(Y, axis=0, ddof=1)  # the variance is divided by B - 1
        Batch norm divides by B, in (37): the batch itself is to have mean square 1.
        [batchnorm/forward#why-the-variance-is-divided-by-b]
    s = np.sqrt(v)  # epsilon is forgotten
        It is part of the divisor in (38), so it is part of x_hat and of every derivative.
        [batchnorm/forward#normalize-scale-shift]
    dx_hat = dY_hat  # gamma is forgotten
        The loss feels the normalized value only after it has been multiplied by gamma.
        [batchnorm/gradients_parameters#the-mean-has-a-second-path-of-slope-zero]
""")


@question(
    "beyond 2.3",
    "Batch norm folded into the linear layer",
    "batchnorm/in_use#folded-into-the-weights-it-costs-nothing",
)
def fold_batchnorm(W, b, gamma, beta, running_mean, running_var, eps):
    """Check the linear layer that does the work of a linear layer and batch norm at inference.

    At inference the layers compute Y = X @ W.T + b and Y_hat = gamma * (Y - running_mean) /
    sqrt(running_var + eps) + beta. Your function gets `W` (M, N), one unit a row, `b` (M,),
    `gamma` (M,), `beta` (M,), `running_mean` (M,), `running_var` (M,) and `eps`. It returns
    W_folded (M, N) and b_folded (M,), such that X @ W_folded.T + b_folded is Y_hat for every X;
    None stands for one that you have not derived yet.
    """
    s = np.sqrt(running_var + eps)  # what batch norm divides by
    factor = gamma / s  # what a unit is multiplied by
    W_folded = factor[:, None] * W
    b_folded = factor * (b - running_mean) + beta
    return W_folded, b_folded


@fold_batchnorm.drawn_by
def _draw_fold(rng, i):
    M, N = _batch_shape(rng, i)
    b, beta, running_mean = _printable(rng.uniform(-2.0, 2.0, (3, M)))
    running_var = _printable(rng.uniform(0.2, 3.0, M))
    W = _printable(rng.normal(size=(M, N)))
    return W, b, _scale(rng, M), beta, running_mean, running_var, _epsilon(rng)


fold_batchnorm.mistakes("""
    W_folded = W * factor  # the factor multiplies the columns of W, the inputs
        The factor belongs to a unit, and a unit is a row of W. A plain array lines up with the
        columns: an error, except for a square W, where it is wrong without a word.
        [batchnorm/forward#rows-against-columns]
    W_folded = (factor[:, None] * W).T  # the folded weight has one unit a column
        It is to be used as X @ W_folded.T, in the layout of W.
    b_folded = beta - factor * running_mean  # the bias is left out because batch norm cancels it
        In training it cancels, because the batch mean contains it. The running mean is a stored
        number: it does not follow when you change b.
        [batchnorm/forward#the-bias-in-front-is-redundant]
    b_folded = b + beta - factor * running_mean  # the old bias is added without being scaled
        Batch norm divides and scales all of Y, and b is part of Y.
    b_folded = factor * b + beta  # the running mean is forgotten
        Batch norm subtracts it from Y. In one linear layer only the bias can do that.
    b_folded = factor * (b + running_mean) + beta  # the running mean is added and not subtracted
        Put X = 0 into both networks and compare what comes out.
    b_folded = factor * b - running_mean + beta
        the running mean is subtracted without being scaled:
        It is subtracted from Y, and the difference is scaled.
    b_folded = gamma * ((b - running_mean) / s + beta)  # gamma multiplies the shift as well
        Beta is added last, after the scale, and stays as it is.
        [batchnorm/forward#normalize-scale-shift]
    factor = 1 / s  # gamma is forgotten
        At inference too, the normalized value is scaled by gamma.
        [batchnorm/forward#normalize-scale-shift]
    s = np.sqrt(running_var)  # epsilon is forgotten
        The network was trained with epsilon in the divisor, so it has to stay there.
        [batchnorm/inference#one-sample-many-batches]
    s = running_var + eps  # the variance is not rooted
        What is stored is a variance. Batch norm divides by a root.
        [batchnorm/inference#one-sample-many-batches]
""")


@question("beyond 2.3", "The running variance", "batchnorm/inference#running-statistics")
def running_variance(v, B, momentum, old):
    """Check the running variance of one feature after one more batch, in PyTorch's convention.

    Your function gets the biased variance `v` of the feature over the batch (divided by B), the
    number of samples `B`, the `momentum`, which is the weight of the new batch, and the running
    variance `old` from before the batch. It returns the running variance after it, a number.
    """
    unbiased = v * B / (B - 1)  # the unbiased variance of the batch
    running_var = (1 - momentum) * old + momentum * unbiased
    return running_var


@running_variance.drawn_by
def _draw_running_variance(rng, i):
    B = 3 if i == 0 else int(rng.integers(4, 12))
    v, old = _printable(rng.uniform(0.3, 3.0, 2)).tolist()
    # Near 1/2 the weights of the old and of the new hardly differ.
    momentum = round(rng.uniform(0.1, 0.4) if i % 2 == 0 else rng.uniform(0.6, 0.9), 2)
    return v, B, momentum, old


running_variance.mistakes("""
    unbiased = v  # the biased variance is stored
        In training, v describes the batch itself. What is stored is an estimate for batches to
        come, and v is too small for that on average.
    running_var = momentum * old + (1 - momentum) * unbiased
        the weights of the old and the new are exchanged:
        That is the convention of Keras. In PyTorch the momentum is the weight of the new batch.
    unbiased = v
    running_var = momentum * old + (1 - momentum) * unbiased
        the biased variance is stored and the weights are exchanged:
        Two things at once: which variance estimates that of batches to come, and to whom does
        PyTorch's momentum belong?
    unbiased = v * (B - 1) / B  # the factor that removes the bias is upside down
        The biased variance is too small on average. Does your factor make it larger?
    running_var = ((1 - momentum) * old + momentum * v) * B / (B - 1)
        the bias of the old value is removed once more:
        The old value is unbiased already. Only what this batch brings has to be corrected.
    running_var = old + momentum * unbiased  # the old value keeps its full weight
        The weights of an average add up to 1. Yours let the running variance grow without end.
""")
