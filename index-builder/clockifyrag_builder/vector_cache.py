"""VectorCache: vectors already made, found by content, so that an unchanged text is never embedded twice.

ROOT/cache/<embedder8>/<writer>.seg     see `segments`

Each writer appends to a file of its own, so nothing is locked; a kill leaves at most a torn record at the end. The
cache never decides what is right: a record counts only if its checksum holds and its vector has length 1, and whatever
is missing is embedded again.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from clockifyrag_builder.segments import Segment, SegmentWriter, open_segment
from clockifyrag_index.disk import storage_errors
from clockifyrag_index.embedders import EmbedderIdentity, Vectors
from clockifyrag_index.identity import canonical_json
from clockifyrag_index.layout import Layout

SIZE_BYTES_MAX = 8 * 1024**3  # of all segments below a root: five million vectors of 384 dimensions


class VectorCache:
    """The cache of one embedder below an index root; holds 16 bytes for each stored vector, the rest stays in files."""

    def __init__(self, root: Path, identity: EmbedderIdentity, size_bytes_max: int = SIZE_BYTES_MAX) -> None:
        """Opens what is there; the first `append` makes a file. Segments beyond the size go when the cache closes.

        StorageError when the folder cannot be looked at.
        """
        self._dimensions = identity.dimensions
        self._seed = _seed(identity)
        layout = Layout(root)
        self._caches, self._folder = layout.caches, layout.cache(self._seed.hexdigest()[:8])
        self._size_bytes_max = size_bytes_max
        self._writer: SegmentWriter | None = None
        self._used: set[Path] = set()
        with storage_errors(root):
            self._segments = _segments(self._folder, identity.dimensions)
        self._prefixes, self._places = _index(self._segments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Records stored when the cache was opened, damaged ones and repetitions included."""
        return len(self._prefixes)

    def key(self, text: str) -> bytes:
        """32 bytes of sha256 over all that decides a document's vector: embedder, role, dimensions, prefix, text."""
        digest = self._seed.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def vector(self, key: bytes) -> Vectors | None:
        """The (dimensions,) float32 vector of length 1 stored under the key, or None."""
        if not len(self._prefixes):  # numpy would hand the interpreter to another thread, for milliseconds
            return None
        prefix = np.frombuffer(key, "<u8", 1)[0]
        first, last = np.searchsorted(self._prefixes, prefix, "left"), np.searchsorted(self._prefixes, prefix, "right")
        for number, row in self._places[first:last].tolist():
            segment = self._segments[number]
            vector: Vectors | None = segment.vector(row, key)
            if vector is not None:
                self._used.add(segment.path)
                return vector
        return None

    def missing(self, texts: Iterable[str]) -> int:
        """How many distinct texts have no vector here."""
        keys = {self.key(text) for text in texts}
        return sum(self.vector(key) is None for key in keys)

    def append(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Stores (len(keys), dimensions) rows; they survive the death of this process from here on, and are found when
        the cache is opened the next time. NoSpace or StorageError when they cannot be written.
        """
        if self._writer is None:
            self._writer = SegmentWriter(self._folder / f"{_writer_name()}.seg", self._dimensions)
        self._writer.append(keys, vectors)

    def forget(self) -> None:
        """Removes what was appended here: it was made by another embedder than the one whose cache this is."""
        if self._writer is not None:
            self._writer.close()
            with storage_errors(self._caches):
                self._writer.path.unlink(missing_ok=True)
            self._writer = None

    def close(self) -> None:
        """Ends the file; segments used least recently are removed while all together are above the size allowed."""
        if self._writer is not None:
            self._writer.close()
            self._used.add(self._writer.path)
        for path in self._used:
            with suppress(OSError):  # another builder removed it meanwhile, or it is another user's
                os.utime(path)
        self._segments.clear()
        remove_least_recent(self._caches, self._size_bytes_max, keep=self._writer.path if self._writer else None)
        self._writer = None


def remove_least_recent(cache: Path, size_bytes_max: int, keep: Path | None = None) -> list[Path]:
    """Removes segments of all embedders, the least recently used first, until the rest fits; returns those removed.

    The time of use is the file's change time, which `VectorCache.close` renews for each segment that was of use. What
    may not be removed stays: its owner's next build removes it.
    """
    found = sorted((state.st_mtime_ns, state.st_size, path) for path, state in _states(cache.glob("*/*.seg")))
    size, removed = sum(size for _, size, _ in found), []
    for _, size_bytes, path in found:
        if size <= size_bytes_max:
            break
        if path != keep:
            with suppress(OSError):  # another user's
                path.unlink(missing_ok=True)
                size -= size_bytes
                removed.append(path)
    return removed


def _states(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """Each file and its state; those that another builder removed meanwhile, or may not be looked at, are left out."""
    for path in paths:
        with suppress(OSError):
            yield path, path.stat()


def _seed(identity: EmbedderIdentity) -> "hashlib._Hash":
    """The sha256 state over the embedder: a text's key goes on from here. The context length decides no vector."""
    record = {
        "model": identity.model,
        "digest": identity.digest,
        "dimensions": identity.dimensions,
        "role": "document",
        "prefix": identity.document_prefix,
    }
    return hashlib.sha256(canonical_json(record) + b"\n")


def _segments(folder: Path, dimensions: int) -> list[Segment]:
    """The readable segments, the newest first, so that of equal keys the newest record is found."""
    paths = sorted(folder.glob("*.seg"), reverse=True)
    return [segment for path in paths if (segment := open_segment(path, dimensions)) is not None]


def _index(segments: Sequence[Segment]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """First 8 bytes of each key, sorted, (n,), and where the record is: (n, 2) of segment and row."""
    prefixes = [segment.keys()[:, 0] for segment in segments]
    places = [
        np.column_stack([np.full(len(one), number, np.int32), np.arange(len(one), dtype=np.int32)])
        for number, one in enumerate(prefixes)
    ]
    if not prefixes:
        return np.empty(0, np.uint64), np.empty((0, 2), np.int32)
    together = np.concatenate(prefixes)
    order = np.argsort(together, kind="stable")
    return together[order], np.concatenate(places)[order]


def _writer_name() -> str:
    """A name that sorts by time and that no other writer has: `20260101T120000-000000-4711-9f86d081`."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S-%f}-{os.getpid()}-{secrets.token_hex(4)}"
