"""Ranked: the passages that came into question, with their scores, grouped by article."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from .arrays import Numbers, Rows, Scores
from .fusion import FusionMethod, reciprocal_rank
from .top import first_of_equal

Source = Literal["semantic", "lexical", "hybrid"]
Told = float | int | str | None  # one entry of what is told with details


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows ascending; the arrays are parallel to them."""

    rows: Rows
    dense: Scores  # each leg's score between 0 and 1
    lexical: Scores
    scores: Scores  # of both
    articles: "ByArticle"  # places in `rows`
    dense_rank: npt.NDArray[np.int64]  # from 1; 0 where the leg did not propose the row
    lexical_rank: npt.NDArray[np.int64]
    unseen_best: float  # the highest score of the convex mix that a passage of any other article can have
    dense_share: float  # of the mix; the rest is the lexical leg's
    fusion: FusionMethod  # what made `scores` of both legs'
    compared: "Compared | None" = None  # None: nothing was compared once more

    def certain(self, k: int) -> bool:
        """Whether no other article could be among the first k."""
        if len(self.articles) < k:
            return self.unseen_best <= 0
        return float(self.scores[self.articles[k - 1][0]]) >= self.unseen_best

    def best(self, count: int) -> list[int]:
        """The places of at most so many passages with the highest scores above 0, best first, equal ones by row."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        places: list[int] = order[self.scores[order] > 0].tolist()
        return places

    def source(self, place: int) -> Source:
        """Which leg proposed the passage, or both: hybrid; the stronger leg where it came with its article only."""
        if self.dense_rank[place] and self.lexical_rank[place]:
            return "hybrid"
        if self.dense_rank[place] or self.lexical_rank[place]:
            return "semantic" if self.dense_rank[place] else "lexical"
        return "semantic" if self.dense[place] >= self.lexical[place] else "lexical"

    def calibrated(self, places: list[int]) -> Scores:
        """The convex mix of these passages' scores, whatever ranked them: the same for the same match."""
        share = np.float32(self.dense_share)
        mixed: Scores = share * self.dense[places] + (1 - share) * self.lexical[places]
        if self.compared is None:
            return mixed
        return replace(self.compared, before=mixed, reranked=self.compared.reranked[places]).mixed

    def explained(self, place: int) -> dict[str, Told]:
        """The numbers behind a passage's place: rank, score and weight of each leg, and the score of both.

        With the convex mix fused_score is the sum of both scores times their weights; with reciprocal ranks it is the
        sum of these, dense_reciprocal_rank and lexical_reciprocal_rank, times the weights.
        What a reranker says stands beside them, where there was one: mixed_score is then the sum of fused_score and
        rerank_score times their weights, which sum to 1.
        """
        score = round(float(self.scores[place]), 6)
        told: dict[str, Told] = {
            "fusion": self.fusion,
            "dense_rank": int(self.dense_rank[place]) or None,
            "dense_score": round(float(self.dense[place]), 6),
            "dense_weight": round(self.dense_share, 6),
            "lexical_rank": int(self.lexical_rank[place]) or None,
            "lexical_score": round(float(self.lexical[place]), 6),
            "lexical_weight": round(1 - self.dense_share, 6),
            "fused_score": score,
        }
        if self.fusion == "rrf":
            for name, leg in (("dense", self.dense), ("lexical", self.lexical)):
                told[f"{name}_reciprocal_rank"] = round(reciprocal_rank(float(leg[place]), leg), 6)
        return told | self.compared.explained(place) | {"mixed_score": score} if self.compared else told


@dataclass(frozen=True, slots=True)
class Compared:
    """What a reranker says of the passages; the arrays are parallel to the rows."""

    before: Scores  # of both legs
    reranked: Scores  # NaN where a passage was not compared
    share: float  # of `reranked` in the mix

    @property
    def mixed(self) -> Scores:
        """(n,) float32 between 0 and 1; what was not compared counts as 0 there."""
        share = np.float32(self.share)
        return (1 - share) * self.before + share * np.nan_to_num(self.reranked, nan=0.0)

    def explained(self, place: int) -> dict[str, Told]:
        """The score before, and the reranker's with its weight."""
        score = float(self.reranked[place])
        return {
            "fused_score": round(float(self.before[place]), 6),
            "rerank_score": None if np.isnan(score) else round(score, 6),
            "rerank_weight": round(self.share, 6),
        }


class ByArticle(Sequence[list[int]]):
    """Places by article, best article and best passage first, equal scores by row: sorted as far as they are looked at.

    An article's rows stand side by side, so articles with equal scores stand in the order of their rows, too.
    """

    def __init__(self, articles: Numbers, scores: Scores) -> None:
        """articles: the number of each row's article, ascending; scores: of each row."""
        self._scores = scores
        begins = first_of_equal(articles).nonzero()[0]
        best = np.maximum.reduceat(scores, begins) if len(begins) else scores
        self._order = np.argsort(-best, kind="stable")
        self._bounds = np.append(begins, len(articles))
        self._sorted: dict[int, list[int]] = {}  # by place: one article is looked at several times

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> list[int]: ...

    @overload
    def __getitem__(self, place: slice) -> list[list[int]]: ...

    def __getitem__(self, place: int | slice) -> list[int] | list[list[int]]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        inside = self._sorted.get(place)
        if inside is None:
            article = int(self._order[place])
            begin, end = int(self._bounds[article]), int(self._bounds[article + 1])
            inside = (begin + np.argsort(-self._scores[begin:end], kind="stable")).tolist()
            self._sorted[place] = inside
        return inside


def ranks(rows: Rows, proposed: Rows) -> npt.NDArray[np.int64]:
    """The place of each row among those a leg proposed, from 1; 0 where it is not among them.

    rows: ascending; proposed: each once, some of them perhaps not among the rows.
    """
    found = np.zeros(len(rows), dtype=np.int64)
    if len(rows):
        places = np.minimum(np.searchsorted(rows, proposed), len(rows) - 1)
        there = rows[places] == proposed
        found[places[there]] = np.arange(1, len(proposed) + 1)[there]
    return found
