"""nbval compares a notebook's figures as drawings, with a tolerance, in place of byte by byte."""

import re

from nbval.plugin import IPyNbCell

# What stands for every figure where none is compared.
UNSEEN = "a figure"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
# Matplotlib derives these identifiers from the drawing itself: the last digit of a coordinate
# changes them, so they are counted instead.
IDENTIFIER = re.compile(r'(?<=\bid=")[a-z]*[0-9a-f]{10}(?=")')
METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
TOLERANCE = 0.5  # points, of 461 across a figure: about half a pixel on the page


class Figure(str):
    """An SVG that equals another one if no point has moved by more than the tolerance."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        """Compare the drawings, not the characters."""
        return figure_difference(self, other) is None

    def __ne__(self, other):
        """Compare the drawings, not the characters."""
        return not self == other


def figure_difference(svg, other):
    """Say how two SVG drawings differ, in words; None if they show the same."""
    skeleton, numbers = _split(svg)
    other_skeleton, other_numbers = _split(other)
    if skeleton != other_skeleton:
        return "the figures are made of different elements"
    moved = max((abs(a - b) for a, b in zip(numbers, other_numbers, strict=True)), default=0)
    if moved > TOLERANCE:
        return f"a point of the figure has moved by {moved:.1f} points, more than {TOLERANCE}"
    return None


def _split(svg):
    """Split an SVG into its text without numbers and its numbers."""
    drawing = METADATA.sub("", svg)
    for i, name in enumerate(dict.fromkeys(IDENTIFIER.findall(drawing))):
        drawing = drawing.replace(name, f"id_{'x' * i}")
    return NUMBER.sub("0", drawing), [float(n) for n in NUMBER.findall(drawing)]


def pytest_addoption(parser):
    """Add the option for the releases of Matplotlib that lay text out in another way."""
    text = "draw the figures of the notebooks, but do not compare them"
    parser.addoption("--any-figures", action="store_true", help=text)


def sanitize(cell, text, original=IPyNbCell.sanitize):
    """Hand nbval's comparison a figure in place of a string."""
    if isinstance(text, str) and "<svg" in text[:1000]:
        return UNSEEN if cell.config.getoption("any_figures") else Figure(text)
    return original(cell, text)


def format_output_compare(cell, key, left, right, original=IPyNbCell.format_output_compare):
    """Report a figure by what has changed, not by its source."""
    if isinstance(left, Figure):
        cell.comparison_traceback.append(f"{key}: {figure_difference(left, right)}")
    else:
        original(cell, key, left, right)


IPyNbCell.sanitize = sanitize
IPyNbCell.format_output_compare = format_output_compare
