"""Find in the text of a submission what a marker wants to know of it."""

import ast
import contextlib
import inspect
import re

from IPython.core.inputtransformer2 import TransformerManager

from hw1check import PROBLEMS

PACKAGES = re.compile(r"\b(hw1lib|hw1check)\b")
MAX_SHOWN, MAX_TEXT = 6, 80
MIN_LINES = 5  # of a solution; shorter ones are found by anybody, word for word
CHECKS = {problem.name: problem for problem in PROBLEMS}


def remarks(cells, gone=()):
    """Say what cells take from the book, and which answers they repeat, replace or lose.

    `gone` has the names that are no longer there after the last cell.
    """
    used, defined, kinds = set(), {}, {}
    for source in cells:
        _look(source, used, defined)
    for name, nodes in defined.items():
        *earlier, last = (_kind(node, CHECKS[name]) for node in nodes)
        if last == "blank" and set(earlier) - {"blank"}:
            kinds.setdefault("answered, but a blank further down replaces it", []).append(name)
        elif last == "solution":
            kinds.setdefault("the book's solution, word for word", []).append(name)
        elif name in gone:
            kinds.setdefault("defined, but gone after the last cell", []).append(name)
    found = [f"uses {_some(sorted(used))}"] if used else []
    return found + [f"{what}: {_some(names)}" for what, names in kinds.items()]


def _some(names):
    more = f" and {len(names) - MAX_SHOWN} more" * (len(names) > MAX_SHOWN)
    return ", ".join(names[:MAX_SHOWN]) + more


def _look(source, used, defined):
    left, aliases = [source], {"hw1check": ""}
    while left:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            allowed = set()
            for node in ast.walk(ast.parse(TransformerManager().transform_cell(left.pop()))):
                used.update(text[:MAX_TEXT] for text in _uses(node, aliases, allowed))
                if isinstance(node, ast.FunctionDef) and node.name in CHECKS:
                    defined.setdefault(node.name, []).append(node)
                # A text may be a module's name, or code: that of a magic, or of exec.
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    if PACKAGES.match(node.value) and node.value.replace(".", "").isidentifier():
                        used.add(node.value[:MAX_TEXT])
                    elif PACKAGES.search(node.value):
                        left.append(node.value)


def _uses(node, aliases, allowed):
    """Name what a node takes of hw1lib, and of hw1check beside calling its checks.

    `aliases` has the names by which hw1check and its checks are known; `allowed` the nodes that
    were seen in a call of a check, which comes before what is inside of it.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name == "hw1check":
                aliases[alias.asname or alias.name] = ""
            elif PACKAGES.match(alias.name):
                yield alias.name
    elif isinstance(node, ast.ImportFrom) and PACKAGES.match(node.module or ""):
        for alias in node.names:
            if node.module == "hw1check" and alias.name in CHECKS:
                aliases[alias.asname or alias.name] = alias.name
            elif (node.module, alias.name) != ("hw1check", "questions"):
                yield f"{node.module}.{alias.name}"
    elif isinstance(node, (ast.Call, ast.Attribute, ast.Name)):
        names, root = [], node.func if isinstance(node, ast.Call) else node
        while isinstance(root, ast.Attribute) and len(names) < MAX_SHOWN:
            names.insert(0, root.attr)
            root = root.value
        if not isinstance(root, ast.Name) or root.id not in aliases or id(root) in allowed:
            return
        check, *rest = [name for name in (aliases[root.id], *names) if name] or [""]
        is_call = isinstance(node, ast.Call) and (check in CHECKS or check == "questions")
        if is_call and rest in ([], ["hint"], ["task"]):
            allowed.add(id(root))
        elif not isinstance(node, ast.Call) and isinstance(root.ctx, ast.Load):
            allowed.add(id(root))
            yield ".".join((root.id, *names))


def _kind(node, problem):
    """Say whether a function is left blank, or is the book's."""
    *lines, last = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
    if lines and all(ast.dump(line).endswith("value=Constant(value=Ellipsis))") for line in lines):
        return "blank"
    solution = ast.parse(inspect.getsource(problem.solution)).body[0].body[1:]
    same = [ast.dump(line) for line in (*lines, last)] == [ast.dump(line) for line in solution]
    return "solution" if same and len(solution) >= MIN_LINES else "answer"
