"""Columns: which document and which category each row belongs to, so that grouping and filtering read no text.

Files beside the lexical statistics: documents.npy and categories.npy, uint32 (rows,), documents numbered as they come;
categories.bin and categories.offsets.npy name the categories, sorted.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .chunk import Chunk
from .sorted_words import SortedWords, write_sorted_words

Numbers = npt.NDArray[np.uint32]


def write_columns(directory: Path, chunks: Iterable[Chunk]) -> None:
    """Writes the columns of the chunks, in row order; the chunks of one document stand together."""
    documents: list[int] = []
    categories: list[int] = []
    number_of: dict[str, int] = {}
    last: tuple[str, str] | None = None
    for chunk in chunks:
        document = (chunk.namespace, chunk.document_id)
        documents.append((documents[-1] + (document != last)) if documents else 0)
        categories.append(number_of.setdefault(chunk.category, len(number_of)))
        last = document
    in_order = sorted(number_of, key=lambda category: category.encode())
    rank = np.zeros(len(number_of), dtype=np.uint32)
    rank[[number_of[category] for category in in_order]] = np.arange(len(number_of), dtype=np.uint32)
    np.save(directory / "documents.npy", np.array(documents, dtype=np.uint32))
    np.save(directory / "categories.npy", rank[categories] if categories else rank)
    write_sorted_words(directory, "categories", in_order)


class Columns:
    """The columns of one generation, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self.document_of: Numbers = np.load(directory / "documents.npy", mmap_mode="r", allow_pickle=False)
        self._category_of: Numbers = np.load(directory / "categories.npy", mmap_mode="r", allow_pickle=False)
        self._categories = SortedWords(directory, "categories")

    def in_category(self, rows: npt.NDArray[np.int64], wanted: str) -> npt.NDArray[np.bool_]:
        """Which of the rows stand in the category or below it: "help" holds "help/track-time"; (len(rows),) bool."""
        prefix = wanted.strip("/")
        allowed = np.array(
            [name == prefix or name.startswith(f"{prefix}/") for name in self._categories], dtype=np.bool_
        )
        return allowed[self._category_of[rows]] if len(allowed) else np.zeros(len(rows), dtype=np.bool_)
