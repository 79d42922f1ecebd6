"""Find in the text of a submission what it takes from hw1lib, and from the checks' solutions."""

import ast
import contextlib
import re

from IPython.core.inputtransformer2 import TransformerManager

import hw1check

PACKAGES = re.compile(r"\b(hw1lib|hw1check)\b")


def imports(sources):
    """Name what the cells import of hw1lib, and of hw1check beside its checks."""
    found, left = set(), list(sources)
    while left:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            for node in ast.walk(ast.parse(TransformerManager().transform_cell(left.pop()))):
                found.update(_names(node))
                # A text may be code: that of a magic, or of exec.
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    left += [node.value] * (bool(PACKAGES.search(node.value)))
    return sorted(found)


def _names(node):
    if isinstance(node, ast.Import):
        for alias in node.names:
            if PACKAGES.match(alias.name) and alias.name != "hw1check":
                yield alias.name
    elif isinstance(node, ast.ImportFrom) and PACKAGES.match(node.module or ""):
        for alias in node.names:
            if node.module != "hw1check" or alias.name not in hw1check.__all__:
                yield f"{node.module}.{alias.name}"
    elif isinstance(node, ast.Attribute) and node.attr in ("solution", "expected"):
        yield ast.unparse(node)  # a check knows its answer
