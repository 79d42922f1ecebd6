"""The site builds without a warning, and whatever its pages point to exists."""

import json
import re
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from addresses import find_addresses
from downloads import download_edition, settings, students_text
from practice import part_of
from selectolax.lexbor import LexborHTMLParser

import hw1lib
from hw1check import PROBLEMS

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
HOMEWORK = range(1, 98)


def links(page):
    for tag, attribute in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src")):
        for element in page.css(f"{tag}[{attribute}]"):
            yield element.attributes[attribute]


def test_every_internal_link_leads_to_a_file_and_an_anchor(pages):
    anchors = {path: {tag.id for tag in page.css("[id]")} for path, page in pages.items()}
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
    by_name = {(path.parent / path.stem).as_posix(): page for path, page in chapters.items()}
    in_order = [by_name[(ROOT / name).as_posix()] for name in order]
    numbers = [tag.text() for page in in_order for tag in page.css("div.math .eqno")]
    homework = [int(m[1]) for m in (re.match(r"\((\d+)\)", number) for number in numbers) if m]
    assert homework == list(HOMEWORK)


def test_a_reference_to_an_equation_shows_its_number(chapters):
    texts = {
        a.text()
        for page in chapters.values()
        for a in page.css('a[href*="#equation-eq-"]:not(.headerlink)')
    }
    assert texts
    assert all(re.fullmatch(r"\(\d+[a-z]?\)", text) for text in texts)


def test_every_formula_is_rendered_with_mathml(chapters):
    for path, page in chapters.items():
        assert all(formula.css_first("math") for formula in page.css(".math")), path
        assert not page.css(".katex-error"), path


def test_every_picture_has_a_text(chapters):
    for path, page in chapters.items():
        images, figures = page.css("article img"), page.css("article svg.figure")
        assert all((image.attributes.get("alt") or "").strip() for image in images), path
        assert all(figure.attributes.get("aria-label") for figure in figures), path


def content(page, name):
    (tag,) = page.css(f'meta[name="{name}"], meta[property="{name}"]')
    return tag.attributes["content"]


def test_every_page_has_a_title_and_a_description_of_its_own_and_one_first_heading(pages):
    titles = {page.css_first("title").text() for page in pages.values()}
    texts = {content(page, "description") for page in pages.values()}
    assert len(titles) == len(texts) == len(pages)
    assert all(len(text) >= 50 for text in texts)
    assert [path for path, page in pages.items() if len(page.css("h1")) != 1] == []


def test_every_page_has_its_address_and_the_data_of_a_preview_if_the_site_has_one(pages):
    base = find_addresses(ROOT).site
    for path, page in pages.items():
        name = path.relative_to(HTML).as_posix()
        assert content(page, "og:title")
        assert content(page, "og:description") == content(page, "description")
        if not base:
            assert not page.css('link[rel="canonical"], [property="og:url"], [property="og:image"]')
            continue
        address = content(page, "og:url")
        assert address.startswith("https://"), name
        assert address.endswith("/" + name)
        canonical = [link.attributes["href"] for link in page.css('link[rel="canonical"]')]
        assert canonical == ([] if name == "404.html" else [address])
        picture = content(page, "og:image").removeprefix(address.removesuffix(name))
        assert (HTML / picture).is_file()


def test_a_page_is_sent_one_stylesheet_and_only_the_search_page_its_index(pages):
    for path, page in pages.items():
        assert len(page.css('link[rel="stylesheet"]')) == 1, path
        scripts = " ".join(tag.attributes["src"] for tag in page.css("script[src]"))
        for name in ("searchindex", "places.js", "search-page.js"):
            assert (name in scripts) == (path.name == "search.html"), path
        assert "fontawesome" not in scripts, path


def test_the_pages_that_have_a_figure_to_touch_and_no_others_get_its_script(pages):
    have, get = (
        {path for path, page in pages.items() if page.css(selector)}
        for selector in (".touch-figure", 'script[src*="touch-figures.js"]')
    )
    assert len(have) >= 10
    assert have == get


def test_no_page_shows_an_unrendered_role_or_directive(chapters):
    for path, page in chapters.items():
        article = LexborHTMLParser(page.css_first("article").html)
        article.strip_tags(["pre", "code"])
        text = article.text()
        assert not re.search(r"\{(eq|cite|ref|doc)[:}]|:::|\$\$|```", text), path


def notebooks(chapters):
    return {path: page for path, page in chapters.items() if path.suffix == ".ipynb"}


def test_the_download_of_a_page_is_its_edition(chapters, site):
    addresses, title = find_addresses(ROOT), settings(ROOT)["title"]
    for path, page in notebooks(chapters).items():
        edition = download_edition(students_text(path), title, addresses)
        links = page.css('a.btn-download-source-button[href$=".ipynb"], a.download')
        assert len(links) == 1 + (path.parent.name == "practice"), path
        place = site / path.relative_to(ROOT).parent
        for link in links:
            download = (place / link.attributes["href"]).resolve()
            assert download.read_text("utf-8") == edition, path


def test_the_buttons_open_the_notebook_in_binder_and_its_edition_in_colab_where_there_are(chapters):
    repository, branch, _ = find_addresses(ROOT)
    place = urlparse(repository).path
    for path, page in notebooks(chapters).items():
        links = {
            link.text().strip(): link.attributes["href"]
            for link in page.css(".dropdown-launch-buttons a")
        }
        if not repository:
            assert links == {}
            continue
        name = path.relative_to(ROOT).as_posix()
        lab = name.replace("chapters/practice/", "student/")
        assert links == {
            "Binder": f"https://mybinder.org/v2/gh{place}/{branch}?urlpath=lab/tree/{lab}",
            "Colab": f"https://colab.research.google.com/github{place}/blob/colab/{name}",
        }
        (button,) = page.css(".dropdown-launch-buttons > button")
        assert button.attributes["aria-label"]
        assert not page.css(".dropdown-launch-buttons img")


def test_no_sentence_invites_to_what_is_not_there(pages):
    repository, _, _ = find_addresses(ROOT)
    for path, page in pages.items():
        text = page.css_first("main").text()
        assert repository or not re.search("rocket|Binder|Colab|example.org", text), path


def test_each_page_says_its_minutes_and_the_front_page_adds_them_up(chapters):
    found = {}
    for path, page in chapters.items():
        lines = [int(re.match(r"\d+", line.text())[0]) for line in page.css("p.minutes")]
        assert len(lines) == (path.suffix == ".ipynb" and path.parent.name != "practice"), path
        found.setdefault(path.parent.name, []).extend(lines)
    rows = chapters[ROOT / "index.md"].css("table tbody tr")
    stated = [int(row.css("td")[2].text()) for row in rows]
    assert stated == [sum(found[topic]) for topic in ("dropout", "batchnorm", "backprop")]


def test_the_licences_of_what_the_site_ships_are_on_it(site):
    for name in ("katex", "literata"):
        assert "Copyright" in (site / "_static" / f"{name}-LICENSE.txt").read_text("utf-8")
    for name in ("pyodide", "python", "numpy"):
        assert len((site / "_live" / f"{name}-LICENSE.txt").read_text("utf-8")) > 10_000


def formula(box):
    return box.css_first("annotation").text().strip()


def test_the_index_has_an_entry_of_each_equation_with_what_its_page_displays(pages, chapters):
    entries, shown = {}, {}
    for page in (page for path, page in pages.items() if path.parent.name == "equations"):
        for entry in page.css(".equation-index li"):
            number = int(entry.id.removeprefix("check-"))
            assert number not in entries
            entries[number] = formula(entry)
            function, path = entry.css_first(".test").text().split(" in ")
            assert f"def {function}(" in (ROOT / path).read_text("utf-8")
            assert len(entry.css(".test a")) == bool(find_addresses(ROOT).repository)
    for page in chapters.values():
        for box in page.css("div.math:has(.check-mark)"):
            shown[int(re.match(r"\((\d+)\)", box.css_first(".eqno").text())[1])] = formula(box)
    assert set(entries) == set(HOMEWORK)
    assert entries == shown


def test_no_page_has_more_boxes_than_a_phone_can_take(pages):
    def boxes(page):  # what scripts find: to them a <noscript> is a text
        return len(page.css("*")) - len(page.css("noscript *"))

    # Scripts add a few hundred: a button to each box of code.
    counts = {path.relative_to(HTML).as_posix(): boxes(page) for path, page in pages.items()}
    assert {name: count for name, count in counts.items() if count > 15_500} == {}


@pytest.fixture(scope="session")
def places(site):
    """Read the places that the search page knows: of each key the pages and anchors."""
    text = (site / "_static" / "places.js").read_text("utf-8")
    data = json.loads(text.removeprefix("const PLACES = ").removesuffix(";\n"))
    found = {}
    for key, _, page, anchor in data["places"]:
        found.setdefault(key, []).append((site / data["pages"][page][0], anchor))
    return found


def test_the_search_knows_the_place_of_each_equation_question_function_and_check(places):
    wanted = {*map(str, HOMEWORK), *hw1lib.__all__, *(problem.name for problem in PROBLEMS)}
    wanted |= {problem.question.removeprefix("beyond ") for problem in PROBLEMS}
    assert wanted - set(places) == set()
    assert {path.stem for path, _ in places["2.3"]} >= {"gradient_input", "gradients_parameters"}
    assert {path.stem for path, _ in places["2.3b"]} == {"gradient_input"}
    assert {path.stem for path, _ in places["dropout_scale"]} == {"mistakes_dropout", "dropout"}


def test_every_place_that_the_search_knows_is_there(places, pages):
    gone = [
        (path, anchor)
        for found in places.values()
        for path, anchor in found
        if anchor and not pages[path].css(f'[id="{anchor}"]')
    ]
    assert gone == []


def test_a_function_is_folded_under_its_signature_and_its_first_sentence(chapters):
    page = chapters[ROOT / "chapters" / "api.md"]
    for name in hw1lib.__all__:
        (fold,) = page.css(f'details[id$=".{name}"]')
        assert "open" not in fold.attributes
        summary = fold.css_first("summary")
        assert summary.text().startswith(f"{name}(")
        first = " ".join(getattr(hw1lib, name).__doc__.split("\n\n")[0].split())
        assert summary.css_first(".says").text().replace("\u2019", "'") == first


def test_a_question_is_folded_under_its_number_of_mistakes_each_wrong_line_by_the_right_one(
    chapters,
):
    topics = {"1": "dropout", "2": "batchnorm", "3": "backprop"}
    for problem in PROBLEMS:
        topic = topics[part_of(problem)]
        page = chapters[ROOT / "chapters" / "practice" / f"mistakes_{topic}.md"]
        (fold,) = page.css(f"#{problem.name.replace('_', '-')} > details")
        assert f"{len(problem.known)} mistakes" in fold.css_first("summary").text()
        shown = [[code.text() for code in entry.css(".line-pair code")] for entry in fold.css("li")]
        assert shown == [[*chain(*problem.lines.pairs(m.lines))] for m in problem.known]


def test_crawlers_get_a_map_of_the_site_if_it_has_an_address(site):
    assert (site / "sitemap.xml").exists() == bool(find_addresses(ROOT).site)
