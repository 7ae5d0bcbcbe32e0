"""Categories: which category each row belongs to, so that filtering reads no text.

Files beside the word statistics: categories.npy, uint32 (rows,), the category's place among the sorted names, which
stand in categories.bin and categories.offsets.npy.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .arrays import Rows, mapped_array
from .chunk import Chunk
from .sorted_words import SortedWords, in_byte_order, write_sorted_words


def write_categories(directory: Path, chunks: Iterable[Chunk]) -> None:
    """Writes the category of each chunk, in row order."""
    number_of: dict[str, int] = {}
    categories = [number_of.setdefault(chunk.category, len(number_of)) for chunk in chunks]
    in_order, places = in_byte_order(number_of)
    np.save(directory / "categories.npy", places[categories] if categories else places)
    write_sorted_words(directory, "categories", in_order)


class Categories:
    """The categories of one generation, memory-mapped."""

    def __init__(self, directory: Path) -> None:
        self._category_of: npt.NDArray[np.uint32] = mapped_array(directory / "categories.npy")
        self._names = SortedWords(directory, "categories")

    def holds(self, wanted: str, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of the rows stand in the category or below it: "help" holds "help/track-time"; (len(rows),) bool."""
        prefix = wanted.strip("/")
        allowed = np.array([name == prefix or name.startswith(f"{prefix}/") for name in self._names], dtype=np.bool_)
        return allowed[self._category_of[rows]] if len(allowed) else np.zeros(len(rows), dtype=np.bool_)
