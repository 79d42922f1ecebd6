"""pytest: one environment on every machine, a notebook on one worker, figures with a tolerance."""

import atexit
import gc
import os
import shutil
import tempfile

import pytest

# Two BLAS threads on a busy machine are slower than one; whoever asks for more gets it.
# Set before NumPy is imported, and inherited by the notebooks' kernels.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a user has set must not change a test. Before Matplotlib is imported, and inherited as well.
os.environ |= {
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # which a kernel needs
    "PYTHONUTF8": "1",
}
if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker has inherited the folder
    # In place of folders in the user's home, which may hold settings or not be writable.
    HOME = tempfile.mkdtemp(prefix="pytest-home-")
    atexit.register(shutil.rmtree, HOME, ignore_errors=True)
    os.environ |= dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"), HOME)

pytest_plugins = ["equation_report", "nbval_figures", "nbval_kernels", "without_torch"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give all cells of a notebook, and all tests of a module, to one worker, whatever `--dist`."""
    from xdist.scheduler import LoadScopeScheduling

    return LoadScopeScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector off what is collected: it finds nothing, in 4 of 10 seconds."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
