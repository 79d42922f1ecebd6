"""pytest: one thread for linear algebra, figures compared with a tolerance, equations counted."""

import os

# Two BLAS threads on a busy machine are slower than one; whoever asks for more gets it.
# Set before NumPy is imported, and inherited by the notebooks' kernels.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["equation_report", "nbval_figures", "nbval_kernels", "without_torch"]
