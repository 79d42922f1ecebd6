"""What each figure that one can touch computes, done by hw1lib: a draw of states and the values."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.datasets import load_digits

import hw1lib as h

CHAPTERS = Path(__file__).parent.parent / "chapters"


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


def three_numbers(rng):
    y, (gamma, beta) = rng.gamma(4.0, size=30), rng.uniform(-2, 2, 2)
    power = rng.uniform(-4, 1)
    pair = np.array([gamma]), np.array([beta])
    out, cache = h.batchnorm_forward(y[:, None], *pair, eps=10**power)
    values = {"m": cache.m[0], "v": cache.v[0], "s": cache.s[0], "out": out[:, 0]}
    values |= {"mean": out.mean(), "deviation": out.std()}
    return {"y": y, "gamma": gamma, "beta": beta, "power": power}, values


def one_cloud(rng):
    plain = np.ones(2), np.zeros(2), 0.0
    white, _ = h.whitening_forward(rng.normal(size=(30, 2)), *plain)
    rho = rng.uniform(-0.95, 0.95)
    cloud = white @ np.array([[1.5, rho], [0, np.sqrt(1 - rho**2)]])
    pca = h.pca_whitening_forward(cloud, *plain)
    pca *= np.sign((cloud.T @ pca).sum(axis=0))  # as the signs of the eigenvectors
    outs = [h.batchnorm_forward(cloud, *plain)[0], pca, h.whitening_forward(cloud, *plain)[0]]
    values = {"cloud": cloud, "outs": outs}
    values["moved"] = [np.mean(np.sum((out - cloud) ** 2, axis=1)) for out in outs]
    values["left"] = [np.corrcoef(out.T)[0, 1] for out in outs]
    return {"white": white, "rho": rho}, values


@cache
def pixels():
    """Return the first 128 images of the page, over the mean and the deviation of all."""
    images = load_digits().data
    images = images[np.random.default_rng(0).permutation(len(images))]
    return ((images - images.mean()) / images.std(ddof=1))[:128]


def deep_start(rng):
    factor, fixed = rng.uniform(0.5, 2), np.random.default_rng(0)
    sizes, layers = {"plain": [], "normed": []}, {"plain": pixels(), "normed": pixels()}
    for _ in range(10):
        W, b = fixed.normal(0, np.sqrt(2 / 64), (64, 64)), np.zeros(64)
        for name, X in layers.items():
            Y = h.affine_forward(X, W, b)[0]
            if name == "normed":
                Y = h.batchnorm_forward(Y, np.ones(64), b)[0]
            layers[name] = h.relu_forward(Y)[0]
            sizes[name].append(np.sqrt(np.mean(layers[name] ** 2)))
    powers = factor ** np.arange(1, 11)
    # What is stored is the size at a factor of 1; batch norm takes any factor out, but for epsilon.
    return {"factor": factor}, {
        "plain": digits(sizes["plain"], 4) * powers,
        "normed": digits(sizes["normed"], 4),
    }


def newton_front(rng):
    def variances(shares, steps):
        root, _ = h.newton_inverse_root_forward(np.diag(shares), steps=steps)
        return shares * np.diag(root) ** 2

    T, power, s = int(rng.integers(1, 13)), rng.uniform(-5, -0.01), rng.dirichlet(np.ones(6))
    pair = np.array([10**power, 1 - 10**power])
    path = [pair[0], *(variances(pair, t + 1)[0] for t in range(T))]

    def height(power):
        return variances(np.array([10**power, 1 - 10**power]), T)[0] - 0.5

    front = 10 ** brentq(height, -6, -1e-3, xtol=1e-14)
    values = {"path": path, "spectrum": variances(s, T), "front": front}
    return {"T": T, "power": power, "s": s}, values


def thinned_network(rng):
    p, drawn = int(rng.integers(15)) / 20, int(rng.integers(1, 101))
    x, v = np.array([[1.0, 2, 1]]), np.array([[1.0, 1, -2, 2, 1]])
    W = np.array([[1.0, 0, 1], [0, 2, 0], [2, -1, 1], [0, 1, 1], [1, 1, -1]])
    zeros = np.zeros(5), np.zeros(1)
    hidden = h.relu_forward(h.affine_forward(x, W, zeros[0])[0])[0]

    def outputs(masks):
        thinned, _ = h.dropout_forward(np.tile(hidden, (len(masks), 1)), masks, p)
        return h.affine_forward(thinned, v, zeros[1])[0][:, 0]

    seen = h.dropout_mask(np.random.default_rng(33), (100, 5), p)[:drawn]
    every = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(float)
    hand = rng.integers(0, 2, 5 * int(rng.integers(2)))  # or the last mask that was drawn
    mask = hand.astype(float) if len(hand) else seen[-1]
    values = {"mask": mask, "output": outputs(mask[None])[0], "outputs": outputs(every)}
    values["chances"] = np.where(every == 1, 1 - p, p).prod(axis=1)
    values["average"] = outputs(seen).mean()
    values["exact"] = values["chances"] @ values["outputs"]
    values["inference"] = h.mlp_forward(x, [W, v], list(zeros))[0][0, 0]
    return {"p": p, "drawn": drawn, "hand": hand}, values


@cache
def dropped(p):
    """Return the mean and the deviation of the activations that the page records."""
    some = np.maximum(np.random.default_rng(3).standard_normal(50_000), 0)
    mask = h.dropout_mask(np.random.default_rng(12), some.shape, p)
    after, _ = h.dropout_forward(some, mask, p)
    return {"mean": after.mean().round(5), "deviation": after.std().round(5)}


def after_dropout(rng):
    p = int(rng.integers(81)) / 100
    mean, var = h.dropout_moments(*h.rectified_normal_moments(), p=p)
    grown = norm(scale=1 / (1 - p))
    values = {"zeros": p + (1 - p) * grown.cdf(0), "beyond": (1 - p) * grown.sf(8)}
    values["density"] = (1 - p) * grown.pdf(np.arange(33) / 4)
    values["formula"] = {"mean": mean, "deviation": np.sqrt(var)}
    return {"p": p}, values | {"measured": dropped(p)}


def kept_fraction(rng):
    p, M, counts = rng.uniform(0.1, 0.9), int(rng.integers(10, 201)), np.arange(201)
    pmf, mean = h.kept_units_pmf(counts, M, p), h.kept_units_mean(M, p)
    sd = np.sqrt(pmf @ (counts - mean) ** 2)
    values = {"pmf": pmf[: M + 1], "mean": mean, "deviation": sd, "spread": sd / M}
    return {"p": p, "M": M}, values | {"largest": pmf.max()}


def poisson_limit(rng):
    M, counts = int(rng.integers(4, 1001)), np.arange(13)
    values = {"binomial": h.kept_units_pmf(counts, M, 1 - 3 / M)}
    values["poisson"] = h.poisson_pmf(counts, 3.0)
    values["distance"] = h.poisson_limit_distance(M, 3.0)
    return {"M": M}, values | {"bound": h.poisson_limit_bound(M, 3.0)}


def digits(values, count):
    """Round to as many digits as a figure's data has."""
    return np.array([float(f"{value:.{count}g}") for value in values])


@cache
def twenty_networks():
    """Return the mean squares of the page's networks at c = 2, as stored, with 4 digits."""
    images = load_digits().data
    rows, nets = np.random.default_rng(33).permutation(len(images)), []
    for seed in range(20):
        rng, signal = np.random.default_rng(seed), (images - images.mean(axis=0))[rows[0]]
        sizes = [(signal**2).mean()]
        for _ in range(50):
            W = np.sqrt(2 / len(signal)) * rng.standard_normal((100, len(signal)))
            signal = h.relu_forward(W @ signal)[0]
            sizes.append((signal**2).mean())
        nets.append(digits(np.array(sizes) / sizes[0], 4))
    return np.array(nets)


def fifty_layers(rng):
    c = rng.uniform(1.8, 2.2)
    line = h.forward_second_moments([100] * 51, [np.sqrt(c / 100)] * 50)
    nets = twenty_networks() * line
    values = {"line": line, "nets": nets, "median": np.median(nets, axis=0)}
    return {"c": c}, values | {"below": np.sum(nets[:, 50] < 1)}


def layer_widths(rng):
    widths = rng.integers(16, 257, 7)
    pairs = np.stack([widths[:-1], widths[1:]], axis=1)
    fans = (pairs[:, 0] / 2, pairs[:, 1] / 2, pairs.mean(axis=1) / 2)
    stds = [np.sqrt(1 / fan) for fan in fans]
    net = widths.tolist()
    forward = [h.forward_second_moments(net, list(std)) for std in stds]
    backward = [h.backward_second_moments(net, list(std)) for std in stds]
    return {"widths": widths}, {"forward": forward, "backward": backward}


@cache
def tanh_network(depth, scale):
    """Return sizes of activations and gradients of ten networks, and how many units saturate."""
    images, labels = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(images))[:64]
    X, target = (images[rows] - images.mean()) / images.std(), np.eye(10)[labels[rows]]
    forward, backward, saturated = [], [], []
    for seed in range(10):
        draw = np.random.default_rng(seed)
        net = [scale * draw.normal(0, 1 / 8, (64, 64)) for _ in range(depth)]
        net.append(draw.normal(0, 1 / 8, (10, 64)))
        zeros = [np.zeros(len(W)) for W in net]
        logits, cache = h.mlp_forward(X, net, zeros, activation="tanh")
        hs = [affine.X for affine, _ in cache.layers]
        top = h.softmax_cross_entropy_forward(logits, target)[1]
        dhs, _, _ = h.mlp_backward(h.softmax_cross_entropy_backward(np.ones(64), top), cache)
        forward.append([np.mean(H**2) for H in hs])
        sizes = np.array([np.mean(dH**2) for dH in dhs[1:-1]])
        backward.append(sizes / sizes[-1])
        saturated.append([np.mean(abs(H) > 0.97) for H in hs[1:]])
    found = {"forward": forward, "backward": backward, "saturated": saturated}
    return {name: digits(np.median(runs, axis=0), 3) for name, runs in found.items()}


@cache
def recorded_losses():
    """Return what the campaigns of the page gave, for three, ten and thirty layers."""
    page = json.loads((CHAPTERS / "backprop" / "deep.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in page["cells"]]
    found = {cell.split(" = ")[0]: cell.split('"""')[1] for cell in cells if "json.loads(" in cell}
    return [json.loads(found[name], strict=False) for name in ("THREE", "TEN", "THIRTY")]


def training_scale(rng):
    depth, step = int(rng.integers(3)), int(rng.integers(9))
    losses = np.array(recorded_losses()[depth][step]) / 100
    values = dict(zip(("low", "median", "high"), losses, strict=True))
    values |= tanh_network((3, 10, 30)[depth], 2 ** (step / 2 - 2))
    return {"depth": depth, "step": step}, values


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


def two_two_two(rng):
    x, *weights = (rng.integers(-4, 5, shape).astype(float) for shape in (2, (2, 2), (2, 2)))
    target, zeros = np.array([[2.0, 7]]), [np.zeros(2)] * 2

    def loss_of(a):
        return np.sum((a - target) ** 2) / 2

    a, cache = h.mlp_forward(x[None], weights, zeros)
    (dx, dh, da), (dW1, dW2), _ = h.mlp_backward(a - target, cache)
    z, _ = h.affine_forward(x[None], weights[0], zeros[0])
    hidden, hidden_cache = h.relu_forward(z)
    after = [weights[0] - 0.02 * dW1, weights[1] - 0.02 * dW2]
    values = {"z": z, "h": hidden, "a": a, "loss": loss_of(a)}
    values |= {"da": da, "dW2": dW2, "dh": dh, "dW1": dW1, "dx": dx}
    values |= {"dz": h.relu_backward(dh, hidden_cache), "next": {"W1": after[0], "W2": after[1]}}
    values["after"] = loss_of(h.mlp_forward(x[None], after, zeros)[0])
    return {"x": x, "W1": weights[0], "W2": weights[1]}, values


VALUES = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(thinned_network, after_dropout, kept_fraction, poisson_limit),
        *(three_numbers, deep_start, five_points, one_cloud, newton_front),
        *(two_two_two, training_scale, layer_widths, fifty_layers, singular_values),
    )
}
