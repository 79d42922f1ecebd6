"""Checks for question 3.3, Xavier's and Kaiming's initialization, and what learners get wrong."""

import math

import numpy as np

from hw1check._problem import Problem
from hw1lib import initialization as reference


def _draw_layer(rng, i):
    """Draw fan_in, fan_out and the variance of a weight; some layers are square."""
    fan_in, fan_out = (2, 3) if i == 0 else (int(n) for n in rng.permutation(np.arange(2, 11))[:2])
    return fan_in, fan_out, round(float(rng.uniform(0.1, 0.7)), 2)


forward_factor = Problem(
    "forward_factor",
    "3.3",
    "The forward factor of a ReLU layer",
    """
    Check by which factor a random ReLU layer multiplies the second moment of its input.

    The layer is h_i = max(0, W_i h_(i-1)), without biases. W_i has the shape (fan_out, fan_in);
    its entries are independent of each other and of h_(i-1), have mean 0 and variance `var`, and
    are symmetric: w and -w are equally likely. Of the input only its second moment is known; it
    may have a mean.

    Your function gets `fan_in`, `fan_out` and `var` and returns E[h_i**2] / E[h_(i-1)**2], where
    the second moments are averages over the entries of the vectors.
    """,
    page="backprop/kaiming",
    parts=("factor",),
    points=(4,),
)


@forward_factor.drawn_by
def _draw_forward_factor(rng, i):
    return _draw_layer(rng, i)


@forward_factor.solved_by
def _solve_forward_factor(fan_in, fan_out, var):
    return reference.forward_second_moments([fan_in, fan_out], [math.sqrt(var)])[1]


@forward_factor.mistake(
    "the ReLU is left out",
    "This is the factor of a linear layer, as in Xavier's analysis. How much of the second moment "
    "of a symmetric pre-activation does the ReLU let through?",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _relu_left_out(fan_in, fan_out, var):
    return fan_in * var


@forward_factor.mistake(
    "the fan-out stands where the fan-in belongs",
    "Going forward, one entry of W_i h_(i-1) is a sum. Over how many terms does it run?",
    page="backprop/xavier#forward-the-fan-in",
)
def _fan_out_in_the_forward_pass(fan_in, fan_out, var):
    return fan_out * var / 2


@forward_factor.mistake(
    "the variance of h_i is taken for its second moment",
    "A ReLU's output has a mean above 0, so its variance is smaller than its second moment. Only "
    "the second moment follows a rule from layer to layer that holds for all symmetric weights.",
    page="backprop/kaiming#the-second-moment-not-the-variance",
)
def _variance_for_second_moment(fan_in, fan_out, var):
    return fan_in * var * (1 / 2 - 1 / (2 * math.pi))


@forward_factor.mistake(
    "the one half is squared",
    "h_i is not half of z_i. It is z_i or 0, so its square is z_i**2 or 0: which share of "
    "E[z_i**2] stays?",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _half_squared(fan_in, fan_out, var):
    return fan_in * var / 4


@forward_factor.mistake(
    "`var` is taken for a standard deviation",
    "It is the variance of a weight already, so it is not squared again.",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _variance_squared(fan_in, fan_out, var):
    return fan_in * var**2 / 2


@forward_factor.mistake(
    "the root of the factor is returned",
    "That is by how much the typical size of an activation changes. The question asks for the "
    "ratio of the second moments, which are squares.",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _root_of_the_forward_factor(fan_in, fan_out, var):
    return math.sqrt(fan_in * var / 2)


backward_factor = Problem(
    "backward_factor",
    "3.3",
    "The backward factor of a ReLU layer",
    """
    Check by which factor a random ReLU layer multiplies the second moment of a gradient.

    The layer is h_i = max(0, W_i h_(i-1)), without biases, and h_(i-1) is not 0. W_i has the shape
    (fan_out, fan_in); its entries are independent of each other and of h_(i-1), have mean 0 and
    variance `var`, and are symmetric (with a density). The gradient of the loss with respect to
    h_i is independent of W_i; its entries have mean 0, the same second moment, and are
    uncorrelated.

    Your function gets `fan_in`, `fan_out` and `var` and returns E[(dl/dh_(i-1))**2] /
    E[(dl/dh_i)**2], where the second moments are averages over the entries of the vectors.
    """,
    page="backprop/kaiming_backward",
    parts=("factor",),
    points=(4,),
)


@backward_factor.drawn_by
def _draw_backward_factor(rng, i):
    return _draw_layer(rng, i)


@backward_factor.solved_by
def _solve_backward_factor(fan_in, fan_out, var):
    return reference.backward_second_moments([fan_in, fan_out], [math.sqrt(var)])[0]


@backward_factor.mistake(
    "the number of terms is the fan-in, as the printed (96) says",
    "Going back, one entry of the gradient is a sum over the units that used it. How many units "
    "does h_(i-1)[k] feed?",
    page="backprop/kaiming_backward#one-layer-back",
)
def _fan_in_in_the_backward_pass(fan_in, fan_out, var):
    return fan_in * var / 2


@backward_factor.mistake(
    "the gradient is assumed to keep its size",
    "The homework says that one choice of the variance balances both directions. But the factor "
    "depends on var and on a width: for which var would it be 1?",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _gradient_taken_as_level(fan_in, fan_out, var):
    return 1.0


@backward_factor.mistake(
    "the mask of the ReLU is left out",
    "Where a unit is off it passes no gradient back. This is the factor of a linear layer.",
    page="backprop/kaiming_backward#one-layer-back",
)
def _mask_left_out(fan_in, fan_out, var):
    return fan_out * var


@backward_factor.mistake(
    "the one half of the mask is squared",
    "The mask is 0 or 1, so its square is the mask itself, and its mean counts once.",
    page="backprop/kaiming_backward#one-layer-back",
)
def _mask_squared(fan_in, fan_out, var):
    return fan_out * var / 4


@backward_factor.mistake(
    "`var` is taken for a standard deviation",
    "It is the variance of a weight already, so it is not squared again.",
    page="backprop/kaiming_backward#one-layer-back",
)
def _variance_squared_on_the_way_back(fan_in, fan_out, var):
    return fan_out * var**2 / 2


@backward_factor.mistake(
    "the root of the factor is returned",
    "That is by how much the typical size of a gradient changes. The question asks for the ratio "
    "of the second moments, which are squares.",
    page="backprop/kaiming_backward#one-layer-back",
)
def _root_of_the_backward_factor(fan_in, fan_out, var):
    return math.sqrt(fan_out * var / 2)


def _draw_fans(rng, i):
    # In no case one fan is the other or the square of the other.
    fan_in, fan_out = (3, 5) if i == 0 else (int(n) for n in rng.permutation(np.arange(5, 80))[:2])
    return fan_in, fan_out


kaiming_stds = Problem(
    "kaiming_stds",
    "3.3",
    "Kaiming's standard deviations",
    """
    Check the standard deviation of the weights with which a ReLU layer keeps its signal level.

    The layer is that of `forward_factor` and `backward_factor`: W_i has the shape (fan_out,
    fan_in) and its entries have mean 0.

    Your function gets `fan_in` and `fan_out` and returns two standard deviations (not variances)
    of a weight: std_fan_in, with which E[h_i**2] = E[h_(i-1)**2] in the forward pass, and
    std_fan_out, with which E[(dl/dh_(i-1))**2] = E[(dl/dh_i)**2] in the backward pass.
    """,
    page="backprop/kaiming",
    parts=("std_fan_in", "std_fan_out"),
    points=(4, 3),
)


@kaiming_stds.drawn_by
def _draw_kaiming_std(rng, i):
    return _draw_fans(rng, i)


@kaiming_stds.solved_by
def _solve_kaiming_std(fan_in, fan_out):
    shape = (fan_out, fan_in)
    return reference.kaiming_std(shape, "fan_in"), reference.kaiming_std(shape, "fan_out")


@kaiming_stds.mistake(
    "the fan-in is used for the backward pass",
    "The homework prints one choice for both directions, but it levels the forward pass only. "
    "Over how many units does the gradient of one input run?",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _fan_in_for_both(fan_in, fan_out):
    return math.sqrt(2 / fan_in), math.sqrt(2 / fan_in)


@kaiming_stds.mistake(
    "the fan-out is used for the forward pass",
    "Going forward, a unit adds up what comes in. Which of the two fans counts its inputs?",
    page="backprop/xavier#forward-the-fan-in",
)
def _fan_out_for_both(fan_in, fan_out):
    return math.sqrt(2 / fan_out), math.sqrt(2 / fan_out)


@kaiming_stds.mistake(
    "the variance is returned for the standard deviation",
    "The second argument of the homework's normal law is the variance of a weight. Code such as "
    "rng.normal(0, std) wants another number.",
    page="backprop/kaiming_backward#the-initialization",
)
def _variance_for_std(fan_in, fan_out):
    return 2 / fan_in, 2 / fan_out


@kaiming_stds.mistake(
    "the one half of the ReLU is forgotten",
    "This keeps a linear layer level. A ReLU takes half of the second moment away in each layer, "
    "so after 30 layers a billionth of it is left.",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _gain_forgotten(fan_in, fan_out):
    return math.sqrt(1 / fan_in), math.sqrt(1 / fan_out)


@kaiming_stds.mistake(
    "the one half stands on the wrong side of the equation",
    "The ReLU takes half away, so the weights must make up for it. With yours they take away half "
    "once more.",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _half_on_the_wrong_side(fan_in, fan_out):
    return math.sqrt(1 / (2 * fan_in)), math.sqrt(1 / (2 * fan_out))


@kaiming_stds.mistake(
    "the root is taken of the 2 alone",
    "The variance has the fan in its denominator. What becomes of that under the root?",
    page="backprop/kaiming#the-initialization",
)
def _root_of_the_gain_alone(fan_in, fan_out):
    return math.sqrt(2) / fan_in, math.sqrt(2) / fan_out


@kaiming_stds.mistake(
    "the root is taken of the fan alone",
    "The 2 belongs to the variance and goes under the root, too.",
    page="backprop/kaiming#the-initialization",
)
def _root_of_the_fan_alone(fan_in, fan_out):
    return 2 / math.sqrt(fan_in), 2 / math.sqrt(fan_out)


@kaiming_stds.mistake(
    "Xavier's compromise is returned",
    "That is for linear units: it has no factor for the ReLU. And it levels neither direction "
    "exactly, unless the layer is square.",
    page="backprop/xavier#the-compromise",
)
def _xavier_for_kaiming(fan_in, fan_out):
    std = math.sqrt(2 / (fan_in + fan_out))
    return std, std


@kaiming_stds.mistake(
    "a compromise between the two directions is returned",
    "With it the mean of the two factors is 1, but neither of them is, unless the layer is "
    "square. The question asks for each direction on its own.",
    page="backprop/fan_modes#balances-good-and-bad",
)
def _balance_of_both(fan_in, fan_out):
    std = math.sqrt(4 / (fan_in + fan_out))
    return std, std


@kaiming_stds.mistake(
    "the bound of the uniform distribution is returned",
    "A uniform variable on (-a, a) has a standard deviation that is smaller than a. The question "
    "asks for the standard deviation.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _uniform_bound_for_std(fan_in, fan_out):
    return math.sqrt(6 / fan_in), math.sqrt(6 / fan_out)


xavier_std_of_fans = Problem(
    "xavier_std_of_fans",
    "beyond 3.3",
    "Xavier's standard deviation",
    """
    Check the standard deviation of Xavier's weights.

    A linear layer h_i = W_i h_(i-1) with W_i of shape (fan_out, fan_in) multiplies the second
    moment of the signal by one factor in the forward pass and by another one in the backward pass.
    Xavier's initialization makes the mean of the two factors 1.

    Your function gets `fan_in` and `fan_out` and returns the standard deviation (not the variance)
    of a weight, which has mean 0.
    """,
    page="backprop/xavier",
    parts=("std",),
)


@xavier_std_of_fans.drawn_by
def _draw_xavier_std(rng, i):
    return _draw_fans(rng, i)


@xavier_std_of_fans.solved_by
def _solve_xavier_std(fan_in, fan_out):
    return reference.xavier_std((fan_out, fan_in))


@xavier_std_of_fans.mistake(
    "the sum of the fans stands without a 2",
    "The mean of the two factors is half of their sum. For a square layer your variance is half "
    "of one over the fan.",
    page="backprop/xavier#the-compromise",
)
def _sum_of_fans_alone(fan_in, fan_out):
    return math.sqrt(1 / (fan_in + fan_out))


@xavier_std_of_fans.mistake(
    "the variance is returned for the standard deviation",
    "The compromise gives the variance of a weight. The standard deviation is its root.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _xavier_variance_for_std(fan_in, fan_out):
    return 2 / (fan_in + fan_out)


@xavier_std_of_fans.mistake(
    "a factor for the ReLU is put in",
    "Xavier's analysis is for linear units, which keep all of the second moment.",
    page="backprop/xavier#the-setting",
)
def _xavier_with_relu_gain(fan_in, fan_out):
    return math.sqrt(4 / (fan_in + fan_out))


@xavier_std_of_fans.mistake(
    "only the forward pass is kept level",
    "The forward factor is 1 then. What does the same matrix do to the gradient?",
    page="backprop/xavier#backward-the-fan-out",
)
def _forward_condition_alone(fan_in, fan_out):
    return math.sqrt(1 / fan_in)


@xavier_std_of_fans.mistake(
    "only the backward pass is kept level",
    "The backward factor is 1 then. What does the same matrix do to the signal?",
    page="backprop/xavier#forward-the-fan-in",
)
def _backward_condition_alone(fan_in, fan_out):
    return math.sqrt(1 / fan_out)


@xavier_std_of_fans.mistake(
    "the two variances are averaged",
    "You took the mean of the two ideal variances. The compromise asks that the mean of the two "
    "factors is 1, which is not the same.",
    page="backprop/xavier#the-compromise",
)
def _mean_of_the_variances(fan_in, fan_out):
    return math.sqrt((1 / fan_in + 1 / fan_out) / 2)


@xavier_std_of_fans.mistake(
    "the geometric mean of the fans is used",
    "A good compromise, but another one: with it the product of the two factors is 1, and not "
    "their mean.",
    page="backprop/fan_modes#balances-good-and-bad",
)
def _geometric_mean_of_the_fans(fan_in, fan_out):
    return (fan_in * fan_out) ** -0.25


@xavier_std_of_fans.mistake(
    "the bound of the uniform form is returned",
    "The root of 6 belongs to the interval from which a uniform weight is drawn. The question asks "
    "for the standard deviation.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _xavier_bound_for_std(fan_in, fan_out):
    return math.sqrt(6 / (fan_in + fan_out))


uniform_bound = Problem(
    "uniform_bound",
    "beyond 3.3",
    "The bound of a uniform distribution",
    """
    Check the bound of the uniform distribution that has a given standard deviation.

    Your function gets `std` and returns the bound a, so that a weight drawn uniformly from (-a, a)
    has the standard deviation `std`.
    """,
    page="backprop/xavier",
    parts=("a",),
)


@uniform_bound.drawn_by
def _draw_uniform_bound(rng, i):
    return (0.2 if i == 0 else round(float(rng.uniform(0.05, 0.7)), 2),)


@uniform_bound.solved_by
def _solve_uniform_bound(std):
    # The library's Xavier bound for fans whose standard deviation is 1, scaled.
    return math.sqrt(3) * reference.xavier_std((1, 1)) * std


@uniform_bound.mistake(
    "the standard deviation is taken for the bound",
    "Most of the interval lies nearer to 0 than its ends. A deviation that is an average cannot "
    "be as large as the largest one.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _std_for_bound(std):
    return std


@uniform_bound.mistake(
    "the width of the interval is returned",
    "The variance of a uniform variable is its width squared over 12. But a is measured from the "
    "middle, and the interval from -a to a is twice as wide.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _width_for_bound(std):
    return math.sqrt(12) * std


@uniform_bound.mistake(
    "the root of 6 of Xavier's or Kaiming's formula is used",
    "That root has taken in the 2 of the variance already. Here the standard deviation is given, "
    "and it holds that 2.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _root_of_six(std):
    return math.sqrt(6) * std


@uniform_bound.mistake(
    "the factor is on the wrong side",
    "Then the bound is smaller than the standard deviation. Can a variable deviate on average by "
    "more than it ever does?",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _bound_below_the_std(std):
    return std / math.sqrt(3)


@uniform_bound.mistake(
    "the standard deviation is taken for the variance",
    "You solved for the bound with std in the place of its square.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _std_for_variance(std):
    return math.sqrt(3 * std)


@uniform_bound.mistake(
    "the root of the 3 is forgotten",
    "The 3 comes from the variance, which is a square. The bound is not.",
    page="backprop/xavier#the-normal-and-the-uniform-form",
)
def _root_of_three_forgotten(std):
    return 3 * std


leaky_kaiming_std = Problem(
    "leaky_kaiming_std",
    "beyond 3.3",
    "Kaiming's standard deviation for a leaky ReLU",
    """
    Check the standard deviation of the weights that keeps a leaky ReLU layer level.

    A leaky ReLU gives z where z > 0 and slope * z where z < 0. The weights are independent and
    symmetric with mean 0, as in `forward_factor`.

    Your function gets `fan_in` and the `slope`, and returns the standard deviation (not the
    variance) of a weight with which E[h_i**2] = E[h_(i-1)**2].
    """,
    page="backprop/fan_modes",
    parts=("std",),
)


@leaky_kaiming_std.drawn_by
def _draw_leaky_kaiming_std(rng, i):
    fan_in = 3 if i == 0 else int(rng.integers(4, 60))
    return fan_in, round(float(rng.uniform(0.15, 0.8)), 2)


@leaky_kaiming_std.solved_by
def _solve_leaky_kaiming_std(fan_in, slope):
    return reference.kaiming_std((1, fan_in), "fan_in", slope)


@leaky_kaiming_std.mistake(
    "the slope is not squared",
    "The second moment is a mean of squares. What is the square of slope * z?",
    page="backprop/fan_modes#leaky-units",
)
def _slope_not_squared(fan_in, slope):
    return math.sqrt(2 / ((1 + slope) * fan_in))


@leaky_kaiming_std.mistake(
    "the slope is ignored",
    "That is the answer for a plain ReLU. Here the negative half also keeps something.",
    page="backprop/fan_modes#leaky-units",
)
def _slope_ignored(fan_in, slope):
    return math.sqrt(2 / fan_in)


@leaky_kaiming_std.mistake(
    "1 and the slope are added before squaring",
    "A pre-activation is positive or negative, never both, so no product of the two branches "
    "appears.",
    page="backprop/fan_modes#leaky-units",
)
def _branches_added_before_squaring(fan_in, slope):
    return math.sqrt(2 / fan_in) / (1 + slope)


@leaky_kaiming_std.mistake(
    "the slope's part is subtracted",
    "The negative half adds to what is kept: its square is positive. A larger slope must ask for "
    "smaller weights.",
    page="backprop/fan_modes#leaky-units",
)
def _slope_subtracted(fan_in, slope):
    return math.sqrt(2 / ((1 - slope**2) * fan_in))


@leaky_kaiming_std.mistake(
    "the share that is kept multiplies the variance",
    "A unit that keeps more needs smaller weights, not larger ones.",
    page="backprop/fan_modes#leaky-units",
)
def _kept_share_multiplies(fan_in, slope):
    return math.sqrt(2 * (1 + slope**2) / fan_in)


@leaky_kaiming_std.mistake(
    "the root leaves out the slope's part",
    "That part belongs to the variance, so it goes under the root as well.",
    page="backprop/fan_modes#leaky-units",
)
def _slope_outside_the_root(fan_in, slope):
    return math.sqrt(2 / fan_in) / (1 + slope**2)


@leaky_kaiming_std.mistake(
    "the one half is forgotten",
    "Each branch of the unit sees only half of the second moment. With a slope of 1 the layer is "
    "linear: which standard deviation must come out then?",
    page="backprop/fan_modes#leaky-units",
)
def _leaky_half_forgotten(fan_in, slope):
    return math.sqrt(1 / ((1 + slope**2) * fan_in))


@leaky_kaiming_std.mistake(
    "the variance is returned for the standard deviation",
    "The condition gives the variance of a weight. The standard deviation is its root.",
    page="backprop/fan_modes#leaky-units",
)
def _leaky_variance_for_std(fan_in, slope):
    return 2 / ((1 + slope**2) * fan_in)


residual_second_moment = Problem(
    "residual_second_moment",
    "beyond 3.3",
    "The second moment after residual blocks",
    """
    Check the second moment of the signal after a chain of random residual blocks.

    A block keeps its input and adds a branch: h_l = h_(l-1) + V_l relu(W_l h_(l-1)) for l = 1 .. L.
    V_l and W_l are square with `fan_in` inputs and outputs; all their entries are independent and
    symmetric, with mean 0 and variance `var`, and there are no biases.

    Your function gets `q0`, the second moment E[h_0**2], the number of blocks `L`, `fan_in` and
    `var`, and returns E[h_L**2]. The second moments are averages over the entries of the vectors.
    """,
    page="backprop/kaiming",
    parts=("qL",),
)


@residual_second_moment.drawn_by
def _draw_residual_second_moment(rng, i):
    L, fan_in = (2, 3) if i == 0 else (int(rng.integers(2, 6)), int(rng.integers(4, 11)))
    q0 = round(float(rng.uniform(0.3, 2.5)), 2)
    return q0, L, fan_in, round(float(rng.uniform(0.5, 1.7) / fan_in), 2)


@residual_second_moment.solved_by
def _solve_residual_second_moment(q0, L, fan_in, var):
    # The branch: a ReLU layer and a linear one.
    stds = [math.sqrt(var)] * 2
    branch = reference.forward_second_moments([fan_in] * 3, stds, kept=[0.5, 1.0])[-1]
    return q0 * (1 + branch) ** L


@residual_second_moment.mistake(
    "the shortcut is forgotten",
    "This is a chain of the branches alone. The input of a block also goes past the branch and is "
    "added at its end.",
    page="backprop/kaiming#from-layer-to-layer",
)
def _shortcut_forgotten(q0, L, fan_in, var):
    return q0 * (fan_in**2 * var**2 / 2) ** L


@residual_second_moment.mistake(
    "the second matrix of the branch is forgotten",
    "relu(W h) goes through V before it is added. Which factor does a linear layer have?",
    page="backprop/xavier#forward-the-fan-in",
)
def _second_matrix_forgotten(q0, L, fan_in, var):
    return q0 * (1 + fan_in * var / 2) ** L


@residual_second_moment.mistake(
    "a ReLU is counted behind both matrices",
    "The branch ends with V, and nothing is cut off behind it: only one of the two matrices has a "
    "ReLU.",
    page="backprop/fan_modes#the-readout-wants-gain-1",
)
def _half_counted_twice(q0, L, fan_in, var):
    return q0 * (1 + fan_in**2 * var**2 / 4) ** L


@residual_second_moment.mistake(
    "the ReLU of the branch is left out",
    "Both matrices are treated as linear layers, but a ReLU stands between them.",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _branch_relu_left_out(q0, L, fan_in, var):
    return q0 * (1 + fan_in**2 * var**2) ** L


@residual_second_moment.mistake(
    "every block is given the branch of h_0",
    "The branch of a later block sees the sum of all that came before, which is larger than h_0. "
    "Write down the step from one block to the next first.",
    page="backprop/kaiming#from-layer-to-layer",
)
def _growth_added_not_multiplied(q0, L, fan_in, var):
    return q0 * (1 + L * fan_in**2 * var**2 / 2)


@residual_second_moment.mistake(
    "the sizes of shortcut and branch are added before squaring",
    "That would be right if the branch always pointed in the direction of h. What is the mean of "
    "their product, when V has mean 0?",
    page="backprop/kaiming#where-the-one-half-comes-from",
)
def _cross_term_kept(q0, L, fan_in, var):
    return q0 * (1 + fan_in * var / math.sqrt(2)) ** (2 * L)


@residual_second_moment.mistake(
    "the branch is taken to keep the second moment, so that each block doubles it",
    "That holds for one value of var only, and V has no ReLU behind it. How large is the branch "
    "for the given var?",
    page="backprop/fan_modes#the-readout-wants-gain-1",
)
def _each_block_doubles(q0, L, fan_in, var):
    return q0 * 2**L


whole_net_ratio = Problem(
    "whole_net_ratio",
    "beyond 3.3",
    "The gradient through a whole net",
    """
    Check what fan-in Kaiming does to the gradient on its way through a whole ReLU net.

    Layer i is h_i = max(0, W_i h_(i-1)) with W_i of shape (D_i, D_(i-1)), for i = 1 .. L. Its
    weights are independent and normal with mean 0 and variance 2 / D_(i-1). The gradient at h_L
    is independent of the net; its entries have mean 0, the same second moment, and are
    uncorrelated.

    Your function gets `widths` = (D_0, ..., D_L) and returns E[(dl/dh_0)**2] / E[(dl/dh_L)**2],
    where the second moments are averages over the entries of the vectors.
    """,
    page="backprop/fan_modes",
    parts=("ratio",),
)


@whole_net_ratio.drawn_by
def _draw_whole_net_ratio(rng, i):
    if i == 0:
        return ((3, 5, 4),)
    L = int(rng.integers(2, 6))
    return (tuple(int(n) for n in rng.permutation(np.arange(3, 30))[: L + 1]),)


@whole_net_ratio.solved_by
def _solve_whole_net_ratio(widths):
    stds = [math.sqrt(2 / width) for width in widths[:-1]]
    return reference.backward_second_moments(list(widths), stds)[0]


@whole_net_ratio.mistake(
    "fan-in weights are taken to balance both directions",
    "The homework says so, and its printed (96) would agree. But fan-in levels the forward pass. "
    "Put its variance into the factor of one layer on the way back.",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _both_directions_taken_as_level(widths):
    return 1.0


@whole_net_ratio.mistake(
    "the ratio is turned round",
    "That is what fan-out weights do to the signal in the forward pass. Which widths stand in the "
    "numerators of the factors on the way back?",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _ratio_turned_round(widths):
    return widths[0] / widths[-1]


@whole_net_ratio.mistake(
    "the factor of the first layer is raised to the power L",
    "Each layer has its own widths and so its own factor, which the printed (94) overlooks as "
    "well. Multiply the factors of all layers.",
    page="backprop/kaiming#from-layer-to-layer",
)
def _product_replaced_by_a_power(widths):
    return (widths[1] / widths[0]) ** (len(widths) - 1)


@whole_net_ratio.mistake(
    "the variance 2/D_0 is used in every layer",
    "Layer i has the fan-in D_(i-1), and its variance follows from that. Only the first layer has "
    "2/D_0, though the printed (94) suggests it for all.",
    page="backprop/kaiming#the-initialization",
)
def _first_fan_in_everywhere(widths):
    return math.prod(width / widths[0] for width in widths[1:])


@whole_net_ratio.mistake(
    "the masks of the ReLUs are left out",
    "Kaiming's 2 is there because half of the units pass nothing. Without the masks the gradient "
    "doubles in each layer.",
    page="backprop/kaiming_backward#one-layer-back",
)
def _masks_left_out(widths):
    return 2 ** (len(widths) - 1) * widths[-1] / widths[0]


@whole_net_ratio.mistake(
    "the one half of the ReLU is not made up for",
    "The variance of Kaiming's weights has a 2 for the half that the ReLU takes away. Without that "
    "2 the gradient fades by a half in each layer.",
    page="backprop/kaiming#the-initialization",
)
def _half_not_made_up_for(widths):
    return widths[-1] / widths[0] / 2 ** (len(widths) - 1)


@whole_net_ratio.mistake(
    "the last layer is left out",
    "The gradient starts at h_L, behind the last layer. There are L layers between h_0 and h_L, "
    "not L - 1.",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _last_layer_left_out(widths):
    return widths[-2] / widths[0]


@whole_net_ratio.mistake(
    "the first layer is left out",
    "The gradient is wanted at h_0, the input, so W_1 carries it as well.",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _first_layer_left_out(widths):
    return widths[-1] / widths[1]


@whole_net_ratio.mistake(
    "the root of the ratio is returned",
    "That compares the typical sizes of the gradients. The question asks for the ratio of the "
    "second moments, which are squares.",
    page="backprop/fan_modes#the-whole-net-telescopes",
)
def _root_of_the_ratio(widths):
    return math.sqrt(widths[-1] / widths[0])
