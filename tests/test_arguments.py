"""What all public functions do with good arguments: dtype, memory, layout, limits.

Bad arguments have a file of their own, test_hostile_input.py. Tolerance: rtol = 1e-9 between
memory layouts, 1e-3 of the largest entry for float32.
"""

import inspect

import numpy as np
import pytest
import torch

import hw1lib as h
from calls import CALLS, NAMES, WITH_ARRAYS, arrays, good, over_arrays, run


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


@pytest.mark.parametrize("name", NAMES)
def test_results_are_writeable_and_what_torch_accepts(name):
    # It refuses a view that runs backwards.
    for output in arrays(run(name, good(name))):
        assert output.flags.writeable
        np.testing.assert_array_equal(torch.from_numpy(output).numpy(), output)


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
