"""RowFilter: which passages an exact phrase or a minus leaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Rows
from .chunk import Chunk
from .lexical import LexicalIndex
from .operators import Operators, Phrase
from .text import folded_words, term_of
from .top import top_rows

# Passages whose text is read for a phrase: those that hold its words best. Reading one takes some ten microseconds.
READ_MAX = 2000

Among = Callable[[Rows], npt.NDArray[np.bool_]]


class RowFilter:
    """The rows that hold every phrase of a question and nothing it excludes, among those that come into question."""

    def __init__(
        self,
        operators: Operators,
        lexical: LexicalIndex,
        chunk: Callable[[int], Chunk],
        among: Among,
        require_time: Callable[[], None] = lambda: None,
    ) -> None:
        """chunk: the record of a row. among: which rows come into question; no others are read. require_time: raises
        once reading took too long; called for each passage.
        """
        reader = _Reader(lexical, chunk, among, require_time)  # not kept: `among` may be of what keeps this filter
        self._required = [reader.rows_of_phrase(phrase) for phrase in operators.phrases]
        self._excluded = [reader.rows_of(phrase) for phrase in operators.excluded]

    def holds(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of the rows may be shown, (len(rows),) bool."""
        shown = np.ones(len(rows), dtype=np.bool_)
        for required in self._required:
            shown &= _is_among(rows, required)
        for excluded in self._excluded:
            shown &= ~_is_among(rows, excluded)
        return shown


@dataclass(frozen=True, slots=True)
class _Reader:
    """Finds the rows that hold a phrase."""

    lexical: LexicalIndex
    chunk: Callable[[int], Chunk]
    among: Among
    require_time: Callable[[], None]

    def rows_of(self, phrase: Phrase) -> Rows:
        """A word is excluded in all its forms, several words as they stand."""
        if len(phrase) > 1:
            return self.rows_of_phrase(phrase)
        return self._candidates(phrase)

    def rows_of_phrase(self, phrase: Phrase) -> Rows:
        """The rows whose title, a heading or content holds the words next to each other, as they are written."""
        rows = self._candidates(phrase)
        rows = rows[self.among(rows)]
        if len(rows) > READ_MAX:
            with self.lexical.totals({term: 1.0 for word in phrase if (term := term_of(word))}) as totals:
                rows, _ = top_rows(rows, totals.of(rows), READ_MAX)
        return np.array(sorted(row for row in rows.tolist() if self._holds(row, phrase)), dtype=np.int64)

    def _holds(self, row: int, phrase: Phrase) -> bool:
        self.require_time()
        return holds_phrase(self.chunk(row), phrase)

    def _candidates(self, phrase: Phrase) -> Rows:
        """The rows that hold all terms of the phrase, ascending."""
        postings = [self.lexical.passages.postings(term) for word in phrase if (term := term_of(word))]
        found = [one.rows for one in postings if one is not None]
        if len(found) < len(postings) or not found:
            return np.zeros(0, dtype=np.int64)
        found.sort(key=len)
        rows = found[0].whole().astype(np.int64)
        for others in found[1:]:
            rows = rows[others.places(rows)[1]]
        return rows


def holds_phrase(chunk: Chunk, phrase: Phrase) -> bool:
    """Whether the words stand next to each other in the title, in one heading or in the content."""
    return any(_holds(folded_words(text), phrase) for text in _texts(chunk))


def _texts(chunk: Chunk) -> Iterator[str]:
    yield chunk.content
    yield chunk.title
    yield from chunk.headings


def _holds(words: Phrase, phrase: Phrase) -> bool:
    return any(words[begin : begin + len(phrase)] == phrase for begin, word in enumerate(words) if word == phrase[0])


def _is_among(rows: Rows, ascending: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    if not len(ascending):
        return np.zeros(len(rows), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, rows.astype(ascending.dtype)), len(ascending) - 1)
    among: npt.NDArray[np.bool_] = ascending[places] == rows
    return among
