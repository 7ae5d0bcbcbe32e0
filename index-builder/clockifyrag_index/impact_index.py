"""ImpactIndex: the impacts of one level, passages or articles, added up for the terms of a question.

Only the postings of its terms are touched. A score is the float32 sum of its terms' impacts in the order of the sorted
terms, so that it has the same bits every time, in every process and thread, and whatever else is asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import pruned, totals
from .arrays import Rows, Scores, mapped_array
from .impacts import TermBlock, highest_impacts, idf
from .row_list import RowList
from .totals import Postings, Totals

TERMS_REMEMBERED = 8192
PARTS, BLOCK_PARTS = ("indptr", "rows", "impacts", "highest"), ("blocks", "block_ends")  # of ImpactArrays


class ImpactIndex:
    """The impacts of one level of one generation; questions may come from several threads."""

    def __init__(self, number_of: Callable[[str], int | None], size: int, arrays: "ImpactArrays") -> None:
        """number_of: of a term, None of one the generation does not hold. size: passages or articles there are."""
        self.size = size
        self._scratch: list[Scores] = []  # arrays of zeros that no question uses at the moment
        # Not of bound methods: a cycle would keep the files of a generation that is closed mapped for minutes.
        self.postings = lru_cache(maxsize=TERMS_REMEMBERED)(partial(_postings, number_of, arrays))
        self.idf = lru_cache(maxsize=TERMS_REMEMBERED)(partial(_idf, self.postings, size))

    def weighted(self, weighted_terms: Mapping[str, float]) -> list[Postings]:
        """The postings of the terms that stand somewhere, sorted by term, impacts times the weight of each."""
        found: list[Postings] = []
        for term in sorted(weighted_terms):
            postings = self.postings(term)
            if postings is not None:
                weight = weighted_terms[term]
                found.append(postings if weight == 1 else _scaled(postings, np.float32(weight)))
        return found

    def totals(self, weighted_terms: Mapping[str, float]) -> Totals:
        """The scores of everything that holds one of the terms, for as long as the `with` block lasts."""
        return Totals(self.weighted(weighted_terms), self.size, self._scratch)

    def top(self, weighted_terms: Mapping[str, float], k: int) -> tuple[Rows, Scores]:
        """The k best rows, best first, equal scores by row; fewer where fewer hold a term. Scores above 0."""
        postings = self.weighted(weighted_terms)
        count = sum(len(one.impacts) for one in postings)
        if postings and self.size > totals.FRESH_MAX and count >= pruned.PRUNED_FROM:
            total = totals.zeros(self.size, self._scratch)
            best = pruned.pruned_top(postings, total, k)
            self._scratch.append(total)
            return best
        with Totals(postings, self.size, self._scratch) as added_up:
            return added_up.top(k)


class ImpactArrays(NamedTuple):
    """The postings of term t are indptr[t]:indptr[t + 1]; `highest` has the highest impact of each term.

    rows: those of a RowList, so uint32 where they stand there whole. block_ends: where in `rows` each part of a term in
    one of `blocks` ends; both None where there are no blocks.
    """

    indptr: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
    impacts: Scores
    highest: Scores
    blocks: npt.NDArray[np.uint16] | None = None
    block_ends: npt.NDArray[np.uint64] | None = None

    def row_list(self, begin: int, end: int) -> RowList:
        """The rows of a term whose postings are begin:end."""
        if self.blocks is None or self.block_ends is None:
            return RowList(self.rows[begin:end])
        # of their own type: numpy would turn all the ends into floating-point numbers to compare them with an int
        first = int(self.block_ends.searchsorted(np.uint64(begin), side="right"))
        last = int(self.block_ends.searchsorted(np.uint64(end))) + 1
        ends = self.block_ends[first:last].astype(np.int64) - begin
        return RowList(self.rows[begin:end], self.blocks[first:last], ends)


def mapped_impacts(directory: Path, level: str) -> ImpactArrays:
    """The files of a level, mapped; a small index has none of blocks, nor has one of format 2."""
    parts = PARTS + BLOCK_PARTS if (directory / f"{level}.{BLOCK_PARTS[0]}.npy").exists() else PARTS
    return ImpactArrays(*(mapped_array(directory / f"{level}.{part}.npy") for part in parts))


def impacts_in_memory(blocks: Iterable[TermBlock]) -> ImpactArrays:
    """The same arrays, worked out now."""
    blocks = list(blocks)
    df = np.concatenate([np.zeros(1, dtype=np.int64), *(block.df for block in blocks)])
    return ImpactArrays(
        np.cumsum(df, dtype=np.uint64),
        np.concatenate([np.zeros(0, dtype=np.uint32), *(block.rows for block in blocks)]),
        np.concatenate([np.zeros(0, dtype=np.float32), *(block.impacts for block in blocks)]),
        np.concatenate([np.zeros(0, dtype=np.float32), *(highest_impacts(block) for block in blocks)]),
    )


def _postings(number_of: Callable[[str], int | None], arrays: ImpactArrays, term: str) -> Postings | None:
    """The postings of a term, mapped; None of one that stands nowhere."""
    number = number_of(term)
    if number is None:
        return None
    begin, end = int(arrays.indptr[number]), int(arrays.indptr[number + 1])
    if begin == end:
        return None
    return Postings(arrays.row_list(begin, end), arrays.impacts[begin:end], float(arrays.highest[number]))


def _idf(postings_of: Callable[[str], Postings | None], size: int, term: str) -> float:
    """The idf of a term; of one the index does not hold, that of df = 0."""
    postings = postings_of(term)
    return float(idf(size, len(postings.impacts) if postings else 0))


def _scaled(postings: Postings, weight: np.float32) -> Postings:
    return Postings(postings.rows, postings.impacts * weight, postings.highest * float(weight))
