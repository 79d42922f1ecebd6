"""The speed comparison compares equals, and what it recorded is what it says of the targets."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure import TOLERANCE, agreement
from benchmarks.operations import OPERATIONS
from benchmarks.sides import SIDES
from benchmarks.targets import TARGETS, geometric_mean, judge

RECORD = Path(__file__).parent.parent / "tools" / "benchmarks" / "results.json"
recorded = pytest.mark.skipif(not RECORD.exists(), reason="no run is recorded yet")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_torch_gives_the_gradients_of_hw1lib(operation):
    size = operation.sizes[0]
    leaves, upstream = operation.inputs(np.random.default_rng(1), *size)
    sides = ("hw1lib", "torch autograd", "torch fused")
    made = {name: SIDES[name](operation, leaves, upstream) for name in sides}
    runs = {name: run for name, run in made.items() if run is not None}
    assert max(agreement(operation, runs, upstream).values()) < TOLERANCE["float64"]


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_each_rung_of_the_page_gives_the_gradients_of_hw1lib(dtype):
    operation = OPERATIONS[0]
    for size in ((32, 100), (128, 7)):
        leaves, upstream = operation.inputs(np.random.default_rng(1), *size)
        leaves, upstream = [x.astype(dtype) for x in leaves], upstream.astype(dtype)
        runs = {name: partial(f, *leaves, upstream) for name, f in operation.rungs.items()}
        runs["hw1lib"] = SIDES["hw1lib"](operation, leaves, upstream)
        assert len(runs) >= 5
        for outcome in (agreement(operation, runs, upstream) for _ in range(2)):
            assert max(outcome.values()) < TOLERANCE[dtype]


def test_a_wrong_gradient_is_noticed():
    operation = OPERATIONS[0]
    leaves, upstream = operation.inputs(np.random.default_rng(1), *operation.sizes[0])
    right = SIDES["hw1lib"](operation, leaves, upstream)

    def wrong():
        H, dY, *others = right()
        return H, dY * 1.001, *others

    errors = agreement(operation, {"hw1lib": right, "other": wrong}, upstream)
    assert errors["other"] > TOLERANCE["float64"]


def test_ratios_of_2_and_one_half_balance():
    assert geometric_mean([2, 0.5]) == 1


@recorded
def test_the_record_is_of_a_full_run_in_which_all_sides_agreed():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert not record["quick"]
    for case in record["cases"]:
        errors = [side["error"] for side in case["sides"].values()]
        assert max(errors) < TOLERANCE[case["dtype"]]


@recorded
def test_the_recorded_verdicts_follow_from_the_recorded_ratios():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["targets"] == judge(record["cases"])
    assert len(record["targets"]) == 2 * len(TARGETS)
