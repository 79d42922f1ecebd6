"""Checks for question 1, dropout, and the mistakes that learners make there."""

from math import comb, exp, factorial, pi, sqrt

import numpy as np

from hw1check._problem import question


def binomial(k, M, q):
    """Give the probability of k kept units among M, each of them kept with probability q."""
    return comb(M, k) * q**k * (1 - q) ** (M - k)


def poisson(k, mean):
    """Give the probability of k by the Poisson distribution."""
    return mean**k * exp(-mean) / factorial(k)


def _drop_probability(rng):
    return round(rng.uniform(0.1, 0.9), 2)


def _entries(rng, shape):
    """Draw numbers of either sign that are far from 0, where most mistakes vanish."""
    return (rng.choice([-1, 1], shape) * rng.uniform(0.3, 2.0, shape)).round(2)


def _draw_p(rng, i):
    return (0.2 if i == 0 else _drop_probability(rng),)


def _draw_pass(rng, i):
    shape = (3, 2) if i == 0 else (int(rng.integers(2, 6)), int(rng.integers(2, 6)))
    p = _drop_probability(rng)
    values = _entries(rng, shape)
    mask = (rng.random(shape) >= p).astype(float)
    mask.flat[0], mask.flat[-1] = 1, 0  # one kept and one dropped at least: both rules matter
    return values, mask, p


@question("1.1", "Dropout, the scale", "dropout/rescaling")
def dropout_scale(p):
    """Check the factor by which dropout multiplies the activations that it keeps.

    Your function gets `p`, the probability of dropping an activation, a number between 0 and 1. It
    returns the factor with which the mean of each activation, over the mask, is what it would be
    without dropout: one number.
    """
    q = 1 - p  # the mean of m, the probability of keeping
    factor = 1 / q
    return factor


dropout_scale.drawn_by(_draw_p)
dropout_scale.mistakes("""
    [#in-2014-p-kept-a-unit]
    q = p  # p is read as the probability of keeping
        The dropout paper writes p for keeping; here and in PyTorch p is the probability of
        dropping. With few units dropped, should the factor be large?
    factor = q  # the correction of testing is applied in training
        With a bare mask in training, testing has to shrink the activations. Here testing leaves
        them alone, so training has to do the opposite of shrinking.
    factor = p  # the factor of testing is taken from the dropout paper, with its letter
        The paper multiplies by its p in testing, and its p is the probability of keeping. Two
        things have to be translated here: the letter, and the pass in which the factor stands.
    factor = 1  # the mask is applied without rescaling
        A bare mask lowers the mean of each activation, since some of the time it is 0. Work out E[m
        h] for a fixed h. [#one-constant-keeps-the-mean]
    factor = 1 / q**2  # the scale is applied twice
        The mask lowers the mean once, so it has to be made up for once. A scale in the layer and
        another one in its mask is the usual cause. [#one-constant-keeps-the-mean]
    factor = 1 / sqrt(q)  # the second moment is kept in place of the mean
        This factor keeps E[h**2], as Kaiming initialization does. Dropout promises the mean, and no
        factor can keep both. [#the-mean-square-asks-for-another-constant]
    factor = 1 + p  # the lost share is added back
        A price that falls by a half and then rises by a half is not back where it was: the rise is
        a share of what is left. [#one-constant-keeps-the-mean]
""")


@question("beyond 1.1", "Dropout, forward", "dropout/rescaling")
def dropout_output(h, mask, p):
    """Check the forward pass of dropout in training.

    Your function gets the activations `h` (B, M), the `mask` (B, M) of zeros (dropped) and ones
    (kept), and `p`, the probability of dropping with which the mask was drawn. It returns the
    activations after dropout, h_tilde (B, M).
    """
    scale = 1 / (1 - p)  # the factor of a kept activation
    h_tilde = mask * h * scale
    return h_tilde


dropout_output.drawn_by(_draw_pass)
dropout_output.mistakes("""
    [#one-constant-keeps-the-mean]
    scale = 1  # the mask is applied without rescaling
        Then the next layer sees smaller activations in training than with all units, in testing.
    h_tilde = h * scale  # the activations are rescaled and none is dropped
        The mask has to meet the activations entry by entry; without it the mean grows.
        [#a-mask-drops-units-the-factor-enlarges-the-rest]
    h_tilde = h  # the pass of testing is used in training
        Leaving the activations alone is what testing does. In training the mask drops some of them.
        [#in-2014-p-kept-a-unit]
    h_tilde = (1 - mask) * h * scale  # the units with a one in the mask are dropped
        A one in the mask means kept. PyTorch's masked_fill, for one, has it the other way round.
        [#a-mask-drops-units-the-factor-enlarges-the-rest]
    scale = 1 / p  # p is read as the probability of keeping
        The mask was drawn with p for dropping. The scale has to go with the share that is kept.
        [#in-2014-p-kept-a-unit]
    scale = 1 - p  # the kept activations are shrunk
        Some are dropped, so the mean has already fallen; this lowers it a second time.
    h_tilde = mask * h * scale**2  # the scale is applied twice
        One factor is enough to repair the mean. Was the mask rescaled already when you drew it?
    scale = 1 / mask.mean()  # the scale is made from the share that this mask has kept
        That share is itself random and differs from mask to mask, so the units are no longer
        independent. The scale belongs to p, not to one draw. [#what-the-factor-loses]
""")


@question("beyond 1.1", "Dropout, backward", "dropout/rescaling")
def dropout_gradient(dh_tilde, mask, p):
    """Check the backward pass of dropout.

    Your function gets `dh_tilde` (B, M), the gradient of the loss with respect to the activations
    after dropout, the `mask` (B, M) of zeros (dropped) and ones (kept) of the forward pass, and
    `p`, the probability of dropping. It returns dh (B, M), the gradient with respect to the
    activations before dropout.
    """
    scale = 1 / (1 - p)  # the slope of a kept activation
    dh = mask * dh_tilde * scale
    return dh


dropout_gradient.drawn_by(_draw_pass)
dropout_gradient.mistakes("""
    [#forward-and-backward-are-the-same-map]
    scale = 1  # the rescaling is forgotten in the backward pass
        The forward pass multiplies a kept unit by a constant, and a constant factor is its slope.
    dh = dh_tilde * scale  # the mask is forgotten in the backward pass
        A dropped unit puts out 0 whatever goes into it. What is the slope of a constant?
    dh = dh_tilde  # the gradient passes as though there were no dropout
        That is the backward pass of testing. In training each unit's slope depends on its mask.
    scale = 1 - p  # the scale of the forward pass is undone
        The backward pass goes through the transposed map, not through the inverse one. What does
        the transpose do to a diagonal matrix?
    dh = (1 - mask) * dh_tilde * scale  # the gradient goes to the dropped units
        A one in the mask means kept, in both passes: it is the same mask.
    scale = 1 / p  # p is read as the probability of keeping
        The slope of a kept unit is the factor of its forward pass, and p is the probability of
        dropping there. [#in-2014-p-kept-a-unit]
    dh = mask * dh_tilde * scale**2  # the scale is applied twice
        Each unit has one factor between its input and its output, so the chain rule meets one. Does
        your cache hold a mask that is rescaled already?
""")


@question("1.2", "Variance before dropout", "dropout/variance")
def activation_variance():
    """Check the variance of an activation before dropout.

    The activation is h = max(z, 0) with a standard normal z. There is nothing to be given, so your
    answer is a number, or a function without arguments that returns it: the variance of h.
    """
    Eh = 1 / sqrt(2 * pi)  # the mean of h
    Eh2 = 1 / 2  # the mean of h**2
    variance = Eh2 - Eh**2
    return variance


activation_variance.drawn_by(lambda rng, i: ())
activation_variance.mistakes("""
    [#the-mean-square-is-a-half]
    variance = Eh2 - Eh
        the mean is subtracted without its square, as the homework prints in the middle of (12):
        A variance has the unit of h squared, and so must each of its two terms.
        [#subtract-the-square]
    variance = Eh2  # the squared mean is not subtracted, or when the variance of z is halved
        A half is the second moment of h. The mean of h is not 0: h is never negative.
        [#before-dropout-0-3408]
    variance = 1  # the ReLU is forgotten
        This is the variance of z, before the ReLU. The ReLU takes away the whole negative half.
    Eh2 = 1  # the second moment is that of z
        Where z is negative, h is 0 and adds nothing to E[h**2]. How much of E[z**2] is left?
    Eh = sqrt(2 / pi)  # the mean of h is taken over the active units only
        Half of the time h is 0, and that halves its mean. [#the-mean-is-0-3989]
    Eh = sqrt(2 / pi)
    Eh2 = 1  # only the active units are counted
        This is the variance of h given z > 0. The zeros are values of h as well, and they are as
        likely as all the others together. [#before-dropout-0-3408]
    variance = sqrt(Eh2 - Eh**2)  # the standard deviation is given for the variance
        Your number is the root of what is asked for. [#before-dropout-0-3408]
    variance = Eh  # the mean of h is given for its variance
        You need the mean on the way; it is one of two pieces. [#the-mean-is-0-3989]
    variance = 1 / 4  # the ReLU is taken for a factor 1/2
        A ReLU is no constant factor: it keeps half of the values as they are.
""")


@question("1.2", "Variance after dropout", "dropout/variance")
def dropout_variance(p):
    """Check the variance of an activation after dropout.

    The activation is h = max(z, 0) with a standard normal z. Dropout makes it m * h / (1 - p),
    where m is 0 with probability p and 1 otherwise, independent of h. Your function gets `p`, a
    number between 0 and 1, and returns the variance of the outcome, over z and m: one number.
    """
    q = 1 - p  # the mean of m, the probability of keeping
    Var_m = q - q**2  # the variance of m
    Eh = 1 / sqrt(2 * pi)  # the mean of h
    Eh2 = 1 / 2  # the mean of h**2
    Var_h = Eh2 - Eh**2  # the variance of h
    Var_mh = Var_m * Var_h + Var_m * Eh**2 + Var_h * q**2  # the variance of m h
    variance = Var_mh / q**2
    return variance


dropout_variance.drawn_by(_draw_p)
dropout_variance.mistakes("""
    [#the-old-variance-plus-the-noise]
    Var_mh = Var_m * Var_h + Var_m * Eh**2 + Var_h * q
        one of two factors 1 - p is lost in the common bracket, as in line 3 of the homework's (16):
        Of the three terms in line 2, two carry 1 - p and one carries its square. Take one 1 - p out
        of all three: what is left of the square? [#after-dropout]
    Var_mh = Var_m * Eh**2 + Var_h * q**2
        the term Var[m] Var[h] is lost, as in the last line of the homework's (16):
        The variance of a product of independent factors has three terms. At p = 1/2 this result is
        1/2; a second way to it, through E[m**2] = E[m], shows that it cannot be. [#after-dropout]
    q = p  # p is read as the probability of keeping
        Let p go to 0: no unit is dropped, and the variance must be that before dropout.
        [#nothing-dropped-nothing-tested]
    Var_mh = q * Eh2  # the squared mean is not subtracted
        This is the second moment after dropout. The rescaling keeps the mean of h, which is not 0.
    variance = Eh2 / q - Eh  # the mean is subtracted without its square
        A variance is E[x**2] - E[x]**2. The homework forgets this square in (12), too.
    variance = Eh2 / q - (Eh / q) ** 2  # the mean after dropout is rescaled and not masked
        The factor 1/(1 - p) is there to make up for the mask. Together, what do they do to the
        mean?
    variance = Var_mh  # the mask is applied without rescaling
        This is the variance of m h. A constant factor leaves a variance squared. [#after-dropout]
    variance = Var_mh / q  # the scale is not squared
        Var[a x] is not a Var[x]: a variance has the unit of its variable squared. [#after-dropout]
    variance = Var_mh / q**4  # the scale is applied twice
        Squared once, the factor 1/(1 - p) has done its work in the variance. [#after-dropout]
    Var_mh = Var_h  # the activations are rescaled and none is dropped
        The mask is random as well: Var[m h] is not Var[h]. [#after-dropout]
    Var_m = 0  # the mask is replaced by its mean, or E[m**2] by E[m]**2
        Then dropout would leave the variance alone. What is m**2 if m is 0 or 1?
    Var_mh = Var_m * Var_h  # the variances of the mask and of the activation are multiplied
        Var[m h] = Var[m] Var[h] holds only where both means are 0, and neither is. [#after-dropout]
    Var_mh = Var_m * Eh2  # the activation is held fixed and only the mask is random
        That is the mean of the variance given h. The variance of the mean given h comes on top; at
        p = 0 only that one is left.
    Eh = 0
    Eh2 = 1  # the ReLU is forgotten
        Then z itself goes through dropout. The activation that is dropped is h = max(z, 0).
        [#before-dropout-0-3408]
    variance = sqrt(Var_mh / q**2)  # the standard deviation is given for the variance
        Your number is the root of what is asked for. [#after-dropout]
    Var_mh = Var_m * Var_h + Var_h * q**2
        the term Var[m] E[h]**2 is lost, or Var[h] is divided by 1 - p:
        That would do if the mean of h were 0. Dropout makes an activation jump between 0 and its
        value, so what the mean adds to E[h**2] counts, too.
    Var_h = Eh2 - Eh
        the square is missing in the variance before dropout, as in the homework's (12):
        A variance has the unit of h squared, and so must each of its two terms.
        [#subtract-the-square]
    variance = Eh2 / q**2 - Eh**2  # the mask is forgotten in the second moment
        The scale stands there squared, and E[m**2] with it.
""")


@question("beyond 1.2", "Variance after dropout, any activation", "dropout/variance")
def dropout_variance_any(mean, variance, p):
    """Check the variance after dropout of an activation of which only two moments are known.

    Your function gets the `mean` and the `variance` of the activation before dropout, and `p`, the
    probability of dropping; the mask is independent of the activation. It returns the variance of
    the activation after dropout, with its rescaling: one number.
    """
    q = 1 - p  # the mean of m, the probability of keeping
    Eh2 = variance + mean**2  # the mean of h**2
    Eh_tilde2 = Eh2 / q  # the mean of h_tilde**2
    variance = Eh_tilde2 - mean**2
    return variance


dropout_variance_any.drawn_by(
    lambda rng, i: (
        float(_entries(rng, ())),
        round(rng.uniform(0.3, 2.0), 2),
        _drop_probability(rng),
    )
)
dropout_variance_any.mistakes("""
    variance = variance / q  # the mean is taken to be 0
        So it is for tanh, and there this is right. An activation with a mean jumps between 0 and
        something near that mean. [#the-old-variance-plus-the-noise]
    variance = variance + p / q * mean**2  # the term Var[m] Var[h] is lost, as in (16)
        The variance of a product of independent factors has three terms. Test with a mean of 0.
        [#after-dropout]
    variance = p / q * Eh2  # the variance that dropout adds is given alone
        Let p go to 0: the variance before dropout must be left. [#the-old-variance-plus-the-noise]
    q = p  # p is read as the probability of keeping
        Let p go to 0: no unit is dropped, and nothing may change. [#nothing-dropped-nothing-tested]
    variance = Eh_tilde2  # the squared mean is not subtracted
        This is the second moment after dropout. Its mean is still there.
        [#the-old-variance-plus-the-noise]
    Eh2 = variance  # `variance` is read as the second moment
        What your function gets is the variance. The second moment is larger if the mean is not 0.
        [#before-dropout-0-3408]
    variance = q * Eh2 - (q * mean) ** 2  # the mask is applied without rescaling
        This is the variance of m h. A constant factor leaves a variance squared. [#after-dropout]
    variance = Eh_tilde2 - (mean / q) ** 2  # the mean after dropout is rescaled and not masked
        The factor 1/(1 - p) is there to make up for the mask. Together, what do they do to the
        mean? [#the-old-variance-plus-the-noise]
""")


@question("beyond 1.2", "Gaussian dropout, the noise", "dropout/rescaling")
def gaussian_dropout_std(p):
    """Check the noise of Gaussian dropout, which multiplies each activation by a normal number.

    The normal numbers have the mean 1. Their variance is that of the factors m / (1 - p) of
    ordinary dropout, where m is 0 with probability p and 1 otherwise. Your function gets `p` and
    returns the standard deviation of the normal numbers: one number.
    """
    q = 1 - p  # the mean of m, the probability of keeping
    Var_m = q - q**2  # the variance of m
    Var_factor = Var_m / q**2  # the variance of m / (1 - p)
    std = sqrt(Var_factor)
    return std


gaussian_dropout_std.drawn_by(_draw_p)
gaussian_dropout_std.mistakes("""
    [#what-the-factor-loses]
    std = Var_factor  # the variance is given for the standard deviation
        A generator of normal numbers wants the standard deviation.
    q = p  # the dropout paper's formula is used with its letter
        Its p is the probability of keeping. With hardly any unit dropped, there is hardly any
        noise. [#in-2014-p-kept-a-unit]
    Var_factor = Var_m  # the mask is not rescaled
        The factor of an activation is m / (1 - p), of mean 1. Yours is m alone.
    Var_factor = Var_m / q  # the scale is not squared
        A constant leaves a variance squared; then comes the root.
    Var_m = q  # the second moment is taken for the variance
        The squared mean has to be subtracted.
""")


@question("beyond 1.2", "DropConnect, the variance", "dropout/rescaling")
def dropconnect_variance(w, x, p):
    """Check the variance of a pre-activation when its weights are dropped one by one.

    DropConnect drops weights in place of activations: z = sum_i m_i w_i x_i / (1 - p), where each
    m_i is 0 with probability p and 1 otherwise, independent of the others. Your function gets the
    weights `w` (N,), the inputs `x` (N,) and `p`. It returns the variance of z over the masks, with
    w and x fixed: one number.
    """
    q = 1 - p  # the mean of m_i, the probability of keeping
    Var_m = q - q**2  # the variance of m_i
    Var_factor = Var_m / q**2  # the variance of m_i / (1 - p)
    variance = Var_factor * np.sum((w * x) ** 2)
    return variance


@dropconnect_variance.drawn_by
def _draw_dropconnect_variance(rng, i):
    N = 2 if i == 0 else int(rng.integers(3, 6))
    return _entries(rng, N), _entries(rng, N), _drop_probability(rng)


dropconnect_variance.mistakes("""
    [#what-the-factor-loses]
    variance = Var_factor * np.sum(w * x) ** 2  # all weights share one bit
        Then the terms would rise and fall together. Here each has its own bit: what adds up?
        [dropout/kept_units#going-deeper-a-shared-bit-keeps-the-mean]
    variance = Var_factor * np.sum(w * x)  # the weights and inputs are not squared
        Given w and x they are constants, which a variance squares. Yours can come out negative.
    Var_factor = Var_m  # the mask is applied without rescaling
        The bits stand there alone. The factor 1/(1 - p) is missing.
    Var_factor = Var_m / q  # the scale is not squared
        It is a constant like w and x, and a constant leaves a variance squared.
    Var_m = q  # E[m**2] is taken for Var[m]
        A bit has the mean 1 - p, so its variance is less than its second moment.
    variance = Var_factor * np.sum((w * x) ** 2) + np.sum(w * x) ** 2
        the squared mean of z is not subtracted:
        The mean of z is that without dropout, the sum of all w_i x_i.
        [#one-constant-keeps-the-mean]
    q = p  # p is read as the probability of keeping
        With hardly any weight dropped, z hardly varies. [#in-2014-p-kept-a-unit]
""")


@question("beyond 1.2", "Channel dropout, the covariance", "dropout/kept_units")
def shared_mask_covariance(m1, m2, p):
    """Check the covariance of two activations that are dropped or kept together.

    The activations are independent of each other before dropout, and have the means `m1` and `m2`.
    They belong to one channel, so one bit decides for both: it is 0 with probability `p`, and both
    become 0; otherwise both are multiplied by 1 / (1 - p). The bit is independent of them. Your
    function gets m1, m2 and p and returns the covariance after dropout: one number.
    """
    q = 1 - p  # the mean of the bit m, the probability of keeping
    Emh1 = q * m1  # the mean of m h1
    Emh2 = q * m2  # the mean of m h2
    Emh1h2 = q * m1 * m2  # the mean of (m h1) (m h2)
    Cov_mh = Emh1h2 - Emh1 * Emh2  # the covariance of m h1 and m h2
    covariance = Cov_mh / q**2
    return covariance


@shared_mask_covariance.drawn_by
def _draw_shared_mask_covariance(rng, i):
    m1, m2 = _entries(rng, 2).tolist()
    return m1, m2, _drop_probability(rng)


shared_mask_covariance.mistakes("""
    [dropout/rescaling#what-the-factor-loses]
    Emh1h2 = Emh1 * Emh2  # each activation has its own bit, or E[m**2] is taken to be E[m]**2
        Independent activations with independent bits stay independent. Here they share the bit:
        when one is dropped, the other is too. [#going-deeper-a-shared-bit-keeps-the-mean]
    Cov_mh = Emh1h2  # the product of the means is not subtracted
        This is the mean of the product. What is the mean of each activation after dropout?
        [dropout/variance#the-old-variance-plus-the-noise]
    covariance = Cov_mh  # the mask is applied without rescaling
        Both activations carry the factor 1/(1 - p), and a covariance takes it from each of them.
    covariance = Cov_mh / q  # the scale is counted for one activation only
        Both activations carry the factor, and a covariance takes it from each of them.
    covariance = p / q  # the means of the activations are forgotten
        This is the variance of the shared factor. It moves an activation in proportion to its size.
    q = p  # p is read as the probability of keeping
        With the channel hardly ever dropped, the two are as independent as they were.
        [dropout/rescaling#in-2014-p-kept-a-unit]
""")


@question("1.3", "Kept units, the mean", "dropout/kept_units")
def kept_units_mean(M, p):
    """Check the expected number of units that dropout keeps.

    Your function gets the number `M` of hidden units, an int, and `p`, the probability of dropping
    each of them. It returns the expected number of kept units: one number.
    """
    q = 1 - p  # the mean of one bit, the probability of keeping
    mean = M * q
    return mean


kept_units_mean.drawn_by(
    lambda rng, i: (3 if i == 0 else int(rng.integers(4, 40)), _drop_probability(rng))
)
kept_units_mean.mistakes("""
    [#the-mean-needs-no-independence]
    q = p  # the dropped units are counted
        p is the probability of dropping, so your mean is that of the other count.
    mean = M * p * q  # the variance is given for the mean
        Add up the means of the M bits, not their variances. [#a-wide-layer-keeps-its-share]
    mean = M  # the rescaling is applied to the count
        The rescaling makes the kept activations larger. It does not bring a dropped unit back.
        [dropout/rescaling#what-the-factor-loses]
    mean = q  # the kept share is given for the kept number
        This is the mean of one bit. The layer has M of them.
    mean = round(M * q)  # the mean is rounded to a whole number
        Each outcome is a whole number, a mean of outcomes need not be one: think of a die.
    mean = np.floor(M * q)  # the mean is rounded down
        Each outcome is a whole number, a mean of outcomes need not be one: think of a die.
    mean = np.floor((M + 1) * q)  # the most likely number is given for the mean
        The most likely number is a whole number; the mean weighs every number by its probability.
        [#one-mask-times-the-number-of-masks]
""")


@question("1.3", "Kept units, the distribution", "dropout/kept_units")
def kept_units_pmf(k, M, p):
    """Check the probability that dropout keeps exactly k of M units.

    Your function gets `k` and `M`, ints with 0 <= k <= M, and `p`, the probability of dropping each
    unit, independent of the others. It returns the probability that exactly k units are kept: one
    number.
    """
    q = 1 - p  # the probability of keeping
    one_mask = q**k * p ** (M - k)  # the probability of one mask with k ones
    masks = comb(M, k)  # the number of masks with k ones
    probability = masks * one_mask
    return probability


@kept_units_pmf.drawn_by
def _draw_kept_units_pmf(rng, i):
    M = 3 if i == 0 else int(rng.integers(3, 9))
    k = {0: 1, 1: 0, 2: M}.get(i, int(rng.integers(0, M + 1)))
    return k, M, _drop_probability(rng)


kept_units_pmf.mistakes("""
    [#one-mask-times-the-number-of-masks]
    one_mask = p**k * q ** (M - k)  # the dropped units are counted
        p is the probability of dropping. Which of the two exponents belongs to the kept units?
    probability = one_mask  # the binomial coefficient is forgotten
        This is the probability of one particular mask with k ones. How many such masks are there?
    masks = factorial(M) / factorial(M - k)  # the order of the kept units is counted
        A mask does not know in which order its units were chosen. Sum your values over k: is it 1?
    one_mask = q**k  # the probability of dropping the others is forgotten
        This asks for k units that are kept and says nothing about the rest. Exactly k are kept.
    probability = sum(binomial(j, M, q) for j in range(k + 1))
        the probability of at most k kept units is given:
        Exactly k is asked for, one term of your sum.
    probability = sum(binomial(j, M, q) for j in range(k, M + 1))
        the probability of at least k kept units is given:
        Exactly k is asked for, one term of your sum.
    probability = poisson(k, M * q)  # the Poisson limit is used
        That is the distribution of question 1.4, for an endless layer. A layer of M units cannot
        keep more than M. [dropout/poisson_limit#no-finite-layer-is-poisson]
    probability = poisson(k, M * p)  # a Poisson count with the mean number of dropped units
        Two things differ from the limit of question 1.4: whose mean it is, and that M is not
        endless here. [dropout/poisson_limit#an-empty-layer-never-becomes-impossible]
    probability = sum(binomial(j, M, q) for j in range(k + 1, M + 1))
        the probability of more than k kept units is given:
        Exactly k is asked for, and your sum does not even have that term.
""")


@question("beyond 1.3", "A layer dropped as a whole", "dropout/kept_units")
def all_dropped_probability(widths, p):
    """Check the probability that dropout cuts a network in two.

    A network is cut where all units of a hidden layer are dropped. Your function gets the `widths`
    (L,) of its hidden layers, an array of ints, and `p`, the probability of dropping each unit,
    independent of all others. It returns the probability that at least one hidden layer is dropped
    as a whole: one number.
    """
    empty = p**widths  # for each layer, the probability that it is dropped as a whole
    none_empty = np.prod(1 - empty)  # the probability that no layer is dropped as a whole
    probability = 1 - none_empty
    return probability


@all_dropped_probability.drawn_by
def _draw_all_dropped_probability(rng, i):
    L = 2 if i == 0 else int(rng.integers(2, 5))
    # Not below 0.3: in float32, 1 minus a small probability has lost its digits.
    return rng.integers(2, 5, size=L), round(rng.uniform(0.3, 0.9), 2)


all_dropped_probability.mistakes("""
    [#one-mask-times-the-number-of-masks]
    probability = np.sum(empty)  # the probabilities of the layers are added
        Two layers can be dropped in the same pass, and the sum counts that twice; it can exceed 1.
    probability = np.prod(empty)  # every hidden layer has to be dropped
        One dropped layer cuts the network already: at least one, not all.
    probability = none_empty  # the probability of no dropped layer is given
        This is the probability that the network is not cut.
    empty = (1 - p) ** widths  # p is read as the probability of keeping
        All units of a layer have to be dropped, each with probability p.
        [dropout/rescaling#in-2014-p-kept-a-unit]
    empty = 1 - (1 - p) ** widths  # one dropped unit is enough
        A layer with one unit left still passes something on. All of its units have to be dropped.
    none_empty = (1 - p) ** len(widths)  # each layer is dropped with probability p
        Each unit is, independent of the others. A wide layer is hardly ever dropped as a whole.
""")


@question("1.4", "The Poisson limit", "dropout/poisson_limit")
def poisson_limit_pmf(k, lam):
    """Check the distribution of the number of kept units in an endlessly wide layer.

    The number M of units grows to infinity and the keep probability 1 - p shrinks to 0, while
    M * (1 - p) keeps the value `lam`. Your function gets `k`, an int, at least 0, and `lam`, a
    positive number. It returns the limit of the probability that exactly k units are kept: one
    number.
    """
    kept_limit = lam**k / factorial(k)  # the limit of comb(M, k) (1 - p)**k
    dropped_limit = exp(-lam)  # the limit of p**(M - k)
    probability = kept_limit * dropped_limit
    return probability


@poisson_limit_pmf.drawn_by
def _draw_poisson_limit_pmf(rng, i):
    k = {0: 2, 1: 0, 2: 1}.get(i, int(rng.integers(0, 8)))
    return k, round(rng.uniform(0.3, 5.0), 2)


poisson_limit_pmf.mistakes("""
    [#three-factors-three-limits]
    dropped_limit = 1  # p**(M - k) is taken to be 1
        p goes to 1, but its exponent grows at the same time. Write p in terms of lam and M before
        you let M go. [#an-empty-layer-never-becomes-impossible]
    kept_limit = lam**k  # the binomial coefficient is taken to be M**k
        M**k counts the ways to choose k units one after another. How often does it count the same
        k?
    kept_limit = 1 / factorial(k)  # M**k (1 - p)**k is taken to be 1
        One factor grows and the other shrinks, but their product does not go to 1. What is fixed?
    dropped_limit = exp(lam)  # the minus sign of the exponent is lost
        The factor is a limit of powers of p, and p is below 1.
        [#an-empty-layer-never-becomes-impossible]
    probability = exp(-((k - lam) ** 2) / (2 * lam)) / sqrt(2 * pi * lam)
        the central limit theorem is used:
        It needs a mean that grows with M. Here it stays lam, and the distribution of a small count
        is skewed. [#the-answer-to-1-4]
    probability = lam * exp(-lam * k)  # the density of a waiting time is given
        The exponential distribution is that of the time between two events. Here units are counted.
    probability = sum(poisson(j, lam) for j in range(k + 1))
        the probability of at most k kept units is given:
        Exactly k is asked for, one term of your sum.
    probability = 1 - sum(poisson(j, lam) for j in range(k + 1))
        the probability of more than k kept units is given:
        Exactly k is asked for; your sum lacks that term.
""")


@question("1.5", "A Poisson width", "dropout/poisson_width")
def poisson_width_pmf(k, lam, p):
    """Check the distribution of the number of kept units in a layer whose width is random.

    The number of units of the layer follows the Poisson distribution with mean `lam`; then each
    unit is dropped with probability `p`, independent of all else. Your function gets `k`, an int,
    at least 0, `lam`, a positive number, and `p`. It returns the probability that exactly k units
    are kept: one number.
    """
    q = 1 - p  # the probability of keeping
    front = (lam * q) ** k * exp(-lam) / factorial(k)  # what stands before the sum over the widths
    series = exp(lam * (1 - q))  # the sum over the widths
    probability = front * series
    return probability


@poisson_width_pmf.drawn_by
def _draw_poisson_width_pmf(rng, i):
    k = {0: 2, 1: 0, 2: 1}.get(i, int(rng.integers(0, 8)))
    return k, round(rng.uniform(1.2, 6.0), 2), _drop_probability(rng)


poisson_width_pmf.mistakes("""
    [#the-sum-over-the-widths-is-an-exponential-series]
    front = q**k * exp(-lam) / factorial(k)  # k factors lam are lost, as in the homework's (31)
        There are m factors lam in front of the sum and only m - k of them can go with the p. Sum
        your values over k: you get 1 at lam = 1 only. [#the-printed-probabilities-sum-to-0-015]
    front = lam**k * exp(-lam) / factorial(k)  # the factors (1 - p)**k are lost
        Each of the k units was kept, and that has a probability. Sum your values over k: is it 1?
    q = p  # the dropped units are counted
        Your mean is lam * p. Which share of the units is kept?
        [#kept-and-dropped-counts-are-independent]
    q = 1  # no unit is dropped
        This is the distribution of the width. The mask comes after it.
        [#first-the-width-then-the-mask]
    q = 1 / (1 - p)  # the rescaling is applied to the count
        Your mean is lam / (1 - p), more units than there were. The rescaling concerns activations.
        [dropout/rescaling#what-the-factor-loses]
    series = 1  # only the layers of width k are counted
        A wider layer can keep k units, too, if it drops the others. Sum over all these widths.
    front = (lam * q) ** k * exp(-lam)  # the factorial is forgotten
        The m! of the width cancels only a part of the binomial coefficient.
    probability = (lam * q) ** k / factorial(k)  # the exponential is forgotten
        The width brings one exponential and the sum over the widths another; they do not cancel.
""")
