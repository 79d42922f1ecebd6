"""The table of bad arguments and what each is told, and arbitrary objects as arguments.

An error is a TypeError or a ValueError whose message begins with the argument's name, then says
what it must be and what came.
"""

import inspect
import os
import random
import re
from decimal import Decimal
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

import hw1lib as h
from calls import CALLS, NAMES, array_parameters, arrays, good, run


def check(name, parameter, value, error, message):
    arguments = {**CALLS[name], parameter: value}
    with pytest.raises(error, match=message) as raised:
        run(name, arguments)
    # Whatever else it says: the name, what was expected, what came.
    assert re.match(rf"{parameter}\b.* must .*\bgot ", str(raised.value))


def with_entry(a, value, dtype=None):
    a = a.astype(dtype or a.dtype)
    a.flat[-1] = value
    return a


class Subclass(np.ndarray):
    """What a unit or a label package makes of an array."""


TENSOR = torch.ones(7, 3)
# Where it is defined depends on NumPy's version.
MASKED = f"{np.ma.MaskedArray.__module__}.MaskedArray"
NOT_FLOAT_ARRAYS = {
    "a list": (np.ndarray.tolist, "list"),
    "a tuple": (lambda a: tuple(a.tolist()), "tuple"),
    "a NumPy number": (lambda a: np.float64(1.5), "numpy.float64"),
    "a subclass": (lambda a: a.view(Subclass), "test_hostile_input.Subclass"),
    "a structured array": (lambda a: a.view([("value", float)]), "[('value', '<f8')]"),
    "dates": (lambda a: a.astype("datetime64[s]"), "datetime64[s]"),
    "a number": (lambda a: 1.5, "float"),
    "None": (lambda a: None, "NoneType"),
    "a tensor": (lambda a: TENSOR, "torch.Tensor"),
    "a matrix": (lambda a: a.view(np.matrix), "numpy.matrix"),
    "a masked array": (np.ma.masked_array, MASKED),
    "objects": (lambda a: a.astype(object), "object"),
    "complex": (lambda a: a.astype(complex), "complex128"),
    "float16": (lambda a: a.astype(np.float16), "float16"),
    "long double": (lambda a: a.astype(np.longdouble), str(np.dtype(np.longdouble))),
    "the other byte order": (lambda a: a.astype(">f8"), ">f8"),
    "integers": (lambda a: a.astype(int), "int64"),
    "booleans": (lambda a: a > 0, "bool"),
    "strings": (lambda a: a.astype(str), "<U"),
}


# One test for all kinds: a thousand tests of a millisecond each would cost more than they do.
@pytest.mark.parametrize(("name", "parameter"), array_parameters())
def test_what_is_no_float_array_is_refused(name, parameter):
    wanted = rf"^{parameter} must (be a numpy.ndarray of|have dtype) float.*got "
    for convert, came in NOT_FLOAT_ARRAYS.values():
        value = convert(CALLS[name][parameter])
        check(name, parameter, value, TypeError, wanted + re.escape(came))


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


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("relu_forward", "Z"), ("tanh_forward", "Z"), ("relu_backward", "dH"),
        ("tanh_backward", "dH"), ("dropout_forward", "h"), ("dropout_forward", "mask"),
        ("dropout_backward", "dh_tilde"),
    ],
)  # fmt: skip
def test_an_array_without_axes_is_refused(name, parameter):
    # NumPy's functions would make a plain number of it.
    message = rf"^{parameter} must have (at least one axis|shape \(.*\)), got (shape )?\(\)"
    check(name, parameter, np.array(1.5), ValueError, message)


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
NOT_REAL = [
    "0.3", True, np.bool_(True), None, 1j, np.array(0.3), [0.3], torch.tensor(0.3), Decimal("0.3"),
]  # fmt: skip
HUGE = 10**5000  # more digits than Python prints


def real_number(parameter, interval, outside):
    not_real = [(parameter, bad, T, "must be a real number, got") for bad in NOT_REAL]
    outside = [*outside, np.nan, np.inf, -np.inf]
    lies = rf"must lie in {re.escape(interval)}, got"
    return [
        *not_real,
        *[(parameter, bad, V, f"{lies} {re.escape(repr(bad))}") for bad in outside],
        (parameter, HUGE, V, "must fit into a float, got a larger int"),
        (parameter, Fraction(HUGE, 3), V, "must fit into a float, got a larger fractions.Fraction"),
    ]


def whole_number(parameter, low, high=2**53):
    bad_types = [2.0, "3", True, np.bool_(True), None, [3], np.array([3]), 3j, Fraction(3)]
    return [
        *[(parameter, value, T, "must be an integer, got") for value in bad_types],
        (parameter, low - 1, V, f"must be at least {low}, got {low - 1}"),
        (parameter, high + 1, V, f"must be at most {high}, got {high + 1}"),
        (parameter, HUGE, V, f"must be at most {high}, got one of 16610 bits"),
        (parameter, -HUGE, V, f"must be at least {low}, got one of 16610 bits"),
    ]


def choice(parameter):
    return [
        *[
            (parameter, bad, V, f"must be one of '.*', '.*', got '{bad}'")
            for bad in ("gelu", "", "RELU", "fan-in", " relu", "Linear")
        ],
        (parameter, None, T, "must be a string, got NoneType"),
        (parameter, 1, T, "must be a string, got int"),
    ]


EPS = real_number("eps", "[0, inf)", [-1e-9])
P = real_number("p", "[0, 1)", [-0.1, 1, 1.0, 1.5])
DRAW = [
    *[("rng", bad, T, "must be a numpy.random.Generator, got") for bad in
      (0, None, np.random.SeedSequence(0), np.random.PCG64(0), np.random.RandomState(0), np.random,
       torch.Generator(), random.Random(0))],
    *[("dtype", bad, T, "must be float32 or float64, got") for bad in
      (int, "float16", "nope", complex, np.longdouble, 3, None, ">f8", np.dtype(">f4"), "f8,f8", {},
       torch.float32)],
    ("shape", (2**16, 2**16), V, f"must have at most {2**31} entries in all, got {2**32}"),
    ("shape", (2**53, 2**53), V, f"must have at most {2**31} entries in all, got {2**106}"),
]  # fmt: skip
FANS = [
    ("shape", 3, T, r"must be a pair \(out, in\), got int"),
    ("shape", "34", T, r"must be a pair \(out, in\), got str"),
    ("shape", (3,), V, r"must be a pair \(out, in\), got 1 lengths"),
    ("shape", (3, 4, 5), V, r"must be a pair \(out, in\), got 3 lengths"),
    ("shape", (0, 3), V, "must be at least 1, got 0"),
    ("shape", (3, -1), V, "must be at least 1, got -1"),
    ("shape", (3.0, 4), T, "must be an integer, got float"),
    ("shape", (True, 4), T, "must be an integer, got bool"),
    ("shape", (3, HUGE), V, f"must be at most {2**53}, got one of 16610 bits"),
    ("shape", np.array([3, 4]), T, r"must be a pair \(out, in\), got ndarray"),
    ("shape", None, T, r"must be a pair \(out, in\), got NoneType"),
    ("shape", iter((3, 4)), T, r"must be a pair \(out, in\), got tuple_iterator"),
]
COUNTS = [
    ("k", bad, T, "must be an integer or an array of integers, got")
    for bad in (1.0, "1", True, None, [1], np.array([1.0]), np.array([True]), np.float64(1),
                np.arange(3).view(np.matrix), np.ma.masked_array([1, 2]), torch.tensor([1]), (1, 2),
                np.array([1, 2], dtype=object), np.array([1j]), np.arange(3).view(Subclass),
                Fraction(3), {3}, np.array(["1"]))
]  # fmt: skip
COUNTS += [
    ("k", 2**63, V, r"must be below 2\*\*63, got a larger integer"),
    ("k", HUGE, V, r"must be below 2\*\*63, got a larger integer"),
    ("k", np.array([3, 2**63], dtype=np.uint64), V, r"must be below 2\*\*63, got a larger"),
    ("k", -(2**63) - 1, V, r"must be at least -2\*\*63, got a smaller integer"),
    ("k", range(2**31 + 1), V, rf"must have at most {2**31} counts, got a longer range"),
    ("k", range(HUGE), V, rf"must have at most {2**31} counts, got a longer range"),
]
KAIMING = [*FANS, *choice("mode"), *real_number("negative_slope", "(-inf, inf)", [])]
XAVIER = [*FANS, *real_number("gain", "(0, inf)", [0, 0.0, -1])]
WIDTHS = [
    *[("widths", bad, T, "must be a sequence of integers, got") for bad in
      (3, "345", None, np.array(3), {4, 5}, np.matrix, (n for n in (4, 5)), {4: 5},
       torch.tensor([4, 5]))],
    *[("widths", bad, V, "must hold D_0 and at least one layer, got") for bad in ([], [3])],
    ("widths", [4, 0, 3], V, "must be at least 1, got 0"),
    ("widths", [4, -5, 3], V, "must be at least 1, got -5"),
    ("widths", [4, HUGE, 3], V, f"must be at most {2**53}, got one of 16610 bits"),
    ("widths", np.zeros((3, 2), dtype=int), T, "must be an integer, got numpy.ndarray"),
    ("widths", range(1, HUGE), V, "must hold at most 10000 numbers, got more"),
    ("widths", [4, 5.0, 3], T, "must be an integer, got float"),
    ("widths", [4, True, 3], T, "must be an integer, got bool"),
    ("widths", np.array([4.0, 5.0, 3.0]), T, "must be an integer, got numpy.float64"),
]  # fmt: skip
LAYERS = [
    *WIDTHS,
    *[("stds", bad, T, "must be a sequence of numbers, got") for bad in
      (0.5, "ab", None, np.array(0.5), (s for s in (0.4, 0.3)), torch.tensor([0.4, 0.3]))],
    ("stds", [0.4, np.inf], V, r"must lie in \[0, inf\), got inf"),
    ("stds", [0.4, HUGE], V, "must fit into a float, got a larger int"),
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
    ("Y", np.full((7, 3, 2), 0.7), V, r"must have shape \(\*, \*\), got \(7, 3, 2\)"),
    ("gamma", np.array([0.3, 1.2]), V, r"must have shape \(3\), got \(2,\)"),
    ("beta", np.array([[0.3, 1.2, 0.7]]), V, r"must have shape \(3\), got \(1, 3\)"),
]
BATCH = [
    ("Y", np.full((1, 3), 0.7), V, r"must have at least 2 rows \(samples\), got shape \(1, 3\)"),
    ("Y", np.full((7, 0), 0.7), V, r"must not be empty, got shape \(7, 0\)"),
    ("Y", np.full(7, 0.7), V, r"must have shape \(\*, \*\), got \(7,\)"),
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
    "batchnorm_forward": [*NORMED, *BATCH],
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
        ("shape", (3, 0), V, "must be at least 1, got 0"),
        ("shape", (3, 2.0), T, "must be an integer, got float"),
        *[
            ("shape", bad, T, "must be an integer, got")
            for bad in (2.0, "3", True, None, [3, 4], np.array([3, 4]), ((3, 4), 5))
        ],
        ("shape", -3, V, "must be at least 1, got -3"),
        ("shape", (), V, "must have 1 to 32 lengths, got 0"),
        ("shape", (1,) * 33, V, "must have 1 to 32 lengths, got 33"),
        ("shape", HUGE, V, f"must be at most {2**53}, got one of 16610 bits"),
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
        *whole_number("steps", 1, 1000),
        (
            "sigma",
            np.diag([-2.0, 0.5]),
            V,
            r"\+ eps \* I must have a positive finite trace, got -1.3",
        ),
        (
            "sigma",
            np.diag([1.7e308] * 2),
            V,
            r"\+ eps \* I must have a positive finite trace, got inf",
        ),
    ],
    "newton_whitening_forward": [*NORMED, *BATCH, *whole_number("steps", 1, 1000)],
    "numerical_gradient": [
        *[("f", bad, T, "must be callable, got") for bad in (None, 3.0, np.eye(2))],
        *real_number("step", "[2.22045e-16, 1]", [0, -1e-5, 2e-16, 1.1]),
        ("x", np.array([1e308]), V, r"must leave room for the step, got an entry of 1e\+308"),
        ("x", np.float32([0.3]), T, "must have dtype float64 .*, got float32"),
    ],
    "pca_whitening_forward": [*NORMED, *BATCH],
    "poisson_limit_bound": [*LAM, *whole_number("M", 1)],
    "poisson_limit_distance": [*LAM, *whole_number("M", 1, 10**9)],
    "poisson_pmf": [*COUNTS, *real_number("lam", "[0, inf)", [-1e-9])],
    "poisson_width_pmf": [*COUNTS, *P, *real_number("lam", "[0, inf)", [-1e-9])],
    "softmax_cross_entropy_forward": [
        ("targets", with_entry(targets, -1e-9), V, "must not be negative, got -1e-09"),
        ("targets", targets * 1.001, V, "must sum to 1 in each row, got a row that sums to 1.0"),
        ("targets", targets * 0.999, V, "must sum to 1 in each row, got a row that sums to 0.99"),
    ],
    "whitening_forward": [*NORMED, *BATCH],
    "xavier_normal": [*DRAW, *XAVIER],
    "xavier_std": XAVIER,
    "xavier_uniform": [*DRAW, *XAVIER],
}
REFUSALS = [(name, *row) for name, rows in TABLE.items() for row in rows]


# Without names of its own: pytest would print the bad values, and one has too many digits.
@pytest.mark.parametrize(
    ("name", "parameter", "bad", "error", "message"), REFUSALS, ids=range(len(REFUSALS))
)
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


def test_the_table_has_a_hundred_and_fifty_rows_for_all_functions():
    rows = REFUSALS + [(name, parameter) for name, parameter in array_parameters()]
    rows += [(name, "cache") for name in CACHED]
    assert len(REFUSALS) >= 150
    assert {name for name, *_ in rows} == set(h.__all__) - {"rectified_normal_moments"}
    with pytest.raises(TypeError, match="takes 0 positional arguments but 1 was given"):
        h.rectified_normal_moments(0.5)


# Finite arguments whose result is not: the arguments are named, and how large they were.

OVERFLOWS = [
    ("affine_forward", {"X": 1e200, "W": 1e200}),
    ("affine_backward", {"dY": 8e307}),
    ("backward_second_moments", {"stds": 1e160}),
    ("backward_second_moments", {"stds": 1e150, "output_second_moment": 1e10}),
    ("batchnorm_backward", {"dY_hat": 8e307}),
    ("batchnorm_forward", {"Y": 1e155}),
    ("batchnorm_forward", {"Y": 8e307}),
    ("batchnorm_forward", {"gamma": 8e307, "beta": 8e307}),
    ("batchnorm_inference", {"Y": 1e300, "gamma": 1e300}),
    ("batchnorm_statistics_backward", {"dY_hat": 8e307}),
    ("dropout_forward", {"h": 8e307, "p": 3}),
    ("dropout_moments", {"mean": 1e200}),
    ("forward_second_moments", {"stds": 1e160}),
    ("inverse_root_backward", {"droot": 8e307}),
    ("mlp_forward", {"X": 1e200, "weights": 1e200}),
    ("mlp_backward", {"dlogits": 8e307}),
    ("newton_inverse_root_backward", {"droot": 8e307}),
    ("newton_whitening_forward", {"Y": 1e155}),
    ("pca_whitening_forward", {"Y": 1e155}),
    ("whitening_forward", {"Y": 1e155}),
    ("whitening_backward", {"dY_hat": 8e307}),
    ("whitening_inference", {"Y": 1e200, "running_root": 1e200}),
    ("xavier_uniform", {"gain": 1e308}),
]


def magnified(name, factors):
    def times(value, factor):
        if isinstance(value, list):
            return [times(v, factor) for v in value]
        return value * factor

    arguments = {k: times(v, factors[k]) if k in factors else v for k, v in good(name).items()}
    return {**arguments, "activation": "relu"} if name == "mlp_forward" else arguments


@pytest.mark.parametrize(("name", "factors"), OVERFLOWS)
def test_an_overflow_is_an_error_with_the_names_and_sizes_of_the_arguments(name, factors):
    arguments = magnified(name, factors)
    parameters = ", ".join(inspect.signature(getattr(h, name)).parameters)
    message = (
        rf"^{parameters} must have magnitudes that give a finite result, "
        rf"got an overflow in {name} with .*{next(iter(factors))} up to "
    )
    with pytest.raises(ValueError, match=message):
        run(name, arguments)


def test_logits_further_apart_than_the_largest_float_have_no_loss():
    Z, targets = np.array([[1.7e308, -1.7e308]]), np.array([[0.25, 0.75]])
    with pytest.raises(ValueError, match=r"^Z, targets must have magnitudes that"):
        h.softmax_cross_entropy_forward(Z, targets)
    np.testing.assert_array_equal(h.softmax(Z), [[1, 0]])
    np.testing.assert_array_equal(h.logsumexp(Z), [1.7e308])


def test_weights_too_large_for_float32_are_refused():
    rng = np.random.default_rng(0)
    assert np.isfinite(h.xavier_normal(rng, (3, 4), gain=1e200)).all()
    with pytest.raises(ValueError, match=r"got an overflow in xavier_normal with .*gain"):
        h.xavier_normal(rng, (3, 4), gain=1e200, dtype=np.float32)


@pytest.mark.parametrize("size", [0, 1e-155, 1e-160, 1e-200, 5e-324])
@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (h.batchnorm_forward, r"v \+ eps must be positive, got .* a variance below 2.23e-308 has"),
        (h.whitening_forward, "sigma .*must .*, got the eigenvalue"),
        (h.pca_whitening_forward, "sigma .*must .*, got the eigenvalue"),
        (h.newton_whitening_forward, r"sigma \+ eps \* I must have a positive finite trace, got"),
    ],
)
def test_a_spread_whose_square_is_not_representable_needs_eps(forward, message, size):
    Y, gamma = CALLS["batchnorm_forward"]["Y"] * size, np.array([0.7, 1.3, -0.4])
    with pytest.raises(ValueError, match=message):
        forward(Y, gamma, gamma, 0.0)
    result = forward(Y, gamma, gamma, 1e-5)
    output = result[0] if isinstance(result, tuple) else result
    np.testing.assert_allclose(output, np.broadcast_to(gamma, (7, 3)), rtol=1e-12)


# Arbitrary objects as arguments. FUZZ_EXAMPLES=100000 runs longer; its seed is random then.

DIVERGES = {"over": "raise", "invalid": "raise"}
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
magnitudes = st.floats(width=32) | st.floats() | st.sampled_from([0.0, 1.0, -1.0, 1e154, 1e-154])
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
    | st.text(max_size=3) | st.binary(max_size=3) | st.fractions() | st.decimals()
    | st.sampled_from([10**400, -(10**400), 2**53, 10**9, "fan_in", "relu", "linear", "float32"])
)  # fmt: skip
odd_objects = st.sampled_from([
    object(), object, int, np, len, iter(()), range(3), range(10**30), slice(2), ..., {}, set(),
    TENSOR, np.random.default_rng(0), np.float32(0.3), np.datetime64("NaT", "s"),
    np.ma.ones((7, 3)), np.ones((7, 3)).view(np.matrix), np.broadcast_to(0.5, (7, 3)),
    *[arguments["cache"] for arguments in CALLS.values() if "cache" in arguments],
])  # fmt: skip
any_array = hnp.arrays(hnp.scalar_dtypes(), shapes) | hnp.arrays(object, shapes, elements=scalars)
anything = st.recursive(
    scalars | odd_objects | any_array,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=4,
)


def like(value):
    """Strategy for the same kind of value, of any magnitude: what comes closest to working."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        elements = magnitudes | st.floats(-2, 2)
        return hnp.arrays(value.dtype, st.just(value.shape) | shapes, elements=elements)
    if isinstance(value, np.ndarray):
        return hnp.arrays(np.int64, shapes)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return st.tuples(*map(like, value)).map(type(value))
    if isinstance(value, (bool, str)) or value is None:
        return anything
    if isinstance(value, int):
        return st.integers(-2, 2**31)
    return magnitudes if isinstance(value, float) else anything


@st.composite
def bad_calls(draw, name):
    """Draw a call with some of its arguments replaced."""
    arguments = good(name)
    chosen = draw(st.lists(st.sampled_from(list(arguments)), min_size=1, unique=True))
    return arguments | {k: draw(like(arguments[k]) | anything) for k in chosen}


@pytest.mark.parametrize("name", [name for name in NAMES if CALLS[name]])
def test_any_objects_as_arguments_give_a_finite_result_or_a_documented_error(name, monkeypatch):
    monkeypatch.setattr(h._arguments, "LARGEST_COUNT", 10_000)  # allocate no 16 GB
    parameters = "|".join(inspect.signature(getattr(h, name)).parameters)

    @settings(derandomize=not EXAMPLES, max_examples=EXAMPLES or 15, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(bad_calls(name))
    def throw(arguments):
        message, result = "", ()
        try:
            # Newton's iteration alone may overflow, with the warning of NumPy: it can diverge.
            with np.errstate(**DIVERGES if name == "newton_inverse_root_forward" else {}):
                result = run(name, arguments)
        except (TypeError, ValueError) as error:
            message = str(error)
        except FloatingPointError:
            assert name == "newton_inverse_root_forward"
        assert all(np.isfinite(a).all() for a in arrays(result))
        # Besides: the value and the slope of f, and sigma, which whitening makes of Y.
        assert re.match(rf"({parameters}|the \w+ of f|v \+ eps|sigma)\b|$", message)

    throw()
