"""Print the built site as one PDF: ``python _extensions/print_book.py``.

The pages of the site are put together to one page, which Chromium prints. So the PDF shows what the
site shows, its numbers and its links included, and no page is rendered twice. Sphinx's singlehtml
builder would do it less well: it mixes up equal names on different pages, such as "summary", and
it runs neither the directives nor the extensions that are for the builder html.

It is printed twice: the second time with the page numbers that the first print shows.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from html import escape, unescape
from pathlib import Path
from posixpath import dirname, join, normpath

import matplotlib
import pikepdf
import yaml
from downloads import settings, take_along
from playwright.sync_api import sync_playwright
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).parent.parent
STYLE = Path(__file__).with_suffix(".css")
NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = "printing the book needs Chromium; on Debian: apt-get install chromium"
# What is of use on a screen only.
SCREEN_ONLY = (
    ".tag_answer-place, script, button, .headerlink, .controls, .take-along, .toctree-wrapper"
)
# Pages to look something up in: a reader of paper has no use for them, and they are long.
TOPICS = ("dropout", "batchnorm", "backprop")
SITE_ONLY = ("chapters/api", *(f"chapters/practice/mistakes_{topic}" for topic in TOPICS))
# The width of the text, in pixels: A4 without the margins that the stylesheet sets.
COLUMN = 627
# Makes what is wider than the column smaller, and gives what still is.
FIT = """(column) => {
  const room = (box) => box.matches("table") ? box.parentElement.clientWidth : box.clientWidth;
  const over = (box) => Math.max(1, box.scrollWidth - 3) / Math.max(1, room(box));
  for (const box of document.querySelectorAll(".formula, dt.sig, pre, table, p, li")) {
    for (let size = 100; over(box) > 1 && size > 50; ) {
      size = Math.min(size - 2, size / over(box));
      box.style.fontSize = size + "%";
    }
  }
  const sticksOut = (box) => box.getBoundingClientRect().right > column + 1;
  return [...document.querySelectorAll(".katex-base, .eqno, svg.figure, .marks, img, pre, table")]
    .filter(sticksOut)
    .map((box) => `${box.closest("[id]").id}: ${box.textContent.slice(0, 60)}`);
}"""
# Writes the page numbers behind the links that ask for them; until then there is room for one.
FILL_IN = """(numbers) => document.querySelectorAll("a[data-page]").forEach((link) =>
  link.dataset.page = numbers[link.getAttribute("href").slice(1)])"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((heading) =>
  heading.textContent.replace(/\\s+/g, " ").trim())"""


def slug(docname):
    """Give the name that a page has inside the one page."""
    return docname.replace("/", "-")


def parts_of(root):
    """Give the title and the pages of each part, in the book's order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))

    def files(pages):
        for page in pages:
            yield page["file"]
            yield from files(page.get("sections", ()))

    parts = [(part["caption"], list(files(part["chapters"]))) for part in toc["parts"]]
    return [("", [toc["root"]]), *parts]


def printed(page):
    """Take out of a page what is of use on a screen only, and unfold the rest."""
    article = page.css_first("article.bd-article")
    for element in article.css(SCREEN_ONLY):
        element.decompose()
    for choice in article.css(".guess details"):
        # On paper the text that follows says what holds: the verdicts would give it away.
        text = choice.css_first("summary").inner_html
        choice.replace_with(LexborHTMLParser(f"<div>{text}</div>").body.child)
    for details in article.css("details"):
        details.attrs["open"] = ""
    # The MathML would be printed a second time. Screen readers are told the LaTeX in its place.
    for formula in article.css(".katex"):
        latex = formula.css_first("annotation").text().strip()
        formula.css_first(".katex-mathml").decompose()
        formula.attrs["role"], formula.attrs["aria-label"] = "img", latex
    return article


def renamed(html, docname, pages, base):
    """Make the names of a page unique, and let its links lead to the pages of the one page."""

    def link(match):
        address, _, fragment = unescape(match[1]).partition("#")
        if re.match(r"[a-z]+:", address):
            return match[0]
        path = normpath(join(dirname(docname), address)) if address else f"{docname}.html"
        target = path.removesuffix(".html")
        if target not in pages:
            return f'href="{base}{path}"' if base else ""
        return f'href="#{slug(target)}{"--" + fragment if fragment else ""}"'

    def source(match):
        return f'src="{normpath(join(dirname(docname), match[1]))}"'

    def tag(match):
        text = re.sub(r'(\sid=")', rf"\1{slug(docname)}--", match[0])
        text = re.sub(r'\bhref="([^"]*)"', link, text)
        text = re.sub(r'\bsrc="([^":]*)"', source, text)
        text = text.replace("url(#", f"url(#{slug(docname)}--")
        # The book is above its parts, and these above the pages.
        return re.sub(r"^(</?h)([1-5])\b", lambda m: f"{m[1]}{int(m[2]) + 1}", text)

    return re.sub(r"<[^<>]+>", tag, html)


def linked_solutions(article, path):
    """Let a practice page lead to its solutions, which are on a page of their own; give these."""
    if not path.exists():
        return ""
    for link in article.css(".answer-link a"):
        link.attrs["href"] = f"#{link.attributes['href'].partition('#')[2]}"
        link.attrs["data-page"] = "000"
    # It says that one may write the answers on the page.
    for download in article.css("a.download"):
        download.parent.inner_html = "The solutions stand at the end of the book."
    sections = printed(LexborHTMLParser(path.read_text(encoding="utf-8"))).css("section section")
    for section in sections:
        section.css_first("h2 ~ p a").attrs["data-page"] = "000"
    return "".join(section.html for section in sections)


def chapters(site, root):
    """Give the HTML of each part, and that of the solutions."""
    parts = parts_of(root)
    names = {name for _, pages in parts for name in pages} - {*SITE_ONLY}
    index = LexborHTMLParser((site / "index.html").read_text(encoding="utf-8"))
    canonical = index.css_first('link[rel="canonical"]')
    base = canonical.attributes["href"].removesuffix("index.html") if canonical else ""
    solutions, titles, written = [], {}, []
    for caption, pages in parts:
        texts = []
        for name in pages:
            page = LexborHTMLParser((site / f"{name}.html").read_text(encoding="utf-8"))
            article = printed(page)
            heading = article.css_first("h1")
            if not caption:
                heading.inner_html = "About this book"
            titles[name] = heading.inner_html
            if name in SITE_ONLY:
                continue
            path = site / f"{name}_solutions.html"
            if moved := linked_solutions(article, path):
                moved = f'<section id="solutions"><h1>{titles[name]}</h1>{moved}</section>'
                solutions.append(renamed(moved, name, names, base))
            text = renamed(article.inner_html, name, names, base)
            texts.append(f'<article class="chapter" id="{slug(name)}">{text}</article>')
        written.append((caption, pages, texts))
    return written, titles, solutions


def assemble(site, root, date):
    """Put the pages of the site together to one."""
    config = settings(root)
    parts, titles, solutions = chapters(site, root)
    contents, body, heads = [], [], []
    for number, (caption, pages, texts) in enumerate(parts):
        entries = [
            f"<li>{titles[name]} (on the site only)</li>"
            if name in SITE_ONLY
            else f'<li><a data-page="000" href="#{slug(name)}">{titles[name]}</a></li>'
            for name in pages
        ]
        if caption:
            body.append(part(f"part-{number}", caption, entries))
            contents.append(entry(f"part-{number}", caption))
        contents.append(f"<ul>{''.join(entries)}</ul>")
        body += texts
        heads += [(slug(name), caption, titles[name]) for name in pages if name not in SITE_ONLY]
    about = "Solutions of the exercises"
    body += [part("solutions", about, []), *solutions]
    contents.append(entry("solutions", about))
    return PAGE.format(
        title=escape(config["title"]),
        style=STYLE.read_text(encoding="utf-8").replace(
            "FONTS", (Path(matplotlib.get_data_path()) / "fonts" / "ttf").as_uri()
        ),
        heads="\n".join(running_head(*head) for head in heads),
        base=site.resolve().as_uri(),
        date=date,
        author=escape(config["author"]),
        contents="\n".join(contents),
        body="\n".join(body),
    )


PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
<base href="{base}/">
<link rel="stylesheet" href="_static/site.css">
<style>{style}
{heads}</style>
</head>
<body>
<header>
<img src="_static/logo.svg" alt="">
<h1>{title}</h1>
<p>An executable companion to a homework on dropout, batch normalization, back-propagation, and the
Xavier and Kaiming initializations, with the solutions of its exercises</p>
<p>{author}</p>
<p>{date}</p>
</header>
<nav>
<h1>Contents</h1>
{contents}
</nav>
<main>
{body}
</main>
</body>
</html>
"""


def entry(name, title):
    """Give a part's line of the contents."""
    return f'<p><a data-page="000" href="#{name}">{title}</a></p>'


def part(name, title, entries):
    """Give the page on which a part begins."""
    contents = f"<ul>{''.join(entries)}</ul>" if entries else ""
    return f'<section class="part" id="{name}"><h1>{title}</h1>{contents}</section>'


def running_head(name, part, title):
    """Give the style of a page's head line: its part and its title."""
    left, right = (
        '"{}"'.format(unescape(re.sub(r"<[^>]+>", "", text)).replace('"', r"\""))
        for text in (part, title)
    )
    return (
        f"#{name} {{ page: {name} }} "
        f"@page {name} {{ @top-left {{ content: {left} }} @top-right {{ content: {right} }} }}"
    )


def date_of(root):
    """Give the moment of SOURCE_DATE_EPOCH or of the last commit, None where there is neither."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if not seconds:
        command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
        seconds = subprocess.run(command, capture_output=True, text=True).stdout
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.strip() else None


def page_numbers(path):
    """Give the page on which each name of a PDF stands."""
    with pikepdf.open(path) as pdf:
        pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages, start=1)}
        return {name[1:]: pages[place[0].objgen] for name, place in pdf.Root.Dests.items()}


def entries_of(item):
    """Give the entries of an outline, in order, from the first one."""
    while item is not None:
        yield item
        yield from entries_of(item.get("/First"))
        item = item.get("/Next")


def finish(path, moment, titles):
    """Date a PDF, mend its outline, and pack it to half of its size; give its number of pages."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for name in ("/CreationDate", "/ModDate"):
            del pdf.docinfo[name]  # Chromium notes the time of the printing.
            if moment:
                pdf.docinfo[name] = moment.strftime("D:%Y%m%d%H%M%S+00'00'")
        # Chromium garbles the title of a heading that has two lines or begins a page.
        for item, title in zip(entries_of(pdf.Root.Outlines.First), titles, strict=True):
            item.Title = title
        packed = pikepdf.ObjectStreamMode.generate
        pdf.save(path, object_stream_mode=packed, deterministic_id=True)
        return len(pdf.pages)


def print_page(chromium, source, target):
    """Print the one page, twice; give the titles of its headings."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": COLUMN, "height": 900})
        page.set_default_timeout(0)
        page.emulate_media(media="print")
        page.goto(source.as_uri())
        page.evaluate("document.fonts.ready.then(() => 0)")
        if wide := page.evaluate(FIT, COLUMN):
            sys.exit("wider than the paper:\n" + "\n".join(wide))
        page.pdf(path=target, prefer_css_page_size=True)
        numbers = page_numbers(target)
        page.evaluate(FILL_IN, numbers)
        titles = page.evaluate(HEADINGS)
        page.pdf(path=target, prefer_css_page_size=True, outline=True, tagged=True)
        browser.close()
    if page_numbers(target) != numbers:
        sys.exit("the page numbers changed the pages")
    return titles


def main(root=ROOT, target=None):
    """Print the book and say where it is."""
    chromium = next((path for path in map(shutil.which, NAMES) if path), None)
    if chromium is None:
        sys.exit(ADVICE)
    site = root / "_build" / "html"
    target = target or take_along(root)["pdf"]
    target.parent.mkdir(parents=True, exist_ok=True)
    moment = date_of(root)
    date = f"{moment.day} {moment:%B %Y}" if moment else ""
    source = target.with_suffix(".html")
    source.write_text(assemble(site, root, date), encoding="utf-8")
    titles = print_page(chromium, source, target)
    source.unlink()
    count = finish(target, moment, titles)
    megabytes = target.stat().st_size / 1e6
    print(f"{count} pages, {megabytes:.1f} MB: file://{target}")


if __name__ == "__main__":
    main()
