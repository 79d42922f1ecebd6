"""The system's Chromium, and a sweep with it over the pages, for the site's tests and report."""

import asyncio
import os
import shutil

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Without a sandbox it runs in a container too; nothing but our own pages is shown.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
# Adds up how far a page's content moves while it loads.
LAYOUT_SHIFTS = """
window.layoutShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) layoutShift += entry.value;
}).observe({type: "layout-shift", buffered: true});"""

PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 844}  # also a window of 1280 pixels at four times the size
DESKTOP = {"width": 1280, "height": 900}
# Axe takes minutes on the thousands of boxes that make a formula and the strokes of a figure, and
# has nothing to find in them: a reader is given the MathML, and the figure's text. The text of a
# formula stays, in a box of its width, so that its contrast is measured.
WITHOUT_BOXES = """
for (const formula of [...document.querySelectorAll(".katex")].reverse()) {
  const text = document.createElement("span");
  const {width} = formula.querySelector(".katex-html").getBoundingClientRect();
  text.style = `display: inline-block; width: ${width}px; overflow: clip; white-space: nowrap`;
  text.textContent = formula.querySelector("annotation").textContent;
  formula.replaceChildren(text);
}
document.querySelectorAll("svg.figure, .touch-figure svg").forEach((figure) =>
  figure.replaceChildren());"""
# Formulas that are in sight but empty.
EMPTY_FORMULAS = """
[...document.querySelectorAll(".math")].filter((formula) => formula.checkVisibility() &&
  !formula.querySelector(".katex-html")?.getBoundingClientRect().width).length"""
FONTS_THAT_FAILED = """[...document.fonts].filter((font) => font.status === "error").length"""
# The boxes are marked a moment after the window has changed; what is folded, when it is unfolded.
SCROLL_BOXES_MARKED = """
[...document.querySelectorAll(".formula, .figure-box, pre, .cell_output > .output")].every((box) =>
  box.scrollWidth <= box.clientWidth || box.tabIndex === 0 || box.closest("details:not([open])"))"""
# What is far from the window is not laid out, and what is too wide would be cut off.
LAY_OUT_ALL = "* { content-visibility: visible !important; }"
TWO_FRAMES = """
new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"""
# How far a heading is from its place below the header, when the page has come to rest; 0 also
# where the page ends before the heading can get there, but shows it.
MISSED = """
async (id) => {
  const heading = document.getElementById(id).querySelector("h1, h2, h3, h4, h5, h6");
  const header = document.querySelector(".bd-header-article");
  const pause = () => new Promise((done) => setTimeout(done, 40));
  for (let still = 0, last; still < 4; ) {
    await pause();
    const { top } = heading.getBoundingClientRect();
    still = top === last ? still + 1 : 0;
    last = top;
  }
  const box = heading.getBoundingClientRect();
  const gap = Math.round(box.top - header.getBoundingClientRect().bottom);
  const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  return gap >= 0 && (gap < 32 || (end && box.bottom <= innerHeight)) ? 0 : gap;
}"""
# The farthest that the text moves, besides being scrolled, on the way from the end to the top.
JUMPED = """
async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const blocks = [...document.querySelectorAll(".bd-article section > *")];
  scrollTo(0, document.documentElement.scrollHeight);
  for (let rest = 0; rest < 10; rest++) await frame();
  let farthest = 0;
  while (scrollY > 0) {
    const place = (block) => block.getBoundingClientRect().top;
    const seen = blocks.find((block) => place(block) > 100) ?? blocks.at(-1);
    const expected = place(seen) + Math.min(300, scrollY);
    scrollBy(0, -300);
    await frame();
    await frame();
    farthest = Math.max(farthest, Math.abs(place(seen) - expected));
  }
  return Math.round(farthest);
}"""
# The headings in a page's own contents, and a press on one: those of a part that the reader is
# not in are folded away.
CONTENTS = """
() => [...document.querySelectorAll("#pst-page-toc-nav a")].map((link) => link.hash.slice(1))"""
PRESS = """(id) => document.querySelector(`#pst-page-toc-nav a[href="#${id}"]`).click()"""
# Whether all is open that is folded around a place or under it, and the place is in sight.
UNFOLDED = """
async (id) => {
  await new Promise((done) => setTimeout(done, 300));
  const place = document.getElementById(id);
  const { top } = place.getBoundingClientRect();
  const folds = document.querySelectorAll("details.fold");
  const section = place.closest("section");
  return top >= 0 && top < innerHeight && [...folds].some((fold) => fold.open) &&
    [...folds].every((fold) => fold.open ===
      (fold.contains(place) || (!place.closest("details") && fold.parentElement === section)));
}"""
PRESS_A_LINK = """
(id) => {
  const link = document.createElement("a");
  link.href = `#${id}`;
  document.querySelector("article").prepend(link);
  link.click();
}"""
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"


def find_chromium():
    """Give the path of the browser, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def open_browser(playwright, path):
    """Start the browser; with the asynchronous interface, await it."""
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def watch(page, *places):
    """Give the list that a page's errors, failed requests and foreign requests will fill."""
    troubles = []

    def note(what, trouble=True):
        if trouble:
            troubles.append(what)

    page.on("console", lambda message: note(message.text, message.type == "error"))
    page.on("pageerror", lambda error: note(str(error)))
    # What was still under way when the page was left is no failure.
    page.on(
        "requestfailed",
        lambda request: note(f"failed: {request.url}", request.failure != "net::ERR_ABORTED"),
    )
    own = (*places, "data:", "blob:")
    page.on(
        "request", lambda request: note(f"foreign: {request.url}", not request.url.startswith(own))
    )
    return troubles


def missed_headings(place, go, ask):
    """Go to each heading in a page's contents, and give by how much those are missed that are.

    ``go`` opens an address in a browser; ``ask`` calls a function in its page.
    """
    go(place)
    headings, missed = ask(CONTENTS), {}
    assert len(headings) > 5
    for heading in headings:
        go("about:blank")
        go(place)
        ask(PRESS, heading)
        missed["fresh", heading] = ask(MISSED, heading)
    for heading in headings:
        ask(PRESS, heading)
        missed["scrolled", heading] = ask(MISSED, heading)
    for heading in headings[-2:]:
        go("about:blank")
        go(f"{place}#{heading}")
        missed["opened there", heading] = ask(MISSED, heading)
    return {key: gap for key, gap in missed.items() if gap}


async def visit(context, base, name):
    """Load a page in the context's window, look at it in both, and note what is not right."""
    page = await context.new_page()
    noted = {"troubles": watch(page, base)}
    await page.goto(base + name, wait_until="load")
    await page.evaluate("document.fonts.ready.then(() => 0)")
    noted["layout shift"] = await page.evaluate("layoutShift")
    await page.set_viewport_size(PHONE)
    await page.add_style_tag(content=LAY_OUT_ALL)
    await page.evaluate("document.fonts.ready.then(() => 0)")
    noted["empty formulas"] = await page.evaluate(EMPTY_FORMULAS)
    noted["failed fonts"] = await page.evaluate(FONTS_THAT_FAILED)
    for window, size in (("phone", PHONE), ("narrow", NARROW), ("desktop", DESKTOP)):
        await page.set_viewport_size(size)
        noted[f"too wide, {window}"] = await page.evaluate(TOO_WIDE)
    # Light on the phone, dark on the desktop: each mode and each layout is examined once.
    if await page.evaluate("matchMedia('(prefers-color-scheme: light)').matches"):
        await page.set_viewport_size(PHONE)
    noted["axe"] = await examine(page)
    await page.close()
    return noted


async def examine(page):
    """Give what axe-core finds, with the elements."""
    await page.evaluate(WITHOUT_BOXES)
    # The window has its new size, and the page's own script has seen it.
    await page.evaluate(TWO_FRAMES)
    await page.wait_for_function(SCROLL_BOXES_MARKED)
    found = await Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


async def sweep(chromium, base, names):
    """Visit every page in both modes."""
    places = asyncio.Semaphore(os.cpu_count() or 1)
    async with async_playwright() as playwright:
        browser = await open_browser(playwright, chromium)
        contexts = {
            mode: await browser.new_context(viewport=window, color_scheme=mode)
            for mode, window in (("light", PHONE), ("dark", DESKTOP))
        }
        for context in contexts.values():
            await context.add_init_script(LAYOUT_SHIFTS)

        async def one(mode, name):
            async with places:
                return await visit(contexts[mode], base, name)

        keys = [(mode, name) for mode in contexts for name in names]
        visits = await asyncio.gather(*(one(*key) for key in keys))
        await browser.close()
    return dict(zip(keys, visits, strict=True))
