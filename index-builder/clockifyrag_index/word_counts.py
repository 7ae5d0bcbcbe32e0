"""WordCounts: passages as lists of written words → how often each term stands in each, kept in runs on the disk.

    passage ─► written words ─► numbers │ at 2^19 words: counted, sorted, appended to a file │ … ─► fields, term by term

A word is folded and stemmed once, however often it stands there; everything after that is arithmetic on numbers.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from .impacts import FIELDS, Field
from .text import folded

WORDS_AT_ONCE = 1 << 19
TF_MAX = 65535

Ints = npt.NDArray[np.int64]


class _Written(dict[str, int]):
    """Words as written and their numbers, in the order in which they first came up."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


class WordCounts:
    """The counts of the passages that were added, in row order; `close` gives the room on the disk back."""

    def __init__(self, directory: Path, term: Callable[[str], str]) -> None:
        """directory: where runs are kept for as long as this lives. term: of a written word; "" for a stop word."""
        self._term = term
        self._written = _Written()
        self._terms: dict[str, int] = {}
        self._term_of = np.zeros(0, dtype=np.int64)  # of each written word; -1 for a stop word
        self._written_counts = np.zeros(0, dtype=np.int64)
        self._size = 0
        self._fields = tuple(_FieldRuns(directory) for _ in FIELDS)
        self._waiting = 0
        self._places = np.zeros(0, dtype=np.int64)  # of each term among the sorted ones

    def add(self, words: Sequence[Sequence[str]]) -> None:
        """The next passage: the words of each of FIELDS as they are written."""
        for field, written in zip(self._fields, words, strict=True):
            field.words.append(written)
            self._waiting += len(written)
        self._size += 1
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
        for word, count, term in zip(self._written, self._written_counts.tolist(), self._term_of.tolist(), strict=True):
            if term >= 0:
                spelled = folded(word)
                counts[spelled] = counts.get(spelled, 0) + count
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
        if not self._fields[0].words:
            return
        number_of = self._written.__getitem__
        numbers = [
            np.fromiter(map(number_of, chain.from_iterable(field.words)), np.int64, sum(map(len, field.words)))
            for field in self._fields
        ]
        self._learn()
        for field, written in zip(self._fields, numbers, strict=True):
            terms = self._term_of[written]
            kept = terms >= 0
            self._written_counts += np.bincount(written, minlength=len(self._term_of))
            passages = len(field.words)
            rows = np.repeat(np.arange(passages), list(map(len, field.words)))[kept]
            field.append(terms[kept], rows + (self._size - passages), np.bincount(rows, minlength=passages))
        self._waiting = 0

    def _learn(self) -> None:
        """Works out the terms of the written words that are new."""
        known = len(self._term_of)
        new = list(islice(self._written, known, None))
        of_new = np.array([self._number(self._term(word)) for word in new], dtype=np.int64)
        self._term_of = np.concatenate([self._term_of, of_new])
        self._written_counts = np.concatenate([self._written_counts, np.zeros(len(new), dtype=np.int64)])

    def _number(self, term: str) -> int:
        return self._terms.setdefault(term, len(self._terms)) if term else -1


class _FieldRuns:
    """One field: words not yet counted, and runs of (term, row, frequency) sorted by term and row."""

    def __init__(self, directory: Path) -> None:
        self.words: list[Sequence[str]] = []  # of each passage
        self.file: BinaryIO = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115  closed by WordCounts
        self._postings: list[int] = []
        self._lengths: list[npt.NDArray[np.uint32]] = []

    def append(self, terms: Ints, rows: Ints, lengths: Ints) -> None:
        """Counts the words of some passages and appends them as a run."""
        keys = (terms << 32) | rows
        keys.sort()
        begins = np.flatnonzero(np.r_[len(keys) > 0, keys[1:] != keys[:-1]][: len(keys)])
        tf = np.minimum(np.diff(begins, append=len(keys)), TF_MAX).astype(np.uint16)
        keys = keys[begins]
        for column in ((keys >> 32).astype(np.uint32), keys.astype(np.uint32), tf):
            self.file.write(column.data)
        self._postings.append(len(keys))
        self._lengths.append(lengths.astype(np.uint32))
        self.words.clear()

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
