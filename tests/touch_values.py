"""What each figure that one can touch computes, done by hw1lib: a draw of states and the values."""

import numpy as np

import hw1lib as h


def five_points(rng):
    y = rng.uniform(-5, 5, 5)
    g = np.array([1, -0.5, 0.5, 1, -0.5])
    _, cache = h.batchnorm_forward(y[:, None], np.ones(1), np.zeros(1))
    dm, dv = h.batchnorm_statistics_backward(g[:, None], cache)
    s = cache.s[0]
    paths = {
        "direct": g / s,
        "mean": np.full(5, dm[0] / 5),
        "variance": 2 * (y - cache.m) * dv[0] / 5,
    }
    values = {"m": cache.m[0], "v": cache.v[0], "s": s, "x": cache.x_hat[:, 0], "paths": paths}
    values["dy"] = h.batchnorm_backward(g[:, None], cache)[0][:, 0]
    return {"y": y}, values


def digits(values, count):
    """Round to as many digits as a figure's data has."""
    return np.array([float(f"{value:.{count}g}") for value in values])


def fifty_layers(rng):
    c, fixed = rng.uniform(1, 3), np.random.default_rng(50)
    line = h.forward_second_moments([100] * 51, [np.sqrt(c / 100)] * 50)
    signal = fixed.standard_normal((32, 100))
    net = [(signal**2).mean()]
    for _ in range(50):
        W = np.sqrt(c / 100) * fixed.standard_normal((100, 100))
        signal = h.relu_forward(signal @ W.T)[0]
        net.append((signal**2).mean())
    # What is stored is the net's share of the line, at c = 2.
    return {"c": c}, {"line": line, "dots": digits(net / line, 5) * line}


def layer_widths(rng):
    widths = rng.integers(16, 257, 7)
    pairs = np.stack([widths[:-1], widths[1:]], axis=1)
    fans = (pairs[:, 0] / 2, pairs[:, 1] / 2, pairs.mean(axis=1) / 2)
    stds = [np.sqrt(1 / fan) for fan in fans]
    net = widths.tolist()
    forward = [h.forward_second_moments(net, list(std)) for std in stds]
    backward = [h.backward_second_moments(net, list(std)) for std in stds]
    return {"widths": widths}, {"forward": forward, "backward": backward}


def singular_values(rng):
    g, fixed = rng.uniform(0.9, 1.45), np.random.default_rng(14)
    J, s = np.eye(24), [np.ones(24)]
    for i in range(1, 21):
        J = h.xavier_normal(fixed, (24, 24)) @ J
        values = np.linalg.svd(J, compute_uv=False)
        s.append(g**i * digits(values[values > 1e-8], 4))
    middle = [(row[11] + row[12]) / 2 for row in s]
    square = [(row**2).sum() / 24 for row in s]
    return {"g": g}, {"s": s, "median": middle, "square": square}


VALUES = {
    "fifty-layers": fifty_layers,
    "five-points": five_points,
    "layer-widths": layer_widths,
    "singular-values": singular_values,
}
