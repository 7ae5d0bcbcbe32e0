"""Pruned: the best rows of a question with very many postings, without adding up all of them.

    terms by their highest impact, highest first: added up until what is left over could not lift a new row among the k
    best; then only the rows found so far that still could be among them are looked up in the terms left over

MaxScore of Turtle and Flood, "Query evaluation: strategies and optimizations" (1995), terms taken in groups. Exact:
the scores of the rows that remain are added up anew in the order of the sorted terms, so they have the bits of Totals.
"""

from collections.abc import Sequence

import numpy as np

from .arrays import Rows, Scores
from .top import distinct, kth_best, sorted_best
from .totals import ABOVE_ZERO, Postings, concatenated_rows, looked_up, parted

PRUNED_FROM = 50_000  # postings: of fewer, adding them up is done sooner than thinking about them
POSTINGS_FIRST = 4096  # in the first group of terms
SLACK = 1e-5  # part of a score by which sums in another order may differ, a hundred times over


def pruned_top(postings: Sequence[Postings], total: Scores, k: int) -> tuple[Rows, Scores]:
    """The k best rows, best first, equal scores by row. total: zeros for every row, and so again at the end."""
    by_impact = sorted(postings, key=lambda one: -one.highest)
    later = sum(one.highest for one in by_impact)  # what the terms not yet added up could give a row
    touched: list[Rows] = []
    reached, added, begin = 0.0, 0, 0  # `reached`: a score that k rows have already
    while begin < len(by_impact) and later >= reached * (1 - SLACK):
        group = _group(by_impact[begin:], max(POSTINGS_FIRST, added // 2))
        rows = concatenated_rows(group)
        np.add.at(total, rows, np.concatenate([one.impacts for one in group]))
        touched.append(rows)
        reached = max(reached, *(float(kth_best(total[one], k)) for one in parted(rows, group) if len(one) >= k), 0.0)
        begin, added = begin + len(group), added + len(rows)
        later = sum(one.highest for one in by_impact[begin:])
    rows = np.concatenate(touched)
    rows_left = distinct(rows[(total[rows] >= _bound(reached, later)).nonzero()[0]])
    scores = total[rows_left]
    total[rows] = 0
    for place, one in enumerate(by_impact[begin:], begin + 1):
        scores = scores + looked_up([one], rows_left)
        if len(rows_left) > k:
            later = sum(other.highest for other in by_impact[place:])
            reached = max(reached, float(kth_best(scores, k)))
            left = (scores >= _bound(reached, later)).nonzero()[0]
            rows_left, scores = rows_left[left], scores[left]
    return sorted_best(rows_left, looked_up(postings, rows_left), k)


def _group(postings: Sequence[Postings], postings_max: int) -> Sequence[Postings]:
    """The first of the terms, as many as hold so many postings, at least one."""
    lengths = np.cumsum([len(one.impacts) for one in postings])
    return postings[: max(1, int(np.searchsorted(lengths, postings_max, side="right")))]


def _bound(reached: float, later: float) -> float:
    """What a row must have by now to be among the best in the end."""
    return max(reached * (1 - SLACK) - later, ABOVE_ZERO)
