"""Checks of equations (1) to (33): dropout, the moments it leaves and the law of the kept units.

The docstring of a check is the equation as the page displays it. Each check types the equation in
with the same letters, and compares it with an oracle that knows nothing of it (a sympy integral, an
enumeration of all masks in fractions, scipy.stats, torch, Monte Carlo), and with hw1lib.

Two ways to a probability or a mean serve as oracles throughout: adding up all masks, each with the
product of the probabilities of its bits, and integrating P(h > t) over t, which is E[h] for h >= 0.
"""

import functools
import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy as sp
import torch
from scipy import stats

import hw1lib as hw

SCALES = np.array([0.01, 1.0, 10.0])

z, u = sp.symbols("z u", real=True)
lam, p, t = sp.symbols("lambda p t", positive=True)
M = sp.symbols("M", positive=True)
k, m, r = sp.symbols("k m r", integer=True, nonnegative=True)

PHI = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)  # checked by (7)
RELU = sp.Max(z, 0)
ABOVE = sp.erfc(t / sp.sqrt(2)) / 2  # P(z > t); for t > 0 it is P(max(z, 0) > t) too


@functools.cache
def mean(f):
    """Return E[f(z)] for a standard normal z."""
    terms = sp.Add.make_args(sp.expand(f))
    return sum(sp.integrate(term * PHI, (z, -sp.oo, sp.oo)) for term in terms)


def E(law):
    """Return the mean of a law on a few values: pairs of a value and its probability."""
    return sum(value * weight for value, weight in law)


def Var(law):
    """Return the variance of a law on a few values."""
    return sum((value - E(law)) ** 2 * weight for value, weight in law)


def all_masks(units):
    """List every mask of so many units."""
    return list(product((0, 1), repeat=units))


def probability(mask, p):
    """Multiply the probabilities of the bits of one mask."""
    return math.prod((1 - p if bit else p for bit in mask), start=Fraction(1))


def counted(units, p):
    """Return P(K = k) for k = 0..units, by adding up all masks with k ones."""
    law = [Fraction(0)] * (units + 1)
    for mask in all_masks(units):
        law[sum(mask)] += probability(mask, p)
    return law


def thinned(lam, p, counts):
    """Return P(K = k) at a Poisson width: each unit more convolves the law with [p, 1 - p]."""
    law, total = np.ones(1), np.zeros(151)
    for width in range(151):
        total[: width + 1] += stats.poisson.pmf(width, lam) * law
        law = np.convolve(law, [p, 1 - p])
    return total[counts]


def layers_of_poisson_width(rng, n, lam, p):
    """Draw n layers; give their widths and their numbers of kept units."""
    widths = rng.poisson(lam, n)
    exists = np.arange(widths.max()) < widths[:, None]
    return widths, (hw.dropout_mask(rng, exists.shape, p) * exists).sum(axis=1)


def torch_dropout(h, p):
    """Run torch's dropout, with the same mask at each call."""
    torch.manual_seed(3)
    return torch.nn.functional.dropout(torch.tensor(h), p, training=True).numpy()


# The layer and its mask, (1) to (3).


@pytest.mark.equation(1, by="torch")
def test_a_layer_is_an_activation_of_an_affine_map(check):
    r"""\begin{gathered}
    \mathbf h = \phi(W\mathbf x + \mathbf b), \\
    W \in \mathbb R^{M\times N},\quad \mathbf x \in \mathbb R^{N},\quad \mathbf b,\mathbf h \in
    \mathbb R^{M}.
    \end{gathered}"""
    rng, N, M = np.random.default_rng(1), 5, 3
    W = rng.normal(size=(M, N)) * SCALES[:, None]
    x, b = rng.normal(size=N), rng.normal(size=M)
    linear = torch.nn.Linear(N, M)
    assert tuple(linear.weight.shape) == W.shape
    assert tuple(linear.bias.shape) == b.shape
    for phi, torch_phi, our_phi in (
        (lambda a: max(a, 0.0), torch.relu, hw.relu_forward),
        (math.tanh, torch.tanh, hw.tanh_forward),
    ):
        h = [phi(sum(W[i, j] * x[j] for j in range(N)) + b[i]) for i in range(M)]
        assert len(h) == M
        check.equal(torch_phi(torch.nn.functional.linear(*map(torch.tensor, (x, W, b)))), h)
        z, _ = hw.affine_forward(x[None], W, b)
        check.equal(our_phi(z)[0][0], h)
    with pytest.raises(ValueError, match="W"):  # the shape that the source declares
        hw.affine_forward(x[None], W.T.copy(), b)


@pytest.mark.equation(2, by="torch")
def test_dropout_masks_and_rescales(check):
    r"""\tilde{\mathbf h} = \frac{1}{1-p}\,\mathbf m \odot \mathbf h, \qquad 0 \le p < 1,"""
    h = np.random.default_rng(2).normal(size=12) * np.tile(SCALES, 4)
    for p in (0.0, 0.3, 0.85):
        m = (torch_dropout(np.ones(12), p) > 0).astype(float)
        h_tilde = [1 / (1 - p) * m[i] * h[i] for i in range(12)]
        check.equal(torch_dropout(h, p), hw.dropout_forward(h, m, p)[0], h_tilde)
    for outside in (-0.1, 1.0):
        with pytest.raises(ValueError, match="p must"):
            hw.dropout_forward(h, m, outside)


@pytest.mark.equation(3, by="Monte Carlo")
def test_bits_are_independent_of_each_other_and_of_the_activations(check):
    r"""\begin{gathered}
    m_i \overset{\text{iid}}{\sim} \mathrm{Bernoulli}(1-p), \quad i = 1,\dots,M, \\
    \mathbf m \text{ independent of } \mathbf h.
    \end{gathered}"""
    rng, n, M, p = np.random.default_rng(3), 60_000, 3, 0.3
    h = rng.normal(size=(n, M))  # each activation is positive with probability 1/2
    drawn = hw.dropout_mask(rng, (n, M), p)
    pairs = list(product(all_masks(M), all_masks(M)))
    cells = [(drawn == bits).all(1) & ((h > 0) == signs).all(1) for bits, signs in pairs]
    expected = [math.prod(1 - p if m else p for m in bits) / 2**M for bits, _ in pairs]
    check.sample(np.transpose(cells), expected)


# The moments before dropout, (4) to (12).


@pytest.mark.equation(4, by="Monte Carlo")
def test_pre_activations_are_normal_and_at_orthonormal_rows_independent(check):
    r"""\begin{gathered}
    h_i = \max(z_i, 0), \\
    \mathbf z = W\mathbf x \sim \mathcal N(\mathbf 0, WW^\top) = \mathcal N(\mathbf 0, I_M).
    \end{gathered}"""
    rng, n, N, M = np.random.default_rng(4), 100_000, 5, 3
    tilted = rng.normal(size=(M, N)) * SCALES[:, None]
    orthonormal = np.linalg.qr(rng.normal(size=(N, M)))[0].T
    check.equal(orthonormal @ orthonormal.T, np.eye(M), atol=1e-14)
    for W, covariance in ((tilted, tilted @ tilted.T), (orthonormal, np.eye(M))):
        z, _ = hw.affine_forward(rng.normal(size=(n, N)), W, np.zeros(M))
        check.sample(z, 0)
        check.sample(z[:, :, None] * z[:, None, :], covariance)
        # A vector is normal if every projection of it is; we try one at random.
        a = rng.normal(size=M) / SCALES
        assert stats.kstest(z @ a / np.sqrt(a @ covariance @ a), "norm").pvalue > 0.01
        h = [[max(z[s, i], 0) for i in range(M)] for s in range(100)]
        check.equal(torch.relu(torch.tensor(z[:100])), hw.relu_forward(z[:100])[0], h)


@pytest.mark.equation(5, by="sympy")
def test_variance_is_the_second_moment_minus_the_squared_mean(check):
    r"""\operatorname{Var}[h] = \mathbb E[h^2] - \big(\mathbb E[h]\big)^2 ."""
    check.identity(mean((RELU - mean(RELU)) ** 2), mean(RELU**2) - mean(RELU) ** 2)
    # And for any law on three values a, b, c.
    a, b, c, q, s = sp.symbols("a b c q s")
    law = ((a, q), (b, s), (c, 1 - q - s))
    check.identity(Var(law), E([(h**2, w) for h, w in law]) - E(law) ** 2)
    check.equal(hw.rectified_normal_moments()[1], float(mean(RELU**2) - mean(RELU) ** 2))


@pytest.mark.equation(6, by="sympy")
def test_mean_of_a_function_is_an_integral_against_the_density(check):
    r"""\mathbb E[\max(z,0)] = \int_{-\infty}^{\infty} \max(z,0)\,\varphi(z)\,dz ,"""
    integral = sp.integrate(sp.Max(z, 0) * PHI, (z, -sp.oo, sp.oo))
    check.identity(sp.integrate(ABOVE, (t, 0, sp.oo)), integral)
    check.equal(hw.rectified_normal_moments()[0], float(integral))


@pytest.mark.equation(7, by="scipy")
def test_density_is_that_of_a_standard_normal(check):
    r"""\varphi(z) = \frac{1}{\sqrt{2\pi}}\,e^{-z^2/2} ."""
    points = np.random.default_rng(7).normal(size=20) * 3
    density = [1 / math.sqrt(2 * math.pi) * math.exp(-(z**2) / 2) for z in points]
    check.equal(density, stats.norm.pdf(points))
    check.equal([float(PHI.subs(z, point)) for point in points], density)
    check.identity(sp.integrate(PHI, (z, -sp.oo, sp.oo)), 1)


@pytest.mark.equation(8, by="sympy")
def test_mean_of_a_rectified_normal(check):
    r"""\begin{aligned}
    \mathbb E[\max(z,0)] &= \int_0^\infty z\,\varphi(z)\,dz \\
    &= -\frac{1}{\sqrt{2\pi}}\int_0^{-\infty} e^{u}\,du \\
    &= \frac{1}{\sqrt{2\pi}}\int_{-\infty}^{0} e^{u}\,du = \frac{1}{\sqrt{2\pi}} .
    \end{aligned}"""
    expected = 1 / sp.sqrt(2 * sp.pi)
    check.identity(sp.integrate(ABOVE, (t, 0, sp.oo)), expected)
    check.identity(sp.integrate(z * PHI, (z, 0, sp.oo)), expected)
    exp_u = sp.exp(u)
    check.identity(-1 / sp.sqrt(2 * sp.pi) * sp.integrate(exp_u, (u, 0, -sp.oo)), expected)
    check.identity(1 / sp.sqrt(2 * sp.pi) * sp.integrate(exp_u, (u, -sp.oo, 0)), expected)
    # The substitution u = -z**2 / 2 holds up to any end t, not only in the limit.
    part = -1 / sp.sqrt(2 * sp.pi) * sp.integrate(exp_u, (u, 0, -(t**2) / 2))
    check.identity(sp.integrate(z * PHI, (z, 0, t)), part)
    check.equal(hw.rectified_normal_moments()[0], float(expected))


@pytest.mark.equation(9, by="sympy")
def test_second_moment_of_a_rectified_normal_is_a_half_line_integral(check):
    r"""\mathbb E[\max(z,0)^2] = \int_0^\infty z^2\,\varphi(z)\,dz ."""
    integral = sp.integrate(z**2 * PHI, (z, 0, sp.oo))
    # P(h**2 > a) is P(h > t) at a = t**2, and da = 2 t dt.
    check.identity(sp.integrate(2 * t * ABOVE, (t, 0, sp.oo)), integral)
    E_h, Var_h = hw.rectified_normal_moments()
    check.equal(Var_h + E_h**2, float(integral))


@pytest.mark.equation(10, by="sympy")
def test_second_moment_of_a_standard_normal_is_one(check):
    r"""\mathbb E[z^2] = \operatorname{Var}[z] + \big(\mathbb E[z]\big)^2 = 1 + 0 = 1 ."""
    shifted = z + 2  # its mean is not 0, and so shows where the square of the mean goes
    check.identity(mean(shifted**2), mean((shifted - mean(shifted)) ** 2) + mean(shifted) ** 2)
    E_z, Var_z = mean(z), mean((z - mean(z)) ** 2)
    check.identity(mean(z**2), Var_z + E_z**2)
    check.identity(Var_z, 1)
    check.identity(E_z**2, 0)
    check.identity(mean(z**2), 1)
    check.equal([stats.norm.var(), stats.norm.mean()], [1, 0])


@pytest.mark.equation(11, by="sympy")
def test_relu_keeps_half_of_the_second_moment(check):
    r"""\begin{aligned}
    \mathbb E[\max(z,0)^2] &= \mathbb E\big[z^2\,\mathbb I[z>0]\big] \\
    &= \tfrac12\,\mathbb E[z^2] = \tfrac12 .
    \end{aligned}"""
    positive = sp.Piecewise((1, z > 0), (0, True))
    half = sp.Rational(1, 2)
    check.identity(mean(sp.Max(z, 0) ** 2), mean(z**2 * positive))
    check.identity(mean(z**2 * positive), half * mean(z**2))
    check.identity(half * mean(z**2), half)
    # The squares agree at each z, not only in the mean.
    for value in (-1.3, 0.7):
        check.equal(max(value, 0) ** 2, value**2 * float(positive.subs(z, value)))
    # The same symmetry, for relu_forward at the nodes of Gauss and Hermite, at two scales.
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    for x in (nodes, 3 * nodes):
        check.equal(weights @ hw.relu_forward(x)[0] ** 2, 0.5 * (weights @ x**2))
    check.equal(weights @ hw.relu_forward(nodes)[0] ** 2, 0.5)
    E_h, Var_h = hw.rectified_normal_moments()
    check.equal(Var_h + E_h**2, 0.5)


@pytest.mark.equation(12, by="sympy")
def test_variance_of_a_rectified_normal(check):
    r"""\begin{aligned}
    \operatorname{Var}[h_i] &= \frac12 - \Big(\frac{1}{\sqrt{2\pi}}\Big)^{2} = \frac12 -
    \frac{1}{2\pi} \\
    &= \frac{\pi-1}{2\pi} \approx 0.3408 .
    \end{aligned}"""
    half = sp.Rational(1, 2)
    expected = (sp.pi - 1) / (2 * sp.pi)
    check.identity(mean((RELU - mean(RELU)) ** 2), half - (1 / sp.sqrt(2 * sp.pi)) ** 2, expected)
    check.identity(half - 1 / (2 * sp.pi), expected)
    assert round(float(expected), 4) == 0.3408
    check.equal(hw.rectified_normal_moments()[1], float(expected))


# The moments after dropout, (13) to (16).


@pytest.mark.equation(13, by="torch")
def test_dropout_acts_on_each_activation_by_itself(check):
    r"""\begin{gathered}
    \tilde h_i = \frac{m_i}{1-p}\,h_i, \\
    m_i \sim \mathrm{Bernoulli}(1-p), \\
    m_i \text{ independent of } h_i .
    \end{gathered}"""
    h = np.random.default_rng(13).normal(size=9) * np.tile(SCALES, 3)
    m, p = (torch_dropout(np.ones(9), 0.3) > 0).astype(float), 0.3
    h_tilde = [m[i] / (1 - p) * h[i] for i in range(9)]
    check.equal(torch_dropout(h, p), hw.dropout_forward(h, m, p)[0], h_tilde)
    for i in range(9):
        check.equal(hw.dropout_forward(h[i : i + 1], m[i : i + 1], p)[0][0], h_tilde[i])


@pytest.mark.equation(13, by="Monte Carlo")
def test_dropped_out_activation_has_the_law_of_a_bit_times_an_activation(check):
    r"""\begin{gathered}
    \tilde h_i = \frac{m_i}{1-p}\,h_i, \\
    m_i \sim \mathrm{Bernoulli}(1-p), \\
    m_i \text{ independent of } h_i .
    \end{gathered}"""
    rng, n, p = np.random.default_rng(13), 100_000, 0.3
    h_i = rng.normal(size=n) - 0.5
    m_i = hw.dropout_mask(rng, n, p)
    h_tilde_i, _ = hw.dropout_forward(h_i, m_i, p)
    # It exceeds c if the bit is 0 and c < 0, or the bit is 1 and h_i > (1 - p) c.
    for c in (-3.0, -0.7, 0.2, 1.1, 2.5):
        above = p * (c < 0) + (1 - p) * stats.norm.sf((1 - p) * c, loc=-0.5)
        check.sample(h_tilde_i > c, above)
    check.sample((m_i == 1) & (h_i > 0.2), (1 - p) * stats.norm.sf(0.2, loc=-0.5))


@pytest.mark.equation(14, by="sympy")
def test_variance_of_a_multiple_and_of_a_product_of_independent_factors(check):
    r"""\begin{aligned}
    \operatorname{Var}[aX] &= a^2\operatorname{Var}[X], \\
    \operatorname{Var}[XY] &= \operatorname{Var}[X]\operatorname{Var}[Y] \\
    &\quad + \operatorname{Var}[X]\,\mathbb E[Y]^2 \\
    &\quad + \operatorname{Var}[Y]\,\mathbb E[X]^2 \\
    &\qquad\text{if } X \text{ is independent of } Y .
    \end{aligned}"""
    # Two values each: enough for any mean and any variance.
    a, x, x_2, y, y_2, q, s = sp.symbols("a x x_2 y y_2 q s")
    X, Y = ((x, q), (x_2, 1 - q)), ((y, s), (y_2, 1 - s))

    def split(X, Y):
        return Var(X) * Var(Y) + Var(X) * E(Y) ** 2 + Var(Y) * E(X) ** 2

    check.identity(Var([(a * value, w) for value, w in X]), a**2 * Var(X))
    independent = [(i * j, v * w) for i, v in X for j, w in Y]
    check.identity(Var(independent), split(X, Y))
    dependent = [(i * i, v) for i, v in X]  # X times X
    assert sp.simplify(Var(dependent) - split(X, X)) != 0


@pytest.mark.equation(15, by="sympy")
def test_moments_of_the_bit_and_of_the_activation(check):
    r"""\begin{gathered}
    \mathbb E[m_i] = 1-p, \quad \operatorname{Var}[m_i] = p(1-p), \\
    \mathbb E[h_i] = \frac{1}{\sqrt{2\pi}}, \quad \operatorname{Var}[h_i] = \frac{\pi-1}{2\pi} .
    \end{gathered}"""
    bit = ((1, 1 - p), (0, p))
    check.identity(E(bit), 1 - p)
    check.identity(Var(bit), p * (1 - p))
    E_h = 1 / sp.sqrt(2 * sp.pi)
    Var_h = (sp.pi - 1) / (2 * sp.pi)
    check.identity(mean(RELU), E_h)
    check.identity(mean((RELU - mean(RELU)) ** 2), Var_h)
    check.equal(hw.rectified_normal_moments(), [float(E_h), float(Var_h)])


@pytest.mark.equation(15, by="Monte Carlo")
def test_drawn_bits_and_activations_have_these_moments(check):
    r"""\begin{gathered}
    \mathbb E[m_i] = 1-p, \quad \operatorname{Var}[m_i] = p(1-p), \\
    \mathbb E[h_i] = \frac{1}{\sqrt{2\pi}}, \quad \operatorname{Var}[h_i] = \frac{\pi-1}{2\pi} .
    \end{gathered}"""
    rng, n, p = np.random.default_rng(15), 100_000, 0.3
    m = hw.dropout_mask(rng, n, p)
    check.sample(m, 1 - p)
    check.sample((m - (1 - p)) ** 2, p * (1 - p))
    h, _ = hw.relu_forward(rng.normal(size=n))
    E_h = 1 / math.sqrt(2 * math.pi)
    check.sample(h, E_h)
    check.sample((h - E_h) ** 2, (math.pi - 1) / (2 * math.pi))


@pytest.mark.equation(16, by="sympy")
def test_variance_after_dropout(check):
    r"""\begin{aligned}
    \operatorname{Var}[\tilde h_i] &= \frac{1}{(1-p)^2}\operatorname{Var}[m_ih_i] \\
    &= \frac{1}{(1-p)^2}\Big[p(1-p)\,\frac{\pi-1}{2\pi} \\
    &\qquad + p(1-p)\,\frac{1}{2\pi} \\
    &\qquad + (1-p)^2\,\frac{\pi-1}{2\pi}\Big] \\
    &= \frac{1}{1-p}\Big[\frac p2 + (1-p)\,\frac{\pi-1}{2\pi}\Big] \\
    &= \frac{\pi-1+p}{2\pi(1-p)} \\
    &= \frac{1}{2(1-p)} - \frac{1}{2\pi} .
    \end{aligned}"""

    def Var(scale):  # of scale * m_i * h_i, by the first two moments of m_i and of h_i
        bit = [E([(1**n, 1 - p), (0**n, p)]) for n in (1, 2)]
        return scale**2 * (bit[1] * mean(RELU**2) - (bit[0] * mean(RELU)) ** 2)

    pi, last = sp.pi, 1 / (2 * (1 - p)) - 1 / (2 * sp.pi)
    bracket = p * (1 - p) * (pi - 1) / (2 * pi)
    bracket += p * (1 - p) * 1 / (2 * pi) + (1 - p) ** 2 * (pi - 1) / (2 * pi)
    check.identity(Var(1 / (1 - p)), 1 / (1 - p) ** 2 * Var(1), 1 / (1 - p) ** 2 * bracket, last)
    check.identity(1 / (1 - p) * (p / 2 + (1 - p) * (pi - 1) / (2 * pi)), last)
    check.identity((pi - 1 + p) / (2 * pi * (1 - p)), last)
    for drop in (0.0, 0.3, 0.5, 0.9):
        E_after, Var_after = hw.dropout_moments(*hw.rectified_normal_moments(), drop)
        check.equal(Var_after, float(last.subs(p, drop)))
        check.equal(E_after, 1 / math.sqrt(2 * math.pi))


@pytest.mark.equation(16, by="Monte Carlo")
def test_dropped_out_activations_have_this_variance(check):
    r"""\begin{aligned}
    \operatorname{Var}[\tilde h_i] &= \frac{1}{(1-p)^2}\operatorname{Var}[m_ih_i] \\
    &= \frac{1}{(1-p)^2}\Big[p(1-p)\,\frac{\pi-1}{2\pi} \\
    &\qquad + p(1-p)\,\frac{1}{2\pi} \\
    &\qquad + (1-p)^2\,\frac{\pi-1}{2\pi}\Big] \\
    &= \frac{1}{1-p}\Big[\frac p2 + (1-p)\,\frac{\pi-1}{2\pi}\Big] \\
    &= \frac{\pi-1+p}{2\pi(1-p)} \\
    &= \frac{1}{2(1-p)} - \frac{1}{2\pi} .
    \end{aligned}"""
    rng, n = np.random.default_rng(16), 200_000
    h, _ = hw.relu_forward(rng.normal(size=n))
    for p in (0.3, 0.5, 0.8):
        h_tilde, _ = hw.dropout_forward(h, hw.dropout_mask(rng, n, p), p)
        E_h = 1 / math.sqrt(2 * math.pi)  # before dropout and after
        check.sample(h_tilde, E_h)
        check.sample((h_tilde - E_h) ** 2, (math.pi - 1 + p) / (2 * math.pi * (1 - p)))


# The number of kept units, (17) to (19).


@pytest.mark.equation(17, by="enumeration")
def test_expected_number_of_kept_units(check):
    r"""\begin{aligned}
    \mathbb E[K] &= \sum_{i=1}^{M}\mathbb E[m_i] \\
    &= \sum_{i=1}^{M}(1-p) = M(1-p) .
    \end{aligned}"""
    M, p = 7, Fraction(3, 10)
    one_bit_for_all = {(1,) * M: 1 - p, (0,) * M: p}
    independent = {mask: probability(mask, p) for mask in all_masks(M)}
    for law in (independent, one_bit_for_all):  # a mean needs no independence
        E_K = sum(sum(mask) * weight for mask, weight in law.items())
        E_m = [sum(mask[i] * weight for mask, weight in law.items()) for i in range(M)]
        check.identity(E_K, sum(E_m[i] for i in range(M)))
        check.identity(E_K, sum(1 - p for i in range(M)))
        check.identity(E_K, M * (1 - p))
    check.equal(hw.kept_units_mean(M, float(p)), M * (1 - p))


@pytest.mark.equation(18, by="enumeration")
def test_number_of_kept_units_is_binomial(check):
    r"""K = \sum_{i=1}^{M} m_i \sim \mathrm{Binomial}(M, 1-p) ,"""
    M = 7
    for p in (Fraction(3, 10), Fraction(4, 5)):
        law = np.zeros(M + 1)
        for mask in all_masks(M):
            K = sum(mask[i] for i in range(M))
            law[K] += probability(mask, p)
        check.equal(law, stats.binom.pmf(range(M + 1), M, 1 - float(p)))
        check.equal(hw.kept_units_pmf(range(M + 1), M, float(p)), law)


@pytest.mark.equation(18, by="Monte Carlo")
def test_drawn_masks_keep_a_binomial_number_of_units(check):
    r"""K = \sum_{i=1}^{M} m_i \sim \mathrm{Binomial}(M, 1-p) ,"""
    rng, n, M, p = np.random.default_rng(18), 60_000, 5, 0.3
    m = hw.dropout_mask(rng, (n, M), p)
    K = sum(m[:, i] for i in range(M))
    counts = np.arange(M + 1)
    check.sample(K[:, None] == counts, stats.binom.pmf(counts, M, 1 - p))


@pytest.mark.equation(19, by="exact arithmetic")
def test_binomial_probabilities(check):
    r"""\begin{gathered}
    \Pr(K = k) = \binom Mk (1-p)^k\,p^{M-k}, \\
    \binom Mk = \frac{M!}{k!\,(M-k)!}, \quad k = 0,\dots,M .
    \end{gathered}"""
    M, factorial = 8, math.factorial
    for p in (Fraction(3, 10), Fraction(4, 5)):
        pmf = []
        for k, expected in enumerate(counted(M, p)):
            binomial = Fraction(factorial(M), factorial(k) * factorial(M - k))
            check.identity(sum(sum(mask) == k for mask in all_masks(M)), binomial)
            pmf.append(binomial * (1 - p) ** k * p ** (M - k))
            check.identity(pmf[k], expected)
        check.identity(sum(pmf), 1)
        check.equal(hw.kept_units_pmf(range(-1, M + 2), M, float(p)), [0, *pmf, 0])


# The Poisson limit, (20) to (25).


@pytest.mark.equation(20, by="sympy")
def test_drop_probability_at_a_fixed_mean(check):
    r"""\begin{aligned}
    \lambda = M(1-p)
    &\;\Rightarrow\; p = 1-\frac{\lambda}{M} \\
    &\;\therefore\; p^M = \Big(1-\frac{\lambda}{M}\Big)^{M} \\
    & \qquad (M \ge \lambda)
    \end{aligned}"""
    (solution,) = sp.solve(sp.Eq(lam, M * (1 - p)), p)
    check.identity(solution, 1 - lam / M)
    check.identity(solution**M, (1 - lam / M) ** M)
    units, mean_kept = 7, 3.2
    drop = 1 - mean_kept / units
    check.equal(hw.kept_units_mean(units, drop), mean_kept)
    check.equal(float(probability((0,) * units, Fraction(drop))), (1 - mean_kept / units) ** units)
    check.equal(hw.kept_units_pmf(0, units, drop), (1 - mean_kept / units) ** units)
    # p is a probability exactly when M >= lambda.
    for width in (2, 3, 4, 5, 6):
        assert (0 <= 1 - Fraction(4) / width < 1) == (width >= 4)
    assert hw.poisson_limit_distance(3, 3.0) > 0
    with pytest.raises(ValueError, match="lam"):
        hw.poisson_limit_distance(3, 3.1)


@pytest.mark.equation(21, by="sympy")
def test_limit_of_the_probability_that_all_units_are_dropped(check):
    r"""\begin{aligned}
    & \lim_{M\to\infty}\Big(1-\frac{\lambda}{M}\Big)^{M} = e^{-\lambda} \\
    & \therefore\; \lim_{M\to\infty} p^M = e^{-\lambda}
    \end{aligned}"""
    check.identity(sp.limit((1 - lam / M) ** M, M, sp.oo), sp.exp(-lam))
    (drop,) = sp.solve(sp.Eq(lam, M * (1 - p)), p)
    check.identity(sp.limit(drop**M, M, sp.oo), sp.exp(-lam))
    for mean_kept in (0.4, 3.2):
        empty = hw.kept_units_pmf(0, 10**7, 1 - mean_kept / 10**7)
        check.equal(empty, math.exp(-mean_kept), rtol=1e-5)
        check.equal(hw.poisson_pmf(0, mean_kept), math.exp(-mean_kept))


@pytest.mark.equation(22, by="sympy")
def test_limit_of_the_power_of_p(check):
    r"""\begin{aligned}
    p^{M-k} = p^{M}\,p^{-k} \;\longrightarrow\;{}& e^{-\lambda}\cdot 1 = e^{-\lambda} \\
    & (k \text{ fixed})
    \end{aligned}"""
    power, all_dropped, shift = p ** (M - k), p**M, p ** (-k)
    check.identity(power, all_dropped * shift)
    drop = 1 - lam / M
    check.identity(sp.limit(all_dropped.subs(p, drop), M, sp.oo), sp.exp(-lam))
    check.identity(sp.limit(shift.subs(p, drop), M, sp.oo), 1)
    check.identity(sp.limit(power.subs(p, drop), M, sp.oo), sp.exp(-lam) * 1)
    check.identity(sp.exp(-lam) * 1, sp.exp(-lam))
    # A count that grows with the width has another limit.
    check.identity(sp.limit(drop ** (M - M / 2), M, sp.oo), sp.exp(-lam / 2))
    units, mean_kept = 10**7, 3.2
    for kept in range(4):
        masks = math.comb(units, kept) * (mean_kept / units) ** kept
        ours = hw.kept_units_pmf(kept, units, 1 - mean_kept / units) / masks
        check.equal(ours, math.exp(-mean_kept), rtol=1e-5)


@pytest.mark.equation(23, by="sympy")
def test_limit_of_the_binomial_coefficient(check):
    r"""\begin{aligned}
    \binom{M}{k}\bigg/\frac{M^k}{k!}
    &= \frac{M!}{(M-k)!\,M^k} \\
    &= \prod_{r=0}^{k-1}\Big(1-\frac{r}{M}\Big)
    \;\longrightarrow\; 1 \\
    & \qquad (k \text{ fixed})
    \end{aligned}"""
    for k in range(6):
        ratio = sp.expand_func(sp.binomial(M, k)) / (M**k / sp.factorial(k))
        factors = sp.Mul(*[1 - sp.Integer(r) / M for r in range(k)])
        check.identity(ratio, sp.factorial(M) / (sp.factorial(M - k) * M**k))
        check.identity(ratio, factors)
        check.identity(sp.limit(factors, M, sp.oo), 1)
        masks = hw.kept_units_pmf(k, 40, 0.3) / (0.7**k * 0.3 ** (40 - k))
        check.equal(masks / (40**k / math.factorial(k)), float(factors.subs(M, 40)))


@pytest.mark.equation(24, by="sympy")
def test_limit_of_the_binomial_probabilities(check):
    r"""\begin{aligned}
    & \Pr(K_M=k) \\
    &\quad = \underbrace{\prod_{r=0}^{k-1}\Big(1-\frac{r}{M}\Big)}_{\to\,1}
    \cdot \frac{M^k}{k!}\Big(\frac{\lambda}{M}\Big)^{k}
    \cdot \underbrace{p^{M-k}}_{\to\,e^{-\lambda}} \\
    & \lim_{M\to\infty}\Pr(K_M=k)
    = \frac{\lambda^k e^{-\lambda}}{k!} \\
    &\quad \text{for each fixed } k = 0,1,2,\dots
    \end{aligned}"""
    drop = 1 - lam / M
    for k in range(6):
        factors = sp.Mul(*[1 - sp.Integer(r) / M for r in range(k)])
        power = drop ** (M - k)
        pmf = factors * M**k / sp.factorial(k) * (lam / M) ** k * power
        at = {lam: sp.Rational(16, 5), M: 8}
        check.identity(pmf.subs(at), counted(8, Fraction(3, 5))[k])
        check.identity(sp.limit(factors, M, sp.oo), 1)
        check.identity(sp.limit(power, M, sp.oo), sp.exp(-lam))
        limit = lam**k * sp.exp(-lam) / sp.factorial(k)
        check.identity(sp.limit(pmf, M, sp.oo), limit)
        value = float(limit.subs(lam, 3.2))
        check.equal(hw.kept_units_pmf(k, 8, 0.6), float(pmf.subs(at)))
        check.equal(hw.kept_units_pmf(k, 10**7, 1 - 3.2e-7), value, rtol=1e-5)
        check.equal(hw.poisson_pmf(k, 3.2), stats.poisson.pmf(k, 3.2), value)


@pytest.mark.equation(25, by="scipy")
def test_kept_units_approach_a_poisson_law_at_this_rate(check):
    r"""\begin{aligned}
    & K_M \xrightarrow{\;d\;} \mathrm{Poisson}(\lambda), \\
    & \lambda = M(1-p), \\
    & d_{TV}\Big(\mathrm{Binomial}\big(M,\tfrac{\lambda}{M}\big),\,\mathrm{Poisson}(\lambda)\Big) \\
    & \qquad \le \frac{(1-e^{-\lambda})\,\lambda}{M}
    \end{aligned}"""
    for lam in (0.3, 1.0, 3.2):
        for M in (1, 4, 10, 100, 1000):
            if lam <= M:
                p = 1 - lam / M
                check.equal(hw.kept_units_mean(M, p), lam)
                k = np.arange(M + 60)
                gap = stats.binom.pmf(k, M, lam / M) - stats.poisson.pmf(k, lam)
                d_TV = np.abs(gap).sum() / 2
                bound = (1 - math.exp(-lam)) * lam / M
                assert d_TV <= bound * (1 + 1e-12)
                check.equal(hw.poisson_limit_distance(M, lam), d_TV)
                check.equal(hw.poisson_limit_bound(M, lam), bound)
                # In distribution: every P(K_M <= k) is as near to its limit as that.
                cdf = np.cumsum(hw.kept_units_pmf(k, M, p))
                assert np.abs(cdf - stats.poisson.cdf(k, lam)).max() <= bound + 1e-12


@pytest.mark.equation(25, by="sympy")
def test_rate_of_the_poisson_law_cannot_be_better_for_one_unit(check):
    r"""\begin{aligned}
    & K_M \xrightarrow{\;d\;} \mathrm{Poisson}(\lambda), \\
    & \lambda = M(1-p), \\
    & d_{TV}\Big(\mathrm{Binomial}\big(M,\tfrac{\lambda}{M}\big),\,\mathrm{Poisson}(\lambda)\Big) \\
    & \qquad \le \frac{(1-e^{-\lambda})\,\lambda}{M}
    \end{aligned}"""
    # With M = 1 and p = 1 - lambda the bound is attained. Poisson minus binomial at 0, 1 and above:
    at_0 = sp.exp(-lam) - (1 - lam)  # positive
    at_1 = lam * sp.exp(-lam) - lam  # negative
    above = 1 - sp.exp(-lam) - lam * sp.exp(-lam)  # positive
    d_TV = (at_0 - at_1 + above) / 2
    check.identity(d_TV, (1 - sp.exp(-lam)) * lam / 1)
    for mean_kept in (0.2, 0.9):
        check.equal(hw.poisson_limit_bound(1, mean_kept), float(d_TV.subs(lam, mean_kept)))
        check.equal(hw.poisson_limit_distance(1, mean_kept), float(d_TV.subs(lam, mean_kept)))


# A Poisson width, (26) to (33).


@pytest.mark.equation(26, by="scipy")
def test_poisson_probabilities(check):
    r"""\begin{aligned}
    \Pr(M=m) &= \frac{\lambda^m e^{-\lambda}}{m!}, \\
    m &= 0,1,2,\dots
    \end{aligned}"""
    for mean_width in (0.4, 3.2, 11.0):
        widths = range(40)
        pmf = [mean_width**m * math.exp(-mean_width) / math.factorial(m) for m in widths]
        check.equal(stats.poisson.pmf(widths, mean_width), hw.poisson_pmf(widths, mean_width), pmf)
    check.identity(sp.summation(lam**m * sp.exp(-lam) / sp.factorial(m), (m, 0, sp.oo)), 1)


@pytest.mark.equation(27, by="Monte Carlo")
def test_kept_units_of_a_given_width_are_binomial(check):
    r"""K \mid M=m \;\sim\; \mathrm{Binomial}(m, 1-p)"""
    rng = np.random.default_rng(27)
    for p in (0.3, 0.8):
        widths, K = layers_of_poisson_width(rng, 60_000, 3.2, p)
        for m in range(1, 5):
            counts = np.arange(m + 1)
            binomial = stats.binom.pmf(counts, m, 1 - p)
            check.sample(K[widths == m][:, None] == counts, binomial)
            check.equal(hw.kept_units_pmf(counts, m, p), binomial)


@pytest.mark.equation(28, by="enumeration")
def test_binomial_probabilities_of_a_given_width(check):
    r"""\begin{aligned}
    & \Pr(K=k\mid M=m) \\
    &\quad = \binom{m}{k}(1-p)^k\,p^{m-k}, \\
    & 0 \le k\le m
    \end{aligned}"""
    for m, p in product(range(7), (Fraction(3, 10), Fraction(4, 5))):
        pmf = [math.comb(m, k) * (1 - p) ** k * p ** (m - k) for k in range(m + 1)]
        for ours, expected in zip(pmf, counted(m, p), strict=True):
            check.identity(ours, expected)
        check.equal(hw.kept_units_pmf(range(-1, m + 2), m, float(p)), [0, *pmf, 0])


@pytest.mark.equation(29, by="scipy")
def test_kept_units_by_the_sum_over_all_widths(check):
    r"""\begin{aligned}
    & \Pr(K=k) \\
    &= \sum_{m\ge k}\Pr(K=k\mid M=m) \\
    &\qquad\cdot\Pr(M=m) \\
    &= \sum_{m\ge k}\binom{m}{k}(1-p)^k\,p^{m-k}\,\frac{\lambda^m e^{-\lambda}}{m!} \\
    &= \frac{(\lambda(1-p))^k\,e^{-\lambda}}{k!}\sum_{m\ge k}\frac{(\lambda p)^{m-k}}{(m-k)!}
    \end{aligned}"""
    lam, p, exp, factorial = 3.2, 0.3, math.exp, math.factorial
    for k in range(12):
        widths = range(k, 120)
        expected = thinned(lam, p, k)
        terms = [stats.binom.pmf(k, m, 1 - p) * stats.poisson.pmf(m, lam) for m in widths]
        check.equal(sum(terms), expected)
        terms = [
            math.comb(m, k) * (1 - p) ** k * p ** (m - k) * lam**m * exp(-lam) / factorial(m)
            for m in widths
        ]
        check.equal(sum(terms), expected)
        series = sum((lam * p) ** (m - k) / factorial(m - k) for m in widths)
        check.equal((lam * (1 - p)) ** k * exp(-lam) / factorial(k) * series, expected)
        check.equal(hw.poisson_width_pmf(k, lam, p), expected)


@pytest.mark.equation(29, by="sympy")
def test_factors_leave_the_sum_term_by_term(check):
    r"""\begin{aligned}
    & \Pr(K=k) \\
    &= \sum_{m\ge k}\Pr(K=k\mid M=m) \\
    &\qquad\cdot\Pr(M=m) \\
    &= \sum_{m\ge k}\binom{m}{k}(1-p)^k\,p^{m-k}\,\frac{\lambda^m e^{-\lambda}}{m!} \\
    &= \frac{(\lambda(1-p))^k\,e^{-\lambda}}{k!}\sum_{m\ge k}\frac{(\lambda p)^{m-k}}{(m-k)!}
    \end{aligned}"""
    width = k + r  # m >= k
    line_2 = sp.binomial(width, k) * (1 - p) ** k * p ** (width - k)
    line_2 *= lam**width * sp.exp(-lam) / sp.factorial(width)
    line_3 = (lam * (1 - p)) ** k * sp.exp(-lam) / sp.factorial(k)
    line_3 *= (lam * p) ** (width - k) / sp.factorial(width - k)
    check.identity(line_2, line_3)


@pytest.mark.equation(30, by="sympy")
def test_shifted_exponential_series(check):
    r"""\sum_{m\ge k}\frac{(\lambda p)^{m-k}}{(m-k)!}
    = \sum_{r\ge0}\frac{(\lambda p)^r}{r!}
    = e^{\lambda p}"""
    shifted = sp.summation((lam * p) ** (m - k) / sp.factorial(m - k), (m, k, sp.oo))
    series = sp.summation((lam * p) ** r / sp.factorial(r), (r, 0, sp.oo))
    check.identity(shifted, series)
    check.identity(series, sp.exp(lam * p))
    terms = [(3.2 * 0.3) ** (m - 4) / math.factorial(m - 4) for m in range(4, 40)]
    check.equal(sum(terms), math.exp(3.2 * 0.3))
    # hw1lib's law, divided by the front factor of (29), is the series.
    front = (3.2 * 0.7) ** 4 * math.exp(-3.2) / math.factorial(4)
    check.equal(hw.poisson_width_pmf(4, 3.2, 0.3) / front, sum(terms))


@pytest.mark.equation(31, by="sympy")
def test_law_of_the_kept_units_of_a_poisson_width(check):
    r"""\begin{aligned}
    \Pr(K=k)
    &= \frac{(\lambda(1-p))^k\,e^{-\lambda}}{k!}\,e^{\lambda p} \\
    &= \frac{(\lambda(1-p))^k\,e^{-\lambda(1-p)}}{k!}
    \end{aligned}"""
    line_1 = (lam * (1 - p)) ** k * sp.exp(-lam) / sp.factorial(k) * sp.exp(lam * p)
    line_2 = (lam * (1 - p)) ** k * sp.exp(-lam * (1 - p)) / sp.factorial(k)
    check.identity(line_1, line_2)
    check.identity(sp.summation(line_2, (k, 0, sp.oo)), 1)
    for kept in range(12):
        at = {lam: 3.2, p: 0.3, k: kept}
        check.equal(float(line_1.subs(at)), float(line_2.subs(at)), thinned(3.2, 0.3, kept))
        check.equal(hw.poisson_width_pmf(kept, 3.2, 0.3), float(line_2.subs(at)))


@pytest.mark.equation(32, by="sympy")
def test_powers_of_the_thinned_mean(check):
    r"""\begin{aligned}
    \lambda^k(1-p)^k &= (\lambda(1-p))^k = (\lambda')^k, \\
    \lambda' &= \lambda(1-p)
    \end{aligned}"""
    lam_prime = lam * (1 - p)
    check.identity(lam**k * (1 - p) ** k, (lam * (1 - p)) ** k)
    check.identity((lam * (1 - p)) ** k, lam_prime**k)
    # hw1lib's law has this power in it, and the mean lambda'.
    counts = np.arange(12)
    pmf = hw.poisson_width_pmf(counts, 3.2, 0.3)
    power = [pmf[i] / pmf[0] * math.factorial(i) for i in counts]
    check.equal(power, [3.2**i * (1 - 0.3) ** i for i in counts])
    mean_kept = np.arange(60) @ thinned(3.2, 0.3, np.arange(60))
    check.equal(float(lam_prime.subs({lam: 3.2, p: 0.3})), mean_kept)


@pytest.mark.equation(33, by="scipy")
def test_kept_units_of_a_poisson_width_are_poisson(check):
    r"""\begin{aligned}
    \Pr(K=k) &= \frac{(\lambda')^k e^{-\lambda'}}{k!}, \\
    K &\sim \mathrm{Poisson}(\lambda'), \\
    \lambda' &= \lambda(1-p)
    \end{aligned}"""
    for lam, p in ((3.2, 0.3), (0.4, 0.85), (8.0, 0.0)):
        lam_prime = lam * (1 - p)
        counts = range(12)
        pmf = [lam_prime**k * math.exp(-lam_prime) / math.factorial(k) for k in counts]
        check.equal(thinned(lam, p, counts), stats.poisson.pmf(counts, lam_prime), pmf)
        check.equal(hw.poisson_width_pmf(counts, lam, p), pmf)


@pytest.mark.equation(33, by="Monte Carlo")
def test_drawn_layers_of_poisson_width_keep_a_poisson_number_of_units(check):
    r"""\begin{aligned}
    \Pr(K=k) &= \frac{(\lambda')^k e^{-\lambda'}}{k!}, \\
    K &\sim \mathrm{Poisson}(\lambda'), \\
    \lambda' &= \lambda(1-p)
    \end{aligned}"""
    lam, p = 3.2, 0.3
    _, K = layers_of_poisson_width(np.random.default_rng(33), 60_000, lam, p)
    counts = np.arange(8)
    check.sample(K[:, None] == counts, stats.poisson.pmf(counts, lam * (1 - p)))
