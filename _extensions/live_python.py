"""Sphinx extension: Python in the page, for the checks that a reader runs there.

When the site is built, the folder `_live` gets what a page needs: the client (`live/python.js`, the
interface), its worker, the interpreter and NumPy as they are vendored, and a wheel of hw1lib and
hw1check. For a page that is opened from a folder, each file is there once more as a script. No page
loads any of it before it needs it.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import tomllib
import zipfile
from pathlib import Path

from pack_site import add
from sphinx.errors import ExtensionError

FOLDER = "_live"
HERE = Path(__file__).parent / "live"
VENDOR = HERE / "vendor"
LEFT_OUT = "numpy/f2py/"  # which is for compilers of Fortran
LICENCE = "-LICENSE.txt"
NAME = "homework_1_checked"
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: numpy\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: live_python\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def vendored(folder=VENDOR):
    """
    Read the vendored files.

    Parameters
    ----------
    folder : Path
        The folder with the files and their manifest.

    Returns
    -------
    dict of str to bytes
        The content of each file, in the manifest's order.

    Raises
    ------
    ValueError
        If a file is not what the manifest says, or is not there, or is not in the manifest.
    """
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    stated = {name: x for package in manifest.values() for name, x in package["files"].items()}
    found = {path.name for path in folder.iterdir()} - {"manifest.toml"}
    if odd := sorted(found ^ stated.keys()):
        raise ValueError(f"{folder.name}/manifest.toml and its folder differ in {', '.join(odd)}")
    files = {name: (folder / name).read_bytes() for name in stated}
    for name, data in files.items():
        is_so = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if is_so != stated[name]:
            raise ValueError(f"{folder.name}/{name} is not the file that manifest.toml states")
    return files


def packed(files):
    """Return a zip of files, compressed as one: that is smaller, and it is unpacked natively."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            add(archive, name, data, zipfile.ZIP_STORED)
    return gzip.compress(target.getvalue(), 9, mtime=0)


def unpacked(data):
    """Return the files of a zip that can be of use."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = (name for name in sorted(archive.namelist()) if not name.startswith(LEFT_OUT))
    return {name: archive.read(name) for name in names if not name.endswith("/")}


def compiled(files, folder, bytecode):
    """Put what was compiled ahead in the place of its source."""
    ahead = {name: bytecode.get(f"{folder}/{name}c") for name in files}
    return {f"{name}c" if ahead[name] else name: ahead[name] or files[name] for name in files}


def wheel(root):
    """Return the name and the files of a wheel of hw1lib, hw1check and `in_page`."""
    files = {"in_page.py": (HERE / "in_page.py").read_bytes()}
    for package in ("hw1check", "hw1lib"):
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    source = files["hw1lib/__init__.py"].decode()
    version = re.search(r'^__version__ = "(.*)"', source, re.MULTILINE)[1]
    info = f"{NAME}-{version}.dist-info"
    files[f"{info}/METADATA"] = METADATA.format(name=NAME, version=version).encode()
    files[f"{info}/WHEEL"] = WHEEL.encode()
    rows = [f"{name},{record(data)},{len(data)}\n" for name, data in files.items()]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    return f"{NAME}-{version}-py3-none-any.whl", files


def record(data):
    """Return the digest of a file as a wheel states it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def served(files, root):
    """Return what the client fetches: the scripts, the worker's own ahead, and the rest."""
    bytecode = unpacked(files["bytecode.zip"]) if "bytecode.zip" in files else {}
    library = unpacked(files["python_stdlib.zip"])
    numpy = next(name for name in files if name.endswith(".whl"))
    book, content = wheel(root)
    return {
        "worker.js": (HERE / "live" / "worker.js").read_bytes(),
        "pyodide.asm.js": files["pyodide.asm.js"],
        "pyodide.js": files["pyodide.js"],
        "pyodide.asm.wasm.gzip": gzip.compress(files["pyodide.asm.wasm"], 9, mtime=0),
        "python_stdlib.zip.gzip": packed(compiled(library, "stdlib", bytecode)),
        f"{numpy}.gzip": packed(compiled(unpacked(files[numpy]), "numpy", bytecode)),
        f"{book}.gzip": packed(content),
    }


def on_the_wire(name, data):
    """Return how many bytes a host sends; it compresses scripts."""
    return len(gzip.compress(data, 6, mtime=0) if name.endswith(".js") else data)


def write(out, root, files):
    """Write the folder, made of the vendored files."""
    needed = served(files, root)
    table = {
        name: [on_the_wire(name, data), hashlib.sha256(data).hexdigest()[:8]]
        for name, data in needed.items()
    }
    client = (HERE / "live" / "python.js").read_text(encoding="utf-8")
    client = client.replace("FILES = {};", f"FILES = {json.dumps(table)};")
    licences = {name: data for name, data in files.items() if name.endswith(LICENCE)}
    shutil.rmtree(out, ignore_errors=True)
    (out / "folder").mkdir(parents=True)
    (out / "python.js").write_text(client, encoding="utf-8")
    for name, data in (needed | licences).items():
        (out / name).write_bytes(data)
    for name, data in needed.items():
        text = base64.b64encode(data).decode()
        (out / "folder" / f"{name}.js").write_text(f'livePython.take("{name}", "{text}");\n')


def finish(app, exception):
    """Write what a page needs to run Python."""
    if exception or app.builder.name != "html":
        return
    try:
        write(Path(app.outdir) / FOLDER, Path(app.srcdir), vendored())
    except ValueError as error:
        raise ExtensionError(str(error)) from error


def setup(app):
    """Register with Sphinx; lean_pages, which looks for what scripts name, comes before."""
    app.connect("build-finished", finish, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
