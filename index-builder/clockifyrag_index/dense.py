"""Dense leg: vector → nearest rows, by inner product over unit-length rows in a memory-mapped FAISS file."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np

from .arrays import Rows, Scores
from .disk import storage_errors
from .embedders import Vectors
from .errors import BadVectors, GenerationDamaged, GenerationMissing, UsageError
from .files import synced_file
from .manifest import IndexParameters

ALLOWED = {b"IxFI", b"IxSQ", b"IHNf", b"IHNs"}  # fourcc: Flat, scalar quantizer, HNSW over each of them
UNIT_TOLERANCE = 1e-3
_HEADER = struct.Struct("<4siqqqBi")  # fourcc, d, ntotal, two unused, is_trained, metric (faiss write_index_header)


class DenseIndex:
    """The vectors of one generation by row; several threads may search."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index
        self.size: int = index.ntotal
        self.dimensions: int = index.d

    @classmethod
    def open(cls, path: Path, rows: int, dimensions: int) -> "DenseIndex":
        """Maps the file (milliseconds at any size). GenerationDamaged unless it is an allowed index of that shape.

        FAISS readers have crashed on crafted files, so the header is checked before FAISS sees the file, and callers
        have compared the digest before that.
        """
        with storage_errors(path):
            if not path.exists():
                raise GenerationMissing(f"{path}: no such file")
            _check_header(path, rows, dimensions)
            try:
                return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
            except RuntimeError as error:
                raise GenerationDamaged(f"{path}: FAISS cannot read it ({error}). Rebuild.") from error

    def search(self, vector: Vectors, k: int, rows: range | None = None) -> tuple[Rows, Scores]:
        """The k rows of highest inner product, best first, equal scores by row ascending: (m,) int64, (m,) float32.

        m is k, or all rows of `rows` where they are fewer; a range costs time for its own rows only. The first k of a
        longer answer are the answer for k. FAISS itself neither sorts equal scores nor promises which of them it keeps
        at the end of the list, so more is fetched as long as the k-th score might continue behind the end, then sorted
        by (−score, row). A row's score has the same bits for every k and range.
        """
        self._check_question(vector)
        first, last = (rows.start, rows.stop) if rows is not None else (0, self.size)
        total = max(0, min(last, self.size) - max(first, 0))
        k = min(k, total)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        options = None if rows is None else _only(first, last)
        question = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        fetched = min(k + 1, total)
        while True:
            scores, found = self._index.search(question, fetched, params=options)
            if fetched == total or scores[0, -1] < scores[0, k - 1]:
                break
            fetched = min(2 * fetched, total)
        order = np.lexsort((found[0], -scores[0]))[:k]
        return found[0][order], scores[0][order]

    def vector(self, row: int) -> Vectors:
        """(dimensions,) float32: a copy of that row. IndexError outside 0 ≤ row < size."""
        if not 0 <= row < self.size:
            raise IndexError(f"row {row}, expected 0 to {self.size - 1}")
        row_vector: Vectors = self._index.reconstruct(row)
        return row_vector

    def vectors_of(self, rows: Rows) -> Vectors:
        """(len(rows), dimensions) float32: copies of those rows, which must be in range."""
        gathered: Vectors = self._index.reconstruct_batch(rows)
        return gathered

    def vectors(self) -> Vectors:
        """(size, dimensions) float32: all rows of a Flat index as a view into the map, valid while this index lives."""
        assert isinstance(self._index, faiss.IndexFlat), "only a Flat index holds the rows as they were"
        view: Vectors = faiss.rev_swig_ptr(self._index.get_xb(), self.size * self.dimensions)
        return view.reshape(self.size, self.dimensions)

    def _check_question(self, vector: Vectors) -> None:
        if vector.shape != (self.dimensions,) or not np.isfinite(vector).all():
            raise BadVectors(f"a question of shape {vector.shape}, expected ({self.dimensions},) finite numbers")


def build_index(vectors: Vectors, parameters: IndexParameters) -> faiss.Index:
    """The FAISS index of those parameters over (n, d) float32 rows of length 1; deterministic.

    UsageError for a type this version does not build, BadVectors for a row that is not finite and of length 1.
    """
    build = _BUILDERS.get((parameters.type, parameters.storage))
    if build is None:
        known = ", ".join(" ".join(name) for name in _BUILDERS)
        raise UsageError(
            f"index {parameters.type} {parameters.storage}: this version builds {known}. Choose one of them."
        )
    check_unit_rows(vectors)
    return build(vectors, parameters)


def write_index(index: faiss.Index, path: Path) -> None:
    """Writes and syncs index.bin. OSError as the disk gave it: FAISS's own writer would hide it in a RuntimeError."""
    with synced_file(path) as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(_all_of(file)))  # type: ignore[attr-defined]


def check_unit_rows(vectors: Vectors) -> None:
    """BadVectors names the first row that is not float32, finite and of length 1 ± 0.001."""
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise BadVectors(f"vectors are {vectors.dtype} {vectors.shape}, expected float32 (n, dimensions)")
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))  # NaN fails every comparison
    if len(wrong):
        row = int(wrong[0])
        raise BadVectors(
            f"vector row {row} has length {lengths[row]}, expected 1: {len(wrong)} such rows. Embed again."
        )


def _flat(vectors: Vectors, _: IndexParameters) -> faiss.Index:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    return index


# One function a type; HNSW and the smaller storages take their places here.
_BUILDERS: dict[tuple[str, str], Callable[[Vectors, IndexParameters], faiss.Index]] = {("Flat", "Float32"): _flat}


def _only(first: int, last: int) -> faiss.SearchParameters:
    return faiss.SearchParameters(sel=faiss.IDSelectorRange(first, last))  # type: ignore[call-arg]  # stub lacks it


def _all_of(file: BinaryIO) -> Callable[[bytes], int]:
    def write(data: bytes) -> int:
        file.write(data)
        return len(data)

    return write


def _check_header(path: Path, rows: int, dimensions: int) -> None:
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if header[:4] not in ALLOWED:
        allowed = ", ".join(sorted(name.decode() for name in ALLOWED))
        raise GenerationDamaged(f"{path}: begins with {header[:4]!r}, expected one of {allowed}. Rebuild.")
    if len(header) < _HEADER.size:
        raise GenerationDamaged(f"{path}: {len(header)} bytes, shorter than a FAISS header. Rebuild.")
    _, d, ntotal, _, _, _, metric = _HEADER.unpack(header)
    if (ntotal, d, metric) != (rows, dimensions, faiss.METRIC_INNER_PRODUCT):
        raise GenerationDamaged(
            f"{path}: {ntotal} rows of {d} dimensions, metric {metric}; expected {rows} of {dimensions}, metric "
            f"{faiss.METRIC_INNER_PRODUCT} (inner product). Rebuild."
        )
