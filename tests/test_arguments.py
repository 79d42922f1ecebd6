"""What all public functions do with good arguments: dtype, memory, defaults.

Bad arguments have a file of their own, test_hostile_input.py, the memory's layout is drawn in
test_properties.py. Tolerance: 1e-3 of the largest entry for float32.
"""

import inspect

import numpy as np
import pytest

import hw1lib as h
from calls import CALLS, NAMES, WITH_ARRAYS, arrays, good, run


def test_there_is_a_good_call_of_every_public_function():
    assert set(h.__all__) == set(CALLS)
    for name in NAMES:
        assert set(inspect.signature(getattr(h, name)).parameters) == set(CALLS[name]), name


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


def test_targets_may_miss_one_by_the_rounding_of_float32():
    Z = np.array([[0.3, 1.2, -0.7]])
    targets = np.array([[0.2, 0.5, 0.3 + 5e-6]])
    assert h.softmax_cross_entropy_forward(Z, targets)[0].shape == (1,)


DRAWN = {"dtype": np.float64}
KAIMING = {"mode": "fan_in", "negative_slope": 0.0}
DEFAULTS = {
    "backward_second_moments": {"output_second_moment": 1.0, "kept": 0.5},
    "batchnorm_forward": {"eps": 1e-5}, "batchnorm_inference": {"eps": 1e-5},
    "batchnorm_running_update": {"momentum": 0.1}, "dropout_mask": DRAWN,
    "forward_second_moments": {"input_second_moment": 1.0, "kept": 0.5},
    "inverse_root_forward": {"eps": 0.0}, "kaiming_normal": DRAWN | KAIMING, "kaiming_std": KAIMING,
    "kaiming_uniform": DRAWN | KAIMING, "mlp_forward": {"activation": "relu", "readout": "linear"},
    "newton_inverse_root_forward": {"eps": 0.0, "steps": 5},
    "newton_whitening_forward": {"eps": 1e-5, "steps": 5}, "numerical_gradient": {"step": 1e-5},
    "pca_whitening_forward": {"eps": 1e-5}, "whitening_forward": {"eps": 1e-5},
    "xavier_normal": DRAWN | {"gain": 1.0}, "xavier_std": {"gain": 1.0},
    "xavier_uniform": DRAWN | {"gain": 1.0},
}  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_left_out_has_the_default_of_the_documentation(name):
    parameters = inspect.signature(getattr(h, name)).parameters.values()
    assert {p.name for p in parameters if p.default is not p.empty} == set(DEFAULTS[name])
    plain = run(name, {k: v for k, v in good(name).items() if k not in DEFAULTS[name]})
    stated = run(name, good(name) | DEFAULTS[name])
    np.testing.assert_equal(plain, stated)
    assert [a.dtype for a in arrays(plain)] == [a.dtype for a in arrays(stated)]


def test_a_draw_equal_to_the_drop_probability_is_kept():
    class Draws(np.random.Generator):
        def random(self, size):
            return np.array([0.2, 0.5, 0.7])

    mask = h.dropout_mask(Draws(np.random.PCG64(0)), 3, 0.5)
    np.testing.assert_array_equal(mask, [0, 1, 1])
