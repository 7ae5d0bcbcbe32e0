"""ChunkStore: the records of a generation, one JSON line a row, read one at a time.

chunks.jsonl          canonical JSON lines in row order, (namespace, document id, position) ascending
chunks.offsets.npy    uint64 (n + 1,): line i is bytes offsets[i]:offsets[i + 1] - 1, the last one without its newline
"""

import hashlib
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from .chunk import Chunk, chunk_from_line, chunk_line
from .disk import storage_errors
from .errors import GenerationDamaged, GenerationMissing
from .files import synced_file
from .layout import CHUNKS, OFFSETS
from .manifest import NamespaceRows
from .random_access_file import RandomAccessFile

# In canonical JSON a quote inside a text is escaped, so these bytes stand before a chunk's own id and nowhere else.
_CHUNK_ID = re.compile(rb'"chunk_id":"([^"]*)"')


@dataclass(frozen=True, slots=True)
class WrittenChunks:
    """What `write_chunks` learned while the records passed by."""

    digest: str  # sha256: of chunks.jsonl
    chunks: int
    document_starts: npt.NDArray[np.uint32]  # (documents + 1,): first row of each document, then the number of rows
    namespaces: tuple[NamespaceRows, ...]

    @property
    def documents(self) -> int:
        """How many documents the records belong to."""
        return len(self.document_starts) - 1


@dataclass(frozen=True, slots=True)
class Outline:
    """A section as suggestions and tables of contents show it."""

    namespace: str
    document_id: str
    title: str
    headings: tuple[str, ...]
    category: str
    url: str


def chunks_digest(chunks: Iterable[Chunk]) -> str:
    """The digest `write_chunks` would give, without writing: what `inputs_digest` asks for."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk_line(chunk) + b"\n")
    return "sha256:" + digest.hexdigest()


def write_chunks(directory: Path, chunks: Iterable[Chunk]) -> WrittenChunks:
    """Writes both files, synced, while iterating once, so that memory stays small.

    GenerationDamaged names a row out of order.
    """
    digest, offsets, starts, documents = hashlib.sha256(), array("Q", [0]), [], array("I")
    before: Chunk | None = None
    with synced_file(directory / CHUNKS) as file:
        for row, chunk in enumerate(chunks):
            _check_order(before, chunk, row)
            if before is None or _document(before) != _document(chunk):
                documents.append(row)
            if before is None or before.namespace != chunk.namespace:
                starts.append((chunk.namespace, row))
            line = chunk_line(chunk) + b"\n"
            file.write(line)
            digest.update(line)
            offsets.append(offsets[-1] + len(line))
            before = chunk
    with synced_file(directory / OFFSETS) as file:
        np.lib.format.write_array(file, np.array(offsets, dtype="<u8"), allow_pickle=False)
    stops = [start for _, start in starts[1:]] + [len(offsets) - 1]
    namespaces = tuple(NamespaceRows(name, start, stop) for (name, start), stop in zip(starts, stops, strict=False))
    documents.append(len(offsets) - 1)
    return WrittenChunks(
        "sha256:" + digest.hexdigest(), len(offsets) - 1, np.array(documents, dtype=np.uint32), namespaces
    )


class ChunkStore:
    """The chunks of one generation by row; several threads may read. Holds no chunk in memory."""

    def __init__(self, directory: Path, namespaces: tuple[NamespaceRows, ...]) -> None:
        """Maps the offsets and opens the lines. GenerationDamaged when they do not fit each other or the namespaces."""
        with storage_errors(directory):
            self._offsets: npt.NDArray[np.uint64] = _mapped_offsets(directory / OFFSETS)
            self._lines = _opened_lines(directory / CHUNKS)
        self._rows = {one.name: range(one.start, one.stop) for one in namespaces}
        rows = max((one.stop for one in namespaces), default=0)
        if len(self._offsets) != rows + 1 or int(self._offsets[-1]) != self._lines.size:
            raise GenerationDamaged(
                f"{directory}: {len(self._offsets) - 1} chunk offsets up to byte {int(self._offsets[-1]):,}, expected "
                f"{rows} up to {self._lines.size:,}. Rebuild."
            )

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> Chunk:
        """The chunk of that row, read anew each time. IndexError outside 0 ≤ row < len."""
        return chunk_from_line(self.line(row))

    def __iter__(self) -> Iterator[Chunk]:
        """All chunks in row order, one at a time."""
        return (self[row] for row in range(len(self)))

    def line(self, row: int) -> bytes:
        """The JSON of that row as it was written, without the newline."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row}, expected 0 to {len(self) - 1}")
        begin, end = self._offsets[row : row + 2].tolist()
        return self._lines.read(begin, end - 1 - begin)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Names, in row order, which is sorted order."""
        return tuple(self._rows)

    def namespace_rows(self, namespace: str) -> range:
        """The rows of that namespace. KeyError for an unknown one."""
        return self._rows[namespace]

    def row_of(self, chunk_id: str) -> int | None:
        """The row of the chunk with that id, the first one where namespaces share it; None when there is none.

        The first call reads all records once (0.3 s for a million) and keeps about 24 bytes a chunk; each call is a
        binary search of a few µs.
        """
        ids, rows = self._ids
        wanted = np.bytes_(chunk_id.encode())
        place = int(np.searchsorted(ids, wanted))
        return int(rows[place]) if place < len(ids) and ids[place] == wanted else None

    def first_row(self, document_id: str) -> int | None:
        """The first row of the document, in the first namespace that holds one of that id; None when there is none.

        Rows are ordered by namespace and document id, so it is found by bisection: one record read a step.
        """
        for rows in self._rows.values():
            at = bisect_left(rows, document_id, key=lambda row: self[row].document_id)
            if at < len(rows) and self[rows[at]].document_id == document_id:
                return rows[at]
        return None

    def outlines(self) -> Iterator[Outline]:
        """Each section once, in row order: a section that fills several chunks is not repeated."""
        before: Outline | None = None
        for row in range(len(self)):
            record = orjson.loads(self.line(row))  # a whole chunk would be made for five of its fields
            section = Outline(
                record["namespace"], record["document_id"], record["title"], tuple(record["headings"]),
                record["category"], record["url"],
            )  # fmt: skip
            if section != before:
                yield section
            before = section

    def close(self) -> None:
        """Closes the file of the lines; a later read raises ValueError."""
        self._lines.close()

    @cached_property
    def _ids(self) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.int64]]:
        """All chunk ids sorted, and the row of each."""
        with self._lines.mapped() as lines:
            ids = np.array([match[1] for match in _CHUNK_ID.finditer(lines)], dtype=np.bytes_)
        assert len(ids) == len(self), "a chunk line without an id, or with two"
        rows = np.argsort(ids, kind="stable")  # equal ids stay in row order
        return ids[rows], rows.astype(np.int64)


def chunks_of_lines(path: Path) -> Iterator[Chunk]:
    """The chunks of a chunks.jsonl of foreign origin. GenerationDamaged names the line that is no chunk."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield _with_its_types(chunk_from_line(line))
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise GenerationDamaged(f"{path.name}:{number}: no chunk ({error!r}). Export it again.") from error


def _with_its_types(chunk: Chunk) -> Chunk:
    """The chunk itself. TypeError when a field is of another type than the builder gives it."""
    texts = (
        chunk.chunk_id, chunk.document_id, chunk.namespace, chunk.title, *chunk.headings, chunk.content, chunk.url,
        chunk.category, *chunk.also_at,
    )  # fmt: skip
    others = (chunk.parent, chunk.previous, chunk.next)
    if (
        type(chunk.position) is not int
        or not all(isinstance(text, str) for text in texts)
        or not all(isinstance(other, str | None) for other in others)
    ):
        raise TypeError("a field of another type")
    return chunk


def _opened_lines(path: Path) -> RandomAccessFile:
    lines = RandomAccessFile(path)
    if not lines.size:
        raise GenerationDamaged(f"{path}: empty, expected at least one chunk. Rebuild.")
    return lines


def _mapped_offsets(path: Path) -> npt.NDArray[np.uint64]:
    if not path.exists():
        raise GenerationMissing(f"{path}: no such file")
    try:
        offsets: npt.NDArray[np.uint64] = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except ValueError as error:
        raise GenerationDamaged(f"{path}: {error}. Rebuild.") from error
    if offsets.ndim != 1 or offsets.dtype != np.dtype("<u8") or len(offsets) < 1:
        raise GenerationDamaged(f"{path}: {offsets.dtype} {offsets.shape}, expected uint64 (n + 1,). Rebuild.")
    return offsets


def _document(chunk: Chunk) -> tuple[str, str]:
    return chunk.namespace, chunk.document_id


def _check_order(before: Chunk | None, chunk: Chunk, row: int) -> None:
    if before is not None and (*_document(before), before.position) >= (*_document(chunk), chunk.position):
        raise GenerationDamaged(
            f"chunk row {row}: {chunk.namespace}/{chunk.document_id} position {chunk.position} after "
            f"{before.namespace}/{before.document_id} position {before.position}. Rows are ordered by namespace, "
            "document id and position, each once: sort them before they are written."
        )
