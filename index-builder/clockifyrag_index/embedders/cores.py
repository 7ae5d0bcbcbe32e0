"""Cores: a matrix product uses one.

Batches are embedded side by side, one thread a core, and each product stays in its thread: everything between the
products then runs in parallel as well, and threads of a library never wait spinning for a core that another process
has (OpenBLAS with two threads on two busy cores was measured 10 times slower than with one).
"""

import ctypes
from pathlib import Path

import numpy as np


def keep_products_in_their_thread() -> bool:
    """Tells numpy's OpenBLAS, for the whole process, to use one thread for each product; whether it could be told.

    The environment (OPENBLAS_NUM_THREADS) is read only when numpy is imported. Another BLAS keeps its own setting.
    """
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    for library in sorted(folder.glob("libscipy_openblas64_*")):
        setting = getattr(ctypes.CDLL(str(library)), "scipy_openblas_set_num_threads64_", None)
        if setting is not None:
            setting.argtypes, setting.restype = (ctypes.c_int,), None
            setting(1)
            return True
    return False
