"""Find in the text of a submission what a marker wants to know of it."""

import ast
import contextlib
import inspect
import re

from IPython.core.inputtransformer2 import TransformerManager

from hw1check import PROBLEMS

MODULE = r"hw1(?:lib|check)\b(?:\.[\w.]+)?"
IMPORT = re.compile(rf"(?:\bimport|,) ({MODULE})(?: as (\w+))?")
IMPORT_FROM = re.compile(rf"\bfrom ({MODULE}) import (?:\(([^)]*)\)|([\w*, ]+))")
QUOTED = re.compile(rf"['\"]({MODULE})['\"]")
MAX_SHOWN, MAX_TEXT = 6, 80
MIN_LINES = 5  # of a solution; shorter ones are found by anybody, word for word
CHECKS = {problem.name: problem for problem in PROBLEMS}


def remarks(cells, gone=()):
    """Say what cells take from the book, and which answers they repeat, replace or lose.

    `gone` has the names that are no longer there after the last cell.
    """
    kinds, defined, aliases = {}, {}, {}
    for source in cells:
        for text in _uses(re.sub(r"#.*", "", source), aliases):
            kinds.setdefault("uses", {})[text[:MAX_TEXT]] = True
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
                if isinstance(node, ast.FunctionDef) and node.name in CHECKS:
                    defined.setdefault(node.name, []).append(_kind(node, CHECKS[node.name]))
    for name, (*earlier, last) in defined.items():
        if last == "blank" and set(earlier) - {"blank"}:
            kinds.setdefault("answered, but a blank further down replaces it:", {})[name] = True
        elif last == "solution":
            kinds.setdefault("the book's solution, word for word:", {})[name] = True
        elif name in gone:
            kinds.setdefault("defined, but gone after the last cell:", {})[name] = True
    return [f"{what} {_some(sorted(names))}" for what, names in kinds.items()]


def _some(names):
    more = f" and {len(names) - MAX_SHOWN} more" * (len(names) > MAX_SHOWN)
    return ", ".join(names[:MAX_SHOWN]) + more


def _uses(code, aliases):
    """Name what code takes of hw1lib, and of hw1check beside calling its checks.

    `aliases` keeps the names by which hw1check, or a check, is known.
    """
    for module, alias in IMPORT.findall(code):
        if module == "hw1check":
            aliases[alias or module] = ""
        else:
            yield module
    for module, *names in IMPORT_FROM.findall(code):
        for name, alias in re.findall(r"([\w*]+)(?: as (\w+))?", "".join(names)):
            if module == "hw1check" and name in CHECKS:
                aliases[alias or name] = name
            elif (module, name) != ("hw1check", "questions"):
                yield f"{module}.{name}"
    yield from QUOTED.findall(code)
    code = IMPORT_FROM.sub("", IMPORT.sub("", code))
    for alias, check in aliases.items():
        for chain, call in re.findall(rf"(?<![\w.'\"]){alias}\b((?:\.\w+)*)(\(?)", code):
            name, *rest = [part for part in (check, *chain.split(".")) if part] or [""]
            is_check = name in CHECKS or name == "questions"
            if not (call and is_check and rest in ([], ["hint"], ["task"])):
                yield alias + chain


def _kind(node, problem):
    """Say whether a function is left blank, or is the book's."""
    *lines, last = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
    if lines and all(ast.dump(line).endswith("value=Constant(value=Ellipsis))") for line in lines):
        return "blank"
    solution = ast.parse(inspect.getsource(problem.solution)).body[0].body[1:]
    same = [ast.dump(line) for line in (*lines, last)] == [ast.dump(line) for line in solution]
    return "solution" if same and len(solution) >= MIN_LINES else "answer"
