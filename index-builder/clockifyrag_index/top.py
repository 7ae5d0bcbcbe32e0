"""The best of scored rows: exact, equal scores by row, so that the top 5 is a prefix of the top 10."""

import numpy as np
import numpy.typing as npt

from .arrays import Rows, Scores


def top_rows(rows: Rows, scores: Scores, k: int) -> tuple[Rows, Scores]:
    """The k best of ascending `rows`, best first, equal scores by row."""
    if len(rows) > k:
        above = scores >= kth_best(scores, k)
        rows, scores = rows[above], scores[above]
    return sorted_best(rows, scores, k)


def top_of_repeated(rows: Rows, scores: Scores, k: int, times: int) -> tuple[Rows, Scores]:
    """The k best of rows in any order, each of which may stand there up to `times` times, with the same score."""
    if len(rows) > k * times:  # so many hold k different ones at least
        above = (scores >= kth_best(scores, k * times)).nonzero()[0]
        rows, scores = rows[above], scores[above]
    order = np.lexsort((rows, -scores))
    rows, scores = rows[order], scores[order]
    first = first_of_equal(rows)
    return rows[first][:k], scores[first][:k]


def sorted_best(rows: Rows, scores: Scores, k: int) -> tuple[Rows, Scores]:
    """The same by sorting all of them, for few."""
    order = np.argsort(-scores, kind="stable")[:k]
    return rows[order], scores[order]


def kth_best(scores: Scores, k: int) -> np.float32:
    """The k-th highest of the scores, of which there are at least k."""
    negated = -scores  # on mostly small positive numbers it is 20 times faster to part than the scores themselves
    negated.partition(k - 1)
    return np.float32(-negated[k - 1])


def distinct(rows: Rows) -> Rows:
    """The different ones of `rows`, ascending; `rows` itself gets sorted."""
    rows.sort()
    return rows[first_of_equal(rows)]


def first_of_equal(values: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Whether each is another than the one before it; (n,), the first always."""
    first = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first
