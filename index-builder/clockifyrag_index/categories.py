"""Categories: which category each row belongs to, so that filtering reads no text.

Files beside the word statistics: categories.npy, uint32 (rows,), the category's place among the sorted names, which
stand in categories.bin and categories.offsets.npy.
"""

import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .arrays import Rows, mapped_array
from .chunk import Chunk
from .sorted_words import SortedWords, in_byte_order, write_sorted_words


def category_path(text: str) -> str:
    """A category in the one form in which it is stored and asked for: without white space or `/` around its segments,
    letters and their marks in one character (Unicode NFC).

    >>> category_path("/Guides / Track time/")
    'Guides/Track time'
    """
    segments = (" ".join(segment.split()) for segment in unicodedata.normalize("NFC", text).split("/"))
    return "/".join(filter(None, segments))


@contextmanager
def category_column(directory: Path) -> Iterator["CategoryColumn"]:
    """A column to pass chunks through; its files are written at the end of the `with` block."""
    column = CategoryColumn()
    yield column
    in_order, places = in_byte_order(column.number_of)
    np.save(directory / "categories.npy", places[np.frombuffer(column.numbers, dtype=np.uint32)])
    write_sorted_words(directory, "categories", in_order)


class CategoryColumn:
    """The category of each chunk that came by, as a number."""

    def __init__(self) -> None:
        self.number_of: dict[str, int] = {}
        self.numbers = array("I")

    def passing(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The chunks themselves, noted in passing."""
        for chunk in chunks:
            self.numbers.append(self.number_of.setdefault(chunk.category, len(self.number_of)))
            yield chunk


class Categories:
    """The categories of one generation, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self._category_of: npt.NDArray[np.uint32] = mapped_array(directory / "categories.npy")
        self._names = SortedWords(directory, "categories")

    def holds(self, wanted: str, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of the rows stand in the category or below it: "help" holds "help/track-time"; (len(rows),) bool."""
        spellings = {wanted.strip("/"), category_path(wanted)}  # an older index has them as they were written
        below = tuple(f"{spelling}/" for spelling in spellings)
        allowed = np.array([name in spellings or name.startswith(below) for name in self._names], dtype=np.bool_)
        return allowed[self._category_of[rows]] if len(allowed) else np.zeros(len(rows), dtype=np.bool_)
