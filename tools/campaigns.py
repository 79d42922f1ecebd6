"""Record what the long runs of notebooks gave: `nox -s campaigns -- chapters/batchnorm/why.ipynb`.

A cell tagged "campaign" defines a function `campaign_...` without arguments; nbval does not call
it. This runs the cells up to it, calls it, and writes what it returns into the next cell with code,
which is tagged "recorded" and reads `NAME = json.loads(...)`. The page repeats a part of it.
"""

import json
import re
import sys
from pathlib import Path

from IPython.display import display

LINES, WIDTH = 15, 79  # of a cell
FUNCTION = re.compile(r"^def (campaign_\w+)\(\):", re.MULTILINE)
START = re.compile(r'\w+ = json\.loads\("""')


def in_cell(start, result):
    """Return the source of a cell that holds a result; no name in it may have a comma."""
    lines = [""]
    for part in re.split("(?<=,)", json.dumps(result, separators=(",", ":"))):
        if len(lines[-1] + part) > WIDTH:
            lines.append("")
        lines[-1] += part
    text = "\n".join(lines)
    source = f'{start}\n{text}\n""")'
    if json.loads(text, strict=False) != result or source.count("\n") >= LINES:
        # Whoever has waited for it shall have it.
        raise ValueError(
            f"a campaign must return lists, dicts, numbers and names without commas, as much as "
            f"{LINES} lines hold, not {json.dumps(result)}"
        )
    return source


def record(path):
    """Run the campaigns of a notebook and write their results into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    campaigns = [i for i, c in enumerate(cells) if "campaign" in c["metadata"].get("tags", [])]
    if not campaigns:
        raise ValueError(f"{path} has no cell tagged campaign")
    names = {"display": display}
    for i, cell in enumerate(cells[: campaigns[-1] + 1]):
        if i - 1 in campaigns:
            continue  # just written, and run
        code = "".join(cell["source"])
        exec(compile(code, f"{path}, cell {i}", "exec"), names)
        if i in campaigns:
            function, recorded = FUNCTION.search(code).group(1), cells[i + 1]
            start = START.match("".join(recorded["source"]))
            if "recorded" not in recorded["metadata"].get("tags", []) or not start:
                raise ValueError(f"{path}, cell {i + 1}: expected a cell tagged recorded")
            source = in_cell(start.group(), names[function]())
            recorded["source"] = source.splitlines(keepends=True)
            text = json.dumps(notebook, indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
            exec(source, names)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        record(Path(argument))
        print(f"{argument}: recorded; `make run` executes it with the new numbers")
