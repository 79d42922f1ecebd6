"""The figures that one can touch: their scripts compute what hw1lib does, in a hundred states."""

import json
from functools import cache

import numpy as np
import pytest
from py_mini_racer import MiniRacer
from touch_figures import KIND, LIBRARY

from test_notebooks import NOTEBOOKS, read
from touch_values import VALUES

SCRIPTS = LIBRARY / "touch"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.js") if path.stem != "kit")
MAX_DATA = 30_000  # bytes


@cache
def stored():
    """Return the cells of all figures by name, each with its page."""
    cells = [(path, cell) for path in NOTEBOOKS for cell in read(path).cells]
    return {c.metadata.touch["figure"]: (path, c) for path, c in cells if "touch" in c.metadata}


def data_of(name):
    """Return what a figure's cell hands to its script."""
    data = {}
    for output in stored()[name][1].outputs:
        data |= output.get("data", {}).get(KIND, {})
    return data


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def engine(name):
    """Load the kit and a figure's script; `figure` is what it defines for its data."""
    engine = MiniRacer()
    for script in ("kit", name):
        engine.eval((SCRIPTS / f"{script}.js").read_text(encoding="utf-8"))
    engine.eval(f"figure = touch.definitions.get('{name}')({json.dumps(data_of(name))})")
    return engine


def numbers(values):
    """Return all numbers in arrays, lists and dictionaries, in order of their keys."""
    if isinstance(values, dict):
        return [x for key in sorted(values) for x in numbers(values[key])]
    if isinstance(values, (list, tuple, np.ndarray)):
        return [x for value in values for x in numbers(value)]
    return [float(values)]


def test_each_script_is_drawn_by_one_notebook_and_has_values_of_hw1lib():
    assert NAMES == sorted(stored()) == sorted(VALUES)


def test_the_script_computes_what_hw1lib_does(name, engine):
    rng = np.random.default_rng(0)
    for _ in range(100):
        state, values = VALUES[name](rng)
        state = json.loads(json.dumps(state, default=np.ndarray.tolist))
        computed = json.loads(
            engine.eval(
                f"JSON.stringify(figure.compute({{...figure.state, ...{json.dumps(state)}}}))"
            )
        )
        computed = {key: computed[key] for key in values}
        np.testing.assert_allclose(numbers(computed), numbers(values), rtol=1e-9, atol=1e-12)


def test_a_computation_does_not_change_the_state(name, engine):
    before = engine.eval("JSON.stringify(figure.state)")
    engine.eval("figure.compute(figure.state)")
    assert engine.eval("JSON.stringify(figure.state)") == before


def test_each_slider_has_a_name_in_words_and_starts_on_its_grid(name, engine):
    state = json.loads(engine.eval("JSON.stringify(figure.state)"))
    for slider in json.loads(engine.eval("JSON.stringify(figure.sliders ?? [])")):
        steps = (state[slider["name"]] - slider["min"]) / slider["step"]
        assert steps == pytest.approx(round(steps))
        assert (slider["max"] - slider["min"]) / slider["step"] >= 8
        assert len(slider["label"]) >= 2


def test_each_choice_has_a_name_in_words_and_starts_on_an_option(name, engine):
    state = json.loads(engine.eval("JSON.stringify(figure.state)"))
    for choice in json.loads(engine.eval("JSON.stringify(figure.choices ?? [])")):
        assert state[choice["name"]] in range(len(choice["options"]))
        assert len(choice["label"]) >= 2 <= len(choice["options"])


def test_the_data_is_small(name):
    assert len(json.dumps(data_of(name), separators=(",", ":"))) <= MAX_DATA


def test_a_guess_has_one_right_answer(name):
    guess = stored()[name][1].metadata.touch.get("guess")
    if guess:
        assert sum(right for _, right in guess["choices"]) == 1 < len(guess["choices"])
