"""What all public functions do with their arguments: dtype, memory layout, copies, refusals.

CALLS holds one good call of every function; REFUSALS what each of their parameters may not be.
Tolerance: rtol = 1e-12 between memory layouts, 1e-3 of the largest entry for float32.
"""

import copy
import inspect
import re

import numpy as np
import pytest
import torch

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
        "numerical_gradient": {"f": lambda x: (x**3).sum(), "x": Y, "step": 1e-5},
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


def array_parameters():
    """List (function, parameter) for each parameter that is an array of floats."""
    return [
        (name, parameter)
        for name in NAMES
        for parameter, value in CALLS[name].items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    ]


WITH_ARRAYS = [n for n in NAMES if arrays(CALLS[n]) and CALLS[n].keys().isdisjoint({"k", "f"})]


def test_there_is_a_good_call_of_every_public_function():
    assert set(h.__all__) == set(CALLS)
    for name in NAMES:
        assert set(inspect.signature(getattr(h, name)).parameters) == set(CALLS[name]), name


# What comes out.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*WITH_ARRAYS, "kaiming_normal", "kaiming_uniform",
                                  "xavier_normal", "xavier_uniform", "dropout_mask"])  # fmt: skip
def test_dtype_that_comes_in_comes_out_and_in_the_cache(name, dtype):
    found = arrays(run(name, good(name, dtype)))
    assert all(type(a) is np.ndarray and a.dtype == dtype for a in found)
    assert found or name == "largest_difference"  # which gives plain numbers


@pytest.mark.parametrize("name", [n for n in WITH_ARRAYS if n != "largest_difference"])
def test_float32_gives_the_values_of_float64(name):
    single, double = (run(name, good(name, dtype)) for dtype in (np.float32, np.float64))
    if name.endswith("forward") and isinstance(single, tuple):
        single, double = single[0], double[0]  # without the cache, whose signs are free
    for a, e in zip(arrays(single), arrays(double), strict=True):
        np.testing.assert_allclose(np.abs(a), np.abs(e), atol=1e-3 * np.abs(e).max())


@pytest.mark.parametrize("name", [*WITH_ARRAYS, "numerical_gradient", "kept_units_pmf"])
def test_no_argument_is_changed(name):
    arguments = good(name)
    before = [a.copy() for a in arrays(arguments)]
    run(name, arguments)
    for now, then in zip(arrays(arguments), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("name", [*WITH_ARRAYS, "numerical_gradient", "kept_units_pmf"])
def test_no_output_shares_memory_with_an_argument(name):
    arguments = good(name)
    for output in arrays(run(name, arguments)):
        assert not any(np.shares_memory(output, a) for a in arrays(arguments))


PAIRS = [(n, n.replace("forward", "backward")) for n in NAMES if n.endswith("forward")]
PAIRS = [(f, "whitening_backward" if "whitening" in f else b) for f, b in PAIRS if "pca" not in f]
PAIRS += [("batchnorm_forward", "batchnorm_statistics_backward")]


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_inputs_and_output_may_change_after_the_forward_pass(forward, backward):
    results = []
    for change in (False, True):
        arguments = good(forward)
        output, cache = run(forward, arguments)
        if change:
            for a in [*arrays(arguments), output]:
                a[...] = 7.7
        results.append(run(backward, {**good(backward), "cache": cache}))
    for a, e in zip(*map(arrays, results), strict=True):
        np.testing.assert_array_equal(a, e)


def strided(a):
    wide = np.full([2 * n for n in a.shape], 99.0)
    view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def read_only(a):
    a.flags.writeable = False
    return a


def backwards(a):
    return np.flip(np.flip(a).copy())


@pytest.mark.parametrize("layout", [np.asfortranarray, strided, read_only, backwards])
@pytest.mark.parametrize("name", [*WITH_ARRAYS, "numerical_gradient", "kept_units_pmf"])
def test_memory_layout_does_not_matter(name, layout):
    if name == "kept_units_pmf" and layout is strided:
        layout = np.asfortranarray  # its array holds integers
    expected = run(name, good(name))
    actual = run(name, over_arrays(layout, good(name)))
    for a, e in zip(arrays(actual), arrays(expected), strict=True):
        np.testing.assert_allclose(np.abs(a), np.abs(e), rtol=1e-9, atol=1e-11)


# Refusals. A parameter's name stands at the start of the message, then what it must be.


def check(name, parameter, value, error, message):
    arguments = {**CALLS[name], parameter: value}
    with pytest.raises(error, match=message):
        run(name, arguments)


def with_entry(a, value, dtype=None):
    a = a.astype(dtype or a.dtype)
    a.flat[-1] = value
    return a


NOT_FLOAT_ARRAYS = {
    "a list": (np.ndarray.tolist, "list"),
    "a number": (lambda a: 1.5, "float"),
    "None": (lambda a: None, "NoneType"),
    "a tensor": (torch.tensor, "torch.Tensor"),
    "a matrix": (lambda a: a.view(np.matrix), "numpy.matrix"),
    "a masked array": (np.ma.masked_array, "numpy.ma.MaskedArray"),
    "objects": (lambda a: a.astype(object), "object"),
    "complex": (lambda a: a.astype(complex), "complex128"),
    "float16": (lambda a: a.astype(np.float16), "float16"),
    "long double": (lambda a: a.astype(np.longdouble), str(np.dtype(np.longdouble))),
    "the other byte order": (lambda a: a.astype(">f8"), ">f8"),
    "integers": (lambda a: a.astype(int), "int64"),
    "booleans": (lambda a: a > 0, "bool"),
    "strings": (lambda a: a.astype(str), "<U"),
}


@pytest.mark.parametrize("kind", NOT_FLOAT_ARRAYS)
@pytest.mark.parametrize(("name", "parameter"), array_parameters())
def test_what_is_no_float_array_is_refused(name, parameter, kind):
    convert, came = NOT_FLOAT_ARRAYS[kind]
    message = rf"^{parameter} must (be a numpy.ndarray of|have dtype) float.*got {re.escape(came)}"
    check(name, parameter, convert(CALLS[name][parameter]), TypeError, message)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "parameter"), array_parameters())
def test_an_entry_that_is_not_finite_is_refused(name, parameter, bad):
    value = with_entry(CALLS[name][parameter], bad)
    index = re.escape(str([n - 1 for n in value.shape]))
    message = rf"^{parameter} must be finite, got {bad} at index {index}"
    check(name, parameter, value, ValueError, message)


@pytest.mark.parametrize(("name", "parameter"), array_parameters())
def test_an_empty_array_is_refused(name, parameter):
    value = np.empty((0, *CALLS[name][parameter].shape[1:]))
    message = rf"^{parameter} must (not be empty|have shape .*), got (shape )?\(0,"
    if (name, parameter) == ("largest_difference", "actual"):
        message = r"^actual must have shape \(7, 3\), got \(0, 3\)"
    check(name, parameter, value, ValueError, message)


FREE_SHAPE = {("relu_forward", "Z"), ("tanh_forward", "Z"), ("numerical_gradient", "x")}
FIRST = {"X", "Y", "Z", "h", "expected", "sigma"}  # the others are compared with it


@pytest.mark.parametrize(
    ("name", "parameter"),
    [c for c in array_parameters() if c not in FREE_SHAPE and c[1] not in {"h", "expected"}],
)
def test_a_wrong_number_of_axes_is_refused(name, parameter):
    value = CALLS[name][parameter]
    for bad in (value[None], value[0] if value.ndim > 1 else value[:, None]):
        message = rf"^{parameter} must have shape \(.*\), got {re.escape(str(bad.shape))}"
        check(name, parameter, bad, ValueError, message)


@pytest.mark.parametrize(
    ("name", "parameter"), [c for c in array_parameters() if c[1] not in FIRST | {"x", "W"}]
)
def test_a_wrong_length_is_refused(name, parameter):
    value = CALLS[name][parameter]
    bad = np.concatenate([value, value[:1]])
    message = rf"^{parameter} must have shape \(.*\), got {re.escape(str(bad.shape))}"
    check(name, parameter, bad, ValueError, message)


@pytest.mark.parametrize(
    ("name", "parameter"), [c for c in array_parameters() if c[1] not in FIRST]
)
def test_a_second_dtype_is_refused(name, parameter):
    value = CALLS[name][parameter].astype(np.float32)
    message = rf"^{parameter} must have dtype float64 like the other arrays, got float32"
    check(name, parameter, value, TypeError, message)


ONE_ROW = [
    ("batchnorm_forward", "Y"),
    ("whitening_forward", "Y"),
    ("newton_whitening_forward", "Y"),
    ("pca_whitening_forward", "Y"),
]


@pytest.mark.parametrize(("name", "parameter"), ONE_ROW)
def test_a_batch_of_one_is_refused(name, parameter):
    message = r"^Y must have at least 2 rows \(samples\), got shape \(1, 3\)"
    check(name, parameter, CALLS[name][parameter][:1], ValueError, message)


CACHED = [name for name in NAMES if "cache" in CALLS[name]]


@pytest.mark.parametrize("name", CACHED)
def test_a_wrong_cache_is_refused(name):
    good = CALLS[name]["cache"]
    others = [c for n in CACHED if type(c := CALLS[n]["cache"]) is not type(good)]
    message = rf"^cache must be the {type(good).__name__} of the forward pass, got "
    for bad in [None, tuple(good), {}, *others]:
        check(name, "cache", bad, TypeError, message)


# The rest of the table: parameter, bad value, error, how the message goes on.

T, V = TypeError, ValueError
NOT_REAL = ["0.3", True, np.bool_(True), None, 1j, np.array(0.3), [0.3], torch.tensor(0.3)]


def real_number(parameter, interval, outside):
    not_real = [(parameter, bad, T, "must be a real number, got") for bad in NOT_REAL]
    outside = [*outside, np.nan, np.inf, -np.inf]
    return not_real + [
        (parameter, bad, V, rf"must lie in {re.escape(interval)}, got {re.escape(repr(bad))}")
        for bad in outside
    ]


def whole_number(parameter, low):
    bad_types = [2.0, "3", True, np.bool_(True), None, [3], np.array([3]), 3j]
    bad = [(parameter, value, T, "must be an integer, got") for value in bad_types]
    return [*bad, (parameter, low - 1, V, f"must be at least {low}, got {low - 1}")]


def choice(parameter):
    return [
        (parameter, "gelu", V, "must be one of '.*', '.*', got 'gelu'"),
        (parameter, None, T, "must be a string, got NoneType"),
        (parameter, 1, T, "must be a string, got int"),
    ]


EPS = real_number("eps", "[0, inf)", [-1e-9])
P = real_number("p", "[0, 1)", [-0.1, 1, 1.0, 1.5])
DRAW = [
    *[("rng", bad, T, "must be a numpy.random.Generator, got") for bad in
      (0, None, np.random.SeedSequence(0), np.random.PCG64(0))],
    *[("dtype", bad, T, "must be float32 or float64, got") for bad in
      (int, "float16", "nope", complex, np.longdouble, 3)],
]  # fmt: skip
FANS = [
    ("shape", 3, T, r"must be a pair \(out, in\), got int"),
    ("shape", "34", T, r"must be a pair \(out, in\), got str"),
    ("shape", (3,), V, r"must be a pair \(out, in\), got 1 lengths"),
    ("shape", (3, 4, 5), V, r"must be a pair \(out, in\), got 3 lengths"),
    ("shape", (0, 3), V, "must be at least 1, got 0"),
    ("shape", (3, -1), V, "must be at least 1, got -1"),
    ("shape", (3.0, 4), T, "must be an integer, got float"),
]
COUNTS = [
    ("k", bad, T, "must be an integer or an array of integers, got")
    for bad in (1.0, "1", True, None, [1], np.array([1.0]), np.array([True]), np.float64(1),
                np.arange(3).view(np.matrix), np.ma.masked_array([1, 2]), torch.tensor([1]))
]  # fmt: skip
KAIMING = [*FANS, *choice("mode"), *real_number("negative_slope", "(-inf, inf)", [])]
XAVIER = [*FANS, *real_number("gain", "(0, inf)", [0, 0.0, -1])]
WIDTHS = [
    *[("widths", bad, T, "must be a sequence of integers, got") for bad in
      (3, "345", None, np.array(3), {4, 5}, np.matrix)],
    *[("widths", bad, V, "must hold D_0 and at least one layer, got") for bad in ([], [3])],
    ("widths", [4, 0, 3], V, "must be at least 1, got 0"),
    ("widths", [4, 5.0, 3], T, "must be an integer, got float"),
    ("widths", [4, True, 3], T, "must be an integer, got bool"),
    ("widths", np.array([4.0, 5.0, 3.0]), T, "must be an integer, got numpy.float64"),
]  # fmt: skip
LAYERS = [
    *WIDTHS,
    *[("stds", bad, T, "must be a sequence of numbers, got") for bad in
      (0.5, "ab", None, np.array(0.5))],
    *[("stds", bad, V, "must have one number for each of the 2 layers, got") for bad in
      ([0.5], [0.5] * 3, np.ones(3))],
    ("stds", [0.5, -0.1], V, r"must lie in \[0, inf\), got -0.1"),
    ("stds", [np.nan, 0.5], V, r"must lie in \[0, inf\), got nan"),
    ("stds", [0.5, "a"], T, "must be a real number, got str"),
    *[("kept", bad, T, "must be a sequence of numbers, got") for bad in ("half", None, 1j)],
    *[("kept", bad, V, "must have one number for each of the 2 layers, got") for bad in
      ([0.5], [0.5] * 3)],
    *[("kept", bad, V, r"must lie in \[0, inf\), got") for bad in (-0.5, np.nan, [0.5, -0.5])],
    *[("kept", bad, T, "must be a real number, got") for bad in (True, [0.5, "a"], [0.5, None])],
]  # fmt: skip
ASYMMETRIC = [
    ("sigma", np.array([[2.0, 0.3], [0.3, 1.5], [0.1, 0.2]]), V, r"must be square, got shape \(3"),
    ("sigma", np.array([[2.0, 0.3], [0.4, 1.5]]), V, r"must be symmetric, got .* up to 0\.1"),
]
VARIANCE = [
    ("running_var", np.array([0.3, -1e-9, 2.0]), V, "must not be negative, got -1e-09"),
    ("running_mean", np.array([0.3, 1.2]), V, r"must have shape \(3\), got \(2,\)"),
]
LAM = real_number("lam", "(0, 9]", [0, -1, 9.5])
NORMED = [
    *EPS,
    ("gamma", np.array([0.3, 1.2]), V, r"must have shape \(3\), got \(2,\)"),
    ("beta", np.array([[0.3, 1.2, 0.7]]), V, r"must have shape \(3\), got \(1, 3\)"),
]
weights, biases = CALLS["mlp_forward"]["weights"], CALLS["mlp_forward"]["biases"]
NETWORK = [
    *choice("activation"),
    *choice("readout"),
    *[(name, bad, T, "must be a list of arrays, one a layer, got") for bad in
      (None, weights[0], iter(weights), {}) for name in ("weights", "biases")],
    ("weights", [], V, "and biases must have the same length of at least 1, got 0 and 2"),
    ("weights", weights[:1], V, "and biases must have the same length of at least 1, got 1 and 2"),
    ("weights", weights[::-1], V, r"\[0\] must have shape \(\*, 4\), got \(3, 5\)"),
    ("weights", [weights[0], weights[0]], V, r"\[1\] must have shape \(\*, 5\), got \(5, 4\)"),
    ("weights", [weights[0], weights[1].tolist()], T, r"\[1\] must be a numpy.ndarray .* got list"),
    ("weights", [weights[0].astype(np.float32), weights[1]], T, r"\[0\] must have dtype float64"),
    ("biases", biases[::-1], V, r"\[0\] must have shape \(5\), got \(3,\)"),
    ("biases", [biases[0], with_entry(biases[1], np.nan)], V, r"\[1\] must be finite, got nan"),
    ("biases", [biases[0], biases[1].astype(np.float32)], T, r"\[1\] must have dtype float64"),
]  # fmt: skip
targets = CALLS["softmax_cross_entropy_forward"]["targets"]
TABLE = {
    "affine_forward": [("W", np.full((3, 5), 0.7), V, r"must have shape \(\*, 4\), got \(3, 5\)")],
    "alive_probability": WIDTHS,
    "backward_second_moments": [
        *LAYERS,
        *real_number("output_second_moment", "[0, inf)", [-1]),
    ],
    "batchnorm_forward": NORMED,
    "batchnorm_inference": [*NORMED, *VARIANCE],
    "batchnorm_running_update": [*VARIANCE, *real_number("momentum", "[0, 1]", [-0.1, 1.1])],
    "dropout_forward": [
        *P,
        ("mask", np.full((7, 3), 0.5), V, "must hold only zeros and ones"),
        ("mask", np.full((7, 3), -1.0), V, "must hold only zeros and ones"),
    ],
    "dropout_mask": [
        *DRAW,
        *P,
        *whole_number("shape", 1),
        ("shape", (3, 0), V, "must be at least 1, got 0"),
        ("shape", (3, 2.0), T, "must be an integer, got float"),
    ],
    "dropout_moments": [
        *P,
        *real_number("mean", "(-inf, inf)", []),
        *real_number("variance", "[0, inf)", [-1e-9]),
    ],
    "forward_second_moments": [*LAYERS, *real_number("input_second_moment", "[0, inf)", [-1])],
    "inverse_root_forward": [
        *EPS,
        *ASYMMETRIC,
        ("sigma", np.diag([2.0, -0.5]), V, "must have no negative eigenvalue, got -0.5"),
        ("sigma", np.diag([-2.0, -0.5]), V, "must have no negative eigenvalue, got -2"),
    ],
    "kaiming_normal": [*DRAW, *KAIMING],
    "kaiming_std": KAIMING,
    "kaiming_uniform": [*DRAW, *KAIMING],
    "kept_units_mean": [*P, *whole_number("M", 0)],
    "kept_units_pmf": [*COUNTS, *P, *whole_number("M", 0)],
    "largest_difference": [],
    "mlp_forward": NETWORK,
    "newton_inverse_root_forward": [
        *EPS,
        *ASYMMETRIC,
        *whole_number("steps", 1),
        ("sigma", np.diag([-2.0, 0.5]), V, r"\+ eps \* I must have a positive trace, got -1.3"),
    ],
    "newton_whitening_forward": [*NORMED, *whole_number("steps", 1)],
    "numerical_gradient": [
        *[("f", bad, T, "must be callable, got") for bad in (None, 3.0, np.eye(2))],
        *real_number("step", "[2.22045e-16, inf)", [0, -1e-5, 2e-16]),
        ("x", np.float32([0.3]), T, "must have dtype float64 .*, got float32"),
    ],
    "pca_whitening_forward": NORMED,
    "poisson_limit_bound": [*LAM, *whole_number("M", 1)],
    "poisson_limit_distance": [*LAM, *whole_number("M", 1)],
    "poisson_pmf": [*COUNTS, *real_number("lam", "[0, inf)", [-1e-9])],
    "poisson_width_pmf": [*COUNTS, *P, *real_number("lam", "[0, inf)", [-1e-9])],
    "softmax_cross_entropy_forward": [
        ("targets", with_entry(targets, -1e-9), V, "must not be negative, got -1e-09"),
        ("targets", targets * 1.001, V, "must sum to 1 in each row, got a row that sums to 1.0"),
        ("targets", targets * 0.999, V, "must sum to 1 in each row, got a row that sums to 0.99"),
    ],
    "whitening_forward": NORMED,
    "xavier_normal": [*DRAW, *XAVIER],
    "xavier_std": XAVIER,
    "xavier_uniform": [*DRAW, *XAVIER],
}
REFUSALS = [(name, *row) for name, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize(("name", "parameter", "bad", "error", "message"), REFUSALS)
def test_a_bad_argument_is_refused_by_name(name, parameter, bad, error, message):
    check(name, parameter, bad, error, rf"^{parameter} ?{message}")


def test_every_parameter_of_every_public_function_has_a_refusal():
    covered = {(name, parameter) for name, parameter, *_ in REFUSALS}
    covered |= set(array_parameters()) | {(name, "cache") for name in CACHED}
    wanted = {
        (name, parameter)
        for name in h.__all__
        for parameter in inspect.signature(getattr(h, name)).parameters
    }
    assert wanted == covered


@pytest.mark.parametrize(
    ("forward", "what"),
    [
        (lambda Y, c: h.batchnorm_forward(Y, c, c, 0.0), r"v \+ eps must be positive"),
        (lambda Y, c: h.batchnorm_inference(Y, c, c, c, c * [1, 0], 0.0), r"running_var \+ eps"),
        (lambda Y, c: h.whitening_forward(Y, c, c, 0.0), "sigma must be positive definite"),
        (lambda Y, c: h.pca_whitening_forward(Y, c, c, 0.0), "sigma must be positive definite"),
    ],
)
def test_a_constant_feature_without_eps_is_refused(forward, what):
    Y = np.array([[0.3, 0.1], [1.7, 0.1], [-2.2, 0.1]])
    with pytest.raises(ValueError, match=what):
        forward(Y, np.array([0.7, 1.3]))


def test_the_refused_feature_is_named():
    Y = np.array([[0.3, 0.1, 2.0], [1.7, 0.1, 3.0], [-2.2, 0.1, 5.0]])
    with pytest.raises(ValueError, match="got 0 for feature 1: a constant feature needs eps > 0"):
        h.batchnorm_forward(Y, Y[0], Y[1], 0.0)


# What is accepted, though one might think otherwise.


def test_numpy_numbers_are_numbers():
    assert h.kept_units_mean(np.int32(8), np.float32(0.25)) == 6
    assert h.dropout_mask(np.random.default_rng(0), np.int64(3), 0, "float32").shape == (3,)


def test_limits_that_belong_to_the_interval_are_accepted():
    cache = CALLS["batchnorm_running_update"]["cache"]
    mean, variance = np.array([0.3, 0.2, 0.7]), np.array([0.0, 0.5, 2.0])
    kept, _ = h.batchnorm_running_update(mean, variance, cache, momentum=0)
    replaced, _ = h.batchnorm_running_update(mean, variance, cache, momentum=1)
    np.testing.assert_array_equal(kept, mean)
    np.testing.assert_array_equal(replaced, cache.m)


def test_targets_may_miss_one_by_the_rounding_of_float32():
    Z = np.array([[0.3, 1.2, -0.7]])
    targets = np.array([[0.2, 0.5, 0.3 + 5e-6]])
    assert h.softmax_cross_entropy_forward(Z, targets)[0].shape == (1,)
