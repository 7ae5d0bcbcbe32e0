"""Read passages: chunks that were shown lately, as they were read, and where their words stand.

Questions differ, yet the passages that answer them recur. To read one costs some 25 µs and to look at its words 80, for
fifteen passages of an answer several times what the search itself takes.
"""

from dataclasses import dataclass
from functools import lru_cache

from .chunk import Chunk
from .chunk_store import ChunkStore
from .highlights import WordPlaces, word_places

KEPT = 3072  # some 3 KB each


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """A chunk and the places of its content's words."""

    chunk: Chunk
    words: WordPlaces


class ReadPassages:
    """The passages of one generation by row; several threads may read."""

    def __init__(self, chunks: ChunkStore) -> None:
        def read(row: int) -> ReadPassage:
            chunk = chunks[row]
            return ReadPassage(chunk, word_places(chunk.content))

        self._read = lru_cache(maxsize=KEPT)(read)

    def __getitem__(self, row: int) -> ReadPassage:
        """IndexError outside of the generation's rows."""
        return self._read(row)
