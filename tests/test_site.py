"""The site builds without a warning, and whatever its pages point to exists."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
HOMEWORK = range(1, 98)


@pytest.fixture(scope="session")
def pages():
    """Build the site as `make book` does and parse each of its pages."""
    program = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    command = [program, "build", str(ROOT), "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        # A second build would not repeat the warnings.
        shutil.rmtree(ROOT / "_build", ignore_errors=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in HTML.rglob("*.html")
        if "_static" not in path.relative_to(HTML).parts  # templates of the theme
    }


@pytest.fixture(scope="session")
def chapters(pages):
    """Give the pages that people write."""
    written = [
        *(ROOT / "chapters").rglob("*.ipynb"),
        *(ROOT / "chapters").glob("*.md"),
        ROOT / "index.md",
    ]
    return {path: pages[HTML / path.relative_to(ROOT).with_suffix(".html")] for path in written}


def links(page):
    for tag, attribute in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src")):
        for element in page.find_all(tag, attrs={attribute: True}):
            yield element[attribute]


def test_every_internal_link_leads_to_a_file_and_an_anchor(pages):
    anchors = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    dead = []
    for path, page in pages.items():
        for link in links(page):
            if re.match(r"[a-z]+:|//", link):
                continue
            name, _, fragment = unquote(link).partition("#")
            target = (path.parent / name.partition("?")[0]).resolve() if name else path
            if not target.is_file() or (
                fragment and target in anchors and fragment not in anchors[target]
            ):
                dead.append(f"{path.relative_to(HTML)} -> {link}")
    assert dead == []


def test_every_equation_of_the_homework_is_displayed_once_in_order(chapters):
    order = re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    by_name = {
        path.relative_to(ROOT).with_suffix("").as_posix(): page for path, page in chapters.items()
    }
    numbers = [tag.get_text() for name in order for tag in by_name[name].select("div.math .eqno")]
    homework = [int(m[1]) for m in (re.match(r"\((\d+)\)", number) for number in numbers) if m]
    assert homework == list(HOMEWORK)


def test_a_reference_to_an_equation_shows_its_number(chapters):
    texts = {
        a.get_text()
        for page in chapters.values()
        for a in page.select('a[href*="#equation-eq-"]:not(.headerlink)')
    }
    assert texts
    assert all(re.fullmatch(r"\(\d+[a-z]?\)", text) for text in texts)


def test_every_formula_is_rendered_with_mathml(chapters):
    for path, page in chapters.items():
        formulas = page.select(".math")
        assert all(formula.find("math") for formula in formulas), path
        assert not page.select(".katex-error"), path


def test_every_picture_has_a_text(chapters):
    for path, page in chapters.items():
        article = page.find("article")
        assert all(image.get("alt", "").strip() for image in article.find_all("img")), path
        assert all(figure.get("aria-label") for figure in article.select("svg.figure")), path


def test_every_page_describes_itself(chapters):
    texts = [
        page.find("meta", attrs={"name": "description"})["content"] for page in chapters.values()
    ]
    assert all(len(text) >= 50 for text in texts)
    assert len(set(texts)) == len(texts)


def test_no_page_shows_an_unrendered_role_or_directive(chapters):
    for path, page in chapters.items():
        article = page.find("article")
        for code in article.find_all(["pre", "code"]):
            code.extract()
        text = article.get_text()
        assert not re.search(r"\{(eq|cite|ref|doc)[:}]|:::|\$\$|```", text), path
