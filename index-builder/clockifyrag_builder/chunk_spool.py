"""ChunkSpool: the chunks of a corpus as they are read; a few thousand stay in memory, many go to a file without a name.

    read ─► spool, document by document ─► in_order(): rows by namespace, document id and position

A million chunks would take some two gigabytes as objects. In the file one is a line of JSON, as in the generation, and
what stays are the 8 bytes of its offset, the 8 of its place and the names of its document.
"""

import os
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, overload

import numpy as np
import numpy.typing as npt

from clockifyrag_index.arrays import ranges
from clockifyrag_index.chunk import Chunk, chunk_from_line, chunk_line
from clockifyrag_index.disk import storage_errors

CHUNKS_IN_MEMORY = 20_000

Sharing = Callable[[int, str], tuple[str, ...]]  # place of a chunk and its document's URL → others that share it


class ChunkSpool:
    """Takes chunks in the order in which they are read; a context, at whose end the file is gone."""

    def __init__(self, root: Path) -> None:
        """root: the index root, on whose volume there must be room for the generation anyway."""
        self._root = root
        self._few: list[Chunk] = []
        self._lines: BinaryIO | None = None
        self._offsets = array("Q", [0])
        self._documents: list[tuple[str, str, int]] = []  # namespace, id and first place of each
        self.content_bytes = 0  # of all contents, as UTF-8

    def __enter__(self) -> "ChunkSpool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._lines is not None:
            with suppress(OSError):  # of lines not written yet, which nobody wants any more
                self._lines.close()

    def __len__(self) -> int:
        return len(self._few) if self._lines is None else len(self._offsets) - 1

    def add(self, chunk: Chunk) -> None:
        """Keeps the next chunk; those of a document follow each other. NoSpace or StorageError as the disk says."""
        if not self._documents or self._documents[-1][:2] != (chunk.namespace, chunk.document_id):
            self._documents.append((chunk.namespace, chunk.document_id, len(self)))
        self.content_bytes += len(chunk.content.encode())
        if self._lines is None and len(self._few) < CHUNKS_IN_MEMORY:
            self._few.append(chunk)
            return
        with storage_errors(self._root):
            if self._lines is None:
                self._root.mkdir(parents=True, exist_ok=True)
                self._lines = tempfile.TemporaryFile(dir=self._root)  # noqa: SIM115  closed by __exit__
                for one in self._few:
                    self._write(one)
                self._few = []
            self._write(chunk)

    def in_order(self, also_at: Sharing) -> "OrderedChunks":
        """All chunks in the order of a generation's rows, each with what `also_at` tells; nothing is added any more."""
        if self._lines is not None:
            with storage_errors(self._root):
                self._lines.flush()
        order = sorted(range(len(self._documents)), key=self._documents.__getitem__)
        begins = np.fromiter((begin for _, _, begin in self._documents), np.int64, len(self._documents))
        counts = np.diff(begins, append=len(self))
        return OrderedChunks(self._at, ranges(begins[order], counts[order]), also_at)

    def _write(self, chunk: Chunk) -> None:
        assert self._lines is not None
        line = chunk_line(chunk)
        self._lines.write(line)
        self._offsets.append(self._offsets[-1] + len(line))

    def _at(self, place: int) -> Chunk:
        """Several threads may ask at once: the offset of the file stays where it is."""
        if self._lines is None:
            return self._few[place]
        begin, end = self._offsets[place], self._offsets[place + 1]
        with storage_errors(self._root):
            return chunk_from_line(os.pread(self._lines.fileno(), end - begin, begin))


class OrderedChunks(Sequence[Chunk]):
    """The chunks of a spool by row, read anew each time; several threads may read."""

    def __init__(self, at: Callable[[int], Chunk], places: npt.NDArray[np.int64], also_at: Sharing) -> None:
        """at: the chunk of a place. places: of each row."""
        self._at = at
        self._also_at = also_at
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Chunk]:
        return (self._completed(place) for place in self.places.tolist())

    @overload
    def __getitem__(self, row: int) -> Chunk: ...

    @overload
    def __getitem__(self, row: slice) -> list[Chunk]: ...

    def __getitem__(self, row: int | slice) -> Chunk | list[Chunk]:
        if isinstance(row, slice):
            return [self._completed(place) for place in self.places[row].tolist()]
        return self._completed(int(self.places[row]))

    def _completed(self, place: int) -> Chunk:
        chunk = self._at(place)
        others = self._also_at(place, chunk.document_url)
        return replace(chunk, also_at=others) if others else chunk
