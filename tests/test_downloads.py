"""What a reader takes along: the PDF, the zip, the notebooks and their editions for Colab."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
from addresses import Addresses
from downloads import download_edition, students_text, take_along, write_colab_editions
from pack_site import pack, without_itself
from print_book import SITE_ONLY, assemble, date_of, main, parts_of, slug
from pypdf import PdfReader
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).parent.parent
ADDRESSES = Addresses("https://github.com/ada/book", "main", "https://ada.github.io/book/")
INSTALL = """\
!git clone --quiet --depth 1 --branch main https://github.com/ada/book book
%pip install -q ./book
%cd -q book/"""
NOTEBOOKS = sorted((ROOT / "chapters").rglob("*.ipynb"))
PRACTICE = ROOT / "chapters" / "practice"
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "_extensions")!r})
extensions = ["myst_parser", "downloads"]
"""


def source_of(cell):
    return "".join(cell["source"])


@pytest.fixture(scope="session")
def editions(tmp_path_factory):
    """Write the editions for Colab of all notebooks, and read them."""
    target = tmp_path_factory.mktemp("colab")
    write_colab_editions(ROOT, target, ADDRESSES)
    return {path: (target / path.relative_to(ROOT)).read_text("utf-8") for path in NOTEBOOKS}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def path(request):
    return request.param


def test_an_edition_for_colab_installs_hw1lib_first_and_nothing_else_changes(path, editions):
    edition, cells = json.loads(editions[path]), json.loads(path.read_text("utf-8"))["cells"]
    nbformat.validate(nbformat.from_dict(edition))
    first, *rest = edition["cells"]
    assert source_of(first) == INSTALL + path.parent.relative_to(ROOT).as_posix()
    if path.parent == PRACTICE:
        assert not [c for c in rest if "solution" in c["metadata"].get("tags", [])]
        assert "<summary>Solution" not in editions[path]
        return
    kept = [source_of(cell).replace('enable("mimetype")', 'enable("colab")') for cell in cells]
    assert [source_of(cell) for cell in rest] == kept
    assert [cell.get("outputs") for cell in rest] == [cell.get("outputs") for cell in cells]


@pytest.mark.parametrize("addresses", [Addresses(), ADDRESSES], ids=["no address", "address"])
def test_a_download_says_first_how_to_get_hw1lib_and_nothing_else_changes(path, addresses):
    text = students_text(path)
    edition = json.loads(download_edition(text, "The book", addresses))
    about, notice, *rest = edition["cells"]
    assert rest == json.loads(text)["cells"]
    command = "pip install '.[book]'"
    if addresses.repository:
        command = f'pip install "homework-1-checked[book] @ git+{addresses.repository}"'
    assert command in about["source"]
    assert (f"[The book]({addresses.site})" in about["source"]) == bool(addresses.site)
    assert command in notice["source"]
    nbformat.validate(nbformat.from_dict(edition))


def test_a_practice_page_is_handed_out_without_its_solutions():
    for path in PRACTICE.glob("*.ipynb"):
        text = students_text(path)
        assert '"solution"' not in text
        assert "<summary>Solution" not in text


@pytest.mark.parametrize("stranger", [None, "rate = 3"], ids=["none", "another package"])
def test_a_download_notices_a_missing_hw1lib_and_a_strangers(tmp_path, stranger):
    """Run the first cell of a download where `hw1lib` is not ours."""
    if stranger:
        (tmp_path / "hw1lib.py").write_text(stranger)
    edition = download_edition('{"cells": []}', "The book", ADDRESSES)
    source = json.loads(edition)["cells"][1]["source"]
    command = [sys.executable, "-S", "-c", source]  # -S: nothing that is installed
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    last = done.stderr.partition("ImportError: ")[2]
    assert last.splitlines() == [
        "This notebook needs the book's own hw1lib, not the index's package of that name. Run",
        f'python -m pip install "homework-1-checked[book] @ git+{ADDRESSES.repository}"',
        "and start the kernel again.",
    ]
    here = subprocess.run([sys.executable, "-c", source], cwd=tmp_path.parent, capture_output=True)
    assert here.returncode == 0


def test_the_distribution_has_the_name_that_the_downloads_give():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    command = download_edition('{"cells": []}', "The book", ADDRESSES)
    assert f'install \\"{project["name"]}[book]' in command


def build(folder):
    """Build a book of one page that has the directive; give its front page."""
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "-b", "html", ".", "_build/html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return LexborHTMLParser((folder / "_build" / "html" / "index.html").read_text("utf-8"))


def test_the_front_page_links_to_each_file_when_it_exists_and_only_then(tmp_path):
    (tmp_path / "conf.py").write_text(CONF, encoding="utf-8")
    (tmp_path / "_config.yml").write_text("title: A book, small", encoding="utf-8")
    (tmp_path / "index.md").write_text("# Title\n\n```{take-along}\n```\n", encoding="utf-8")
    (tmp_path / "chapters" / "practice").mkdir(parents=True)
    paths, site = take_along(tmp_path), tmp_path / "_build" / "html"
    names = {kind: path.name for kind, path in paths.items()}
    assert names == {"pdf": "a-book-small.pdf", "zip": "a-book-small.zip"}
    for kinds in (["pdf"], ["pdf", "zip"], []):
        for kind, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if kind in kinds:
                path.write_bytes(b"x" * 7_000_000)
        page = build(tmp_path)
        links = [link.attributes["href"] for link in page.css(".take-along a")]
        assert links == [names[kind] for kind in kinds]
        assert [kind for kind in names if (site / names[kind]).exists()] == kinds
        assert page.body.text().count("(7 MB)") == len(kinds)


@pytest.fixture
def small_site(tmp_path):
    """Make a folder that looks like a site with both files."""
    site = tmp_path / "html"
    (site / "chapters").mkdir(parents=True)
    (site / "index.html").write_text(
        '<p class="take-along"><b>Take it along.</b>'
        '<span class="take-along-pdf"> <a href="book.pdf">PDF</a></span>'
        '<span class="take-along-zip"> <a href="book.zip">zip</a></span></p>',
        encoding="utf-8",
    )
    for name in ("chapters/b.html", "chapters/a.html", "book.pdf", "book.zip"):
        (site / name).write_text(name, encoding="utf-8")
    return site


def test_the_zip_is_the_site_in_one_folder_without_itself(small_site, tmp_path):
    pack(small_site, tmp_path / "zip" / "book.zip")
    with zipfile.ZipFile(tmp_path / "zip" / "book.zip") as archive:
        assert archive.namelist() == [
            f"book/{name}"
            for name in ("book.pdf", "chapters/a.html", "chapters/b.html", "index.html")
        ]
        assert archive.read("book/chapters/a.html") == b"chapters/a.html"
        front = LexborHTMLParser(archive.read("book/index.html").decode())
    assert [link.attributes["href"] for link in front.css("a")] == ["book.pdf"]


def test_the_same_site_gives_the_same_zip_whenever_it_is_written(small_site, tmp_path):
    pack(small_site, tmp_path / "1" / "book.zip")
    for path in reversed(list(small_site.rglob("*.html"))):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)  # another time, another order in the folder
    pack(small_site, tmp_path / "2" / "book.zip")
    assert (tmp_path / "1" / "book.zip").read_bytes() == (tmp_path / "2" / "book.zip").read_bytes()


def test_where_the_zip_is_alone_nothing_is_left_of_its_paragraph():
    text = '<p class="take-along"><span class="take-along-zip"><a href="b.zip">zip</a></span></p>'
    assert not LexborHTMLParser(without_itself(text)).css("p")


def test_binder_has_the_students_editions_and_the_pinned_packages():
    binder = ROOT / ".binder"
    assert "-r ../requirements.txt" in (binder / "requirements.txt").read_text(encoding="utf-8")
    assert (binder / "runtime.txt").read_text(encoding="utf-8") == "python-3.11\n"
    script = (binder / "postBuild").read_text(encoding="utf-8")
    command = re.search(r"^python (\S+) \. student$", script, re.MULTILINE)
    assert (ROOT / command[1]).is_file()
    assert (binder / "postBuild").stat().st_mode & 0o111


@pytest.fixture(scope="session")
def one_page(site):
    """Put the pages together as they are printed."""
    return LexborHTMLParser(assemble(site, ROOT, "1 January 2026"))


@pytest.mark.site
def test_on_the_printed_page_every_name_is_unique_and_every_link_inside_leads_to_one(one_page):
    names = [tag.id for tag in one_page.css("[id]")]
    assert len(names) == len(set(names)) > 1000
    links = {link.attributes["href"] for link in one_page.css("a[href]")}
    assert {link for link in links if link.startswith("#")} <= {f"#{name}" for name in names}
    assert all(re.match("#|https?://", link) for link in links)


@pytest.mark.site
def test_the_printed_page_has_no_script_and_each_formula_once(one_page):
    assert not one_page.css("script, button, math, .take-along")
    assert len(one_page.css(".katex")) == len(one_page.css(".katex-html")) > 1000


@pytest.mark.site
def test_paper_leaves_out_the_pages_to_look_up_in_and_says_where_they_are(one_page):
    assert not [name for name in SITE_ONLY if one_page.css(f"#{slug(name)}")]
    entries = [entry.text() for entry in one_page.css("nav li")]
    assert sum("(on the site only)" in entry for entry in entries) == len(SITE_ONLY)
    assert not one_page.css("noscript, details:not([open])")


@pytest.mark.site
def test_each_exercise_and_its_solution_at_the_end_lead_to_each_other(one_page):
    ends = one_page.css("#solutions ~ section section[id]")
    exercises = sum(path.read_text("utf-8").count('"stub"') for path in PRACTICE.glob("*.ipynb"))
    assert len(ends) == exercises > 0
    for end in ends:
        name = end.id.replace("--solution-", "--")
        assert end.css(f'a[data-page][href="#{name}"]')
        assert one_page.css(f'[id="{name}"] a[data-page][href="#{end.id}"]')
        assert end.css(".tag_solution")
        assert not one_page.css(f'[id="{name}"] .tag_solution')


MILLIMETRE = 72 / 25.4
MARGIN = 22 * MILLIMETRE
# The head line is above, the page number below.
TOP, BOTTOM = 24 * MILLIMETRE, 24 * MILLIMETRE


@pytest.fixture(scope="session")
def pdf(site, chromium, tmp_path_factory):
    """Print the book."""
    target = tmp_path_factory.mktemp("pdf") / "book.pdf"
    main(ROOT, target)
    return PdfReader(target)


@pytest.fixture(scope="session")
def texts(pdf):
    """Return each page's pieces of text, with their places in points."""
    pages = []
    for page in pdf.pages:
        pieces = []

        def note(text, matrix, text_matrix, font, size, pieces=pieces):
            if text.strip():
                a, b, c, d, e, f = matrix
                x, y = text_matrix[4:]
                pieces.append((text.strip(), x * a + y * c + e, x * b + y * d + f))

        page.extract_text(visitor_text=note)
        pages.append(pieces)
    return pages


def words(text):
    return re.sub(r"\W+", " ", text).strip()


def walk(outline):
    """Return the entries of an outline, in order."""
    for item in outline:
        if isinstance(item, list):
            yield from walk(item)
        else:
            yield item


@pytest.mark.site
def test_the_pdf_has_every_part_and_page_in_its_outline_and_the_solutions_last(pdf, site):
    outline = [(words(item.title), item) for item in walk(pdf.outline)]
    wanted = ["Contents", "About this book"]
    for caption, names in parts_of(ROOT)[1:]:
        paths = [site / f"{name}.html" for name in names if name not in SITE_ONLY]
        pages = [LexborHTMLParser(path.read_text("utf-8")) for path in paths]
        headings = [page.css_first("h1").text() for page in pages]
        wanted += map(words, (caption, *headings))
    wanted.append("Solutions of the exercises")
    found = [title for title, _ in outline]
    assert [title for title in wanted if title not in found] == []
    places = [found.index(title) for title in wanted]
    assert places == sorted(places)
    last = pdf.get_destination_page_number(outline[places[-1]][1])
    assert 100 < last < len(pdf.pages)


@pytest.mark.site
def test_the_pdf_shows_every_equation_number(texts):
    text = "\n".join(piece for page in texts for piece, *_ in page)
    found = {int(number) for number in re.findall(r"\((\d+)\)\s*\u2713", text)}
    assert set(range(1, 98)) - found == set()


@pytest.mark.site
def test_no_page_of_the_pdf_is_blank_and_no_text_stands_in_the_margin(pdf, texts):
    blank, outside = [], []
    for number, (page, pieces) in enumerate(zip(pdf.pages, texts, strict=True), start=1):
        height, width = float(page.mediabox.height), float(page.mediabox.width)
        inside = [piece for piece in pieces if BOTTOM < piece[2] < height - TOP + 1]
        if not inside:
            blank.append(number)
        outside += [
            (number, *piece) for piece in pieces if not MARGIN - 2 < piece[1] < width - MARGIN + 2
        ]
    assert blank == []
    assert outside == []


@pytest.mark.site
def test_every_link_inside_the_pdf_leads_somewhere(pdf):
    names = {name.lstrip("/") for name in pdf.named_destinations}
    dead, count = set(), 0
    for page in pdf.pages:
        for note in page.get("/Annots") or ():
            link = note.get_object()
            if "/Dest" in link:
                count += 1
                if str(link["/Dest"]).lstrip("/") not in names:
                    dead.add(link["/Dest"])
            elif "/A" in link:
                address = link["/A"].get_object().get("/URI", "")
                if not re.match("https?://", address):
                    dead.add(address)
    assert count > 1000
    assert dead == set()


@pytest.mark.site
def test_the_pdf_is_dated_by_the_last_commit_and_not_by_the_clock(pdf):
    moment = date_of(ROOT)
    if moment is None:
        pytest.skip("no repository and no SOURCE_DATE_EPOCH here")
    assert pdf.metadata.creation_date == moment
