"""Break right answers at random: one sign, factor, index, comparison or transpose at a time."""

import ast
import inspect
import sys
import textwrap

import numpy as np

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
COMPARISONS = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.Lt, ast.LtE: ast.Gt}


def sample(styles, count, seed):
    """Draw broken answers: the problem's name, the broken line, the broken function."""
    sites = [
        (name, answer, index)
        for name, answers in styles.items()
        for answer in answers
        for index, node in enumerate(ast.walk(_tree(answer)))
        if _change(node)
    ]
    chosen = np.random.default_rng(seed).choice(len(sites), size=count, replace=False)
    return [_broken(*sites[i]) for i in chosen]


def _tree(answer):
    return ast.parse(textwrap.dedent(inspect.getsource(answer)))


def _broken(name, answer, index):
    tree = _tree(answer)
    target = list(ast.walk(tree))[index]
    setattr(target, *_change(target))
    line = ast.unparse(_statement(tree, target)).splitlines()[0]
    namespace = dict(vars(sys.modules[answer.__module__]))
    exec(compile(ast.fix_missing_locations(tree), f"<{answer.__name__}>", "exec"), namespace)
    return name, f"{answer.__name__}: {line}", namespace[answer.__name__]


def _change(node):
    """Say which attribute of a node to set to what, or None where there is nothing to break."""
    match node:
        case ast.BinOp() if type(node.op) in OPERATORS:
            return "op", OPERATORS[type(node.op)]()
        case ast.UnaryOp(op=ast.USub()):
            return "op", ast.UAdd()
        case ast.Compare() if type(node.ops[0]) in COMPARISONS:
            return "ops", [COMPARISONS[type(node.ops[0])]()]
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return "value", node.value + 1
        case ast.Attribute(attr="T"):
            return "attr", "real"  # the array itself
    return None


def _statement(tree, target):
    """Find the innermost statement that holds a node."""
    holders = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and any(child is target for child in ast.walk(node))
    ]
    return holders[-1]
