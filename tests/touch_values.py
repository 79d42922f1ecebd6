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


VALUES = {"five-points": five_points}
