"""Writing the word statistics of a generation; lexical.py says which files and what for."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from itertools import chain, islice
from operator import ne
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .chunk import Chunk
from .garbage import seldom_collected
from .growing_array import GrowingArray
from .impacts import (
    BODY,
    FIELDS,
    Bm25,
    Field,
    TermBlock,
    article_impacts,
    highest_impacts,
    mapped_fields,
    passage_impacts,
)
from .lexical import ARTICLE_OF
from .row_list import halves, has_blocks
from .sorted_words import write_sorted_words
from .text import WORD, term_as_written
from .word_counts import WordCounts

PASSAGES_AT_ONCE = 1024  # with all their words in memory, some MB; for fewer, calls cost more than counting
_KINDS: dict[str, npt.DTypeLike] = {"rows": np.uint16, "impacts": np.float32, "highest": np.float32}
_BLOCK_KINDS: dict[str, npt.DTypeLike] = {"blocks": np.uint16, "block_ends": np.uint64}


class Passage(NamedTuple):
    """What of a passage is counted."""

    article: object  # equal for the passages of one article, which follow each other
    words: Sequence[Sequence[str]]  # of each of FIELDS, as written


def write_lexical(directory: Path, chunks: Iterable[Chunk], bm25: Bm25 | None = None) -> None:
    """Writes the word statistics of the chunks, in row order; they are iterated once, and few are kept at a time."""
    write_passages(directory, map(_passage, chunks), bm25 or Bm25())


def write_passages(
    directory: Path, passages: Iterable[Passage], bm25: Bm25, term: Callable[[str], str] = term_as_written
) -> None:
    """The same of words that are cut already; term: of a written word, "" for one that is not counted."""
    articles = _ArticleNumbers()
    with seldom_collected(), closing(WordCounts(directory, term)) as counts:
        remaining = iter(passages)
        while batch := list(islice(remaining, PASSAGES_AT_ONCE)):
            of_articles, words = zip(*batch, strict=True)
            articles.add(of_articles)
            counts.add(words)
        write_sorted_words(directory, "terms", counts.terms())
        spellings = counts.spellings()
        spelled = sorted(spellings)
        write_sorted_words(directory, "words", spelled)
        np.save(directory / "words.counts.npy", np.array([spellings[word] for word in spelled], dtype=np.uint32))
        for place, name in enumerate(FIELDS):
            _save(directory, name, counts.field(place))
    fields = mapped_fields(directory)
    article_of = articles.of_rows()
    count = int(article_of[-1]) + 1 if len(article_of) else 0
    write_impacts(directory, "passages", len(article_of), passage_impacts(fields, bm25))
    np.save(directory / ARTICLE_OF, article_of)
    write_impacts(directory, "articles", count, article_impacts(fields[BODY], article_of, count))


def write_impacts(directory: Path, level: str, size: int, impacts: Iterable[TermBlock]) -> None:
    """Writes the files of a level; size: passages or articles there are."""
    kinds = _KINDS | (_BLOCK_KINDS if has_blocks(size) else {})
    df: list[npt.NDArray[np.int64]] = []
    written = 0
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(GrowingArray(directory / f"{level}.{part}.npy", kind))
            for part, kind in kinds.items()
        }
        for terms in impacts:
            df.append(terms.df)
            blocks, low = halves(terms.rows)
            files["rows"].append(low)
            files["impacts"].append(terms.impacts)
            files["highest"].append(highest_impacts(terms))
            if has_blocks(size):
                ends = _part_ends(terms.df, blocks)
                files["blocks"].append(blocks[ends - 1])
                files["block_ends"].append(written + ends)
            written += len(blocks)
    indptr = np.cumsum(np.concatenate([np.zeros(1, dtype=np.int64), *df]), dtype=np.uint64)
    np.save(directory / f"{level}.indptr.npy", indptr)


def _part_ends(df: npt.NDArray[np.int64], blocks: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Where the rows of a term in one block end, each in turn; blocks: of each posting, term after term."""
    parts = (np.repeat(np.arange(len(df)), df) << 16) | blocks
    return np.flatnonzero(np.diff(parts, append=-1)) + 1


def _passage(chunk: Chunk) -> Passage:
    texts = (chunk.title, "\n".join(chunk.headings), chunk.content)
    return Passage((chunk.namespace, chunk.document_id), [WORD.findall(text) for text in texts])


def _save(directory: Path, name: str, field: Field) -> None:
    for part, array in (("indptr", field.indptr), ("rows", field.rows), ("tf", field.tf), ("lengths", field.lengths)):
        np.save(directory / f"{name}.{part}.npy", array)


class _ArticleNumbers:
    """The article of each row, counted from 0."""

    def __init__(self) -> None:
        self._begins: list[npt.NDArray[np.bool_]] = []  # whether a row is the first of an article
        self._last: object = object()  # equal to no other

    def add(self, articles: Sequence[object]) -> None:
        """The articles of the next rows."""
        before = chain([self._last], articles)
        self._begins.append(np.fromiter(map(ne, articles, before), np.bool_, len(articles)))
        self._last = articles[-1]

    def of_rows(self) -> npt.NDArray[np.uint32]:
        """(rows,) uint32."""
        return np.cumsum(np.concatenate([np.zeros(0, np.bool_), *self._begins]), dtype=np.uint32) - np.uint32(1)
