"""Narrowing: the rows of a generation with which a question may be answered."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from .arrays import Rows
from .categories import Categories
from .chunk_store import ChunkStore
from .errors import UnknownNamespace
from .row_filter import RowFilter


class Narrowing:
    """What namespace, category and the question's own operators leave; of the last two there may be none."""

    def __init__(self, chunks: ChunkStore, categories: Categories, namespace: str | None, category: str | None) -> None:
        """namespace, category: None for all. UnknownNamespace where the generation does not hold the namespace."""
        self.within = _namespace_rows(chunks, namespace)
        self.category = category
        self.row_filter: RowFilter | None = None  # of the operators, which are read once the question is understood
        self._is_all = namespace is None
        self._categories = categories

    @property
    def is_partial(self) -> bool:
        """Whether any row of the generation may have to be left out."""
        return self._filters or not self._is_all

    @property
    def _filters(self) -> bool:
        """Whether a row of the namespace may have to be left out."""
        return self.category is not None or self.row_filter is not None

    @cached_property
    def shown(self) -> Rows | None:
        """The rows that may be shown, ascending; None for all of the namespace."""
        if not self._filters:
            return None
        rows = np.arange(self.within.start, self.within.stop, dtype=np.int64)
        return rows[self.allowed(rows)]

    def allowed(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of the rows may be shown, (len(rows),) bool."""
        allowed = self.in_place(rows)
        if self.row_filter is not None:
            allowed &= self.row_filter.holds(rows)
        return allowed

    def in_place(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of the rows stand in the namespace and category, (len(rows),) bool."""
        found = (rows >= self.within.start) & (rows < self.within.stop)
        if self.category is not None:
            found &= self._categories.holds(self.category, rows)
        return found


def _namespace_rows(chunks: ChunkStore, wanted: str | None) -> range:
    if wanted is None:
        return range(len(chunks))
    if wanted not in chunks.namespaces:
        raise UnknownNamespace(wanted, chunks.namespaces)
    return chunks.namespace_rows(wanted)
