"""VectorTable: rows of vectors that grow; beyond 64 MiB they lie in a mapped file without a name.

A million vectors of 768 dimensions are three gigabytes, and as much again to put them in order. Of a mapped file the
kernel writes back and takes away what nobody reads, where memory is short.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from clockifyrag_index.disk import storage_errors
from clockifyrag_index.embedders import Vectors

BYTES_IN_MEMORY = 64 << 20
ROWS_AT_FIRST = 1024
_ROWS_AT_ONCE = 8192


def bytes_of_copy(count: int, dimensions: int) -> int:
    """What so many rows take on the volume while they are put in order; 0 where that is done in memory."""
    size = 4 * count * dimensions
    return size if size > BYTES_IN_MEMORY else 0


class VectorTable:
    """(n, dimensions) float32 rows by number."""

    def __init__(self, dimensions: int, root: Path | None) -> None:
        """root: on whose volume the file lies; None: everything in memory."""
        self._dimensions = dimensions
        self._root = root
        self._file: BinaryIO | None = None
        self._rows = np.empty((ROWS_AT_FIRST, dimensions), np.float32)

    def put(self, numbers: Sequence[int], rows: Vectors, count: int) -> None:
        """Sets the rows of these numbers; count: of all numbers given so far. NoSpace where the volume is full."""
        if count > len(self._rows):
            self._grow(count)
        self._rows[list(numbers)] = rows

    def taken(self, numbers: npt.NDArray[np.int64]) -> Vectors:
        """The rows of these numbers, in their order; the table is empty from here on."""
        rows, self._rows = self._rows, np.empty((0, self._dimensions), np.float32)
        self.close()  # the map keeps what is in the file
        if np.array_equal(numbers, np.arange(len(numbers))):
            return rows[: len(numbers)]
        if self._root is None or not bytes_of_copy(len(numbers), self._dimensions):
            return rows[numbers]
        with _nameless(self._root) as file:
            ordered = _mapped(file, len(numbers), self._dimensions, self._root)
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            ordered[start : start + _ROWS_AT_ONCE] = rows[numbers[start : start + _ROWS_AT_ONCE]]
        return ordered

    def close(self) -> None:
        """Closes the file; what was taken stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _grow(self, count: int) -> None:
        """To twice as many rows in memory; by BYTES_IN_MEMORY in a file, which is only mapped anew."""
        room, before = max(count, 2 * len(self._rows)), self._rows
        if self._root is None or not bytes_of_copy(room, self._dimensions):
            self._rows = np.empty((room, self._dimensions), np.float32)
            self._rows[: len(before)] = before
            return
        is_new = self._file is None
        self._file = self._file or _nameless(self._root)
        room = count + BYTES_IN_MEMORY // (4 * self._dimensions)
        self._rows = _mapped(self._file, room, self._dimensions, self._root)
        if is_new:
            self._rows[: len(before)] = before


def _nameless(root: Path) -> BinaryIO:
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        file: BinaryIO = tempfile.TemporaryFile(dir=root)  # noqa: SIM115  closed by who asks for it
        return file


def _mapped(file: BinaryIO, count: int, dimensions: int, root: Path) -> Vectors:
    """(count, dimensions) float32 over the file, which is made as large; what it holds stays."""
    with storage_errors(root):
        os.posix_fallocate(file.fileno(), 0, 4 * count * dimensions)  # a full volume is an error here, a signal later
        mapped: Vectors = np.memmap(file, np.float32, "r+", shape=(count, dimensions)).view(np.ndarray)
        return mapped
