"""Right answers to the checks of question 3.3."""

import itertools
import math

import numpy as np
import torch


def forward_factor__enumeration(fan_in, fan_out, var):
    # All rows of weights that are +- one standard deviation, and an input without symmetry.
    h = [math.exp(c) for c in range(fan_in)]
    total = 0.0
    for signs in itertools.product((-1, 1), repeat=fan_in):
        z = sum(sign * math.sqrt(var) * x for sign, x in zip(signs, h, strict=True))
        total += max(z, 0) ** 2
    mean_square = sum(x**2 for x in h) / fan_in
    return total / 2**fan_in / mean_square


def forward_factor__torch(fan_in, fan_out, var):
    stds = torch.full((fan_in,), var, dtype=torch.float64).sqrt()
    return (0.5 * stds @ stds).numpy()


def backward_factor__enumeration(fan_in, fan_out, var):
    # The powers of e never cancel, so that no unit is exactly 0.
    h = [math.exp(c) for c in range(fan_in)]
    kept = 0.0
    for signs in itertools.product((-1, 1), repeat=fan_in):
        mask = max(np.sign(np.dot(signs, h)), 0)
        kept += mask * sum(sign**2 * var for sign in signs) / fan_in
    return sum(kept / 2**fan_in for _ in range(fan_out))


def backward_factor__numpy(fan_in, fan_out, var):
    # Each unit that an input feeds adds the variance of a weight, or nothing if it is off.
    on_and_off = np.array([1, 0])[:, None] * np.full(fan_out, var)
    return on_and_off.sum(axis=1).mean()


def kaiming_stds__condition(fan_in, fan_out):
    stds = []
    for fan in (fan_in, fan_out):
        # The factor is linear in the variance, so one trial shows where it is 1.
        trial = 0.5 * fan * 0.3
        stds.append((0.3 / trial) ** 0.5)
    return stds


def kaiming_stds__torch(fan_in, fan_out):
    gain = torch.nn.init.calculate_gain("relu")
    return tuple(gain / torch.tensor([fan_in, fan_out], dtype=torch.float64).sqrt().numpy())


def xavier_std_of_fans__condition(fan_in, fan_out):
    forward = backward = 0.0
    for _ in range(fan_in):
        forward += 0.3
    for _ in range(fan_out):
        backward += 0.3
    return (0.3 / ((forward + backward) / 2)) ** 0.5


def xavier_std_of_fans__numpy(fan_in, fan_out):
    return 1 / np.sqrt(np.mean([fan_in, fan_out]))


def uniform_bound__integral(std):
    # The mean square of a variable on (0, 1), which is that of one on (-1, 1).
    mean_square = np.polynomial.Polynomial([0, 0, 1]).integ()(1)
    return std / math.sqrt(mean_square)


def uniform_bound__torch(std):
    one = torch.tensor(1.0, dtype=torch.float64)
    return std / torch.distributions.Uniform(-one, one).stddev.item()


def leaky_kaiming_std__branches(fan_in, slope):
    # What is left of the mean square of a pre-activation that is 1 or -1.
    kept = np.mean([h**2 for h in (1, slope)])
    return (1 / (kept * fan_in)) ** 0.5


def leaky_kaiming_std__torch(fan_in, slope):
    return torch.nn.init.calculate_gain("leaky_relu", slope) / math.sqrt(fan_in)


def residual_second_moment__loop(q0, L, fan_in, var):
    q = q0
    for _ in range(L):
        hidden = 0.5 * fan_in * var * q
        branch = fan_in * var * hidden
        q = q + branch
    return q


def residual_second_moment__paths(q0, L, fan_in, var):
    # Each path through the net takes the shortcut or the branch, block by block.
    branch = fan_in**2 * var**2 / 2
    paths = itertools.product((1, branch), repeat=L)
    return q0 * sum(math.prod(path) for path in paths)


def whole_net_ratio__loop(widths):
    ratio = 1.0
    for i in range(1, len(widths)):
        var = 2 / widths[i - 1]
        ratio *= 0.5 * widths[i] * var
    return ratio


def whole_net_ratio__torch(widths):
    # The sum of the logarithms telescopes.
    steps = torch.tensor(widths, dtype=torch.float64).log().diff()
    return steps.sum().exp().item()
