"""What a page asks: guesses with one right choice, and cells that a reader can run in the page."""

import contextlib
import io
import re
from pathlib import Path

import nbformat
import pytest
from answer_boxes import AVAILABLE, imports_of

import hw1check

CHAPTERS = Path(__file__).parent.parent / "chapters"
NOTEBOOKS = {path: nbformat.read(path, as_version=4) for path in sorted(CHAPTERS.rglob("*.ipynb"))}
LIVE = [
    pytest.param(notebook, cell, id=f"{path.stem}-{cell.id}")
    for path, notebook in NOTEBOOKS.items()
    for cell in notebook.cells
    if "live" in cell.metadata.get("tags", [])
]
TEXTS = {
    path: "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for path, notebook in NOTEBOOKS.items()
}
GUESSES = [
    pytest.param(found, id=f"{path.stem}-{number}")
    for path, text in TEXTS.items()
    for number, found in enumerate(re.findall(r":::\{guess\}\n(.*?)\n:::", text, re.DOTALL))
]


@pytest.mark.parametrize("text", GUESSES)
def test_a_guess_has_one_right_choice_and_says_something_to_each(text):
    question, *choices = re.split(r"^- ", text, flags=re.MULTILINE)
    assert question.strip()[-1] in "?:"
    assert 2 <= len(choices) <= 4
    assert sum(choice.startswith("✓") for choice in choices) == 1
    for choice in choices:
        _, says = choice.split("\n\n", 1)
        assert len(says.split()) >= 6


@pytest.mark.parametrize(("notebook", "cell"), LIVE)
def test_a_live_cell_needs_its_imports_alone_and_prints_what_is_stored(notebook, cell):
    imports = imports_of(notebook)
    assert set(re.findall(r"^(?:from|import) (\w+)", imports, re.MULTILINE)) <= set(AVAILABLE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(f"{imports}\n{cell.source}", {})
    assert printed.getvalue() == "".join(output.get("text", "") for output in cell.outputs)


def test_a_box_on_a_page_asks_a_question_that_there_is():
    asked = [name for text in TEXTS.values() for name in re.findall(r":::\{answer\} (\w+)", text)]
    assert asked
    assert set(asked) <= {problem.name for problem in hw1check.PROBLEMS}
