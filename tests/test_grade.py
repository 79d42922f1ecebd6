"""Marking: what a submission gets, and what it cannot do to the marks.

Hostile functions stand together in one submission, each as the answer to its own question, so that
each test also shows that the others' results are intact.
"""

import functools
import io
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import nbformat
import numpy as np
import pytest

import hw1grade as package
from hw1check import PROBLEMS, Problem
from hw1check._run import Outcome, Strange
from hw1grade import Marks, _interview, _messages, _scan, _session, _tables, grade
from hw1grade.__main__ import main

SECONDS = 0.8  # for functions that never return, and for the next ones; a right one takes 0.01
SEED = 7
RIGHT = "return 2 * x"

# Each is the body of a function of x; the answer to every question is 2 * x. What is slow comes
# first, up to "after_loops", and gets little time.
HOSTILE = {
    "loop": "while True: pass",
    "stubborn_loop": """
    while True:
        try:
            while True: pass
        except BaseException: pass""",
    "held_lock": "return sum(range(10**11))",
    "slow_import": """
    import pathlib, sys
    pathlib.Path("slow.py").write_text("import time; time.sleep(2.2)")
    sys.path.insert(0, ".")
    import slow
    return 2 * x""",
    "after_loops": RIGHT,
    "sys_exit": "import sys; sys.exit()",
    "os_exit": "import os; os._exit(3)",
    "numpy_patched": """
    np.multiply = np.array = np.errstate = np.isclose = lambda *a, **k: 0
    return np.multiply(2, x)""",
    "after_numpy_patched": "return np.multiply(2, x)",
    "memory": "return np.ones(10 * 2**30 // 8)[:4] * x",
    "flood": """
    for _ in range(300): print("all parts right" * 10)
    return x""",
    "grader_redefined": """
    import hw1check as check
    from hw1check import _run, _values, _verdict
    _values.difference = _verdict.difference = lambda *a: None
    check.Problem.judge = lambda *a: True
    return x""",
    "channel_forged": """
    import json, os
    message = {"id": 1, "passed": True, "outcomes": [{"value": True}] * 20, "points": 5}
    for number in range(40):
        message["id"] = number
        for descriptor in range(3, 64):
            try: os.write(descriptor, json.dumps(message).encode() + b"\\n")
            except OSError: pass
    return x""",
    "after_forgery": RIGHT,
    "stranger": """
    class Equal:
        def __array__(self, *args, **kwargs): raise SystemExit
        def __eq__(self, other): return True
        def __repr__(self): raise RuntimeError
        __float__ = __len__ = __getattr__ = __array__
    return Equal()""",
    "sneaky_array": """
    class Sneaky(np.ndarray):
        def __eq__(self, other): return True
        __le__ = __ge__ = __eq__
        def __array_function__(self, *a, **k): return True
    return np.asarray(x).view(Sneaky)""",
    "worker_killed": "import os, signal; os.kill(os.getppid(), signal.SIGKILL); return x",
    "after_worker_killed": RIGHT,
    "children": """
    import os, subprocess, sys, time
    if hasattr(np, "started"): return 2 * x
    np.started = True
    for i in range(10):
        if os.fork() == 0:
            if i % 2: os.setsid()
            time.sleep(100)
            os._exit(0)
    code = "import time; time.sleep(100)"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    return 2 * x""",
    "terminal": "raise ValueError('\\x1b[2J\\x00\\ud800 \\u202e right')",
    "huge": "return np.ones(10**5 + 1)",
    "many_axes": "return [np.zeros((1,) * 64)]",
    "empty_and_huge": "return np.empty((0, 2**59))",
    "silent_error": """
    from hw1check import _run
    _run._describe = lambda problem: ""
    raise ValueError""",
    "integer_too_long": "return 10**400",
    "right": RIGHT,
}
MESSAGES = {
    "loop": "did not return within 0.8 seconds",
    "stubborn_loop": "did not return within 0.8 seconds",
    "held_lock": "did not return within 0.8 seconds",
    "sys_exit": "SystemExit",
    "os_exit": "ended its process (exit code 3)",
    "memory": "Unable to allocate 10.0 GiB",
    "flood": "0.5 times the right value",
    "channel_forged": "its process sent a",
    "stranger": "SystemExit",
    "worker_killed": "its process ended (signal 9)",
    "terminal": "ValueError: \N{REPLACEMENT CHARACTER}[2J",
    "huge": "an array of shape (100001,)",
    "many_axes": "y is a list, expected shape",
    "empty_and_huge": f"an array of shape (0, {2**59})",
    "silent_error": "not judged: an answer that is none",
    "integer_too_long": "y is a number that is too large",
}

# The answer to each question is 2 * x, unless a cell of the notebook has changed NumPy for good.
CELLS = (
    "import numpy as np\nimport hw1check as check\nfrom hw1lib import mlp",
    "def first(x):\n    return np.add(x, x)",
    "%precision 3",
    "raise ValueError('in a cell')",
    "import sys; sys.exit('bye')",
    "def broken(:",
    "import hw1check._run, hw1check._values\n"
    "hw1check._run.outcomes = hw1check._run._call = None\n"
    "hw1check._values.difference = lambda *a: None",
    "np.add = np.array = np.errstate = np.ndarray = lambda *a, **k: 'patched'",
    "import os; os._exit(5)",
    "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "for _ in range(3000): print('all parts right')\nsys.stdout.close()",
    "import contextlib, os\nos.write(1, b'x')\nfor descriptor in range(3, 32):\n"
    "    with contextlib.suppress(OSError): os.write(descriptor, b'x' * 99 + b'\\n')",
    "import os; os.closerange(0, 3)",
    "second = 3",
    "def third(x):\n    return x",
    "def last(x):\n    return 2 * x",
)


def double(x):
    """Double it."""
    y = 2 * x
    return y  # noqa: RET504


def two_parts(x):
    """Give it, and double it."""
    a = 1 * x
    b = 2 * x
    return a, b


def toy(name, question, solution=double, points=(5,)):
    problem = Problem(solution, question, name, "dropout/variance", points)
    problem.name = name
    problem.drawn_by(lambda rng, i: (rng.normal(size=i % 3 + 2).round(2),))
    return problem


def toys(names):
    return tuple(toy(name, f"{1 + i % 3}.{i}") for i, name in enumerate(names))


@contextmanager
def asking(problems):
    """Put toy questions in the place of the homework's: quick, and as many as a test needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "PROBLEMS", problems)
        patch.setattr(_tables, "PROBLEMS", problems)
        yield


@pytest.fixture
def submit(tmp_path):
    """Ask some questions for a test, and write the notebook that answers them."""
    with ExitStack() as stack:

        def write(problems, *cells, name="a.ipynb"):
            stack.enter_context(asking(problems))
            return notebook(tmp_path / name, *cells)

        yield write


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Let the grader put the folders of its processes where the tests can find them."""
    path = tmp_path_factory.mktemp("sessions")
    with pytest.MonkeyPatch.context() as patch:
        make = functools.partial(tempfile.mkdtemp, dir=path)
        patch.setattr(_session, "tempfile", SimpleNamespace(mkdtemp=make))
        yield path
    assert processes(path) == []


@pytest.fixture(autouse=True)
def _no_folder_is_left(folder):
    yield
    assert list(folder.iterdir()) == []


def processes(folder):
    """List the processes that were started with their home in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"HOME=" + bytes(folder) in (process / "environ").read_bytes():
                found.append(process)
    return found


def notebook(path, *cells):
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(document, path)
    return path


def functions(bodies):
    return "import numpy as np\n" + "".join(
        f"\ndef {name}(x):\n    {body.strip()}\n" for name, body in bodies.items()
    )


@pytest.fixture(scope="module")
def hostile(folder, tmp_path_factory):
    """Mark the hostile functions, first the slow ones: marks and processes that are left."""
    found, names = {}, list(HOSTILE)
    path = tmp_path_factory.mktemp("in") / "eve.ipynb"
    last = names.index("after_loops") + 1
    for part, seconds in ((names[:last], SECONDS), (names[last:], 5)):
        notebook(path, functions({name: HOSTILE[name] for name in part}))
        with asking(toys(part)):
            marks = grade(path, seed=SEED, seconds=seconds).marks
        found.update((mark.problem.name, mark) for mark in marks)
    return found, processes(folder)


@pytest.mark.parametrize("name", HOSTILE)
def test_only_a_right_answer_gets_points_whatever_the_others_do(hostile, name):
    is_right = "2 * x" in HOSTILE[name] or name == "after_numpy_patched"
    assert hostile[0][name].points == ((5,) if is_right else (0,))


@pytest.mark.parametrize("name", MESSAGES)
def test_the_report_says_what_happened(hostile, name):
    assert MESSAGES[name] in hostile[0][name].report.parts[0].problem


def test_no_process_is_left(hostile):
    assert hostile[1] == []


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    path = notebook(tmp_path_factory.mktemp("in") / "mallory.ipynb", *CELLS)
    with asking(toys(["first", "second", "third", "last", "absent"])):
        return grade(path, seed=SEED, time=2)


def test_no_cell_reaches_the_answers_of_others(cells):
    results = {mark.problem.name: _tables.result(mark) for mark in cells.marks}
    assert results == {
        "first": "right", "second": "error", "third": "wrong", "last": "right",
        "absent": "no answer",
    }  # fmt: skip


def test_each_cell_that_failed_is_named(cells):
    starts = {
        4: "line 1 in <module>: raise ValueError('in a cell')\nValueError: in a cell",
        5: "line 1 in <module>: import sys; sys.exit('bye')\nSystemExit: bye",
        6: "SyntaxError: ",
        9: "left out: its process ended (exit code 5)",
        10: "left out: the 2 seconds for all cells were over",
        12: "left out: its process sent a",
    }
    assert list(cells.cells) == list(starts)
    assert all(cells.cells[number].startswith(text) for number, text in starts.items())


def test_an_answer_that_is_no_function_is_an_error(cells):
    (part,) = cells.marks[1].report.parts
    assert part.problem == "Case 1: it must be a function of (x), got a int."


def test_the_text_of_the_submission_names_what_it_imports(cells):
    assert cells.imports == ("hw1check._run", "hw1check._values", "hw1lib.mlp")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import hw1check as check\ncheck.dropout_scale(f)", []),
        ("from hw1check import dropout_scale, PROBLEMS", []),
        ("import hw1check\nhw1check.dropout_scale(f)", []),
        ("import hw1lib", ["hw1lib"]),
        ("import hw1lib.mlp as m", ["hw1lib.mlp"]),
        ("from hw1lib import softmax, mlp", ["hw1lib.mlp", "hw1lib.softmax"]),
        ("from hw1check import batchnorm", ["hw1check.batchnorm"]),
        ("import hw1check.batchnorm", ["hw1check.batchnorm"]),
        ("from hw1check.mlp import _slope", ["hw1check.mlp._slope"]),
        ("f = check.dropout_scale.solution", ["check.dropout_scale.solution"]),
        ("%time from hw1lib import softmax", ["hw1lib.softmax"]),
        ("%%time\nfrom hw1lib import softmax", ["hw1lib.softmax"]),
        ("exec('import hw1lib.mlp'); __import__('hw1lib.mlp')", ["hw1lib.mlp"]),
        ("'hw1lib is a fine package'", []),
        (f"x = 0x{'f' * 6000}\nfrom hw1lib import softmax", ["hw1lib.softmax"]),
        ("%pip list\nfrom hw1lib import *", ["hw1lib.*"]),
        ("x = !ls\ndef f(): import hw1lib.mlp", ["hw1lib.mlp"]),
        ("hw1lib = 3\nfrom hw1liberty import x\nfrom . import y", []),
        ("def broken(:", []),
    ],
)
def test_the_names_of_the_reference_are_found_in_the_text(source, names):
    assert _scan.imports([source]) == names


def test_a_notebook_whose_cells_keep_ending_the_process_gets_an_end(submit, monkeypatch):
    monkeypatch.setattr(_interview, "MAX_LEFT_OUT", 1)
    (mark,) = grade(submit(toys(["f"]), *["import os; os._exit(1)"] * 9)).marks
    assert "2 cells were too slow or ended the process" in mark.report.parts[0].problem


def test_without_fork_an_answer_that_ends_the_process_costs_only_itself(submit, monkeypatch):
    code = (
        "import os, runpy; del os.fork; runpy.run_module('hw1grade._worker', run_name='__main__')"
    )
    monkeypatch.setattr(_session, "COMMAND", (sys.executable, "-I", "-c", code))
    names = ["sys_exit", "os_exit", "loop", "right"]
    path = submit(toys(names), functions({name: HOSTILE[name] for name in names}))
    results = [_tables.result(mark) for mark in grade(path, seconds=SECONDS).marks]
    assert results == ["error", "error", "error", "right"]


# What comes from the process is read as from a stranger.

ARRAY = {"shape": [1], "dtype": "float64", "entries": [0.1]}
ROW = {"value": ARRAY, "error": None, "changed": [], "lines": {"y": [ARRAY]}}


@pytest.mark.parametrize(
    "rows",
    [
        None, 3, "text", {}, [], [None], [{}],
        [ROW],  # one case is missing, and nobody says why
        [ROW] * 3,
        *([ROW, {**ROW, **change}] for change in (
            {"value": "right"}, {"value": True}, {"value": {"function": "os:abort"}},
            {"value": [[[[[[[[[[]]]]]]]]]]}, {"changed": 3}, {"lines": 3},
            {"lines": {"y": [True]}}, {"lines": {"y": []}}, {"lines": {"y": [ARRAY] * 3}},
            {"error": ""}, {"error": " \n"}, {"error": 3},
        )),
        *([ROW, {**ROW, "value": {**ARRAY, **change}}] for change in (
            {"shape": [3]}, {"shape": [-1]}, {"shape": [1] * 64}, {"shape": [1] * 99},
            {"shape": [0, 2**59], "entries": []},
            {"dtype": "object"}, {"entries": ["0.1"]}, {"entries": [10**400]},
        )),
    ],
)  # fmt: skip
def test_a_forged_answer_is_refused(rows):
    _messages.unpack_outcomes(
        [ROW, ROW], ("x",), ("y",), 2
    )  # an answer, as long as it is not forged
    with pytest.raises(_messages.MalformedError):
        _messages.unpack_outcomes(rows, ("x",), ("y",), 2)


def test_a_part_that_holds_an_error_never_passes():
    problem = toy("f", "1.1")
    cases = problem.cases(2, SEED)
    found = [Outcome(error="")] * 2
    assert not problem.judge(cases, problem.expected(cases), found).passed


@pytest.mark.parametrize("line", [b"", b"\xff\n", b"[" * 10**5, b"[1]\n", b'{"id": 2}\n', b"{}{}"])
def test_a_line_that_answers_nothing_is_refused(line):
    with pytest.raises(_messages.MalformedError):
        _messages.message_of(line, 1)


def test_outcomes_come_back_bit_by_bit():
    values = [np.array([[0.1, np.nan, -0.0], [np.inf, -np.inf, 5e-324]]), np.array(1 / 3),
              np.empty((2, 0)), [np.ones(2), None, [Strange("an object")]], None]  # fmt: skip
    values.append(np.ones(2, np.float32))
    sent = [Outcome(value, changed=("x",), lines={"y": [value, None]}) for value in values]
    sent.append(Outcome(error="an error"))
    rows = json.loads(json.dumps([_messages.pack_outcome(outcome) for outcome in sent]))
    came = _messages.unpack_outcomes(rows, ("x",), ("y",), len(sent))
    for a, b in zip(sent, came, strict=True):
        assert repr(a) == repr(b)
        assert a.changed == b.changed


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_arguments_of_every_question_arrive_as_they_were_sent(problem):
    for value in (value for case in problem.cases(5, SEED) for value in case.values()):
        came = _messages.unpack_argument(json.loads(json.dumps(_messages.pack(value))))
        assert getattr(came, "dtype", None) == getattr(value, "dtype", None)
        if not isinstance(value, np.generic):
            both = [x(0.3) if callable(x) else x for x in (came, value)]
            assert (type(came), repr(both[0])) == (type(value), repr(both[1]))


# The points of the homework.


def test_the_solutions_of_the_practice_notebooks_get_all_points(tmp_path):
    pages = sorted((Path(__file__).parent.parent / "chapters" / "practice").glob("*.ipynb"))
    cells = [cell for page in pages for cell in nbformat.read(page, as_version=4).cells]
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    marks = grade(notebook(tmp_path / "a.ipynb", *code))
    sums = {key: (row["points"], row["possible"]) for key, row in _tables.totals(marks).items()}
    assert sums == {
        "1": (25, 25), "2": (35, 35), "3": (40, 40), "total": (100, 100), "bonus": (25, 25),
    }  # fmt: skip
    assert marks.cells == {}


def test_points_are_given_part_by_part(submit):
    both = toy("both", "1.1", two_parts, points=(2, 3))
    beyond = toy("beyond", "beyond 1.1", points=())
    cell = "def both(x): return x, x\ndef beyond(x): return 2 * x"
    marks = grade(submit((both, beyond), cell), seed=SEED)
    assert [mark.points for mark in marks.marks] == [(2, 0), (0,)]
    assert _tables.result(marks.marks[0]) == "b: wrong"
    assert _tables.totals(marks)["total"] == {"title": "Total", "points": 2, "possible": 5}


def test_the_same_seed_gives_the_same_marks(submit, capsys):
    (problem,) = toys(["f"])
    path = submit((problem,), "def f(x): return x", "from hw1lib.mlp import relu")
    marks = grade(path, seed=SEED)
    assert main([str(path), "--seed", str(SEED)]) == 0
    assert capsys.readouterr().out == str(marks)
    (first, *_), (other, *_) = problem.cases(seed=SEED), problem.cases(seed=SEED + 1)
    inputs = marks.marks[0].report.parts[0].inputs["x"]
    np.testing.assert_array_equal(inputs, first["x"])
    assert not np.array_equal(inputs, other["x"])


# The command line.


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Mark a folder with four submissions, two of them no notebooks: outputs and exit code."""
    path = tmp_path_factory.mktemp("course")
    (path / "notes.txt").write_text("no submission")
    notebook(path / "ada.ipynb", "def f(x): return 2 * x", "g = f", "1 / 0")
    (path / "bob.py").write_text("def f(x): return x\ndef g(x): return x, x")
    (path / "eve.ipynb").write_text("{")
    (path / "zoe.ipynb").write_text("[1]")
    files = ["--json", str(path / "marks.json"), "--junit", str(path / "marks.xml")]
    with (
        asking((toy("f", "1.1"), toy("g", "2.1"), toy("h", "3.1"))),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        code = main([str(path), "--seed", "1", "--jobs", "2", *files])
    return SimpleNamespace(path=path, out=out.getvalue(), err=err.getvalue(), code=code)


def test_a_folder_gives_one_table(course):
    assert course.out.splitlines() == [
        "seed 1",
        "",
        "Submission  Topic 1 / 5  Topic 2 / 5  Topic 3 / 5  Total / 15  Bonus / 0  Remarks",
        "ada.ipynb             5            5            0          10          0  error in a cell",
        "bob.py                0            0            0           0          0",
        "eve.ipynb             -            -            -           -          -"
        "  not marked: it is not JSON, so it is no notebook",
        "zoe.ipynb             -            -            -           -          -"
        "  not marked: it is JSON, but no notebook of version 4",
    ]


def test_a_folder_has_a_progress_bar_and_an_exit_code_that_says_whether_all_were_marked(course):
    assert "4/4" in course.err
    assert course.code == 1


def test_the_points_in_json_are_those_of_the_table(course):
    submissions = json.loads((course.path / "marks.json").read_text())["submissions"]
    rows = [line.split() for line in course.out.splitlines()[3:]]
    for submission, row in zip(submissions, rows, strict=True):
        assert submission["submission"] == row[0]
        sums = [f"{total['points']:g}" for total in submission["totals"].values()]
        assert row[1:6] == (["-"] * 5 if submission["problem"] else sums)
        points = [part["points"] for q in submission["questions"] for part in q["parts"]]
        assert sum(points) == submission["totals"]["total"]["points"]


def test_junit_has_a_case_for_each_part_and_counts_them(course):
    root = ET.parse(course.path / "marks.xml").getroot()
    tags = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for element in (root, *root):
        counts = {name: len(list(element.iter(tag))) for name, tag in tags.items()}
        assert {name: int(element.get(name)) for name in tags} == counts
    assert [root.get(name) for name in tags] == ["8", "2", "2", "2"]


def test_what_fails_in_the_grader_costs_one_submission(submit, tmp_path, monkeypatch, capsys):
    for name in ("ada", "bob", "eve"):
        submit(toys(["f"]), "def f(x): return 2 * x", name=f"{name}.ipynb")
    interview, asked = package.interview, []

    def fail_once(*arguments):
        asked.append(arguments)
        if len(asked) == 2:
            raise ZeroDivisionError("by\nzero")
        return interview(*arguments)

    monkeypatch.setattr(package, "interview", fail_once)
    assert main([str(tmp_path), "--quiet"]) == 1
    ada, bob, eve = capsys.readouterr().out.splitlines()[3:]
    assert ada.split()[1] == eve.split()[1] == "5"
    assert bob.endswith("not marked: the grader failed on it (ZeroDivisionError: by zero)")


def test_without_room_for_a_thread_one_submission_is_not_marked(submit, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    path = submit(toys(["f"]), "def f(x): return 2 * x")
    monkeypatch.setattr(_session.threading.Thread, "start", start)
    assert grade(path).problem == "not marked: this machine had no room for a thread"


def test_the_files_are_whole_whatever_the_output_does(submit, tmp_path, monkeypatch):
    path = submit(toys(["f"]), "def f(x): return x")
    files = {"--json": tmp_path / "marks.json", "--junit": tmp_path / "marks.xml"}
    for file in files.values():
        file.write_text("older")

    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        main([str(path), *(str(word) for pair in files.items() for word in pair)])
    assert json.loads(files["--json"].read_text("utf-8"))["submissions"]
    assert ET.parse(files["--junit"]).getroot().tag == "testsuites"
    assert sorted(tmp_path.iterdir()) == sorted([path, *files.values()])


def test_a_letter_that_the_output_does_not_have_is_a_question_mark(submit, monkeypatch):
    path = submit(toys(["f"]), "def f(x): return x", name="Żaneta.ipynb")
    output = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", output)
    assert main([str(path)]) == 0
    output.flush()
    text = output.buffer.getvalue().decode("cp1252")
    assert text.startswith("?aneta.ipynb, seed ")
    assert "? y: wrong" in text


# Nothing of these folders may be imported: the grader's process is to be trusted.
COMMANDS = {
    "module": [sys.executable, "-P", "-m", "hw1grade"],
    "script": [str(Path(sys.executable).with_name("hw1grade"))],
    "unsafe": [sys.executable, "-m", "hw1grade"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_submission_is_imported_into_the_grader(tmp_path, name):
    spy = "import pathlib; pathlib.Path(__file__).with_suffix('.imported').touch()"
    (tmp_path / "tqdm.py").write_text(spy)
    (tmp_path / "ada.py").write_text("")
    done = subprocess.run([*COMMANDS[name], "."], cwd=tmp_path, capture_output=True, text=True)
    assert not (tmp_path / "tqdm.imported").exists()
    if name == "unsafe":
        assert done.returncode == 2
        assert "so a submission could be imported" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert "ada.py" in done.stdout


def test_every_command_that_is_shown_keeps_the_current_folder_off_the_path():
    root = Path(__file__).parent.parent
    pages = [*root.glob("*.md"), *(root / "chapters").rglob("*.md")]
    shown = [line for page in pages for line in page.read_text("utf-8").splitlines()]
    pairs = (("-m hw1grade", "-P"), ('"-m", "hw1grade"', '"-P"'))
    assert [line for line in shown for a, b in pairs if a in line and b not in line] == []


def test_an_empty_notebook_answers_nothing(submit, capsys):
    assert main([str(submit(toys(["f"]))), "--json", "-"]) == 0
    (submission,) = json.loads(capsys.readouterr().out)["submissions"]
    assert submission["questions"][0]["parts"][0]["answered"] is False
    assert submission["totals"]["total"]["points"] == 0


def test_the_reports_follow_the_tables_unless_they_are_not_wanted(submit):
    path = submit(toys(["f"]), "def f(x): return x", "from hw1lib.mlp import relu")
    marks = grade(path, seed=SEED)
    report = "\n" + str(marks.marks[0].report) + "\n"
    assert "In every case it is 0.5 times the right value" in " ".join(report.split())
    assert str(marks) == _tables.text(marks, details=False) + report
    assert "Cell 2: line 1 in <module>" in str(marks)
    assert "Uses of hw1lib, beside the checks: hw1lib.mlp.relu" in str(marks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.ipynb"], "nowhere.ipynb does not exist"),
        ([".", "--seconds", "0"], "must be positive, got 0"),
        ([".", "--time", "nan"], "must be positive, got nan"),
        ([".", "--jobs", "0"], "must be at least 1, got 0"),
        (["."], ". has no notebooks and no modules"),
        (["a.py", "--json", "nowhere/marks.json"], "there is no folder for nowhere/marks.json"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "a.py":
        Path("a.py").touch()
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("module", "where"), [("IPython", "file"), ("tqdm", "folder")])
def test_a_missing_package_is_named_with_the_extra(tmp_path, monkeypatch, capsys, module, where):
    path = tmp_path / "a.ipynb"
    path.write_text("{")
    monkeypatch.setitem(sys.modules, module, None)
    find = package.importlib.util.find_spec
    monkeypatch.setattr(
        package.importlib.util, "find_spec", lambda name: None if name == module else find(name)
    )
    with pytest.raises(SystemExit):
        main([str(tmp_path if where == "folder" else path)])
    message = capsys.readouterr().err
    assert module in message
    assert "in the folder of the project: python -m pip install '.[grade]'" in message


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such switch")
def test_the_memory_of_the_grader_is_closed_to_processes_of_the_same_user():
    code = (
        "import ctypes; from hw1grade.__main__ import _guard; _guard(); "
        "print(ctypes.CDLL(None).prctl(3))"  # is it dumpable?
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_marks_print_as_their_table():
    marks = Marks("a.ipynb", SEED, problem="not marked: it is not a file")
    assert str(marks) == "a.ipynb, seed 7\nnot marked: it is not a file\n"
    assert marks.to_dict()["problem"] == marks.problem
