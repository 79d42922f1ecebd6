"""The rules that every notebook keeps, so that nbval checks all of it and a page reads well."""

import ast
import os
import re
import time
from pathlib import Path

import nbformat
import pytest
import yaml
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, start_new_kernel

from nbval_kernels import SOCKETS_ARE_FILES

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(
    path for path in (ROOT / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)
MAX_LINES = 15
MIN_WORDS_FOR_A_LINE = 10
MAX_IGNORED_SHARE = 0.03
TAGS = {"hide-input", "hide-output", "hide-cell", "remove-input", "remove-cell", "remove-output"}
TAGS |= {"live", "campaign", "recorded", "rung"}
SETTINGS = (
    "set_matplotlib_formats",
    "plt.style.use",
    "np.set_printoptions",
    "torch.set_default_dtype",
    "torch.set_num_threads",
)
# A phone of 360 px leaves a figure about 328 px: at this width 9 points are 9 px there.
WIDEST_FIGURE, SMALLEST_TEXT = 320, 9  # points
WIDEST_OUTPUT = 60  # columns: the page sets a longer line smaller, down to this one
PRACTICE_TAGS = {"stub", "check", "example", "solution", "book-only"}


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_of(notebook):
    return "\n".join(cell.source for cell in code_cells(notebook))


def tags_of(cell):
    return set(cell.metadata.get("tags", []))


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def outputs_of(cell, kind):
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def draws(cell):
    return bool(outputs_of(cell, "image/svg+xml"))


def texts_of(cell):
    """Return a figure's alternative text and its caption."""
    setting = cell.metadata.get("mystnb", {})
    caption = setting.get("figure", {}).get("caption", "")
    return setting.get("image", {}).get("alt", ""), caption


def is_ignored(cell):
    by_tag = any(tag.startswith("nbval") or tag == "raises-exception" for tag in tags_of(cell))
    return by_tag or re.search(r"#\s*(?:NBVAL|PYTEST_VALIDATE)", cell.source) is not None


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def notebook(request):
    return read(request.param)


def test_every_notebook_is_in_the_table_of_contents_once():
    text = (ROOT / "_toc.yml").read_text(encoding="utf-8")

    def files(node):
        if isinstance(node, dict):
            yield from [node["file"]] if "file" in node else []
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            yield from files(child)

    listed = [name for name in files(yaml.safe_load(text)) if (ROOT / f"{name}.ipynb").exists()]
    written = [path.relative_to(ROOT).with_suffix("").as_posix() for path in NOTEBOOKS]
    assert sorted(listed) == sorted(written)


def test_all_cells_were_executed_once_from_top_to_bottom(notebook):
    # nbval skips a cell without an execution count and reports that it passed.
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_each_notebook_is_valid_and_has_no_empty_cell_and_no_times(notebook):
    nbformat.validate(notebook)
    assert all(cell.source.strip() for cell in notebook.cells)
    assert "execution" not in {key for cell in notebook.cells for key in cell.metadata}


def test_no_output_is_an_error_or_a_warning(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]


def test_few_cells_are_ignored_by_nbval_and_each_says_why():
    cells = [cell for path in NOTEBOOKS for cell in code_cells(read(path))]
    ignored = [cell for cell in cells if is_ignored(cell)]
    assert len(ignored) <= MAX_IGNORED_SHARE * len(cells)
    assert all(cell.metadata.get("nbval_reason") for cell in ignored)


def test_cells_have_only_tags_that_the_book_knows(notebook):
    assert set().union(*map(tags_of, notebook.cells)) <= TAGS | PRACTICE_TAGS


def test_figures_are_drawings_that_the_comparison_understands(notebook):
    for cell in code_cells(notebook):
        assert not outputs_of(cell, "image/png") + outputs_of(cell, "image/jpeg")


def test_every_chapter_has_a_figure():
    chapters = [read(path) for path in NOTEBOOKS if path.parent.name != "practice"]
    assert all(any(draws(cell) for cell in code_cells(chapter)) for chapter in chapters)


def test_every_figure_has_an_alternative_text_and_a_caption_of_its_own():
    figures = [cell for path in NOTEBOOKS for cell in code_cells(read(path)) if draws(cell)]
    texts, captions = zip(*map(texts_of, figures), strict=True)
    assert [text for text in texts if len(text.split()) < 8] == []
    assert [caption for caption in captions if len(caption.split()) < 4] == []
    assert len(set(texts)) == len(texts)


def test_cells_that_draw_hide_their_source(notebook):
    assert all("hide-input" in tags_of(cell) for cell in code_cells(notebook) if draws(cell))


def is_setup(cell):
    """Say whether a cell only imports and sets up."""
    return all(
        isinstance(node, (ast.Import, ast.ImportFrom)) or ast.unparse(node).startswith(SETTINGS)
        for node in ast.parse(re.sub(r"(?m)^%.*", "", cell.source)).body
    )


def test_a_cell_that_only_sets_up_does_not_show(notebook):
    for cell in code_cells(notebook):
        assert is_setup(cell) == ("remove-cell" in tags_of(cell)), cell.source


def test_a_fold_says_what_it_holds(notebook):
    # A figure's fold has the title that _config.yml gives to all.
    for cell in code_cells(notebook):
        if "hide-input" in tags_of(cell) and not draws(cell):
            title = cell.metadata.get("mystnb", {}).get("code_prompt_show", "")
            assert 2 <= len(title.split()) <= 10, cell.source


def test_no_two_folds_follow_each_other(notebook):
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        both = "hide-input" in tags_of(before) & tags_of(cell)
        if ("campaign" in tags_of(before)) and ("recorded" in tags_of(cell)):
            continue  # the site shows these two as one line
        assert not (both and not before.outputs), cell.source


def test_every_figure_is_whole_and_readable_on_a_phone(notebook):
    for cell in code_cells(notebook):
        for svg in outputs_of(cell, "image/svg+xml"):
            width = float(re.search(r'width="([\d.]+)pt"', svg)[1])
            texts = {100 * float(size) for size in re.findall(r"scale\((0\.\d+) -0", svg)}
            assert width <= WIDEST_FIGURE, cell.source
            assert min(texts) >= SMALLEST_TEXT, cell.source


def test_what_is_printed_fits_on_a_phone(notebook):
    for cell in code_cells(notebook):
        texts = [output.text for output in cell.outputs if output.output_type == "stream"]
        lines = [line for text in texts for line in text.splitlines()]
        assert [line for line in lines if len(line) > WIDEST_OUTPUT] == []


def test_cells_are_short(notebook):
    sources = [cell.source for cell in code_cells(notebook)]
    assert [source for source in sources if len(source.splitlines()) > MAX_LINES] == []


def test_there_are_ten_words_of_prose_for_a_line_of_code(notebook):
    words = len(re.sub(r"\$\$.*?\$\$", "", prose(notebook), flags=re.DOTALL).split())
    folded = {"hide-input", "remove-cell"}
    visible = [cell for cell in code_cells(notebook) if not folded & tags_of(cell)]
    lines = [line for cell in visible for line in cell.source.splitlines() if line.strip(" )]}")]
    assert words >= MIN_WORDS_FOR_A_LINE * len(lines)


def test_every_output_is_read_by_a_sentence(notebook):
    # A figure and its numbers, or two printed results, may be read together.
    speaks = [cell.cell_type == "markdown" for cell in notebook.cells] + [False, False]
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.outputs:
            assert speaks[i + 1] or speaks[i + 2], cell.source


def test_the_page_describes_itself(notebook):
    description = notebook.metadata["myst"]["html_meta"]["description"]
    assert 50 <= len(description) <= 160


def test_the_page_opens_with_its_goal_and_closes_with_a_summary(notebook):
    text = prose(notebook)
    assert re.match(r"(\([\w-]+\)=\n)?# \S", text)
    assert "\n## Summary" in text


NOT_IN_CODE = {
    "what installs, downloads or looks for a path": (
        r"pip install|conda install|sys\.path|urllib|requests\.|wget|curl|fetch_"
    ),
    "randomness without a seed": r"np\.random\.(?!default_rng|Generator)|default_rng\(\)",
}
NOT_IN_PROSE = {
    "LaTeX that not every viewer knows": (
        r"\\mathbb\{?1|\\label|\\tag\b|\\begin\{(align\*?|multline|equation)\}"
    ),
    "an equation with another label": r"^\$\$(?! \(eq-\d+[a-z]?\)$).+",
    "a chain of dashes": "—",
}


@pytest.mark.parametrize("what", NOT_IN_CODE)
def test_no_code_has(what, notebook):
    assert not re.search(NOT_IN_CODE[what], code_of(notebook))


@pytest.mark.parametrize("what", NOT_IN_PROSE)
def test_no_prose_has(what, notebook):
    assert not re.search(NOT_IN_PROSE[what], prose(notebook), re.MULTILINE)


def test_torch_runs_on_one_thread(notebook):
    code = code_of(notebook)
    assert "import torch" not in code or "torch.set_num_threads(1)" in code


def test_a_kernel_has_imported_no_part_of_the_project_can_be_interrupted_and_ends():
    manager, client = start_new_kernel(kernel_name=CURRENT_ENV_KERNEL_NAME)
    looks = {
        "own": "[name for name in sys.modules if name.startswith('hw1')]",
        "pid": "os.getpid()",
        "cwd": "os.getcwd()",
    }

    def answer(number):
        while (reply := client.get_shell_msg(timeout=30))["parent_header"]["msg_id"] != number:
            pass
        return reply["content"]

    asked = client.execute("import os, sys", user_expressions=looks)
    found = answer(asked)["user_expressions"]
    own, pid, cwd = (found[name]["data"]["text/plain"] for name in looks)
    assert (own, int(pid), cwd) == ("[]", manager.provisioner.pid, repr(os.getcwd()))
    asked = client.execute("while True: pass")
    time.sleep(0.5)
    manager.interrupt_kernel()
    assert answer(asked)["ename"] == "KeyboardInterrupt"
    client.stop_channels()
    manager.shutdown_kernel()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


@pytest.mark.skipif(not SOCKETS_ARE_FILES, reason="no sockets that are files here")
def test_each_kernel_of_nbval_answers_at_sockets_of_its_own():
    managers, names = [], []
    for _ in range(2):
        manager, client = start_new_kernel(kernel_name=CURRENT_ENV_KERNEL_NAME)  # waits for answers
        client.stop_channels()
        managers.append(manager)
        names.append(Path(manager.ip))
    counts = [len(list(name.parent.glob(f"{name.name}-*"))) for name in names]
    for manager in managers:
        manager.shutdown_kernel(now=True)
    assert counts == [5, 5]
    assert names[0] != names[1]
    assert not any(list(name.parent.glob(f"{name.name}*")) for name in names)
