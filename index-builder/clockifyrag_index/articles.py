"""Articles: what is known of whole documents: which rows are theirs, and the direction all of them share.

    documents.npy   uint32 (documents + 1,): rows of document i are documents[i]:documents[i + 1]
    articles.npy    float32 (documents, dimensions): the mean of a document's rows, scaled to length 1
    articles.bin    FAISS index of them, where they are many and the passages have a graph, too

A question is compared with the passage and with the article it stands in: a passage of an article that is about the
question all over is worth more than a stray one.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .arrays import Numbers, Scores, mapped_array, ranges
from .dense import DenseIndex
from .embedders import Vectors
from .errors import GenerationDamaged
from .faiss_file import build_index, write_index
from .files import synced_file
from .index_choice import HNSW_FROM
from .layout import ARTICLES, ARTICLES_INDEX, DOCUMENTS
from .manifest import IndexParameters
from .npy_rows import npy_header
from .vector_rows import best, inner_products

Starts = npt.NDArray[np.uint32]

_DOCUMENTS_AT_ONCE = 8192


def article_vectors(vectors: Vectors, starts: Starts) -> Vectors:
    """The direction of each document, (documents, dimensions) float32 of length 1; zeros where its rows cancel out.

    vectors: (n, dimensions) float32 rows of length 1. starts: as in documents.npy.
    """
    if not len(vectors):
        return np.zeros((0, vectors.shape[1]), dtype=np.float32)
    sums = np.add.reduceat(vectors, starts[:-1].astype(np.int64), axis=0, dtype=np.float32)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    directions: Vectors = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return directions


def write_articles(directory: Path, vectors: Vectors, starts: Starts, parameters: IndexParameters) -> None:
    """Writes the files, synced; the directions a block at a time, so that a map of `vectors` is never read whole.

    parameters: of the index of the rows; the index of many articles has the same.
    """
    with synced_file(directory / DOCUMENTS) as file:
        np.lib.format.write_array(file, starts.astype("<u4"), allow_pickle=False)
    documents = len(starts) - 1
    with synced_file(directory / ARTICLES) as file:
        file.write(npy_header(documents, vectors.shape[1]))
        for first in range(0, documents, _DOCUMENTS_AT_ONCE):
            some = starts[first : first + _DOCUMENTS_AT_ONCE + 1]
            rows = vectors[int(some[0]) : int(some[-1])]
            file.write(article_vectors(rows, some - some[0]).astype("<f4").tobytes())
    if has_index(documents, parameters):
        write_index(build_index(mapped_array(directory / ARTICLES), parameters), directory / ARTICLES_INDEX)


def has_index(documents: int, parameters: IndexParameters) -> bool:
    """Whether so many articles have an index of their own beside one of those parameters for the rows."""
    return parameters.type == "HNSW" and documents >= HNSW_FROM


class Directions(Protocol):
    """The articles of one namespace beside one question."""

    def nearest(self, k: int) -> tuple[Numbers, Scores]:
        """Numbers and cosines of the k nearest, best first, equal ones by number; fewer where there are fewer."""

    def cosines(self, numbers: Numbers) -> Scores:
        """The cosine of each of those articles, (len(numbers),) float32."""


class Articles:
    """The documents of one generation by number, memory-mapped."""

    def __init__(self, directory: Path, chunks: int, dimensions: int, index: IndexParameters | None = None) -> None:
        """GenerationDamaged when the files do not fit the generation's chunks and dimensions.

        index: the parameters of articles.bin, None where there is none.
        """
        self._starts: Starts = mapped_array(directory / DOCUMENTS)
        self.vectors: Vectors = mapped_array(directory / ARTICLES)
        expected = (len(self._starts) - 1, dimensions)
        last = int(self._starts[-1]) if len(self._starts) else None
        if self.vectors.shape != expected or last != chunks:
            raise GenerationDamaged(
                f"{directory}: {ARTICLES} holds {self.vectors.shape} and {DOCUMENTS} ends at row {last}; expected "
                f"{expected} and {chunks}. Rebuild."
            )
        self._index = (
            None
            if index is None
            else DenseIndex.open(directory / ARTICLES_INDEX, expected[0], dimensions, index, directory / ARTICLES)
        )

    def __len__(self) -> int:
        return len(self._starts) - 1

    def of_rows(self, rows: npt.NDArray[np.integer]) -> Numbers:
        """The number of the document each row belongs to, (len(rows),) int64."""
        numbers: Numbers = np.searchsorted(self._starts, rows, side="right").astype(np.int64) - 1
        return numbers

    def rows_of(self, documents: Numbers) -> Numbers:
        """All rows of the documents, document after document; (m,) int64."""
        begin, end = self._starts[documents].astype(np.int64), self._starts[documents + 1].astype(np.int64)
        return ranges(begin, end - begin)

    def sums(self, values: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """What the values of a document's rows add up to, (documents,) int64; values: (rows,)."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        added: Numbers = np.add.reduceat(values, self._starts[:-1].astype(np.int64), dtype=np.int64)
        return added

    def numbers(self, rows: range) -> range:
        """The documents whose rows lie in a range of whole documents, as a namespace is."""
        if not len(rows):
            return range(0)
        first, last = self.of_rows(np.array([rows.start, rows.stop - 1]))
        return range(int(first), int(last) + 1)

    def beside(self, question: Vectors, numbers: range, ef_search: int) -> Directions:
        """The articles of these numbers beside the question, (dimensions,) float32."""
        if self._index is None:
            return _All(self.vectors, question, numbers)
        return _Proposed(self._index, question, numbers, ef_search)


class _All:
    """All of them compared at once: a few thousand take microseconds."""

    def __init__(self, vectors: Vectors, question: Vectors, numbers: range) -> None:
        self._first = numbers.start
        self._cosines = inner_products(vectors[numbers.start : numbers.stop], question)

    def nearest(self, k: int) -> tuple[Numbers, Scores]:
        numbers, cosines = best(np.arange(len(self._cosines), dtype=np.int64), self._cosines, k)
        return numbers + self._first, cosines

    def cosines(self, numbers: Numbers) -> Scores:
        return self._cosines[numbers - self._first]


class _Proposed:
    """Those that an index proposes; the cosine of any other when it is asked for."""

    def __init__(self, index: DenseIndex, question: Vectors, numbers: range, ef_search: int) -> None:
        self._index = index
        self._question = question
        self._numbers = numbers
        self._ef_search = ef_search

    def nearest(self, k: int) -> tuple[Numbers, Scores]:
        k = min(k, self._index.reach(self._ef_search))
        return self._index.search(self._question, k, self._numbers, ef_search=self._ef_search)

    def cosines(self, numbers: Numbers) -> Scores:
        distinct, places = np.unique(numbers, return_inverse=True)
        return self._index.scores(self._question, distinct)[places]
