"""Dense leg: vector → nearest rows, by inner product over unit-length rows.

    Flat Float32      the index holds the rows and compares all of them: exact
    anything else     the index proposes rows by shorter codes or a graph; the rows themselves, read from vectors.npy,
                      give the scores: what is found is ordered as Flat would order it

A proposer looks at one beam of candidates, of a width that does not depend on k: so the first five of ten are the five.
"""

from math import ceil, isfinite, sqrt
from pathlib import Path
from threading import local
from typing import Any

import faiss
import numpy as np

from .arrays import Rows, Scores
from .embedders import Vectors
from .errors import BadVectors
from .faiss_file import mapped_index
from .gpu import ROWS_MAX, on_gpu
from .manifest import IndexParameters
from .vector_rows import VectorRows, best, inner_products

EF_SEARCH = 64
BEAM_ROWS = 90_000  # a beam of EF_SEARCH finds most of the ten nearest among so many rows, and fewer among more
EXACT_ROWS = 50_000  # a part of a large index with fewer rows is compared row by row
_EXACT_ALWAYS = 16  # a part this many times smaller than the whole is, too: a graph would take as long for it

_THREAD = local()


class DenseIndex:
    """The vectors of one generation by row; several threads may search."""

    def __init__(self, index: faiss.Index, vectors: VectorRows | None = None, card: Any = None) -> None:
        """vectors: the rows as they were, None where the index holds them. card: a copy of the index on a GPU."""
        self._index: Any = index  # its stub lacks most of it
        self._rows = vectors
        self._card = card
        self.size: int = index.ntotal
        self.dimensions: int = index.d
        assert (vectors is None) == isinstance(index, faiss.IndexFlat), "only a Flat index holds the rows as they were"

    @classmethod
    def open(
        cls, path: Path, rows: int, dimensions: int, parameters: IndexParameters, vectors: Path | None = None
    ) -> "DenseIndex":
        """Maps the file (milliseconds for thousands of rows). GenerationDamaged unless it is an index of those
        parameters and that shape.

        vectors: the file of the rows; None where the index holds them.
        """
        stored = None if vectors is None else VectorRows(vectors, rows, dimensions)
        index = mapped_index(path, rows, dimensions, parameters)
        return cls(index, stored, on_gpu(index, parameters))

    @property
    def is_exact(self) -> bool:
        """Whether all rows are compared, as they are."""
        return self._rows is None

    def reach(self, ef_search: int = EF_SEARCH) -> int:
        """How many rows a question can have proposed with one look."""
        return self.size if self.is_exact else min(self.size, ef_search)

    def search(
        self, vector: Vectors, k: int, rows: range | Rows | None = None, *, ef_search: int = EF_SEARCH
    ) -> tuple[Rows, Scores]:
        """The k rows of highest inner product, best first, equal scores by row ascending: (m,) int64, (m,) float32.

        rows: a range, or ascending rows, that alone may be found. m is k, or all there are where they are fewer; a
        graph may find fewer. A row's score has the same bits for every k and whatever is allowed. The first k of a
        longer answer are the answer for k; where rows are proposed, up to `reach(ef_search)`, beyond which the beam is
        doubled until it holds k.
        """
        if vector.shape != (self.dimensions,):
            raise _refused(vector, self.dimensions)
        rows = _within(rows, self.size)
        total = self.size if rows is None else len(rows)
        k = min(k, total)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        _one_thread_here()
        question = np.ascontiguousarray(vector, dtype=np.float32)
        if self._rows is None and (self._card is None or rows is not None or 2 * k > ROWS_MAX):
            return self._exact(question, k, rows, total)
        self._check_numbers(vector)
        if self._rows is None:
            return self._from_card(question, k)
        if rows is not None and self._is_small(total):
            among = _as_rows(rows)
            return best(among, self._rows.scores(question, among), k)
        found = self._proposed(question, k, rows, total, ef_search)
        return best(found, self._rows.scores(question, found), k)

    def scores(self, vector: Vectors, rows: Rows) -> Scores:
        """(len(rows),) float32: the inner product with each of those rows, which must be in range."""
        question = np.ascontiguousarray(vector, dtype=np.float32)
        if self._rows is not None:
            return self._rows.scores(question, rows)
        return inner_products(self.vectors(), question, rows)

    def vector(self, row: int) -> Vectors:
        """(dimensions,) float32: a copy of that row. IndexError outside 0 ≤ row < size."""
        if not 0 <= row < self.size:
            raise IndexError(f"row {row}, expected 0 to {self.size - 1}")
        row_vector: Vectors = self.vectors_of(np.array([row], dtype=np.int64))[0]
        return row_vector

    def vectors_of(self, rows: Rows) -> Vectors:
        """(len(rows), dimensions) float32: copies of those rows, which must be in range."""
        if self._rows is not None:
            return self._rows.of(rows)
        gathered: Vectors = self._index.reconstruct_batch(rows)
        return gathered

    def vectors(self) -> Vectors:
        """(size, dimensions) float32: all rows as a view into the map, valid while this index lives."""
        if self._rows is not None:
            return self._rows.mapped()
        view: Vectors = faiss.rev_swig_ptr(self._index.get_xb(), self.size * self.dimensions)
        return view.reshape(self.size, self.dimensions)

    def _exact(self, question: Vectors, k: int, rows: range | Rows | None, total: int) -> tuple[Rows, Scores]:
        """As `search`, by comparing all rows; total: how many may be found.

        FAISS itself neither sorts equal scores nor promises which of them it keeps at the end of the list, so more is
        fetched as long as the k-th score might continue behind the end, then sorted by (−score, row). Mostly no two are
        equal, and nothing is left to sort: after a pass through all rows each call of numpy begins out of the caches,
        and that is most of what this adds to FAISS.
        """
        options = None if rows is None else faiss.SearchParameters(sel=_selector(rows, self.size))  # type: ignore[call-arg]
        fetched = min(k + 1, total)
        while True:
            scores, found = np.empty(fetched, np.float32), np.empty(fetched, np.int64)
            into = faiss.swig_ptr(scores), faiss.swig_ptr(found)
            self._index.search_c(1, faiss.swig_ptr(question), fetched, *into, options)  # `search` wraps it
            told = scores.tolist()
            # a number that is none spoils each of its products: the best of them is none then, or no row is found
            if not isfinite(told[0]) or found[0] < 0:
                self._check_numbers(question)
            if len(set(told)) == fetched:
                return found[:k], scores[:k]
            if fetched == total or told[-1] < told[k - 1]:
                break
            fetched = min(2 * fetched, total)
        order = np.lexsort((found, -scores))[:k]
        return found[order], scores[order]

    def _from_card(self, question: Vectors, k: int) -> tuple[Rows, Scores]:
        """As `search`, by the copy on a GPU. It adds up in another order: twice as many are fetched and scored here."""
        _, found = self._card.search(question.reshape(1, -1), min(max(2 * k, EF_SEARCH), self.size))
        return best(found[0], inner_products(self.vectors(), question, found[0]), k)

    def _proposed(self, question: Vectors, k: int, rows: range | Rows | None, total: int, ef_search: int) -> Rows:
        """The best rows in one beam. A graph's beam is wider than what it gives: it finds less the larger it is, and of
        a part of the rows only their share of the beam.
        """
        width = ef_search
        while width < k:
            width *= 2
        width = min(width, total)
        selector = None if rows is None else _selector(rows, self.size)
        if isinstance(self._index, faiss.IndexHNSW):
            beam = min(ceil(width * self.size / total * self._widening()), self.size)
            options = faiss.SearchParametersHNSW(efSearch=beam, sel=selector)  # type: ignore[attr-defined]
        else:
            options = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        _, found = self._index.search(question.reshape(1, -1), width, params=options)
        proposed: Rows = np.sort(found[0][found[0] >= 0])
        return proposed

    def _is_small(self, count: int) -> bool:
        """Whether a part is sooner compared row by row. A graph's time grows with its beam and falls with the size of
        the part, that of comparing grows with the size: they meet where it is as the root of the beam.
        """
        always = int(self.size * sqrt(self._widening()) / _EXACT_ALWAYS)
        return count <= max(always, min(self.size // 4, EXACT_ROWS))

    def _widening(self) -> float:
        """How many times wider a beam must be than among BEAM_ROWS rows."""
        return max(1.0, sqrt(self.size / BEAM_ROWS)) if isinstance(self._index, faiss.IndexHNSW) else 1.0

    def _check_numbers(self, vector: Vectors) -> None:
        if not np.isfinite(vector).all():
            raise _refused(vector, self.dimensions)


def _refused(vector: Vectors, dimensions: int) -> BadVectors:
    return BadVectors(f"a question of shape {vector.shape}, expected ({dimensions},) finite numbers")


def _within(rows: range | Rows | None, size: int) -> range | Rows | None:
    """None for all rows, else those of them there are."""
    if isinstance(rows, range):
        first, last = max(rows.start, 0), min(rows.stop, size)
        return None if (first, last) == (0, size) else range(first, max(first, last))
    return rows


def _as_rows(rows: range | Rows) -> Rows:
    return np.arange(rows.start, rows.stop, dtype=np.int64) if isinstance(rows, range) else rows


def _selector(rows: range | Rows, size: int) -> faiss.IDSelector:
    if isinstance(rows, range):
        return faiss.IDSelectorRange(rows.start, rows.stop)
    allowed = np.zeros(size, dtype=np.bool_)
    allowed[rows] = True
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))  # type: ignore[arg-type, call-arg]


def _one_thread_here() -> None:
    """One question gains nothing from several threads of OpenMP, and loses from waking them."""
    if not getattr(_THREAD, "is_limited", False):
        faiss.omp_set_num_threads(1)  # of this thread only
        _THREAD.is_limited = True
