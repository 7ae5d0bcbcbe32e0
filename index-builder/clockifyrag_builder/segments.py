"""Segments: files of vectors by key, written by appending, read through a map.

header   8 bytes magic, uint32 dimensions, uint32 zero
record   32 bytes key, float32[dimensions], uint32 crc32 of key and vector; all little-endian
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from clockifyrag_index.disk import is_full
from clockifyrag_index.embedders import Vectors
from clockifyrag_index.errors import NoSpace, StorageError

KEY_BYTES = 32
_MAGIC = b"CRAGVEC1"
_HEADER = struct.Struct("<8sII")
_LENGTH_ERROR_MAX = 1e-3  # of a vector of length 1; float32 sums are a thousand times closer

Records = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Segment:
    """A mapped file of whole records; which of them are sound is known only when one is read."""

    path: Path
    records: Records  # (n,) of fields key, vector, crc

    def keys(self) -> npt.NDArray[np.uint64]:
        """(n, 4) uint64: the keys as numbers, copied out of the map."""
        return np.ascontiguousarray(self.records["key"]).view("<u8").reshape(-1, KEY_BYTES // 8)

    def vector(self, row: int, key: bytes) -> Vectors | None:
        """The (dimensions,) float32 vector of the record, or None when it is not the key's or is damaged."""
        record = self.records[row]
        stored = record["key"].tobytes()
        vector: Vectors = record["vector"]
        if stored != key or int(record["crc"]) != zlib.crc32(vector.tobytes(), zlib.crc32(stored)):
            return None
        if abs(float(vector @ vector) - 1) > _LENGTH_ERROR_MAX:
            return None
        return vector


def segment_bytes(count: int, dimensions: int) -> int:
    """What so many vectors take in a file."""
    return _HEADER.size + count * record_type(dimensions).itemsize if count else 0


def record_type(dimensions: int) -> np.dtype[np.void]:
    """The numpy type of one record, as drawn above."""
    return np.dtype([("key", "u1", (KEY_BYTES,)), ("vector", "<f4", (dimensions,)), ("crc", "<u4")])


def open_segment(path: Path, dimensions: int) -> Segment | None:
    """The segment of a file, a torn record at its end left out; None when it is not a segment of these dimensions, or
    cannot be read: its vectors are made again.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            size = file.seek(0, 2)
        if len(header) < _HEADER.size or _HEADER.unpack(header)[:2] != (_MAGIC, dimensions):
            return None
        kind = record_type(dimensions)
        count = (size - _HEADER.size) // kind.itemsize
        if not count:
            return None
        return Segment(path, np.memmap(path, kind, "r", _HEADER.size, (count,)).view(np.ndarray))
    except OSError:  # another builder removed it between listing and opening, or it is another user's
        return None


class SegmentWriter:
    """A new segment; what `append` returned from is with the system and survives the death of this process."""

    def __init__(self, path: Path, dimensions: int) -> None:
        """Creates the file and its folder. NoSpace or StorageError when that fails."""
        self.path = path
        self._kind = record_type(dimensions)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = path.open("xb", buffering=0)
            self._write(_HEADER.pack(_MAGIC, dimensions, 0))
        except OSError as error:
            raise _storage_error(path, error) from error

    def append(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Appends one record a key. NoSpace or StorageError when it fails: then the file ends where it did before."""
        records = np.empty(len(keys), self._kind)
        records["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), KEY_BYTES)
        records["vector"] = vectors
        records["crc"] = [zlib.crc32(row.tobytes(), zlib.crc32(key)) for key, row in zip(keys, vectors, strict=True)]
        end = self._file.tell()
        try:
            self._write(records.tobytes())
        except OSError as error:
            self._file.truncate(end)
            self._file.seek(end)
            raise _storage_error(self.path, error) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, data: bytes) -> None:
        """Writes all of it: a raw file may take less than it is given, when the disk is nearly full."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]


def _storage_error(path: Path, error: OSError) -> StorageError:
    if is_full(error):
        return NoSpace(f"no space left for {path}; free some, or enlarge the volume")
    return StorageError(f"{path} cannot be written ({error.strerror or error}); check the folder's owner and rights")
