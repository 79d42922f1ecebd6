"""The contract of hw1lib, kind by kind: what each accepts, and what a refused value is told."""

import fractions
import functools
import math
import re
import traceback

import numpy as np
import pytest
import torch

import hw1lib as h
from hw1lib import _contract as a

ONES = np.ones((2, 3))
T, V = TypeError, ValueError


class Subclass(np.ndarray):
    """What a unit or a label package makes of an array."""


MASKED = np.ma.masked_array(ONES)
LIST = "x must be a numpy.ndarray of float32 or float64, got {}; "
LIST += "convert it first, for instance with numpy.asarray(x, dtype=float)"
DTYPE = "x must have dtype float32 or float64, got {}; "
DTYPE += "convert it first, for instance with x.astype(float)"
NOT_ARRAYS = [
    ([1.0], "list"), ((1.0,), "tuple"), (1.5, "float"), (None, "NoneType"),
    (np.float64(1), "numpy.float64"), (torch.ones(2), "torch.Tensor"),
    (ONES.view(np.matrix), "numpy.matrix"), (MASKED, f"{type(MASKED).__module__}.MaskedArray"),
    (ONES.view(Subclass), "test_messages.Subclass"),
]  # fmt: skip
NOT_FLOATS = ["int64", "bool", "object", "complex128", "float16", "datetime64[s]", ">f8"]

K = functools.partial


def made(kind):
    """Make a kind when its test runs, so that a mutant of what makes it is noticed."""
    return kind() if isinstance(kind, K) else kind


INTERVALS = {  # with values outside
    "any_real": ("(-inf, inf)", math.nan, math.inf, -math.inf),
    "nonnegative": ("[0, inf)", -1, math.inf), "positive": ("(0, inf)", 0),
    "share": ("[0, 1]", 1.5, -0.5), "drop_probability": ("[0, 1)", 1, -0.1),
}  # fmt: skip
# Kind, value, error, message.
REFUSALS = [
    *[(K(a.array, "B M"), value, T, LIST.format(kind)) for value, kind in NOT_ARRAYS],
    *[(K(a.array, "B M"), ONES.astype(int).astype(d), T, DTYPE.format(d)) for d in NOT_FLOATS],
    (K(a.array, "M"), ONES, V, "x must have shape (*), got (2, 3)"),
    (K(a.array, "B M D"), ONES, V, "x must have shape (*, *, *), got (2, 3)"),
    (K(a.array, "..."), np.array(1.0), V, "x must have at least one axis, got shape ()"),
    (K(a.array, "B M"), np.ones((2, 0)), V, "x must not be empty, got shape (2, 0)"),
    (K(a.array, "B M"), np.array([[1, 2], [3, np.inf]]), V,
     "x must be finite, got inf at index [1, 1]"),
    (K(a.array, "any"), np.array(np.nan), V, "x must be finite, got nan at index []"),
    (K(a.array, "B>1 M"), ONES[:1], V, "x must have at least 2 rows (samples), got shape (1, 3): "
     "the statistics of a batch of one say nothing about its spread"),
    (a.symmetric, ONES, V, "x must be square, got shape (2, 3)"),
    (a.symmetric, np.array([[2.0, 0.5], [0.25, 1.0]]), V,
     "x must be symmetric, got x - x.T up to 0.25"),
    (a.symmetric, np.array([[1.0, 1.7e308], [-1.7e308, 1.0]]), V,
     "x must be symmetric, got x - x.T up to inf"),
    (a.variance, np.array([1.0, -2.0, -1.0]), V, "x must not be negative, got -2.0"),
    (a.variance, ONES, V, "x must have shape (*), got (2, 3)"),
    (K(a.cached, h.mlp.AffineCache), 3, T,
     "x must be the AffineCache of the forward pass, got int"),
    (K(a.cached, h.mlp.AffineCache), (ONES, ONES), T,
     "x must be the AffineCache of the forward pass, got tuple"),
    (K(a.cached, h.mlp.AffineCache, X="B N", W="M N"), h.mlp.AffineCache(ONES, ONES[:, :2]), V,
     "x.W must have shape (*, 3), got (2, 2)"),
    *[(K(a.real, "(-inf, inf)"), value, T, f"x must be a real number, got {kind}")
      for value, kind in
      [(True, "bool"), (np.bool_(1), f"numpy.{np.bool_.__name__}"), ("1", "str"), (1j, "complex"),
       (np.array(0.3), "numpy.ndarray"), ([0.3], "list"), (None, "NoneType"),
       (torch.tensor(1.0), "torch.Tensor")]],
    (K(a.real, "(-inf, inf)"), 10**400, V, "x must fit into a float, got a larger int"),
    (K(a.real, "(-inf, inf)"), fractions.Fraction(10**400, 3), V,
     "x must fit into a float, got a larger fractions.Fraction"),
    *[(K(a.real, interval), value, V, f"x must lie in {interval}, got {value}")
      for interval, *values in INTERVALS.values() for value in values],
    (a.share, fractions.Fraction(3, 2), V, "x must lie in [0, 1], got 1.5"),
    *[(K(a.whole, 1), value, T, f"x must be an integer, got {kind}") for value, kind in
      [(True, "bool"), (np.bool_(1), f"numpy.{np.bool_.__name__}"), (1.0, "float"), ("3", "str"),
       (np.array([3]), "numpy.ndarray"), (None, "NoneType")]],
    (K(a.whole, 1), 0, V, "x must be at least 1, got 0"),
    (K(a.whole, 1, high=7), 8, V, "x must be at most 7, got 8"),
    (K(a.whole, 0), -1, V, "x must be at least 0, got -1"),
    (K(a.whole, 1), 2**53 + 1, V, f"x must be at most {2**53}, got {2**53 + 1}"),
    (K(a.whole, 1), 2**98, V, f"x must be at most {2**53}, got {2**98}"),
    (K(a.whole, 1), 2**99, V, f"x must be at most {2**53}, got one of 100 bits"),
    *[(a.lengths, value, T, f"x must be an integer or a tuple of integers, got {kind}")
      for value, kind in [([3, 4], "list"), (2.0, "float"), (np.array(3), "numpy.ndarray")]],
    (a.lengths, (), V, "x must have 1 to 32 lengths, got 0"),
    (a.lengths, (1,) * 33, V, "x must have 1 to 32 lengths, got 33"),
    (a.lengths, (3, 2.0), T, "x[1] must be an integer, got float"),
    (a.lengths, (0, 3), V, "x[0] must be at least 1, got 0"),
    (a.lengths, True, T, "x must be an integer, got bool"),
    (a.lengths, 2**32, V, f"x must have at most {2**31} entries in all, got {2**32}"),
    (a.lengths, (2**20, 2**11, 2), V, f"x must have at most {2**31} entries in all, got {2**32}"),
    (a.fans, 3, T, "x must be a pair (out, in), got int"),
    (a.fans, (3, 2, 1), V, "x must be a pair (out, in), got 3 lengths"),
    (a.fans, [3, 0], V, "x[1] must be at least 1, got 0"),
    *[(a.counts, value, T, f"x must be an integer or an array of integers, got {kind}")
      for value, kind in [(1.0, "float"), (True, "bool"), ([1], "list"),
                          (np.array([1.0]), "numpy.ndarray"), (np.array([True]), "numpy.ndarray"),
                          (torch.tensor([1]), "torch.Tensor")]],
    (a.counts, range(2**31 + 1), V, f"x must have at most {2**31} counts, got a longer range"),
    (a.counts, 2**63, V, "x must be below 2**63, got a larger integer"),
    (a.counts, np.array([3, 2**63], np.uint64), V, "x must be below 2**63, got a larger integer"),
    (a.counts, -(2**63) - 1, V, "x must be at least -2**63, got a smaller integer"),
    *[(a.generator, value, T, f"x must be a numpy.random.Generator, got {kind}; "
       "make one with numpy.random.default_rng(seed)")
      for value, kind in [(3, "int"), (torch.Generator(), "torch._C.Generator")]],
    *[(a.float_type, value, T, f"x must be float32 or float64, got {kind}") for value, kind in
      [(None, "NoneType"), (int, "int"), (3.5, "float"), ("half", "half"), (">f8", ">f8"),
       (np.dtype(">f4"), ">f4"), ({}, "dict")]],
    (K(a.one_of, "a", "b"), 1, T, "x must be a string, got int"),
    (K(a.one_of, "a", "b"), "c", V, "x must be one of 'a', 'b', got 'c'"),
    (a.function, 3, T, "x must be callable, got int"),
    (K(getattr, h.whitening, "_steps"), 0, V, "x must be at least 1, got 0"),
    (K(getattr, h.whitening, "_steps"), 1001, V, "x must be at most 1000, got 1001"),
    (K(getattr, h.initialization, "_mode"), "c", V,
     "x must be one of 'fan_in', 'fan_out', got 'c'"),
    *[(K(h.mlp._one_a_layer, "D{1} D{0}"), value, error, message) for value, error, message in
      [(ONES, T, "x must be a list of arrays, one a layer, got numpy.ndarray"),
       ([], V, "x must have 1 arrays, one a layer, got 0"),
       ([ONES, ONES], V, "x[1] must have shape (*, 2), got (2, 3)")]],
]  # fmt: skip


# Numbers in place of names: pytest would print the values.
@pytest.mark.parametrize(("kind", "value", "error", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_kind_refuses_a_value_with_this_message(kind, value, error, message):
    kind = made(kind)
    with pytest.raises(error) as raised, np.errstate(all="ignore"):
        kind("x", value, {})
    assert str(raised.value) == message


RNG, CACHE = np.random.default_rng(0), h.relu_forward(ONES)[1]
ACCEPTED = [
    (K(getattr, h.whitening, "_steps"), 1), (K(getattr, h.whitening, "_steps"), 1000),
    (K(a.array, "B M"), ONES), (K(a.array, "any"), np.array(2.0)), (K(a.array, "..."), ONES[0]),
    (K(a.shown, "M"), np.array([np.nan])), (K(a.array, "B>1 M"), ONES), (a.symmetric, np.eye(3)),
    (K(a.array, "M"), np.full(3, 1e200)), (a.variance, np.zeros(2)), (a.generator, RNG),
    (K(a.cached, h.mlp.ReLUCache, derivative="..."), CACHE), (K(a.one_of, "a", "b"), "b"),
    (K(a.real, "[0, 1]"), 0), (K(a.real, "[0, 1]"), 1), (K(a.real, "(-inf, inf)"), -1e308),
    (K(a.real, "[0, inf)"), 0.0), (K(a.real, "(0, inf)"), 5e-324), (K(a.real, "[0, 1)"), 0),
    (K(a.whole, 1), 1), (K(a.whole, 1), 2**53), (K(a.whole, 0), 0), (K(a.whole, 1, high=7), 7),
    (K(a.whole, 1), np.int32(3)),
    (a.lengths, (1,) * 32), (a.lengths, (2**16, 2**15)), (a.function, len),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_a_kind_returns_a_value_that_it_accepts(kind, value):
    kind = made(kind)
    returned = kind("x", value, {})
    assert returned is value or returned == value
    assert isinstance(returned, type(value)) or type(returned) in (int, float)


@pytest.mark.parametrize("value", [1, np.float32(1), fractions.Fraction(1)])
def test_a_real_number_of_any_type_becomes_a_float(value):
    assert type(a.real("(-inf, inf)")("x", value, {})) is float


def test_the_letters_of_a_shape_stand_for_its_lengths():
    known = {}
    a.array("B>1 M")("x", ONES, known)
    assert known == {"B": 2, "M": 3, "dtype": np.float64}


@pytest.mark.parametrize("name", INTERVALS)
def test_a_named_interval_is_this(name):
    message = f"x must lie in {INTERVALS[name][0]}, got nan"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        getattr(a, name)("x", math.nan, {})


def test_the_lists_of_a_network_have_one_length():
    known = {}
    assert h.mlp._one_a_layer("D{1} D{0}")("x", (ONES, ONES[:, :2]), known)[0] is ONES
    assert known == {"layers": 2, "D0": 3, "D1": 2, "D2": 2, "dtype": np.float64}
    with pytest.raises(ValueError, match=r"^y must have 2 arrays, one a layer, got 1$"):
        h.mlp._one_a_layer("D{1}")("y", [ONES[:, 0]], known)


def test_a_length_or_a_list_becomes_a_shape():
    assert (a.lengths("x", np.int64(3), {}), a.fans("x", [3, 4], {})) == ((3,), (3, 4))


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, np.uint64(2**63 - 1), range(3),
                                   np.arange(3, dtype=np.uint8)])  # fmt: skip
def test_counts_up_to_the_limits_become_int64(value):
    counts = a.counts("x", value, {})
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, np.asarray(value).astype(np.int64))


@pytest.mark.parametrize("value", ["float64", "float", float, np.float64, np.dtype(float)])
def test_a_float_dtype_has_several_names(value):
    assert a.float_type("x", value, {}) == np.float64
    assert a.float_type("x", np.float32, {}) == np.dtype("float32")


LONG = np.finfo(np.longdouble).max


@pytest.mark.skipif(np.finfo(float).max == LONG, reason="no long double is longer here")
def test_a_long_double_beyond_the_floats_is_refused_without_a_warning():
    with pytest.raises(ValueError, match=r"^p must lie in \[0, 1\), got inf$"):
        a.real("[0, 1)")("p", LONG, {})


# The arguments together.


@pytest.fixture
def example():
    @a.checked(X="B N", W=a.shown("M N"), p=a.share, k=a.whole(1), t=a.real("(0, k]"))
    def example(X, W, p=0.5, *, k=3, t=2):
        if p == 1:
            raise a.RefusalError("p is 1")
        return {"text": "no number"}, [np.float64(2.0), (X @ W.T,)], h.mlp.AffineCache(X, W), t

    return example


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((ONES, ONES[:, :2]), {}, V, "W must have shape (*, 3), got (2, 2)"),
        ((ONES, ONES.astype("f4")), {}, T,
         "W must have dtype float64 like the other arrays, got float32"),
        ((ONES, [1]), {"t": -1, "k": 2}, T,
         LIST.format("list").replace("x ", "W ", 1).replace("(x", "(W")),
        ((ONES, ONES, 2), {"t": -1, "k": 2}, V, "p must lie in [0, 1], got 2"),
        ((ONES, ONES), {"t": 3.5, "k": 3}, V, "t must lie in (0, 3], got 3.5"),
        ((ONES, ONES), {"t": 2.5, "k": 2}, V, "t must lie in (0, 2], got 2.5"),
        ((ONES, np.array([[1, 1, 1], [1, np.nan, 1]])), {}, V,
         "W must be finite, got nan at index [1, 1]"),
        ((ONES * 1e200, ONES * -1e250), {"k": 7}, V,
         "X, W, k must have magnitudes that give a finite result, got an overflow in example "
         "with X up to 1e+200, W up to 1e+250, k up to 7"),
        ((ONES, ONES, 1), {}, V, "p is 1"),
        ((ONES,), {}, T, "example() missing 1 required positional argument: 'W'"),
        ((ONES, ONES, 0, 3), {}, T,
         "example() takes from 2 to 3 positional arguments but 4 were given"),
        ((ONES, ONES), {"W": 1}, T, "example() got multiple values for argument 'W'"),
        ((ONES, ONES), {"q": 1}, T, "example() got an unexpected keyword argument 'q'"),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_refused_call_says_this_in_one_frame(example, args, kwargs, error, message):
    with pytest.raises(error) as raised:
        example(*args, **kwargs)
    assert str(raised.value).removeprefix("example.<locals>.") == message
    frames = traceback.extract_tb(raised.value.__traceback__)
    assert len(frames) == 2
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_good_call_returns_what_the_function_returns(example):
    text, (number, (product,)), cache, t = example(ONES, W=ONES, k=np.int8(4))
    assert (text, number, t) == ({"text": "no number"}, 2.0, 2.0)
    np.testing.assert_array_equal(product, ONES @ ONES.T)
    assert cache.X is ONES


def test_the_same_free_shape_is_asked_of_all_arguments():
    same = a.checked(x="...", y="...")(lambda x, y: x)
    assert same(ONES, ONES) is ONES
    with pytest.raises(ValueError, match=r"^y must have shape \(2, 3\), got \(3,\)$"):
        same(ONES, ONES[0])


def test_an_overflow_inside_of_a_checked_function_is_told_of_the_outer_one():
    outer = a.checked(x=a.any_real)(lambda x: h.dropout_moments(x, 2.5, 0))
    with pytest.raises(ValueError, match=r"^x must have magnitudes .* in <lambda> with x up to"):
        outer(1e200)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_without_a_guard_the_result_may_be_infinite(value):
    unguarded = a.checked(guarded=False, x=a.share)(lambda x: value)
    assert unguarded(1) is value
    with pytest.raises(ValueError, match="got an overflow"):
        a.checked(x=a.share)(lambda x: [0.5, (np.array([1, value]),)])(1)


def test_an_overflow_is_told_of_lists_and_arrays_by_their_largest_entry():
    told = a.checked(x=lambda *value: value[1], y=lambda *value: value[1])(lambda x, y: math.inf)
    with pytest.raises(ValueError, match=r"with x up to 9$"):
        told([np.ones(2), (7, np.array([-9.0, 8.0]))], "text")
    with pytest.raises(ValueError, match=r"with x up to 0\.5$"):
        told([0.5 * np.ones(2)], [])
    with pytest.raises(ValueError, match=r"got an overflow in <lambda> with x up to nan$"):
        told(math.nan, "text")
    with pytest.raises(ValueError, match=r"^x\[1\] must be finite, got -inf at index \[0\]$"):
        told([np.ones(2), np.array([-math.inf])], [])


# What the bodies refuse.

NETWORK = (ONES, [np.ones((4, 3)), ONES[:, :1] * np.ones(4)], [np.ones(4), np.ones(2)])
SUMS = "targets must sum to 1 in each row, got a row that sums to "
CONSTANT = "must be positive, got 0 for feature {}: a constant feature needs eps > 0, "
CONSTANT += "and a variance below 2.23e-308 has lost its digits"
BODIES = [
    (h.numerical_gradient, (sum, np.array([-1e308])), V,
     "x must leave room for the step, got an entry of 1e+308"),
    (h.numerical_gradient, (sum, np.ones(2, np.float32)), T,
     "x must have dtype float64, got float32: half of the digits are lost in a difference; "
     "convert it first, for instance with x.astype(float)"),
    (h.numerical_gradient, (sum, np.ones(2), 0), V, "step must lie in [1e-15, 1], got 0"),
    (h.numerical_gradient, (lambda x: "one", np.ones(2)), T,
     "the value of f must be a real number, got str"),
    (h.numerical_gradient, (lambda x: math.nan, np.ones(2)), V,
     "the value of f must lie in (-inf, inf), got nan"),
    (h.numerical_gradient, (lambda x: math.copysign(1e308, x[0]), np.zeros(1)), V,
     "the slope of f must lie in (-inf, inf), got inf"),
    (h.dropout_forward, (ONES, ONES / 2, 0.5), V,
     "mask must hold only zeros and ones, got other values"),
    (h.softmax_cross_entropy_forward, (ONES, ONES * [1, 1, -1]), V,
     "targets must not be negative, got -1.0"),
    *[(h.softmax_cross_entropy_forward, (ONES, np.array([row, [0.5, 0.25, 0.25]])), V, SUMS + came)
      for row, came in [([0.5, 0, 0], "0.5"), ([1.5, 0, 0], "1.5"), ([1.00002, 0, 0], "1.00002")]],
    (h.mlp_forward, (*NETWORK[:2], [ONES[:, 0]]), V,
     "biases must have 2 arrays, one a layer, got 1"),
    (h.mlp_forward, (ONES, [ONES[:, :2]], [ONES[:, 0]]), V,
     "weights[0] must have shape (*, 3), got (2, 2)"),
    (h.mlp_forward, (*NETWORK[:2], NETWORK[2][::-1]), V, "biases[0] must have shape (4), got (2,)"),
    (h.mlp_forward, (*NETWORK[:2], [NETWORK[2][0], np.array([1, np.nan])]), V,
     "biases[1] must be finite, got nan at index [1]"),
    (h.mlp_backward, (ONES, h.mlp_forward(*NETWORK)[1]), V,
     "dlogits must have shape (2, 2), got (2, 3)"),
    (h.relu_backward, (ONES, h.tanh_forward(ONES)[1]), T,
     "cache must be the ReLUCache of the forward pass, got hw1lib.mlp.TanhCache"),
    (h.batchnorm_inference, (ONES, *np.ones((3, 3)), np.array([1.0, 0.0, 1.0]), 0), V,
     "running_var + eps " + CONSTANT.format(1)),
    (h.batchnorm_forward, (ONES, *np.ones((2, 3)), 0), V, "v + eps " + CONSTANT.format(0)),
    (h.inverse_root_forward, (np.diag([-2.0, 3.0]),), V,
     "sigma must have no negative eigenvalue, got -2"),
    (h.inverse_root_forward, (np.diag([0.0, 3.0]),), V,
     "sigma must be positive definite where eps is 0, got the eigenvalue 0 beside 3; "
     "a batch of B samples gives rank at most B - 1"),
    (h.inverse_root_forward, (np.diag([0.0, 1.0]), 1e-310), V,
     "sigma + eps * I must not be that small, got the eigenvalue 1e-310"),
    (h.newton_inverse_root_forward, (np.diag([-2.0, 1.0]),), V,
     "sigma + eps * I must have a positive finite trace, got -1"),
    (h.newton_inverse_root_forward, (np.diag([1.7e308] * 2),), V,
     "sigma + eps * I must have a positive finite trace, got inf"),
    *[(h.alive_probability, (value,), T, f"widths must be a sequence of integers, got {kind}")
      for value, kind in [(3, "int"), (np.array(3), "numpy.ndarray"), ("34", "str")]],
    (h.alive_probability, ([3],), V, "widths must hold D_0 and at least one layer, got 1 widths"),
    (h.alive_probability, (range(1, 10002),), V,
     "widths must hold at most 10000 numbers, got more"),
    (h.forward_second_moments, (np.array([4.0, 8.0]), [0.5]), T,
     "widths[0] must be an integer, got numpy.float64"),
    (h.forward_second_moments, ([3, 2], 0.5), T, "stds must be a sequence of numbers, got float"),
    (h.forward_second_moments, ([3, 2], [0.5, 0.5]), V,
     "stds must have one number for each of the 1 layers, got 2"),
    (h.forward_second_moments, ([3, 2], [-1]), V, "stds[0] must lie in [0, inf), got -1"),
    (h.forward_second_moments, ([3, 2], [1], 1, "x"), T,
     "kept must be a sequence of numbers, got str"),
    (h.forward_second_moments, ([3, 2], [1], 1, -1), V, "kept must lie in [0, inf), got -1"),
    (h.forward_second_moments, ([3, 2], [1], 1, [None]), T,
     "kept[0] must be a real number, got NoneType"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "args", "error", "message"), BODIES, ids=range(len(BODIES)))
def test_a_function_refuses_this_with_this_message(function, args, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$") as raised:
        function(*args)
    if "of f " not in message:
        assert len(traceback.extract_tb(raised.value.__traceback__)) == 2
