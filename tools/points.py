"""Write the points of hw1check/homework.toml into the tasks of the practice notebooks.

`nox -s points` does it after a change; a test says where the two differ.
"""

import re
from pathlib import Path

import nbformat

import hw1check

PAGES = sorted((Path(__file__).parents[1] / "chapters" / "practice").glob("*.ipynb"))
TITLE = re.compile(r"(?m)^:::\{admonition\} Your task.*$")


def worth(problem):
    """Say what an answer is worth, as the title of a task does."""
    points = [f"{number:g}" for number in problem.points]
    if not any(problem.points):
        return "beyond the homework" if problem.question.startswith("beyond") else "not asked for"
    text = f"{' + '.join(points)} points"
    if len(points) > 2 and len(set(points)) == 1:
        text = f"{sum(problem.points):g} points, {points[0]} for each part"
    return text + ", bonus" * problem.bonus


def titled(cells):
    """Give the source of each cell with the titles as they must be."""
    problems = {problem.name: problem for problem in hw1check.PROBLEMS}
    sources = [cell.source for cell in cells]
    for place, source in enumerate(sources):
        if TITLE.search(source):
            # The blank follows its task; a task for a person has none before the next one.
            after = "\n".join(sources[place + 1 :])
            section = re.split(r"(?m)^## ", after)[0]
            name = re.search(r"(?m)^def (\w+)\(", section)
            if name:
                title = f":::{{admonition}} Your task ({worth(problems[name[1]])})"
                sources[place] = TITLE.sub(title, source)
    return sources


def main():
    """Write the titles of all pages."""
    for path in PAGES:
        page = nbformat.read(path, as_version=4)
        for cell, source in zip(page.cells, titled(page.cells), strict=True):
            cell.source = source
        nbformat.write(page, path)


if __name__ == "__main__":
    main()
