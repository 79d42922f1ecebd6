"""The right answers to question 1, dropout, each in five styles."""

import math
from itertools import product

import numpy as np
import torch
from scipy import integrate

torch.set_num_threads(1)


def scale_loops(p):
    mean = 0.0
    for bit, probability in ((0, p), (1, 1 - p)):
        mean += bit * probability
    return 1 / mean


def scale_numpy(p):
    return np.reciprocal(1 - np.float64(p))


def scale_closed_form(p):
    return 1 / (1 - p)


def scale_torch(p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    h = torch.randn((), dtype=torch.float64, requires_grad=True)
    # The slope of dropout at a unit that is kept.
    (slope,) = torch.autograd.grad(h / bit.mean, h)
    return slope.item()


def scale_float32(p):
    return np.float32(1) / (np.float32(1) - np.float32(p))


def forward_loops(h, mask, p):
    h_tilde = np.empty(h.shape)
    for i in range(h.shape[0]):
        for j in range(h.shape[1]):
            h_tilde[i, j] = h[i, j] / (1 - p) if mask[i, j] else 0.0
    return h_tilde


def forward_einsum(h, mask, p):
    return np.einsum("ij,ij->ij", mask, h) / (1 - p)


def forward_matrix(h, mask, p):
    return np.stack([np.diag(m) @ row for m, row in zip(mask, h, strict=True)]) / (1 - p)


def forward_torch(h, mask, p):
    scaled = torch.from_numpy(h).div(1 - p)
    return scaled.masked_fill(torch.from_numpy(mask) == 0, 0.0).numpy()


def forward_float32(h, mask, p):
    scale = np.float32(1 / (1 - p))
    return h.astype(np.float32) * mask.astype(np.float32) * scale


def backward_loops(dh_tilde, mask, p):
    dh = np.empty(mask.shape)
    for i in range(mask.shape[0]):
        for j in range(mask.shape[1]):
            dh[i, j] = dh_tilde[i, j] / (1 - p) if mask[i, j] else 0.0
    return dh


def backward_einsum(dh_tilde, mask, p):
    return np.einsum("ij,ij->ij", mask, dh_tilde) / (1 - p)


def backward_matrix(dh_tilde, mask, p):
    jacobians = [np.diag(m) / (1 - p) for m in mask]
    return np.stack([J.T @ g for J, g in zip(jacobians, dh_tilde, strict=True)])


def backward_torch(dh_tilde, mask, p):
    h = torch.randn(mask.shape, dtype=torch.float64, requires_grad=True)
    h_tilde = torch.from_numpy(mask) * h / (1 - p)
    (dh,) = torch.autograd.grad((torch.from_numpy(dh_tilde) * h_tilde).sum(), h)
    return dh.numpy()


def backward_float32(dh_tilde, mask, p):
    scale = np.float32(1 / (1 - p))
    return dh_tilde.astype(np.float32) * mask.astype(np.float32) * scale


def activation_loops():
    # E[h**r] = 2**(r/2) Gamma((r + 1)/2) / (2 sqrt(pi)), the moments of half a normal law.
    moments = []
    for r in (1, 2):
        moments.append(2 ** (r / 2) * math.gamma((r + 1) / 2) / (2 * math.sqrt(math.pi)))
    return moments[1] - moments[0] ** 2


def activation_integrals():
    def first(z):
        return z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    def second(z):
        return z * first(z)

    return integrate.quad(second, 0, np.inf)[0] - integrate.quad(first, 0, np.inf)[0] ** 2


def activation_closed_form():
    return (math.pi - 1) / (2 * math.pi)


def activation_torch():
    half = torch.distributions.HalfNormal(torch.tensor(1.0, dtype=torch.float64))
    return ((half.variance + half.mean**2) / 2 - (half.mean / 2) ** 2).item()


def activation_float32():
    return np.float32(0.5) - np.float32(0.5) / np.float32(np.pi)


def variance_loops(p):
    variance = 0.0
    for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
        variance += probability * (factor**2 / 2 - 1 / (2 * math.pi))
    return variance


def variance_numpy(p):
    # The rule for the product of independent factors, equation (14).
    mean, var = (
        np.array([1 - p, 1 / np.sqrt(2 * np.pi)]),
        np.array([p * (1 - p), 0.5 - 0.5 / np.pi]),
    )
    return (var.prod() + var[0] * mean[1] ** 2 + var[1] * mean[0] ** 2) / (1 - p) ** 2


def variance_closed_form(p):
    return (math.pi - 1 + p) / (2 * math.pi * (1 - p))


def variance_torch(p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    half = torch.distributions.HalfNormal(torch.tensor(1.0, dtype=torch.float64))
    mean, second = half.mean / 2, (half.variance + half.mean**2) / 2
    # The law of total variance, given the activation.
    return (second - mean**2 + bit.variance / bit.mean**2 * second).item()


def variance_float32(p):
    q = np.float32(1 - p)
    return np.float32(0.5) / q - np.float32(0.5) / np.float32(np.pi)


def variance_any_loops(mean, variance, p):
    # An activation that is mean - d or mean + d, each half of the time, has these two moments.
    d = math.sqrt(variance)
    total = 0.0
    for h in (mean - d, mean + d):
        for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
            total += probability / 2 * (factor * h - mean) ** 2
    return total


def variance_any_numpy(mean, variance, p):
    mask = np.array([1 - p, p * (1 - p)])
    h = np.array([mean, variance])
    second = (mask[1] + mask[0] ** 2) * (h[1] + h[0] ** 2)
    return (second - (mask[0] * h[0]) ** 2) / (1 - p) ** 2


def variance_any_closed_form(mean, variance, p):
    return variance + p / (1 - p) * (variance + mean**2)


def variance_any_torch(mean, variance, p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    noise = bit.variance / bit.mean**2
    return (noise * mean**2 + (1 + noise) * variance).item()


def variance_any_float32(mean, variance, p):
    mean, variance, q = np.float32(mean), np.float32(variance), np.float32(1 - p)
    return (variance + mean * mean) / q - mean * mean


def gaussian_loops(p):
    variance = 0.0
    for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
        variance += probability * (factor - 1) ** 2
    return math.sqrt(variance)


def gaussian_numpy(p):
    factor, probability = np.array([0, 1 / (1 - p)]), np.array([p, 1 - p])
    return np.sqrt(np.cov(factor, aweights=probability, ddof=0))


def gaussian_closed_form(p):
    return math.sqrt(p / (1 - p))


def gaussian_torch(p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    return (bit.stddev / bit.mean).item()


def gaussian_float32(p):
    p = np.float32(p)
    return np.sqrt(p / (np.float32(1) - p))


def dropconnect_loops(w, x, p):
    mean, variance = w @ x, 0.0
    for bits in product((0, 1), repeat=len(w)):
        probability, z = 1.0, 0.0
        for bit, a, b in zip(bits, w, x, strict=True):
            probability *= 1 - p if bit else p
            z += bit * a * b / (1 - p)
        variance += probability * (z - mean) ** 2
    return variance


def dropconnect_einsum(w, x, p):
    return p / (1 - p) * np.einsum("i,i,i,i->", w, w, x, x)


def dropconnect_matrix(w, x, p):
    covariance_of_mask = p * (1 - p) * np.eye(len(w))
    terms = w * x / (1 - p)
    return terms @ covariance_of_mask @ terms


def dropconnect_torch(w, x, p):
    # z is linear in the bits, so each adds its variance times the squared slope.
    keep = torch.full(w.shape, 1 - p, dtype=torch.float64)
    m = keep.clone().requires_grad_()
    z = (m * torch.from_numpy(w * x)).sum() / (1 - p)
    (slope,) = torch.autograd.grad(z, m)
    return (torch.distributions.Bernoulli(keep).variance @ slope**2).item()


def dropconnect_float32(w, x, p):
    terms = w.astype(np.float32) * x.astype(np.float32)
    return terms @ terms * np.float32(p / (1 - p))


def shared_loops(m1, m2, p):
    both = first = second = 0.0
    for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
        both += probability * factor * m1 * factor * m2
        first += probability * factor * m1
        second += probability * factor * m2
    return both - first * second


def shared_numpy(m1, m2, p):
    factor, probability = np.array([0, 1 / (1 - p)]), np.array([p, 1 - p])
    h = np.outer([m1, m2], factor)
    return np.cov(h, aweights=probability, ddof=0)[0, 1]


def shared_closed_form(m1, m2, p):
    return p / (1 - p) * m1 * m2


def shared_torch(m1, m2, p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    return (m1 * m2 * bit.variance / bit.mean.square()).item()


def shared_float32(m1, m2, p):
    product_of_means = np.float32(m1) * np.float32(m2)
    return product_of_means / np.float32(1 - p) - product_of_means


def mean_loops(M, p):
    mean = 0.0
    for _ in range(M):
        mean += 1 - p
    return mean


def mean_numpy(M, p):
    law = np.ones(1)
    for _ in range(M):
        law = np.convolve(law, [p, 1 - p])
    return law @ np.arange(law.size)


def mean_closed_form(M, p):
    return M * (1 - p)


def mean_torch(M, p):
    return torch.distributions.Binomial(M, torch.tensor(1 - p, dtype=torch.float64)).mean.item()


def mean_float32(M, p):
    return np.float32(M) - np.float32(M) * np.float32(p)


def pmf_loops(k, M, p):
    total = 0.0
    for mask in product((0, 1), repeat=M):
        if sum(mask) == k:
            probability = 1.0
            for bit in mask:
                probability *= 1 - p if bit else p
            total += probability
    return total


def pmf_numpy(k, M, p):
    # One unit after the other: the law of a sum is the convolution of the laws.
    law = np.ones(1)
    for _ in range(M):
        law = np.convolve(law, [p, 1 - p])
    return law[k]


def pmf_closed_form(k, M, p):
    return math.comb(M, k) * (1 - p) ** k * p ** (M - k)


def pmf_torch(k, M, p):
    law = torch.distributions.Binomial(M, torch.tensor(1 - p, dtype=torch.float64))
    return law.log_prob(torch.tensor(float(k), dtype=torch.float64)).exp().item()


def pmf_float32(k, M, p):
    q, p = np.float32(1 - p), np.float32(p)
    ways = math.factorial(M) // (math.factorial(k) * math.factorial(M - k))
    return np.float32(ways) * q**k * p ** (M - k)


def layers_loops(widths, p):
    total = 0.0
    for dropped in product((False, True), repeat=len(widths)):
        probability = 1.0
        for layer, D in zip(dropped, widths, strict=True):
            probability *= p**D if layer else 1 - p**D
        if any(dropped):
            total += probability
    return total


def layers_numpy(widths, p):
    return 1 - np.prod(1 - p**widths)


def layers_closed_form(widths, p):
    # A first dropped layer: all before it have passed something on.
    cut = 0.0
    for D in widths:
        cut = cut + (1 - cut) * p**D
    return cut


def layers_torch(widths, p):
    probability = torch.tensor(p, dtype=torch.float64) ** torch.from_numpy(widths)
    return -torch.expm1(torch.log1p(-probability).sum()).item()


def layers_float32(widths, p):
    return np.float32(1) - np.prod(np.float32(1) - np.float32(p) ** widths.astype(np.float32))


def limit_loops(k, lam):
    probability = math.exp(-lam)
    for count in range(k):
        probability *= lam / (count + 1)
    return probability


def limit_numpy(k, lam):
    return np.exp(k * np.log(lam) - lam - math.lgamma(k + 1))


def limit_closed_form(k, lam):
    return lam**k * math.exp(-lam) / math.factorial(k)


def limit_torch(k, lam):
    # The k-th derivative of the generating function at 0, divided by k!.
    s = torch.zeros((), dtype=torch.float64, requires_grad=True)
    G = torch.exp(lam * (s - 1))
    for order in range(k):
        (G,) = torch.autograd.grad(G / (order + 1), s, create_graph=True)
    return G.item()


def limit_float32(k, lam):
    lam = np.float32(lam)
    return lam**k * np.exp(-lam) / np.float32(math.factorial(k))


def width_loops(k, lam, p):
    # Sum over the widths until the terms no longer count.
    total, before, m = 0.0, None, k
    while total != before:
        width = math.exp(-lam) * lam**m / math.factorial(m)
        before = total
        total += math.comb(m, k) * (1 - p) ** k * p ** (m - k) * width
        m += 1
    return total


def width_numpy(k, lam, p):
    rate = np.float64(lam) * (1 - p)
    return np.exp(-rate) * np.prod(rate / np.arange(1, k + 1))


def width_closed_form(k, lam, p):
    return (lam * (1 - p)) ** k * math.exp(-lam * (1 - p)) / math.factorial(k)


def width_torch(k, lam, p):
    # The k-th derivative of G_M(p + (1 - p) s) at s = 0, divided by k!.
    s = torch.zeros((), dtype=torch.float64, requires_grad=True)
    G = torch.exp(lam * (p + (1 - p) * s - 1))
    for order in range(k):
        (G,) = torch.autograd.grad(G / (order + 1), s, create_graph=True)
    return G.item()


def width_float32(k, lam, p):
    rate = np.float32(lam) * np.float32(1 - p)
    return rate**k * np.exp(-rate) / np.float32(math.factorial(k))


STYLES = {
    "dropout_scale": (scale_loops, scale_numpy, scale_closed_form, scale_torch, scale_float32),
    "dropout_output": (
        forward_loops,
        forward_einsum,
        forward_matrix,
        forward_torch,
        forward_float32,
    ),
    "dropout_gradient": (
        backward_loops,
        backward_einsum,
        backward_matrix,
        backward_torch,
        backward_float32,
    ),
    "activation_variance": (
        activation_loops,
        activation_integrals,
        activation_closed_form,
        activation_torch,
        activation_float32,
    ),
    "dropout_variance": (
        variance_loops,
        variance_numpy,
        variance_closed_form,
        variance_torch,
        variance_float32,
    ),
    "dropout_variance_any": (
        variance_any_loops,
        variance_any_numpy,
        variance_any_closed_form,
        variance_any_torch,
        variance_any_float32,
    ),
    "gaussian_dropout_std": (
        gaussian_loops,
        gaussian_numpy,
        gaussian_closed_form,
        gaussian_torch,
        gaussian_float32,
    ),
    "dropconnect_variance": (
        dropconnect_loops,
        dropconnect_einsum,
        dropconnect_matrix,
        dropconnect_torch,
        dropconnect_float32,
    ),
    "shared_mask_covariance": (
        shared_loops,
        shared_numpy,
        shared_closed_form,
        shared_torch,
        shared_float32,
    ),
    "kept_units_mean": (mean_loops, mean_numpy, mean_closed_form, mean_torch, mean_float32),
    "kept_units_pmf": (pmf_loops, pmf_numpy, pmf_closed_form, pmf_torch, pmf_float32),
    "all_dropped_probability": (
        layers_loops,
        layers_numpy,
        layers_closed_form,
        layers_torch,
        layers_float32,
    ),
    "poisson_limit_pmf": (
        limit_loops,
        limit_numpy,
        limit_closed_form,
        limit_torch,
        limit_float32,
    ),
    "poisson_width_pmf": (
        width_loops,
        width_numpy,
        width_closed_form,
        width_torch,
        width_float32,
    ),
}
