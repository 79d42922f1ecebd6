"""The notebooks' figures with sliders, as the tests need them."""

from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
KIND = "application/vnd.vegalite.v5+json"


def find_figures():
    """Return the specification, the alternative text and the caption of every figure, by page."""
    found = {}
    for path in sorted((ROOT / "chapters").rglob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                if KIND in output.get("data", {}):
                    name = path.relative_to(ROOT / "chapters").with_suffix("").as_posix()
                    assert name not in found, "one figure a page"
                    found[name] = output.data[KIND], cell.metadata["moving"]
    return found


def numbers_in(value):
    """Return all fractions of a JSON value."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(part)
