"""A solution as named lines, as one writes them on paper, and a mistake as a changed line of it."""

import ast
import copy
import inspect
import re
import sys
import textwrap
from functools import cached_property
from types import CodeType
from typing import NamedTuple

from hw1check._slips import slips

# What a wrong line may do: where it fails, the mistake has no value.
FAILURES = (ArithmeticError, ValueError, IndexError, TypeError, AttributeError)


class Step(NamedTuple):
    """A statement of a solution, compiled; the names that have their value when it is done."""

    code: CodeType
    finished: tuple


class Lines:
    """
    The body of a function that assigns names, line by line, and returns some of them.

    `parts` are the names that it returns, `names` all that its lines assign, loops and all, in the
    order in which they are finished.
    """

    def __init__(self, function):
        self.where = function.__module__
        self.name = function.__name__
        self._source = textwrap.dedent(inspect.getsource(function))
        body = next(n for n in ast.parse(self._source).body if isinstance(n, ast.FunctionDef)).body
        if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]  # behind the docstring
        *self.body, self.last = body
        self._known = {}
        self.parts = tuple(ast.unparse(node) for node in _items(self.last.value))

    @cached_property
    def names(self):
        """The names of the lines."""
        return tuple(name for step in self._steps for name in step.finished)

    @cached_property
    def _steps(self):
        last = {}  # the number of the last statement that changes a name
        for number, statement in enumerate(self.body):
            last |= dict.fromkeys(self._compiled(statement)[1], number)
        own = {name for statement in self.body for name in self._compiled(statement)[2]}
        return [
            Step(
                self._compiled(statement)[0],
                tuple(name for name, k in last.items() if k == number and name in own),
            )
            for number, statement in enumerate(self.body)
        ]

    def _compiled(self, statement):
        """Compile a statement once, for all the lines that share it; with the names it changes."""
        if id(statement) not in self._known:
            code = compile(ast.Module([statement], []), f"<{self.name}>", "exec")
            names = _changed_names(statement), _line_names(statement)
            self._known[id(statement)] = code, *names, statement
        return self._known[id(statement)]

    def values(self, case, given=()):
        """
        Compute the value of each name, and the parts as they are returned.

        With the value that is `given` for a name it goes on, once it is computed. What stands
        behind a line that fails is missing, and nothing is returned then: None.
        """
        names, values = vars(sys.modules[self.where]) | case, {}
        try:
            for step in self._steps:
                exec(step.code, names)
                for name in step.finished:
                    values[name] = names[name]
                    if name in given:
                        names[name] = given[name]
            return values, [eval(code, names) for code in self._returned]
        except FAILURES:
            return values, None

    @cached_property
    def _returned(self):
        nodes = _items(self.last.value)
        return [compile(ast.Expression(node), f"<{self.name}>", "eval") for node in nodes]

    def text(self, name):
        """Write the line that assigns a name, as it stands in the source."""
        return ast.get_source_segment(self._source, self._line(name))

    def meaning(self, name):
        """Return the comment behind the line that assigns a name."""
        found = self._line(name)
        line = self._source.splitlines()[found.end_lineno - 1][found.end_col_offset :]
        return line.partition("#")[2].strip()

    def first(self, count):
        """Write the first lines with their comments, never the last one."""
        rows = self._source.splitlines()
        whole = [rows[s.lineno - 1 : s.end_lineno] for s in self.body[:-1]][:count]
        return [row[4:] for statement in whole for row in statement]

    def pairs(self, text):
        """Pair each changed line of `text` with the line whose place it takes."""
        return [
            (ast.get_source_segment(text, new), self.text(_key(new)))
            for new in ast.parse(text).body
        ]

    def slipped(self):
        """List these lines with one slip in one of them: its name, words for it, the lines."""
        found = []
        for i, statement in enumerate(self.body):
            for words, changed in slips(statement) if _line_names(statement) else ():
                new = self._copy()
                new.body[i] = changed
                found.append((_key(statement), words, new))
        return found

    def _copy(self):
        new = copy.copy(self)
        for name in ("names", "_steps", "_returned"):
            vars(new).pop(name, None)
        new.body = list(self.body)
        return new

    def changed(self, text):
        """Replace each line that `text` has under the same name; an error where there is none."""
        new = self._copy()
        for statement in ast.parse(text).body:
            new._replace(statement)
        return new

    def _replace(self, statement):
        key = _key(statement)
        if key == "return":
            self.last = statement
            return
        places = [i for i, s in enumerate(self.body) for n in ast.walk(s) if key and _key(n) == key]
        if len(places) != 1:
            raise ValueError(f"{self.name} has {len(places)} lines like: {ast.unparse(statement)}")
        (i,) = places
        if _key(self.body[i]) == key:
            self.body[i] = statement
        else:  # inside a loop
            self.body[i] = _Exchange(key, statement).visit(copy.deepcopy(self.body[i]))

    def _line(self, key):
        statements = [n for s in [*self.body, self.last] for n in ast.walk(s)]
        return next(n for n in statements if isinstance(n, ast.stmt) and _key(n) == key)


class _Exchange(ast.NodeTransformer):
    """Puts a statement in the place of the one with its key."""

    def __init__(self, key, statement):
        self.key, self.statement = key, statement

    def generic_visit(self, node):
        """Exchange the node, or go on to its children."""
        return self.statement if _key(node) == self.key else super().generic_visit(node)


def _items(node):
    return node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]


def _key(statement):
    """Say what a line is known by: the name that it assigns, or the method that it calls."""
    match statement:
        case ast.Assign(targets=[target]) | ast.AugAssign(target=target):
            return ast.unparse(target)
        case ast.Expr(value=ast.Call(func=function)):
            return ast.unparse(function)
        case ast.Return():
            return "return"
    return None


def keys_of(text):
    """List what the lines of a text are known by."""
    return tuple(_key(statement) for statement in ast.parse(text).body)


def _line_names(statement):
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return [name]
    return []


def _changed_names(statement):
    """List the names that a statement assigns, or of which it calls a method as a line."""
    names = []
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.append(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
                names.append(name)
    return names


# The text of mistakes --------------------------------------------------------------------------


class Entry(NamedTuple):
    """What stands of a mistake in a text: its lines, what it is, why it is wrong, the page."""

    lines: str
    what: str
    why: str
    page: str


def entries(text, page):
    """
    Read mistakes from a text; those that name no page get the one given.

    A mistake is one or more changed lines. A comment behind them says what it is, or, if that is
    long, a paragraph of its own that ends with a colon. Indented below stands why it is wrong, and
    in brackets the page that says more, if it is another than that in the text's first line.
    """
    text = textwrap.dedent(text).strip("\n")
    if first := re.match(r"\[(\S+)\]\n", text):
        text, page = text[first.end() :], first[1]
    block = r"((?:^\S.*\n)+)((?:^ +.*\n)+)"
    found = re.findall(block, text + "\n", re.MULTILINE)
    return [_entry(lines, words, page) for lines, words in found]


def _entry(lines, words, page):
    lines, mark, what = lines.rstrip("\n").partition("  # ")
    if mark:
        words = f"{what}:\n{words}"
    match = re.fullmatch(r"(.+?):\n(.+?)(?:\s\[(\S+)\])?\n", words, re.DOTALL)
    if not match:
        raise ValueError(f"a mistake needs its name, a colon, and why it is wrong: {words}")
    what, why = (" ".join(part.split()) for part in match.groups()[:2])
    return Entry(lines, what, why, match[3] or page)
