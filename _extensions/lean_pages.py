"""Sphinx extension: a page is sent what it uses, and nothing else.

The theme loads eleven stylesheets, all of Font Awesome twice and the index of the search on every
page. When the site is built, this makes three stylesheets, for the front page, for the pages with
formulas and for those without, each with the rules that match something and the fonts with the
signs that are shown in them, and keeps on each page the scripts that find something to do there.
Thebe goes altogether: it is switched off, yet its settings are written twice, which is an error on
every page, and they name a server elsewhere. Bootstrap, two thirds of the scripts, comes when a
menu is reached for.
"""

import base64
import hashlib
import logging
import posixpath
import re
from functools import cache
from pathlib import Path

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont
from selectolax.lexbor import LexborHTMLParser, SelectolaxError
from sphinx.util.logging import getLogger

logger = getLogger(__name__)

BUNDLE = "_static/site.css"
PLAIN_BUNDLE = "_static/plain.css"
FRONT_BUNDLE = "_static/front.css"
FONTS = "_static/subset"
# Asks for the fonts before the text comes that is set in them.
EARLY = """for (const font of document.fonts)
  if (/^(KaTeX_|Literata|.?Font Awesome)/.test(font.family)) font.load();"""
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
    "equation-preview.js": 'a[href*="#equation-"]:not(.headerlink)',
    "clipboard.min.js": "div.highlight",
    "copybutton.js": "div.highlight",
}
CLASSES = re.compile(r'\bclass="([^"]*)"')
STRINGS = re.compile(r"""["'`]([\w .#-]+)["'`]""")
# Inline scripts whose settings nothing reads.
SETTINGS = re.compile(r"DOCUMENTATION_OPTIONS\.\w+ =|kernelName =")
# Classes that Bootstrap's menus and labels put together out of pieces.
COMPOSED = re.compile(r"bs-|tooltip|dropdown|show$|fade$")
# What a selector asks besides elements: a state, which may come, and parts that are no elements.
STATES = re.compile(
    r"::?[\w-]+\([^()]*\)|::[\w-]+"
    r"|:(?!root|first-|last-|nth-|only-|is|where|empty)[\w-]+"
    r"|\[(?:open|hidden|tabindex|disabled|aria-|data-)[^\]]*\]"
)
# Where text is set in each of its faces, by a part of the face's file name.
FACES = {
    "400-italic": "em, cite, dfn, var",
    "600-normal": "h1, h2, h3, h4, h5, strong, b, th, dt, summary, [class*=title], .rubric, .place",
    "400-normal": "body",
}
# What is left out here, or filled by a script.
FILLED = re.compile("katex|touch-")
BOOTSTRAP = "_static/scripts/bootstrap.js"
# Where the theme looks at all boxes that may scroll; scroll-boxes.js looks at those in sight.
THEME_SCRIPT = "_static/scripts/pydata-sphinx-theme.js"
ALL_BOXES = re.compile(r'document\.querySelectorAll\(\["pre",[^\]]*\]\.join\(", "\)\)')
# 5 MB of files that no page asks for.
UNUSED_FILES = ("scripts/fontawesome*", "vendor/fontawesome/webfonts/*", "fonts/*", "**/*.map")


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


def classes_of(pages):
    """Give every class that stands in a page."""
    return {name for page in pages for match in CLASSES.findall(page) for name in match.split()}


def words_of(scripts):
    """Give every word in the strings of scripts, which may be a class."""
    return {word for text in scripts for match in STRINGS.findall(text) for word in match.split()}


class Use:
    """What the pages of a bundle use: the classes, those that a script may add, the elements."""

    def __init__(self, pages, scripts=()):
        html = [page.html for page in pages]
        self.classes = classes_of(html)
        self.added = words_of(scripts) - self.classes
        self.skeletons = [without_insides(text) for text in html]
        self.known = {}

    def can_match(self, selector):
        """Say whether a selector can match an element of some page, now or later."""
        names = re.findall(r"\.(-?[A-Za-z_][\w-]*)", outside_brackets(selector))
        if any(name in self.added or COMPOSED.match(name) for name in names):
            return all(name in self.classes | self.added or COMPOSED.match(name) for name in names)
        if not self.classes.issuperset(names):
            return False
        return bool(FILLED.search(selector)) or self.is_found(STATES.sub("", selector))

    def is_found(self, selector):
        """Say whether a selector without states matches; one that is not understood may."""
        # What is left of "a > :hover" is "a > *".
        selector = re.sub(r"([>+~]|^)\s*(?=[>+~]|$)", r"\1 *", selector.strip())
        if selector not in self.known:
            try:
                found = any(page.css_first(selector) for page in self.skeletons)
            except SelectolaxError:
                found = True
            self.known[selector] = found
        return self.known[selector]


def without_insides(text):
    """Return a page without the insides of formulas and drawings, most of its elements."""
    page = LexborHTMLParser(text)
    for box in page.css(".katex, svg"):
        box.inner_html = ""
    return page


def outside_brackets(selector):
    """Leave out what stands in brackets: it may be an exception, or one of several."""
    while (shorter := re.sub(r"\([^()]*\)", "", selector)) != selector:
        selector = shorter
    return selector


def split_selectors(text):
    """Split a list of selectors at the commas outside brackets."""
    return re.split(r",(?![^(\[]*[)\]])", text)


def purged(rules, use):
    """Give the text of the rules that can match, and the comments that state a licence."""
    parts = []
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):
            parts.append(rule.serialize())
        elif rule.type == "qualified-rule":
            selectors = split_selectors(tinycss2.serialize(rule.prelude))
            kept = [selector.strip() for selector in selectors if use.can_match(selector)]
            if kept:
                parts.append(f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inside = purged(tinycss2.parse_rule_list(rule.content, skip_whitespace=True), use)
            if inside:
                prelude = tinycss2.serialize(rule.prelude).strip()
                parts.append(f"@{rule.at_keyword} {prelude}{{{inside}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            parts.append(rule.serialize())
    return "\n".join(parts)


def squeezed(css, texts):
    """Leave out comments, animations that no rule names and variables that nobody reads."""
    css = re.sub(r"/\*(?!!).*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"[ \t\r\n\f]+", " ", css)  # a space that does not break is no blank
    css = re.sub(r" ?([{};,]) ?", r"\1", css).replace(": ", ":").replace(";}", "}")
    frames = re.compile(r"@(?:-webkit-)?keyframes ([\w-]+)\{(?:[^{}]*\{[^{}]*\})*\}")
    named = set(re.findall(r"[\w-]+", " ".join(re.findall(r"animation(?:-name)?:([^;}]*)", css))))
    css = frames.sub(lambda match: match[0] if match[1] in named else "", css)
    read = {name for text in texts for name in re.findall(r"--[\w-]+", text)}
    size = 0
    while size != len(css):  # a variable may be read by one that goes
        size = len(css)
        wanted = "|".join(read | set(re.findall(r"var\((--[\w-]+)", css)))
        css = re.sub(rf"(?<=[{{;])(?!(?:{wanted}):)--[\w-]+:[^;}}]*(?:;|(?=\}}))", "", css)
        css = re.sub(r"[^{};]*\{\}", "", css)
    return css


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
    # The names state the licence; hints are for screens of another time, and of the features only
    # kerning is worth its weight.
    options = subset.Options(
        flavor="woff2", name_IDs=["*"], hinting=False, layout_features=["kern"]
    )
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=signs)
    subsetter.subset(font)
    target.parent.mkdir(exist_ok=True)
    subset.save_font(font, target, options)


@cache
def signs_of(font):
    """Give the signs that a font has, as numbers."""
    return TTFont(font).getBestCmap().keys()


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


def letters_of(pages):
    """Give the signs of the text in each of its faces."""
    return {
        name: set().union(*(box.text() for page in pages for box in page.css(selector)))
        for name, selector in FACES.items()
    }


def subset_fonts(out, css, pages):
    """Put the fonts into the stylesheet, each with the signs that some page shows in it.

    Inside the stylesheet they are there when the text is laid out, so that it does not move later.
    """
    icons = {chr(int(code, 16)) for code in re.findall(r"\\(f[0-9a-f]{3})\b", css)}
    icons |= {sign for sign in css if "\ue000" <= sign <= "\uf8ff"}
    rules = re.sub(r"@font-face\{[^}]*\}", "", css)
    letters = letters_of(pages)

    def smaller(match):
        face, name = match[0], match[1]
        if "KaTeX" in name:
            shown = formula_signs(pages, rules, face)
        elif "fontawesome" in name:
            shown = icons
        else:
            shown = letters[next(part for part in FACES if part in name)]
        source = out / "_static" / name
        signs = "".join(sorted(sign for sign in shown if ord(sign) in signs_of(source)))
        if not signs.strip():
            return ""
        version = hashlib.sha256(signs.encode()).hexdigest()[:8]
        target = out / FONTS / f"{source.stem}.{version}.woff2"
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
    return re.sub(pattern, smaller, css)


def bundle(out, target, names, pages):
    """Write one of the stylesheets."""
    scripts = [
        path.read_text(encoding="utf-8")
        for path in out.rglob("*.js")
        if not path.name.startswith(("fontawesome", "searchindex", "bootstrap"))
        and path.parent.name not in ("equations", "_live", "folder")
    ]
    css = "\n".join(load_css(out, name) for name in names)
    rules = tinycss2.parse_stylesheet(css, skip_whitespace=True)
    html = [page.html for page in pages]
    text = squeezed(purged(rules, Use(pages, scripts)), [*html, *scripts])
    write_changed(out / target, subset_fonts(out, text, pages))


def put_off_bootstrap(page):
    """Let Bootstrap come when the reader reaches for a menu."""
    for script in page.css(f'script[src*="{BOOTSTRAP}"]'):
        source = script.attributes["src"]
        script.attrs["data-bootstrap"] = posixpath.basename(source)
        script.attrs["src"] = source.partition("scripts/")[0] + "bootstrap-later.js"


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
    names, bundles = {}, {BUNDLE: {}, PLAIN_BUNDLE: {}, FRONT_BUNDLE: {}}
    for path in site_pages(out):
        page = LexborHTMLParser(path.read_text(encoding="utf-8"))
        drop_scripts(page)
        put_off_bootstrap(page)
        found = (name for _, name in stylesheets(page))
        names |= dict.fromkeys(name for name in found if name not in bundles)
        formulas = page.css_matches(".katex")
        front = path == out / "index.html"
        target = FRONT_BUNDLE if front else BUNDLE if formulas else PLAIN_BUNDLE
        bundles[target][path] = page
    if names:
        for path in (out / FONTS).glob("*"):
            path.unlink()
    for target, pages in bundles.items():
        if names:
            bundle(out, target, names, list(pages.values()))
        version = hashlib.sha256((out / target).read_bytes()).hexdigest()[:8]
        for path, page in pages.items():
            first, *others = [link for link, _ in stylesheets(page)]
            up = "../" * (len(path.relative_to(out).parts) - 1)
            first.attrs["href"] = f"{up}{target}?v={version}"
            for link in others:
                link.decompose()
            if not page.css("script#fonts"):
                script = LexborHTMLParser(f'<script id="fonts">{EARLY}</script>').head.child
                first.insert_after(script)
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
