"""Checks for question 2, batch normalization, and the mistakes that learners make there."""

import numpy as np

from hw1check._problem import Problem
from hw1lib import batchnorm as reference


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


def _batch(rng, B, M):
    """Draw a batch whose features have different means."""
    return _printable(rng.normal(size=(B, M)) + rng.uniform(-1.5, 1.5, M))


def _scale(rng, M):
    return _printable(rng.uniform(0.5, 2.0, M) * rng.choice((-1, 1), M))


def _epsilon(rng):
    return round(rng.uniform(0.1, 0.5), 2)


# The variance of the output --------------------------------------------------------------------

batchnorm_output_variance = Problem(
    "batchnorm_output_variance",
    "2.1",
    "The variance that epsilon leaves",
    """
    Check the variance of batch norm's output over the batch, for one feature.

    Your function gets three numbers: the scale `gamma` of the feature, the biased variance `v` of
    its input over the batch (divided by B), and `eps`. It returns one number: the biased variance
    of the feature's output over the same batch.
    """,
    page="batchnorm/forward#what-epsilon-costs-variance-and-scale-invariance",
    parts=("variance",),
    points=(3,),
)


@batchnorm_output_variance.drawn_by
def _draw_output_variance(rng, i):
    return float(_scale(rng, 1)[0]), float(_printable(rng.uniform(0.2, 3.0))), _epsilon(rng)


@batchnorm_output_variance.solved_by
def _solve_output_variance(gamma, v, eps):
    return gamma**2 * v / (v + eps)


@batchnorm_output_variance.mistake(
    "epsilon is taken to make no difference",
    "That is the answer of question 2.2, where epsilon is 0. The divisor with epsilon in it is "
    "larger than the standard deviation of the batch: what does that do to the spread?",
    page="batchnorm/forward#what-epsilon-costs-variance-and-scale-invariance",
)
def _output_variance_without_epsilon(gamma, v, eps):
    return gamma**2


@batchnorm_output_variance.mistake(
    "the standard deviation is given in place of the variance",
    "A variance is in squared units. Square the factor by which the deviations are multiplied.",
    page="batchnorm/moments#the-variance",
)
def _output_standard_deviation(gamma, v, eps):
    return abs(gamma) * np.sqrt(v / (v + eps))


@batchnorm_output_variance.mistake(
    "gamma is not squared",
    "Gamma multiplies every deviation, and the variance is the mean of the squared deviations. "
    "Note that a negative gamma would give a negative variance.",
    page="batchnorm/moments#the-variance",
)
def _output_variance_gamma_not_squared(gamma, v, eps):
    return gamma * v / (v + eps)


@batchnorm_output_variance.mistake(
    "gamma is forgotten",
    "This is the variance of the normalized value. The output is scaled once more after that.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _output_variance_gamma_forgotten(gamma, v, eps):
    return v / (v + eps)


@batchnorm_output_variance.mistake(
    "epsilon is added to the standard deviation, outside of the root",
    "Equation (38) adds epsilon to the variance and takes the root of the sum. The two differ: "
    "compare them for a feature whose variance is 0.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _output_variance_epsilon_outside(gamma, v, eps):
    return gamma**2 * v / (np.sqrt(v) + eps) ** 2


@batchnorm_output_variance.mistake(
    "the deviations are divided by the variance, without its root",
    "Look at the units: a deviation divided by a variance still has some. Equation (38) divides "
    "by something with the unit of Y.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _output_variance_not_rooted(gamma, v, eps):
    return gamma**2 * v / (v + eps) ** 2


@batchnorm_output_variance.mistake(
    "the ratio of the variances is upside down",
    "Your variance is above gamma squared. A larger divisor cannot make the spread larger.",
    page="batchnorm/forward#what-epsilon-costs-variance-and-scale-invariance",
)
def _output_variance_upside_down(gamma, v, eps):
    return gamma**2 * (v + eps) / v


# The bound on the Jacobian ---------------------------------------------------------------------

batchnorm_gain_bound = Problem(
    "batchnorm_gain_bound",
    "2.1",
    "The largest gain that epsilon allows",
    """
    Check the largest factor by which batch norm can magnify a change of its input.

    Take one feature: y holds its values over the batch, y_hat its outputs. If y changes by dy and
    y_hat by d(y_hat), the gain is the length of d(y_hat) over the length of dy. Your function gets
    the numbers `gamma` (of either sign) and `eps`. It returns the smallest number that the gain
    never exceeds, whatever the batch and the change are, for a batch of any size.
    """,
    page="batchnorm/forward#what-epsilon-bounds-the-jacobian",
    parts=("gain",),
    points=(2,),
)


@batchnorm_gain_bound.drawn_by
def _draw_gain_bound(rng, i):
    return float(_scale(rng, 1)[0]), _epsilon(rng)


@batchnorm_gain_bound.solved_by
def _solve_gain_bound(gamma, eps):
    return abs(gamma) / np.sqrt(eps)


@batchnorm_gain_bound.mistake(
    "the sign of gamma is kept",
    "A ratio of two lengths is never negative, and a negative gamma magnifies as much as a "
    "positive one.",
    page="batchnorm/forward#what-epsilon-bounds-the-jacobian",
)
def _gain_with_a_sign(gamma, eps):
    return gamma / np.sqrt(eps)


@batchnorm_gain_bound.mistake(
    "epsilon stands outside of the root",
    "Equation (38) divides by the root of v + eps. What is left of that divisor for a feature "
    "that is constant over the batch?",
    page="batchnorm/forward#what-epsilon-bounds-the-jacobian",
)
def _gain_without_the_root(gamma, eps):
    return abs(gamma) / eps


@batchnorm_gain_bound.mistake(
    "gamma is forgotten",
    "Gamma multiplies the normalized value, so it multiplies every change of it.",
    page="batchnorm/forward#what-epsilon-bounds-the-jacobian",
)
def _gain_without_gamma(gamma, eps):
    return 1 / np.sqrt(eps)


@batchnorm_gain_bound.mistake(
    "the feature is taken to have variance 1",
    "The bound has to hold for every batch. For which variance is the divisor smallest?",
    page="batchnorm/forward#what-epsilon-bounds-the-jacobian",
)
def _gain_at_variance_one(gamma, eps):
    return abs(gamma) / np.sqrt(1 + eps)


@batchnorm_gain_bound.mistake(
    "the factor is squared",
    "That is how much the squared length grows. The question asks for the length itself.",
    page="batchnorm/forward#what-epsilon-bounds-the-jacobian",
)
def _gain_squared(gamma, eps):
    return gamma**2 / eps


# The moments of the output ---------------------------------------------------------------------

batchnorm_moments = Problem(
    "batchnorm_moments",
    "2.2",
    "The mean and variance of the output",
    """
    Check the mean and the variance of each output feature of batch norm at eps = 0.

    Your function gets the scale `gamma` (M,) and the shift `beta` (M,) of the M features. It
    returns two arrays, the mean (M,) and the variance (M,) of each output feature over the batch;
    None stands for one that you have not derived yet.
    """,
    page="batchnorm/moments",
    parts=("mean", "variance"),
    points=(5, 5),
)


@batchnorm_moments.drawn_by
def _draw_moments(rng, i):
    M = 2 if i == 0 else int(rng.integers(3, 6))
    return _scale(rng, M), _printable(rng.uniform(-2.0, 2.0, M))


@batchnorm_moments.solved_by
def _solve_moments(gamma, beta):
    return beta, gamma**2


@batchnorm_moments.mistake(
    "the scale and the shift are forgotten",
    "0 and 1 are the moments of the normalized value, before it is scaled and shifted.",
    page="batchnorm/moments#the-mean",
)
def _moments_before_scale_and_shift(gamma, beta):
    return np.zeros_like(beta), np.ones_like(gamma)


@batchnorm_moments.mistake(
    "the standard deviation is given in place of the variance",
    "Gamma multiplies each deviation from the mean. The variance averages their squares.",
    page="batchnorm/moments#the-variance",
)
def _moments_standard_deviation(gamma, beta):
    return beta, np.abs(gamma)


@batchnorm_moments.mistake(
    "gamma is not squared",
    "Var[aX + b] is not a times Var[X]: with a negative a that would be a negative variance.",
    page="batchnorm/moments#the-variance",
)
def _moments_gamma_not_squared(gamma, beta):
    return beta, gamma


@batchnorm_moments.mistake(
    "the shift is added to the variance",
    "A shift moves all values and their mean by the same amount. What does it do to the "
    "deviations?",
    page="batchnorm/moments#the-variance",
)
def _moments_shift_in_the_variance(gamma, beta):
    return beta, gamma**2 + beta


@batchnorm_moments.mistake(
    "the mean of the square is taken for the variance",
    "Before the values are squared, their mean has to be subtracted, and it is not 0 here.",
    page="batchnorm/moments#the-variance",
)
def _moments_mean_square(gamma, beta):
    return beta, gamma**2 + beta**2


@batchnorm_moments.mistake(
    "gamma multiplies the shift as well",
    "In (38) gamma multiplies the normalized value alone. The shift is added after that.",
    page="batchnorm/moments#the-mean",
)
def _moments_shift_scaled(gamma, beta):
    return gamma * beta, gamma**2


@batchnorm_moments.mistake(
    "the normalized value is taken to have mean 1",
    "Its variance is 1. What is the sum of the deviations from their own mean?",
    page="batchnorm/moments#the-mean",
)
def _moments_mean_of_x_hat_one(gamma, beta):
    return gamma + beta, gamma**2


@batchnorm_moments.mistake(
    "the two are returned in the wrong order",
    "Return the mean first, then the variance.",
    page="batchnorm/moments",
)
def _moments_swapped(gamma, beta):
    return gamma**2, beta


# The forward pass ------------------------------------------------------------------------------

batchnorm_output = Problem(
    "batchnorm_output",
    "beyond 2.1",
    "Batch norm, forward",
    """
    Check the forward pass of batch norm, the code of (36), (37) and (38).

    Your function gets the batch `Y` (B, M) with one sample a row, the scale `gamma` (M,), the shift
    `beta` (M,) and the number `eps`. It returns the output Y_hat (B, M).
    """,
    page="batchnorm/forward#normalize-scale-shift",
    parts=("Y_hat",),
)


@batchnorm_output.drawn_by
def _draw_forward(rng, i):
    B, M = _batch_shape(rng, i)
    return _batch(rng, B, M), _scale(rng, M), _printable(rng.uniform(-2.0, 2.0, M)), _epsilon(rng)


@batchnorm_output.solved_by
def _solve_forward(Y, gamma, beta, eps):
    return reference.batchnorm_forward(Y, gamma, beta, eps)[0]


@batchnorm_output.mistake(
    "the variance is divided by B - 1",
    "The aim is that this batch comes out with mean square 1, not to estimate the variance of a "
    "population. Which divisor does (37) have? (torch.var and ddof=1 divide by B - 1.)",
    page="batchnorm/forward#why-the-variance-is-divided-by-b",
)
def _forward_unbiased_variance(Y, gamma, beta, eps):
    return gamma * (Y - Y.mean(axis=0)) / np.sqrt(Y.var(axis=0, ddof=1) + eps) + beta


@batchnorm_output.mistake(
    "the squared deviations are added up and not averaged",
    "Without the division the variance grows with the number of samples.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_sum_of_squares(Y, gamma, beta, eps):
    d = Y - Y.mean(axis=0)
    return gamma * d / np.sqrt(np.sum(d**2, axis=0) + eps) + beta


@batchnorm_output.mistake(
    "the variance is taken about 0 and not about the mean",
    "The mean of Y squared is the variance only where the mean of Y is 0.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_variance_about_zero(Y, gamma, beta, eps):
    return gamma * (Y - Y.mean(axis=0)) / np.sqrt(np.mean(Y**2, axis=0) + eps) + beta


@batchnorm_output.mistake(
    "epsilon is added to the standard deviation, outside of the root",
    "Equation (38) takes the root of v + eps. Only then does epsilon have the unit of a variance.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_epsilon_outside(Y, gamma, beta, eps):
    return gamma * (Y - Y.mean(axis=0)) / (Y.std(axis=0) + eps) + beta


@batchnorm_output.mistake(
    "the deviations are divided by the variance, without its root",
    "Multiply a batch by 10: its deviations grow by 10 and its variance by 100. Which divisor "
    "makes the output stay?",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_not_rooted(Y, gamma, beta, eps):
    return gamma * (Y - Y.mean(axis=0)) / (Y.var(axis=0) + eps) + beta


@batchnorm_output.mistake(
    "epsilon is forgotten",
    "For a feature of large variance the output hardly changes. For one that is constant over the "
    "batch it would be 0 / 0.",
    page="batchnorm/forward#what-epsilon-prevents-zero-over-zero",
)
def _forward_epsilon_forgotten(Y, gamma, beta, eps):
    return gamma * (Y - Y.mean(axis=0)) / Y.std(axis=0) + beta


@batchnorm_output.mistake(
    "the statistics are those of each sample, over its features",
    "That is layer norm. Batch norm asks of one feature how it varies from sample to sample: "
    "along which axis do the samples lie?",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_statistics_over_features(Y, gamma, beta, eps):
    d = Y - Y.mean(axis=1, keepdims=True)
    return gamma * d / np.sqrt(np.mean(d**2, axis=1, keepdims=True) + eps) + beta


@batchnorm_output.mistake(
    "one mean and one variance are taken over the whole array",
    "Without an axis NumPy averages over everything. Each feature has statistics of its own.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_one_mean_for_all(Y, gamma, beta, eps):
    return gamma * (Y - Y.mean()) / np.sqrt(Y.var() + eps) + beta


@batchnorm_output.mistake(
    "the mean and the variance are columns of shape (M, 1), as the homework declares them",
    "The samples are rows, so a column lines up with the samples and not with the features. It "
    "raises an error, except for B = M, where it is wrong without a word.",
    page="batchnorm/forward#rows-against-columns",
)
def _forward_rows_against_columns(Y, gamma, beta, eps):
    m = Y.mean(axis=0)[:, None]
    v = np.mean((Y - m) ** 2, axis=0)[:, None]
    return gamma * (Y - m) / np.sqrt(v + eps) + beta


@batchnorm_output.mistake(
    "the mean is not subtracted",
    "The output is then centred at some multiple of the mean of Y, where it should be at beta.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_mean_not_subtracted(Y, gamma, beta, eps):
    return gamma * Y / np.sqrt(Y.var(axis=0) + eps) + beta


@batchnorm_output.mistake(
    "the scale and the shift are forgotten",
    "This is the normalized value. The layer lets the network choose another scale and place.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_scale_and_shift_forgotten(Y, gamma, beta, eps):
    return (Y - Y.mean(axis=0)) / np.sqrt(Y.var(axis=0) + eps)


@batchnorm_output.mistake(
    "gamma multiplies the shift as well",
    "Scale first, then shift: the batch mean of the output is to be beta.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _forward_shift_scaled(Y, gamma, beta, eps):
    return gamma * ((Y - Y.mean(axis=0)) / np.sqrt(Y.var(axis=0) + eps) + beta)


# The backward pass -----------------------------------------------------------------------------

batchnorm_gradients = Problem(
    "batchnorm_gradients",
    "2.3",
    "Batch norm, backward",
    """
    Check the gradients of ReLU(batch norm) with respect to all that goes into it.

    Your function gets the gradient `dH` (B, M) of the loss behind the ReLU, the input `Y` (B, M) of
    batch norm with one sample a row, `gamma` (M,), `beta` (M,) and `eps`. It returns dgamma (M,),
    dbeta (M,), dm (M,), dv (M,) and dY (B, M), in this order; None stands for a gradient that you
    have not derived yet. dm is the gradient with respect to the batch mean at a fixed variance;
    dY counts every path from the input to the loss.
    """,
    page="batchnorm/gradient_input",
    parts=("dgamma", "dbeta", "dm", "dv", "dY"),
    points=(4, 4, 4, 4, 4),
)


@batchnorm_gradients.drawn_by
def _draw_backward(rng, i):
    B, M = _batch_shape(rng, i)
    beta = _printable(rng.uniform(-0.8, 0.8, M))
    return (
        _printable(rng.normal(size=(B, M))),
        _batch(rng, B, M),
        _scale(rng, M),
        beta,
        _epsilon(rng),
    )


@batchnorm_gradients.solved_by
def _solve_backward(dH, Y, gamma, beta, eps):
    Y_hat, cache = reference.batchnorm_forward(Y, gamma, beta, eps)
    dY_hat = dH * (Y_hat > 0)
    dY, dgamma, dbeta = reference.batchnorm_backward(dY_hat, cache)
    return dgamma, dbeta, *reference.batchnorm_statistics_backward(dY_hat, cache), dY


def _pieces(dH, Y, gamma, beta, eps):
    """Compute what the formulas are made of: G, the deviations from the mean, s and x_hat."""
    d = Y - Y.mean(axis=0)
    s = np.sqrt(np.mean(d**2, axis=0) + eps)
    return dH * (gamma * d / s + beta > 0), d, s, d / s


def _formulas(G, gamma, s, x_hat):
    """Put pieces, right or wrong ones, into (53), (57), (61), (65) and (78)."""
    B = len(G)
    dgamma, dbeta = np.sum(G * x_hat, axis=0), np.sum(G, axis=0)
    dm, dv = -gamma / s * dbeta, -gamma / (2 * s**2) * dgamma
    return dgamma, dbeta, dm, dv, gamma / s * G + dm / B + 2 * s * x_hat / B * dv


def _but(right, **wrong):
    """Replace some of the right parts of `batchnorm_gradients` by wrong ones."""
    names = batchnorm_gradients.parts
    return tuple(wrong.get(name, value) for name, value in zip(names, right, strict=True))


@batchnorm_gradients.mistake(
    "the mask of the ReLU is forgotten",
    "Where Y_hat <= 0 the output of the ReLU is 0 and does not move, so nothing flows back there.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _relu_mask_forgotten(dH, Y, gamma, beta, eps):
    _, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    return _formulas(dH, gamma, s, x_hat)


@batchnorm_gradients.mistake(
    "the mask asks whether Y is positive, and not Y_hat",
    "What goes into the ReLU decides what it lets pass. Here batch norm stands in front of it.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _mask_of_the_input(dH, Y, gamma, beta, eps):
    _, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    return _formulas(dH * (Y > 0), gamma, s, x_hat)


@batchnorm_gradients.mistake(
    "the mask asks whether the normalized value is positive, before scale and shift",
    "The scale may change its sign and the shift moves it. What goes into the ReLU is Y_hat.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _mask_of_the_normalized_value(dH, Y, gamma, beta, eps):
    _, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    return _formulas(dH * (x_hat > 0), gamma, s, x_hat)


@batchnorm_gradients.mistake(
    "the sums over the batch are taken as means",
    "The loss depends on the parameter through every sample, and the chain rule adds what comes "
    "through each of them. A mean belongs to the loss, if it has one, and is in dH already.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _means_for_sums(dH, Y, gamma, beta, eps):
    *parameters, dY = _solve_backward(dH, Y, gamma, beta, eps)
    return *(gradient / len(Y) for gradient in parameters), dY


@batchnorm_gradients.mistake(
    "the sums run over the features and not over the batch",
    "gamma, beta, m and v belong to one feature each and are shared by the samples. Which axis "
    "disappears in the sum?",
    page="batchnorm/gradients_parameters#the-scale",
)
def _sums_over_the_features(dH, Y, gamma, beta, eps):
    G, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    terms = G * x_hat, G, -gamma / s * G, -gamma / (2 * s**2) * G * x_hat
    dY = _solve_backward(dH, Y, gamma, beta, eps)[-1]
    return *(np.sum(term, axis=1) for term in terms), dY


@batchnorm_gradients.mistake(
    "the statistics are those of each sample, over its features",
    "That is layer norm. Batch norm takes mean and variance of one feature over the samples.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _statistics_over_the_features(dH, Y, gamma, beta, eps):
    d = Y - Y.mean(axis=1, keepdims=True)
    s = np.sqrt(np.mean(d**2, axis=1, keepdims=True) + eps)
    x_hat = d / s
    G = dH * (gamma * x_hat + beta > 0)
    T = gamma * G
    dm, dv = -np.sum(T / s, axis=1), -np.sum(T * d / (2 * s**3), axis=1)
    paths = T.mean(axis=1, keepdims=True) + x_hat * np.mean(T * x_hat, axis=1, keepdims=True)
    return np.sum(G * x_hat, axis=0), np.sum(G, axis=0), dm, dv, (T - paths) / s


@batchnorm_gradients.mistake(
    "the variance is divided by B - 1",
    "Batch norm divides by B, in (37): the batch itself is to have mean square 1. With another "
    "variance x_hat and s are others, and with them all that follows.",
    page="batchnorm/forward#why-the-variance-is-divided-by-b",
)
def _unbiased_variance(dH, Y, gamma, beta, eps):
    d = Y - Y.mean(axis=0)
    s = np.sqrt(Y.var(axis=0, ddof=1) + eps)
    return _formulas(dH * (gamma * d / s + beta > 0), gamma, s, d / s)


@batchnorm_gradients.mistake(
    "the variance is divided by B - 1, in the forward pass and in its derivative",
    "The derivative is right, the function is not: (37) divides by B. torch.var divides by "
    "B - 1 unless it is told otherwise.",
    page="batchnorm/forward#why-the-variance-is-divided-by-b",
)
def _unbiased_variance_differentiated(dH, Y, gamma, beta, eps):
    d = Y - Y.mean(axis=0)
    s = np.sqrt(Y.var(axis=0, ddof=1) + eps)
    G, x_hat = dH * (gamma * d / s + beta > 0), d / s
    stretch = x_hat * np.sum(G * x_hat, axis=0) / (len(Y) - 1)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dY=gamma / s * (G - G.mean(axis=0) - stretch))


@batchnorm_gradients.mistake(
    "epsilon is forgotten",
    "It is part of the divisor in (38), so it is part of x_hat and of every derivative.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _epsilon_forgotten(dH, Y, gamma, beta, eps):
    return _solve_backward(dH, Y, gamma, beta, 0.0)


@batchnorm_gradients.mistake(
    "epsilon is in the forward pass, but not in the derivatives",
    "The derivative of (v + eps)**(-1/2) with respect to v still contains v + eps.",
    page="batchnorm/gradients_parameters#the-variance",
)
def _epsilon_forgotten_on_the_way_back(dH, Y, gamma, beta, eps):
    G, d, _, x_hat = _pieces(dH, Y, gamma, beta, eps)
    _, _, dm, dv, dY = _formulas(G, gamma, np.std(Y, axis=0), d / np.std(Y, axis=0))
    return np.sum(G * x_hat, axis=0), np.sum(G, axis=0), dm, dv, dY


@batchnorm_gradients.mistake(
    "epsilon is added to the standard deviation, outside of the root",
    "Equation (38) takes the root of v + eps.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _epsilon_outside_of_the_root(dH, Y, gamma, beta, eps):
    d = Y - Y.mean(axis=0)
    s = Y.std(axis=0) + eps
    return _formulas(dH * (gamma * d / s + beta > 0), gamma, s, d / s)


@batchnorm_gradients.mistake(
    "gamma is forgotten",
    "The loss feels m, v and Y only through gamma times the normalized value.",
    page="batchnorm/gradients_parameters#the-mean",
)
def _gamma_forgotten(dH, Y, gamma, beta, eps):
    G, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    return _formulas(G, 1.0, s, x_hat)


@batchnorm_gradients.mistake(
    "the gradient of beta is multiplied by gamma",
    "Beta is added after the scale. By how much does Y_hat move if beta grows by 0.1?",
    page="batchnorm/gradients_parameters#the-shift",
)
def _shift_multiplied_by_gamma(dH, Y, gamma, beta, eps):
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dbeta=gamma * right[1])


@batchnorm_gradients.mistake(
    "the output Y_hat stands where the normalized value belongs",
    "What multiplies gamma in (38)? The shift is not part of it, and gamma itself is not either.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _output_for_the_normalized_value(dH, Y, gamma, beta, eps):
    G, _, _, x_hat = _pieces(dH, Y, gamma, beta, eps)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dgamma=np.sum(G * (gamma * x_hat + beta), axis=0))


@batchnorm_gradients.mistake(
    "the deviation from the mean stands where the normalized value belongs",
    "What multiplies gamma in (38)? The deviation has been divided by s before gamma meets it.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _deviation_for_the_normalized_value(dH, Y, gamma, beta, eps):
    G, d, _, _ = _pieces(dH, Y, gamma, beta, eps)
    return _but(_solve_backward(dH, Y, gamma, beta, eps), dgamma=np.sum(G * d, axis=0))


@batchnorm_gradients.mistake(
    "the variance is written as mean(Y**2) - m**2 and m is moved in it",
    "Written like this the variance has a slope in m, which the other term takes back when Y "
    "moves. The task asks for m at a fixed variance: by how many ways does it reach the loss?",
    page="batchnorm/gradients_parameters#three-programs-two-answers",
)
def _shortcut_variance(dH, Y, gamma, beta, eps):
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dm=right[2] - 2 * Y.mean(axis=0) * right[3])


@batchnorm_gradients.mistake(
    "the exponent -1/2 does not come down as a factor",
    "The derivative of u**a is a * u**(a - 1). What is a here?",
    page="batchnorm/gradients_parameters#the-variance",
)
def _half_lost(dH, Y, gamma, beta, eps):
    G, d, s, _ = _pieces(dH, Y, gamma, beta, eps)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    wrong = -gamma / s**3 * np.sum(G * d, axis=0)
    return _but(right, dv=wrong, dY=right[4] + 2 * d / len(Y) * (wrong - right[3]))


@batchnorm_gradients.mistake(
    "the sign of the exponent -1/2 is lost",
    "If the variance grows, do the normalized values move away from 0 or towards it?",
    page="batchnorm/gradients_parameters#the-variance",
)
def _sign_of_the_exponent_lost(dH, Y, gamma, beta, eps):
    *statistics, dv, dY = _solve_backward(dH, Y, gamma, beta, eps)
    return *statistics, -dv, dY - 4 * (Y - Y.mean(axis=0)) / len(Y) * dv


@batchnorm_gradients.mistake(
    "the exponent -1/2 comes down, but is not lowered by 1",
    "The derivative of u**a is a * u**(a - 1). With the exponent left as it is, the units of dv "
    "do not fit either: loss over squared units of Y.",
    page="batchnorm/gradients_parameters#the-variance",
)
def _exponent_not_lowered(dH, Y, gamma, beta, eps):
    G, d, s, _ = _pieces(dH, Y, gamma, beta, eps)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    wrong = -gamma / (2 * s) * np.sum(G * d, axis=0)
    return _but(right, dv=wrong, dY=right[4] + 2 * d / len(Y) * (wrong - right[3]))


@batchnorm_gradients.mistake(
    "the variance is treated as a constant",
    "The variance is computed from Y, so Y also reaches the loss through it: the third path.",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _variance_held_constant(dH, Y, gamma, beta, eps):
    G, _, s, _ = _pieces(dH, Y, gamma, beta, eps)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dY=gamma / s * (G - G.mean(axis=0)))


@batchnorm_gradients.mistake(
    "the mean is treated as a constant",
    "The mean is computed from Y. If one sample moves, the mean moves a little, and with it the "
    "outputs of all samples. One sign: the columns of your dY do not add up to 0.",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _mean_held_constant(dH, Y, gamma, beta, eps):
    G, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dY=gamma / s * (G - x_hat * np.mean(G * x_hat, axis=0)))


@batchnorm_gradients.mistake(
    "both the mean and the variance are treated as constants",
    "That would be the gradient of a fixed affine map, as at inference. In training both are "
    "computed from Y: how many paths lead from one entry of Y to the loss?",
    page="batchnorm/gradient_input#every-sample-reaches-every-sample",
)
def _mean_and_variance_held_constant(dH, Y, gamma, beta, eps):
    G, _, s, _ = _pieces(dH, Y, gamma, beta, eps)
    return _but(_solve_backward(dH, Y, gamma, beta, eps), dY=gamma / s * G)


@batchnorm_gradients.mistake(
    "the path through the mean lacks its 1 / B",
    "Move one sample by 1. By how much does the mean of B samples move?",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _mean_path_without_one_over_b(dH, Y, gamma, beta, eps):
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dY=right[4] + right[2] * (1 - 1 / len(Y)))


@batchnorm_gradients.mistake(
    "the path through the variance lacks its 1 / B",
    "The variance is a mean of B squares, and one entry of Y is in one of them (its effect "
    "through the mean cancels).",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _variance_path_without_one_over_b(dH, Y, gamma, beta, eps):
    right = _solve_backward(dH, Y, gamma, beta, eps)
    path = 2 * (Y - Y.mean(axis=0)) * right[3]
    return _but(right, dY=right[4] + path * (1 - 1 / len(Y)))


@batchnorm_gradients.mistake(
    "the path through the variance lacks the 2 of the square",
    "Differentiate the squares in (37) with respect to one entry of Y once more.",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _square_without_its_two(dH, Y, gamma, beta, eps):
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dY=right[4] - (Y - Y.mean(axis=0)) / len(Y) * right[3])


@batchnorm_gradients.mistake(
    "1 / B is taken out of the bracket, but the direct term is not multiplied by B",
    "The two sums carry a 1 / B and the direct term does not. With a common 1 / B in front, what "
    "has to stand before G?",
    page="batchnorm/gradient_input#from-the-jacobian-to-the-gradient",
)
def _direct_term_divided_by_b(dH, Y, gamma, beta, eps):
    G, _, s, _ = _pieces(dH, Y, gamma, beta, eps)
    right = _solve_backward(dH, Y, gamma, beta, eps)
    return _but(right, dY=right[4] - gamma / s * G * (1 - 1 / len(Y)))


@batchnorm_gradients.mistake(
    "the misplaced bracket of the printed (74) is read literally",
    "There gamma multiplies the first sum only. Both sums are part of the derivative of Y_hat, "
    "and gamma multiplies all of it.",
    page="batchnorm/gradient_input#from-the-jacobian-to-the-gradient",
)
def _gamma_on_the_first_sum_only(dH, Y, gamma, beta, eps):
    G, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    dY = gamma / s * (G - G.mean(axis=0)) - x_hat / s * np.mean(G * x_hat, axis=0)
    return _but(_solve_backward(dH, Y, gamma, beta, eps), dY=dY)


@batchnorm_gradients.mistake(
    "the printed (68) is read literally, with k as the free and the summed index at once",
    "It adds up the derivatives of each output by its own input, so that every sample gets the "
    "same number. Which entry of Y is held and over which outputs does the sum run?",
    page="batchnorm/gradient_input#every-sample-reaches-every-sample",
)
def _diagonal_of_the_jacobian(dH, Y, gamma, beta, eps):
    G, _, s, x_hat = _pieces(dH, Y, gamma, beta, eps)
    diagonal = gamma / s * (1 - 1 / len(Y) - x_hat**2 / len(Y))
    dY = np.tile(np.sum(G * diagonal, axis=0), (len(Y), 1))
    return _but(_solve_backward(dH, Y, gamma, beta, eps), dY=dY)


# Layer norm ------------------------------------------------------------------------------------

layernorm_backward = Problem(
    "layernorm_backward",
    "beyond 2.3",
    "Layer norm, backward",
    """
    Check the gradients of layer norm, which normalizes each sample over its own features.

    Forward, with mean and biased variance of each row of Y: Y_hat = gamma * (Y - mean) /
    sqrt(variance + eps) + beta. Your function gets the gradient `dY_hat` (B, M) of the loss with
    respect to the output, the input `Y` (B, M), `gamma` (M,), one entry a feature, and `eps`. It
    returns dY (B, M), dgamma (M,) and dbeta (M,), in this order; None stands for one that you have
    not derived yet.
    """,
    page="batchnorm/gradient_input",
    parts=("dY", "dgamma", "dbeta"),
)


@layernorm_backward.drawn_by
def _draw_layernorm(rng, i):
    B, M = _batch_shape(rng, i)
    M = max(M, 3)  # with two features the normalized values are fixed up to their sign
    Y = _printable(_batch(rng, B, M) + rng.uniform(-1.0, 1.0, (B, 1)))
    return _printable(rng.normal(size=(B, M))), Y, _scale(rng, M), _epsilon(rng)


@layernorm_backward.solved_by
def _solve_layernorm(dY_hat, Y, gamma, eps):
    # The rows of Y are the features of a batch norm whose own scale is 1.
    ones = np.ones(len(Y))
    _, cache = reference.batchnorm_forward(np.ascontiguousarray(Y.T), ones, 0 * ones, eps)
    dT, _, _ = reference.batchnorm_backward(np.ascontiguousarray((dY_hat * gamma).T), cache)
    return dT.T, np.sum(dY_hat * cache.x_hat.T, axis=0), np.sum(dY_hat, axis=0)


def _mean(x):
    """Average over the features of a sample."""
    return np.mean(x, axis=1, keepdims=True)


def _layernorm_pieces(Y, eps):
    d = Y - _mean(Y)
    s = np.sqrt(_mean(d**2) + eps)
    return s, d / s


@layernorm_backward.mistake(
    "the statistics are taken over the batch",
    "That is batch norm. In layer norm a sample is normalized by its own features and does not "
    "know of the other samples.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _layernorm_over_the_batch(dY_hat, Y, gamma, eps):
    _, cache = reference.batchnorm_forward(Y, gamma, 0 * gamma, eps)
    return reference.batchnorm_backward(dY_hat, cache)


@layernorm_backward.mistake(
    "gamma is taken out of the means",
    "In batch norm gamma is the same for all that is averaged. Here the mean runs over features, "
    "and each has its own gamma.",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _layernorm_gamma_outside_the_means(dY_hat, Y, gamma, eps):
    s, x_hat = _layernorm_pieces(Y, eps)
    _, dgamma, dbeta = _solve_layernorm(dY_hat, Y, gamma, eps)
    paths = _mean(dY_hat) + x_hat * _mean(dY_hat * x_hat)
    return gamma / s * (dY_hat - paths), dgamma, dbeta


@layernorm_backward.mistake(
    "gamma is forgotten",
    "The loss feels the normalized value only after it has been multiplied by gamma.",
    page="batchnorm/gradients_parameters#the-mean",
)
def _layernorm_gamma_forgotten(dY_hat, Y, gamma, eps):
    _, dgamma, dbeta = _solve_layernorm(dY_hat, Y, gamma, eps)
    return _solve_layernorm(dY_hat, Y, np.ones_like(gamma), eps)[0], dgamma, dbeta


@layernorm_backward.mistake(
    "the variance of the sample is treated as a constant",
    "It is computed from the features of the sample, so each of them also acts through it.",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _layernorm_variance_held_constant(dY_hat, Y, gamma, eps):
    s, _ = _layernorm_pieces(Y, eps)
    T = dY_hat * gamma
    return (T - _mean(T)) / s, *_solve_layernorm(dY_hat, Y, gamma, eps)[1:]


@layernorm_backward.mistake(
    "the mean of the sample is treated as a constant",
    "It is computed from the features of the sample. Add the same number to all of them: what "
    "happens to the output, and what must the rows of dY add up to?",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _layernorm_mean_held_constant(dY_hat, Y, gamma, eps):
    s, x_hat = _layernorm_pieces(Y, eps)
    T = dY_hat * gamma
    return (T - x_hat * _mean(T * x_hat)) / s, *_solve_layernorm(dY_hat, Y, gamma, eps)[1:]


@layernorm_backward.mistake(
    "both statistics of the sample are treated as constants",
    "Both are computed from the features of the sample, so there are two more paths.",
    page="batchnorm/gradient_input#every-sample-reaches-every-sample",
)
def _layernorm_statistics_held_constant(dY_hat, Y, gamma, eps):
    s, _ = _layernorm_pieces(Y, eps)
    return dY_hat * gamma / s, *_solve_layernorm(dY_hat, Y, gamma, eps)[1:]


@layernorm_backward.mistake(
    "the sums over the features are divided by the number of samples",
    "The statistics of a sample are means over its M features. B does not occur in dY.",
    page="batchnorm/gradient_input#from-the-jacobian-to-the-gradient",
)
def _layernorm_divided_by_b(dY_hat, Y, gamma, eps):
    s, x_hat = _layernorm_pieces(Y, eps)
    T, ratio = dY_hat * gamma, Y.shape[1] / len(Y)
    paths = ratio * (_mean(T) + x_hat * _mean(T * x_hat))
    return (T - paths) / s, *_solve_layernorm(dY_hat, Y, gamma, eps)[1:]


@layernorm_backward.mistake(
    "the gradients of gamma and beta are summed over the features",
    "The statistics changed their axis, the parameters did not: gamma and beta still have one "
    "entry a feature, shared by all samples.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _layernorm_parameters_over_features(dY_hat, Y, gamma, eps):
    _, x_hat = _layernorm_pieces(Y, eps)
    dY = _solve_layernorm(dY_hat, Y, gamma, eps)[0]
    return dY, np.sum(dY_hat * x_hat, axis=1), np.sum(dY_hat, axis=1)


@layernorm_backward.mistake(
    "epsilon is forgotten",
    "It is part of the divisor, so it is part of the normalized value and of its derivative.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _layernorm_epsilon_forgotten(dY_hat, Y, gamma, eps):
    return _solve_layernorm(dY_hat, Y, gamma, 0.0)


@layernorm_backward.mistake(
    "the variance is divided by M - 1",
    "Layer norm takes the biased variance, a plain mean over the M features.",
    page="batchnorm/forward#why-the-variance-is-divided-by-b",
)
def _layernorm_unbiased_variance(dY_hat, Y, gamma, eps):
    s = np.sqrt(np.var(Y, axis=1, ddof=1, keepdims=True) + eps)
    x_hat, T = (Y - _mean(Y)) / s, dY_hat * gamma
    dY = (T - _mean(T) - x_hat * _mean(T * x_hat)) / s
    return dY, np.sum(dY_hat * x_hat, axis=0), np.sum(dY_hat, axis=0)


# RMS norm --------------------------------------------------------------------------------------

rmsnorm_backward = Problem(
    "rmsnorm_backward",
    "beyond 2.3",
    "RMS norm, backward",
    """
    Check the gradient of RMS norm, which divides each sample by its root mean square.

    Forward, for each row of Y: Y_hat = gamma * Y / r with r = sqrt(mean(Y**2) + eps), the mean over
    the features; no mean is subtracted. Your function gets the gradient `dY_hat` (B, M) of the loss
    with respect to the output, the input `Y` (B, M), `gamma` (M,) and `eps`. It returns dY (B, M).
    """,
    page="batchnorm/gradient_input",
    parts=("dY",),
)


@rmsnorm_backward.drawn_by
def _draw_rmsnorm(rng, i):
    return _draw_layernorm(rng, i)


@rmsnorm_backward.solved_by
def _solve_rmsnorm(dY_hat, Y, gamma, eps):
    r = np.sqrt(_mean(Y**2) + eps)
    n, T = Y / r, dY_hat * gamma
    return (T - n * _mean(T * n)) / r


@rmsnorm_backward.mistake(
    "the root mean square is treated as a constant",
    "It is computed from the features of the sample, so each of them also acts through it.",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _rmsnorm_root_held_constant(dY_hat, Y, gamma, eps):
    return dY_hat * gamma / np.sqrt(_mean(Y**2) + eps)


@rmsnorm_backward.mistake(
    "the gradient of layer norm is given",
    "RMS norm subtracts no mean and measures the spread about 0. One path is gone, and the other "
    "starts from another number.",
    page="batchnorm/gradient_input#every-sample-reaches-every-sample",
)
def _rmsnorm_as_layernorm(dY_hat, Y, gamma, eps):
    return _solve_layernorm(dY_hat, Y, gamma, eps)[0]


@rmsnorm_backward.mistake(
    "there is a path through a mean that the forward pass does not have",
    "The mean of the gradient is subtracted where the forward pass subtracts a mean. Does it?",
    page="batchnorm/gradient_input#every-sample-reaches-every-sample",
)
def _rmsnorm_with_a_mean_path(dY_hat, Y, gamma, eps):
    r = np.sqrt(_mean(Y**2) + eps)
    return _solve_rmsnorm(dY_hat, Y, gamma, eps) - _mean(dY_hat * gamma) / r


@rmsnorm_backward.mistake(
    "gamma is taken out of the mean",
    "The mean runs over features, and each has its own gamma.",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _rmsnorm_gamma_outside_the_mean(dY_hat, Y, gamma, eps):
    return gamma * _solve_rmsnorm(dY_hat, Y, np.ones_like(gamma), eps)


@rmsnorm_backward.mistake(
    "gamma is forgotten",
    "The loss feels the normalized value only after it has been multiplied by gamma.",
    page="batchnorm/gradients_parameters#the-mean",
)
def _rmsnorm_gamma_forgotten(dY_hat, Y, gamma, eps):
    return _solve_rmsnorm(dY_hat, Y, np.ones_like(gamma), eps)


@rmsnorm_backward.mistake(
    "epsilon is forgotten",
    "It is part of the divisor, so it is part of the normalized value and of its derivative.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _rmsnorm_epsilon_forgotten(dY_hat, Y, gamma, eps):
    return _solve_rmsnorm(dY_hat, Y, gamma, 0.0)


@rmsnorm_backward.mistake(
    "the input stands where the normalized value belongs",
    "Differentiate 1 / r carefully: how many powers of r are there in the end?",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _rmsnorm_input_not_normalized(dY_hat, Y, gamma, eps):
    T = dY_hat * gamma
    return (T - Y * _mean(T * Y)) / np.sqrt(_mean(Y**2) + eps)


@rmsnorm_backward.mistake(
    "the path through the root mean square lacks its 1 / M",
    "The mean square averages M squares, and one feature is in one of them.",
    page="batchnorm/gradient_input#the-jacobian-of-batch-norm",
)
def _rmsnorm_sum_for_mean(dY_hat, Y, gamma, eps):
    r = np.sqrt(_mean(Y**2) + eps)
    n, T = Y / r, dY_hat * gamma
    return (T - n * np.sum(T * n, axis=1, keepdims=True)) / r


@rmsnorm_backward.mistake(
    "the mean square is taken over the batch",
    "RMS norm normalizes each sample by its own features, as layer norm does.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _rmsnorm_over_the_batch(dY_hat, Y, gamma, eps):
    r = np.sqrt(np.mean(Y**2, axis=0) + eps)
    n, T = Y / r, dY_hat * gamma
    return (T - n * np.mean(T * n, axis=0)) / r


# Batch norm after the ReLU ---------------------------------------------------------------------

relu_batchnorm_backward = Problem(
    "relu_batchnorm_backward",
    "beyond 2.3",
    "Batch norm after the ReLU, backward",
    """
    Check the gradient of batch norm that stands after the ReLU, and not before it.

    Forward: Y = max(0, Z), then batch norm of Y over the batch, with (36) to (38). Your function
    gets the gradient `dY_hat` (B, M) of the loss with respect to the output of batch norm, the
    input `Z` (B, M) of the ReLU with one sample a row, `gamma` (M,) and `eps`. It returns
    dZ (B, M).
    """,
    page="batchnorm/gradient_input",
    parts=("dZ",),
)


@relu_batchnorm_backward.drawn_by
def _draw_relu_batchnorm(rng, i):
    B, M = _batch_shape(rng, i)
    Z = _printable(rng.normal(size=(B, M)))
    # Both signs in every column: a column that the ReLU blocks has no variance without epsilon.
    Z[0], Z[1] = np.abs(Z[0]), -np.abs(Z[1])
    return _printable(rng.normal(size=(B, M))), Z, _scale(rng, M), _epsilon(rng)


@relu_batchnorm_backward.solved_by
def _solve_relu_batchnorm(dY_hat, Z, gamma, eps):
    return _batchnorm_input_gradient(dY_hat, np.maximum(Z, 0), gamma, eps) * (Z > 0)


def _batchnorm_input_gradient(dY_hat, Y, gamma, eps):
    _, cache = reference.batchnorm_forward(Y, gamma, 0 * gamma, eps)
    return reference.batchnorm_backward(dY_hat, cache)[0]


@relu_batchnorm_backward.mistake(
    "the mask of the ReLU is forgotten",
    "This is the gradient with respect to Y. Between Y and Z there is still the ReLU.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _after_relu_mask_forgotten(dY_hat, Z, gamma, eps):
    return _batchnorm_input_gradient(dY_hat, np.maximum(Z, 0), gamma, eps)


@relu_batchnorm_backward.mistake(
    "the mask is applied before batch norm is differentiated, as in question 2.3",
    "The backward pass takes the forward pass in reverse. Here batch norm came last.",
    page="batchnorm/gradients_parameters#the-setting",
)
def _after_relu_mask_first(dY_hat, Z, gamma, eps):
    return _batchnorm_input_gradient(dY_hat * (Z > 0), np.maximum(Z, 0), gamma, eps)


@relu_batchnorm_backward.mistake(
    "the mask is applied twice, before and after batch norm",
    "Where the ReLU gives 0 the output of batch norm is not 0, and its gradient acts on the "
    "others through the mean and the variance. Only one ReLU is passed on the way back.",
    page="batchnorm/gradients_parameters#the-setting",
)
def _after_relu_mask_twice(dY_hat, Z, gamma, eps):
    return _after_relu_mask_first(dY_hat, Z, gamma, eps) * (Z > 0)


@relu_batchnorm_backward.mistake(
    "batch norm is computed from Z and not from the output of the ReLU",
    "What goes into batch norm here is max(0, Z): another mean, another variance.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _after_relu_statistics_of_z(dY_hat, Z, gamma, eps):
    return _batchnorm_input_gradient(dY_hat, Z, gamma, eps) * (Z > 0)


@relu_batchnorm_backward.mistake(
    "the mask asks whether the normalized value is positive",
    "What goes into the ReLU decides what it lets pass. Here that is Z.",
    page="batchnorm/gradients_parameters#the-scale",
)
def _after_relu_mask_of_the_output(dY_hat, Z, gamma, eps):
    Y = np.maximum(Z, 0)
    return _batchnorm_input_gradient(dY_hat, Y, gamma, eps) * (Y.mean(axis=0) < Y)


@relu_batchnorm_backward.mistake(
    "the mean and the variance are treated as constants",
    "Both are computed from the outputs of the ReLU, so there are two more paths.",
    page="batchnorm/gradient_input#every-sample-reaches-every-sample",
)
def _after_relu_statistics_held_constant(dY_hat, Z, gamma, eps):
    return gamma / np.sqrt(np.maximum(Z, 0).var(axis=0) + eps) * dY_hat * (Z > 0)


@relu_batchnorm_backward.mistake(
    "the variance is treated as a constant",
    "It is computed from the outputs of the ReLU, so they also act through it.",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _after_relu_variance_held_constant(dY_hat, Z, gamma, eps):
    s = np.sqrt(np.maximum(Z, 0).var(axis=0) + eps)
    return gamma / s * (dY_hat - dY_hat.mean(axis=0)) * (Z > 0)


@relu_batchnorm_backward.mistake(
    "the mean is treated as a constant",
    "It is computed from the outputs of the ReLU, so they also act through it.",
    page="batchnorm/gradient_input#what-if-you-forget-a-path",
)
def _after_relu_mean_held_constant(dY_hat, Z, gamma, eps):
    Y = np.maximum(Z, 0)
    s = np.sqrt(Y.var(axis=0) + eps)
    dZ = _solve_relu_batchnorm(dY_hat, Z, gamma, eps)
    return dZ + gamma / s * dY_hat.mean(axis=0) * (Z > 0)


@relu_batchnorm_backward.mistake(
    "epsilon is forgotten",
    "It is part of the divisor in (38), so it is part of x_hat and of every derivative.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _after_relu_epsilon_forgotten(dY_hat, Z, gamma, eps):
    return _solve_relu_batchnorm(dY_hat, Z, gamma, 0.0)


@relu_batchnorm_backward.mistake(
    "gamma is forgotten",
    "The loss feels the normalized value only after it has been multiplied by gamma.",
    page="batchnorm/gradients_parameters#the-mean",
)
def _after_relu_gamma_forgotten(dY_hat, Z, gamma, eps):
    return _solve_relu_batchnorm(dY_hat, Z, np.ones_like(gamma), eps)


# Folding into the linear layer -----------------------------------------------------------------

fold_batchnorm = Problem(
    "fold_batchnorm",
    "beyond 2.3",
    "Batch norm folded into the linear layer",
    """
    Check the linear layer that does the work of a linear layer and batch norm at inference.

    At inference the layers compute Y = X @ W.T + b and Y_hat = gamma * (Y - running_mean) /
    sqrt(running_var + eps) + beta. Your function gets `W` (M, N), one unit a row, `b` (M,),
    `gamma` (M,), `beta` (M,), `running_mean` (M,), `running_var` (M,) and `eps`. It returns
    W_folded (M, N) and b_folded (M,), such that X @ W_folded.T + b_folded is Y_hat for every X;
    None stands for one that you have not derived yet.
    """,
    page="batchnorm/inference#at-inference-it-costs-nothing",
    parts=("W_folded", "b_folded"),
)


@fold_batchnorm.drawn_by
def _draw_fold(rng, i):
    M, N = _batch_shape(rng, i)
    b, beta, mean = _printable(rng.uniform(-2.0, 2.0, (3, M)))
    variance = _printable(rng.uniform(0.2, 3.0, M))
    return (
        _printable(rng.normal(size=(M, N))),
        b,
        _scale(rng, M),
        beta,
        mean,
        variance,
        _epsilon(rng),
    )


@fold_batchnorm.solved_by
def _solve_fold(W, b, gamma, beta, running_mean, running_var, eps):
    s = np.sqrt(running_var + eps)
    b_folded = reference.batchnorm_inference(b[None], gamma, beta, running_mean, running_var, eps)
    return (gamma / s)[:, None] * W, b_folded[0]


@fold_batchnorm.mistake(
    "the factor multiplies the columns of W, the inputs",
    "The factor belongs to a unit, and a unit is a row of W. A plain array lines up with the "
    "columns: an error, except for a square W, where it is wrong without a word.",
    page="batchnorm/forward#rows-against-columns",
)
def _fold_scales_the_columns(W, b, gamma, beta, running_mean, running_var, eps):
    s = np.sqrt(running_var + eps)
    return W * (gamma / s), gamma * (b - running_mean) / s + beta


@fold_batchnorm.mistake(
    "the folded weight has one unit a column",
    "It is to be used as X @ W_folded.T, in the layout of W.",
    page="batchnorm/inference#at-inference-it-costs-nothing",
)
def _fold_transposed(W, b, gamma, beta, running_mean, running_var, eps):
    W_folded, b_folded = _solve_fold(W, b, gamma, beta, running_mean, running_var, eps)
    return W_folded.T, b_folded


@fold_batchnorm.mistake(
    "the bias is left out because batch norm cancels it",
    "In training it cancels, because the batch mean contains it. The running mean is a stored "
    "number: it does not follow when you change b.",
    page="batchnorm/forward#the-bias-in-front-is-redundant",
)
def _fold_bias_cancelled(W, b, gamma, beta, running_mean, running_var, eps):
    W_folded, _ = _solve_fold(W, b, gamma, beta, running_mean, running_var, eps)
    return W_folded, beta - gamma * running_mean / np.sqrt(running_var + eps)


@fold_batchnorm.mistake(
    "the old bias is added without being scaled",
    "Batch norm divides and scales all of Y, and b is part of Y.",
    page="batchnorm/inference#at-inference-it-costs-nothing",
)
def _fold_bias_not_scaled(W, b, gamma, beta, running_mean, running_var, eps):
    W_folded, _ = _solve_fold(W, b, gamma, beta, running_mean, running_var, eps)
    return W_folded, b + beta - gamma * running_mean / np.sqrt(running_var + eps)


@fold_batchnorm.mistake(
    "the running mean is forgotten",
    "Batch norm subtracts it from Y. In one linear layer only the bias can do that.",
    page="batchnorm/inference#at-inference-it-costs-nothing",
)
def _fold_mean_forgotten(W, b, gamma, beta, running_mean, running_var, eps):
    W_folded, _ = _solve_fold(W, b, gamma, beta, running_mean, running_var, eps)
    return W_folded, gamma * b / np.sqrt(running_var + eps) + beta


@fold_batchnorm.mistake(
    "the running mean is added and not subtracted",
    "Put X = 0 into both networks and compare what comes out.",
    page="batchnorm/inference#at-inference-it-costs-nothing",
)
def _fold_mean_added(W, b, gamma, beta, running_mean, running_var, eps):
    return _solve_fold(W, b, gamma, beta, -running_mean, running_var, eps)


@fold_batchnorm.mistake(
    "gamma multiplies the shift as well",
    "Beta is added last, after the scale, and stays as it is.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _fold_shift_scaled(W, b, gamma, beta, running_mean, running_var, eps):
    return _solve_fold(W, b, gamma, gamma * beta, running_mean, running_var, eps)


@fold_batchnorm.mistake(
    "gamma is forgotten",
    "At inference too, the normalized value is scaled by gamma.",
    page="batchnorm/forward#normalize-scale-shift",
)
def _fold_gamma_forgotten(W, b, gamma, beta, running_mean, running_var, eps):
    return _solve_fold(W, b, np.ones_like(gamma), beta, running_mean, running_var, eps)


@fold_batchnorm.mistake(
    "epsilon is forgotten",
    "The network was trained with epsilon in the divisor, so it has to stay there.",
    page="batchnorm/inference#one-sample-many-batches",
)
def _fold_epsilon_forgotten(W, b, gamma, beta, running_mean, running_var, eps):
    return _solve_fold(W, b, gamma, beta, running_mean, running_var, 0.0)


@fold_batchnorm.mistake(
    "the variance is not rooted",
    "What is stored is a variance. Batch norm divides by a root.",
    page="batchnorm/inference#one-sample-many-batches",
)
def _fold_not_rooted(W, b, gamma, beta, running_mean, running_var, eps):
    factor = gamma / (running_var + eps)
    return factor[:, None] * W, factor * (b - running_mean) + beta


# The running variance --------------------------------------------------------------------------

running_variance = Problem(
    "running_variance",
    "beyond 2.3",
    "The running variance",
    """
    Check the running variance of one feature after one more batch, in PyTorch's convention.

    Your function gets the biased variance `v` of the feature over the batch (divided by B), the
    number of samples `B`, the `momentum`, which is the weight of the new batch, and the running
    variance `old` from before the batch. It returns the running variance after it, a number.
    """,
    page="batchnorm/inference#running-statistics",
    parts=("running_var",),
)


@running_variance.drawn_by
def _draw_running_variance(rng, i):
    B = 3 if i == 0 else int(rng.integers(4, 12))
    v, old = _printable(rng.uniform(0.3, 3.0, 2)).tolist()
    # Near 1/2 the weights of the old and of the new hardly differ.
    momentum = round(rng.uniform(0.1, 0.4) if i % 2 == 0 else rng.uniform(0.6, 0.9), 2)
    return v, B, momentum, old


@running_variance.solved_by
def _solve_running_variance(v, B, momentum, old):
    one = np.ones(1)
    cache = reference.BatchNormCache(np.ones((B, 1)), one, one, one, v * one)
    return reference.batchnorm_running_update(one, old * one, cache, momentum)[1][0]


@running_variance.mistake(
    "the biased variance is stored",
    "In training, v describes the batch itself. What is stored is an estimate for batches to "
    "come, and v is too small for that on average.",
    page="batchnorm/inference#running-statistics",
)
def _running_biased(v, B, momentum, old):
    return (1 - momentum) * old + momentum * v


@running_variance.mistake(
    "the weights of the old and the new are exchanged",
    "That is the convention of Keras. In PyTorch the momentum is the weight of the new batch.",
    page="batchnorm/inference#running-statistics",
)
def _running_momentum_exchanged(v, B, momentum, old):
    return momentum * old + (1 - momentum) * v * B / (B - 1)


@running_variance.mistake(
    "the biased variance is stored and the weights are exchanged",
    "Two things at once: which variance estimates that of batches to come, and to whom does "
    "PyTorch's momentum belong?",
    page="batchnorm/inference#running-statistics",
)
def _running_biased_and_exchanged(v, B, momentum, old):
    return momentum * old + (1 - momentum) * v


@running_variance.mistake(
    "the factor that removes the bias is upside down",
    "The biased variance is too small on average. Does your factor make it larger?",
    page="batchnorm/inference#running-statistics",
)
def _running_factor_upside_down(v, B, momentum, old):
    return (1 - momentum) * old + momentum * v * (B - 1) / B


@running_variance.mistake(
    "the bias of the old value is removed once more",
    "The old value is unbiased already. Only what this batch brings has to be corrected.",
    page="batchnorm/inference#running-statistics",
)
def _running_old_corrected_again(v, B, momentum, old):
    return ((1 - momentum) * old + momentum * v) * B / (B - 1)


@running_variance.mistake(
    "the old value keeps its full weight",
    "The weights of an average add up to 1. Yours let the running variance grow without end.",
    page="batchnorm/inference#running-statistics",
)
def _running_old_not_weighted(v, B, momentum, old):
    return old + momentum * v * B / (B - 1)
