"""Mutation testing: break hw1lib in thousands of places, one at a time; a test must notice each.

`nox -s mutants` runs it. mutmut makes the mutants: it keeps all versions of a function in one
module and switches between them. Left to itself it skips decorated functions and the constants of a
module, which are half of hw1lib, so a decorator is turned into a plain call first, and the value
of a constant into a function. It would also collect all tests anew for each mutant, which takes
longer than running them; here they are collected once, and each mutant is a fork of that process,
in which the tests run that call the broken function, those that found the last mutants first.
A mutant is killed if a test fails, if it never ends or if it crashes the interpreter.

Left out are the mutants of the `strict` in `zip(..., strict=True)`: it is there because the linter
asks for it, and asserts what the code before it has made sure of. So are those of what only type
checkers read, and of the constants that a decorator reads: it has done so when the mutant comes.

The tests of the notebooks are not among them: `tools/break_notebooks.py` tests those.
"""

import argparse
import ast
import collections
import contextlib
import difflib
import gc
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import FunctionType, SimpleNamespace

import hypothesis
import pytest
import yaml

import records

ROOT = Path(__file__).parent.parent
STAGE = ROOT / "_build" / "mutants"
SUMMARY = ROOT / "tools" / "mutants.json"
SURVIVORS = ROOT / "tools" / "survivors.yml"
PASS_MARK = 98  # percent
KILLED = ("killed", "endless", "crashed")
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
TYPES = re.compile(r"\bLiteral\[[^]]*\]|\bTypeVar\(.*\)|\bcast\([^,]*,")
STRICT = re.compile(r",\s*(strict=\w+)?(?=\))")
# Not the catalogue of mistakes in hw1check, wrong by design, nor the tool hw1grade.
MODULES = [
    *(f"hw1lib.{path.stem}" for path in sorted((ROOT / "hw1lib").glob("*.py"))),
    *(f"hw1check.{path.stem}" for path in sorted((ROOT / "hw1check").glob("_*.py"))),
]
MODULES = [name for name in MODULES if not name.endswith("__init__")]
GENERAL = ("arguments", "hostile_input", "properties", "check", "check_engine", "messages")
OF_A_MODULE = (name.partition(".")[2] for name in MODULES if "._" not in name)
TESTS = [
    "tests/equations",
    *(f"tests/test_{name}.py" for name in (*GENERAL, *OF_A_MODULE)),
]
# Random or repeated elsewhere; and what asks for an import of NumPy alone, or reads the notebooks.
LEFT_OUT = [
    "test_any_objects_as_arguments_give_a_finite_result_or_a_documented_error",
    "test_none_of_200_perturbed_answers_passes",
    "test_checking_needs_numpy_and_no_other_package",
]
BUDGET = 4  # seconds of tests for a mutant, the quickest first; a mutant that is left has survived
MEMORY = 6 * 2**30
TIMES = STAGE.parent / "tests.json"
RESULTS = STAGE.parent / "mutants_all.json"
SWITCH = '''\
"""Which version of a function runs: the original, or the mutant of this process."""

import functools

ACTIVE, CALLED = [None, None], set()  # the mutant's name and module
MutantDict = dict


def switch(versions):
    """Decorate a function of which there are several versions."""

    def decorate(function):
        name = f"{function.__module__}:{function.__qualname__}"

        @functools.wraps(function)
        def run(*args, **kwargs):
            CALLED.add(name)
            version = versions.get(ACTIVE[0]) if ACTIVE[0] else None
            if version is None or version.__module__ != ACTIVE[1]:
                version = versions["_mutmut_orig"]
            return version(*args, **kwargs)

        return run

    return decorate
'''


# Making the mutants --------------------------------------------------------------------------


def names_in_decorators():
    """Find the names that decorators of the library read."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "hw1lib").glob("*.py")]
    functions = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    parts = [n for f in functions for d in f.decorator_list for n in ast.walk(d)]
    return {getattr(n, "id", None) or getattr(n, "attr", None) for n in parts} - {None}


def without_decorators(source, decorating=frozenset()):
    """Turn decorators into calls behind the function, and constants into functions, for mutmut."""
    lines, tree = source.splitlines(), ast.parse(source)
    places = []
    for parent in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in parent.body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                (decorator,) = node.decorator_list
                call = f"{node.name} = {ast.unparse(decorator)}({node.name})"
                places.append((node.end_lineno, " " * node.col_offset + call, decorator))
    for end, call, decorator in sorted(places, key=lambda place: place[0], reverse=True):
        lines.insert(end, call)
        first, last = decorator.lineno - 1, decorator.end_lineno
        lines[first:last] = [""] * (last - first)
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id not in decorating
        ):
            value = ast.get_source_segment(source, node.value)
            lines += ["", "", f"def _value_of_{node.targets[0].id}():", f"    return ({value})"]
    return "\n".join(lines) + "\n"


def make_mutants():
    """Write the package with all its mutants below STAGE, and list the mutants."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    shutil.rmtree(STAGE, ignore_errors=True)
    for folder in ("hw1lib", "hw1check", "tests"):
        shutil.copytree(ROOT / folder, STAGE / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "conftest.py", STAGE)
    (STAGE / "chapters").symlink_to(ROOT / "chapters")
    (STAGE / "hw1lib" / "_switch.py").write_text(SWITCH)
    settings = re.sub(r"(?m)^addopts = .*", 'addopts = "--strict-markers"', read("pyproject.toml"))
    (STAGE / "pyproject.toml").write_text(settings)
    mutants, decorating = [], names_in_decorators()
    for module in MODULES:
        path = STAGE / (module.replace(".", "/") + ".py")
        changed = mutate_file_contents(str(path), without_decorators(path.read_text(), decorating))
        code = re.sub(
            r"from mutmut\S* import wrap_in_trampoline as (\w+), MutantDict",
            r"from hw1lib._switch import switch as \1, MutantDict",
            changed.code,
        )
        path.write_text(code)
        mutants += list_mutants(module, code, changed)
    return mutants


def list_mutants(module, code, changed):
    """Describe each mutant of a module, but for those of `strict`, by the lines that it changes."""
    lines, spans = code.splitlines(), changed.line_span_by_function_name
    for name in changed.mutant_names:
        stem = re.sub(r"__mutmut_\d+$", "", name)
        before, after = (
            [line.replace(key, stem) for line in lines[spans[key].start - 1 : spans[key].end]]
            for key in (f"{stem}__mutmut_orig", name)
        )
        changes = [(line[0], line[1:].strip()) for line in difflib.ndiff(before, after)]
        was, now = (" ".join(text for sign, text in changes if sign == s) for s in "-+")
        if len({TYPES.sub("", STRICT.sub("", text)) for text in (was, now)}) > 1:
            function = re.sub(r"^x(_|ǁ)", "", stem).replace("ǁ", ".")
            yield SimpleNamespace(module=module, name=name, function=function, was=was, now=now)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


# Running the tests on them -------------------------------------------------------------------


class Runner:
    """A pytest plugin that replaces the run of the collected tests."""

    def __init__(self, mutants, workers, console, again):
        self.mutants, self.workers, self.console = mutants, workers, console
        self.again = again
        self.times, self.covers, self.failed = {}, collections.defaultdict(list), []
        self.killers = collections.defaultdict(list)
        self.children, self.done = {}, 0

    def say(self, text):
        os.write(self.console, text.encode())

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.originalname not in LEFT_OUT]

    def pytest_runtestloop(self, session):
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self.items = session.items
        self.measure()
        gc.freeze()
        seconds = sum(self.times.values())
        self.say(f"{len(self.items)} tests, {seconds:.0f} s; {len(self.mutants)} mutants\n")
        for mutant in self.mutants:
            while len(self.children) >= self.workers:
                self.wait()
            self.start(mutant)
        while self.children:
            self.wait()
        return True

    def measure(self):
        """Run each test on the original; note its time and the functions that it calls."""
        from hw1lib import _switch

        known = json.loads(TIMES.read_text()) if self.again and TIMES.exists() else {}
        new = [item for item in self.items if item.nodeid not in known]
        for item in self.items:
            if item.nodeid in known:
                self.times[item], called = known[item.nodeid]
                for function in called:
                    self.covers[function].append(item)
        for item, following in itertools.zip_longest(new, new[1:]):
            _switch.CALLED.clear()
            start = time.process_time()
            if not passes(item, following):
                self.failed.append(item.nodeid)
                self.say(f"fails without a mutant: {item.nodeid}\n")
                continue
            self.times[item] = time.process_time() - start
            known[item.nodeid] = self.times[item], list(_switch.CALLED)
            for function in _switch.CALLED:
                self.covers[function].append(item)
        TIMES.write_text(json.dumps(known))
        # A constant is covered by whatever calls a function of its module.
        for function, tests in list(self.covers.items()):
            self.covers[function.partition(":")[0]] += tests

    def tests_of(self, mutant):
        """Return the tests that call a mutant's function, those that found others first."""
        constant = mutant.function.startswith("_value_of_")
        covering = self.covers[mutant.module if constant else f"{mutant.module}:{mutant.function}"]
        ordered = sorted(dict.fromkeys(covering), key=self.times.__getitem__)
        spent = itertools.accumulate(self.times[test] for test in ordered)
        ordered = [test for test, sum_ in zip(ordered, spent, strict=True) if sum_ < BUDGET]
        first = self.killers[mutant.module, mutant.function]
        return list(dict.fromkeys([*first, *ordered]))

    def start(self, mutant):
        tests = self.tests_of(mutant)
        seconds = 20 + 3 * sum(self.times[test] for test in tests)
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            code = 70
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
                used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
                code = try_mutant(mutant, tests, write_end)
            finally:
                os._exit(code)
        os.close(write_end)
        self.children[pid] = mutant, tests, read_end, time.monotonic() + 12 * seconds

    def wait(self):
        """Wait for one child, and stop those that hang."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in self.children:
                break
            time.sleep(0.005)
            for child, (_, _, _, deadline) in self.children.items():
                if time.monotonic() > deadline:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
        mutant, tests, read_end, _ = self.children.pop(pid)
        with os.fdopen(read_end) as pipe:
            found_by = pipe.read()
        code = os.waitstatus_to_exitcode(status)
        # Out of its CPU time, it runs for ever. Stopped by the clock, or with an error of this
        # script, it proves nothing: a busy machine must not raise the score.
        names = {0: "survived", 1: "killed", -signal.SIGXCPU: "endless"}
        names |= {-crash: "crashed" for crash in CRASHES}
        mutant.status = names.get(code, f"unknown ({code})")
        mutant.tests = len(tests)
        if not tests:
            mutant.status = "no test"
        if found_by.isdigit():
            found = tests[int(found_by)]
            mutant.found_by = found.nodeid
            killers = self.killers[mutant.module, mutant.function]
            killers[:] = [found, *(test for test in killers if test is not found)][:8]
        self.done += 1
        if mutant.status != "killed":
            place = f"{mutant.module}.{mutant.function}"
            self.say(f"{mutant.status}: {place}: {mutant.was} -> {mutant.now}\n")
        if self.done % 100 == 0:
            self.say(f"{self.done} of {len(self.mutants)}\n")


def passes(item, following):
    from _pytest.runner import runtestprotocol

    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def try_mutant(mutant, tests, write_end):
    """Run tests on a mutant until one fails: 1 if one does, 0 if none."""
    from hw1lib import _switch

    if mutant.function.startswith("_value_of_"):
        module = sys.modules[mutant.module]
        versions = getattr(module, f"mutants_x_{mutant.function}__mutmut")
        try:
            value = versions[mutant.name]()
        except Exception:
            return 1  # the module could not be imported
        set_constant(module, mutant.function.removeprefix("_value_of_"), value)
    _switch.ACTIVE[:] = mutant.name, mutant.module
    for index, (item, following) in enumerate(zip(tests, [*tests[1:], None], strict=True)):
        if not passes(item, following):
            os.write(write_end, str(index).encode())
            return 1
    return 0


def set_constant(module, name, value):
    """Set a constant of a module, also where it was the default of an argument."""
    was = getattr(module, name)
    setattr(module, name, value)
    for function in vars(module).values():
        if isinstance(function, FunctionType) and function.__kwdefaults__:
            defaults = function.__kwdefaults__.items()
            function.__kwdefaults__ = {key: value if d is was else d for key, d in defaults}


def count_suite():
    """Count what the whole suite consists of, for the page that tells of it."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not site", "tests"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    files = collections.Counter(line.partition("::")[0] for line in listed if "::" in line)
    paths = [p for p in (ROOT / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    cells = [cell for path in paths for cell in json.loads(read(path))["cells"]]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    checks = json.loads(read("chapters/equations.json"))["equations"].values()
    problems = import_module("hw1check").PROBLEMS
    return {
        "notebooks": len(paths),
        "cells of code in them": len(code),
        "figures in them": sum("image/svg+xml" in output.get("data", {}) for output in outputs),
        "equations with a check": len(checks),
        "checks of equations": sum(map(len, checks)),
        "tests that a printed form fails": files["tests/equations/test_errata.py"],
        "questions with a learner's check": len(problems),
        "known mistakes": sum(len(problem.known) for problem in problems),
        "tests of properties on random inputs": files["tests/test_properties.py"],
        "bad arguments": files["tests/test_hostile_input.py"],
        "tests in all, without the notebooks": sum(files.values()),
    }


# The summary ---------------------------------------------------------------------------------


def summarize(mutants):
    """Count the mutants of each module, and list those that survived, with their reasons."""
    explained = yaml.safe_load(SURVIVORS.read_text(encoding="utf-8"))
    reasons = {
        (*place.split(":"), entry["was"], entry["now"]): entry["why"]
        for place, entries in explained.items()
        for entry in entries
    }
    modules = {}
    for mutant in mutants:
        counts = modules.setdefault(mutant.module, {"mutants": 0, "killed": 0})
        counts["mutants"] += 1
        counts["killed"] += mutant.status in KILLED
    survivors = []
    for mutant in mutants:
        if mutant.status not in KILLED:
            entry = {key: getattr(mutant, key) for key in ("module", "function", "was", "now")}
            survivors.append(entry | {"why": reasons.get(tuple(entry.values()))})
    unused = set(reasons) - {tuple(entry.values())[:4] for entry in survivors}
    return {
        "suite": count_suite(),
        "modules": modules,
        "survivors": survivors,
    }, unused


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="a regular expression for module.function")
    parser.add_argument("--again", action="store_true", help="only what survived the last full run")
    parser.add_argument("--tests", nargs="*", default=TESTS)
    options = parser.parse_args()
    start = time.monotonic()
    os.chdir(ROOT)
    mutants = make_mutants()
    everyone = mutants
    if options.only:
        mutants = [m for m in mutants if re.search(options.only, f"{m.module}.{m.function}")]
    spent = 0  # seconds
    if options.again:
        # What a test has noticed, it notices again, as long as the code is the same.
        full_run = json.loads(RESULTS.read_text())
        spent = full_run["seconds"]
        before = {(entry["module"], entry["name"]): entry for entry in full_run["mutants"]}
        for mutant in mutants:
            same = before[mutant.module, mutant.name]
            assert (same["was"], same["now"]) == (mutant.was, mutant.now), "hw1lib has changed"
            vars(mutant).update(same)
        mutants = [m for m in mutants if m.status not in KILLED]
    os.chdir(STAGE)
    sys.path[0] = str(STAGE)
    runner = Runner(mutants, options.workers, os.dup(1), options.again)
    # A found counterexample is enough: it need not become a small one.
    hypothesis.settings.register_profile("mutants", phases=[hypothesis.Phase.generate])
    hypothesis.settings.load_profile("mutants")
    # Short reports, and asserts as they are: most of a mutant's time would go into the report.
    plugins = ["-p", "no:cacheprovider", "-p", "no:faulthandler"]  # which would report each crash
    pytest.main(["-q", *plugins, "--tb=native", "--assert=plain", *options.tests], plugins=[runner])
    assert import_module("hw1lib").__file__.startswith(str(STAGE))
    everything = not options.only
    seconds = spent + time.monotonic() - start
    if everything and not runner.failed:
        results = {"seconds": seconds, "mutants": [vars(mutant) for mutant in everyone]}
        RESULTS.write_text(json.dumps(results))
    tested = everyone if everything else mutants
    summary, unused = summarize(tested)
    return report(summary, unused, runner.failed, everything, seconds)


def report(summary, unused, failed, everything, seconds):
    """Print the scores; 1 if they are too low or a survivor has no reason."""
    killed = sum(counts["killed"] for counts in summary["modules"].values())
    count = sum(counts["mutants"] for counts in summary["modules"].values())
    for module, counts in summary["modules"].items():
        print(f"{module:28} {counts['killed']:5} of {counts['mutants']:5}")
    print(f"{'all':28} {killed:5} of {count:5}: {100 * killed / count:.2f} %, {seconds:.0f} s")
    unexplained = [entry for entry in summary["survivors"] if not entry["why"]]
    for entry in unexplained:
        print("no reason: {module}.{function}\n  - {was}\n  + {now}".format(**entry))
    for key in sorted(unused) if everything else []:
        print("a reason without a survivor:", *key)
    if everything and not failed:
        records.write(SUMMARY, summary)
    return int(bool(failed or unexplained or 100 * killed < PASS_MARK * count))


if __name__ == "__main__":
    sys.exit(main())
