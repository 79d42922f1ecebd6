"""Right answers to the checks of question 3.3, in five styles each."""

import itertools
import math

import numpy as np
import torch

torch.set_num_threads(1)


def forward_factor_literal(fan_in, fan_out, var):
    return fan_in * var / 2


def forward_factor_enumeration(fan_in, fan_out, var):
    # All rows of weights that are +- one standard deviation, and an input without symmetry.
    h = [math.exp(c) for c in range(fan_in)]
    total = 0.0
    for signs in itertools.product((-1, 1), repeat=fan_in):
        z = sum(sign * math.sqrt(var) * x for sign, x in zip(signs, h, strict=True))
        total += max(z, 0) ** 2
    mean_square = sum(x**2 for x in h) / fan_in
    return total / 2**fan_in / mean_square


def forward_factor_numpy(fan_in, fan_out, var):
    # Each input adds the variance of its weight, and the ReLU keeps one of two mirror images.
    kept = np.array([1, 0]).mean()
    return kept * np.full(fan_in, var).sum()


def forward_factor_torch(fan_in, fan_out, var):
    stds = torch.full((fan_in,), var, dtype=torch.float64).sqrt()
    return (0.5 * stds @ stds).numpy()


def forward_factor_float32(fan_in, fan_out, var):
    return np.float32(fan_in) * np.float32(var) * np.float32(0.5)


def backward_factor_literal(fan_in, fan_out, var):
    return fan_out * var / 2


def backward_factor_enumeration(fan_in, fan_out, var):
    # The powers of e never cancel, so that no unit is exactly 0.
    h = [math.exp(c) for c in range(fan_in)]
    kept = 0.0
    for signs in itertools.product((-1, 1), repeat=fan_in):
        mask = max(np.sign(np.dot(signs, h)), 0)
        kept += mask * sum(sign**2 * var for sign in signs) / fan_in
    return sum(kept / 2**fan_in for _ in range(fan_out))


def backward_factor_numpy(fan_in, fan_out, var):
    # Each unit that an input feeds adds the variance of a weight, or nothing if it is off.
    on_and_off = np.array([1, 0])[:, None] * np.full(fan_out, var)
    return on_and_off.sum(axis=1).mean()


def backward_factor_torch(fan_in, fan_out, var):
    stds = torch.full((fan_out,), var, dtype=torch.float64).sqrt()
    return (0.5 * stds @ stds).numpy()


def backward_factor_float32(fan_in, fan_out, var):
    return np.float32(fan_out) * np.float32(var) * np.float32(0.5)


def kaiming_std_literal(fan_in, fan_out):
    return math.sqrt(2 / fan_in), math.sqrt(2 / fan_out)


def kaiming_std_condition(fan_in, fan_out):
    stds = []
    for fan in (fan_in, fan_out):
        # The factor is linear in the variance, so one trial shows where it is 1.
        trial = 0.5 * fan * 0.3
        stds.append((0.3 / trial) ** 0.5)
    return stds


def kaiming_std_numpy(fan_in, fan_out):
    return np.sqrt(2 / np.array([fan_in, fan_out]))


def kaiming_std_torch(fan_in, fan_out):
    gain = torch.nn.init.calculate_gain("relu")
    return tuple(gain / torch.tensor([fan_in, fan_out], dtype=torch.float64).sqrt().numpy())


def kaiming_std_float32(fan_in, fan_out):
    two = np.float32(2)
    return np.sqrt(two / np.float32(fan_in)), np.sqrt(two / np.float32(fan_out))


def xavier_std_literal(fan_in, fan_out):
    return math.sqrt(2 / (fan_in + fan_out))


def xavier_std_condition(fan_in, fan_out):
    forward = backward = 0.0
    for _ in range(fan_in):
        forward += 0.3
    for _ in range(fan_out):
        backward += 0.3
    return (0.3 / ((forward + backward) / 2)) ** 0.5


def xavier_std_numpy(fan_in, fan_out):
    return 1 / np.sqrt(np.mean([fan_in, fan_out]))


def xavier_std_torch(fan_in, fan_out):
    fans = torch.tensor([fan_in, fan_out], dtype=torch.float64)
    return torch.rsqrt(fans.mean()).item()


def xavier_std_float32(fan_in, fan_out):
    return np.sqrt(np.float32(2) / np.float32(fan_in + fan_out))


def uniform_bound_literal(std):
    return math.sqrt(3) * std


def uniform_bound_integral(std):
    # The mean square of a variable on (0, 1), which is that of one on (-1, 1).
    mean_square = np.polynomial.Polynomial([0, 0, 1]).integ()(1)
    return std / math.sqrt(mean_square)


def uniform_bound_numpy(std):
    return np.sqrt(12 * std**2) / 2


def uniform_bound_torch(std):
    one = torch.tensor(1.0, dtype=torch.float64)
    return std / torch.distributions.Uniform(-one, one).stddev.item()


def uniform_bound_float32(std):
    return np.float32(std) * np.sqrt(np.float32(3))


def leaky_kaiming_std_literal(fan_in, slope):
    return math.sqrt(2 / ((1 + slope**2) * fan_in))


def leaky_kaiming_std_branches(fan_in, slope):
    # What is left of the mean square of a pre-activation that is 1 or -1.
    kept = np.mean([h**2 for h in (1, slope)])
    return (1 / (kept * fan_in)) ** 0.5


def leaky_kaiming_std_numpy(fan_in, slope):
    return np.sqrt(2 / fan_in) / np.hypot(1, slope)


def leaky_kaiming_std_torch(fan_in, slope):
    return torch.nn.init.calculate_gain("leaky_relu", slope) / math.sqrt(fan_in)


def leaky_kaiming_std_float32(fan_in, slope):
    slope = np.float32(slope)
    return np.sqrt(np.float32(2) / (np.float32(fan_in) * (1 + slope * slope)))


def residual_second_moment_literal(q0, L, fan_in, var):
    return q0 * (1 + (fan_in * var) ** 2 / 2) ** L


def residual_second_moment_loop(q0, L, fan_in, var):
    q = q0
    for _ in range(L):
        hidden = 0.5 * fan_in * var * q
        branch = fan_in * var * hidden
        q = q + branch
    return q


def residual_second_moment_paths(q0, L, fan_in, var):
    # Each path through the net takes the shortcut or the branch, block by block.
    branch = fan_in**2 * var**2 / 2
    paths = itertools.product((1, branch), repeat=L)
    return q0 * sum(math.prod(path) for path in paths)


def residual_second_moment_torch(q0, L, fan_in, var):
    blocks = torch.full((L,), 1 + 0.5 * (fan_in * var) ** 2, dtype=torch.float64)
    return q0 * torch.prod(blocks).item()


def residual_second_moment_float32(q0, L, fan_in, var):
    gain = np.float32(fan_in) * np.float32(var)
    return np.float32(q0) * (1 + gain * gain / np.float32(2)) ** np.float32(L)


def whole_net_ratio_literal(widths):
    return widths[-1] / widths[0]


def whole_net_ratio_loop(widths):
    ratio = 1.0
    for i in range(1, len(widths)):
        var = 2 / widths[i - 1]
        ratio *= 0.5 * widths[i] * var
    return ratio


def whole_net_ratio_numpy(widths):
    widths = np.array(widths, dtype=float)
    return np.prod(widths[1:] / widths[:-1])


def whole_net_ratio_torch(widths):
    # The sum of the logarithms telescopes.
    steps = torch.tensor(widths, dtype=torch.float64).log().diff()
    return steps.sum().exp().item()


def whole_net_ratio_float32(widths):
    return np.float32(widths[-1]) / np.float32(widths[0])


STYLES = {
    "forward_factor": (
        forward_factor_literal,
        forward_factor_enumeration,
        forward_factor_numpy,
        forward_factor_torch,
        forward_factor_float32,
    ),
    "backward_factor": (
        backward_factor_literal,
        backward_factor_enumeration,
        backward_factor_numpy,
        backward_factor_torch,
        backward_factor_float32,
    ),
    "kaiming_stds": (
        kaiming_std_literal,
        kaiming_std_condition,
        kaiming_std_numpy,
        kaiming_std_torch,
        kaiming_std_float32,
    ),
    "xavier_std_of_fans": (
        xavier_std_literal,
        xavier_std_condition,
        xavier_std_numpy,
        xavier_std_torch,
        xavier_std_float32,
    ),
    "uniform_bound": (
        uniform_bound_literal,
        uniform_bound_integral,
        uniform_bound_numpy,
        uniform_bound_torch,
        uniform_bound_float32,
    ),
    "leaky_kaiming_std": (
        leaky_kaiming_std_literal,
        leaky_kaiming_std_branches,
        leaky_kaiming_std_numpy,
        leaky_kaiming_std_torch,
        leaky_kaiming_std_float32,
    ),
    "residual_second_moment": (
        residual_second_moment_literal,
        residual_second_moment_loop,
        residual_second_moment_paths,
        residual_second_moment_torch,
        residual_second_moment_float32,
    ),
    "whole_net_ratio": (
        whole_net_ratio_literal,
        whole_net_ratio_loop,
        whole_net_ratio_numpy,
        whole_net_ratio_torch,
        whole_net_ratio_float32,
    ),
}
