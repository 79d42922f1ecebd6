"""The practice notebooks: one source, a student's edition, and stubs that hold with solutions."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from practice import student_edition, tags

import hw1check as check
import points

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "chapters" / "practice").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def test_the_tasks_state_the_points_of_the_homework(notebook):
    """Else: nox -s points."""
    assert points.titled(notebook.cells) == [cell.source for cell in notebook.cells]


def test_a_task_is_worth_what_its_parts_are():
    made = SimpleNamespace(question="2.3", bonus=False)
    given = {(5,): "5 points", (6, 4): "6 + 4 points", (4,) * 5: "20 points, 4 for each part",
             (0.5,): "0.5 points", (0, 0): "not asked for"}  # fmt: skip
    for numbers, words in given.items():
        made.points = numbers
        assert points.worth(made) == words
    made.bonus, made.points = True, (10,)
    assert points.worth(made) == "10 points, bonus"


def tagged(notebook, tag, kind="code"):
    return [cell for cell in notebook.cells if cell.cell_type == kind and tag in tags(cell)]


def function(cell):
    """Return the (last) function that a cell defines."""
    return [node for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)][-1]


def heads(cells):
    return [(f.name, ast.unparse(f.args), ast.get_docstring(f)) for f in map(function, cells)]


def topic(problem):
    return re.search(r"\d", problem.question)[0]


def test_every_check_is_practised_once():
    cells = [cell for path in NOTEBOOKS for cell in tagged(nbformat.read(path, 4), "check")]
    found = [cell.source for cell in cells]
    assert len(set(found)) == len(found)
    # An instructor's own question, of another topic, may do without a notebook.
    assert set(found) >= {f"check.{p.name}({p.name})" for p in check.PROBLEMS if topic(p) in "123"}


def test_a_notebook_practises_one_topic(notebook):
    names = [cell.source.partition("(")[0] for cell in tagged(notebook, "check")]
    assert len({topic(getattr(check, name.removeprefix("check."))) for name in names}) == 1


def test_each_stub_and_its_solution_have_the_same_name_arguments_and_docstring(notebook):
    stubs, solutions = tagged(notebook, "stub"), tagged(notebook, "solution")
    assert heads(stubs) == heads(solutions)
    names = [f"check.{name}({name})" for name, *_ in heads(stubs)]
    assert names == [cell.source for cell in tagged(notebook, "check")]


def test_each_stub_has_the_arguments_that_the_check_passes(notebook):
    for cell in tagged(notebook, "stub"):
        stub = function(cell)
        assert tuple(a.arg for a in stub.args.args) == getattr(check, stub.name).arguments


def test_a_stub_gives_nothing_away(notebook):
    for cell in tagged(notebook, "stub"):
        body = function(cell).body[1:]  # behind the docstring
        values = {n.value for part in body for n in ast.walk(part) if isinstance(n, ast.Constant)}
        assert values == {...}
        assert not [n for part in body for n in ast.walk(part) if isinstance(n, ast.Call)]


def test_a_stub_names_the_lines_of_the_check_and_the_solution_is_these_lines(notebook):
    for stub, solution in zip(tagged(notebook, "stub"), tagged(notebook, "solution"), strict=True):
        problem = getattr(check, function(stub).name)
        *assigned, last = function(stub).body[1:]
        assert tuple(ast.unparse(node.targets[0]) for node in assigned) == problem.lines.names
        assert ast.unparse(last.value).strip("()") == ", ".join(problem.parts)
        own = [*problem.lines.body, problem.lines.last]
        assert list(map(ast.unparse, function(solution).body[1:])) == list(map(ast.unparse, own))


def test_a_problem_has_a_hidden_solution_and_three_hints_or_none(notebook):
    text = "\n".join(cell.source for cell in notebook.cells)
    hints = re.findall(r"<details>\s*<summary>Hint (\d)\b", text)
    assert re.fullmatch("(123)*", "".join(hints))
    written = tagged(notebook, "solution", "markdown")
    assert len(written) == len(tagged(notebook, "stub"))
    assert all(re.match(r"<details>\s*<summary>Solution", cell.source) for cell in written)
    assert all("hide-cell" in tags(cell) for cell in tagged(notebook, "solution"))


def test_every_hint_and_solution_is_closed(notebook):
    for cell in notebook.cells:
        assert cell.source.count("<details>") == cell.source.count("</details>")


def test_the_students_edition_has_no_solution_and_no_output(notebook):
    edition = student_edition(notebook)
    text = nbformat.writes(edition)
    assert "solution" not in {tag for cell in edition.cells for tag in tags(cell)}
    assert "<summary>Solution" not in text
    assert not any(cell.get("outputs") for cell in edition.cells)
    assert len(tagged(edition, "check")) == len(tagged(notebook, "check"))
    nbformat.validate(edition)


def run(cells):
    """Run cells in one namespace; give the text of the value of each one's last line."""
    namespace, texts = {}, {}
    for cell in cells:
        *body, last = ast.parse(cell.source).body
        value = None
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), cell.id, "exec"), namespace)
            value = eval(compile(ast.Expression(last.value), cell.id, "eval"), namespace)
        else:
            exec(compile(cell.source, cell.id, "exec"), namespace)
        texts[cell.id] = None if value is None else repr(value)
    return texts


def stored(cell):
    """Return the text that a cell's value has in the notebook, which nbval compares."""
    return next((output.data["text/plain"] for output in cell.outputs if "data" in output), None)


def test_with_the_solutions_in_every_cell_shows_what_is_stored(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert run(cells) == {cell.id: stored(cell) for cell in cells}


def test_with_the_stubs_in_the_checks_show_something_else_and_no_other_cell(notebook):
    texts = {cell.id: stored(cell) for cell in notebook.cells if cell.cell_type == "code"}
    cells = [cell for cell in student_edition(notebook).cells if cell.cell_type == "code"]
    differ = {name for name, text in run(cells).items() if text != texts[name]}
    assert differ == {cell.id for cell in cells if "check" in tags(cell)}


def test_the_page_offers_the_students_edition(path, notebook):
    text = "\n".join(cell.source for cell in notebook.cells)
    assert f"<../../_build/student/{path.name}>`" in text
