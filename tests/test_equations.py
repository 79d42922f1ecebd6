"""Every equation of the homework is displayed once, checked, and checked as it is displayed."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml
from equation_index import error_text, merged

ROOT = Path(__file__).parent.parent
NUMBERS = list(range(1, 98))
MEANS = {"sympy", "enumeration", "autograd", "torch", "scipy", "exact arithmetic", "Monte Carlo",
         "differences", "definition"}  # fmt: skip


def displayed():
    """Return (number, LaTeX) of every equation of the homework, in the order of the book."""
    order = re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    for path in (ROOT / f"{name}.ipynb" for name in order):
        if path.exists():
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "markdown":
                    blocks = re.findall(
                        r"^\$\$\n(.*?)\n\$\$(?: \(eq-(\d+)\))?$", cell.source, re.M | re.S
                    )
                    yield from ((int(number), latex) for latex, number in blocks if number)


def marked(name):
    """Return (number, marker, test, file) of every test with the marker of that name."""
    for path in sorted((ROOT / "tests" / "equations").glob("test_*.py")):
        for test in ast.parse(path.read_text(encoding="utf-8")).body:
            for marker in getattr(test, "decorator_list", []):
                if (
                    isinstance(marker, ast.Call)
                    and ast.unparse(marker.func) == f"pytest.mark.{name}"
                ):
                    yield ast.literal_eval(marker.args[0]), marker, test, path


def squeeze(latex):
    return re.sub(r"\s+", "", latex)


CHECKS = list(marked("equation"))
DISPLAYED = list(displayed())
CATALOGUE = yaml.safe_load((ROOT / "chapters" / "equations.yml").read_text(encoding="utf-8"))
RESULTS = json.loads((ROOT / "chapters" / "equations.json").read_text(encoding="utf-8"))


def test_the_homework_is_displayed_in_order_and_each_equation_once():
    assert [number for number, _ in DISPLAYED] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_the_equation_has_a_check(number):
    assert number in {checked for checked, *_ in CHECKS}


@pytest.mark.parametrize(
    ("number", "test", "path"), [pytest.param(n, t, p, id=f"{n}-{t.name}") for n, _, t, p in CHECKS]
)
def test_the_check_states_what_the_page_displays(number, test, path):
    shown = dict(DISPLAYED)[number]
    assert squeeze(ast.get_docstring(test, clean=False) or "") == squeeze(shown), path.name


def test_every_check_compares_by_means_that_the_index_explains():
    means = {ast.literal_eval(keyword.value) for _, m, *_ in CHECKS for keyword in m.keywords}
    assert means <= MEANS


def test_no_check_is_skipped_or_expected_to_fail():
    markers = {ast.unparse(m) for *_, test, _ in CHECKS for m in test.decorator_list}
    assert not [marker for marker in markers if "skip" in marker or "xfail" in marker]


def test_the_catalogue_describes_every_equation_once():
    assert [entry["number"] for entry in CATALOGUE] == NUMBERS
    for entry in CATALOGUE:
        assert set(entry) <= {"number", "what", "verdict", "printed"}
        assert entry["verdict"] in {"correct", "slip", "imprecise", "wrong"}
        assert ("printed" in entry) == (entry["verdict"] != "correct"), entry["number"]


def test_the_recorded_results_are_those_of_the_checks():
    # After a change of the checks: nox -s equations.
    recorded = {
        (int(number), check["test"].partition("::")[2].partition("[")[0], check["by"])
        for number, checks in RESULTS["equations"].items()
        for check in checks
    }
    written = {(n, t.name, ast.literal_eval(m.keywords[0].value)) for n, m, t, _ in CHECKS}
    assert recorded == written


@pytest.mark.parametrize(
    ("check", "text"),
    [({"exact": True, "error": 0.0}, "exact"),
     ({"exact": True, "error": 5e-7}, "exact in symbols, error 5e-07 in numbers"),
     ({"error": 0.0}, "error 0"), ({"error": 4e-16}, "error 4e-16"),
     ({"standard_errors": 1.23}, "1.2 standard errors")],
)  # fmt: skip
def test_the_index_says_of_what_kind_an_error_is(check, text):
    assert error_text(check).replace("\u2011", "-") == text


def test_of_a_test_with_parameters_the_index_states_the_worst():
    checks = [{"test": "t[a]", "error": 1e-16}, {"test": "t[b]", "error": 2e-16}]
    assert merged(checks) == {"t": {"test": "t[a]", "error": 2e-16}}


def test_every_wrong_or_imprecise_form_is_on_the_errata_page():
    page = nbformat.read(ROOT / "chapters" / "errata.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    numbers = {int(number) for number in re.findall(r"\{eq\}`eq-(\d+)`", text)}
    faulty = {e["number"] for e in CATALOGUE if e["verdict"] in ("wrong", "imprecise")}
    assert faulty <= numbers


def test_every_wrong_form_has_a_test_that_it_fails():
    wrong = {entry["number"] for entry in CATALOGUE if entry["verdict"] == "wrong"}
    assert wrong <= {number for number, *_ in marked("erratum")}
