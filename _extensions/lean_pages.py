"""Sphinx extension: a page is sent what it uses, and nothing else.

The theme loads eleven stylesheets, all of Font Awesome twice and the index of the search on every
page. When the site is built, this keeps one stylesheet with the rules that some page can use, the
fonts with the signs that some page shows, and on each page the scripts that find something to do
there. Thebe goes altogether: it is switched off, yet its settings are written twice, which is an
error on every page, and they name a server elsewhere.
"""

import base64
import hashlib
import logging
import posixpath
import re
from pathlib import Path

import tinycss2
from fontTools import subset
from selectolax.lexbor import LexborHTMLParser
from sphinx.util.logging import getLogger

logger = getLogger(__name__)

BUNDLE = "_static/site.css"
FONTS = "_static/subset"
# Asks for the fonts before the text comes that is set in them.
EARLY = """for (const font of document.fonts)
  if (/^(KaTeX_|.?Font Awesome)/.test(font.family)) font.load();"""
# A script, and what must be on a page for it to be of use. "never" is no element.
SCRIPTS = {
    "fontawesome.js": "never",
    "thebe": "never",
    "searchtools.js": "#search-results",
    "language_data.js": "#search-results",
    "searchindex.js": "#search-results",
    "folds.js": "details",
    "togglebutton.js": ".toggle, .admonition.dropdown",
    "design-tabs.js": ".sd-tab-set",
    "clipboard.min.js": "div.highlight",
    "copybutton.js": "div.highlight",
}
# Inline scripts whose settings nothing reads.
SETTINGS = re.compile(r"DOCUMENTATION_OPTIONS\.\w+ =|kernelName =")
# Classes that scripts put together out of pieces.
COMPOSED = re.compile(r"bs-|tooltip|dropdown|modal|collaps|show$|fade$")
# Where the theme looks at all boxes that may scroll; scroll-boxes.js looks at those in sight.
THEME_SCRIPT = "_static/scripts/pydata-sphinx-theme.js"
ALL_BOXES = re.compile(r'document\.querySelectorAll\(\["pre",[^\]]*\]\.join\(", "\)\)')
# 5 MB of files that no page asks for.
UNUSED_FILES = ("scripts/fontawesome*", "vendor/fontawesome/webfonts/*", "fonts/KaTeX*", "**/*.map")


def site_pages(out):
    """Give the pages of the site; below _static there are templates of the theme."""
    return [
        path for path in sorted(out.rglob("*.html")) if path.relative_to(out).parts[0][0] != "_"
    ]


def write_changed(path, text):
    """Write a file, unless it says the same already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def drop_scripts(page):
    """Take out the scripts that find nothing to do on a page, and defer the others."""
    for script in page.css("script"):
        source = script.attributes.get("src") or ""
        if source:
            needs = next((SCRIPTS[name] for name in SCRIPTS if name in source), None)
            if needs and not page.css(needs):
                script.decompose()
            else:
                script.attrs["defer"] = ""
        elif "thebe" in script.html.lower() or SETTINGS.search(script.text()):
            script.decompose()
    # Loaded ahead of the stylesheet, scripts would only delay the first sight of the page.
    for link in page.css('link[rel="preload"][as="script"]'):
        link.decompose()


def stylesheets(page):
    """Give the theme's stylesheets of a page, as paths below the site's folder."""
    links = page.css('head link[rel="stylesheet"]')
    return [(link, re.sub(r"^(\.\./)*|\?.*", "", link.attributes["href"])) for link in links]


def words_of(texts, pattern):
    """Give the set of words that a pattern finds in texts, split at blanks."""
    return {word for text in texts for match in pattern.findall(text) for word in match.split()}


def used_classes(pages, scripts):
    """Give every class of a page, and every word of a script, which may be a class."""
    return words_of(pages, re.compile(r'\bclass="([^"]*)"')) | words_of(
        scripts, re.compile(r"[A-Za-z_][\w-]*")
    )


def can_match(selector, classes):
    """Say whether a selector can match: each of its classes is used somewhere."""
    # What stands in brackets may be an exception or one of several: it does not count.
    while "(" in selector:
        shorter = re.sub(r"\([^()]*\)", "", selector)
        if shorter == selector:
            return True
        selector = shorter
    names = re.findall(r"\.(-?[A-Za-z_][\w-]*)", selector)
    return all(name in classes or COMPOSED.match(name) for name in names)


def split_selectors(text):
    """Split a list of selectors at the commas outside brackets."""
    return re.split(r",(?![^(\[]*[)\]])", text)


def purged(rules, classes):
    """Give the text of the rules that can match, and the comments that state a licence."""
    parts = []
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):
            parts.append(rule.serialize())
        elif rule.type == "qualified-rule":
            selectors = split_selectors(tinycss2.serialize(rule.prelude))
            kept = [selector.strip() for selector in selectors if can_match(selector, classes)]
            if kept:
                parts.append(f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inside = purged(tinycss2.parse_rule_list(rule.content, skip_whitespace=True), classes)
            if inside:
                prelude = tinycss2.serialize(rule.prelude).strip()
                parts.append(f"@{rule.at_keyword} {prelude}{{{inside}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            parts.append(rule.serialize())
    return "\n".join(parts)


def load_css(out, name):
    """Read a stylesheet with what it imports, its addresses relative to the bundle."""
    text = (out / name).read_text(encoding="utf-8")
    folder = posixpath.dirname(name)

    def imported(match):
        return load_css(out, posixpath.normpath(posixpath.join(folder, match[1])))

    def address(match):
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        return f"url({posixpath.relpath(target, posixpath.dirname(BUNDLE))})"

    text = re.sub(r'url\(["\']?(?!data:|[\'"]?#)([^)"\']+)["\']?\)', address, text)
    return re.sub(r'@import "([^"]+)";', imported, text)


def subset_font(source, target, signs):
    """Write a font with some signs of another."""
    options = subset.Options(flavor="woff2", name_IDs=["*"])  # The names state the licence.
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=signs)
    subsetter.subset(font)
    target.parent.mkdir(exist_ok=True)
    subset.save_font(font, target, options)


def styles(declarations):
    """Give the family, weight and style that a font's face, or a rule, states."""
    found = [
        re.search(rf"font-{name}:([\w-]+)", declarations) for name in ("family", "weight", "style")
    ]
    return [match and match[1] for match in found]


def formula_signs(pages, css, face):
    """Give the signs that formulas show in one of KaTeX's fonts, by the rules that ask for it."""
    family, weight, style = styles(face)
    plain = (family, weight, style) == ("KaTeX_Main", "400", "normal")
    selectors = [".katex-html"] if plain else []
    for selector, declarations in re.findall(r"([^{}@]+)\{([^{}]*)\}", css):
        wanted = styles(declarations)
        if ".katex" in selector and any(wanted):
            same_family = wanted[0] in (None, family)
            bold = weight == "400" or wanted[1] == "700"
            slanted = style == "normal" or wanted[2] == "italic"
            # A rule without a family changes the usual one.
            if same_family and bold and slanted and (wanted[0] or family == "KaTeX_Main"):
                selectors.append(selector.strip())
    boxes = (box for page in pages for box in page.css(",".join(selectors))) if selectors else ()
    return {sign for box in boxes for sign in box.text()}


def subset_fonts(out, css, pages):
    """Put the fonts into the stylesheet, each with the signs that some page shows in it.

    Inside the stylesheet they are there when the text is laid out, so that it does not move later.
    """
    icons = {chr(int(code, 16)) for code in re.findall(r"\\(f[0-9a-f]{3})\b", css)}
    icons |= {sign for sign in css if "\ue000" <= sign <= "\uf8ff"}
    rules, used = re.sub(r"@font-face\{[^}]*\}", "", css), set()

    def smaller(match):
        face, name = match[0], match[1]
        awesome = "fontawesome" in name
        signs = "".join(sorted(icons if awesome else formula_signs(pages, rules, face)))
        if not signs.strip():
            return ""
        version = hashlib.sha256(signs.encode()).hexdigest()[:8]
        source = out / "_static" / name
        target = out / FONTS / f"{source.stem}.{version}.woff2"
        used.add(target)
        if not target.exists():
            subset_font(source, target, signs)
        data = base64.b64encode(target.read_bytes()).decode()
        return re.sub(
            r"src:[^;}]*",
            f'src:url(data:font/woff2;base64,{data}) format("woff2")',
            face,
            count=1,
        )

    pattern = r"@font-face\{[^}]*url\(((?:vendor/fontawesome/webfonts|fonts)/[^)]+\.woff2)\)[^}]*\}"
    css = re.sub(pattern, smaller, css)
    for path in set((out / FONTS).glob("*")) - used:
        path.unlink()
    return css


def bundle(out, names, pages):
    """Write the one stylesheet."""
    scripts = [
        path.read_text(encoding="utf-8")
        for path in out.rglob("*.js")
        if not path.name.startswith(("fontawesome", "searchindex"))
    ]
    classes = used_classes([page.html for page in pages], scripts)
    css = "\n".join(load_css(out, name) for name in names)
    rules = tinycss2.parse_stylesheet(css, skip_whitespace=True)
    write_changed(out / BUNDLE, subset_fonts(out, purged(rules, classes), pages))


def take_out_loop(out):
    """Let the theme look at no boxes."""
    path = out / THEME_SCRIPT
    text, count = ALL_BOXES.subn("[]", path.read_text(encoding="utf-8"))
    if count != 1 and "=>{[].forEach" not in text:
        logger.warning("%s has changed: its loop over scrolling boxes is not there", THEME_SCRIPT)
    path.write_text(text, encoding="utf-8")


def finish(app, exception):
    """Make every page lean."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    names, pages = {}, {}
    for path in site_pages(out):
        page = LexborHTMLParser(path.read_text(encoding="utf-8"))
        drop_scripts(page)
        names |= dict.fromkeys(name for _, name in stylesheets(page) if name != BUNDLE)
        pages[path] = page
    if names:
        bundle(out, names, pages.values())
    version = hashlib.sha256((out / BUNDLE).read_bytes()).hexdigest()[:8]
    for path, page in pages.items():
        first, *others = [link for link, _ in stylesheets(page)]
        first.attrs["href"] = (
            f"{'../' * (len(path.relative_to(out).parts) - 1)}{BUNDLE}?v={version}"
        )
        for link in others:
            link.decompose()
        if not page.css("script#fonts"):
            first.insert_after(LexborHTMLParser(f'<script id="fonts">{EARLY}</script>').head.child)
        write_changed(path, page.html)
    take_out_loop(out)
    for pattern in UNUSED_FILES:
        for path in (out / "_static").glob(pattern):
            if path.is_file():
                path.unlink()


def setup(app):
    """Register with Sphinx, after the extensions that change the pages' text."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
