"""VectorTable: rows of vectors that grow; beyond 64 MiB they lie in a mapped file without a name.

A million vectors of 768 dimensions are three gigabytes, and as much again to put them in order. Of a mapped file the
kernel writes back and takes away what nobody reads, where memory is short.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clockifyrag_index.disk import storage_errors
from clockifyrag_index.embedders import Vectors

BYTES_IN_MEMORY = 64 << 20
ROWS_AT_FIRST = 1024
_ROWS_AT_ONCE = 8192


class VectorTable:
    """(n, dimensions) float32 rows by number."""

    def __init__(self, dimensions: int, root: Path | None) -> None:
        """root: on whose volume the file lies; None: everything in memory."""
        self._root = root
        self._rows = np.empty((ROWS_AT_FIRST, dimensions), np.float32)

    def put(self, numbers: Sequence[int], rows: Vectors, count: int) -> None:
        """Sets the rows of these numbers; count: of all numbers given so far. NoSpace where the volume is full."""
        if count > len(self._rows):
            grown = new_rows(max(count, 2 * len(self._rows)), self._rows.shape[1], self._root)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        self._rows[list(numbers)] = rows

    def of(self, numbers: npt.NDArray[np.int64]) -> Vectors:
        """The rows of these numbers, in their order: a copy, or a view where they are the first ones in order."""
        if np.array_equal(numbers, np.arange(len(numbers))):
            return self._rows[: len(numbers)]
        found = new_rows(len(numbers), self._rows.shape[1], self._root)
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            found[start : start + _ROWS_AT_ONCE] = self._rows[numbers[start : start + _ROWS_AT_ONCE]]
        return found


def new_rows(count: int, dimensions: int, root: Path | None) -> Vectors:
    """(count, dimensions) float32 of any values, in memory or, where they are many, in a file below `root`."""
    size = 4 * count * dimensions
    if root is None or size <= BYTES_IN_MEMORY:
        return np.empty((count, dimensions), np.float32)
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as file:  # the map keeps it
            os.posix_fallocate(file.fileno(), 0, size)  # a volume that is full is an error here, and a signal later
            mapped: Vectors = np.memmap(file, np.float32, "r+", shape=(count, dimensions)).view(np.ndarray)
            return mapped
