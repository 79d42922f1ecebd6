"""pytest plugin: `--without-torch` runs what needs no torch, where there is no build of it."""

import os
import sys
from functools import cache

import pytest

REASON = "torch is not here (--without-torch)"
MODULES = ("torch", "torch.nn", "torch.nn.functional")


class Tensor:
    """Stands for torch and all that is in it: there to be named, and skips the test that calls it.

    It bears the name of torch's own class, since hw1lib says the type of an argument it refuses.
    """

    def __getattr__(self, name):
        """Return what a test takes from torch, but no protocol, as `_repr_pretty_` is one."""
        if name.startswith("_") and name.endswith("_"):
            raise AttributeError(name)
        # Libraries ask whether an argument is a torch.Tensor.
        return Tensor if name == "Tensor" else self

    def __call__(self, *args, **kwargs):
        """Skip the test; between tests, while they are collected, give a tensor."""
        if "PYTEST_CURRENT_TEST" in os.environ:
            pytest.skip(REASON)
        return self


def pytest_addoption(parser):
    """Add the option. Without it, a missing torch is an error."""
    text = "skip the tests and the notebooks that need torch"
    parser.addoption("--without-torch", action="store_true", help=text)


def pytest_configure(config):
    """Put the stand-in in torch's place before a test module imports it."""
    if config.getoption("without_torch"):
        Tensor.__module__ = "torch"
        sys.modules.update(dict.fromkeys(MODULES, Tensor()))


@cache
def imports_torch(notebook):
    """Say whether a notebook needs torch: it runs in a process of its own."""
    return "import torch" in notebook.read_text(encoding="utf-8")


def pytest_collection_modifyitems(config, items):
    """Skip all cells of the notebooks that need torch."""
    if config.getoption("without_torch"):
        for item in items:
            if item.path.suffix == ".ipynb" and imports_torch(item.path):
                item.add_marker(pytest.mark.skip(reason=REASON))
