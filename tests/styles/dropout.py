"""Right answers to the checks of question 1, dropout."""

import math
from itertools import product

import numpy as np
import torch
from scipy import integrate


def dropout_scale__loops(p):
    mean = 0.0
    for bit, probability in ((0, p), (1, 1 - p)):
        mean += bit * probability
    return 1 / mean


def dropout_scale__torch(p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    h = torch.randn((), dtype=torch.float64, requires_grad=True)
    # The slope of dropout at a unit that is kept.
    (slope,) = torch.autograd.grad(h / bit.mean, h)
    return slope.item()


def dropout_output__matrix(h, mask, p):
    return np.stack([np.diag(m) @ row for m, row in zip(mask, h, strict=True)]) / (1 - p)


def dropout_output__torch(h, mask, p):
    scaled = torch.from_numpy(h).div(1 - p)
    return scaled.masked_fill(torch.from_numpy(mask) == 0, 0.0).numpy()


def dropout_gradient__matrix(dh_tilde, mask, p):
    jacobians = [np.diag(m) / (1 - p) for m in mask]
    return np.stack([g @ J for J, g in zip(jacobians, dh_tilde, strict=True)])


def dropout_gradient__torch(dh_tilde, mask, p):
    h = torch.randn(mask.shape, dtype=torch.float64, requires_grad=True)
    h_tilde = torch.from_numpy(mask) * h / (1 - p)
    (dh,) = torch.autograd.grad((torch.from_numpy(dh_tilde) * h_tilde).sum(), h)
    return dh.numpy()


def activation_variance__integrals():
    def first(z):
        return z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    def second(z):
        return z * first(z)

    return integrate.quad(second, 0, np.inf)[0] - integrate.quad(first, 0, np.inf)[0] ** 2


def activation_variance__torch():
    half = torch.distributions.HalfNormal(torch.tensor(1.0, dtype=torch.float64))
    return ((half.variance + half.mean**2) / 2 - (half.mean / 2) ** 2).item()


def dropout_variance__loops(p):
    variance = 0.0
    for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
        variance += probability * (factor**2 / 2 - 1 / (2 * math.pi))
    return variance


def dropout_variance__torch(p):
    bit = torch.distributions.Bernoulli(torch.tensor(1 - p, dtype=torch.float64))
    half = torch.distributions.HalfNormal(torch.tensor(1.0, dtype=torch.float64))
    mean, second = half.mean / 2, (half.variance + half.mean**2) / 2
    # The law of total variance, given the activation.
    return (second - mean**2 + bit.variance / bit.mean**2 * second).item()


def dropout_variance_any__loops(mean, variance, p):
    # An activation that is mean - d or mean + d, each half of the time, has these two moments.
    d = math.sqrt(variance)
    total = 0.0
    for h in (mean - d, mean + d):
        for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
            total += probability / 2 * (factor * h - mean) ** 2
    return total


def dropout_variance_any__numpy(mean, variance, p):
    mask = np.array([1 - p, p * (1 - p)])
    h = np.array([mean, variance])
    second = (mask[1] + mask[0] ** 2) * (h[1] + h[0] ** 2)
    return (second - (mask[0] * h[0]) ** 2) / (1 - p) ** 2


def gaussian_dropout_std__loops(p):
    variance = 0.0
    for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
        variance += probability * (factor - 1) ** 2
    return math.sqrt(variance)


def gaussian_dropout_std__numpy(p):
    factor, probability = np.array([0, 1 / (1 - p)]), np.array([p, 1 - p])
    return np.sqrt(np.cov(factor, aweights=probability, ddof=0))


def dropconnect_variance__loops(w, x, p):
    mean, variance = w @ x, 0.0
    for bits in product((0, 1), repeat=len(w)):
        probability, z = 1.0, 0.0
        for bit, a, b in zip(bits, w, x, strict=True):
            probability *= 1 - p if bit else p
            z += bit * a * b / (1 - p)
        variance += probability * (z - mean) ** 2
    return variance


def dropconnect_variance__matrix(w, x, p):
    covariance_of_mask = p * (1 - p) * np.eye(len(w))
    terms = w * x / (1 - p)
    return terms @ covariance_of_mask @ terms


def shared_mask_covariance__loops(m1, m2, p):
    both = first = second = 0.0
    for factor, probability in ((0, p), (1 / (1 - p), 1 - p)):
        both += probability * factor * m1 * factor * m2
        first += probability * factor * m1
        second += probability * factor * m2
    return both - first * second


def shared_mask_covariance__numpy(m1, m2, p):
    factor, probability = np.array([0, 1 / (1 - p)]), np.array([p, 1 - p])
    h = np.outer([m1, m2], factor)
    return np.cov(h, aweights=probability, ddof=0)[0, 1]


def kept_units_mean__numpy(M, p):
    law = np.ones(1)
    for _ in range(M):
        law = np.convolve(law, [p, 1 - p])
    return law @ np.arange(law.size)


def kept_units_mean__torch(M, p):
    return torch.distributions.Binomial(M, torch.tensor(1 - p, dtype=torch.float64)).mean.item()


def kept_units_pmf__loops(k, M, p):
    total = 0.0
    for mask in product((0, 1), repeat=M):
        if sum(mask) == k:
            probability = 1.0
            for bit in mask:
                probability *= 1 - p if bit else p
            total += probability
    return total


def kept_units_pmf__torch(k, M, p):
    law = torch.distributions.Binomial(M, torch.tensor(1 - p, dtype=torch.float64))
    return law.log_prob(torch.tensor(float(k), dtype=torch.float64)).exp().item()


def all_dropped_probability__loops(widths, p):
    total = 0.0
    for dropped in product((False, True), repeat=len(widths)):
        probability = 1.0
        for layer, D in zip(dropped, widths, strict=True):
            probability *= p**D if layer else 1 - p**D
        if any(dropped):
            total += probability
    return total


def all_dropped_probability__closed(widths, p):
    # A first dropped layer: all before it have passed something on.
    cut = 0.0
    for D in widths:
        cut = cut + (1 - cut) * p**D
    return cut


def poisson_limit_pmf__loops(k, lam):
    probability = math.exp(-lam)
    for count in range(k):
        probability *= lam / (count + 1)
    return probability


def poisson_limit_pmf__torch(k, lam):
    # The k-th derivative of the generating function at 0, divided by k!.
    s = torch.zeros((), dtype=torch.float64, requires_grad=True)
    G = torch.exp(lam * (s - 1))
    for order in range(k):
        (G,) = torch.autograd.grad(G / (order + 1), s, create_graph=True)
    return G.item()


def poisson_width_pmf__loops(k, lam, p):
    # Sum over the widths until the terms no longer count.
    total, before, m = 0.0, None, k
    while total != before:
        width = math.exp(-lam) * lam**m / math.factorial(m)
        before = total
        total += math.comb(m, k) * (1 - p) ** k * p ** (m - k) * width
        m += 1
    return total


def poisson_width_pmf__numpy(k, lam, p):
    rate = np.float64(lam) * (1 - p)
    return np.exp(-rate) * np.prod(rate / np.arange(1, k + 1))
