"""Lexical leg: question → chunks that hold its words, by fielded BM25 over memory-mapped postings.

For a question's terms T and a chunk c with fields f (title, headings, body):

    score(c) = Σ over t in T of  weight(t) · idf(t) · x / (k1 + x)
    x        = Σ over f of  w_f · tf(t, c, f) / (1 − b_f + b_f · |c.f| / average |f|)
    idf(t)   = ln(1 + (N − df(t) + 0.5) / (df(t) + 0.5)),   df(t) = chunks with t in any field

BM25F of Zaragoza et al., "Microsoft Cambridge at TREC-13" (2004), with the idf and without the constant (k1 + 1) of
Lucene's BM25Similarity; with the body alone it is the "lucene" variant of Kamphuis et al., "Which BM25 Do You Mean?"
(ECIR 2020). idf is positive, so every chunk that holds a term scores above 0.

Files of the directory, little-endian:

    terms.bin, terms.offsets.npy     sorted UTF-8 terms one after the other; uint64 (terms + 1,)
    <field>.indptr.npy               uint64 (terms + 1,): postings of term t are indptr[t]:indptr[t + 1]
    <field>.rows.npy, .tf.npy        uint32 rows ascending within a term, uint16 term frequencies
    <field>.lengths.npy              uint32 (rows,): terms in the field
    df.npy                           uint32 (terms,)
    words.bin, words.offsets.npy, words.counts.npy    folded words as written, sorted, for spelling; uint32 counts
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import local

import numpy as np
import numpy.typing as npt

from .arrays import Rows, Scores, mapped_array
from .chunk import Chunk
from .sorted_words import SortedWords, in_byte_order, write_sorted_words
from .text import term_of, words

FIELDS = ("title", "headings", "body")
TF_MAX = 65535


@dataclass(frozen=True, slots=True)
class Bm25:
    """Parameters of the formula above; they act when a question is asked, so changing them rebuilds nothing."""

    k1: float = 1.2
    weights: tuple[float, ...] = (3.0, 2.0, 1.0)  # of FIELDS
    b: tuple[float, ...] = (0.5, 0.5, 0.75)


class _Postings:
    """The growing postings of one field: (term number, row, frequency) triples and the length of each row."""

    def __init__(self) -> None:
        self.terms, self.rows, self.tf, self.lengths = array("I"), array("I"), array("H"), array("I")

    def add(self, row: int, counts: Mapping[int, int]) -> None:
        self.terms.extend(counts.keys())
        self.rows.extend([row] * len(counts))
        self.tf.extend(min(count, TF_MAX) for count in counts.values())
        self.lengths.append(sum(counts.values()))

    def save(self, directory: Path, field: str, rank: npt.NDArray[np.uint32]) -> None:
        """Writes the field's files, terms renumbered by `rank` (their place in sorted order)."""
        numbers = rank[np.frombuffer(self.terms, dtype=np.uint32)] if self.terms else np.zeros(0, np.uint32)
        order = np.argsort(numbers, kind="stable")  # rows were added in order, so they stay ascending within a term
        indptr = np.zeros(len(rank) + 1, dtype=np.uint64)
        indptr[1:] = np.cumsum(np.bincount(numbers, minlength=len(rank)))
        np.save(directory / f"{field}.indptr.npy", indptr)
        np.save(
            directory / f"{field}.rows.npy", np.frombuffer(self.rows, dtype=np.uint32)[order] if self.rows else numbers
        )
        np.save(directory / f"{field}.tf.npy", np.asarray(self.tf, dtype=np.uint16)[order])
        np.save(directory / f"{field}.lengths.npy", np.asarray(self.lengths, dtype=np.uint32))


def write_lexical(directory: Path, chunks: Iterable[Chunk]) -> None:
    """Writes the lexical statistics of the chunks, in row order."""
    numbers: dict[str, int] = {}
    spellings: Counter[str] = Counter()
    fields = {field: _Postings() for field in FIELDS}
    df: Counter[int] = Counter()
    for row, chunk in enumerate(chunks):
        seen: set[int] = set()
        for field, text in zip(FIELDS, (chunk.title, "\n".join(chunk.headings), chunk.content), strict=True):
            counts: Counter[int] = Counter()
            for word in words(text):
                if term := term_of(word.folded):
                    counts[numbers.setdefault(term, len(numbers))] += 1
                    spellings[word.folded] += 1
            fields[field].add(row, counts)
            seen |= counts.keys()
        df.update(seen)

    in_order, rank = in_byte_order(numbers)
    for field, postings in fields.items():
        postings.save(directory, field, rank)
    np.save(directory / "df.npy", np.array([df[numbers[term]] for term in in_order], dtype=np.uint32))
    write_sorted_words(directory, "terms", in_order)
    spelled = sorted(spellings, key=lambda word: word.encode())
    write_sorted_words(directory, "words", spelled)
    np.save(directory / "words.counts.npy", np.array([spellings[word] for word in spelled], dtype=np.uint32))


class LexicalIndex:
    """The lexical statistics of one generation, memory-mapped; questions may come from several threads."""

    def __init__(self, directory: Path, bm25: Bm25 | None = None) -> None:
        self.bm25 = bm25 or Bm25()
        self.terms = SortedWords(directory, "terms")
        self.words = SortedWords(directory, "words")
        self.word_counts: npt.NDArray[np.uint32] = mapped_array(directory / "words.counts.npy")
        self._df: npt.NDArray[np.uint32] = mapped_array(directory / "df.npy")
        self._postings = [
            tuple(mapped_array(directory / f"{f}.{part}.npy") for part in ("indptr", "rows", "tf")) for f in FIELDS
        ]
        self._lengths = [mapped_array(directory / f"{field}.lengths.npy") for field in FIELDS]
        self.size = len(self._lengths[0])
        self._factors = [
            _length_factors(length, weight, b)
            for length, weight, b in zip(self._lengths, self.bm25.weights, self.bm25.b, strict=True)
        ]
        self._scratch = local()
        self.idf = lru_cache(maxsize=4096)(self._idf)

    def _idf(self, term: str) -> float:
        """The idf of a term; of one the index does not hold, that of df = 0."""
        number = self.terms.find(term)
        return idf(self.size, 0 if number is None else int(self._df[number]))

    def scores(self, weighted_terms: Mapping[str, float]) -> tuple[Rows, Scores]:
        """Rows that hold at least one of the terms, ascending, and their scores; (m,) int64 and (m,) float32."""
        total, x, touched = self._buffers()
        found: list[Rows] = []
        for term in sorted(weighted_terms):  # one order of additions, so that a score has the same bits every time
            number = self.terms.find(term)
            if number is None:
                continue
            rows = self._weigh(number, x)
            weighed = x[rows]
            x[rows] = 0
            found.append(rows[~touched[rows]])
            touched[rows] = True
            total[rows] += np.float32(weighted_terms[term] * self.idf(term)) * (
                weighed / (np.float32(self.bm25.k1) + weighed)
            )
        rows = np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
        scores = total[rows]
        total[rows], touched[rows] = 0, False
        return rows, scores

    @property
    def body_lengths(self) -> npt.NDArray[np.uint32]:
        """Terms in the body of each chunk, (rows,) uint32."""
        return self._lengths[FIELDS.index("body")]

    def body_postings(self, term: str) -> tuple[Rows, npt.NDArray[np.uint32]]:
        """The rows whose body holds the term, ascending, and how often."""
        number = self.terms.find(term)
        if number is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint32)
        indptr, rows, tf = self._postings[FIELDS.index("body")]
        begin, end = int(indptr[number]), int(indptr[number + 1])
        return rows[begin:end].astype(np.int64), tf[begin:end]

    def _weigh(self, number: int, x: Scores) -> Rows:
        """Adds the weighted, length-normalised frequencies of one term to `x`; returns the rows it stands in."""
        parts: list[Rows] = []
        for (indptr, field_rows, tf), factors in zip(self._postings, self._factors, strict=True):
            begin, end = int(indptr[number]), int(indptr[number + 1])
            if begin < end:
                rows = field_rows[begin:end].astype(np.int64)
                parts.append(rows[x[rows] == 0])
                x[rows] += tf[begin:end] * factors[rows]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _buffers(self) -> tuple[Scores, Scores, npt.NDArray[np.bool_]]:
        """This thread's arrays over all rows, all zero between questions: only touched rows are ever written."""
        if not hasattr(self._scratch, "buffers"):
            self._scratch.buffers = (
                np.zeros(self.size, np.float32),
                np.zeros(self.size, np.float32),
                np.zeros(self.size, np.bool_),
            )
        buffers: tuple[Scores, Scores, npt.NDArray[np.bool_]] = self._scratch.buffers
        return buffers


def idf(size: int, df: int) -> float:
    """ln(1 + (N − df + 0.5) / (df + 0.5)) of a term that stands in df of N chunks or articles."""
    return float(np.log1p((size - df + 0.5) / (df + 0.5)))


def top_rows(rows: Rows, scores: Scores, k: int) -> tuple[Rows, Scores]:
    """The k best of ascending `rows`, best first, equal scores by row: exact, so top 5 is a prefix of top 10."""
    if len(rows) > k:
        # argpartition of the negated scores: on mostly small positive numbers it is 20 times faster than of the scores
        threshold = -np.partition(-scores, k - 1)[k - 1]
        above = scores >= threshold
        rows, scores = rows[above], scores[above]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


def _length_factors(lengths: npt.NDArray[np.uint32], weight: float, b: float) -> Scores:
    """w / (1 − b + b · length / average length) a row, (rows,) float32."""
    average = float(lengths.mean()) if len(lengths) and lengths.any() else 1.0
    factors: Scores = (weight / (1 - b + b * lengths.astype(np.float32) / average)).astype(np.float32)
    return factors


def question_terms(texts: Sequence[str]) -> dict[str, float]:
    """Terms of a question, each with weight 1."""
    return {term: 1.0 for text in texts for word in words(text) if (term := term_of(word.folded))}
