"""pytest: one thread for linear algebra, and notebook figures compared with a tolerance."""

import os

# Two BLAS threads on a busy machine are slower than one; whoever asks for more gets it.
# Set before NumPy is imported, and inherited by the notebooks' kernels.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import nbval_figures  # noqa: F401 (its import teaches nbval to compare figures)
