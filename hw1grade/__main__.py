"""Mark submissions from the command line: hw1grade submission.ipynb.

`python -P -m hw1grade` does the same. Without -P, Python looks for modules in the current
folder first, and a submission there could be imported into the grader.
"""

import argparse
import ctypes
import functools
import json
import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hw1grade import CASES, INSTALL, _tables, grade

SUFFIXES = (".ipynb", ".py")


def main(arguments=None):
    """
    Mark a submission or a folder of them.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; by default that of this process.

    Returns
    -------
    int
        The exit code: 0 if everything was marked, 1 if a submission could not be.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    _refuse_unsafe_path(parser, options.submission)
    paths = _submissions(parser, options.submission)
    for file in (options.json, options.junit):
        if file and not Path(file).absolute().parent.is_dir():
            parser.error(f"there is no folder for {file}")
    all_marks = _mark(parser, paths, options)
    _write(all_marks, options)
    return int(any(marks.problem for marks in all_marks))


def _parser():
    parser = argparse.ArgumentParser("hw1grade", description="Mark submissions.")
    add = parser.add_argument
    add("submission", type=Path, help="a notebook, a module, or a folder of them")
    add("--json", metavar="FILE", help="write all of it as JSON; - for standard output")
    add("--junit", metavar="FILE", help="write a JUnit XML report")
    add("--seed", type=_whole, help="draw the same cases as in an earlier run")
    add("--seconds", type=_positive, default=5.0, help="for all calls of an answer [5]")
    add("--time", type=_positive, default=60.0, help="seconds for all cells of a notebook [60]")
    add("--memory", type=_positive, default=4.0, help="gigabytes for a process [4]")
    add("--jobs", type=_count, default=1, help="how many submissions at the same time [1]")
    add("--quiet", action="store_true", help="only tables: no progress bar and no reports")
    return parser


def _positive(text):
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be positive, got {text}")
    return number


def _whole(text, low=0):
    number = int(text)
    if number < low:
        raise argparse.ArgumentTypeError(f"must be at least {low}, got {text}")
    return number


def _count(text):
    return _whole(text, low=1)


def _refuse_unsafe_path(parser, submission):
    """Refuse to mark where a submitted file could be imported in place of a module."""
    folder = (submission if submission.is_dir() else submission.parent).resolve()
    if folder in {Path(entry).resolve() for entry in sys.path}:
        parser.error(
            f"Python looks for modules in {folder}, so a submission could be imported; "
            "call hw1grade, or python -P -m hw1grade"
        )


def _submissions(parser, path):
    if not path.is_dir():
        if not path.exists():
            parser.error(f"{path} does not exist")
        return [path]
    paths = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES)
    if not paths:
        parser.error(f"{path} has no notebooks and no modules")
    return paths


def _mark(parser, paths, options):
    """Mark all submissions on the same cases, so that one is as hard as the other."""
    seed = secrets.randbits(32) if options.seed is None else options.seed
    limits = {name: getattr(options, name) for name in ("seconds", "time", "memory")}
    one = functools.partial(grade, seed=seed, **limits)
    with ThreadPoolExecutor(options.jobs) as pool:
        # An interruption ends a submission at once only in the main thread.
        each = map if options.jobs == 1 else pool.map
        try:
            return list(_progress(each(one, paths), len(paths), options))
        except ImportError as problem:
            parser.error(str(problem))
        finally:
            pool.shutdown(cancel_futures=True)


def _progress(marks, count, options):
    if options.quiet or not options.submission.is_dir():
        return marks
    try:
        from tqdm import tqdm
    except ImportError:
        raise ImportError(f"the progress bar needs tqdm; {INSTALL}") from None
    return tqdm(marks, total=count, unit="submission")


def _write(all_marks, options):
    data = {
        "seed": all_marks[0].seed,
        "cases": CASES,
        "submissions": [marks.to_dict() for marks in all_marks],
    }
    document = json.dumps(data, indent=2) + "\n"
    # The files first: no output that fails can lose a mark.
    if options.json not in (None, "-"):
        _replace(Path(options.json), document)
    if options.junit:
        _replace(Path(options.junit), _tables.junit(all_marks))
    if options.json == "-":
        _show(document)
    elif options.submission.is_dir():
        _show(f"seed {data['seed']}\n\n{_tables.folder(all_marks)}")
    else:
        _show(_tables.text(all_marks[0], details=not options.quiet))


def _replace(path, text):
    """Write a file in one step, so that it is never half written."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _show(text):
    """Print a text; letters that the output's encoding does not have become question marks."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _guard():
    """Close this process's memory to others of the same user, if that is not root, on Linux."""
    if sys.platform == "linux":
        set_dumpable = 4
        ctypes.CDLL(None).prctl(set_dumpable, 0, 0, 0, 0)


def run():
    """Mark submissions, as a command: no other process of the same user reads its memory."""
    _guard()
    sys.exit(main())


if __name__ == "__main__":
    run()
