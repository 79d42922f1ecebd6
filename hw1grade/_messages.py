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
    if isinstance(value, (list, tuple)):
        items = [pack(item) for item in value]
        return {"tuple": items} if isinstance(value, tuple) else items
    if callable(value):  # as a report prints it
        return {"function": "np." * isinstance(value, np.ufunc) + value.__name__}
    return value


def unpack_argument(data):
    """Read what `pack` wrote of an argument; only the grader may have written it."""
    if isinstance(data, list):
        return [unpack_argument(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "tuple" in data:
        return tuple(unpack_argument(data["tuple"]))
    return eval(data["function"], {"np": np}) if "function" in data else _array(data)


def pack_outcome(outcome):
    """Write an outcome with what JSON has."""
    lines = {name: pack(list(values)) for name, values in outcome.lines.items()}
    return outcome._asdict() | {"value": pack(outcome.value), "lines": lines}


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
    lines = {name: _answer(row["lines"][name]) for name in names if name in row["lines"]}
    if not all(isinstance(values, list) and 1 <= len(values) <= 2 for values in lines.values()):
        raise MalformedError
    return Outcome(_answer(row["value"]), None if error is None else clean(error), changed, lines)


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
    sizes = all(type(n) is int and n >= 0 for n in shape) and not is_too_large(shape)
    numbers = all(type(entry) in (int, float, bool) for entry in entries)
    if data["dtype"] not in DTYPES or not sizes or not numbers:
        raise MalformedError
    return np.array(entries, dtype=data["dtype"]).reshape(shape)


def one_line(words, limit=MAX_TEXT):
    """Write a stranger's text in one line without control characters."""
    return " ".join(clean(str(words), limit).split())
