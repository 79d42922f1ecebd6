"""What a line of a solution becomes by one slip: a lost square, a wrong sign, a term too few."""

import ast
import copy

SIGN = "a plus and a minus are exchanged"
PRODUCT = "a product and a quotient are exchanged"
TERM, FACTOR, DIVISOR = "a term is lost", "a factor is lost", "a divisor is lost"


def slips(statement):
    """List what an assignment becomes by one slip, each with words for it."""
    nodes = list(ast.walk(statement.value))
    found = {}
    for number, node in enumerate(nodes):
        for words, make in _slips_of(node):
            changed = copy.deepcopy(statement)
            _put(changed, list(ast.walk(changed.value))[number], make)
            found.setdefault(ast.unparse(changed), (words, ast.fix_missing_locations(changed)))
    return list(found.values())


def _put(statement, old, make):
    """Put what is made of a node into its place."""
    new = make(old)
    for parent in ast.walk(statement):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                setattr(parent, field, [new if item is old else item for item in value])


def _with_operator(operator):
    return lambda node: ast.BinOp(node.left, operator(), node.right)


def _left(node):
    return node.left


def _right(node):
    return node.right


def _turned(node):
    return ast.BinOp(node.right, node.op, node.left)


def _slips_of(node):
    match node:
        case ast.BinOp(op=ast.Add()):
            return [(SIGN, _with_operator(ast.Sub)), (TERM, _left), (TERM, _right)]
        case ast.BinOp(op=ast.Sub()):
            turned = "a difference is turned round"
            return [(SIGN, _with_operator(ast.Add)), (TERM, _left), (turned, _turned)]
        case ast.BinOp(op=ast.Mult()):
            return [(PRODUCT, _with_operator(ast.Div)), (FACTOR, _left), (FACTOR, _right)]
        case ast.BinOp(op=ast.Div()):
            turned = "a quotient is turned upside down"
            return [(PRODUCT, _with_operator(ast.Mult)), (DIVISOR, _left), (turned, _turned)]
        case ast.BinOp(op=ast.Pow()):
            return [("a power is lost", _left)]
        case ast.BinOp(op=ast.MatMult()):
            return [("two matrices stand in the other order", _turned)]
        case ast.UnaryOp(op=ast.USub()):
            return [("a minus sign is lost", lambda node: node.operand)]
        case ast.Attribute(attr="T"):
            return [("a transpose is lost", lambda node: node.value)]
        case ast.Call(func=ast.Name(id="sqrt") | ast.Attribute(attr="sqrt")):
            return [("a root is lost", lambda node: node.args[0])]
        case ast.Constant(value=int() | float() as x) if not isinstance(x, bool):
            return [("a number is twice as large", lambda node: ast.Constant(node.value * 2))]
        case ast.Name(ctx=ast.Load()):
            return [
                ("a square is too many", lambda node: ast.BinOp(node, ast.Pow(), ast.Constant(2)))
            ]
    return []
