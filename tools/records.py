"""How the record of a run is written: JSON with a row a line, so that a diff shows what changed."""

import json


def write(path, record):
    """Write a dict of numbers, texts, lists and dicts."""
    parts = [f"{json.dumps(name)}: {in_rows(part)}" for name, part in record.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def in_rows(part):
    """Put each item of a list or dict on a line of its own."""
    if isinstance(part, dict):
        rows = [f"{json.dumps(name)}: {json.dumps(item)}" for name, item in part.items()]
        return "{\n " + ",\n ".join(rows) + "\n}"
    if isinstance(part, list):
        return "[\n " + ",\n ".join(map(json.dumps, part)) + "\n]"
    return json.dumps(part)
