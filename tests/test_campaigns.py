"""The long runs of notebooks: the tool records them into the page."""

import json
import re

import pytest

from campaigns import FUNCTION, record
from test_notebooks import NOTEBOOKS, read


def notebook(path, campaign, recorded='KEPT = json.loads("""\n{}\n""")'):
    cells = [("import json", []), (campaign, ["campaign"]), (recorded, ["recorded"])]
    cells.append(("raise RuntimeError('behind the last campaign')", []))
    text = {
        "cells": [
            {"cell_type": "code", "metadata": {"tags": tags}, "source": source.splitlines(True)}
            for source, tags in cells
        ]
    }
    path.write_text(json.dumps(text))
    return path


def test_the_result_is_written_into_the_next_cell_and_reads_as_it_was(tmp_path):
    runs = {"a": [11, None, 3.5], "b": list(range(100))}
    path = notebook(tmp_path / "a.ipynb", f"def campaign_a():\n    return {runs}")
    record(path)
    source = "".join(json.loads(path.read_text())["cells"][2]["source"])
    names = {"json": json}
    exec(source, names)
    assert names["KEPT"] == runs
    assert max(map(len, source.splitlines())) <= 79


@pytest.mark.parametrize(
    ("campaign", "recorded", "said"),
    [
        ("def campaign_a():\n    return {'a, ' * 40: 1}", 'KEPT = json.loads("""', 'not {"a, '),
        (
            "def campaign_a():\n    return list(range(999))",
            'KEPT = json.loads("""',
            "15 lines hold, not .*998",
        ),
        ("def campaign_a():\n    return 1", "KEPT = 1", "tagged recorded"),
    ],
)
def test_what_a_cell_cannot_hold_is_refused_and_the_notebook_stays(
    tmp_path, campaign, recorded, said
):
    path = notebook(tmp_path / "a.ipynb", campaign, recorded)
    before = path.read_text()
    with pytest.raises(ValueError, match=said):
        record(path)
    assert path.read_text() == before


def test_each_campaign_has_its_record_and_is_called_nowhere_else():
    for path in NOTEBOOKS:
        code = [cell for cell in read(path).cells if cell.cell_type == "code"]
        tags = [cell.metadata.get("tags", []) for cell in code]
        for i, cell in enumerate(code):
            assert ("campaign" in tags[i]) == bool(FUNCTION.search(cell.source)), path
            assert not re.search(r"(?<!def )campaign_\w+\(\)", cell.source), path
            if "campaign" in tags[i]:
                assert "recorded" in tags[i + 1], path
