"""Where the book is published: found on GitHub and in a clone, and nowhere typed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from addresses import Addresses, find_addresses
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).parent.parent

ADA = Addresses("https://github.com/Ada/book", "main", "https://ada.github.io/book/")
HERE = {"GITHUB_REPOSITORY": "Ada/book"}
BRANCH = HERE | {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "new"}
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    """Make a repository with the remote that a test gives."""

    def make(remote):
        git(tmp_path, "init", "--quiet")
        if remote:
            git(tmp_path, "remote", "add", "origin", remote)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (HERE, ADA),
        (BRANCH, ADA._replace(branch="new")),
        (HERE | {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1"}, ADA),
        ({"GITHUB_REPOSITORY": "ada/Ada.github.io"},
         Addresses("https://github.com/ada/Ada.github.io", "main", "https://ada.github.io/")),
        (HERE | {"BOOK_ADDRESS": "https://ada.org/hw"}, ADA._replace(site="https://ada.org/hw/")),
        ({"BOOK_ADDRESS": "https://ada.org/"}, Addresses(site="https://ada.org/")),
        ({}, Addresses()),
    ],
)  # fmt: skip
def test_the_environment_names_the_repository_and_with_it_the_site(tmp_path, environment, found):
    assert find_addresses(tmp_path, environment) == found


@needs_git
@pytest.mark.parametrize(
    "remote",
    ["https://github.com/Ada/book", "https://github.com/Ada/book.git",
     "https://ada:secret@github.com/Ada/book.git", "git@github.com:Ada/book.git",
     "ssh://git@github.com/Ada/book"],
)  # fmt: skip
def test_a_clone_names_its_remote_without_what_is_secret(clone, remote):
    assert find_addresses(clone(remote), {}) == ADA


@needs_git
@pytest.mark.parametrize("remote", [None, "/home/ada/book", "https://example.org/Ada/book.git"])
def test_where_no_remote_is_on_github_there_is_no_address(clone, remote):
    assert find_addresses(clone(remote), {}) == Addresses()


@needs_git
def test_a_folder_inside_of_another_repository_is_not_that_repository(clone):
    folder = clone("https://github.com/Ada/thesis") / "book"
    folder.mkdir()
    assert find_addresses(folder, {}) == Addresses()


@needs_git
def test_the_branch_is_the_one_that_the_remote_shows(clone):
    folder = clone("https://github.com/Ada/book")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert find_addresses(folder, {}).branch == "trunk"


def test_a_line_says_which_addresses_there_are():
    assert str(ADA) == (
        "The site is for https://ada.github.io/book/, its launch buttons open "
        "https://github.com/Ada/book."
    )
    assert str(Addresses()).startswith("The site has no launch buttons: neither GITHUB_REPOSITORY")
    assert str(Addresses()).endswith("Its canonical address: none.")
    assert "\n" not in str(ADA) + str(Addresses())


CONF = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "_extensions")!r})
extensions = ["myst_nb", "addresses", "page_metadata"]
html_theme = "sphinx_book_theme"
nb_execution_mode = "off"
html_theme_options = {{"launch_buttons": {{"colab_url": "https://colab.research.google.com"}}}}
"""
TEXT = "# Title\n\n```{only} published\nThe rocket opens it.\n```\n"


@pytest.mark.parametrize("place", ["Ada/book", ""])
def test_a_page_has_buttons_addresses_and_their_sentence_or_none_of_them(tmp_path, place):
    (tmp_path / "conf.py").write_text(CONF, encoding="utf-8")
    (tmp_path / "_static").mkdir()
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TEXT)]),
        tmp_path / "index.ipynb",
    )
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", "out"],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_REPOSITORY": place},
        check=True,
    )
    page = LexborHTMLParser((tmp_path / "out" / "index.html").read_text("utf-8"))
    here = {
        "button": bool(page.css(".dropdown-launch-buttons")),
        "canonical": bool(page.css('link[rel="canonical"]')),
        "preview": bool(page.css('[property="og:image"]')),
        "sentence": "rocket" in page.body.text(),
        "map": (tmp_path / "out" / "sitemap.xml").exists(),
        "robots": (tmp_path / "out" / "robots.txt").exists(),
    }
    assert here == dict.fromkeys(here, bool(place))
    if place:
        address = f"{ADA.site}index.html"
        assert page.css_first('link[rel="canonical"]').attributes["href"] == address
        assert f"<loc>{address}</loc>" in (tmp_path / "out" / "sitemap.xml").read_text("utf-8")
        robots = (tmp_path / "out" / "robots.txt").read_text("utf-8")
        assert f"Sitemap: {ADA.site}sitemap.xml" in robots
