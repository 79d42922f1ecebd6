"""What the grader and the process of a submission tell each other: one line of JSON a message."""

import json

import numpy as np

from hw1check._run import MAX_SIZE, Outcome, Strange, is_too_large

MAX_LINE = 2**24
MAX_TEXT = 2000
MAX_DEPTH = 8
DTYPES = ("float64", "float32", "int64", "bool")


class MalformedError(ValueError):
    """A message that nobody who follows the rules would send."""


def line_of(message):
    """Write a message as a line."""
    return json.dumps(message).encode() + b"\n"


def message_of(line, number):
    """Read the message of that number from a line that anybody may have written."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedError("a line that is no JSON") from None
    if not isinstance(message, dict) or message.get("id") != number:
        raise MalformedError("a message that answers nothing")
    return message


def pack(value):
    """Write an argument or an answer with what JSON has; numbers come back bit by bit."""
    if isinstance(value, np.ndarray):
        entries = value.ravel().tolist()
        return {"shape": list(value.shape), "dtype": value.dtype.name, "entries": entries}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Strange):
        return {"strange": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [pack(item) for item in value]}
    if isinstance(value, list):
        return [pack(item) for item in value]
    if callable(value):
        if isinstance(value, np.ufunc):
            return {"function": f"np.{value.__name__}"}
        return {"function": value.__name__}  # as a report prints it
    return value


def unpack_argument(data):
    """Read what `pack` wrote of an argument; only the grader may have written it."""
    if isinstance(data, list):
        return [unpack_argument(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "tuple" in data:
        return tuple(unpack_argument(item) for item in data["tuple"])
    if "function" in data:
        return eval(data["function"], {"np": np})
    return _array(data)


def pack_outcome(outcome):
    """Write an outcome with what JSON has."""
    lines = {name: pack(value) for name, value in outcome.lines.items()}
    plain = {"error": outcome.error, "changed": outcome.changed, "lines": lines}
    return plain | {"value": pack(outcome.value)}


def unpack_outcomes(rows, arguments, names, count):
    """Read the outcomes of `count` calls, whoever has written them; the last may be an error.

    Only `arguments` can have changed, and only the lines called `names` can have values.
    """
    try:
        found = [_outcome(row, arguments, names) for row in rows]
    except Exception:  # a stranger chose the data: whatever fails on it, it is the data
        raise MalformedError("an answer that is none") from None
    if len(found) > count or (len(found) < count and not (found and found[-1].error)):
        raise MalformedError("too many answers or too few")
    return found


def clean(text, limit=MAX_TEXT):
    """Make a stranger's text safe to print: no control characters, no half characters."""
    text = text[:limit] if isinstance(text, str) else "?"
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _outcome(row, arguments, names):
    error = row["error"]
    if error is not None and not (isinstance(error, str) and error.strip()):
        raise MalformedError  # without its text, an error would look like an agreement
    changed = tuple(name for name in arguments if name in row["changed"])
    lines = {name: _values(row["lines"][name]) for name in names if name in row["lines"]}
    return Outcome(_answer(row["value"]), None if error is None else clean(error), changed, lines)


def _values(data):
    if not 1 <= len(data) <= 2:
        raise MalformedError
    return [_answer(item) for item in data]


def _answer(data, depth=0):
    if data is None:
        return None
    if isinstance(data, list):
        if depth == MAX_DEPTH or len(data) > MAX_SIZE:
            raise MalformedError
        return [_answer(item, depth + 1) for item in data]
    if "strange" in data:
        return Strange(clean(data["strange"], 300))
    array = _array(data)
    return array if array.dtype == np.float32 else array.astype(float)


def _array(data):
    shape, entries = data["shape"], data["entries"]
    if data["dtype"] not in DTYPES or not all(type(n) is int and n >= 0 for n in shape):
        raise MalformedError
    if is_too_large(shape):
        raise MalformedError
    if not all(type(entry) in (int, float, bool) for entry in entries):
        raise MalformedError
    return np.array(entries, dtype=data["dtype"]).reshape(shape)


def one_line(words, limit=MAX_TEXT):
    """Write a stranger's text in one line without control characters."""
    return " ".join(clean(str(words), limit).split())
