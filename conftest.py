"""pytest: one thread for linear algebra, figures compared with a tolerance, equations counted."""

import gc
import os

import pytest

# Two BLAS threads on a busy machine are slower than one; whoever asks for more gets it.
# Set before NumPy is imported, and inherited by the notebooks' kernels.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["equation_report", "nbval_figures", "nbval_kernels", "without_torch"]


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector off what is collected: it finds nothing, in 4 of 10 seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
