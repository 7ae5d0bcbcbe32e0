"""What a .npy file of little-endian float32 rows is made of, for writers that never hold it whole.

The header is that of version 1.0 (numpy.lib.format), which readers here expect (vector_rows.py).
"""

import io
from collections.abc import Iterator

import numpy as np

from .embedders import Vectors

_ROWS_AT_ONCE = 4096


def npy_header(rows: int, dimensions: int) -> bytes:
    """The beginning of a file of so many rows."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (int(rows), int(dimensions))}
    )
    return header.getvalue()


def row_bytes(vectors: Vectors) -> Iterator[bytes]:
    """The rows that follow it, a block at a time; vectors: (n, dimensions) float32, perhaps a map."""
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        yield vectors[start : start + _ROWS_AT_ONCE].astype("<f4").tobytes()
