"""The rungs of `chapters/closed_form.ipynb`: the page's own functions, so what it shows is timed.

A cell tagged "rung" defines one function, `rung_...`, of the arguments of batch norm and of the
upstream gradient. It returns the output of batch norm with ReLU, and all gradients.
"""

import json
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[2] / "chapters" / "closed_form.ipynb"


def rungs():
    """Return the functions by name, from the equation as it stands to the fastest."""
    names = {"np": np}
    for cell in json.loads(PAGE.read_text(encoding="utf-8"))["cells"]:
        if "rung" in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), str(PAGE), "exec"), names)
    return {name: thing for name, thing in names.items() if name.startswith("rung_")}
