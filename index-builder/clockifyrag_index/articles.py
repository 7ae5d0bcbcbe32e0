"""Articles: what is known of whole documents: which rows are theirs, and the direction all of them share.

    documents.npy   uint32 (documents + 1,): rows of document i are documents[i]:documents[i + 1]
    articles.npy    float32 (documents, dimensions): the mean of a document's rows, scaled to length 1

A question is compared with the passage and with the article it stands in: a passage of an article that is about the
question all over is worth more than a stray one.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .arrays import Numbers, mapped_array
from .embedders import Vectors
from .errors import GenerationDamaged
from .files import synced_file
from .layout import ARTICLES, DOCUMENTS

Starts = npt.NDArray[np.uint32]


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


def write_articles(directory: Path, vectors: Vectors, starts: Starts) -> None:
    """Writes both files, synced."""
    for name, array in ((DOCUMENTS, starts.astype("<u4")), (ARTICLES, article_vectors(vectors, starts))):
        with synced_file(directory / name) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)


class Articles:
    """The documents of one generation by number, memory-mapped."""

    def __init__(self, directory: Path, chunks: int, dimensions: int) -> None:
        """GenerationDamaged when the files do not fit the generation's chunks and dimensions."""
        self._starts: Starts = mapped_array(directory / DOCUMENTS)
        self.vectors: Vectors = mapped_array(directory / ARTICLES)
        expected = (len(self._starts) - 1, dimensions)
        last = int(self._starts[-1]) if len(self._starts) else None
        if self.vectors.shape != expected or last != chunks:
            raise GenerationDamaged(
                f"{directory}: {ARTICLES} holds {self.vectors.shape} and {DOCUMENTS} ends at row {last}; expected "
                f"{expected} and {chunks}. Rebuild."
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
        counts = end - begin
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows: Numbers = np.repeat(begin, counts) + within
        return rows

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
