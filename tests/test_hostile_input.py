"""That every public function has a contract, and arbitrary objects as arguments.

What a contract accepts, and what a refused value is told, is tested in test_messages.py. Here: an
error is a TypeError or a ValueError whose message begins with the argument's name, then says what
it must be and what came.
"""

import inspect
import os
import re

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

import hw1lib as h
from calls import CALLS, NAMES, arrays, good, run

PARAMETERS = [(name, parameter) for name in NAMES for parameter in CALLS[name]]
FLOATS = [(n, p) for n, p in PARAMETERS if p != "k" and isinstance(CALLS[n][p], np.ndarray)]


def refuses(name, parameter, value, error, message=""):
    with pytest.raises(error) as raised:
        run(name, {**good(name), parameter: value})
    assert re.match(rf"{parameter}\b.* must .*{message}.*\bgot ", str(raised.value))


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_every_parameter_refuses_a_foreign_object_by_its_name(name, parameter):
    for value in (object(), None, {}, b"3"):
        refuses(name, parameter, value, TypeError)


@pytest.mark.parametrize(("name", "parameter"), FLOATS)
def test_every_array_parameter_has_the_contract_of_an_array(name, parameter):
    value = CALLS[name][parameter]
    refuses(name, parameter, value.tolist(), TypeError, "be a numpy.ndarray of float")
    refuses(name, parameter, value.astype(int), TypeError, "have dtype float32 or float64")
    if sum(array.dtype.kind == "f" for array in arrays(CALLS[name])) > 1:
        with pytest.raises(TypeError, match=r"must have dtype float\d\d like the other arrays"):
            run(name, {**good(name), parameter: value.astype(np.float32)})
    for bad in (np.nan, np.inf, -np.inf):
        spoiled = value.copy()
        spoiled.flat[-1] = bad
        refuses(name, parameter, spoiled, ValueError, "be finite")
    refuses(name, parameter, value[:0], ValueError)
    if parameter not in ("X", "Y", "Z", "h", "expected", "sigma", "x", "W"):  # which come first
        refuses(name, parameter, np.concatenate([value, value[:1]]), ValueError, "have shape")
    if name not in ("relu_forward", "tanh_forward", "numerical_gradient"):  # of any shape
        wrong = parameter not in ("h", "expected")
        refuses(name, parameter if wrong else "mask" if parameter == "h" else "actual",
                value[None], ValueError)  # fmt: skip


CACHED = [name for name in NAMES if "cache" in CALLS[name]]


@pytest.mark.parametrize("name", CACHED)
def test_a_cache_of_another_forward_pass_is_refused(name):
    right = CALLS[name]["cache"]
    others = [c for n in CACHED if type(c := CALLS[n]["cache"]) is not type(right)]
    for bad in (tuple(right), *others):
        refuses(name, "cache", bad, TypeError, f"be the {type(right).__name__} of the forward")


# Which interval or range a function has: (parameter, outside), for the functions that have it.
OUTSIDE = {
    "eps": [-1e-9, np.inf], "p": [-0.1, 1], "momentum": [-0.1, 1.1], "gain": [0, np.inf],
    "negative_slope": [np.inf], "variance": [-1e-9], "mean": [np.nan], "steps": [0, 1001],
    "input_second_moment": [-1], "output_second_moment": [-1], "lam": [-1, np.inf], "step": [0, 2],
    "running_var": [np.array([0.3, -1e-9, 2.0])], "mode": ["gelu"], "activation": ["RELU"],
    "readout": [""], "stds": [[0.4, -1], [0.4]], "kept": [-1, [0.5]], "widths": [[4, 0, 3], [4]],
}  # fmt: skip
OUTSIDE_CASES = [(n, p, x) for n, p in PARAMETERS for x in OUTSIDE.get(p, [])]
OUTSIDE_CASES += [(n, "M", -1) for n in ("kept_units_mean", "kept_units_pmf")]
OUTSIDE_CASES += [(n, "M", 0) for n in ("poisson_limit_bound", "poisson_limit_distance")]
OUTSIDE_CASES += [(n, "lam", x) for n, _, _ in OUTSIDE_CASES[-2:] for x in (0, 9.5)]
OUTSIDE_CASES += [("poisson_limit_distance", "M", 10**9 + 1), ("kept_units_mean", "M", 2**53 + 1)]
# The statistics of a batch have two rows at least.
OUTSIDE_CASES += [(n, "Y", CALLS["relu_forward"]["Z"][:1]) for n in NAMES if n.endswith("_forward")
                  and "Y" in CALLS[n]]  # fmt: skip


@pytest.mark.parametrize(("name", "parameter", "value"), OUTSIDE_CASES)
def test_a_value_outside_of_its_range_is_refused(name, parameter, value):
    refuses(name, parameter, value, ValueError)


INSIDE = [("kept_units_mean", "M", 0), ("kept_units_pmf", "M", 0), ("poisson_pmf", "lam", 0),
          ("poisson_width_pmf", "lam", 0), ("poisson_limit_bound", "lam", 9),
          ("poisson_limit_bound", "M", 3), ("poisson_limit_distance", "lam", 9),
          ("batchnorm_running_update", "momentum", 1), ("dropout_moments", "variance", 0),
          ("newton_whitening_forward", "steps", 1),
          ("numerical_gradient", "step", 1), ("numerical_gradient", "step", 1e-15),
          ("forward_second_moments", "kept", [0, 1]), ("inverse_root_forward", "eps", 0),
          ("forward_second_moments", "stds", [0, 1]), ("alive_probability", "widths", [1, 1]),
          ("alive_probability", "widths", range(1, 10_001)),
          ("forward_second_moments", "widths", np.array([4, 5, 3])),
          ("backward_second_moments", "stds", np.array([0.4, 0.3]))]  # fmt: skip


@pytest.mark.parametrize(("name", "parameter", "value"), INSIDE)
def test_the_ends_of_a_range_are_accepted(name, parameter, value):
    run(name, {**good(name), parameter: value})


# Finite arguments whose result is not: the arguments are named, and how large they were.

OVERFLOWS = [
    ("affine_forward", {"X": 1e200, "W": 1e200}), ("affine_backward", {"dY": 8e307}),
    ("backward_second_moments", {"stds": 1e160}),
    ("backward_second_moments", {"stds": 1e150, "output_second_moment": 1e10}),
    ("batchnorm_backward", {"dY_hat": 8e307}), ("batchnorm_forward", {"Y": 1e155}),
    ("batchnorm_forward", {"Y": 8e307}), ("batchnorm_forward", {"gamma": 8e307, "beta": 8e307}),
    ("batchnorm_inference", {"Y": 1e300, "gamma": 1e300}),
    ("batchnorm_statistics_backward", {"dY_hat": 8e307}), ("dropout_forward", {"h": 8e307, "p": 3}),
    ("dropout_moments", {"mean": 1e200}), ("forward_second_moments", {"stds": 1e160}),
    ("inverse_root_backward", {"droot": 8e307}), ("mlp_forward", {"X": 1e200, "weights": 1e200}),
    ("mlp_backward", {"dlogits": 8e307}), ("newton_inverse_root_backward", {"droot": 8e307}),
    ("newton_whitening_forward", {"Y": 1e155}), ("pca_whitening_forward", {"Y": 1e155}),
    ("whitening_forward", {"Y": 1e155}), ("whitening_backward", {"dY_hat": 8e307}),
    ("whitening_inference", {"Y": 1e200, "running_root": 1e200}),
    ("xavier_uniform", {"gain": 1e308}),
]  # fmt: skip


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
    torch.ones(7, 3), np.random.default_rng(0), np.float32(0.3), np.datetime64("NaT", "s"),
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
    monkeypatch.setattr(h._contract, "LARGEST_COUNT", 10_000)  # allocate no 16 GB
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
