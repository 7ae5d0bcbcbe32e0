"""How the C library keeps memory that was given back to it, for a process that serves for months."""

import ctypes
import os

# malloc.h of glibc; mallopt(3)
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

MAPPED_FROM_BYTES = 16 << 20  # blocks of this size and above are maps of their own, unmapped when they are freed
KEPT_BYTES = 2 << 20  # of free memory at the end of a heap


def give_memory_back() -> bool:
    """Lets glibc return what the largest arrays of a question took; False where it is another library or told already.

    By itself it keeps more the larger the blocks are that were freed, up to 64 MiB at the end of each heap. Over a
    million passages that was 17 MB of a server's own 207, without a question being slower.
    """
    if any(name in os.environ for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES) and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))
