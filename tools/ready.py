"""Look at the Python and at the environment before anything is installed.

The Makefile calls it with whatever Python it has found, so it must run on any Python 3.
"""

import os
import shutil
import sys

LEAST = (3, 11)
SIZE = """Installing into {0}, about 2 GB with the tools that build the site.
On Linux, PyTorch brings CUDA, 6 GB in all, unless its CPU build is there first:
  {1} -m venv {0}
  {0}/bin/python -m pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"""


def main(environment, asked=""):
    """Refuse an old Python; remove an environment of another one if this one was asked for."""
    version = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info[:2] < LEAST:
        sys.exit(
            "This is Python {} ({}), and the book needs {}.{} or newer.\n"
            "Install one, then name it: make book PYTHON=python3.13".format(
                version, sys.executable, *LEAST
            )
        )
    there = of_environment(environment)
    if asked and there and there != version:
        print("{} is of Python {}: it is made new, with {}.".format(environment, there, version))
        shutil.rmtree(environment)
    if sys.platform == "linux" and not os.path.exists(environment):
        print(SIZE.format(environment, sys.executable))


def of_environment(environment):
    """Return the version of an environment's Python, as in 3.11; nothing where there is none."""
    path = os.path.join(environment, "pyvenv.cfg")
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        lines = [line.split("=", 1) for line in file if "=" in line]
    found = {name.strip(): value.strip() for name, value in lines}
    full = found.get("version", found.get("version_info", ""))
    return ".".join(full.split(".")[:2])


if __name__ == "__main__":
    main(*sys.argv[1:])
