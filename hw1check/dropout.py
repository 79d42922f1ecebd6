"""Checks for question 1, dropout, and the mistakes that learners make there."""

import math

import numpy as np

from hw1check._problem import Problem
from hw1lib import dropout as reference

# The mean and the variance of relu(z), equations (8) and (12).
_MEAN, _VARIANCE = reference.rectified_normal_moments()


def _drop_probability(rng):
    return round(rng.uniform(0.1, 0.9), 2)


def _entries(rng, shape):
    """Draw numbers of either sign that are far from 0, where most mistakes vanish."""
    return (rng.choice([-1, 1], shape) * rng.uniform(0.3, 2.0, shape)).round(2)


dropout_scale = Problem(
    "dropout_scale",
    "1.1",
    "Dropout, the scale",
    """
    Check the factor by which dropout multiplies the activations that it keeps.

    Your function gets `p`, the probability of dropping an activation, a number between 0 and 1. It
    returns the factor with which the mean of each activation, over the mask, is what it would be
    without dropout: one number.
    """,
    page="dropout/rescaling",
    parts=("factor",),
    points=(5,),
)


@dropout_scale.drawn_by
def _draw_dropout_scale(rng, i):
    return (0.2 if i == 0 else _drop_probability(rng),)


@dropout_scale.solved_by
def _solve_dropout_scale(p):
    return 1 / (1 - p)


@dropout_scale.mistake(
    "p is read as the probability of keeping",
    "The dropout paper writes p for keeping; here and in PyTorch p is the probability of dropping. "
    "With few units dropped, should the factor be large?",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _scale_of_the_other_convention(p):
    return 1 / p


@dropout_scale.mistake(
    "the correction of testing is applied in training",
    "With a bare mask in training, testing has to shrink the activations. Here testing leaves them "
    "alone, so training has to do the opposite of shrinking.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _scale_of_testing(p):
    return 1 - p


@dropout_scale.mistake(
    "the factor of testing is taken from the dropout paper, with its letter",
    "The paper multiplies by its p in testing, and its p is the probability of keeping. "
    "Two things have to be translated here: the letter, and the pass in which the factor stands.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _scale_of_the_paper(p):
    return p


@dropout_scale.mistake(
    "the mask is applied without rescaling",
    "A bare mask lowers the mean of each activation, since some of the time it is 0. "
    "Work out E[m h] for a fixed h.",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _scale_forgotten(p):
    return 1.0


@dropout_scale.mistake(
    "the scale is applied twice",
    "The mask lowers the mean once, so it has to be made up for once. "
    "A scale in the layer and another one in its mask is the usual cause.",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _scale_applied_twice(p):
    return 1 / (1 - p) ** 2


@dropout_scale.mistake(
    "the second moment is kept in place of the mean",
    "This factor keeps E[h**2], as Kaiming initialization does. Dropout promises the mean, and no "
    "factor can keep both.",
    page="dropout/rescaling#the-variance",
)
def _scale_for_the_second_moment(p):
    return 1 / math.sqrt(1 - p)


@dropout_scale.mistake(
    "the lost share is added back",
    "A price that falls by a half and then rises by a half is not back where it was: the rise is a "
    "share of what is left.",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _scale_by_the_lost_share(p):
    return 1 + p


dropout_output = Problem(
    "dropout_output",
    "beyond 1.1",
    "Dropout, forward",
    """
    Check the forward pass of dropout in training.

    Your function gets the activations `h` (B, M), the `mask` (B, M) of zeros (dropped) and ones
    (kept), and `p`, the probability of dropping with which the mask was drawn. It returns the
    activations after dropout, h_tilde (B, M).
    """,
    page="dropout/rescaling",
    parts=("h_tilde",),
)


def _mask(rng, shape, p):
    """Draw a mask with one unit kept and one dropped at least, so that both rules matter."""
    mask = reference.dropout_mask(rng, shape, p)
    mask.flat[0], mask.flat[-1] = 1, 0
    return mask


@dropout_output.drawn_by
def _draw_dropout_forward(rng, i):
    shape = (3, 2) if i == 0 else (int(rng.integers(2, 6)), int(rng.integers(2, 6)))
    p = _drop_probability(rng)
    return _entries(rng, shape), _mask(rng, shape, p), p


@dropout_output.solved_by
def _solve_dropout_forward(h, mask, p):
    return reference.dropout_forward(h, mask, p)[0]


@dropout_output.mistake(
    "the mask is applied without rescaling",
    "Then the next layer sees smaller activations in training than in testing, where all units "
    "are there.",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _forward_scale_forgotten(h, mask, p):
    return mask * h


@dropout_output.mistake(
    "the activations are rescaled and none is dropped",
    "The mask has to meet the activations entry by entry; without it the mean grows.",
    page="dropout/rescaling#the-layer-the-mask-and-the-scale",
)
def _forward_mask_forgotten(h, mask, p):
    return h / (1 - p)


@dropout_output.mistake(
    "the pass of testing is used in training",
    "Leaving the activations alone is what testing does. In training the mask drops some of them.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _forward_of_testing(h, mask, p):
    return h


@dropout_output.mistake(
    "the units with a one in the mask are dropped",
    "A one in the mask means kept. PyTorch's masked_fill, for one, has it the other way round.",
    page="dropout/rescaling#the-layer-the-mask-and-the-scale",
)
def _forward_mask_inverted(h, mask, p):
    return (1 - mask) * h / (1 - p)


@dropout_output.mistake(
    "p is read as the probability of keeping",
    "The mask was drawn with p for dropping. The scale has to go with the share that is kept.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _forward_of_the_other_convention(h, mask, p):
    return mask * h / p


@dropout_output.mistake(
    "the kept activations are shrunk",
    "Some are dropped, so the mean has already fallen; this lowers it a second time.",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _forward_shrunk(h, mask, p):
    return mask * h * (1 - p)


@dropout_output.mistake(
    "the scale is applied twice",
    "One factor is enough to repair the mean. Was the mask rescaled already when you drew it?",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _forward_scale_applied_twice(h, mask, p):
    return mask * h / (1 - p) ** 2


@dropout_output.mistake(
    "the scale is made from the share that this mask has kept",
    "That share is itself random and differs from mask to mask, so the units are no longer "
    "independent. The scale belongs to p, not to one draw.",
    page="dropout/rescaling#the-fraction-of-dropped-units",
)
def _forward_rescaled_by_the_kept_share(h, mask, p):
    return mask * h / mask.mean()


dropout_gradient = Problem(
    "dropout_gradient",
    "beyond 1.1",
    "Dropout, backward",
    """
    Check the backward pass of dropout.

    Your function gets `dh_tilde` (B, M), the gradient of the loss with respect to the activations
    after dropout, the `mask` (B, M) of zeros (dropped) and ones (kept) of the forward pass, and
    `p`, the probability of dropping. It returns dh (B, M), the gradient with respect to the
    activations before dropout.
    """,
    page="dropout/rescaling",
    parts=("dh",),
)


@dropout_gradient.drawn_by
def _draw_dropout_backward(rng, i):
    return _draw_dropout_forward(rng, i)


@dropout_gradient.solved_by
def _solve_dropout_backward(dh_tilde, mask, p):
    _, cache = reference.dropout_forward(np.zeros_like(mask), mask, p)
    return reference.dropout_backward(dh_tilde, cache)


@dropout_gradient.mistake(
    "the rescaling is forgotten in the backward pass",
    "The forward pass multiplies a kept unit by a constant, and a constant factor is its slope.",
    page="dropout/rescaling#forward-and-backward-are-the-same-map",
)
def _backward_scale_forgotten(dh_tilde, mask, p):
    return mask * dh_tilde


@dropout_gradient.mistake(
    "the mask is forgotten in the backward pass",
    "A dropped unit puts out 0 whatever goes into it. What is the slope of a constant?",
    page="dropout/rescaling#forward-and-backward-are-the-same-map",
)
def _backward_mask_forgotten(dh_tilde, mask, p):
    return dh_tilde / (1 - p)


@dropout_gradient.mistake(
    "the gradient passes as though there were no dropout",
    "That is the backward pass of testing. In training each unit's output depends on its mask, so "
    "its slope does too.",
    page="dropout/rescaling#forward-and-backward-are-the-same-map",
)
def _backward_of_testing(dh_tilde, mask, p):
    return dh_tilde


@dropout_gradient.mistake(
    "the scale of the forward pass is undone",
    "The backward pass goes through the transposed map, not through the inverse one. "
    "What does the transpose do to a diagonal matrix?",
    page="dropout/rescaling#forward-and-backward-are-the-same-map",
)
def _backward_inverted(dh_tilde, mask, p):
    return mask * dh_tilde * (1 - p)


@dropout_gradient.mistake(
    "the gradient goes to the dropped units",
    "A one in the mask means kept, in both passes: it is the same mask.",
    page="dropout/rescaling#forward-and-backward-are-the-same-map",
)
def _backward_mask_inverted(dh_tilde, mask, p):
    return (1 - mask) * dh_tilde / (1 - p)


@dropout_gradient.mistake(
    "p is read as the probability of keeping",
    "The slope of a kept unit is the factor of its forward pass, and p is the probability of "
    "dropping there.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _backward_of_the_other_convention(dh_tilde, mask, p):
    return mask * dh_tilde / p


@dropout_gradient.mistake(
    "the scale is applied twice",
    "Each unit has one factor between its input and its output, so the chain rule meets one. "
    "Does your cache hold a mask that is rescaled already?",
    page="dropout/rescaling#forward-and-backward-are-the-same-map",
)
def _backward_scale_applied_twice(dh_tilde, mask, p):
    return mask * dh_tilde / (1 - p) ** 2


activation_variance = Problem(
    "activation_variance",
    "1.2",
    "Variance before dropout",
    """
    Check the variance of an activation before dropout.

    The activation is h = max(z, 0) with a standard normal z. There is nothing to be given, so your
    answer is a number, or a function without arguments that returns it: the variance of h.
    """,
    page="dropout/variance",
    parts=("variance",),
    points=(5,),
)


@activation_variance.drawn_by
def _draw_activation_variance(rng, i):
    return ()


@activation_variance.solved_by
def _solve_activation_variance():
    return reference.rectified_normal_moments()[1]


@activation_variance.mistake(
    "the mean is subtracted without its square, as the source prints in the middle of (12)",
    "A variance has the unit of h squared, and so must each of its two terms.",
    page="dropout/variance#the-variance",
)
def _activation_mean_not_squared():
    return 1 / 2 - 1 / math.sqrt(2 * math.pi)


@activation_variance.mistake(
    "the squared mean is not subtracted, or when the variance of z is halved",
    "A half is the second moment of h. The mean of h is not 0: h is never negative.",
    page="dropout/variance#before-dropout",
)
def _activation_second_moment():
    return 1 / 2


@activation_variance.mistake(
    "the ReLU is forgotten",
    "This is the variance of z, before the ReLU. The ReLU takes away the whole negative half.",
    page="dropout/variance#the-second-moment",
)
def _activation_variance_of_z():
    return 1.0


@activation_variance.mistake(
    "the second moment is that of z",
    "Where z is negative, h is 0 and adds nothing to E[h**2]. How much of E[z**2] is left?",
    page="dropout/variance#the-second-moment",
)
def _activation_moment_not_halved():
    return 1 - 1 / (2 * math.pi)


@activation_variance.mistake(
    "only the active units are counted",
    "This is the variance of h given z > 0. The zeros are values of h as well, and they are as "
    "likely as all the others together.",
    page="dropout/variance#before-dropout",
)
def _activation_given_active():
    return 1 - 2 / math.pi


@activation_variance.mistake(
    "the standard deviation is given for the variance",
    "Your number is the root of what is asked for.",
    page="dropout/variance#before-dropout",
)
def _activation_standard_deviation():
    return math.sqrt(_VARIANCE)


@activation_variance.mistake(
    "the mean of h is given for its variance",
    "You need the mean on the way; it is one of two pieces.",
    page="dropout/variance#the-mean",
)
def _activation_mean():
    return 1 / math.sqrt(2 * math.pi)


dropout_variance = Problem(
    "dropout_variance",
    "1.2",
    "Variance after dropout",
    """
    Check the variance of an activation after dropout.

    The activation is h = max(z, 0) with a standard normal z. Dropout makes it m * h / (1 - p),
    where m is 0 with probability p and 1 otherwise, independent of h. Your function gets `p`, a
    number between 0 and 1, and returns the variance of the outcome, over z and m: one number.
    """,
    page="dropout/variance",
    parts=("variance",),
    points=(10,),
)


@dropout_variance.drawn_by
def _draw_dropout_variance(rng, i):
    return (0.2 if i == 0 else _drop_probability(rng),)


@dropout_variance.solved_by
def _solve_dropout_variance(p):
    return reference.dropout_moments(_MEAN, _VARIANCE, p)[1]


@dropout_variance.mistake(
    "one of two factors 1 - p is lost when the sum is put into one bracket, as in line 3 of the "
    "source's (16)",
    "Of the three terms in line 2, two carry 1 - p and one carries its square. Take one 1 - p out "
    "of all three: what is left of the square?",
    page="dropout/variance#where-the-printed-result-goes-wrong",
)
def _variance_of_the_third_line(p):
    return (math.pi - 1 + p * math.pi) / (2 * math.pi * (1 - p))


@dropout_variance.mistake(
    "the term Var[m] Var[h] is lost, as in the last line of the source's (16)",
    "The variance of a product of independent factors has three terms. At p = 1/2 this result is "
    "1/2; a second way to it, through E[m**2] = E[m], shows that it cannot be.",
    page="dropout/variance#where-the-printed-result-goes-wrong",
)
def _variance_of_the_last_line(p):
    return (math.pi - 1 + p * (2 - math.pi)) / (2 * math.pi * (1 - p))


@dropout_variance.mistake(
    "p is read as the probability of keeping",
    "Let p go to 0: no unit is dropped, and the variance must be that before dropout.",
    page="dropout/variance#three-limits-two-of-which-would-have-caught-it",
)
def _variance_of_the_other_convention(p):
    return reference.dropout_moments(_MEAN, _VARIANCE, 1 - p)[1]


@dropout_variance.mistake(
    "the squared mean is not subtracted",
    "This is the second moment after dropout. The rescaling keeps the mean of h, which is not 0.",
    page="dropout/variance#the-same-result-in-one-line",
)
def _variance_second_moment(p):
    return 1 / (2 * (1 - p))


@dropout_variance.mistake(
    "the mean is subtracted without its square",
    "A variance is E[x**2] - E[x]**2. The source forgets this square in the middle of (12), too.",
    page="dropout/variance#the-same-result-in-one-line",
)
def _variance_mean_not_squared(p):
    return 1 / (2 * (1 - p)) - _MEAN


@dropout_variance.mistake(
    "the mean after dropout is rescaled and not masked",
    "The factor 1/(1 - p) is there to make up for the mask. Together, what do they do to the mean?",
    page="dropout/variance#the-same-result-in-one-line",
)
def _variance_mean_rescaled(p):
    return 1 / (2 * (1 - p)) - (_MEAN / (1 - p)) ** 2


@dropout_variance.mistake(
    "the mask is applied without rescaling",
    "This is the variance of m h. A constant factor leaves a variance squared.",
    page="dropout/variance#after-dropout",
)
def _variance_without_scale(p):
    return (1 - p) / 2 - ((1 - p) * _MEAN) ** 2


@dropout_variance.mistake(
    "the scale is not squared",
    "Var[a x] is not a Var[x]: a variance has the unit of its variable squared.",
    page="dropout/variance#after-dropout",
)
def _variance_scale_not_squared(p):
    return 1 / 2 - (1 - p) * _MEAN**2


@dropout_variance.mistake(
    "the scale is applied twice",
    "Squared once, the factor 1/(1 - p) has done its work in the variance.",
    page="dropout/variance#after-dropout",
)
def _variance_scale_applied_twice(p):
    return (1 / (2 * (1 - p)) - _MEAN**2) / (1 - p) ** 2


@dropout_variance.mistake(
    "the activations are rescaled and none is dropped",
    "This is the variance of h / (1 - p). The mask is random as well.",
    page="dropout/variance#after-dropout",
)
def _variance_mask_forgotten(p):
    return _VARIANCE / (1 - p) ** 2


@dropout_variance.mistake(
    "the mask is replaced by its mean, or E[m**2] by E[m]**2",
    "Then dropout would leave the variance alone. What is m**2 if m is 0 or 1?",
    page="dropout/variance#the-same-result-in-one-line",
)
def _variance_unchanged(p):
    return _VARIANCE


@dropout_variance.mistake(
    "the variances of the mask and of the activation are multiplied",
    "Var[m h] = Var[m] Var[h] holds only where both means are 0, and neither is.",
    page="dropout/variance#after-dropout",
)
def _variance_of_factors_multiplied(p):
    return p / (1 - p) * _VARIANCE


@dropout_variance.mistake(
    "the activation is held fixed and only the mask is random",
    "That is the mean of the variance given h. The variance of the mean given h comes on top; at "
    "p = 0 only that one is left.",
    page="dropout/variance#the-same-result-in-one-line",
)
def _variance_given_the_activation(p):
    return p / (2 * (1 - p))


@dropout_variance.mistake(
    "the ReLU is forgotten",
    "This is the variance of z after dropout. The activation that is dropped is h = max(z, 0).",
    page="dropout/variance#before-dropout",
)
def _variance_without_relu(p):
    return 1 / (1 - p)


@dropout_variance.mistake(
    "the standard deviation is given for the variance",
    "Your number is the root of what is asked for.",
    page="dropout/variance#after-dropout",
)
def _variance_rooted(p):
    return math.sqrt(1 / (2 * (1 - p)) - _MEAN**2)


dropout_variance_any = Problem(
    "dropout_variance_any",
    "beyond 1.2",
    "Variance after dropout, any activation",
    """
    Check the variance after dropout of an activation of which only two moments are known.

    Your function gets the `mean` and the `variance` of the activation before dropout, and `p`, the
    probability of dropping; the mask is independent of the activation. It returns the variance of
    the activation after dropout, with its rescaling: one number.
    """,
    page="dropout/variance",
    parts=("variance",),
)


@dropout_variance_any.drawn_by
def _draw_dropout_variance_any(rng, i):
    return float(_entries(rng, ())), round(rng.uniform(0.3, 2.0), 2), _drop_probability(rng)


@dropout_variance_any.solved_by
def _solve_dropout_variance_any(mean, variance, p):
    return reference.dropout_moments(mean, variance, p)[1]


@dropout_variance_any.mistake(
    "the mean is taken to be 0",
    "So it is for tanh, and there this is right. An activation with a mean jumps between 0 and "
    "something near that mean.",
    page="dropout/variance#the-same-result-in-one-line",
)
def _any_mean_forgotten(mean, variance, p):
    return variance / (1 - p)


@dropout_variance_any.mistake(
    "the term Var[m] Var[h] is lost, as in the source's (16)",
    "The variance of a product of independent factors has three terms. Test with a mean of 0.",
    page="dropout/variance#where-the-printed-result-goes-wrong",
)
def _any_product_term_lost(mean, variance, p):
    return variance + p / (1 - p) * mean**2


@dropout_variance_any.mistake(
    "the variance that dropout adds is given alone",
    "Let p go to 0: the variance before dropout must be left.",
    page="dropout/variance#the-same-result-in-one-line",
)
def _any_own_variance_forgotten(mean, variance, p):
    return p / (1 - p) * (variance + mean**2)


@dropout_variance_any.mistake(
    "p is read as the probability of keeping",
    "Let p go to 0: no unit is dropped, and nothing may change.",
    page="dropout/variance#three-limits-two-of-which-would-have-caught-it",
)
def _any_of_the_other_convention(mean, variance, p):
    return variance + (1 - p) / p * (variance + mean**2)


@dropout_variance_any.mistake(
    "the squared mean is not subtracted",
    "This is the second moment after dropout. Its mean is still there.",
    page="dropout/variance#the-same-result-in-one-line",
)
def _any_second_moment(mean, variance, p):
    return (variance + mean**2) / (1 - p)


@dropout_variance_any.mistake(
    "`variance` is read as the second moment",
    "What your function gets is the variance. The second moment is larger if the mean is not 0.",
    page="dropout/variance#before-dropout",
)
def _any_variance_read_as_second_moment(mean, variance, p):
    return variance / (1 - p) - mean**2


@dropout_variance_any.mistake(
    "the mask is applied without rescaling",
    "This is the variance of m h. A constant factor leaves a variance squared.",
    page="dropout/variance#after-dropout",
)
def _any_without_scale(mean, variance, p):
    return (1 - p) * (variance + mean**2) - ((1 - p) * mean) ** 2


gaussian_dropout_std = Problem(
    "gaussian_dropout_std",
    "beyond 1.2",
    "Gaussian dropout, the noise",
    """
    Check the noise of Gaussian dropout, which multiplies each activation by a normal number.

    The normal numbers have the mean 1. Their variance is that of the factors m / (1 - p) of
    ordinary dropout, where m is 0 with probability p and 1 otherwise. Your function gets `p` and
    returns the standard deviation of the normal numbers: one number.
    """,
    page="dropout/rescaling",
    parts=("std",),
)


@gaussian_dropout_std.drawn_by
def _draw_gaussian_dropout_std(rng, i):
    return (0.2 if i == 0 else _drop_probability(rng),)


@gaussian_dropout_std.solved_by
def _solve_gaussian_dropout_std(p):
    # The factor is what dropout makes of the constant 1.
    return math.sqrt(reference.dropout_moments(1.0, 0.0, p)[1])


@gaussian_dropout_std.mistake(
    "the variance is given for the standard deviation",
    "A generator of normal numbers wants the standard deviation.",
    page="dropout/rescaling#the-variance",
)
def _gaussian_variance(p):
    return p / (1 - p)


@gaussian_dropout_std.mistake(
    "the dropout paper's formula is used with its letter",
    "Its p is the probability of keeping. With hardly any unit dropped, there is hardly any noise.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _gaussian_of_the_paper(p):
    return math.sqrt((1 - p) / p)


@gaussian_dropout_std.mistake(
    "the mask is not rescaled",
    "This is the standard deviation of m. The factor of an activation is m / (1 - p), of mean 1.",
    page="dropout/rescaling#the-variance",
)
def _gaussian_without_scale(p):
    return math.sqrt(p * (1 - p))


@gaussian_dropout_std.mistake(
    "the scale is not squared",
    "A constant leaves a variance squared; then comes the root.",
    page="dropout/rescaling#the-variance",
)
def _gaussian_scale_not_squared(p):
    return math.sqrt(p)


@gaussian_dropout_std.mistake(
    "the second moment is taken for the variance",
    "The factors have the mean 1, and its square has to be subtracted.",
    page="dropout/rescaling#the-variance",
)
def _gaussian_second_moment(p):
    return 1 / math.sqrt(1 - p)


dropconnect_variance = Problem(
    "dropconnect_variance",
    "beyond 1.2",
    "DropConnect, the variance",
    """
    Check the variance of a pre-activation when its weights are dropped one by one.

    DropConnect drops weights in place of activations: z = sum_i m_i w_i x_i / (1 - p), where each
    m_i is 0 with probability p and 1 otherwise, independent of the others. Your function gets the
    weights `w` (N,), the inputs `x` (N,) and `p`. It returns the variance of z over the masks, with
    w and x fixed: one number.
    """,
    page="dropout/rescaling",
    parts=("variance",),
)


@dropconnect_variance.drawn_by
def _draw_dropconnect_variance(rng, i):
    N = 2 if i == 0 else int(rng.integers(3, 6))
    return _entries(rng, N), _entries(rng, N), _drop_probability(rng)


@dropconnect_variance.solved_by
def _solve_dropconnect_variance(w, x, p):
    return sum(reference.dropout_moments(a, 0.0, p)[1] for a in w * x)


@dropconnect_variance.mistake(
    "all weights share one bit",
    "Then the terms would rise and fall together. Here each has its own bit: what adds up?",
    page="dropout/kept_units#correlated-masks-keep-the-mean-and-lose-the-law",
)
def _dropconnect_shared_bit(w, x, p):
    return p / (1 - p) * (w @ x) ** 2


@dropconnect_variance.mistake(
    "the weights and inputs are not squared",
    "Given w and x they are constants, and a constant leaves a variance squared. "
    "Yours can come out negative.",
    page="dropout/rescaling#the-variance",
)
def _dropconnect_constants_not_squared(w, x, p):
    return p / (1 - p) * (w @ x)


@dropconnect_variance.mistake(
    "the mask is applied without rescaling",
    "This is the variance of the sum with the bits alone. The factor 1/(1 - p) is missing.",
    page="dropout/rescaling#the-variance",
)
def _dropconnect_without_scale(w, x, p):
    return p * (1 - p) * np.sum((w * x) ** 2)


@dropconnect_variance.mistake(
    "the scale is not squared",
    "It is a constant like w and x, and a constant leaves a variance squared.",
    page="dropout/rescaling#the-variance",
)
def _dropconnect_scale_not_squared(w, x, p):
    return p * np.sum((w * x) ** 2)


@dropconnect_variance.mistake(
    "E[m**2] is taken for Var[m]",
    "A bit has the mean 1 - p, so its variance is less than its second moment.",
    page="dropout/rescaling#the-variance",
)
def _dropconnect_moment_of_the_bit(w, x, p):
    return np.sum((w * x) ** 2) / (1 - p)


@dropconnect_variance.mistake(
    "the squared mean of z is not subtracted",
    "The mean of z is that without dropout, the sum of all w_i x_i.",
    page="dropout/rescaling#where-the-factor-comes-from",
)
def _dropconnect_second_moment(w, x, p):
    return p / (1 - p) * np.sum((w * x) ** 2) + (w @ x) ** 2


@dropconnect_variance.mistake(
    "p is read as the probability of keeping",
    "With hardly any weight dropped, z hardly varies.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _dropconnect_of_the_other_convention(w, x, p):
    return (1 - p) / p * np.sum((w * x) ** 2)


shared_mask_covariance = Problem(
    "shared_mask_covariance",
    "beyond 1.2",
    "Channel dropout, the covariance",
    """
    Check the covariance of two activations that are dropped or kept together.

    The activations are independent of each other before dropout, and have the means `m1` and `m2`.
    They belong to one channel, so one bit decides for both: it is 0 with probability `p`, and both
    become 0; otherwise both are multiplied by 1 / (1 - p). The bit is independent of them. Your
    function gets m1, m2 and p and returns the covariance after dropout: one number.
    """,
    page="dropout/kept_units",
    parts=("covariance",),
)


@shared_mask_covariance.drawn_by
def _draw_shared_mask_covariance(rng, i):
    m1, m2 = _entries(rng, 2).tolist()
    return m1, m2, _drop_probability(rng)


@shared_mask_covariance.solved_by
def _solve_shared_mask_covariance(m1, m2, p):
    return p / (1 - p) * m1 * m2


@shared_mask_covariance.mistake(
    "each activation has its own bit, or E[m**2] is taken to be E[m]**2",
    "Independent activations with independent bits stay independent. Here they share the bit: when "
    "one is dropped, the other is too.",
    page="dropout/kept_units#correlated-masks-keep-the-mean-and-lose-the-law",
)
def _shared_independent_bits(m1, m2, p):
    return 0.0


@shared_mask_covariance.mistake(
    "the product of the means is not subtracted",
    "This is the mean of the product. What is the mean of each activation after dropout?",
    page="dropout/variance#the-same-result-in-one-line",
)
def _shared_mean_of_the_product(m1, m2, p):
    return m1 * m2 / (1 - p)


@shared_mask_covariance.mistake(
    "the mask is applied without rescaling",
    "Both activations carry the factor 1/(1 - p), and a covariance takes it from each of them.",
    page="dropout/rescaling#the-variance",
)
def _shared_without_scale(m1, m2, p):
    return p * (1 - p) * m1 * m2


@shared_mask_covariance.mistake(
    "the scale is counted for one activation only",
    "Both activations carry the factor, and a covariance takes it from each of them.",
    page="dropout/rescaling#the-variance",
)
def _shared_scale_counted_once(m1, m2, p):
    return p * m1 * m2


@shared_mask_covariance.mistake(
    "the means of the activations are forgotten",
    "This is the variance of the shared factor. It moves an activation in proportion to its size.",
    page="dropout/rescaling#the-variance",
)
def _shared_means_forgotten(m1, m2, p):
    return p / (1 - p)


@shared_mask_covariance.mistake(
    "p is read as the probability of keeping",
    "With the channel hardly ever dropped, the two are as independent as they were.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _shared_of_the_other_convention(m1, m2, p):
    return (1 - p) / p * m1 * m2


kept_units_mean = Problem(
    "kept_units_mean",
    "1.3",
    "Kept units, the mean",
    """
    Check the expected number of units that dropout keeps.

    Your function gets the number `M` of hidden units, an int, and `p`, the probability of dropping
    each of them. It returns the expected number of kept units: one number.
    """,
    page="dropout/kept_units",
    parts=("mean",),
    points=(2,),
)


@kept_units_mean.drawn_by
def _draw_kept_units_mean(rng, i):
    return 3 if i == 0 else int(rng.integers(4, 40)), _drop_probability(rng)


@kept_units_mean.solved_by
def _solve_kept_units_mean(M, p):
    return reference.kept_units_mean(M, p)


@kept_units_mean.mistake(
    "the dropped units are counted",
    "p is the probability of dropping, so this is the mean of the other count.",
    page="dropout/kept_units#the-mean",
)
def _mean_of_the_dropped_units(M, p):
    return M * p


@kept_units_mean.mistake(
    "the variance is given for the mean",
    "Add up the means of the M bits, not their variances.",
    page="dropout/kept_units#the-variance",
)
def _mean_is_the_variance(M, p):
    return M * p * (1 - p)


@kept_units_mean.mistake(
    "the rescaling is applied to the count",
    "The rescaling makes the kept activations larger. It does not bring a dropped unit back.",
    page="dropout/rescaling#what-the-factor-does-not-preserve",
)
def _mean_rescaled(M, p):
    return M


@kept_units_mean.mistake(
    "the kept share is given for the kept number",
    "This is the mean of one bit. The layer has M of them.",
    page="dropout/kept_units#the-mean",
)
def _mean_of_the_share(M, p):
    return 1 - p


@kept_units_mean.mistake(
    "the mean is rounded to a whole number",
    "Each outcome is a whole number, a mean of outcomes need not be one: think of a die.",
    page="dropout/kept_units#the-mean",
)
def _mean_rounded(M, p):
    return round(M * (1 - p))


@kept_units_mean.mistake(
    "the mean is rounded down",
    "Each outcome is a whole number, a mean of outcomes need not be one: think of a die.",
    page="dropout/kept_units#the-mean",
)
def _mean_rounded_down(M, p):
    return math.floor(M * (1 - p))


@kept_units_mean.mistake(
    "the most likely number is given for the mean",
    "The most likely number is a whole number; the mean weighs every number by its probability.",
    page="dropout/kept_units#the-law",
)
def _mean_is_the_mode(M, p):
    return math.floor((M + 1) * (1 - p))


kept_units_pmf = Problem(
    "kept_units_pmf",
    "1.3",
    "Kept units, the law",
    """
    Check the probability that dropout keeps exactly k of M units.

    Your function gets `k` and `M`, ints with 0 <= k <= M, and `p`, the probability of dropping each
    unit, independent of the others. It returns the probability that exactly k units are kept: one
    number.
    """,
    page="dropout/kept_units",
    parts=("probability",),
    points=(3,),
)


@kept_units_pmf.drawn_by
def _draw_kept_units_pmf(rng, i):
    M = 3 if i == 0 else int(rng.integers(3, 9))
    k = {0: 1, 1: 0, 2: M}.get(i, int(rng.integers(0, M + 1)))
    return k, M, _drop_probability(rng)


@kept_units_pmf.solved_by
def _solve_kept_units_pmf(k, M, p):
    return reference.kept_units_pmf(k, M, p)


@kept_units_pmf.mistake(
    "the dropped units are counted",
    "p is the probability of dropping. Which of the two exponents belongs to the kept units?",
    page="dropout/kept_units#the-law",
)
def _pmf_of_the_dropped_units(k, M, p):
    return math.comb(M, k) * p**k * (1 - p) ** (M - k)


@kept_units_pmf.mistake(
    "the binomial coefficient is forgotten",
    "This is the probability of one particular mask with k ones. How many such masks are there?",
    page="dropout/kept_units#the-law",
)
def _pmf_of_one_mask(k, M, p):
    return (1 - p) ** k * p ** (M - k)


@kept_units_pmf.mistake(
    "the order of the kept units is counted",
    "A mask does not know in which order its units were chosen. Sum your values over k: is it 1?",
    page="dropout/kept_units#the-law",
)
def _pmf_with_order(k, M, p):
    return math.perm(M, k) * (1 - p) ** k * p ** (M - k)


@kept_units_pmf.mistake(
    "the probability of dropping the others is forgotten",
    "This asks for k units that are kept and says nothing about the rest. Exactly k are kept.",
    page="dropout/kept_units#the-law",
)
def _pmf_others_forgotten(k, M, p):
    return math.comb(M, k) * (1 - p) ** k


@kept_units_pmf.mistake(
    "the probability of at most k kept units is given",
    "Exactly k is asked for, one term of your sum.",
    page="dropout/kept_units#the-law",
)
def _pmf_summed_from_below(k, M, p):
    return sum(reference.kept_units_pmf(np.arange(k + 1), M, p))


@kept_units_pmf.mistake(
    "the probability of at least k kept units is given",
    "Exactly k is asked for, one term of your sum.",
    page="dropout/kept_units#the-law",
)
def _pmf_summed_from_above(k, M, p):
    return sum(reference.kept_units_pmf(np.arange(k, M + 1), M, p))


@kept_units_pmf.mistake(
    "the Poisson limit is used",
    "That is the law of question 1.4, for an endless layer. A layer of M units cannot keep more "
    "than M, and the Poisson law can.",
    page="dropout/poisson_limit#the-statement-with-its-rate",
)
def _pmf_of_the_limit(k, M, p):
    return reference.poisson_pmf(k, M * (1 - p))


@kept_units_pmf.mistake(
    "a Poisson law is used, with the mean number of dropped units",
    "Two things differ from the limit of question 1.4: whose mean it is, and that M is not endless "
    "here.",
    page="dropout/poisson_limit#what-is-held-fixed",
)
def _pmf_of_the_limit_of_the_dropped(k, M, p):
    return reference.poisson_pmf(k, M * p)


all_dropped_probability = Problem(
    "all_dropped_probability",
    "beyond 1.3",
    "A layer dropped as a whole",
    """
    Check the probability that dropout cuts a network in two.

    A network is cut where all units of a hidden layer are dropped. Your function gets the `widths`
    (L,) of its hidden layers, an array of ints, and `p`, the probability of dropping each unit,
    independent of all others. It returns the probability that at least one hidden layer is dropped
    as a whole: one number.
    """,
    page="dropout/kept_units",
    parts=("probability",),
)


@all_dropped_probability.drawn_by
def _draw_all_dropped_probability(rng, i):
    L = 2 if i == 0 else int(rng.integers(2, 5))
    # Not below 0.3: in float32, 1 minus a small probability has lost its digits.
    return rng.integers(2, 5, size=L), round(rng.uniform(0.3, 0.9), 2)


@all_dropped_probability.solved_by
def _solve_all_dropped_probability(widths, p):
    return 1 - math.prod(1 - reference.kept_units_pmf(0, int(D), p) for D in widths)


@all_dropped_probability.mistake(
    "the probabilities of the layers are added",
    "Two layers can be dropped in the same pass, and the sum counts that twice; it can exceed 1.",
    page="dropout/kept_units#the-law",
)
def _layers_added(widths, p):
    return np.sum(p**widths)


@all_dropped_probability.mistake(
    "every hidden layer has to be dropped",
    "One dropped layer cuts the network already: at least one, not all.",
    page="dropout/kept_units#the-law",
)
def _layers_all_dropped(widths, p):
    return p ** np.sum(widths)


@all_dropped_probability.mistake(
    "the probability of no dropped layer is given",
    "This is the probability that the network is not cut.",
    page="dropout/kept_units#the-law",
)
def _layers_none_dropped(widths, p):
    return np.prod(1 - p**widths)


@all_dropped_probability.mistake(
    "p is read as the probability of keeping",
    "All units of a layer have to be dropped, each with probability p.",
    page="dropout/rescaling#inference-and-the-two-conventions",
)
def _layers_of_the_other_convention(widths, p):
    return 1 - np.prod(1 - (1 - p) ** widths)


@all_dropped_probability.mistake(
    "one dropped unit is enough",
    "A layer with one unit left still passes something on. All of its units have to be dropped.",
    page="dropout/kept_units#the-law",
)
def _layers_with_a_dropped_unit(widths, p):
    return 1 - (1 - p) ** np.sum(widths)


@all_dropped_probability.mistake(
    "each layer is dropped with probability p",
    "Each unit is, independent of the others. A wide layer is hardly ever dropped as a whole.",
    page="dropout/kept_units#the-law",
)
def _layers_without_width(widths, p):
    return 1 - (1 - p) ** len(widths)


poisson_limit_pmf = Problem(
    "poisson_limit_pmf",
    "1.4",
    "The Poisson limit",
    """
    Check the law of the number of kept units in an endlessly wide layer.

    The number M of units grows to infinity and the keep probability 1 - p shrinks to 0, while
    M * (1 - p) keeps the value `lam`. Your function gets `k`, an int, at least 0, and `lam`, a
    positive number. It returns the limit of the probability that exactly k units are kept: one
    number.
    """,
    page="dropout/poisson_limit",
    parts=("probability",),
    points=(10,),
    bonus=True,
)


@poisson_limit_pmf.drawn_by
def _draw_poisson_limit_pmf(rng, i):
    k = {0: 2, 1: 0, 2: 1}.get(i, int(rng.integers(0, 8)))
    return k, round(rng.uniform(0.3, 5.0), 2)


@poisson_limit_pmf.solved_by
def _solve_poisson_limit_pmf(k, lam):
    return reference.poisson_pmf(k, lam)


@poisson_limit_pmf.mistake(
    "p**(M - k) is taken to be 1",
    "p goes to 1, but its exponent grows at the same time. Write p in terms of lam and M before "
    "you let M go.",
    page="dropout/poisson_limit#the-limit-of-the-empty-layer",
)
def _limit_exponential_forgotten(k, lam):
    return lam**k / math.factorial(k)


@poisson_limit_pmf.mistake(
    "the binomial coefficient is taken to be M**k",
    "M**k counts the ways to choose k units one after another. How often does it count the same k?",
    page="dropout/poisson_limit#the-other-factors-for-a-fixed-count",
)
def _limit_factorial_forgotten(k, lam):
    return lam**k * math.exp(-lam)


@poisson_limit_pmf.mistake(
    "M**k (1 - p)**k is taken to be 1",
    "One factor grows and the other shrinks, but their product does not go to 1. What is fixed?",
    page="dropout/poisson_limit#the-other-factors-for-a-fixed-count",
)
def _limit_power_forgotten(k, lam):
    return math.exp(-lam) / math.factorial(k)


@poisson_limit_pmf.mistake(
    "the minus sign of the exponent is lost",
    "The factor is a limit of powers of p, and p is below 1.",
    page="dropout/poisson_limit#the-limit-of-the-empty-layer",
)
def _limit_minus_lost(k, lam):
    return lam**k * math.exp(lam) / math.factorial(k)


@poisson_limit_pmf.mistake(
    "the central limit theorem is used",
    "It needs a mean that grows with M. Here it stays lam, and the law of a small count is skewed.",
    page="dropout/poisson_limit#the-statement-with-its-rate",
)
def _limit_is_normal(k, lam):
    return math.exp(-((k - lam) ** 2) / (2 * lam)) / math.sqrt(2 * math.pi * lam)


@poisson_limit_pmf.mistake(
    "the density of a waiting time is given",
    "The exponential law is that of the time between two events. Here units are counted.",
    page="dropout/poisson_limit#the-other-factors-for-a-fixed-count",
)
def _limit_is_a_waiting_time(k, lam):
    return lam * math.exp(-lam * k)


@poisson_limit_pmf.mistake(
    "the probability of at most k kept units is given",
    "Exactly k is asked for, one term of your sum.",
    page="dropout/poisson_limit#the-other-factors-for-a-fixed-count",
)
def _limit_summed(k, lam):
    return sum(reference.poisson_pmf(np.arange(k + 1), lam))


poisson_width_pmf = Problem(
    "poisson_width_pmf",
    "1.5",
    "A Poisson width",
    """
    Check the law of the number of kept units in a layer whose width is random.

    The number of units of the layer follows the Poisson law with mean `lam`; then each unit is
    dropped with probability `p`, independent of all else. Your function gets `k`, an int, at least
    0, `lam`, a positive number, and `p`. It returns the probability that exactly k units are kept:
    one number.
    """,
    page="dropout/poisson_width",
    parts=("probability",),
    points=(10,),
    bonus=True,
)


@poisson_width_pmf.drawn_by
def _draw_poisson_width_pmf(rng, i):
    k = {0: 2, 1: 0, 2: 1}.get(i, int(rng.integers(0, 8)))
    return k, round(rng.uniform(1.2, 6.0), 2), _drop_probability(rng)


@poisson_width_pmf.solved_by
def _solve_poisson_width_pmf(k, lam, p):
    return reference.poisson_width_pmf(k, lam, p)


@poisson_width_pmf.mistake(
    "k factors lam are lost, as in the source's (31)",
    "There are m factors lam in front of the sum and only m - k of them can go with the p. "
    "Sum your values over k: you get 1 at lam = 1 only.",
    page="dropout/poisson_width#the-lost-factor",
)
def _width_power_of_lam_lost(k, lam, p):
    return (1 - p) ** k * math.exp(-lam * (1 - p)) / math.factorial(k)


@poisson_width_pmf.mistake(
    "the factors (1 - p)**k are lost",
    "Each of the k units was kept, and that has a probability. Sum your values over k: is it 1?",
    page="dropout/poisson_width#the-sum-over-all-widths",
)
def _width_keep_probability_lost(k, lam, p):
    return lam**k * math.exp(-lam * (1 - p)) / math.factorial(k)


@poisson_width_pmf.mistake(
    "the dropped units are counted",
    "Your mean is lam * p. Which share of the units is kept?",
    page="dropout/poisson_width#kept-and-dropped-counts-are-independent",
)
def _width_of_the_dropped_units(k, lam, p):
    return reference.poisson_pmf(k, lam * p)


@poisson_width_pmf.mistake(
    "no unit is dropped",
    "This is the law of the width. The mask comes after it.",
    page="dropout/poisson_width#two-stages-of-chance",
)
def _width_not_thinned(k, lam, p):
    return reference.poisson_pmf(k, lam)


@poisson_width_pmf.mistake(
    "the rescaling is applied to the count",
    "Your mean is lam / (1 - p), more units than there were. The rescaling concerns activations.",
    page="dropout/rescaling#what-the-factor-does-not-preserve",
)
def _width_rescaled(k, lam, p):
    return reference.poisson_pmf(k, lam / (1 - p))


@poisson_width_pmf.mistake(
    "only the layers of width k are counted",
    "A wider layer can keep k units, too, if it drops the others. Sum over all these widths.",
    page="dropout/poisson_width#the-sum-over-all-widths",
)
def _width_not_summed(k, lam, p):
    return (lam * (1 - p)) ** k * math.exp(-lam) / math.factorial(k)


@poisson_width_pmf.mistake(
    "the factorial is forgotten",
    "The m! of the width cancels against the binomial coefficient, but not all of the coefficient.",
    page="dropout/poisson_width#the-sum-over-all-widths",
)
def _width_factorial_forgotten(k, lam, p):
    return (lam * (1 - p)) ** k * math.exp(-lam * (1 - p))


@poisson_width_pmf.mistake(
    "the exponential is forgotten",
    "The width brings one exponential and the sum over the widths another; they do not cancel.",
    page="dropout/poisson_width#the-sum-over-all-widths",
)
def _width_exponential_forgotten(k, lam, p):
    return (lam * (1 - p)) ** k / math.factorial(k)
