"""index.bin: building, writing and mapping FAISS indexes of each type and storage.

| type | storage          | FAISS class                       | begins with |
|------|------------------|-----------------------------------|-------------|
| Flat | Float32          | IndexFlatIP                       | IxFI        |
| Flat | Float16, SQ8     | IndexScalarQuantizer (fp16, 8bit) | IxSQ        |
| HNSW | Float32          | IndexHNSWFlat                     | IHNf        |
| HNSW | Float16, SQ8     | IndexHNSWSQ (fp16, 8bit)          | IHNs        |

HNSW: Malkov and Yashunin, arXiv:1603.09320. FAISS draws the levels from a fixed seed, so with one thread the same rows
give the same graph.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np

from .disk import storage_errors
from .embedders import Vectors
from .errors import BadVectors, GenerationDamaged, GenerationMissing, UsageError
from .files import synced_file
from .manifest import INDEX_TYPES, VECTOR_STORAGES, IndexParameters

UNIT_TOLERANCE = 1e-3
_BEGINS = {
    ("Flat", "Float32"): b"IxFI", ("Flat", "Float16"): b"IxSQ", ("Flat", "SQ8"): b"IxSQ",
    ("HNSW", "Float32"): b"IHNf", ("HNSW", "Float16"): b"IHNs", ("HNSW", "SQ8"): b"IHNs",
}  # fmt: skip
_QUANTIZERS = {"Float16": faiss.ScalarQuantizer.QT_fp16, "SQ8": faiss.ScalarQuantizer.QT_8bit}
_HEADER = struct.Struct("<4siqqqBi")  # fourcc, d, ntotal, two unused, is_trained, metric (faiss write_index_header)
_ROWS_CHECKED_AT_ONCE = 65536


def build_index(vectors: Vectors, parameters: IndexParameters) -> faiss.Index:
    """The FAISS index of those parameters over (n, d) float32 rows; the same bytes for the same rows.

    UsageError for parameters that no index has.
    """
    if (parameters.type, parameters.storage) not in _BEGINS:
        raise UsageError(
            f"index {parameters.type} {parameters.storage}: expected a type of {', '.join(INDEX_TYPES)} and a storage "
            f"of {', '.join(VECTOR_STORAGES)}."
        )
    index = _empty(vectors.shape[1], parameters)
    with one_thread():
        if not index.is_trained:
            index.train(vectors)
        index.add(np.ascontiguousarray(vectors))
    return index


def write_index(index: faiss.Index, path: Path) -> None:
    """Writes and syncs the file. OSError as the disk gave it: FAISS's own writer would hide it in a RuntimeError."""
    with synced_file(path) as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(_all_of(file)))  # type: ignore[attr-defined]


def mapped_index(path: Path, rows: int, dimensions: int, parameters: IndexParameters) -> faiss.Index:
    """The index of the mapped file. GenerationDamaged unless it is one of those parameters and that shape.

    FAISS readers have crashed on crafted files, so the header is checked before FAISS sees the file, and callers have
    compared the digest before that.
    """
    with storage_errors(path):
        if not path.exists():
            raise GenerationMissing(f"{path}: no such file")
        _check_header(path, rows, dimensions, parameters)
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise GenerationDamaged(f"{path}: FAISS cannot read it ({error}). Rebuild.") from error
    if (found := _kind(index)) != (expected := _kind(_empty(dimensions, parameters))):
        raise GenerationDamaged(f"{path}: holds {found}, expected {expected}. Rebuild.")
    return index


def check_unit_rows(vectors: Vectors) -> None:
    """BadVectors names the first row that is not float32, finite and of length 1 ± 0.001."""
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise BadVectors(f"vectors are {vectors.dtype} {vectors.shape}, expected float32 (n, dimensions)")
    lengths = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _ROWS_CHECKED_AT_ONCE):
        block = vectors[start : start + _ROWS_CHECKED_AT_ONCE]
        lengths[start : start + len(block)] = np.sqrt(np.einsum("ij,ij->i", block, block))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))  # NaN fails every comparison
    if len(wrong):
        row = int(wrong[0])
        raise BadVectors(
            f"vector row {row} has length {lengths[row]}, expected 1: {len(wrong)} such rows. Embed again."
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it FAISS uses one thread of OpenMP for what this thread calls."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _empty(dimensions: int, parameters: IndexParameters) -> faiss.Index:
    """An index without rows."""
    metric, quantizer = faiss.METRIC_INNER_PRODUCT, _QUANTIZERS.get(parameters.storage)
    if parameters.type == "Flat":
        if quantizer is None:
            return faiss.IndexFlatIP(dimensions)
        return faiss.IndexScalarQuantizer(dimensions, quantizer, metric)
    m, ef_construction = parameters.hnsw_m, parameters.hnsw_ef_construction
    assert m is not None and ef_construction is not None, "HNSW without its parameters"
    index = (
        faiss.IndexHNSWFlat(dimensions, m, metric)
        if quantizer is None
        else faiss.IndexHNSWSQ(dimensions, quantizer, m, metric)  # type: ignore[arg-type]  # the stub is wrong
    )
    index.hnsw.efConstruction = ef_construction
    return index


def _kind(index: Any) -> str:
    """What the index is made of: "HNSW m 32, scalar quantizer 0, metric 0"."""
    graph: list[str] = []
    storage: Any = index
    if hasattr(index, "hnsw"):
        graph, storage = [f"HNSW m {index.hnsw.nb_neighbors(1)}"], faiss.downcast_index(index.storage)
    codes = f"scalar quantizer {storage.sq.qtype}" if isinstance(storage, faiss.IndexScalarQuantizer) else "float32"
    return ", ".join([*graph, codes, f"metric {storage.metric_type}"])


def _all_of(file: BinaryIO) -> Callable[[bytes], int]:
    def write(data: bytes) -> int:
        file.write(data)
        return len(data)

    return write


def _check_header(path: Path, rows: int, dimensions: int, parameters: IndexParameters) -> None:
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    expected = _BEGINS[parameters.type, parameters.storage]
    if header[:4] != expected:
        raise GenerationDamaged(
            f"{path}: begins with {header[:4]!r}, expected {expected.decode()} of {parameters.type} "
            f"{parameters.storage}. Rebuild."
        )
    if len(header) < _HEADER.size:
        raise GenerationDamaged(f"{path}: {len(header)} bytes, shorter than a FAISS header. Rebuild.")
    _, d, ntotal, _, _, _, metric = _HEADER.unpack(header)
    if (ntotal, d, metric) != (rows, dimensions, faiss.METRIC_INNER_PRODUCT):
        raise GenerationDamaged(
            f"{path}: {ntotal} rows of {d} dimensions, metric {metric}; expected {rows} of {dimensions}, metric "
            f"{faiss.METRIC_INNER_PRODUCT} (inner product). Rebuild."
        )
