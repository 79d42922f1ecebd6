"""How many digits are right: hw1lib, torch and scipy against mpmath at 50 digits.

`python tests/test_accuracy.py` prints the table. An error is the largest one of a row, in units in
the last place (ulp) of the exact value; for the outputs of batch norm and of whitening, in rounding
units of the largest entry. Each row asserts the bound beside it, and that hw1lib is no worse than
any peer by more than a factor of 2, plus 1 ulp.
"""

from functools import cache
from itertools import compress

import mpmath
import numpy as np
import scipy.linalg
import torch
from mpmath import mpf
from scipy import special, stats

import hw1lib as h

DIGITS = 50


def ulps(actual, exact):
    """Give the largest error, in the spacing of the floats at the exact value."""
    actual = np.asarray(actual)
    spacing = np.spacing(np.abs(np.array(exact, dtype=float)).astype(actual.dtype))
    pairs = zip(actual.ravel().tolist(), exact, spacing.tolist(), strict=True)
    return max(float(abs(mpf(a) - e) / mpf(s)) for a, e, s in pairs)


def units(actual, exact):
    """Give the largest error in rounding units of the largest entry."""
    error = max(abs(mpf(a) - e) for a, e in zip(np.ravel(actual).tolist(), exact, strict=True))
    return float(error / max(map(abs, exact))) / float(np.finfo(actual.dtype).eps)


# The exact values.


def exact_binomial(k, M, p):
    k, p = int(k), mpf(p)
    return mpmath.binomial(M, k) * (1 - p) ** k * p ** (M - k)


def exact_poisson(k, lam):
    return mpmath.exp(-mpf(lam)) * mpf(lam) ** int(k) / mpmath.factorial(int(k))


def exact_softmax(Z):
    rows = [[mpmath.exp(mpf(z)) for z in row] for row in Z.tolist()]
    return [e / mpmath.fsum(row) for row in rows for e in row]


def exact_logsumexp(Z):
    return [mpmath.log(mpmath.fsum(mpmath.exp(mpf(z)) for z in row)) for row in Z.tolist()]


def exact_losses(Z, classes):
    others = [
        mpmath.fsum(mpmath.exp(mpf(z) - mpf(row[c])) for i, z in enumerate(row) if i != c)
        for row, c in zip(Z.tolist(), classes, strict=True)
    ]
    return [mpmath.log1p(o) for o in others]


def exact_statistics(Y):
    columns = [[mpf(y) for y in column] for column in Y.T.tolist()]
    means = [mpmath.fsum(c) / len(c) for c in columns]
    variances = [
        mpmath.fsum((y - m) ** 2 for y in c) / len(c) for c, m in zip(columns, means, strict=True)
    ]
    return columns, means, variances


def exact_batchnorm(Y, eps):
    columns, means, variances = exact_statistics(Y)
    statistics = list(zip(columns, means, variances, strict=True))
    return [(c[i] - m) / mpmath.sqrt(v + mpf(eps)) for i in range(len(Y)) for c, m, v in statistics]


def exact_whitening(Y):
    columns, means, _ = exact_statistics(Y)
    C = mpmath.matrix([[y - m for y in c] for c, m in zip(columns, means, strict=True)]).T
    lam, U = mpmath.eigsy(C.T * C / len(Y))
    return list(C * U * mpmath.diag([1 / mpmath.sqrt(x) for x in lam]) * U.T)


# The rows: name, bound of hw1lib's error, errors of hw1lib and of its peers.


def row(name, bound, error, exact, **results):
    return name, bound, {who: error(result, exact) for who, result in results.items()}


def around(center, spread, low, high):
    """Give counts in the middle and in both tails, out to 30 standard deviations."""
    z = np.array([0, 0.3, 1, 2, 4, 7, 10, 20, 30])
    k = np.concatenate([center - z * spread, center + z * spread])
    return np.unique(np.clip(k.round(), low, high).astype(int))


def pmf_rows():
    for M, p, bound in [
        (10, 0.3, 10), (1000, 0.01, 100), (10**4, 0.3, 1000), (10**6, 0.5, 1000),
        (10**6, 1e-5, 1000), (10**6, 0.999, 1000),
    ]:  # fmt: skip
        k = around(M * (1 - p), (M * p * (1 - p)) ** 0.5, 0, M)
        k = np.array([i for i in k if exact_binomial(i, M, p) > mpf(10) ** -290])
        exact = [exact_binomial(i, M, p) for i in k]
        yield row(
            f"binomial pmf, M = {M}, p = {p:g}", bound, ulps, exact,
            hw1lib=h.kept_units_pmf(k, M, p), scipy=stats.binom.pmf(k, M, 1 - p),
        )  # fmt: skip
    for lam, bound in [(0.1, 5), (1, 5), (10, 5), (150.5, 1000), (1e3, 2000), (1e5, 1000)]:
        k = around(lam, lam**0.5, 0, np.inf)
        k = np.array([i for i in k if exact_poisson(i, lam) > mpf(10) ** -290])
        law = torch.distributions.Poisson(torch.tensor(lam, dtype=torch.float64))
        yield row(
            f"Poisson pmf, lambda = {lam:g}", bound, ulps, [exact_poisson(i, lam) for i in k],
            hw1lib=h.poisson_pmf(k, lam), scipy=stats.poisson.pmf(k, lam),
            torch=law.log_prob(torch.tensor(k.astype(float))).exp().numpy(),
        )  # fmt: skip
    for M, lam, bound in [(10**6, 1.0, 10), (10**6, 0.01, 100), (3000, 30.0, 10)]:
        terms = [exact_binomial(k, M, 1 - mpf(lam) / M) - exact_poisson(k, lam) for k in range(150)]
        counts = np.arange(150)
        differences = stats.binom.pmf(counts, M, lam / M) - stats.poisson.pmf(counts, lam)
        yield row(
            f"distance of the Poisson limit, M = {M}, lambda = {lam:g}", bound, ulps,
            [mpmath.fsum(t for t in terms if t > 0)],
            hw1lib=h.poisson_limit_distance(M, lam), scipy=differences[differences > 0].sum(),
        )  # fmt: skip


def logit_rows():
    rng = np.random.default_rng(0)
    for dtype, spread, shift, bounds in [
        (np.float64, 1, 0, (5, 3, 5)), (np.float64, 30, 0, (100, 3, 200)),
        (np.float64, 1, 1e4, (5, 3, 5)), (np.float64, 200, 0, (500, 3, 1000)),
        (np.float32, 1, 0, (5, 3, 5)), (np.float32, 10, 0, (50, 3, 100)),
        (np.float32, 1, -1e4, (5, 3, 5)),
    ]:  # fmt: skip
        Z = np.clip(rng.normal(size=(30, 5)) * spread, -3 * spread, 3 * spread) + shift
        Z = Z.astype(dtype)
        T, case = torch.tensor(Z), f"{dtype.__name__}, logits {spread} N(0, 1) + {shift:g}"
        exact = exact_softmax(Z)
        normal = [e > float(np.finfo(dtype).tiny) * 1e8 for e in exact]
        yield row(
            f"softmax, {case}", bounds[0], ulps, list(compress(exact, normal)),
            hw1lib=h.softmax(Z).ravel()[normal], torch=torch.softmax(T, 1).numpy().ravel()[normal],
            scipy=special.softmax(Z, axis=1).ravel()[normal],
        )  # fmt: skip
        yield row(
            f"log-sum-exp, {case}", bounds[1], ulps, exact_logsumexp(Z), hw1lib=h.logsumexp(Z),
            torch=torch.logsumexp(T, 1).numpy(), scipy=special.logsumexp(Z, axis=1),
        )  # fmt: skip
        classes = np.where(rng.random(30) < 0.7, Z.argmax(axis=1), rng.integers(0, 5, 30))
        targets = np.eye(5, dtype=dtype)[classes]
        losses = torch.nn.functional.cross_entropy(T, torch.tensor(classes), reduction="none")
        yield row(
            f"cross-entropy, {case}", bounds[2], ulps, exact_losses(Z, classes),
            hw1lib=h.softmax_cross_entropy_forward(Z, targets)[0], torch=losses.numpy(),
            scipy=-special.log_softmax(Z, axis=1)[np.arange(30), classes],
        )  # fmt: skip


def batchnorm_rows():
    rng = np.random.default_rng(1)
    for dtype, B, mean in [
        (np.float64, 32, 0), (np.float64, 32, 1e6), (np.float64, 1000, 1e4),
        (np.float32, 32, 0), (np.float32, 32, 1e4), (np.float32, 1000, 1e4),
        (np.float32, 32, 1e6), (np.float32, 4000, 1),
    ]:  # fmt: skip
        Y = (rng.normal(size=(B, 2)) * [1, 3] + mean).astype(dtype)
        T, one, zero = torch.tensor(Y), np.ones(2, dtype), np.zeros(2, dtype)
        Y_hat, cache = h.batchnorm_forward(Y, one, zero)
        case = f"{dtype.__name__}, B = {B}, mean {mean:g}"
        yield row(
            f"variance, {case}", 5, ulps, exact_statistics(Y)[2], hw1lib=cache.v,
            torch=torch.var(T, 0, correction=0).numpy(), numpy=Y.var(axis=0),
        )  # fmt: skip
        peer = torch.nn.functional.batch_norm(
            T, None, None, torch.tensor(one), torch.tensor(zero), training=True
        )
        yield row(
            f"batch norm, {case}", 5, units, exact_batchnorm(Y, 1e-5), hw1lib=Y_hat,
            torch=peer.numpy(),
        )  # fmt: skip


def whitening_rows():
    rng = np.random.default_rng(2)
    for condition, bound in [(1, 10), (1e4, 1e3), (1e8, 1e5), (1e12, 1e7)]:
        Q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        Y = (rng.normal(size=(20, 4)) * np.geomspace(1, condition**-0.5, 4)) @ Q
        C = Y - Y.mean(axis=0)
        sigma = C.T @ C / len(C)
        lam, U = torch.linalg.eigh(torch.tensor(sigma))
        yield row(
            f"whitening, condition number {condition:g}", bound, units, exact_whitening(Y),
            hw1lib=h.whitening_forward(Y, np.ones(4), np.zeros(4), 0.0)[0],
            torch=(torch.tensor(C) @ (U * lam**-0.5) @ U.T).numpy(),
            scipy=C @ scipy.linalg.inv(scipy.linalg.sqrtm(sigma)),
        )  # fmt: skip


@cache
def table():
    with mpmath.workdps(DIGITS):
        rows = [*pmf_rows(), *logit_rows(), *batchnorm_rows(), *whitening_rows()]
    return {name: (bound, errors) for name, bound, errors in rows}


def test_error_is_below_its_bound_in_every_row():
    errors = {name: (bound, e["hw1lib"]) for name, (bound, e) in table().items()}
    assert {name: e for name, e in errors.items() if not e[1] <= e[0]} == {}


def test_no_peer_is_better_by_more_than_a_factor_of_two_and_one_ulp():
    worse = {
        name: errors
        for name, (_, errors) in table().items()
        if errors["hw1lib"] > 2 * min(errors.values()) + 1
    }
    assert worse == {}


def test_probabilities_losses_and_variances_keep_digits_that_a_peer_loses():
    # More than half of the digits: 1e8 rounding units in float64, 1e3 in float32.
    for name in [
        "cross-entropy, float64, logits 30 N(0, 1) + 0",
        "cross-entropy, float32, logits 10 N(0, 1) + 0",
        "distance of the Poisson limit, M = 1000000, lambda = 0.01",
        "batch norm, float32, B = 32, mean 10000",
        "whitening, condition number 1e+12",
    ]:
        _, errors = table()[name]
        assert max(errors.values()) > 20 * errors["hw1lib"]
        assert max(errors.values()) > (1e3 if "float32" in name else 1e8)


if __name__ == "__main__":
    print(f"{'largest error in ulp':56}{'bound':>9}   hw1lib   peers")
    for name, (bound, errors) in table().items():
        peers = "".join(f"{who:>8} {e:<8.3g}" for who, e in errors.items() if who != "hw1lib")
        print(f"{name:56}{bound:>9.3g}   {errors['hw1lib']:<9.3g}{peers}")
