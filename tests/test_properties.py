"""What must hold for every input: shapes, dtypes, memory layouts and magnitudes are drawn.

The draws are the same at each run. `HYPOTHESIS_EXAMPLES=2000 pytest tests/test_properties.py` draws
more, and others each time.

Tolerance: multiples of the rounding unit of the dtype, relative to the size of the terms that are
added; the factor covers the number of terms (at most 12 rows, 4 columns) and, for whitening, the
condition number, which is kept below 1e3.
"""

import os
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import hw1lib as h
from calls import CALLS, NAMES, WITH_ARRAYS, arrays, good, over_arrays, run

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "0"))
drawn = settings(derandomize=not EXAMPLES, max_examples=EXAMPLES or 30, deadline=None,
                 suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                 database=None)  # fmt: skip
DTYPES = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**32 - 1)
# float32 ends at 1e38 where float64 ends at 1e308.
LARGEST_POWER = {np.float32: 15, np.float64: 150}


def strided(a, step):
    """View on every step-th entry of a larger array, backwards for a negative step."""
    wide = np.full([abs(step) * n for n in a.shape], 99, dtype=a.dtype)
    view = wide[(slice(None, None, step),) * a.ndim]
    view[...] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "every third": lambda a: strided(a, 3),
    "backwards": lambda a: strided(a, -1),
    "every second, backwards": lambda a: strided(a, -2),
    "read-only": read_only,
}


@st.composite
def batches(draw, any_magnitude=False, tall=False, dtypes=DTYPES, largest=150):
    """Draw [Y, gamma, beta, dY_hat], all in one memory layout, and their rounding unit.

    The entries of a column of Y are about 1 apart, so that no feature is nearly constant; then
    each array gets a magnitude of its own, if it may have any.
    """
    dtype, rng = draw(dtypes), np.random.default_rng(draw(SEEDS))
    M = draw(st.integers(1, 4))
    B = draw(st.integers(M + 4 if tall else 2, 12))
    layout = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))]
    steps = rng.permuted(np.tile(np.arange(B)[:, None], M), axis=0)
    Y = steps + rng.uniform(-0.3, 0.3, (B, M)) + rng.normal(size=M)
    values = [Y, rng.normal(size=M), rng.normal(size=M), rng.normal(size=(B, M))]
    n = min(largest, LARGEST_POWER[dtype]) if any_magnitude else 0
    powers = [draw(st.integers(-n, n)) for _ in values]
    values = [layout((v * 10.0**k).astype(dtype)) for v, k in zip(values, powers, strict=True)]
    return values, np.finfo(dtype).eps


def close(actual, expected, unit, terms, factor=100):
    """Compare up to the rounding of the terms that make up the numbers."""
    assert np.isfinite(actual).all()
    actual, expected, terms = (np.asarray(x, dtype=float) for x in (actual, expected, terms))
    assert (np.abs(actual - expected) <= factor * float(unit) * np.abs(terms)).all()


# Every function: the layout, the arguments, the results.


@pytest.mark.parametrize("name", [*WITH_ARRAYS, "numerical_gradient", "kept_units_pmf"])
@settings(drawn, max_examples=EXAMPLES or 6)
@given(layout=st.sampled_from(list(LAYOUTS)), dtype=DTYPES)
def test_layout_changes_no_value_and_nothing_is_changed_or_shared(name, layout, dtype):
    dtype = np.float64 if name == "numerical_gradient" else dtype
    plain = good(name, dtype)
    laid_out = over_arrays(LAYOUTS[layout], good(name, dtype))
    before = [a.copy() for a in arrays(laid_out)]
    result, expected = run(name, laid_out), run(name, plain)
    unit = np.finfo(dtype).eps
    for a, e in zip(arrays(result), arrays(expected), strict=True):
        # Absolute values, for the signs of eigenvectors are free.
        np.testing.assert_allclose(np.abs(a), np.abs(e), rtol=500 * unit, atol=500 * unit)
    for now, then in zip(arrays(laid_out), before, strict=True):
        np.testing.assert_array_equal(now, then)
    for output in arrays(result):
        assert output.flags.writeable
        assert not any(np.shares_memory(output, a) for a in arrays(laid_out))
    outputs = arrays(result)
    for i, output in enumerate(outputs):
        assert not any(np.shares_memory(output, other) for other in outputs[:i])


# Batch norm.


@drawn
@given(batches(any_magnitude=True), st.sampled_from([0.0, 1e-5]))
def test_batchnorm_of_any_magnitude_is_finite_forward_and_backward(batch, eps):
    # gamma and dY_hat at most 1: the gradient has the product of both, over s.
    (Y, gamma, beta, dY_hat), unit = batch
    Y_hat, cache = h.batchnorm_forward(Y, gamma / np.abs(gamma).max(), beta, eps)
    bound = np.sqrt(len(Y) - 1) * (1 + 10 * unit)
    assert (np.abs(cache.x_hat) <= bound).all()
    for result in (Y_hat, *cache, h.batchnorm_backward(dY_hat / np.abs(dY_hat).max(), cache)[0]):
        assert np.isfinite(result).all()


@drawn
@given(batches(any_magnitude=True))
def test_batchnorm_output_has_mean_zero_and_variance_one_for_any_magnitude(batch):
    (Y, gamma, beta, _), unit = batch
    _, cache = h.batchnorm_forward(Y, gamma, beta, 0.0)
    close(cache.x_hat.mean(axis=0), 0, unit, 1)
    close((cache.x_hat**2).mean(axis=0), 1, unit, 1)


@drawn
@given(batches(), st.integers(-100, 100))
def test_batchnorm_without_eps_forgets_the_scale_exactly(batch, power):
    # A power of two is exact, so is everything that follows from it.
    (Y, gamma, beta, _), unit = batch
    scale = Y.dtype.type(2.0 ** (power if unit < 1e-10 else power // 4))
    # A copy, for the layout decides in which order a column is added.
    expected, _ = h.batchnorm_forward(Y * Y.dtype.type(1), gamma, beta, 0.0)
    np.testing.assert_array_equal(h.batchnorm_forward(Y * scale, gamma, beta, 0.0)[0], expected)


@drawn
@given(batches(dtypes=st.just(np.float64)), st.floats(1e-12, 1e-3))
def test_batchnorm_forgets_the_scale_as_eps_goes_to_zero(batch, eps):
    # x_hat = C / sqrt(v + eps): the relative change is below eps / (2 v), and v is above 1/100.
    (Y, gamma, beta, _), unit = batch
    expected = h.batchnorm_forward(Y, gamma, beta, 0.0)[1].x_hat
    for scale in (0.7, 1.0, 30.0):
        _, cache = h.batchnorm_forward(Y * scale, gamma, beta, eps)
        change = eps / cache.v + 1000 * unit
        assert (np.abs(cache.x_hat - expected) <= change * np.sqrt(len(Y))).all()


@drawn
@given(batches(), st.floats(-1000, 1000))
def test_batchnorm_forgets_a_shift(batch, shift):
    (Y, gamma, beta, _), unit = batch
    shifted = Y + Y.dtype.type(shift)
    actual, expected = (h.batchnorm_forward(y, gamma, beta)[1].x_hat for y in (shifted, Y))
    # The addition rounds Y itself, to the unit of the shift.
    close(actual, expected, unit, 10 + abs(shift))


@drawn
@given(batches(any_magnitude=True, largest=10), st.sampled_from([0.0, 1e-3]))
def test_batchnorm_gradient_sums_to_zero_over_the_batch(batch, eps):
    (Y, gamma, beta, dY_hat), unit = batch
    _, cache = h.batchnorm_forward(Y, gamma, beta, eps)
    dY, _, _ = h.batchnorm_backward(dY_hat, cache)
    close(dY.sum(axis=0), 0, unit, gamma / cache.s * np.abs(dY_hat).sum(axis=0))


@drawn
@given(batches(), st.sampled_from([0.0, 1e-3, 2.0]))
def test_batchnorm_statistics_put_together_give_the_whole_gradient(batch, eps):
    (Y, gamma, beta, dY_hat), unit = batch
    _, cache = h.batchnorm_forward(Y, gamma, beta, eps)
    dm, dv = h.batchnorm_statistics_backward(dY_hat, cache)
    together = gamma / cache.s * dY_hat + (dm + 2 * cache.x_hat * cache.s * dv) / len(Y)
    terms = np.abs(gamma / cache.s) * np.abs(dY_hat).sum(axis=0)
    close(h.batchnorm_backward(dY_hat, cache)[0], together, unit, terms)


@drawn
@given(batches(any_magnitude=True, largest=70), st.floats(0, 1))
def test_running_update_lies_between_the_old_value_and_the_batch(batch, momentum):
    (Y, gamma, beta, _), unit = batch
    _, cache = h.batchnorm_forward(Y, gamma, beta, 1e-5)
    old = gamma, np.abs(beta)
    new = h.batchnorm_running_update(*old, cache, momentum)
    batch_values = cache.m, cache.v * (len(Y) / (len(Y) - 1))
    for now, then, seen in zip(new, old, batch_values, strict=True):
        slack = 10 * unit * np.maximum(np.abs(then), np.abs(seen))
        assert (np.minimum(then, seen) - slack <= now).all()
        assert (now <= np.maximum(then, seen) + slack).all()
        close(now, (1 - momentum) * then.astype(float) + momentum * seen, unit, then + seen + now)


@drawn
@given(batches(any_magnitude=True, largest=15), st.sampled_from([1e-5, 0.3]))
def test_batchnorm_inference_with_the_statistics_of_the_batch_is_training(batch, eps):
    (Y, gamma, beta, _), unit = batch
    expected, cache = h.batchnorm_forward(Y, gamma, beta, eps)
    actual = h.batchnorm_inference(Y, gamma, beta, cache.m, cache.v, eps)
    rounding = np.abs(gamma) * (len(Y) + np.abs(Y).max(axis=0) / cache.s)
    close(actual, expected, unit, rounding + np.abs(beta))


# Whitening.


def forget_layout(batch):
    (Y, _, _, _), unit = batch
    M = Y.shape[1]
    return Y, np.ones(M, Y.dtype), np.zeros(M, Y.dtype), unit


def condition(Y):
    return np.linalg.cond(np.cov(Y.astype(float).T, bias=True).reshape(Y.shape[1], -1))


FORWARDS = [h.whitening_forward, h.pca_whitening_forward]


@pytest.mark.parametrize("forward", FORWARDS)
@drawn
@given(batches(tall=True, any_magnitude=True))
def test_whitened_covariance_is_the_identity_for_any_magnitude(forward, batch):
    Y, one, zero, unit = forget_layout(batch)
    scaled = Y / np.abs(Y).max()
    result = forward(Y, one, zero, 0.0)
    Z = np.asarray(result[0] if isinstance(result, tuple) else result, dtype=float)
    close(Z.T @ Z / len(Z), np.eye(Z.shape[1]), unit, 1 + condition(scaled))


@drawn
@given(batches(tall=True), SEEDS, st.sampled_from([0.0, 0.1]))
def test_zca_whitening_turns_with_the_data(batch, seed, eps):
    Y, one, zero, unit = forget_layout(batch)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(one),) * 2))[0].astype(Y.dtype)
    turned, _ = h.whitening_forward(np.ascontiguousarray(Y @ Q), one, zero, eps)
    expected = h.whitening_forward(Y, one, zero, eps)[0] @ Q
    close(turned, expected, unit, len(Y) * (1 + condition(Y)) * (1 + np.abs(Y).max()))


@pytest.mark.parametrize("forward", [h.whitening_forward, h.newton_whitening_forward])
@drawn
@given(batches(tall=True, any_magnitude=True, largest=10), st.sampled_from([0.0, 0.1]))
def test_whitening_gradient_sums_to_zero_over_the_batch(forward, batch, eps):
    (Y, gamma, beta, dY_hat), unit = batch
    _, cache = forward(Y, gamma, beta, eps)
    dY, _, _ = h.whitening_backward(dY_hat, cache)
    close(dY.sum(axis=0), 0, unit, len(Y) * (np.abs(dY).max() + np.abs(dY).sum(axis=0)))


@drawn
@given(batches(tall=True), st.sampled_from([0.0, 0.1]))
def test_inverse_root_is_symmetric_and_undoes_sigma(batch, eps):
    Y, _, _, unit = forget_layout(batch)
    sigma = np.cov(Y.astype(float).T, bias=True).reshape(Y.shape[1], -1).astype(Y.dtype)
    root, _ = h.inverse_root_forward(sigma, eps)
    close(root, root.T, unit, np.abs(root).max())
    product = root @ (sigma + eps * np.eye(len(root), dtype=Y.dtype)) @ root
    close(product, np.eye(len(root)), unit, 1 + condition(Y))


# Backward passes: linear in the upstream gradient, and the slopes of the forward pass.


def vector_of(result):
    return np.concatenate([a.ravel() for a in arrays(result)])


# The upstream gradient comes first.
BACKWARDS = {name: next(iter(CALLS[name])) for name in NAMES if name.endswith("_backward")}


@pytest.mark.parametrize(("name", "upstream"), BACKWARDS.items())
@settings(drawn, max_examples=EXAMPLES or 10)
@given(SEEDS, st.floats(-10, 10), DTYPES)
def test_backward_is_linear_in_the_upstream_gradient(name, upstream, seed, factor, dtype):
    arguments = good(name, dtype)
    rng = np.random.default_rng(seed)
    u, v = (rng.normal(size=arguments[upstream].shape).astype(dtype) for _ in range(2))
    of = [vector_of(run(name, {**arguments, upstream: d})) for d in (u, v, dtype(factor) * u + v)]
    terms = abs(factor) * np.abs(of[0]).max() + np.abs(of[1]).max()
    close(of[2], dtype(factor) * of[0] + of[1], np.finfo(dtype).eps, terms)


SMOOTH = ["affine", "batchnorm", "dropout", "newton_whitening", "softmax_cross_entropy", "tanh",
          "whitening"]  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
@settings(drawn, max_examples=EXAMPLES or 8)
@given(SEEDS, st.integers(3, 6))
def test_backward_gives_the_slopes_of_the_forward_pass(name, seed, B):
    # Along a random direction; central differences, step 1e-5: errors about 1e-10 and 1e-11.
    backward = f"{name.removeprefix('newton_')}_backward"
    name, rng = f"{name}_forward", np.random.default_rng(seed)
    arguments = {
        k: v[np.arange(B) % len(v)] + 0.3 * rng.normal(size=(B, v.shape[1]))
        if k in ("X", "Y", "Z", "h")
        else (v[np.arange(B) % len(v)] if k in ("mask", "targets") else v)
        for k, v in good(name).items()
    }
    output, cache = run(name, arguments)
    upstream = rng.normal(size=output.shape)
    parameters = {"X", "W", "b", "Y", "gamma", "beta", "h", "Z"}
    directions = {k: rng.normal(size=v.shape) for k, v in arguments.items() if k in parameters}

    def along(t):
        moved = {k: arguments[k] + t * d for k, d in directions.items()}
        return float((upstream * run(name, {**arguments, **moved})[0]).sum())

    gradients = run(backward, {BACKWARDS[backward]: upstream, "cache": cache})
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    terms = [g * d for g, d in zip(gradients, directions.values(), strict=True)]
    expected = sum(t.sum() for t in terms)
    size = sum(np.abs(t).sum() for t in terms) + np.abs(upstream * output).sum()
    assert abs((along(1e-5) - along(-1e-5)) / 2e-5 - expected) < 1e-6 * size


# Dropout.


@drawn
@given(batches(any_magnitude=True), SEEDS, st.floats(0, 0.99))
def test_dropout_is_the_same_linear_map_forward_and_backward(batch, seed, p):
    (x, _, _, dx), _ = batch
    mask = h.dropout_mask(np.random.default_rng(seed), x.shape, p, x.dtype)
    _, cache = h.dropout_forward(x, mask, p)
    np.testing.assert_array_equal(h.dropout_backward(dx, cache), h.dropout_forward(dx, mask, p)[0])


@drawn
@given(batches(any_magnitude=True), SEEDS, st.floats(0, 0.99))
def test_dropout_zeroes_or_rescales_each_unit(batch, seed, p):
    (x, _, _, _), unit = batch
    mask = h.dropout_mask(np.random.default_rng(seed), x.shape, p, x.dtype)
    h_tilde, _ = h.dropout_forward(x, mask, p)
    assert (h_tilde[mask == 0] == 0).all()
    close(h_tilde[mask == 1] * (1 - p), x[mask == 1], unit, x[mask == 1])


@drawn
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 0.999))
def test_dropout_keeps_the_mean_and_divides_the_second_moment(mean, variance, p):
    after, spread = h.dropout_moments(mean, variance, p)
    second = variance + mean**2
    assert after == mean
    close(spread + after**2, second / (1 - p), 2**-52, second / (1 - p))


@drawn
@given(st.integers(0, 400), st.floats(0, 0.999))
def test_kept_units_pmf_sums_to_one_and_has_its_mean_and_variance(M, p):
    k = np.arange(M + 1)
    pmf = h.kept_units_pmf(k, M, p)
    mean = h.kept_units_mean(M, p)
    np.testing.assert_allclose(pmf.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(k @ pmf, mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose((k - mean) ** 2 @ pmf, mean * p, rtol=1e-10, atol=1e-10)


@drawn
@given(st.integers(1, 300), st.floats(0.001, 0.999))
def test_kept_and_dropped_units_are_mirror_images(M, p):
    k = np.arange(M + 1)
    mirrored = h.kept_units_pmf(M - k, M, 1 - p)
    np.testing.assert_allclose(h.kept_units_pmf(k, M, p), mirrored, rtol=1e-10, atol=1e-300)


@drawn
@given(st.floats(0, 300), st.floats(0, 0.999))
def test_poisson_pmfs_sum_to_one_and_have_equal_mean_and_variance(lam, p):
    k = np.arange(int(lam + 20 * lam**0.5 + 40))
    for pmf, mean in (
        (h.poisson_pmf(k, lam), lam),
        (h.poisson_width_pmf(k, lam, p), lam * (1 - p)),
    ):
        np.testing.assert_allclose(pmf.sum(), 1, rtol=1e-12)
        np.testing.assert_allclose(k @ pmf, mean, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose((k - mean) ** 2 @ pmf, mean, rtol=1e-9, atol=1e-10)


@drawn
@given(st.integers(1, 10**9), st.floats(1e-8, 1))
def test_poisson_limit_distance_lies_between_its_two_bounds(M, share):
    lam = min(M * share, 1e5)
    distance, bound = h.poisson_limit_distance(M, lam), h.poisson_limit_bound(M, lam)
    # Barbour and Hall (1984) bound it from below, too: by min(1, 1 / lam) * lam**2 / M / 32.
    below = min(1, 1 / lam) * lam**2 / M / 32
    assert below * (1 - 1e-6) <= distance <= bound * (1 + 1e-6)


# The MLP.


@st.composite
def networks(draw):
    dtype, rng = draw(DTYPES), np.random.default_rng(draw(SEEDS))
    widths = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    options = {
        "activation": draw(st.sampled_from(["relu", "tanh"])),
        "readout": draw(st.sampled_from(["linear", "activated"])),
    }
    layout = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))]

    def normal(*shape):
        return layout(rng.normal(size=shape).astype(dtype))

    B = draw(st.integers(1, 6))
    weights = [normal(m, n) for n, m in pairwise(widths)]
    biases = [normal(m) for m in widths[1:]]
    network = {"X": normal(B, widths[0]), "weights": weights, "biases": biases, **options}
    return network, normal(B, widths[-1]), rng, np.finfo(dtype).eps


def passes(network, dlogits):
    logits, cache = h.mlp_forward(**network)
    return logits, *h.mlp_backward(dlogits, cache)


def size(gradients):
    # Products of up to five matrices: what cancels is at most this large.
    return 10 + 10 * max(np.abs(g).max() for g in gradients)


@drawn
@given(networks())
def test_parameter_gradients_are_sums_over_the_samples(case):
    network, dlogits, _, unit = case
    _, _, dWs, dbs = passes(network, dlogits)
    alone = [
        passes({**network, "X": network["X"][i : i + 1]}, dlogits[i : i + 1])
        for i in range(len(dlogits))
    ]
    for layer, (dW, db) in enumerate(zip(dWs, dbs, strict=True)):
        close(sum(one[2][layer] for one in alone), dW, unit, size([dW, db, *dWs]) ** 2)
        close(sum(one[3][layer] for one in alone), db, unit, size([dW, db, *dbs]) ** 2)


@drawn
@given(networks())
def test_order_of_the_samples_does_not_matter(case):
    network, dlogits, rng, unit = case
    order = rng.permutation(len(dlogits))
    logits, dhs, dWs, _ = passes(network, dlogits)
    turned = passes({**network, "X": network["X"][order]}, dlogits[order])
    close(turned[0], logits[order], unit, size([logits]) ** 2)
    for a, e in zip(turned[1], dhs, strict=True):
        close(a, e[order], unit, size(dhs) ** 2)
    for a, e in zip(turned[2], dWs, strict=True):
        close(a, e, unit, size(dWs) ** 2)


@drawn
@given(networks())
def test_order_of_the_hidden_units_does_not_matter(case):
    network, dlogits, rng, unit = case
    weights, biases = list(network["weights"]), list(network["biases"])
    logits, dhs, dWs, dbs = passes(network, dlogits)
    order = rng.permutation(len(weights[0]))
    if len(weights) > 1:
        weights[0], biases[0] = weights[0][order], biases[0][order]
        weights[1] = weights[1][:, order]
        other = passes({**network, "weights": weights, "biases": biases}, dlogits)
        close(other[0], logits, unit, size([logits]) ** 2)
        close(other[1][0], dhs[0], unit, size(dhs) ** 2)
        close(other[2][0], dWs[0][order], unit, size(dWs) ** 2)
        close(other[2][1], dWs[1][:, order], unit, size(dWs) ** 2)
        close(other[3][0], dbs[0][order], unit, size(dbs) ** 2)


@drawn
@given(batches(any_magnitude=True))
def test_softmax_is_a_probability_vector_and_logsumexp_lies_just_above_the_top(batch):
    (Z, _, _, _), unit = batch
    top, K = Z.max(axis=1), Z.shape[1]
    close(h.softmax(Z).sum(axis=1), 1, unit, 1)
    assert (h.softmax(Z) >= 0).all()
    slack = 10 * unit * (np.abs(top) + 1)
    assert (h.logsumexp(Z) >= top - slack).all()
    assert (h.logsumexp(Z) <= top + np.log(K) + slack).all()


@drawn
@given(batches(), st.floats(-100, 100))
def test_softmax_forgets_a_shift_and_logsumexp_follows_it(batch, shift):
    (Z, _, _, _), unit = batch
    shifted = Z + Z.dtype.type(shift)
    rounding = 20 + abs(shift)
    close(h.softmax(shifted), h.softmax(Z), unit, rounding)
    close(h.logsumexp(shifted), h.logsumexp(Z) + shift, unit, rounding)


@drawn
@given(batches(any_magnitude=True), SEEDS)
def test_cross_entropy_is_not_negative_and_its_gradient_sums_to_zero(batch, seed):
    (Z, _, _, _), unit = batch
    targets = np.random.default_rng(seed).dirichlet(np.ones(Z.shape[1]), len(Z)).astype(Z.dtype)
    losses, cache = h.softmax_cross_entropy_forward(Z, targets)
    assert np.isfinite(losses).all()
    assert (losses >= 0).all()
    dZ = h.softmax_cross_entropy_backward(np.ones(len(Z), Z.dtype), cache)
    close(dZ.sum(axis=1), 0, unit, 1)


@drawn
@given(batches(any_magnitude=True))
def test_activations_are_idempotent_or_odd_and_finite_for_any_magnitude(batch):
    (Z, _, _, dH), _ = batch
    H, cache = h.relu_forward(Z)
    np.testing.assert_array_equal(h.relu_forward(H)[0], H)
    np.testing.assert_array_equal(h.relu_backward(dH, cache) * (Z <= 0), np.zeros_like(Z))
    T, cache = h.tanh_forward(Z)
    np.testing.assert_array_equal(h.tanh_forward(-Z)[0], -T)
    assert (np.abs(h.tanh_backward(dH, cache)) <= np.abs(dH)).all()


# Initialization.


@pytest.mark.parametrize("name", ["normal", "uniform"])
@drawn
@given(SEEDS, st.integers(40, 120), st.integers(40, 120), st.floats(-2, 2), DTYPES)
def test_drawn_weights_have_their_moments_within_five_standard_errors(name, seed, m, n, a, dtype):
    # Kurtosis 3 for a normal, 1.8 for a uniform variable: the spread of their squares.
    rng, spread = np.random.default_rng(seed), {"normal": 2, "uniform": 0.8}[name]
    draws = [
        (getattr(h, f"kaiming_{name}")(rng, (m, n), mode, a, dtype), h.kaiming_std((m, n), mode, a))
        for mode in ("fan_in", "fan_out")
    ]
    gain = 1 + abs(a)
    draws.append(
        (getattr(h, f"xavier_{name}")(rng, (m, n), gain, dtype), h.xavier_std((m, n), gain))
    )
    for W, std in draws:
        W = W.astype(float)
        assert abs(W.mean()) < 5 * std / np.sqrt(W.size)
        assert abs((W**2).mean() / std**2 - 1) < 5 * np.sqrt(spread / W.size)


LAYERS = st.lists(st.tuples(st.integers(1, 1000), st.floats(1e-3, 1e3)), min_size=2, max_size=8)


@drawn
@given(LAYERS, st.integers(0, 6), st.floats(1e-3, 1e3), st.floats(0.1, 1))
def test_second_moments_multiply_over_concatenated_networks(layers, cut, start, kept):
    widths, stds = [w for w, _ in layers], [s for _, s in layers[1:]]
    cut = min(cut, len(stds) - 1)
    whole = h.forward_second_moments(widths, stds, start, kept)
    if cut >= 1:
        first = h.forward_second_moments(widths[: cut + 1], stds[:cut], start, kept)
        second = h.forward_second_moments(widths[cut:], stds[cut:], float(first[-1]), kept)
        np.testing.assert_allclose(whole, [*first, *second[1:]], rtol=1e-12)
    # Backward is forward through the reversed network.
    backward = h.backward_second_moments(widths, stds, start, kept)
    mirrored = h.forward_second_moments(widths[::-1], stds[::-1], start, kept)
    np.testing.assert_allclose(backward, mirrored[::-1], rtol=1e-12)


@drawn
@given(st.lists(st.integers(1, 1000), min_size=3, max_size=8))
def test_alive_probability_falls_with_depth_and_multiplies(widths):
    alive = h.alive_probability(widths)
    assert alive[0] == 1
    assert (np.diff(alive) <= 0).all()
    np.testing.assert_allclose(
        alive[-1], alive[1] * h.alive_probability(widths[1:])[-1], rtol=1e-12
    )


# The gradient check.


@drawn
@given(batches(any_magnitude=True, dtypes=st.just(np.float64), largest=100))
def test_numerical_gradient_of_a_linear_function_is_its_weights(batch):
    (x, _, _, weights), _ = batch
    weights = weights / np.abs(weights).max()
    gradient = h.numerical_gradient(lambda z: float((weights * z).sum()), x)
    rounding = np.abs(weights * x).sum() / (1e-5 * np.maximum(1, np.abs(x)))
    close(gradient, weights, 2**-52, rounding + 1)


@drawn
@given(batches(any_magnitude=True, largest=100), st.booleans())
def test_largest_difference_is_the_norm_of_the_difference(batch, equal):
    (a, _, _, b), _ = batch
    b = a.copy() if equal else b
    there, back = h.largest_difference(a, b), h.largest_difference(b, a)
    assert there.absolute == back.absolute == float(np.abs(a - b).max())
    assert (there.absolute == 0) == equal
    assert there.actual == a[there.index]
