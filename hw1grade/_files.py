"""Find what was handed in, whose it is, and its code; all as data, nothing of it is run."""

import hashlib
import io
import json
import os
import re
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from hw1grade._messages import one_line

MAX_BYTES = 2**28  # of a file, with its stored outputs, and of all files in an archive
MAX_CODE, MAX_CELLS = 2**22, 1000
MAX_FILES = 1000  # in an archive
MAX_DEPTH = 4  # of the folders that a platform makes for a student
# Browsers and mail programs add an extension.
NOTEBOOK = re.compile(r"\.ipynb(\.json|\.txt)?$", re.I)
MODULE = re.compile(r"\.py(\.txt)?$", re.I)
JUNK = re.compile(r"(^|/)(\.[^./]|__MACOSX/|__pycache__/|Thumbs\.db$|desktop\.ini$)")
CELL_MARK = re.compile(r"^#\s*(?:%%|In\s?\[[\d ]*\]:).*$", re.M)
# What platforms make of a student's name: Canvas, Moodle, Blackboard and Brightspace. The number
# stays with the name: two students may have the same.
PLATFORMS = re.compile(
    r"(?P<a>[^_]+(?:_LATE)?_\d+)_\d+_|(?P<b>.+?_\d+)_assignsubmission_"
    r"|.+?_(?P<c>[^_]+)_attempt_\d{4}-|(?P<d>\d+-\d+ - .+?) - "
)
TOPIC = re.compile(r"[-_ ]+(dropout|batchnorm|backprop)$", re.I)


class UnreadableError(ValueError):
    """Raised for what is no notebook and no module; the message says why."""


class Handed(NamedTuple):
    """A file that was handed in: whose it is, its code cells, or why it is not marked."""

    file: str
    student: str
    sources: tuple = ()
    digest: str = ""
    problem: str = ""


def handed_in(path):
    """Read a notebook, a module, an archive of them or a folder: each file, marked or not."""
    if not path.is_dir():
        return _read(path, path.name)
    found = []
    for folder, folders, files in os.walk(path):
        here = Path(folder).relative_to(path)
        links = [name for name in folders if (path / here / name).is_symlink()]
        if len(here.parts) == MAX_DEPTH:
            folders.clear()
            found.append(_refused(f"{here.as_posix()}/", "it is too deep in other folders"))
            continue
        folders[:] = sorted(set(folders) - set(links))
        for name in (*files, *links):
            found += _read(path / here / name, (here / name).as_posix())
    return sorted(found, key=lambda handed: handed.file)


def _read(path, name):
    try:
        if path.is_symlink() or not path.is_file():
            raise UnreadableError("it is a link or no file")
        if path.suffix.lower() == ".zip":
            return _unzipped(path, name)
        _check_kind(name)
        with path.open("rb") as stream:
            return [_handed(name, stream)]
    except (UnreadableError, OSError) as problem:
        return [_refused(name, problem)]


def _unzipped(path, name):
    """Read an archive in memory: nothing of it is written, so no name in it leads anywhere."""
    found, left = [], MAX_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if not 0 < len(members) <= MAX_FILES:
                raise UnreadableError(f"it holds {len(members)} files, not 1 to {MAX_FILES}")
            for member in members:
                inside = f"{name}/{member.filename}"
                try:
                    _check_kind(inside)
                    with archive.open(member) as stream:
                        found.append(_handed(inside, stream, left))
                        left -= stream.tell()
                except (UnreadableError, RuntimeError, EOFError, zlib.error) as problem:
                    found.append(_refused(inside, problem))
    except (zipfile.BadZipFile, ValueError, OSError) as problem:
        found.append(_refused(name, problem))
    return found


def _check_kind(name):
    if JUNK.search(name):
        raise UnreadableError("a system or an editor has left it behind")
    if not (NOTEBOOK.search(name) or MODULE.search(name)):
        raise UnreadableError("it is no notebook, no module and no archive of them")


def _handed(name, stream, limit=MAX_BYTES):
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnreadableError(f"it has more than {limit // 2**20} MB")
    cells = tuple(_notebook(data) if NOTEBOOK.search(name) else _module(data))
    if sum(map(len, cells)) > MAX_CODE or len(cells) > MAX_CELLS:
        raise UnreadableError(
            f"it has more than {MAX_CODE // 2**20} MB of code or {MAX_CELLS} cells"
        )
    return Handed(one_line(name), _student(name), cells, hashlib.sha256(data).hexdigest())


def _refused(name, problem):
    return Handed(one_line(name), _student(name), problem=one_line(f"not marked: {problem}"))


def _notebook(data):
    try:
        cells = json.loads(data.decode("utf-8-sig"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except UnicodeDecodeError:
        raise UnreadableError("it is not a text in UTF-8") from None
    except (ValueError, RecursionError):
        raise UnreadableError("it is not JSON, so it is no notebook") from None
    except (KeyError, TypeError):
        raise UnreadableError("it is JSON, but no notebook of version 4") from None


def _module(data):
    """Split a module at its cell marks, so that an error costs its own cell only."""
    try:
        text = data.decode(tokenize.detect_encoding(io.BytesIO(data).readline)[0])
    except (SyntaxError, UnicodeDecodeError) as problem:
        raise UnreadableError(f"its text cannot be read: {problem}") from None
    return [cell for cell in CELL_MARK.split("\n".join(text.splitlines())) if cell.strip()]


def _student(name):
    """Name the student: as a platform does, or by the folder, the archive or the file."""
    first, *inside = name.split("/")
    if match := PLATFORMS.match(first):
        name = next(filter(None, match.group("a", "b", "c", "d")))
        return one_line(name.replace("_LATE", "").replace("_", " "))
    stem = NOTEBOOK.sub("", MODULE.sub("", first.removesuffix(".zip")))
    return one_line(first.removesuffix(".zip") if inside else TOPIC.sub("", stem) or stem)
