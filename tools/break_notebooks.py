"""Break each public function of hw1lib that a chapter uses: nbval alone must turn red.

`nox -s notebook_mutants` runs it. A break is made on the syntax tree of the function: a sign, a
factor, an axis, an index, a number that is off by one, or the same done to its result. It stands in
a copy of hw1lib, and nbval runs the notebooks that use the function with that copy, each in a new
kernel, the cheapest first, until one is red. No other test runs. With the unbroken copy the same
notebooks must be green. What has not changed since is not run again. With names of functions only
these are broken, and the rest of the record stays.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import records

ROOT = Path(__file__).parent.parent
SUMMARY = ROOT / "tools" / "broken_notebooks.json"
CACHE = ROOT / "_build" / "broken_notebooks.json"
MODULES = [path.stem for path in sorted((ROOT / "hw1lib").glob("[!_]*.py"))]
BREAKS = 3  # of each function
NO_ANSWER = ("Kernel died", "Timeout of", "timed out after", "Timeout waiting")
KERNEL = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
SLOW_IMPORTS = {"torch": 4, "sympy": 2, "sklearn": 4, "scipy": 1}  # seconds, about
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}

# What is done to a result, where the function itself has too little to break.
RESULT = """
def _broken(value, how, done=None):
    import numpy

    done = [] if done is None else done
    if isinstance(value, tuple | list):
        items = [_broken(item, how, done) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if done or not isinstance(value, float | numpy.ndarray):
        return value
    done.append(True)
    if how == "sign":
        return -value
    if how == "factor":
        return value * 2
    rolled = numpy.roll(value, 1, axis=-1) if numpy.ndim(value) else value + 1
    return rolled
"""


def breaks_of(function):
    """List the breaks of a function: (kind, the line as it becomes, the broken function)."""
    found = {}
    for index, node in enumerate(ast.walk(function)):
        kind = kind_of(node)
        if kind and kind not in found and not guarded(function, node):
            broken = ast.parse(ast.unparse(function)).body[0]
            line = apply(list(ast.walk(broken))[index], broken)
            found[kind] = (kind, line, broken)
    chosen = list(found.values())
    for how in ("factor", "sign", "index"):
        if len(chosen) < BREAKS:
            broken = ast.parse(ast.unparse(function)).body[0]
            for node in ast.walk(broken):
                if isinstance(node, ast.Return):
                    source = f"_broken({ast.unparse(node.value)}, {how!r})"
                    node.value = ast.parse(source, mode="eval").body
                    line = f"return {source}"
            chosen.append((f"{how} of the result", line, broken))
    return chosen[:BREAKS]


def kind_of(node):
    """Name the way in which a node can be broken, None if there is none."""
    match node:
        case ast.keyword(arg="axis", value=ast.Constant(value=0 | 1)):
            return "axis"
        case ast.Subscript(slice=ast.Constant(value=int())) | ast.Attribute(attr="T"):
            return "index"
        case ast.BinOp(op=ast.Add() | ast.Sub()) | ast.UnaryOp(op=ast.USub()):
            return "sign"
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            return "factor"
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return "off by one"
    return None


def apply(node, function):
    """Break a node in place, and give the line that holds it."""
    statement = next(s for s in reversed(statements(function)) if node in ast.walk(s))
    match node:
        case ast.keyword():
            node.value = ast.Constant(1 - node.value.value)
        case ast.Subscript():
            node.slice = ast.Constant(node.slice.value + 1 if node.slice.value >= 0 else 0)
        case ast.Attribute():
            node.attr = "real"  # the array itself
        case ast.BinOp():
            node.op = OPERATORS[type(node.op)]()
        case ast.UnaryOp():
            node.op = ast.UAdd()
        case ast.Constant():
            node.value += 1
    return ast.unparse(statement).splitlines()[0]


def statements(function):
    return [node for node in ast.walk(function) if isinstance(node, ast.stmt)]


def guarded(function, node):
    """Say whether a node belongs to the signature or to the checks of the arguments."""
    inside = [function.args, *function.decorator_list]
    for holder in ast.walk(function):
        call = holder.func if isinstance(holder, ast.Call) else None
        if isinstance(holder, ast.Raise) or getattr(call, "id", "").startswith("require"):
            inside.append(holder)
        if isinstance(holder, ast.If):
            inside.append(holder.test)
    return any(node in ast.walk(part) for part in inside)


def users():
    """Return the notebooks that call each function, the cheapest first."""
    found, cost = {}, {}
    for path in sorted((ROOT / "chapters").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in code))
        names = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and node.module.partition(".")[0] == "hw1lib"
            and node.module != "hw1check"
            for alias in node.names
        }
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        modules = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.name == "hw1lib"
        }
        attributes = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules
        }
        imports = {
            alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        slow = sum(seconds for name, seconds in SLOW_IMPORTS.items() if name in imports)
        cost[path] = slow + len(code) / 4 + 20 * (path.stem == "experiment")
        for name in names & used | attributes:
            found.setdefault(name, []).append(path)
    return {name: sorted(paths, key=cost.__getitem__) for name, paths in found.items()}


def is_red(notebook, module, source):
    """Run nbval on a notebook with a module of hw1lib replaced."""
    key = hashlib.sha256(
        b"".join([
            notebook.read_bytes(),
            source.encode(),
            *(path.read_bytes() for path in sorted((ROOT / "hw1lib").glob("*.py"))),
        ])
    ).hexdigest()  # fmt: skip
    if key not in cached:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(ROOT / "hw1lib", f"{folder}/hw1lib")
            Path(folder, "hw1lib", f"{module}.py").write_text(source, encoding="utf-8")
            copy = Path(folder, notebook.name)
            shutil.copy(notebook, copy)
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            command += ["-p", "nbval_figures", "-p", "nbval_kernels"]
            command += ["--nbval", "--nbval-current-env", "-c", os.devnull]
            paths = os.pathsep.join([folder, str(ROOT / "tests")])
            run = subprocess.run(
                [*command, "--rootdir", folder, str(copy)],
                env=os.environ | KERNEL | {"PYTHONPATH": paths},
                capture_output=True, text=True, cwd=folder,
            )  # fmt: skip
        if run.returncode not in (0, 1):
            raise RuntimeError(run.stdout[-2000:] + run.stderr[-2000:])
        if any(words in run.stdout for words in NO_ANSWER):
            return False  # the kernel hung or died, as on a busy machine: no cell has noticed
        cached[key] = run.returncode == 1
        CACHE.write_text(json.dumps(cached))
    return cached[key]


def check(task):
    """Try one break on the notebooks that use its function, until one is red."""
    name, module, (kind, line, broken), notebooks = task
    red = next(
        (path for path in notebooks if is_red(path, module, with_break(module, broken))), None
    )
    page = red and page_of(red)
    print(f"{name}: {kind}: {line}: {page or 'NOT NOTICED'}", flush=True)
    return {"function": name, "kind": kind, "red": page} | ({} if page else {"line": line})


def with_break(module, broken=None):
    """Return the source of a module, with one function broken."""
    tree = ast.parse((ROOT / "hw1lib" / f"{module}.py").read_text(encoding="utf-8"))
    tree.body = [
        broken if broken and getattr(node, "name", None) == broken.name else node
        for node in tree.body
    ]
    return ast.unparse(tree) + RESULT


def page_of(notebook):
    return notebook.relative_to(ROOT / "chapters").with_suffix("").as_posix()


def collect_tasks(used):
    """List the breaks, the first of every function before the second of any."""
    tasks, unused = [], []
    for module in MODULES:
        for node in ast.parse(with_break(module)).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                if node.name not in used:
                    unused.append(node.name)
                    continue
                node.body = node.body[1:]  # without its documentation
                for rank, option in enumerate(breaks_of(node)):
                    tasks.append((rank, (node.name, module, option, used[node.name])))
    return [task for _, task in sorted(tasks, key=lambda pair: pair[0])], unused


def main():
    used = users()
    tasks, unused = collect_tasks(used)
    only, known = sys.argv[1:], []
    if only:
        record = json.loads(SUMMARY.read_text(encoding="utf-8"))
        known = [result for result in record["breaks"] if result["function"] not in only]
        tasks = [task for task in tasks if task[0] in only]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(check, tasks))
        pages = {ROOT / "chapters" / f"{r['red']}.ipynb" for r in results if r["red"]}
        results = known + results
        stale = [page_of(p) for p in pages if is_red(p, "mlp", with_break("mlp"))]
    covered = {result["function"] for result in results if result["red"]}
    summary = {
        "used": len({result["function"] for result in results}),
        "covered": len(covered),
        "breaks": results,
        "unused": unused,
    }
    red = sum(bool(result["red"]) for result in results)
    print(f"{len(covered)} of {summary['used']} functions, {red} of {len(results)} breaks noticed")
    print("no chapter uses:", ", ".join(unused))
    print("red without a break:", ", ".join(stale) or "none")
    if not stale:
        records.write(SUMMARY, summary)
    return int(len(covered) < summary["used"] or bool(stale))


if __name__ == "__main__":
    CACHE.parent.mkdir(exist_ok=True)
    cached = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    sys.exit(main())
