"""WordCounts: passages as lists of written words → how often each term stands in each, kept in runs on the disk.

    passage ─► written words ─► numbers │ at 2^19 words: counted, sorted, appended to a file │ … ─► fields, term by term

A word is folded and stemmed once, however often it stands there; everything after that is arithmetic on numbers.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, compress, count, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from .impacts import FIELDS, Field
from .text import folded
from .top import first_of_equal

WORDS_AT_ONCE = 1 << 19
TF_MAX = 65535

Ints = npt.NDArray[np.int64]


def numbers_of_words() -> defaultdict[str, int]:
    """Words and their numbers, from 0, in the order in which they are first asked for."""
    return defaultdict(count().__next__)


class WordCounts:
    """The counts of the passages that were added, in row order; `close` gives the room on the disk back."""

    def __init__(self, directory: Path, term: Callable[[str], str]) -> None:
        """directory: where runs are kept for as long as this lives. term: of a written word; "" for a stop word."""
        self._term = term
        self._written = numbers_of_words()
        self._terms = numbers_of_words()
        self._term_of = np.zeros(0, dtype=np.int64)  # of each written word; -1 for a stop word
        self._written_counts = np.zeros(0, dtype=np.int64)
        self._size = self._counted = 0  # passages that were added, and those of them that are in a run
        self._fields = tuple(_FieldRuns(directory) for _ in FIELDS)
        self._waiting = 0  # words that are not yet counted
        self._places = np.zeros(0, dtype=np.int64)  # of each term among the sorted ones

    def add(self, passages: Sequence[Sequence[Sequence[str]]]) -> None:
        """The next passages, at least one: the words of each of FIELDS as they are written."""
        number_of = self._written.__getitem__
        for field, words in zip(self._fields, zip(*passages, strict=True), strict=True):
            self._waiting += field.add(words, number_of)
        self._size += len(passages)
        if self._waiting >= WORDS_AT_ONCE:
            self._flush()

    def terms(self) -> list[str]:
        """All terms, sorted by their UTF-8 bytes, which for Unicode is by code point."""
        self._flush()
        terms = list(self._terms)
        order = sorted(range(len(terms)), key=terms.__getitem__)
        self._places = np.zeros(len(terms), dtype=np.int64)
        self._places[order] = np.arange(len(terms))
        return [terms[number] for number in order]

    def spellings(self) -> dict[str, int]:
        """Folded words that are no stop words, and how often they were written."""
        self._flush()
        counts: dict[str, int] = {}
        kept = self._term_of >= 0
        spelled = map(folded, compress(self._written, kept))
        for word, times in zip(spelled, self._written_counts[kept].tolist(), strict=True):
            counts[word] = counts.get(word, 0) + times
        return counts

    def field(self, place: int) -> Field:
        """The postings of FIELDS[place] in memory, terms numbered as they stand in `terms`, which was called before."""
        return self._fields[place].merged(self._places, self._size)

    def close(self) -> None:
        """Removes the runs."""
        for field in self._fields:
            field.file.close()

    def _flush(self) -> None:
        """Counts what is waiting."""
        if self._size == self._counted:
            return
        self._learn()
        rows = np.arange(self._counted, self._size)
        for field in self._fields:
            written, lengths = field.take()
            self._written_counts += np.bincount(written, minlength=len(self._term_of))
            terms = self._term_of[written]
            kept = terms >= 0
            field.append(terms[kept], np.repeat(rows, lengths)[kept], rows)
        self._counted, self._waiting = self._size, 0

    def _learn(self) -> None:
        """Works out the terms of the written words that are new."""
        known = len(self._term_of)
        new = list(islice(self._written, known, None))
        number_of = self._terms.__getitem__
        of_new = np.array([number_of(term) if term else -1 for term in map(self._term, new)], dtype=np.int64)
        self._term_of = np.concatenate([self._term_of, of_new])
        self._written_counts = np.concatenate([self._written_counts, np.zeros(len(new), dtype=np.int64)])


def stable_order(numbers: npt.NDArray[np.uint32]) -> Ints:
    """The places of the numbers in ascending order, equal ones in the order in which they stand.

    By halves, as numpy sorts numbers of 16 bits by counting them, ten times as fast as it compares larger ones.
    """
    order = np.argsort(numbers.astype(np.uint16), kind="stable")
    upper = (numbers >> 16).astype(np.uint16)
    return order[np.argsort(upper[order], kind="stable")] if upper.any() else order


class _FieldRuns:
    """One field: runs of (term, row, frequency) sorted by term and row, and what is to become the next run."""

    def __init__(self, directory: Path) -> None:
        self.file: BinaryIO = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115  closed by WordCounts
        self._waiting: list[Ints] = []  # numbers of words
        self._waiting_lengths: list[Ints] = []  # words of each passage
        self._postings: list[int] = []
        self._lengths: list[npt.NDArray[np.uint32]] = []

    def add(self, words: Sequence[Sequence[str]], number_of: Callable[[str], int]) -> int:
        """Has the words of the next passages wait; how many they are."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        total = int(lengths.sum())
        self._waiting.append(np.fromiter(map(number_of, chain.from_iterable(words)), np.int64, total))
        self._waiting_lengths.append(lengths)
        return total

    def take(self) -> tuple[Ints, Ints]:
        """Hands over what waits: the number of each word, (words,), and how many each passage has, (passages,)."""
        written, lengths = np.concatenate(self._waiting), np.concatenate(self._waiting_lengths)
        self._waiting.clear()
        self._waiting_lengths.clear()
        return written, lengths

    def append(self, terms: Ints, rows: Ints, passages: Ints) -> None:
        """Counts terms, each with the row it stands in, and appends them as a run.

        rows: ascending. passages: all rows of the run.
        """
        self._lengths.append(np.bincount(rows - passages[0], minlength=len(passages)).astype(np.uint32))
        order = stable_order(terms.astype(np.uint32))
        keys = ((terms << 32) | rows)[order]
        begins = first_of_equal(keys).nonzero()[0]
        tf = np.minimum(np.diff(begins, append=len(keys)), TF_MAX).astype(np.uint16)
        keys = keys[begins]
        for column in ((keys >> 32).astype(np.uint32), keys.astype(np.uint32), tf):
            self.file.write(column.data)
        self._postings.append(len(keys))

    def merged(self, places: Ints, size: int) -> Field:
        """The runs as one, terms renumbered by `places`. Rows of a run come after all of the run before."""
        counts = np.zeros(len(places), dtype=np.int64)
        for terms, _, _ in self._runs():
            counts += np.bincount(terms, minlength=len(places))
        indptr = np.zeros(len(places) + 1, dtype=np.uint64)
        by_place = np.zeros(len(places), dtype=np.int64)
        by_place[places] = counts
        indptr[1:] = np.cumsum(by_place)
        rows = np.zeros(int(indptr[-1]), dtype=np.uint32)
        tf = np.zeros(len(rows), dtype=np.uint16)
        free = indptr[:-1].astype(np.int64)[places]  # where the next posting of each term belongs
        for terms, run_rows, run_tf in self._runs():
            held = np.bincount(terms, minlength=len(places))
            targets = np.repeat(free - (np.cumsum(held) - held), held) + np.arange(len(terms))
            rows[targets], tf[targets] = run_rows, run_tf
            free += held
        lengths = np.concatenate(self._lengths) if self._lengths else np.zeros(0, dtype=np.uint32)
        assert len(lengths) == size, "a passage was not counted"
        return Field(indptr, rows, tf, lengths)

    def _runs(self) -> Iterator[tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.uint16]]]:
        self.file.seek(0)
        for postings in self._postings:
            terms = np.frombuffer(self.file.read(4 * postings), dtype=np.uint32)
            rows = np.frombuffer(self.file.read(4 * postings), dtype=np.uint32)
            yield terms, rows, np.frombuffer(self.file.read(2 * postings), dtype=np.uint16)
