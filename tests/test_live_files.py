"""Python in the page, as far as it needs no browser: its files, and what runs in its worker."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from _imp import source_hash
from pathlib import Path

import pytest
from live_python import VENDOR, packed, unpacked, vendored, wheel

ROOT = Path(__file__).parent.parent
RIGHT = "def dropout_scale(p):\n    return 1 / (1 - p)\n"


def test_each_vendored_file_is_the_one_that_the_manifest_states():
    assert len(vendored()) == 9


@pytest.mark.parametrize("trouble", ["changed", "missing", "unknown"])
def test_the_build_refuses_another_file_and_names_it(tmp_path, trouble):
    folder = tmp_path / "vendor"
    shutil.copytree(VENDOR, folder)
    path = folder / ("other.js" if trouble == "unknown" else "pyodide.js")
    if trouble == "missing":
        path.unlink()
    else:
        path.write_bytes(b"1")
    with pytest.raises(ValueError, match=path.name):
        vendored(folder)


def test_what_is_compiled_ahead_is_the_vendored_source():
    files = vendored()
    sources = {"stdlib": unpacked(files["python_stdlib.zip"])}
    sources["numpy"] = next(unpacked(data) for name, data in files.items() if ".whl" in name)
    compiled = unpacked(files["bytecode.zip"])
    assert len(compiled) > 200
    for name, data in compiled.items():
        place, _, module = name.removesuffix("c").partition("/")
        magic, flags, digest = data[:4], data[4:8], data[8:16]
        assert int.from_bytes(flags, "little") == 1  # by its hash, which nobody looks at
        # Python gives the hash by the version's own number, which its bytecode begins with.
        assert digest == source_hash(int.from_bytes(magic, "little"), sources[place][module]), name


def test_the_wheel_is_whole_and_made_again_the_same():
    name, files = wheel(ROOT)
    assert packed(files) == packed(wheel(ROOT)[1])
    folder = "-".join(name.split("-")[:2]) + ".dist-info"
    rows = [row.split(",") for row in files[f"{folder}/RECORD"].decode().splitlines()]
    assert [row[0] for row in rows] == list(files)
    for path, digest, size in rows[:-1]:
        found = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).decode()
        assert (digest, size) == (f"sha256={found.rstrip('=')}", str(len(files[path])))
    assert {"in_page.py", "hw1lib/book.mplstyle", "hw1check/_run.py"} <= files.keys()
    assert b"Name: homework_1_checked\n" in files[f"{folder}/METADATA"]


@pytest.fixture(scope="module")
def in_page(tmp_path_factory):
    """Return a function that makes calls of `in_page` in a Python of their own."""
    packages = tmp_path_factory.mktemp("page") / "site-packages"
    for name, data in wheel(ROOT)[1].items():
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    code = "import sys, json, in_page\nfor name, *values in json.load(sys.stdin):\n"
    code += "    print(getattr(in_page, name)(*values))"

    def make(*calls):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(calls),
            env=os.environ | {"PYTHONPATH": str(packages)},
            capture_output=True,
            text=True,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return make


def test_a_check_gives_the_report_as_data_as_html_and_as_text(in_page):
    (found,) = in_page(["check", "dropout_scale", RIGHT])
    assert found["report"]["passed"]
    assert found["html"].startswith('<div class="hw1check">')
    assert found["text"].startswith("1.1 Dropout, the scale: right")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def f(:\n", "line 1: def f(:\nSyntaxError: invalid syntax"),
        ("x = 1\n1 / 0\n", "line 2 in <module>: 1 / 0\nZeroDivisionError: division by zero"),
        ("raise SystemExit", "line 1 in <module>: raise SystemExit\nSystemExit"),
        ("x = 1", "Your code defines no function with the name dropout_scale."),
        (
            "def dropout_scale(q, r): pass",
            "TypeError: answer must be a function of (p), got one of (q, r)",
        ),
    ],
)
def test_a_source_that_cannot_be_checked_is_told_why_in_its_own_lines(in_page, source, error):
    assert in_page(["check", "dropout_scale", source]) == [{"error": error}]


def test_a_cell_gives_what_it_prints_its_last_value_and_its_error(in_page):
    cells = ["import sys\nprint(1)\nprint(2, file=sys.stderr)\n3\n", "x = 1", "print(4)\nnp\n", ""]
    assert in_page(*(["run", cell] for cell in cells)) == [
        {"printed": "1\n2\n", "value": "3", "error": None},
        {"printed": "", "value": None, "error": None},
        {
            "printed": "4\n",
            "value": None,
            "error": "line 2 in <module>: np\nNameError: name 'np' is not defined",
        },
        {"printed": "", "value": None, "error": None},
    ]


def test_what_a_cell_prints_and_gives_is_cut(in_page):
    (found,) = in_page(["run", "print('x' * 10**6)\n'x' * 10**6\n"])
    for text in (found["printed"], found["value"]):
        assert 10_000 < len(text) < 10_100
        assert text.endswith("... and more")


def test_input_and_breakpoint_get_a_sentence(in_page):
    asked, broken = in_page(["run", "input()"], ["run", "breakpoint()"])
    assert "Nobody can type an input in the page" in asked["error"]
    assert "there is no debugger in the page" in broken["error"]


@pytest.mark.parametrize(
    "change",
    [
        "x = 1",
        "import numpy as np; np.exp = lambda x: 0",
        "import numpy as np; np.new = 1",
        "import numpy as np; np.seterr(all='raise'); np.set_printoptions(precision=1)",
        "import builtins; builtins.len = lambda x: 0",
        "import hw1lib; hw1lib.softmax = None",
        "import sys; sys.stdout = sys.stderr = None",
        "import sys; sys.modules['numpy'] = None",
    ],
)
def test_nothing_of_a_call_reaches_the_next(in_page, change):
    cell = """
import hw1lib
import numpy as np
import sys
print(hasattr(np, "new"), "x" in globals(), sys.stdin.read())
1 / np.array([0.0, 3.0]), np.exp(0.0), len([1]), hw1lib.softmax(np.zeros((1, 2)))
"""
    before, _, after = in_page(["run", cell], ["run", change], ["run", cell])
    assert before["error"] is None
    assert after == before
