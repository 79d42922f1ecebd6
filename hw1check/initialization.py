"""Checks for question 3.3, Xavier's and Kaiming's initialization, and what learners get wrong."""

from math import pi, sqrt  # noqa: F401, pi stands in mistakes

import numpy as np

from hw1check._problem import question


def _draw_layer(rng, i):
    """Draw fan_in, fan_out and the variance of a weight."""
    fan_in, fan_out = (2, 3) if i == 0 else (int(n) for n in rng.permutation(np.arange(2, 11))[:2])
    return fan_in, fan_out, round(float(rng.uniform(0.1, 0.7)), 2)


def _draw_fans(rng, i):
    # In no case one fan is the other or the square of the other.
    fan_in, fan_out = (3, 5) if i == 0 else (int(n) for n in rng.permutation(np.arange(5, 80))[:2])
    return fan_in, fan_out


@question("3.3", "The forward factor of a ReLU layer", "backprop/kaiming")
def forward_factor(fan_in, fan_out, var):
    """Check by which factor a random ReLU layer multiplies the second moment of its input.

    The layer is h_i = max(0, W_i h_(i-1)), without biases. W_i has the shape (fan_out, fan_in);
    its entries are independent of each other and of h_(i-1), have mean 0 and variance `var`, and
    are symmetric: w and -w are equally likely. Of the input only its second moment is known; it
    may have a mean.

    Your function gets `fan_in`, `fan_out` and `var` and returns E[h_i**2] / E[h_(i-1)**2], where
    the second moments are averages over the entries of the vectors.
    """
    Ez2 = fan_in * var  # E[z_i**2] over E[h_(i-1)**2]
    kept = 1 / 2  # the share of E[z_i**2] that the ReLU keeps
    factor = kept * Ez2
    return factor


forward_factor.drawn_by(_draw_layer)
forward_factor.mistakes("""
    kept = 1  # the ReLU is left out
        This is the factor of a linear layer, as in Xavier's analysis. How much of the second moment
        of a symmetric pre-activation does the ReLU let through? [#a-flip-shows-the-half]
    Ez2 = fan_out * var  # the fan-out stands where the fan-in belongs
        Going forward, one entry of W_i h_(i-1) is a sum. Over how many terms does it run?
        [backprop/xavier#forward-the-fan-in-counts]
    kept = 1 / 2 - 1 / (2 * pi)  # the variance of h_i is taken for its second moment
        A ReLU's output has a mean above 0, so its variance is smaller than its second moment. Only
        the second moment follows a rule from layer to layer that holds for all symmetric weights.
        [#the-second-moment-not-the-variance]
    kept = 1 / 4  # the one half is squared
        h_i is not half of z_i. It is z_i or 0, so its square is z_i**2 or 0: which share of
        E[z_i**2] stays? [#a-flip-shows-the-half]
    Ez2 = fan_in * var**2  # `var` is taken for a standard deviation
        It is the variance of a weight already, so it is not squared again.
        [#a-flip-shows-the-half]
    factor = sqrt(kept * Ez2)  # the root of the factor is returned
        That is by how much the typical size of an activation changes. The question asks for the
        ratio of the second moments, which are squares. [#a-flip-shows-the-half]
""")


@question("3.3", "The backward factor of a ReLU layer", "backprop/kaiming_backward")
def backward_factor(fan_in, fan_out, var):
    """Check by which factor a random ReLU layer multiplies the second moment of a gradient.

    The layer is h_i = max(0, W_i h_(i-1)), without biases, and h_(i-1) is not 0. W_i has the shape
    (fan_out, fan_in); its entries are independent of each other and of h_(i-1), have mean 0 and
    variance `var`, and are symmetric (with a density). The gradient of the loss with respect to
    h_i is independent of W_i; its entries have mean 0, the same second moment, and are
    uncorrelated.

    Your function gets `fan_in`, `fan_out` and `var` and returns E[(dl/dh_(i-1))**2] /
    E[(dl/dh_i)**2], where the second moments are averages over the entries of the vectors.
    """
    Emask2 = 1 / 2  # the mean square of the mask (1 or 0)
    term = Emask2 * var  # E[(w * mask)**2] for one weight w
    factor = fan_out * term
    return factor


backward_factor.drawn_by(_draw_layer)
backward_factor.mistakes("""
    [#a-step-back-adds-over-the-fan-out]
    factor = fan_in * term  # the number of terms is the fan-in, as the printed (96) says
        Going back, one entry of the gradient is a sum over the units that used it. How many units
        does h_(i-1)[k] feed?
    factor = 1  # the gradient is assumed to keep its size
        The homework says that one choice of the variance balances both directions. But the factor
        depends on var and on a width: for which var would it be 1?
        [backprop/fan_modes#the-inner-widths-cancel]
    Emask2 = 1  # the mask of the ReLU is left out
        Where a unit is off it passes no gradient back. This is the factor of a linear layer.
    Emask2 = 1 / 4  # the one half of the mask is squared
        The mask is 0 or 1, so its square is the mask itself, and its mean counts once.
    term = Emask2 * var**2  # `var` is taken for a standard deviation
        It is the variance of a weight already, so it is not squared again.
    factor = sqrt(fan_out * term)  # the root of the factor is returned
        That is by how much the typical size of a gradient changes. The question asks for the ratio
        of the second moments, which are squares.
""")


@question("3.3", "Kaiming's standard deviations", "backprop/kaiming")
def kaiming_stds(fan_in, fan_out):
    """Check the standard deviation of the weights with which a ReLU layer keeps its signal level.

    The layer is that of `forward_factor` and `backward_factor`: W_i has the shape (fan_out,
    fan_in) and its entries have mean 0.

    Your function gets `fan_in` and `fan_out` and returns two standard deviations (not variances)
    of a weight: std_fan_in, with which E[h_i**2] = E[h_(i-1)**2] in the forward pass, and
    std_fan_out, with which E[(dl/dh_(i-1))**2] = E[(dl/dh_i)**2] in the backward pass.
    """
    kept = 1 / 2  # the share of the second moment that a ReLU keeps
    var_fan_in = 1 / (kept * fan_in)  # the variance for a forward factor of 1
    var_fan_out = 1 / (kept * fan_out)  # the variance for a backward factor of 1
    std_fan_in = sqrt(var_fan_in)
    std_fan_out = sqrt(var_fan_out)
    return std_fan_in, std_fan_out


kaiming_stds.drawn_by(_draw_fans)
kaiming_stds.mistakes("""
    var_fan_out = 1 / (kept * fan_in)  # the fan-in is used for the backward pass
        The homework prints one choice for both directions, but it levels the forward pass only.
        Over how many units does the gradient of one input run?
        [backprop/fan_modes#the-inner-widths-cancel]
    var_fan_in = 1 / (kept * fan_out)  # the fan-out is used for the forward pass
        Going forward, a unit adds up what comes in. Which of the two fans counts its inputs?
        [backprop/xavier#forward-the-fan-in-counts]
    return var_fan_in, var_fan_out  # the variance is returned for the standard deviation
        The second argument of the homework's normal distribution is the variance of a weight.
        Code such as rng.normal(0, std) wants another number.
        [backprop/kaiming_backward#the-second-argument-is-a-variance]
    kept = 1  # the one half of the ReLU is forgotten
        This keeps a linear layer level. A ReLU takes half of the second moment away in each layer,
        so after 30 layers a billionth of it is left. [#a-flip-shows-the-half]
    kept = 2  # the one half stands on the wrong side of the equation
        The ReLU takes half away, so the weights must make up for it. With yours they take away half
        once more. [#a-flip-shows-the-half]
    kept = 1 / 2 - 1 / (2 * pi)
        the variance of the activations is kept level, not their second moment:
        Your weights do that in the first layer of a wide net at best. The question is about the
        second moment, which has the same rule in every layer. [#the-second-moment-not-the-variance]
    std_fan_in = sqrt(2) / fan_in
    std_fan_out = sqrt(2) / fan_out  # the root is taken of the 2 alone
        The variance has the fan in its denominator. What becomes of that under the root?
        [#two-over-the-fan-in]
    std_fan_in = 2 / sqrt(fan_in)
    std_fan_out = 2 / sqrt(fan_out)  # the root is taken of the fan alone
        The 2 belongs to the variance and goes under the root, too. [#two-over-the-fan-in]
    var_fan_in = 2 // fan_in
    var_fan_out = 2 // fan_out  # the variance is computed with //
        That is division of whole numbers, which rounds down: 2 // 3 is 0. [#two-over-the-fan-in]
    var_fan_in = 2 / (fan_in + fan_out)
    var_fan_out = 2 / (fan_in + fan_out)  # Xavier's compromise is returned
        That is for linear units: it has no factor for the ReLU. And it levels neither direction
        exactly, unless the layer is square. [backprop/xavier#the-mean-of-both-factors-is-1]
    var_fan_in = 4 / (fan_in + fan_out)
    var_fan_out = 4 / (fan_in + fan_out)  # a compromise between the two directions is returned
        With it the mean of the two factors is 1, but neither of them is, unless the layer is
        square. The question asks for each direction on its own.
        [backprop/fan_modes#going-deeper-fair-in-each-layer-unfair-overall]
    return sqrt(6 / fan_in), sqrt(6 / fan_out)  # the bound of the uniform distribution is returned
        A uniform variable on (-a, a) has a standard deviation that is smaller than a. The question
        asks for the standard deviation. [backprop/xavier#normal-or-uniform-one-variance]
    var_fan_in = 1 / (3 * fan_in)
    var_fan_out = 1 / (3 * fan_in)  # the weights are those of nn.Linear
        PyTorch's default has a sixth of Kaiming's variance, so that a ReLU layer keeps a sixth of
        the second moment. [backprop/fan_modes#the-default-of-pytorch-has-a-sixth-of-the-variance]
""")


@question("beyond 3.3", "Xavier's standard deviation", "backprop/xavier")
def xavier_std_of_fans(fan_in, fan_out):
    """Check the standard deviation of Xavier's weights.

    A linear layer h_i = W_i h_(i-1) with W_i of shape (fan_out, fan_in) multiplies the second
    moment of the signal by one factor in the forward pass and by another one in the backward pass.
    Xavier's initialization makes the mean of the two factors 1.

    Your function gets `fan_in` and `fan_out` and returns the standard deviation (not the variance)
    of a weight, which has mean 0.
    """
    mean_fan = (fan_in + fan_out) / 2  # the mean of the two factors, over var
    var = 1 / mean_fan  # the variance of a weight
    std = sqrt(var)
    return std


xavier_std_of_fans.drawn_by(_draw_fans)
xavier_std_of_fans.mistakes("""
    mean_fan = fan_in + fan_out  # the sum of the fans stands without a 2
        The mean of the two factors is half of their sum. For a square layer your variance is half
        of one over the fan. [#the-mean-of-both-factors-is-1]
    var = 2 / fan_in + fan_out  # the sum of the fans has no brackets
        Python divides first, so only fan_in is below the 2. [#the-mean-of-both-factors-is-1]
    std = var  # the variance is returned for the standard deviation
        The compromise gives the variance of a weight. The standard deviation is its root.
        [#normal-or-uniform-one-variance]
    var = 2 / mean_fan
        a factor for the ReLU is put in, or the 2 of the variance is left outside of the root:
        Xavier's analysis is for linear units, which keep all of the second moment. Its variance has
        a single 2, which goes under the root. [#forward-the-fan-in-counts]
    mean_fan = fan_in  # only the forward pass is kept level
        The forward factor is 1 then. What does the same matrix do to the gradient?
        [#back-the-fan-out-counts]
    mean_fan = fan_out  # only the backward pass is kept level
        The backward factor is 1 then. What does the same matrix do to the signal?
        [#forward-the-fan-in-counts]
    var = (1 / fan_in + 1 / fan_out) / 2  # the two variances are averaged
        You took the mean of the two ideal variances. The compromise asks that the mean of the two
        factors is 1, which is not the same. [#the-mean-of-both-factors-is-1]
    mean_fan = sqrt(fan_in * fan_out)  # the geometric mean of the fans is used
        A good compromise, but another one: with it the product of the two factors is 1, and not
        their mean. [backprop/fan_modes#going-deeper-fair-in-each-layer-unfair-overall]
    std = sqrt(3 * var)  # the bound of the uniform form is returned
        The root of 6 belongs to the interval from which a uniform weight is drawn. The question
        asks for the standard deviation. [#normal-or-uniform-one-variance]
""")


@question("beyond 3.3", "The bound of a uniform distribution", "backprop/xavier")
def uniform_bound(std):
    """Check the bound of the uniform distribution that has a given standard deviation.

    Your function gets `std` and returns the bound a, so that a weight drawn uniformly from (-a, a)
    has the standard deviation `std`.
    """
    var = std**2  # the variance of a weight
    a = sqrt(3 * var)
    return a


uniform_bound.drawn_by(lambda rng, i: (0.2 if i == 0 else round(float(rng.uniform(0.05, 0.7)), 2),))
uniform_bound.mistakes("""
    [#normal-or-uniform-one-variance]
    a = std  # the standard deviation is taken for the bound
        Most of the interval lies nearer to 0 than its ends. A deviation that is an average cannot
        be as large as the largest one.
    a = sqrt(12 * var)  # the width of the interval is returned
        The variance of a uniform variable is its width squared over 12. But a is measured from the
        middle, and the interval from -a to a is twice as wide.
    a = sqrt(6 * var)  # the root of 6 of Xavier's or Kaiming's formula is used
        That root has taken in the 2 of the variance already. Here the standard deviation is given,
        and it holds that 2.
    a = sqrt(var / 3)  # the factor is on the wrong side
        Then the bound is smaller than the standard deviation. Can a variable deviate on average by
        more than it ever does?
    var = std  # the standard deviation is taken for the variance
        You solved for the bound with std in the place of its square.
    a = 3 * std  # the root of the 3 is forgotten
        The 3 comes from the variance, which is a square. The bound is not.
""")


@question("beyond 3.3", "Kaiming's standard deviation for a leaky ReLU", "backprop/fan_modes")
def leaky_kaiming_std(fan_in, slope):
    """Check the standard deviation of the weights that keeps a leaky ReLU layer level.

    A leaky ReLU gives z where z > 0 and slope * z where z < 0. The weights are independent and
    symmetric with mean 0, as in `forward_factor`.

    Your function gets `fan_in` and the `slope`, and returns the standard deviation (not the
    variance) of a weight with which E[h_i**2] = E[h_(i-1)**2].
    """
    kept = (1 + slope**2) / 2  # the share of the second moment that a leaky ReLU keeps
    var = 1 / (kept * fan_in)  # the variance of a weight
    std = sqrt(var)
    return std


@leaky_kaiming_std.drawn_by
def _draw_leaky_kaiming_std(rng, i):
    fan_in = 3 if i == 0 else int(rng.integers(4, 60))
    return fan_in, round(float(rng.uniform(0.15, 0.8)), 2)


leaky_kaiming_std.mistakes("""
    [#a-leaky-unit-keeps-more-than-half]
    kept = (1 + slope) / 2  # the slope is not squared
        The second moment is a mean of squares. What is the square of slope * z?
    kept = 1 / 2  # the slope is ignored
        That is the answer for a plain ReLU. Here the negative half also keeps something.
    kept = (1 + slope) ** 2 / 2  # 1 and the slope are added before squaring
        A pre-activation is never both positive and negative: no product of the branches appears.
    kept = (1 - slope**2) / 2  # the slope's part is subtracted
        The negative half adds to what is kept: its square is positive. A larger slope must ask for
        smaller weights.
    kept = 1 / 2 + slope**2  # the slope's part is not halved
        A pre-activation is negative half of the time, and the square of the slope counts only then.
    var = 2 * (1 + slope**2) / fan_in  # the share that is kept multiplies the variance
        A unit that keeps more needs smaller weights, not larger ones.
    std = sqrt(2 / fan_in) / (1 + slope**2)  # the root leaves out the slope's part
        That part belongs to the variance, so it goes under the root as well.
    kept = 1 + slope**2  # the one half is forgotten
        Each branch of the unit sees only half of the second moment. With a slope of 1 the layer is
        linear: which standard deviation must come out then?
    std = var  # the variance is returned for the standard deviation
        The condition gives the variance of a weight. The standard deviation is its root.
""")


@question("beyond 3.3", "The second moment after residual blocks", "backprop/kaiming")
def residual_second_moment(q0, L, fan_in, var):
    """Check the second moment of the signal after a chain of random residual blocks.

    A block keeps its input and adds a branch: h_l = h_(l-1) + V_l relu(W_l h_(l-1)) for l = 1 .. L.
    V_l and W_l are square with `fan_in` inputs and outputs; all their entries are independent and
    symmetric, with mean 0 and variance `var`, and there are no biases.

    Your function gets `q0`, the second moment E[h_0**2], the number of blocks `L`, `fan_in` and
    `var`, and returns E[h_L**2]. The second moments are averages over the entries of the vectors.
    """
    relu_factor = fan_in * var / 2  # from h to relu(W h)
    branch_factor = fan_in * var * relu_factor  # from h to V relu(W h)
    block_factor = 1 + branch_factor  # from h to the end of the block
    qL = q0 * block_factor**L
    return qL


@residual_second_moment.drawn_by
def _draw_residual_second_moment(rng, i):
    L, fan_in = (2, 3) if i == 0 else (int(rng.integers(2, 6)), int(rng.integers(4, 11)))
    q0 = round(float(rng.uniform(0.3, 2.5)), 2)
    return q0, L, fan_in, round(float(rng.uniform(0.5, 1.7) / fan_in), 2)


residual_second_moment.mistakes("""
    block_factor = branch_factor  # the shortcut is forgotten
        This is a chain of the branches alone. The input of a block also goes past the branch and is
        added at its end. [#the-factors-multiply]
    branch_factor = relu_factor  # the second matrix of the branch is forgotten
        relu(W h) goes through V before it is added. Which factor does a linear layer have?
        [backprop/xavier#forward-the-fan-in-counts]
    branch_factor = relu_factor**2  # a ReLU is counted behind both matrices
        The branch ends with V, and nothing is cut off behind it: only one of the two matrices has a
        ReLU. [backprop/fan_modes#the-readout-wants-one-over-the-fan-in]
    relu_factor = fan_in * var  # the ReLU of the branch is left out
        Both matrices are treated as linear layers, but a ReLU stands between them.
        [#a-flip-shows-the-half]
    qL = q0 * (1 + L * branch_factor)  # every block is given the branch of h_0
        The branch of a later block sees the sum of all that came before, which is larger than h_0.
        Write down the step from one block to the next first. [#the-factors-multiply]
    qL = q0 * (1 + branch_factor**L)  # one shortcut goes past all blocks together
        Each block has a shortcut of its own. Write down the step from one block to the next first.
        [#the-factors-multiply]
    block_factor = (1 + sqrt(branch_factor)) ** 2
        the sizes of shortcut and branch are added before squaring:
        That would be right if the branch always pointed in the direction of h. What is the mean of
        their product, when V has mean 0? [#a-flip-shows-the-half]
    block_factor = 2  # the branch is taken to keep the second moment, so that each block doubles it
        That holds for one value of var only, and V has no ReLU behind it. How large is the branch
        for the given var? [backprop/fan_modes#the-readout-wants-one-over-the-fan-in]
""")


@question("beyond 3.3", "The gradient through a whole net", "backprop/fan_modes")
def whole_net_ratio(widths):
    """Check what fan-in Kaiming does to the gradient on its way through a whole ReLU net.

    Layer i is h_i = max(0, W_i h_(i-1)) with W_i of shape (D_i, D_(i-1)), for i = 1 .. L, and h_0
    is not 0. Its weights are independent and normal with mean 0 and variance 2 / D_(i-1). The
    gradient at h_L is independent of the net; its entries have mean 0, the same second moment, and
    are uncorrelated.

    Your function gets `widths` = (D_0, ..., D_L) and returns E[(dl/dh_0)**2] / E[(dl/dh_L)**2],
    where the second moments are averages over the entries of the vectors.
    """
    fan_ins = np.array(widths[:-1])  # D_0 .. D_(L-1), the fan-in of each layer
    fan_outs = np.array(widths[1:])  # D_1 .. D_L, the fan-out of each layer
    variances = 2 / fan_ins  # the variance of a weight of each layer
    factors = fan_outs * variances / 2  # the factor of each layer on the way back
    ratio = np.prod(factors)
    return ratio


@whole_net_ratio.drawn_by
def _draw_whole_net_ratio(rng, i):
    if i == 0:
        return ((3, 5, 4),)
    L = int(rng.integers(2, 6))
    return (tuple(int(n) for n in rng.permutation(np.arange(3, 30))[: L + 1]),)


whole_net_ratio.mistakes("""
    factors = fan_ins * variances / 2  # fan-in weights are taken to balance both directions
        The homework says so, and its printed (96) would agree. But fan-in levels the forward pass.
        Put its variance into the factor of one layer on the way back. [#the-inner-widths-cancel]
    ratio = 1 / np.prod(factors)  # the ratio is turned round
        That is what fan-out weights do to the signal in the forward pass. Which widths stand in the
        numerators of the factors on the way back? [#the-inner-widths-cancel]
    ratio = factors[0] ** len(factors)  # the factor of the first layer is raised to the power L
        Each layer has its own widths and so its own factor, which the printed (94) overlooks as
        well. Multiply the factors of all layers. [backprop/kaiming#the-factors-multiply]
    variances = 2 / fan_ins[0]  # the variance 2/D_0 is used in every layer
        Layer i has the fan-in D_(i-1), and its variance follows from that. Only the first layer has
        2/D_0, though the printed (94) suggests it for all. [backprop/kaiming#two-over-the-fan-in]
    factors = fan_outs * variances  # the masks of the ReLUs are left out
        Kaiming's 2 is there because half of the units pass nothing. Without the masks the gradient
        doubles in each layer. [backprop/kaiming_backward#a-step-back-adds-over-the-fan-out]
    variances = 1 / fan_ins  # the one half of the ReLU is not made up for
        The variance of Kaiming's weights has a 2 for the half that the ReLU takes away. Without
        that 2 the gradient fades by a half in each layer. [backprop/kaiming#two-over-the-fan-in]
    ratio = np.prod(factors[:-1])  # the last layer is left out
        The gradient starts at h_L, behind the last layer. There are L layers between h_0 and h_L,
        not L - 1. [#the-inner-widths-cancel]
    ratio = np.prod(factors[1:])  # the first layer is left out
        The gradient is wanted at h_0, the input, so W_1 carries it as well.
        [#the-inner-widths-cancel]
    ratio = np.sqrt(np.prod(factors))  # the root of the ratio is returned
        That compares the typical sizes of the gradients. The question asks for the ratio of the
        second moments, which are squares. [#the-inner-widths-cancel]
""")
