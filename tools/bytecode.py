"""Compile ahead what Python imports in a page: `nox -s bytecode`, when a vendored file has changed.

Else half of the wait for the first answer, and for the next one after a stop, is for compiling. A
page is asked which modules it has imported; then Python 3.13, which uv finds or fetches, compiles
them: bytecode is good for one version, that of the interpreter in the page.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "_extensions"))

from live_python import FOLDER, VENDOR, unpacked, vendored, write  # noqa: E402
from pack_site import add  # noqa: E402

from site_browser import find_chromium, open_browser  # noqa: E402
from site_server import serve  # noqa: E402

TARGET = VENDOR / "bytecode.zip"
VERSION = "3.13"
# Where each archive is in the page, by its folder in the target.
PLACES = {"stdlib": "/lib/python313.zip", "numpy": f"/lib/python{VERSION}/site-packages"}
LIST = """
import sys
for module in list(sys.modules.values()):
    name = module.__spec__ and module.__spec__.origin or ""
    if name.startswith("{place}/"):
        print(name.removeprefix("{place}/"))
"""
# Reads lines of a source, its target and the path that it has in the page.
COMPILE = """
import py_compile, sys
for line in sys.stdin.read().splitlines():
    source, target, shown = line.split("\\t")
    py_compile.compile(source, target, shown, doraise=True,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


def imported(files):
    """Ask a page which files it has imported after a check, and give their names by place."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write(Path(folder, FOLDER), ROOT, files)
        Path(folder, "page.html").write_text(f'<script src="{FOLDER}/python.js"></script>')
        with serve(folder) as base:
            page = open_browser(playwright, find_chromium()).new_page()
            page.goto(f"{base}page.html")
            page.evaluate("livePython.check('dropout_scale', 'def dropout_scale(p): return p')")
            answers = {
                place: page.evaluate("(source) => livePython.run(source)", LIST.format(place=path))
                for place, path in PLACES.items()
            }
    return {place: set(answer["printed"].splitlines()) for place, answer in answers.items()}


def compile_all(sources):
    """Compile {(folder, name): source}, and return {folder/name of the bytecode: bytecode}."""
    with tempfile.TemporaryDirectory() as folder:
        lines, targets = [], {}
        for number, ((place, name), data) in enumerate(sources.items()):
            source, target = Path(folder, f"{number}.py"), Path(folder, f"{number}.pyc")
            source.write_bytes(data)
            targets[f"{place}/{name}c"] = target
            lines.append(f"{source}\t{target}\t{PLACES[place]}/{name}")
        uv = (sys.executable, "-m", "uv", "run", "--quiet", "--no-project", "--python", VERSION)
        subprocess.run(
            [*uv, "python", "-c", COMPILE], input="\n".join(lines), text=True, check=True
        )
        return {name: target.read_bytes() for name, target in targets.items()}


def main():
    """Write the archive, and say what the manifest must state of it."""
    files = {name: data for name, data in vendored().items() if name != TARGET.name}
    numpy = next(name for name in files if name.endswith(".whl"))
    archives = {"stdlib": files["python_stdlib.zip"], "numpy": files[numpy]}
    names = imported(files)
    sources = {
        (place, name): data
        for place, archive in archives.items()
        for name, data in unpacked(archive).items()
        if name.endswith(".py") and name in names[place]
    }
    modules = compile_all(sources)
    with zipfile.ZipFile(TARGET, "w") as archive:
        for name, data in modules.items():
            add(archive, name, data)
    print(f"{TARGET}: {len(modules)} modules; state its bytes and its sha256 in manifest.toml")


if __name__ == "__main__":
    main()
