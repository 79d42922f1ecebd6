"""One good call of every public function, and what tests do with such calls."""

import copy

import numpy as np

import hw1lib as h


def make_calls(dtype=np.float64):
    """One good call of every public function: {name: keyword arguments}."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        # The same numbers for both dtypes.
        return (rng.normal(size=shape) + 0.25).astype(np.float32).astype(dtype)

    Y, gamma, beta, dY = draw(7, 3), draw(3), draw(3), draw(7, 3)
    mean, variance, root = draw(3), draw(3) ** 2, draw(3, 3)
    sigma = np.cov(draw(9, 3).T).astype(dtype)
    sigma = (sigma + sigma.T) / 2
    mask = (draw(7, 3) > 0).astype(dtype)
    targets = np.eye(3, dtype=dtype)[[0, 1, 2, 0, 1, 2, 2]] * dtype(0.7) + dtype(0.1)
    X, W, b = draw(7, 4), draw(3, 4), draw(3)
    network = {"X": X, "weights": [draw(5, 4), draw(3, 5)], "biases": [draw(5), draw(3)]}
    normed = {"Y": Y, "gamma": gamma, "beta": beta, "eps": 0.1}
    moments = {"widths": [4, 5, 3], "stds": [0.4, 0.3], "kept": 0.5}
    drawn = {"rng": np.random.default_rng(0), "shape": (4, 3), "dtype": dtype}

    bn_cache = h.batchnorm_forward(**normed)[1]
    return {
        "affine_forward": {"X": X, "W": W, "b": b},
        "affine_backward": {"dY": dY, "cache": h.affine_forward(X, W, b)[1]},
        "alive_probability": {"widths": [4, 5, 3]},
        "backward_second_moments": {**moments, "output_second_moment": 1.5},
        "batchnorm_forward": normed,
        "batchnorm_backward": {"dY_hat": dY, "cache": bn_cache},
        "batchnorm_statistics_backward": {"dY_hat": dY, "cache": bn_cache},
        "batchnorm_running_update": {
            "running_mean": mean, "running_var": variance, "cache": bn_cache, "momentum": 0.3,
        },
        "batchnorm_inference": {**normed, "running_mean": mean, "running_var": variance},
        "dropout_mask": {**drawn, "p": 0.3},
        "dropout_forward": {"h": Y, "mask": mask, "p": 0.3},
        "dropout_backward": {"dh_tilde": dY, "cache": h.dropout_forward(Y, mask, 0.3)[1]},
        "dropout_moments": {"mean": 0.4, "variance": 0.3, "p": 0.3},
        "forward_second_moments": {**moments, "input_second_moment": 1.5},
        "inverse_root_forward": {"sigma": sigma, "eps": 0.1},
        "inverse_root_backward": {
            "droot": root, "cache": h.inverse_root_forward(sigma, 0.1)[1],
        },
        "kaiming_std": {"shape": (4, 3), "mode": "fan_in", "negative_slope": 0.1},
        "kaiming_normal": {**drawn, "mode": "fan_in", "negative_slope": 0.1},
        "kaiming_uniform": {**drawn, "mode": "fan_in", "negative_slope": 0.1},
        "kept_units_mean": {"M": 9, "p": 0.3},
        "kept_units_pmf": {"k": np.arange(5), "M": 9, "p": 0.3},
        "largest_difference": {"actual": Y, "expected": dY},
        "logsumexp": {"Z": Y},
        "mlp_forward": {**network, "activation": "tanh", "readout": "activated"},
        "mlp_backward": {"dlogits": dY, "cache": h.mlp_forward(**network)[1]},
        "newton_inverse_root_forward": {"sigma": sigma, "eps": 0.1, "steps": 3},
        "newton_inverse_root_backward": {
            "droot": root, "cache": h.newton_inverse_root_forward(sigma, 0.1)[1],
        },
        "newton_whitening_forward": {**normed, "steps": 3},
        "numerical_gradient": {"f": lambda x: np.tanh(x).sum(), "x": Y, "step": 1e-5},
        # Its signs are free: with almost no shift, they drop out of the absolute values.
        "pca_whitening_forward": {**normed, "beta": beta * dtype(1e-30)},
        "poisson_limit_bound": {"M": 9, "lam": 2.5},
        "poisson_limit_distance": {"M": 9, "lam": 2.5},
        "poisson_pmf": {"k": np.arange(5), "lam": 2.5},
        "poisson_width_pmf": {"k": np.arange(5), "lam": 2.5, "p": 0.3},
        "rectified_normal_moments": {},
        "relu_forward": {"Z": Y},
        "relu_backward": {"dH": dY, "cache": h.relu_forward(Y)[1]},
        "softmax": {"Z": Y},
        "softmax_cross_entropy_forward": {"Z": Y, "targets": targets},
        "softmax_cross_entropy_backward": {
            "dlosses": draw(7), "cache": h.softmax_cross_entropy_forward(Y, targets)[1],
        },
        "tanh_forward": {"Z": Y},
        "tanh_backward": {"dH": dY, "cache": h.tanh_forward(Y)[1]},
        "whitening_forward": normed,
        "whitening_backward": {"dY_hat": dY, "cache": h.whitening_forward(**normed)[1]},
        "whitening_inference": {
            "Y": Y, "gamma": gamma, "beta": beta, "running_mean": mean, "running_root": root,
        },
        "xavier_std": {"shape": (4, 3), "gain": 1.5},
        "xavier_normal": {**drawn, "gain": 1.5},
        "xavier_uniform": {**drawn, "gain": 1.5},
    }  # fmt: skip


TABLES = {dtype: make_calls(dtype) for dtype in (np.float32, np.float64)}
CALLS = TABLES[np.float64]
NAMES = sorted(CALLS)


def good(name, dtype=np.float64):
    return copy.deepcopy(TABLES[dtype][name])


def run(name, arguments):
    return getattr(h, name)(**arguments)


def arrays(value):
    """All arrays in a value, however deep in tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return []
    return [array for part in value for array in arrays(part)]


def over_arrays(change, value):
    """Change every array of the arguments, but leave those of the caches alone."""
    if isinstance(value, dict):
        return {k: v if k == "cache" else over_arrays(change, v) for k, v in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
        return [change(v) for v in value]
    return change(value) if isinstance(value, np.ndarray) else value


WITH_ARRAYS = [n for n in NAMES if arrays(CALLS[n]) and CALLS[n].keys().isdisjoint({"k", "f"})]
