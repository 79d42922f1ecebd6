"""The comparison of figures lets rounding pass and nothing else."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from nbval_figures import Figure, figure_difference

ROOT = Path(__file__).parent.parent


def drawing(heights, label="measured", color="C0", kind="bar"):
    with plt.style.context("hw1lib.book"):
        fig, ax = plt.subplots()
        getattr(ax, kind)(range(len(heights)), heights, color=color, label=label)
        ax.set_ylim(0, 10)
        ax.legend()
        text = io.StringIO()
        fig.savefig(text, format="svg")
        plt.close(fig)
    return text.getvalue()


def test_a_figure_equals_itself_drawn_again():
    assert Figure(drawing([1, 5, 3])) == Figure(drawing([1, 5, 3]))


def test_rounding_of_the_data_does_not_matter():
    heights = np.array([1.0, 5.0, 3.0])
    noise = 1 + 1e-9 * np.array([1, -1, 1])
    assert Figure(drawing(heights, kind="plot")) == Figure(drawing(heights * noise, kind="plot"))


@pytest.mark.parametrize(
    "other",
    [{"heights": [1, 5, 3.1]}, {"heights": [5, 1, 3]}, {"heights": [1, 5]},
     {"heights": [1, 5, 3], "label": "predicted"}, {"heights": [1, 5, 3], "color": "C1"},
     {"heights": [1, 5, 3], "kind": "plot"}],
)  # fmt: skip
def test_another_number_label_colour_or_kind_is_noticed(other):
    assert Figure(drawing([1, 5, 3])) != Figure(drawing(**other))


def test_the_difference_is_said_in_words():
    assert "moved by" in figure_difference(drawing([1, 5, 3]), drawing([1, 5, 4]))


def test_the_file_is_the_same_at_every_run_but_for_its_date():
    first, second = (
        re.sub(r"<metadata>.*?</metadata>", "", drawing([1, 2]), flags=re.S) for _ in range(2)
    )
    assert first == second


def test_the_site_knows_every_colour_of_the_style():
    with plt.style.context("hw1lib.book"):
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    source = (ROOT / "_extensions" / "themed_figures.py").read_text(encoding="utf-8")
    assert tuple(re.search(r"CYCLE = \((.*?)\)", source)[1].replace('"', "").split(", ")) == tuple(
        colour.lower().lstrip("#") for colour in cycle
    )
