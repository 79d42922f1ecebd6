"""The maths extension: the homework's numbers, and KaTeX while building."""

import subprocess
import sys
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

EXTENSIONS = Path(__file__).parent.parent / "_extensions"
CONF = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["myst_parser", "homework_math"]
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "katex"
math_numfig = False
"""
GOOD = r"""
# Title

See {eq}`eq-78`. Inline $\frac{a}{b}$. Two parts: $a = b$, which may break. One ($x$).

$$
x
$$ (eq-78)

$$
y
$$ (eq-3)

$$
z
$$ (eq-12a)

$$
w
$$
"""
BAD = {
    "incomplete": ("A formula $\\frac{a}$ is broken.", "formula does not parse"),
    "command": ("$$\n\\undefinedcommand\n$$", "formula does not parse"),
    "label": ("$$\nx\n$$ (energy)", "not of the form eq-78"),
    "reference": ("See {eq}`eq-99`.", "eq-99"),
    "twice": ("$$\nx\n$$ (eq-1)\n\n$$\ny\n$$ (eq-1)", "duplicate label of equation eq-1"),
}


def build(folder, pages):
    """Build pages with Sphinx, warnings as errors."""
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", ".", "out"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    done = build(folder, {"index": GOOD})
    assert done.returncode == 0, done.stderr
    return LexborHTMLParser((folder / "out" / "index.html").read_text("utf-8"))


@pytest.fixture(scope="module")
def failure(tmp_path_factory):
    index = "# Title\n\n```{toctree}\n" + "\n".join(BAD) + "\n```\n"
    pages = {name: f"# {name}\n\n{text}\n" for name, (text, _) in BAD.items()}
    done = build(tmp_path_factory.mktemp("bad"), {"index": index} | pages)
    assert done.returncode == 1
    return done.stderr


def test_an_equation_has_the_number_of_its_label(page):
    numbers = [tag.text().rstrip("#¶") for tag in page.css(".eqno")]
    assert numbers == ["(78)", "(3)", "(12a)"]


def test_a_reference_shows_the_number_and_leads_to_the_equation(page):
    link = page.css_first('a[href="#equation-eq-78"]')
    assert link.text() == "(78)"
    assert page.css_first("#equation-eq-78")


def test_a_formula_is_html_and_mathml_without_a_script(page):
    formula = page.css_first("span.math")
    assert formula.css_first("math mfrac")
    assert formula.css(".katex-html")


def test_no_line_ends_or_begins_between_a_short_formula_and_its_marks(page):
    together = page.css(".with-its-marks")
    assert [tag.text(deep=False) for tag in together] == [".", "()."]
    assert together[0].css_first("span.math mfrac")
    assert page.css_first("p").text(deep=False).endswith("Two parts:  which may break. One ")


def test_the_marks_behind_a_formula_that_may_break_stand_in_room_that_it_keeps(page):
    (formula,) = page.css(".room-for-marks")
    assert len(formula.css(".katex-base")) == 2
    assert formula.next.html == '<span class="marks">,</span>'


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_fails_the_build_with_its_page_and_line(failure, name):
    lines = [line for line in failure.splitlines() if f"{name}.md:" in line]
    assert any(BAD[name][1] in line for line in lines), failure
