"""Totals: the impacts of a question's terms added up, and the best of them.

    postings ─► total[row] += impact ─► a bound that k rows reach ─► rows at or above it ─► sorted, cut to k

The bound is the k-th best total among the rows of one term, the rarest of those that stand in k rows: so nothing but
the rows of the question's terms is looked at, and of those hardly any are sorted.
"""

from collections.abc import Sequence
from itertools import accumulate
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .arrays import Rows, Scores
from .row_list import RowList
from .top import distinct, kth_best, sorted_best

# Up to here an array of zeros made for each question costs less than cleaning up an old one.
FRESH_MAX = 1 << 16

ABOVE_ZERO = float(np.finfo(np.float32).tiny)


class Postings(NamedTuple):
    """Where a term stands and what it adds there, parallel."""

    rows: RowList
    impacts: Scores
    highest: float  # of the impacts


class Totals:
    """The scores of all rows that hold a term of the question.

    A context: at its end a large array is given back, and scores are looked up in the postings from then on.
    """

    def __init__(self, postings: Sequence[Postings], size: int, scratch: list[Scores]) -> None:
        """scratch: arrays of `size` zeros, float32, to take one from and to give it back to."""
        self._postings = postings
        self._scratch = scratch
        self._fresh = size <= FRESH_MAX
        self._total = np.zeros(size, np.float32) if self._fresh else zeros(size, scratch)
        self._open = True
        self.rows = concatenated_rows(postings)  # of every posting: a row stands there once for each of its terms
        if postings:
            np.add.at(self._total, self.rows, np.concatenate([one.impacts for one in postings]))

    def __enter__(self) -> "Totals":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._fresh:
            self._open = False
            self._total[self.rows] = 0
            self._scratch.append(self._total)
            del self._total

    @property
    def terms(self) -> int:
        """Terms of the question that stand somewhere: so often a row stands in `rows` at most."""
        return len(self._postings)

    def of(self, rows: npt.NDArray[np.integer]) -> Scores:
        """The score of each of the rows, 0 where no term stands; (len(rows),) float32."""
        return self._total[rows] if self._open else looked_up(self._postings, rows)

    def top(self, k: int) -> tuple[Rows, Scores]:
        """The k best rows, best first, equal scores by row: exact, so the top 5 is a prefix of the top 10.

        Only before the end of the `with` block.
        """
        bound = max(self._reached(k), ABOVE_ZERO)
        if self._fresh:
            rows = (self._total >= bound).nonzero()[0]
        else:
            rows = distinct(self.rows[(self._total[self.rows] >= bound).nonzero()[0]])
        return sorted_best(rows, self._total[rows], k)

    def _reached(self, k: int) -> float:
        """A score that at least k rows reach; 0 where none is known."""
        long_enough = [one for one in self._postings if len(one.impacts) >= k]
        if not long_enough:
            return 0.0
        rarest = min(long_enough, key=lambda one: len(one.impacts))
        return float(kth_best(self._total[rarest.rows.whole()], k))


def zeros(size: int, scratch: list[Scores]) -> Scores:
    """One of the arrays that are free, else a new one; (size,) float32."""
    try:
        return scratch.pop()
    except IndexError:
        return np.zeros(size, np.float32)


def looked_up(postings: Sequence[Postings], rows: npt.NDArray[np.integer]) -> Scores:
    """The sums of the impacts on the rows, found in the postings: the same additions in the same order as in Totals."""
    total = np.zeros(len(rows), np.float32)
    for one in postings:
        places, held = one.rows.places(rows)
        total += np.where(held, one.impacts[places], np.float32(0))
    return total


def concatenated_rows(postings: Sequence[Postings]) -> Rows:
    """The rows of all of them, one after the other."""
    if postings and postings[0].rows.blocks is None:  # none of an index has blocks then
        return np.concatenate([one.rows.low for one in postings], dtype=np.int64, casting="unsafe")
    rows = np.empty(sum(len(one.impacts) for one in postings), np.int64)
    for one, part in zip(postings, parted(rows, postings), strict=True):
        one.rows.write(part)
    return rows


def parted(rows: Rows, postings: Sequence[Postings]) -> list[Rows]:
    """The part of concatenated rows that each of them has."""
    ends = list(accumulate(len(one.impacts) for one in postings))
    return [rows[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
