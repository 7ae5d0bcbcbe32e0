"""Rows of vectors as they were embedded, and inner products with them: the exact half of the dense leg.

A product has the same bits whichever rows it is computed with, and those of FAISS's flat search: both go row by row
through `fvec_inner_product`, while a matrix product's bits depend on how many rows there are.
"""

from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np

from .arrays import Rows, Scores
from .disk import storage_errors
from .embedders import Vectors
from .errors import GenerationDamaged, GenerationMissing
from .random_access_file import RandomAccessFile

_ROWS_AT_ONCE = 4096  # 4 MiB of 256 dimensions: read into memory that the next block uses again


def inner_products(vectors: Vectors, question: Vectors, rows: Rows | None = None) -> Scores:
    """(n,) float32: the question's product with each row of `vectors`, (m, d) float32, or with those of `rows`.

    rows: int64, in range.
    """
    ids = np.arange(len(vectors), dtype=np.int64) if rows is None else np.ascontiguousarray(rows, dtype=np.int64)
    products = np.empty(len(ids), dtype=np.float32)
    if len(ids):
        faiss.fvec_inner_products_by_idx(  # type: ignore[attr-defined]  # stub lacks it
            faiss.swig_ptr(products), faiss.swig_ptr(question), faiss.swig_ptr(vectors), faiss.swig_ptr(ids),
            vectors.shape[1], 1, len(ids),
        )  # fmt: skip
    return products


def best(rows: Rows, scores: Scores, k: int) -> tuple[Rows, Scores]:
    """The k rows of highest score, best first, equal scores by row ascending."""
    if len(rows) > k:
        likely = scores >= -np.partition(-scores, k - 1)[k - 1]
        rows, scores = rows[likely], scores[likely]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


class VectorRows:
    """The rows of a .npy file of float32, read when they are asked for; several threads may ask."""

    def __init__(self, path: Path, rows: int, dimensions: int) -> None:
        """GenerationMissing without the file, GenerationDamaged when it holds anything but (rows, dimensions)."""
        self.path = path
        self.shape = (rows, dimensions)
        with storage_errors(path):
            if not path.exists():
                raise GenerationMissing(f"{path}: no such file")
            self._begin = _data_offset(path, self.shape)
            self._file = RandomAccessFile(path)

    def of(self, rows: Rows) -> Vectors:
        """(len(rows), dimensions) float32: those rows, which must be in range; neighbours are read together."""
        found = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for first, last in zip([0, *breaks.tolist()], [*breaks.tolist(), len(rows)], strict=True):
            if first < last:
                self._read(found[first:last], int(rows[first]))
        return found

    def scores(self, question: Vectors, rows: Rows) -> Scores:
        """(len(rows),) float32: the question's inner product with each of those rows."""
        return np.concatenate(
            [
                np.empty(0, np.float32),
                *(
                    inner_products(self.of(rows[start : start + _ROWS_AT_ONCE]), question)
                    for start in range(0, len(rows), _ROWS_AT_ONCE)
                ),
            ]
        )

    def blocks(self) -> Iterator[tuple[int, Vectors]]:
        """All rows in order, a block at a time, each with the number of its first row."""
        for start in range(0, self.shape[0], _ROWS_AT_ONCE):
            block = np.empty((min(_ROWS_AT_ONCE, self.shape[0] - start), self.shape[1]), dtype=np.float32)
            self._read(block, start)
            yield start, block

    def mapped(self) -> Vectors:
        """(rows, dimensions) float32 over the mapped file, for who walks through all of it."""
        vectors: Vectors = np.load(self.path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
        return vectors

    def _read(self, into: Vectors, row: int) -> None:
        self._file.read_into(into.data, self._begin + row * self.shape[1] * 4)


def _data_offset(path: Path, shape: tuple[int, int]) -> int:
    """Where the rows begin. GenerationDamaged for an array of another kind or shape."""
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else (None, True, None)
        except ValueError as error:
            raise GenerationDamaged(f"{path}: {error}. Rebuild.") from error
        begin = file.tell()
    size = begin + shape[0] * shape[1] * 4
    if header != (shape, False, np.dtype("<f4")) or path.stat().st_size != size:
        raise GenerationDamaged(
            f"{path}: {path.stat().st_size:,} bytes of {header[2]} {header[0]}, expected float32 {shape}. Rebuild."
        )
    return begin
