"""Measure the site against its targets and write the table `_build/site-report.md`.

With names of pages (``index chapters/errata``), Lighthouse looks at these only; it takes about
half a minute a page. It comes through npx, so Node must be there; without, its columns stay empty.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from site_browser import LAY_OUT_ALL, PHONE, find_chromium, open_browser, sweep
from site_server import serve

ROOT = Path(__file__).parent.parent
LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PRESETS = ("desktop", "mobile")
SHIFT = 0.01
FRONT, MEDIAN = 60, 140  # kB without pictures: the front page, the median chapter
BOXES, HEIGHT = 16_000, 15_000  # of the largest page: elements, and pixels on a phone
PAINT = 1.8  # seconds until the largest paint, in Lighthouse's phone profile
CHAPTERS = ("chapters/dropout", "chapters/batchnorm", "chapters/backprop")
BUILD, REBUILD = 30, 8
# The page that the time of a small change is measured with.
EDITED = "chapters/notation.md"


def transfer(browser, url):
    """Return the compressed bytes of a first visit, those of pictures, the elements, the height."""
    context, answers = browser.new_context(viewport=PHONE), []
    page = context.new_page()
    page.on("requestfinished", lambda request: answers.append(request))
    page.goto(url, wait_until="networkidle")
    total = pictures = 0
    for request in answers:
        sizes = request.sizes()
        arrived = sizes["responseHeadersSize"] + sizes["responseBodySize"]
        total += arrived
        pictures += arrived if request.resource_type == "image" else 0
    page.add_style_tag(content=LAY_OUT_ALL)
    boxes = page.evaluate("document.querySelectorAll('*').length")
    height = page.evaluate("document.documentElement.scrollHeight")
    context.close()
    return total, pictures, boxes, height


def transfers(chromium, base, names):
    """Return what each page transfers."""
    with sync_playwright() as playwright:
        browser = open_browser(playwright, chromium)
        sizes = {name: transfer(browser, base + name) for name in names}
        browser.close()
    return sizes


def lighthouse(chromium, url, preset):
    """Return a page's four scores and largest paint, or None where Lighthouse is not to be had."""
    npx = shutil.which("npx")
    if npx is None:
        return None
    command = [npx, "--yes", LIGHTHOUSE, url, "--quiet", "--output=json"]
    command += ["--chrome-flags=--headless --no-sandbox --disable-gpu"]
    command += [f"--only-categories={','.join(CATEGORIES)}"]
    command += ["--preset=desktop"] if preset == "desktop" else []
    environment = os.environ | {"CHROME_PATH": chromium}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    report = json.loads(done.stdout)
    failed = [
        audit["id"]
        for audit in report["audits"].values()
        if audit["score"] == 0 and audit["scoreDisplayMode"] == "binary"
    ]
    if failed:
        print(f"{url}, {preset}: {', '.join(failed)}", file=sys.stderr)
    scores = [round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES]
    return [*scores, report["audits"]["largest-contentful-paint"]["numericValue"] / 1000]


def build_seconds():
    """Return the seconds of a first build, and of one after a page has changed, in a copy."""
    program = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    command = [program, "build", ".", "-n", "-W", "--keep-going", "-q"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        ignored = shutil.ignore_patterns("_build", ".git", ".venv", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=ignored)
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run(command, cwd=copy, check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
            page = copy / EDITED
            page.write_text(page.read_text(encoding="utf-8") + "\nOne more sentence.\n", "utf-8")
    return seconds


def scores_text(scores):
    """Say four scores in a cell."""
    return f"{' / '.join(map(str, scores[:4]))}; {scores[4]:.1f} s" if scores else ""


def summary(builds, sizes, visits, scores):
    """Return the lines that compare the worst page with each target."""
    weights = {name: (total - pictures) / 1000 for name, (total, pictures, *_) in sizes.items()}
    chapters = [weight for name, weight in weights.items() if name.startswith(CHAPTERS)]
    most, longest = (max(sizes, key=lambda name: sizes[name][i]) for i in (2, 3))
    shifts = {key: visit["layout shift"] for key, visit in visits.items()}
    moving = max(shifts, key=shifts.get)
    found = sum(len(visit["axe"]) for visit in visits.values())
    mobile = [pair["mobile"][0] for pair in scores.values() if pair["mobile"]]
    paints = [pair["mobile"][4] for pair in scores.values() if pair["mobile"]]
    desktop = [min(pair["desktop"][:4]) for pair in scores.values() if pair["desktop"]]
    others = [min(pair["mobile"][1:4]) for pair in scores.values() if pair["mobile"]]
    rows = [
        ("first build", f"at most {BUILD} s", f"{builds[0]:.0f} s"),
        ("build after a change", f"at most {REBUILD} s", f"{builds[1]:.0f} s"),
        ("front page, without pictures", f"at most {FRONT} kB", f"{weights['index.html']:.0f} kB"),
        ("median chapter", f"at most {MEDIAN} kB", f"{statistics.median(chapters):.0f} kB"),
        ("most elements", f"at most {BOXES}", f"{sizes[most][2]}, {most}"),
        ("longest page on a phone", f"at most {HEIGHT} px", f"{sizes[longest][3]} px, {longest}"),
        ("largest layout shift", f"under {SHIFT}", f"{shifts[moving]:.4f}, {moving[1]}"),
        ("what axe-core finds", "0", str(found)),
    ]
    if mobile:
        rows += [
            ("Lighthouse desktop, lowest of all scores", "100", str(min(desktop))),
            ("Lighthouse mobile, performance, median", "98", f"{statistics.median(mobile):.0f}"),
            ("Lighthouse mobile, performance, lowest", "95", str(min(mobile))),
            ("Lighthouse mobile, lowest of the others", "100", str(min(others))),
            ("largest paint on a phone, slowest", f"at most {PAINT} s", f"{max(paints):.1f} s"),
        ]
    return ["| What | Target | Measured |", "| --- | --- | --- |"] + [
        f"| {' | '.join(row)} |" for row in rows
    ]


def table(names, sizes, visits, scores):
    """Return the lines of the table of all pages."""
    lines = [
        "| Page | kB | of these pictures | elements | px | layout shift | axe | desktop | mobile |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in names:
        both = [visits[mode, name] for mode in ("light", "dark")]
        shift = max(visit["layout shift"] for visit in both)
        found = sum(len(visit["axe"]) for visit in both)
        total, pictures, boxes, height = sizes[name]
        marks = scores.get(name, {"desktop": None, "mobile": None})
        cells = [name, f"{total / 1000:.0f}", f"{pictures / 1000:.0f}", f"{boxes}", f"{height}"]
        cells += [f"{shift:.4f}", str(found)]
        cells += [scores_text(marks["desktop"]), scores_text(marks["mobile"])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main(chosen):
    """Measure and write."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no Chromium here; on Debian: apt-get install chromium")
    site = ROOT / "_build" / "html"
    paths = (path.relative_to(site) for path in sorted(site.rglob("*.html")))
    names = [path.as_posix() for path in paths if path.parts[0] != "_static"]
    looked_at = [f"{name}.html" for name in chosen] or names
    with serve(site) as base:
        sizes = transfers(chromium, base, names)
        visits = asyncio.run(sweep(chromium, base, names))
        scores = {
            name: {preset: lighthouse(chromium, base + name, preset) for preset in PRESETS}
            for name in looked_at
        }
    lines = ["# The site against its targets", ""]
    lines += summary(build_seconds(), sizes, visits, scores)
    lines += ["", f"Lighthouse looked at {len(scores)} of {len(names)} pages. Its scores: "]
    lines[-1] += ", ".join(CATEGORIES) + ". Bytes are compressed, as most servers send them."
    lines += ["", *table(names, sizes, visits, scores), ""]
    report = ROOT / "_build" / "site-report.md"
    report.write_text("\n".join(lines), encoding="utf-8")
    print(f"The report is at {report}")


if __name__ == "__main__":
    main(sys.argv[1:])
