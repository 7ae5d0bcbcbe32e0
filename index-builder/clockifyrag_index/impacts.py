"""Impacts: what each posting adds to a score, worked out once from what the fields hold.

    passage   idf(t) · x / (k1 + x),   x = Σ over fields f of  w_f · tf(t, c, f) / (1 − b_f + b_f · |c.f| / average |f|)
    article   idf(t) · tf / (tf + k1 · (1 − b + b · |a| / average |a|)),   tf and |a| over the bodies of its passages
    idf(t)    ln(1 + (N − df(t) + 0.5) / (df(t) + 0.5)),   df(t) of N passages (articles) hold t

BM25F of Zaragoza et al., "Microsoft Cambridge at TREC-13" (2004), with the idf and without the constant (k1 + 1) of
Lucene's BM25Similarity; with the body alone it is the "lucene" variant of Kamphuis et al., "Which BM25 Do You Mean?"
(ECIR 2020). Eager scores as in bm25s (Lù, 2024, arXiv 2407.03618): a question only adds them up. idf is positive, so
every passage that holds a term scores above 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .arrays import Scores, mapped_array
from .top import first_of_equal

FIELDS = ("title", "headings", "body")
BODY = FIELDS.index("body")
POSTINGS_AT_ONCE = 1 << 20  # bounds the memory of working them out; one term's are never parted


@dataclass(frozen=True, slots=True)
class Bm25:
    """Parameters of the formula for passages."""

    k1: float = 1.2
    weights: tuple[float, ...] = (3.0, 2.0, 1.0)  # of FIELDS
    b: tuple[float, ...] = (0.5, 0.5, 0.75)

    def record(self) -> dict[str, object]:
        """As it stands in the manifest."""
        return {"k1": self.k1, "weights": list(self.weights), "b": list(self.b)}


ARTICLE_K1, ARTICLE_B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Field:
    """The postings of one field: those of term t are indptr[t]:indptr[t + 1]."""

    indptr: npt.NDArray[np.uint64]  # (terms + 1,)
    rows: npt.NDArray[np.uint32]  # ascending within a term
    tf: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.uint32]  # (rows,): terms in the field


class TermBlock(NamedTuple):
    """The impacts of terms that follow each other, term after term."""

    df: npt.NDArray[np.int64]  # (terms of the block,): postings of each
    rows: npt.NDArray[np.uint32]  # ascending within a term; numbers of articles at their level
    impacts: Scores


def mapped_fields(directory: Path) -> tuple[Field, ...]:
    """The files of FIELDS, mapped."""
    return tuple(
        Field(*(mapped_array(directory / f"{name}.{part}.npy") for part in ("indptr", "rows", "tf", "lengths")))
        for name in FIELDS
    )


def passage_impacts(fields: Sequence[Field], bm25: Bm25) -> Iterator[TermBlock]:
    """The impacts of all terms on passages, in blocks; fields: those of FIELDS."""
    size = len(fields[BODY].lengths)
    factors = [
        _length_factors(field.lengths, weight, b) for field, weight, b in zip(fields, bm25.weights, bm25.b, strict=True)
    ]
    for terms in _term_blocks(np.sum([field.indptr.astype(np.int64) for field in fields], axis=0)):
        parts = [_postings(field, terms) for field in fields]
        keys = np.concatenate([keys for keys, _, _ in parts])
        x = np.concatenate([tf * factor[rows] for (_, rows, tf), factor in zip(parts, factors, strict=True)])
        if sum(len(keys) > 0 for keys, _, _ in parts) > 1:
            order = np.argsort(keys, kind="stable")  # merges what is sorted already, fields of one passage in order
            keys, x = keys[order], x[order]
        begins = _begins(keys)
        x = np.add.reduceat(x, begins) if len(begins) else x
        saturated: Scores = np.divide(x, x + np.float32(bm25.k1), dtype=np.float32)
        yield _block(keys[begins], saturated, terms, size)


def article_impacts(body: Field, article_of: npt.NDArray[np.integer], articles: int) -> Iterator[TermBlock]:
    """The impacts of all terms on articles, in blocks; article_of: (rows,), ascending, the article of each passage."""
    lengths = np.bincount(article_of, weights=body.lengths, minlength=articles)
    norms: Scores = (ARTICLE_K1 * _length_norms(lengths, ARTICLE_B)).astype(np.float32)
    for terms in _term_blocks(body.indptr.astype(np.int64)):
        keys, rows, tf = _postings(body, terms)
        keys = (keys >> 32 << 32) | article_of[rows]
        begins = _begins(keys)
        keys, tf = keys[begins], np.add.reduceat(tf, begins) if len(begins) else tf
        saturated: Scores = tf / (tf + norms[keys & 0xFFFFFFFF])
        yield _block(keys, saturated, terms, articles)


def highest_impacts(block: TermBlock) -> npt.NDArray[np.float32]:
    """The highest impact of each term of the block, 0 for one without postings."""
    highest = np.zeros(len(block.df), dtype=np.float32)
    held = block.df > 0
    begins = np.cumsum(block.df) - block.df
    if held.any():
        highest[held] = np.maximum.reduceat(block.impacts, begins[held])
    return highest


def idf(size: int, df: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """ln(1 + (N − df + 0.5) / (df + 0.5)) of terms that stand in df of N passages or articles."""
    held = np.asarray(df, dtype=np.float64)
    result: npt.NDArray[np.float64] = np.log1p((size - held + 0.5) / (held + 0.5))
    return result


def _block(keys: npt.NDArray[np.int64], saturated: Scores, terms: range, size: int) -> TermBlock:
    """keys: place of the term in the block × 2³² + row."""
    of_term = keys >> 32
    df = np.bincount(of_term, minlength=len(terms))
    return TermBlock(df, keys.astype(np.uint32), idf(size, df).astype(np.float32)[of_term] * saturated)


def _postings(field: Field, terms: range) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Scores]:
    """Keys, rows and frequencies of the terms in a field."""
    indptr = field.indptr[terms.start : terms.stop + 1].astype(np.int64)
    rows = field.rows[indptr[0] : indptr[-1]].astype(np.int64)
    keys = np.repeat(np.arange(len(terms), dtype=np.int64) << 32, np.diff(indptr)) | rows
    return keys, rows, field.tf[indptr[0] : indptr[-1]].astype(np.float32)


def _term_blocks(indptr: npt.NDArray[np.int64]) -> Iterator[range]:
    """Ranges of terms of about POSTINGS_AT_ONCE postings each."""
    start, terms = 0, len(indptr) - 1
    while start < terms:
        stop = int(np.searchsorted(indptr, indptr[start] + POSTINGS_AT_ONCE, side="right")) - 1
        stop = min(max(stop, start + 1), terms)
        yield range(start, stop)
        start = stop


def _begins(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places where a key is not the one before it."""
    begins: npt.NDArray[np.int64] = first_of_equal(keys).nonzero()[0]
    return begins


def _length_norms(lengths: npt.NDArray[np.number], b: float) -> npt.NDArray[np.float32]:
    """1 − b + b · length / average length."""
    average = float(lengths.mean()) if len(lengths) and lengths.any() else 1.0
    norms: npt.NDArray[np.float32] = 1 - b + b * lengths.astype(np.float32) / np.float32(average)
    return norms


def _length_factors(lengths: npt.NDArray[np.uint32], weight: float, b: float) -> Scores:
    """w / (1 − b + b · length / average length) a row, (rows,) float32."""
    factors: Scores = (weight / _length_norms(lengths, b)).astype(np.float32)
    return factors
