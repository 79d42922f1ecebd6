"""Find in the text of a submission what it takes from hw1lib."""

import ast
import contextlib

from IPython.core.inputtransformer2 import TransformerManager

from hw1lib import check


def imports(sources):
    """Name what the cells import of hw1lib beside its checks, and the solutions that they read."""
    found, left = set(), list(sources)
    while left:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            for node in ast.walk(ast.parse(TransformerManager().transform_cell(left.pop()))):
                found.update(_names(node))
                # A text may be code: that of a magic, or of exec.
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    left += [node.value] * ("hw1lib" in node.value)
    return sorted(found)


def _names(node):
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.partition(".")[0] == "hw1lib" and alias.name != "hw1lib.check":
                yield alias.name
    elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "hw1lib":
        public = {"hw1lib": {"check"}, "hw1lib.check": set(check.__all__)}.get(node.module, ())
        for alias in node.names:
            if alias.name not in public:
                yield f"{node.module}.{alias.name}"
    elif isinstance(node, ast.Attribute):
        # `import hw1lib.check` gives the name hw1lib, too; and a check knows its answer.
        whole = ast.unparse(node)
        if (
            node.attr in ("solution", "expected")
            or whole == f"hw1lib.{node.attr}" != "hw1lib.check"
        ):
            yield whole
