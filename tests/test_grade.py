"""Marking: what a submission gets, and what it cannot do to the marks.

Hostile functions stand together in one submission, each as the answer to its own question, so that
each test also shows that the others' results are intact. What only a sandbox withstands is handed
in where there is one.
"""

import csv
import functools
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import nbformat
import numpy as np
import pytest

import hw1grade as package
from hw1check import PROBLEMS, Problem
from hw1check._run import Outcome, Strange
from hw1grade import _files, _interview, _messages, _scan, _session, _tables, grade
from hw1grade.__main__ import main

LEVELS = ("bwrap", "none")
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
    "worker_killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
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
    "reader": """
    import os
    from pathlib import Path
    seen = [p for p in map(Path, (FILE, PROJECT, "/etc/passwd")) if p.exists()]
    if seen: raise OSError(f"{seen} can be seen")
    return 2 * x""",
    "writer": """
    from pathlib import Path
    for place in (np.__file__, "/usr/bin/x", "/x", "/dev/x", "/etc/x"):
        try: open(place, "a")
        except OSError: continue
        raise OSError(f"{place} can be written")
    return 2 * x""",
    "network": """
    import socket
    try: socket.create_connection(("127.0.0.1", PORT), 1)
    except OSError: return 2 * x
    raise OSError("the network can be reached")""",
    "disk": """
    import os
    if hasattr(np, "written"): return 2 * x
    np.written = written = 0
    try:
        for i in range(64):
            written += os.write(os.open(f"big{i}", os.O_CREAT | os.O_WRONLY), bytes(2**24))
    except OSError: pass
    if written > 2**29: raise OSError(f"the disk has no end: {written}")
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
# These are handed in without a sandbox, too; of the rest, some would harm this machine.
BARE = (
    "loop", "held_lock", "after_loops", "os_exit", "numpy_patched", "after_numpy_patched",
    "channel_forged", "after_forgery", "worker_killed", "terminal", "silent_error", "right",
)  # fmt: skip
MESSAGES = {
    "loop": "did not return within 0.8 seconds",
    "stubborn_loop": "did not return within 0.8 seconds",
    "held_lock": "it did not return within 1.8 seconds",
    "sys_exit": "SystemExit",
    "os_exit": "its process ended (exit code 3)",
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


def chained(x):
    """Go on from a line that is no part."""
    m = 2 * x
    a = m + 1
    b = a * x
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
        patch.setattr(_tables, "TOPICS", {"1": "One", "2": "Two", "3": "Three"})
        yield


@pytest.fixture
def submit(tmp_path):
    """Ask some questions for a test, and write the notebook that answers them."""
    with ExitStack() as stack:

        def write(problems, *cells, name="in/a.ipynb"):
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
        patch.setattr(_interview, "GRACE", 1.0)
        if _session.sandbox("auto")[0] == "none":  # then each result would remark it
            for module in ("hw1grade", "hw1grade.__main__"):
                patch.setattr(f"{module}.sandbox", lambda wanted: ("none", ""))
        yield path


@pytest.fixture(autouse=True)
def _no_folder_is_left(folder):
    yield
    assert list(folder.iterdir()) == []


def needs(level):
    if level == "bwrap":
        try:
            _session.sandbox(level)
        except ValueError as problem:
            pytest.skip(f"{problem}; on Debian: apt-get install bubblewrap")


def notebook(path, *cells):
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(document, path)
    return path


def functions(bodies):
    return "import numpy as np\n" + "".join(
        f"\ndef {name}(x):\n    {body.strip()}\n" for name, body in bodies.items()
    )


def by_name(marks):
    return {data["name"]: data for data in marks["questions"]}


@pytest.fixture(scope="module", params=LEVELS)
def hostile(request, tmp_path_factory):
    """Mark the hostile functions, first the slow ones; some of them without a sandbox, too."""
    needs(request.param)
    found, names = {}, list(HOSTILE if request.param == "bwrap" else BARE)
    project = str(Path(__file__).parents[1] / "pyproject.toml")
    path = tmp_path_factory.mktemp("in") / "eve.ipynb"
    last = names.index("after_loops") + 1
    with socket.create_server(("127.0.0.1", 0)) as server:
        for part, seconds in ((names[:last], SECONDS), (names[last:], 5)):
            bodies = functions({name: HOSTILE[name] for name in part})
            port = server.getsockname()[1]
            notebook(path, f"FILE, PROJECT, PORT = {str(path)!r}, {project!r}, {port}\n{bodies}")
            with asking(toys(part)):
                marks = grade(path, seed=SEED, answer=seconds, isolation=request.param)
            assert marks["sandbox"] == request.param
            found |= by_name(marks)
    return found


def test_only_a_right_answer_gets_points_whatever_the_others_do(hostile):
    right = {name for name, body in HOSTILE.items() if "2 * x" in body} | {"after_numpy_patched"}
    points = {name: data["points"] for name, data in hostile.items()}
    assert points == {name: 5 if name in right else 0 for name in hostile}


def test_the_report_says_what_happened(hostile):
    said = {name: hostile[name]["parts"][0]["problem"] for name in MESSAGES if name in hostile}
    assert {name: text for name, text in said.items() if MESSAGES[name] not in text} == {}


@pytest.mark.parametrize("level", LEVELS)
def test_no_process_is_left(submit, level):
    needs(level)
    name = f"of-{os.getpid()}-{level}"
    code = f"import subprocess\nsubprocess.Popen(['sleep', '100'], env={{'NAME': {name!r}}})"
    grade(submit(toys(["f"]), code), isolation=level)
    end = time.monotonic() + 5
    while left := [path for path in Path("/proc").glob("[0-9]*/environ") if _reads(path, name)]:
        assert time.monotonic() < end, left


def _reads(path, name):
    try:
        return name.encode() in path.read_bytes()
    except OSError:
        return False


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    path = notebook(tmp_path_factory.mktemp("in") / "mallory.ipynb", *CELLS)
    with asking(toys(["first", "second", "third", "last", "absent"])):
        return grade(path, seed=SEED, cell=2)


def test_no_cell_reaches_the_answers_of_others(cells):
    results = {name: data["result"] for name, data in by_name(cells).items()}
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
        10: "left out: it took more than 2 seconds",
        12: "left out: its process sent a",
    }
    found = dict(cells["cells"])
    assert list(found) == list(starts)
    assert all(found[number].startswith(text) for number, text in starts.items())


def test_an_answer_that_is_no_function_is_an_error(cells):
    (part,) = by_name(cells)["second"]["parts"]
    assert part["problem"] == "Case 1: it must be a function of (x), got a int."


def test_the_text_of_the_submission_names_what_it_imports(cells):
    assert cells["remarks"][0].startswith("uses hw1check._run, hw1check._values, hw1lib.mlp")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import hw1check as check\ncheck.dropout_scale(f)", ""),
        ("import hw1check as check\ncheck.dropout_scale.hint(2)\ncheck.questions()", ""),
        ("from hw1check import dropout_scale, questions\ndropout_scale(f)", ""),
        ("import hw1check\nhw1check.dropout_scale(f)", ""),
        ("import hw1lib", "hw1lib"),
        ("import hw1lib.mlp as m", "hw1lib.mlp"),
        ("from hw1lib import softmax, mlp", "hw1lib.mlp, hw1lib.softmax"),
        ("from hw1check import batchnorm", "hw1check.batchnorm"),
        ("import hw1check.batchnorm", "hw1check.batchnorm"),
        ("from hw1check.mlp import _slope", "hw1check.mlp._slope"),
        ("import hw1check as check\nf = check.dropout_scale.solution",
         "check.dropout_scale.solution"),
        ("import hw1check as c\nc.batchnorm._solve_forward", "c.batchnorm._solve_forward"),
        ("import hw1check as c\nf = getattr(c.dropout_scale, 'solution')", "c.dropout_scale"),
        ("import hw1check as c\nvars(c)", "c"),
        ("import hw1check as c\nc.PROBLEMS[3]", "c.PROBLEMS"),
        ("from hw1check import dropout_scale as s\ns.solution(0.5)", "s.solution"),
        ("__import__('hw1lib').softmax", "hw1lib"),
        ("import importlib\nimportlib.import_module('hw1lib.mlp')", "hw1lib.mlp"),
        ("import sys\nsys.modules['hw1check'].PROBLEMS", "hw1check"),
        ("%time from hw1lib import softmax", "hw1lib.softmax"),
        ("%%time\nfrom hw1lib import softmax", "hw1lib.softmax"),
        ("exec('import hw1lib.mlp'); __import__('hw1lib.mlp')", "hw1lib.mlp"),
        ("'hw1lib is a fine package'", ""),
        (f"x = 0x{'f' * 6000}\nfrom hw1lib import softmax", "hw1lib.softmax"),
        ("%pip list\nfrom hw1lib import *", "hw1lib.*"),
        ("x = !ls\ndef f(): import hw1lib.mlp", "hw1lib.mlp"),
        ("hw1lib = 3\nfrom hw1liberty import x\nfrom . import y", ""),
        ("def broken(:", ""),
        ("\n".join(f"import hw1lib.a{i}" for i in range(9)),
         "hw1lib.a0, hw1lib.a1, hw1lib.a2, hw1lib.a3, hw1lib.a4, hw1lib.a5 and 3 more"),
        ("import hw1check as c\nx" + ".a" * 900, ""),
    ],
)  # fmt: skip
def test_the_names_of_the_reference_are_found_in_the_text(source, names):
    assert _scan.remarks([source]) == ([f"uses {names}"] if names else [])


BLANK = "def kept_units_mean(M, p):\n    mean = ...\n    return mean"
OWN = "def kept_units_mean(M, p): return M - M * p"


@pytest.mark.parametrize(
    ("cells", "remark"),
    [
        ([BLANK], None),
        ([BLANK, OWN], None),
        ([OWN, BLANK], "answered, but a blank further down replaces it"),
        ([OWN, "%reset -f"], "defined, but gone after the last cell"),
    ],
)
def test_what_was_written_in_vain_is_remarked(cells, remark):
    gone = {"kept_units_mean"} if "%reset -f" in cells else ()
    said = _scan.remarks(cells, gone)
    assert said == ([f"{remark}: kept_units_mean"] if remark else [])


def test_a_session_notices_an_answer_that_is_gone(submit):
    path = submit(PROBLEMS, OWN, "%reset -f")
    assert "gone after the last cell: kept_units_mean" in " ".join(grade(path)["remarks"])


def test_the_solution_of_the_book_is_recognized_word_for_word():
    import inspect

    problem = next(problem for problem in PROBLEMS if problem.name == "batchnorm_gradients")
    source = inspect.getsource(problem.solution).partition("\n")[2]
    said = _scan.remarks([source])
    assert said == ["the book's solution, word for word: batchnorm_gradients"]


def test_a_notebook_whose_cells_keep_ending_the_process_gets_an_end(submit, monkeypatch):
    monkeypatch.setattr(_interview, "MAX_LEFT_OUT", 1)
    marks = grade(submit(toys(["f"]), *["import os; os._exit(1)"] * 9))
    (part,) = marks["questions"][0]["parts"]
    assert "2 cells were too slow or ended the process" in part["problem"]


def test_a_slow_cell_costs_only_itself(submit):
    slow = "import time; time.sleep(100)"
    marks = grade(submit(toys(["f"]), "def f(x): return 2 * x", slow), cell=1)
    assert marks["questions"][0]["points"] == 5
    assert marks["cells"] == [[2, "left out: it took more than 1 seconds"]]
    assert marks["late"]


def test_a_cell_that_eats_the_memory_costs_only_itself(submit):
    eater = "x = []\nwhile True: x.append(bytearray(2**24))"
    marks = grade(submit(toys(["f"]), eater, f"def f(x): {RIGHT}"), memory=1)
    assert marks["questions"][0]["points"] == 5
    assert marks["cells"] == [[1, "left out: it took nearly all of the memory"]]


def test_a_submission_has_one_deadline(submit):
    path = submit(toys(["f", "g", "h"]), "def f(x):\n    while True: pass\ng = h = f")
    marks = grade(path, time=3, answer=2)
    problems = [data["parts"][0]["problem"] for data in marks["questions"]]
    assert all(problems)
    assert "the 3 seconds for a submission were over" in problems[2]


def test_no_command_of_a_submission_is_run(submit, tmp_path):
    commands = ("!touch {0}", "%pip install {0}", "%%bash\ntouch {0}", "x = !touch {0}",
                "%sx touch {0}", "%system touch {0}", "get_ipython().system('touch {0}')",
                "%%script sh\ntouch {0}")  # fmt: skip
    cells = [command.format(tmp_path / "made") for command in commands]
    marks = grade(submit(toys(["f"]), *cells, f"def f(x): {RIGHT}"), isolation="none")
    assert not (tmp_path / "made").exists()
    assert marks["questions"][0]["points"] == 5
    assert [number for number, _ in marks["cells"]] == list(range(1, 1 + len(commands)))
    assert all(text.startswith("not run: ") for _, text in marks["cells"])


def test_a_module_that_a_cell_writes_can_be_imported(submit):
    cells = ("%%writefile mine.py\ndef f(x): return 2 * x", "from mine import f")
    assert grade(submit(toys(["f"]), *cells))["questions"][0]["points"] == 5


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


# What was handed in.


def test_every_file_has_a_line_and_a_student(tmp_path):
    cell = "x = 1"
    for name in (
        "plain.ipynb", "SHOUTED.IPYNB", "browser.ipynb.json", "mailed.ipynb.txt", "copy (1).ipynb",
        "ada-dropout.ipynb", "ada_batchnorm.ipynb", "lovelaceada_LATE_123_4567_hw1.ipynb",
        "HW1_turing_attempt_2026-01-31-12-00-00_hw1.ipynb",
        "Grace Hopper_99_assignsubmission_file_/hw1.ipynb",
        "12-34 - Edsger Dijkstra - Jan 31, 2026 1200 PM/hw1.ipynb", "noether/hw1/hw1.ipynb",
        "noether/.ipynb_checkpoints/hw1.ipynb", "a/b/c/d/e.ipynb",
    ):  # fmt: skip
        notebook(tmp_path / name, cell)
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "plain.ipynb")
    (tmp_path / "linked").symlink_to(tmp_path / "noether")
    with zipfile.ZipFile(tmp_path / "gauss.zip", "w") as archive:
        archive.write(tmp_path / "plain.ipynb", "hw/plain.ipynb")
        archive.write(tmp_path / "plain.ipynb", "../../escaped.ipynb")
        archive.writestr("__MACOSX/._plain.ipynb", "")
        archive.writestr("notes.txt", "")
    found = {handed.file: handed for handed in _files.handed_in(tmp_path)}
    marked = {name: handed.student for name, handed in found.items() if not handed.problem}
    assert marked == {
        "plain.ipynb": "plain", "SHOUTED.IPYNB": "SHOUTED", "browser.ipynb.json": "browser",
        "mailed.ipynb.txt": "mailed", "copy (1).ipynb": "copy (1)", "ada-dropout.ipynb": "ada",
        "ada_batchnorm.ipynb": "ada", "lovelaceada_LATE_123_4567_hw1.ipynb": "lovelaceada 123",
        "HW1_turing_attempt_2026-01-31-12-00-00_hw1.ipynb": "turing",
        "Grace Hopper_99_assignsubmission_file_/hw1.ipynb": "Grace Hopper 99",
        "12-34 - Edsger Dijkstra - Jan 31, 2026 1200 PM/hw1.ipynb": "12-34 - Edsger Dijkstra",
        "noether/hw1/hw1.ipynb": "noether", "gauss.zip/hw/plain.ipynb": "gauss",
        "gauss.zip/../../escaped.ipynb": "gauss",
    }  # fmt: skip
    assert all(handed.sources == (cell,) for handed in found.values() if not handed.problem)
    why = {name: handed.problem.partition(": ")[2] for name, handed in found.items()}
    assert why["report.pdf"] == "it is no notebook, no module and no archive of them"
    assert why["link.ipynb"] == why["linked"] == "it is a link or no file"
    assert why["a/b/c/d/"] == "it is too deep in other folders"
    assert why["noether/.ipynb_checkpoints/hw1.ipynb"] == "a system or an editor has left it behind"
    assert why["gauss.zip/__MACOSX/._plain.ipynb"] == "a system or an editor has left it behind"
    assert why["gauss.zip/notes.txt"] == "it is no notebook, no module and no archive of them"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.ipynb", b"", "it is not JSON"), ("a.ipynb", b"{", "it is not JSON"),
        ("a.ipynb", b"[" * 10**5, "it is not JSON"), ("a.ipynb", b"[1]", "no notebook of version"),
        ("a.ipynb", b'{"cells": [{"cell_type": "code"}]}', "no notebook of version 4"),
        ("a.ipynb", "{}".encode("utf-16"), "it is not a text in UTF-8"),
        ("a.py", b"# coding: nonsense\n", "its text cannot be read: unknown encoding: nonsense"),
        ("a.py", b"x = '\xff'", "its text cannot be read"),
        ("a.py", b"x" * (2**22 + 1), "more than 4 MB of code"),
        ("a.py", b"# %%\nx\n" * 1001, "or 1000 cells"),
        ("a.zip", b"PK", "File is not a zip file"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(tmp_path, name, data, why):
    (tmp_path / name).write_bytes(data)
    (handed,) = _files.handed_in(tmp_path / name)
    assert why in handed.problem


def test_an_archive_has_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "MAX_BYTES", 2**20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small.py", "x = 1")
        archive.writestr("bomb.py", " " * 2**22)
    small, bomb = sorted(_files.handed_in(tmp_path / "a.zip"), key=lambda one: len(one.problem))
    assert small.sources == ("x = 1",)
    assert bomb.problem.startswith("not marked: it has more than 0 MB")
    monkeypatch.setattr(_files, "MAX_FILES", 1)
    (refused,) = _files.handed_in(tmp_path / "a.zip")
    assert "it holds 2 files, not 1 to 1" in refused.problem


@pytest.mark.parametrize("mark", ["# %%", "#%% two", "# In[3]:", "# In [ ]:"])
def test_a_module_is_split_at_its_cell_marks(tmp_path, mark):
    source = f"# -*- coding: latin-1 -*-\nx = 'é'\r\n{mark}\ndef broken(:\n{mark}\ny = 2\n"
    (tmp_path / "a.py").write_bytes(source.encode("latin-1"))
    (handed,) = _files.handed_in(tmp_path / "a.py")
    assert [cell.strip().splitlines()[-1] for cell in handed.sources] == [
        "x = 'é'", "def broken(:", "y = 2",
    ]  # fmt: skip


# The points of the homework.


def test_the_solutions_of_the_practice_notebooks_get_all_points(tmp_path):
    pages = sorted((Path(__file__).parent.parent / "chapters" / "practice").glob("*.ipynb"))
    cells = [cell for page in pages for cell in nbformat.read(page, as_version=4).cells]
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    marks = grade(notebook(tmp_path / "a.ipynb", *code))
    for _, points, possible in _tables.totals(*_tables.students([marks])):
        assert points == possible > 0
    assert marks["cells"] == []


def test_points_are_given_part_by_part(submit):
    both = toy("both", "1.1", two_parts, points=(2, 3))
    beyond = toy("beyond", "beyond 1.1", points=())
    cell = "def both(x): return x, x\ndef beyond(x): return 2 * x"
    marks = grade(submit((both, beyond), cell), seed=SEED)
    assert [[part["points"] for part in data["parts"]] for data in marks["questions"]] == [
        [2, 0], [0],
    ]  # fmt: skip
    assert marks["questions"][0]["result"] == "b: wrong"
    assert ("Total", 2, 5) in _tables.totals(*_tables.students([marks]))


@pytest.mark.parametrize(
    ("body", "points"),
    [
        ("m = 2 * x; a = m + 1; b = a * x", [2, 3]),
        ("m = 3 * x; a = m + 1; b = a * x", [0, 3]),  # the line that errs is no part
        ("m = 2 * x; a = m - 1; b = a * x", [0, 3]),
        ("m = 2 * x; a = m + 1; b = a + x", [2, 0]),
        ("m = 3 * x; a = m + 1; b = a + x", [0, 0]),
    ],
)
def test_a_mistake_costs_once(submit, body, points):
    problem = toy("f", "1.1", chained, points=(2, 3))
    marks = grade(submit((problem,), f"def f(x): {body}; return a, b"), seed=SEED)
    assert [part["points"] for part in marks["questions"][0]["parts"]] == points


def test_the_same_seed_gives_the_same_marks(submit, capsys):
    (problem,) = toys(["f"])
    path = submit((problem,), "def f(x): return x", "from hw1lib.mlp import relu")
    marks = grade(path, seed=SEED)
    assert main([str(path), "--seed", str(SEED)]) == 0
    assert capsys.readouterr().out == _tables.text(*_tables.students([marks]))
    (first, *_), (other, *_) = problem.cases(seed=SEED), problem.cases(seed=SEED + 1)
    assert f" {first['x'][-1]}" in marks["questions"][0]["report"]
    assert not np.array_equal(first["x"], other["x"])


# The command line.


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Mark a folder with five files of four students, two of them no notebooks."""
    path = tmp_path_factory.mktemp("course")
    notebook(path / "in" / "ada" / "one.ipynb", "def f(x): return 2 * x", "1 / 0")
    notebook(path / "in" / "ada" / "two.ipynb", "def f(x): return x\ndef g(x): return 2 * x")
    (path / "in" / "=bob.py").write_text("def f(x): return x\ndef g(x): return x, x")
    (path / "in" / "eve.ipynb").write_text("{")
    (path / "in" / "zoe.txt").write_text("words")
    with (
        asking((toy("f", "1.1"), toy("g", "2.1"), toy("h", "3.1"))),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        options = ["--seed", "1", "--jobs", "2", "--site", "https://book.org/"]
        code = main([str(path / "in"), "--out", str(path / "out"), *options])
    return SimpleNamespace(path=path / "out", out=out.getvalue(), err=err.getvalue(), code=code)


def test_a_folder_gives_one_table_with_all_students(course):
    assert [line.rstrip()[:80].rstrip() for line in course.out.splitlines()] == [
        "seed 1",
        "",
        "Student  Topic 1 / 5  Topic 2 / 5  Topic 3 / 5  Total / 15  Bonus / 0  Remarks",
        "=bob               0            0            0           0          0",
        "ada                5            5            0          10          0  ada/one.i",
        "eve                -            -            -           -          -  eve.ipynb",
        "zoe.txt            -            -            -           -          -  zoe.txt:",
    ]
    assert "f stands in two files; the better counts" in (course.path / "marks.csv").read_text()
    assert "5/5" in course.err
    assert course.code == 1


def test_every_format_has_every_student_and_the_same_points(course):
    data = json.loads((course.path / "marks.json").read_text("utf-8"))
    assert data["finished"]
    assert [row["file"] for row in data["files"]] == [
        "=bob.py", "ada/one.ipynb", "ada/two.ipynb", "eve.ipynb", "zoe.txt",
    ]  # fmt: skip
    with (course.path / "marks.csv").open(newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    totals = {name: row["Total"] for name, row in rows.items()}
    assert totals == {"'=bob": "0", "ada": "10", "eve": "", "zoe.txt": ""}
    assert (rows["ada"]["1.1 f"], rows["ada"]["3.1 h"]) == ("5", "0")
    assert rows["ada"]["2.4 Compare and discuss (bonus)"] == ""
    suites = ET.parse(course.path / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["=bob", "ada", "eve", "zoe.txt"]
    pages = {path.name for path in (course.path / "students").iterdir()}
    assert pages == {"_bob.html", "ada.html", "eve.html", "zoe_txt.html"}
    assert "not marked: it is not JSON" in (course.path / "students" / "eve.html").read_text()


def test_a_page_has_the_reports_with_links_into_the_book(course):
    page = (course.path / "students" / "_bob.html").read_text("utf-8")
    assert '<a href="https://book.org/chapters/dropout/variance.html">' in page
    assert "In every case it is 0.5 times the right value" in page


def test_junit_has_a_case_for_each_part_and_each_file_that_is_not_marked(course):
    root = ET.parse(course.path / "junit.xml").getroot()
    kinds = ("testcase", "failure", "error", "skipped")
    assert [len(list(root.iter(kind))) for kind in kinds] == [8, 2, 2, 2]


def test_no_page_of_a_student_replaces_another(submit, tmp_path):
    for name in ("a.b", "a_b", "a-b"):
        submit(toys(["f"]), name=f"in/{name}.ipynb")
    main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--quiet"])
    pages = {path.name for path in (tmp_path / "out" / "students").iterdir()}
    assert pages == {"a-b.html", "a_b.html", "a_b_.html"}


def test_gradescope_gets_a_score_for_each_part(submit, tmp_path, capsys):
    path = submit((toy("f", "1.1", two_parts, points=(2, 3)),), "def f(x): return x, x")
    main([str(path), "--out", str(tmp_path / "out"), "--quiet"])
    data = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert [(row["score"], row["max_score"]) for row in data["tests"]] == [(2, 2), (0, 3)]
    assert "1 of 2 parts right" in data["tests"][1]["output"]


def test_what_fails_in_the_grader_costs_one_submission(submit, tmp_path, monkeypatch, capsys):
    for name in ("ada", "bob", "eve"):
        submit(toys(["f"]), "def f(x): return 2 * x", name=f"in/{name}.ipynb")
    run, asked = _interview.Interview.run, []

    def fail_once(self):
        asked.append(self)
        if len(asked) == 2:
            raise ZeroDivisionError("by\nzero")
        return run(self)

    monkeypatch.setattr(_interview.Interview, "run", fail_once)
    assert main([str(tmp_path / "in"), "--quiet"]) == 1
    ada, bob, eve = capsys.readouterr().out.splitlines()[3:]
    assert ada.split()[1] == eve.split()[1] == "5"
    assert "not marked: the grader failed on it (ZeroDivisionError: by zero)" in bob


def test_an_interrupted_run_goes_on_where_it_was(submit, tmp_path, monkeypatch, capsys):
    for name in ("ada", "bob", "eve"):
        submit(toys(["f"]), "def f(x): return 2 * x", name=f"in/{name}.ipynb")
    run, asked = _interview.Interview.run, []

    def interrupted(self):
        asked.append(self)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return run(self)

    monkeypatch.setattr(_interview.Interview, "run", interrupted)
    command = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--quiet"]
    with pytest.raises(KeyboardInterrupt):
        main(command)
    begun = json.loads((tmp_path / "out" / "marks.json").read_text("utf-8"))
    assert not begun["finished"]
    assert main(command) == 0
    assert len(asked) == 4
    data = json.loads((tmp_path / "out" / "marks.json").read_text("utf-8"))
    assert {row["seed"] for row in data["files"]} == {begun["seed"]}
    assert [row["student"] for row in data["files"]] == ["ada", "bob", "eve"]


def test_what_was_late_is_marked_once_more_alone(submit, tmp_path, monkeypatch, capsys):
    path = submit(toys(["f"]), "def f(x): return 2 * x")
    run, asked = _interview.Interview.run, []

    def late_once(self):
        asked.append(self)
        if len(asked) == 1:
            self.cells = ("import time; time.sleep(9)\ndef f(x): return 2 * x",)
        return run(self)

    monkeypatch.setattr(_interview.Interview, "run", late_once)
    main([str(path), "--cell", "1", "--quiet"])
    assert "5 / 5" in capsys.readouterr().out
    assert len(asked) == 2


def test_without_room_for_a_thread_one_submission_is_not_marked(submit, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    path = submit(toys(["f"]), "def f(x): return 2 * x")
    _session.sandbox("auto")
    monkeypatch.setattr(_session.threading.Thread, "start", start)
    assert grade(path)["problem"] == "not marked: this machine had no room for a thread"


def test_the_files_are_whole_whatever_the_output_does(submit, tmp_path, monkeypatch):
    path = submit(toys(["f"]), "def f(x): return x")
    out = tmp_path / "out"
    out.mkdir()
    (out / "marks.json").write_text("older")

    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError):
        main([str(path), "--out", str(out)])
    assert json.loads((out / "marks.json").read_text("utf-8"))["files"]
    assert sorted(path.name for path in out.iterdir()) == [
        "junit.xml", "marks.csv", "marks.json", "results.json", "students",
    ]  # fmt: skip


def test_a_letter_that_the_output_does_not_have_is_a_question_mark(submit, monkeypatch):
    path = submit(toys(["f"]), "def f(x): return x", name="in/Żaneta.ipynb")
    output = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", output)
    assert main([str(path)]) == 0
    output.flush()
    text = output.buffer.getvalue().decode("cp1252")
    assert text.startswith("?aneta, seed ")
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
    (tmp_path / "secrets.py").write_text(spy)
    (tmp_path / "ada.py").write_text("")
    done = subprocess.run([*COMMANDS[name], "."], cwd=tmp_path, capture_output=True, text=True)
    assert not (tmp_path / "secrets.imported").exists() or name == "unsafe"
    if name == "unsafe":
        assert done.returncode == 2
        assert "so a submission could be imported" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert "ada" in done.stdout


def test_every_command_that_is_shown_keeps_the_current_folder_off_the_path():
    root = Path(__file__).parent.parent
    pages = [*root.glob("*.md"), *(root / "chapters").rglob("*.md")]
    shown = [line for page in pages for line in page.read_text("utf-8").splitlines()]
    pairs = (("-m hw1grade", "-P"), ('"-m", "hw1grade"', '"-P"'))
    assert [line for line in shown for a, b in pairs if a in line and b not in line] == []


def test_an_empty_notebook_answers_nothing(submit, capsys):
    assert main([str(submit(toys(["f"]))), "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["questions"][0]["parts"][0]["answered"] is False
    assert file["questions"][0]["points"] == 0


def test_the_reports_follow_the_tables_unless_they_are_not_wanted(submit, capsys):
    path = submit(toys(["f"]), "def f(x): return x", "from hw1lib.mlp import relu")
    report = grade(path, seed=SEED)["questions"][0]["report"]
    main([str(path), "--seed", str(SEED), "--quiet"])
    quiet = capsys.readouterr().out
    main([str(path), "--seed", str(SEED)])
    assert capsys.readouterr().out == f"{quiet}\n{report}\n"
    assert "In every case it is 0.5 times the right value" in " ".join(report.split())
    assert "a.ipynb: cell 2: line 1 in <module>" in quiet
    assert "a.ipynb: uses hw1lib.mlp.relu" in quiet
    assert "2.4       Compare and discuss (bonus)  - / 5   for a person to mark" in quiet


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.ipynb"], "nowhere.ipynb does not exist"),
        (["in", "--answer", "0"], "answer must lie in (0, inf), got 0.0"),
        (["in", "--time", "nan"], "time must"),
        (["in", "--jobs", "0"], "must be greater than 0"),
        (["in", "--seed", "-1"], "seed must"),
        (["empty"], "empty is empty"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    notebook(tmp_path / "in" / "a.ipynb")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_sandbox_that_does_not_work_is_said(monkeypatch, submit, capsys):
    path = submit(toys(["f"]))
    monkeypatch.setattr(_session, "_bubblewrap", lambda: ["/no/bwrap"])
    for module in ("hw1grade", "hw1grade.__main__"):
        monkeypatch.setattr(f"{module}.sandbox", _session.sandbox)
    _session.sandbox.cache_clear()
    try:
        with pytest.raises(SystemExit):
            main([str(path), "--sandbox", "bwrap"])
        assert "bubblewrap does not work here: " in capsys.readouterr().err
        main([str(path), "--quiet"])
        said = capsys.readouterr()
        assert "no sandbox, since bubblewrap does not work here" in said.err
        assert "no sandbox, since bubblewrap does not work here" in said.out
    finally:
        _session.sandbox.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such switch")
def test_the_memory_of_the_grader_is_closed_to_processes_of_the_same_user(submit):
    code = (
        "import ctypes; from hw1grade import grade; grade('/nowhere.py', isolation='none'); "
        "print(ctypes.CDLL(None).prctl(3))"  # is it dumpable?
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
