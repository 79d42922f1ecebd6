"""Sphinx extension: what a reader takes along.

The front page links to the book as a PDF and to the site as a zip, as soon as `make pdf` and
`make zip` have made them, and never to a file that is not there. What a notebook's page offers for
download says first how to get hw1lib, and is without the solutions where it is a practice page.
The buttons on the page open it in Binder and in Colab, where the repository is known. Colab has no
hw1lib, so it gets editions of the notebooks that install it; publishing puts them into a branch of
their own.
"""

import json
import re
import shutil
from pathlib import Path

import yaml
from addresses import find_addresses
from docutils import nodes
from lean_pages import write_changed
from practice import FOLDER, students_text
from sphinx.util.docutils import SphinxDirective

COLAB_BRANCH = "colab"
NAME = "homework-1-checked"  # the distribution that holds hw1lib
NOTICE = '''\
try:
    from hw1lib import batchnorm_backward
except ImportError:
    raise ImportError(
        """This notebook needs the book's own hw1lib, not the index's package of that name. Run
{command}
and start the kernel again."""
    ) from None'''
# What the front page says of each file: before its link, the link, behind it.
SENTENCES = {
    "pdf": ("The whole book is also ", "one PDF", ", with the solutions at its end."),
    "zip": ("", "A zip of this site", " opens without a network: unpack it, open index.html."),
}


def settings(root):
    """Read `_config.yml`."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))


def take_along(root):
    """Give the path of the PDF and of the zip, named like the book."""
    name = re.sub(r"\W+", "-", settings(root)["title"].lower()).strip("-")
    return {kind: root / "_build" / kind / f"{name}.{kind}" for kind in SENTENCES}


class TakeAlong(SphinxDirective):
    """A sentence with a link for each file that exists."""

    def run(self):
        """Build the paragraph, or nothing."""
        paths = take_along(Path(self.env.srcdir))
        found = {kind: path for kind, path in paths.items() if path.exists()}
        if not found:
            return []
        paragraph = nodes.paragraph(
            "", "", nodes.strong(text="Take it along."), classes=["take-along"]
        )
        for kind, path in found.items():
            before, text, behind = SENTENCES[kind]
            size = f" ({path.stat().st_size / 1e6:.0f} MB)"
            link = nodes.reference("", text, refuri=path.name)
            sentence = [nodes.Text(f" {before}"), link, nodes.Text(size + behind)]
            paragraph += nodes.inline("", "", *sentence, classes=[f"take-along-{kind}"])
        return [paragraph]


def always_read_front_page(app, env, added, changed, removed):
    """Read the front page at each build: Sphinx does not know that it depends on the files."""
    return [app.config.root_doc]


def copy_files(app, exception):
    """Put the files into the site, and take out those that are gone."""
    if exception or app.builder.name != "html":
        return
    for path in take_along(Path(app.srcdir)).values():
        copy = Path(app.outdir) / path.name
        if path.exists():
            shutil.copy2(path, copy)
        else:
            copy.unlink(missing_ok=True)


def install_cell(addresses, folder):
    """Give the code that gets the project and installs hw1lib; Colab has the rest."""
    return (
        f"!git clone --quiet --depth 1 --branch {addresses.branch} {addresses.repository} book\n"
        "%pip install -q ./book\n"
        f"%cd -q book/{folder}"  # where the notebook finds the files that it reads
    )


def with_first(text, *cells):
    """Return the text of a notebook with cells in front, each as its type and source."""
    notebook = json.loads(text)
    code = {"execution_count": None, "outputs": []}
    notebook["cells"][:0] = [
        {"cell_type": kind, "id": f"first-{number}", "metadata": {}, "source": source}
        | (code if kind == "code" else {})
        for number, (kind, source) in enumerate(cells, start=1)
    ]
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def colab_edition(text, addresses, folder):
    """Return the text of a notebook with a first cell that installs hw1lib."""
    # Outside Jupyter's own programs, a chart is drawn by its HTML only.
    text = text.replace(r"alt.renderers.enable(\"mimetype\")", r"alt.renderers.enable(\"colab\")")
    return with_first(text, ("code", install_cell(addresses, folder)))


def download_edition(text, title, addresses):
    """Return the text of a notebook that says first what it needs, and notices what is missing."""
    if addresses.repository:
        command = f'python -m pip install "{NAME}[book] @ git+{addresses.repository}"'
        how = f"Get it with\n\n    {command}"
    else:
        command = "python -m pip install '.[book]'"
        how = f"Get the project and, in its folder, run\n\n    {command}"
    book = f"[{title}]({addresses.site})" if addresses.site else title
    return with_first(
        text,
        (
            "markdown",
            f"This notebook is a page of the book *{book}*. It runs with the book's own library "
            f"`hw1lib`. {how}\n\nThe package that the index calls `hw1lib` is another one.",
        ),
        ("code", NOTICE.format(command=command)),
    )


def notebooks(root):
    """Give the path of each notebook of the book."""
    found = sorted((root / "chapters").rglob("*.ipynb"))
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def write_colab_editions(root, target, addresses):
    """Write the editions for Colab, of the practice notebooks without the solutions."""
    for path in notebooks(root):
        name = path.relative_to(root)
        text = colab_edition(students_text(path), addresses, name.parent.as_posix())
        write_changed(target / name, text)


def before_build(app):
    """Write into the build folder what the pages link to, and what is published for Colab."""
    root = Path(app.srcdir)
    addresses, title = find_addresses(root), settings(root)["title"]
    for path in notebooks(root):
        if path.parent == root / FOLDER:
            text = download_edition(students_text(path), title, addresses)
            write_changed(root / "_build" / "student" / path.name, text)
    if addresses.repository:
        write_colab_editions(root, root / "_build" / "colab", addresses)


def write_downloads(app, exception):
    """Let the download of each page be its edition."""
    if exception or app.builder.name != "html":
        return
    root = Path(app.srcdir)
    addresses, title = find_addresses(root), settings(root)["title"]
    for path in notebooks(root):
        copy = Path(app.outdir) / "_sources" / path.relative_to(root)
        if copy.exists():
            write_changed(copy, download_edition(students_text(path), title, addresses))


def point_to_editions(app, pagename, templatename, context, doctree):
    """Let the buttons open the edition that runs there: the theme's open the notebook itself."""
    branch = app.config.html_theme_options.get("repository_branch")
    for group in context.get("header_buttons", []):
        if group.get("label") != "launch-buttons":
            continue
        for button in group["buttons"]:
            # The theme's logos would be two more files for every page.
            button["icon"] = "fas fa-arrow-up-right-from-square"
            button["url"] = (
                button["url"]
                .replace(f"/blob/{branch}/", f"/blob/{COLAB_BRANCH}/")
                # .binder/postBuild writes the student's editions there.
                .replace(f"lab/tree/{FOLDER.as_posix()}/", "lab/tree/student/")
            )


def setup(app):
    """Register with Sphinx; the theme adds its buttons at priority 501."""
    app.add_directive("take-along", TakeAlong)
    app.connect("builder-inited", before_build)
    app.connect("env-get-outdated", always_read_front_page)
    app.connect("html-page-context", point_to_editions, priority=600)
    app.connect("build-finished", copy_files)
    app.connect("build-finished", write_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
