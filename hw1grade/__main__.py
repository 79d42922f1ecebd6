"""Mark submissions from the command line: hw1grade submission.ipynb.

`python -P -m hw1grade` does the same. Without -P, Python looks for modules in the current
folder first, and a submission there could be imported into the grader.
"""

import argparse
import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from hw1grade import CASES, _tables, grade
from hw1grade._files import JUNK, handed_in
from hw1grade._session import sandbox


def main(arguments=None):
    """Mark what the command line names; 0 if all of it was marked, 1 if a file could not be."""
    parser = _parser()
    options = parser.parse_args(arguments)
    path, out = options.submission, options.out
    _refuse_unsafe_path(parser, path)
    if not path.exists():
        parser.error(f"{path} does not exist")
    # All are read before the first runs, which might change the others.
    handed = handed_in(path)
    if not handed:
        parser.error(f"{path} is empty")
    try:
        if warning := sandbox(options.isolation)[1]:
            print(f"hw1grade: {warning}", file=sys.stderr)
        if out:
            (out / "students").mkdir(parents=True, exist_ok=True)
        files = _mark(handed, options)
    except ValueError as problem:
        parser.error(str(problem))
    _show(files, options)
    return int(any(marks["problem"] and not JUNK.search(marks["file"]) for marks in files))


def _parser():
    parser = argparse.ArgumentParser("hw1grade", description="Mark submissions.")
    add = parser.add_argument
    add("submission", type=Path, help="a notebook, a module, an archive, or a folder of them")
    add("--out", metavar="FOLDER", type=Path, help="write all tables there, a page a student too")
    add("--json", action="store_true", help="print everything as JSON in place of the table")
    add("--sandbox", dest="isolation", choices=("auto", "bwrap", "none"), default="auto",
        help="what keeps the code apart [auto: bubblewrap where it works]")  # fmt: skip
    add("--seed", type=int, help="draw the same cases as in an earlier run")
    add("--answer", type=float, default=5.0, help="seconds for all calls of an answer [5]")
    add("--cell", type=float, default=60.0, help="seconds for a cell [60]")
    add("--time", type=float, default=600.0, help="seconds for a submission [600]")
    add("--memory", type=float, default=4.0, help="gigabytes for a process [4]")
    add("--jobs", type=int, default=1, help="how many submissions at the same time [1]")
    add("--site", default="", help="address of the book, for the links on the students' pages")
    add("--quiet", action="store_true", help="only tables: no progress and no reports")
    return parser


def _refuse_unsafe_path(parser, submission):
    """Refuse to mark where a submitted file could be imported in place of a module."""
    folder = (submission if submission.is_dir() else submission.parent).resolve()
    if folder in {Path(entry).resolve() for entry in sys.path}:
        parser.error(
            f"Python looks for modules in {folder}, so a submission could be imported; "
            "call hw1grade, or python -P -m hw1grade"
        )


def _mark(handed, options):
    """Mark all files on the same cases, so that one is as hard as the other.

    An interrupted run goes on where it was. A file that met a limit of time is marked once more,
    alone: a busy machine costs nobody a mark.
    """
    seed, found = _begun(options)
    names = ("answer", "cell", "time", "memory", "isolation")
    one = partial(grade, seed=seed, **{name: getattr(options, name) for name in names})
    left = [file for file in handed if _key(file._asdict()) not in found]
    with ThreadPoolExecutor(options.jobs) as pool:
        # An interruption ends a submission at once only in the main thread.
        each = map if options.jobs == 1 else pool.map
        try:
            for count, marks in enumerate(each(one, left), start=1):
                found[_key(marks)] = marks
                _save(found, seed, options, finished=False)
                if len(left) > 1 and not options.quiet:
                    print(f"\r{count}/{len(left)}", end="", file=sys.stderr, flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    for file in handed:
        key = _key(file._asdict())
        if found[key]["late"]:
            found[key] = max(found[key], one(file), key=_worth)
    _save(found, seed, options, finished=True)
    return [found[_key(file._asdict())] for file in handed]


def _worth(marks):
    return sum(data["points"] for data in marks["questions"]), not marks["late"]


def _key(file):
    return file["file"], file["digest"]


def _begun(options):
    """Read what an interrupted run has left: its seed, and what it has marked."""
    try:
        data = json.loads((options.out / "marks.json").read_text("utf-8"))
        if not data["finished"] and options.seed in (None, data["seed"]):
            return data["seed"], {_key(marks): marks for marks in data["files"]}
    except (AttributeError, OSError, ValueError, KeyError, TypeError):
        pass
    return secrets.randbits(32) if options.seed is None else options.seed, {}


def _data(files, seed, finished=True):
    return json.dumps(
        {"seed": seed, "cases": CASES, "finished": finished, "files": list(files)}, indent=1
    )


def _save(found, seed, options, finished):
    """Write what there is, each file in one step, so that none is ever half written."""
    if not options.out:
        return
    files = {"marks.json": _data(found.values(), seed, finished)}
    if finished:
        people = _tables.students(found.values())
        files |= {"junit.xml": _tables.junit(people), "marks.csv": _tables.sheet(people)}
        for student in people:
            letters = (c if c.isalnum() or c in " -_" else "_" for c in student["student"][:80])
            name = f"students/{''.join(letters)}.html"
            while name in files:  # of another student whose name is written the same
                name = name.replace(".html", "_.html")
            files[name] = _tables.page(student, options.site)
        if len(people) == 1:
            files["results.json"] = json.dumps(_tables.gradescope(people[0]), indent=1)
    for name, text in files.items():
        new = options.out / f".{os.getpid()}"
        new.write_text(text, encoding="utf-8")
        new.replace(options.out / name)


def _show(files, options):
    people = _tables.students(files)
    if options.json:
        text = _data(files, files[0]["seed"]) + "\n"
    elif len(people) == 1:
        text = _tables.text(people[0], details=not options.quiet)
    else:
        text = f"seed {files[0]['seed']}\n\n{_tables.table(people)}"
    # Letters that the output's encoding does not have become question marks.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def run():
    """Mark submissions, as a command."""
    sys.exit(main())


if __name__ == "__main__":
    run()
