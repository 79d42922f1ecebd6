"""Sphinx extension: what a reader takes along.

The front page links to the book as a PDF and to the site as a zip, as soon as `make pdf` and
`make zip` have made them, and never to a file that is not there. The buttons on each notebook's
page open it in Binder and in Colab, at the repository that `_config.yml` names. Colab has no
hw1lib, so it gets editions of the notebooks that install it first; publishing puts them into a
branch of their own.
"""

import json
import re
import shutil
from pathlib import Path

import yaml
from docutils import nodes
from lean_pages import write_changed
from practice import FOLDER, write_student_editions
from sphinx.util.docutils import SphinxDirective

COLAB_BRANCH = "colab"
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


def install_cell(repository, branch, folder):
    """Give the code that gets the project and installs hw1lib; Colab has the rest but Altair 5."""
    return (
        f"!git clone --quiet --depth 1 --branch {branch} {repository} book\n"
        '%pip install -q ./book "altair>=5.5,<6"\n'
        f"%cd -q book/{folder}"  # where the notebook finds the files that it reads
    )


def colab_edition(text, repository, branch, folder):
    """Return the text of a notebook with a first cell that installs hw1lib."""
    # Outside Jupyter's own programs, a chart is drawn by its HTML only.
    text = text.replace(r"alt.renderers.enable(\"mimetype\")", r"alt.renderers.enable(\"colab\")")
    notebook = json.loads(text)
    install = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install-hw1lib",
        "metadata": {},
        "outputs": [],
        "source": install_cell(repository, branch, folder),
    }
    notebook["cells"].insert(0, install)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def write_editions(root, target, repository, branch):
    """Write the editions for Colab, of the practice notebooks without the solutions."""
    write_student_editions(root, root / "_build" / "student")
    for path in sorted((root / "chapters").rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        name = path.relative_to(root)
        if name.parent == FOLDER:
            path = root / "_build" / "student" / path.name
        folder = name.parent.as_posix()
        text = colab_edition(path.read_text(encoding="utf-8"), repository, branch, folder)
        write_changed(target / name, text)


def before_build(app):
    """Write the editions for Colab into the build folder."""
    root = Path(app.srcdir)
    repository = settings(root)["repository"]
    write_editions(root, root / "_build" / "colab", repository["url"], repository["branch"])


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
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
