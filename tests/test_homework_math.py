"""The maths extension: the homework's numbers, and KaTeX while building."""

import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

EXTENSIONS = Path(__file__).parent.parent / "_extensions"
CONF = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["myst_parser", "homework_math"]
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "katex"
math_numfig = False
"""


@pytest.fixture
def build(tmp_path):
    def run(page):
        (tmp_path / "conf.py").write_text(CONF, encoding="utf-8")
        (tmp_path / "index.md").write_text(f"# Title\n\n{page}\n", encoding="utf-8")
        command = [
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-n",
            "-q",
            str(tmp_path),
            str(tmp_path / "out"),
        ]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
        html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
        return done, BeautifulSoup(html, "html.parser")

    return run


def test_an_equation_has_the_number_of_its_label(build):
    done, page = build("$$\nx\n$$ (eq-78)\n\n$$\ny\n$$ (eq-3)\n\n$$\nz\n$$ (eq-12a)\n\n$$\nw\n$$")
    assert done.returncode == 0, done.stderr
    numbers = [tag.get_text().rstrip("#¶") for tag in page.select(".eqno")]
    assert numbers == ["(78)", "(3)", "(12a)"]


def test_a_reference_shows_the_number_and_leads_to_the_equation(build):
    done, page = build("See {eq}`eq-78`.\n\n$$\nx\n$$ (eq-78)")
    assert done.returncode == 0, done.stderr
    link = page.find("a", href="#equation-eq-78")
    assert link.get_text() == "(78)"
    assert page.find(id="equation-eq-78")


def test_a_formula_is_html_and_mathml_without_a_script(build):
    done, page = build("Inline $\\frac{a}{b}$.")
    assert done.returncode == 0, done.stderr
    formula = page.select_one("span.math")
    assert formula.find("math").find("mfrac")
    assert formula.select(".katex-html")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("Some text.\n\nA formula $\\frac{a}$ is broken.", "formula does not parse"),
        ("$$\n\\undefinedcommand\n$$", "formula does not parse"),
        ("$$\nx\n$$ (energy)", "not of the form eq-78"),
        ("See {eq}`eq-99`.", "eq-99"),
        ("$$\nx\n$$ (eq-1)\n\n$$\ny\n$$ (eq-1)", "duplicate label of equation eq-1"),
    ],
)
def test_a_mistake_fails_the_build_with_its_page(build, page, message):
    done, _ = build(page)
    assert done.returncode == 1
    assert message in done.stderr
    assert "index.md:" in done.stderr
