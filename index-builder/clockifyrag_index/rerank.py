"""Rerank: the best passages of a search compared with the question once more, by something slower and better.

    ranking ─ its best CANDIDATES passages ─► Reranker ─ a score each ─► mixed ─ grouped by article ─► order

    mixed = (1 − w) · score + w · reranked         w: RERANK_SHARE; what was not compared has reranked = 0

The candidates do not depend on how many results are wanted, they are the best there are, and no score is below 0: so an
article without one stays behind those that have any, and the first five of ten stay the first ten's first five.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from .arrays import Numbers, Scores
from .errors import SkipReason
from .ranked import ByArticle, Compared, Ranked
from .relevance import Curve

CANDIDATES = 20  # passages that are compared, where nothing else is said
RERANK_SHARE = 0.5  # w: chosen on the judged questions, docs/quality.md


class Reranker(Protocol):
    """Compares a question with passages; several threads may ask at once."""

    @property
    def curve(self) -> Curve:
        """What its scores say of relevance."""

    def scores(self, question: str, passages: Sequence[str], timeout_seconds: float) -> Scores:
        """(len(passages),) float32 between 0 and 1; a passage has the same score in whatever company it comes.

        A passage's first line is its title and headings. RerankSkipped where there is no answer in time; an
        EmbedderError where a model fails.
        """

    def close(self) -> None:
        """Gives connections and memory back."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """What became of a wish to rerank."""

    used: bool
    reason: SkipReason | None  # why not; None too where nothing was found that could be compared
    milliseconds: float


def compared(ranked: Ranked, articles: Numbers, places: Sequence[int], scores: Scores) -> Ranked:
    """The ranking with these scores of the passages at these places; articles: the number of each row's."""
    reranked = np.full(len(ranked.rows), np.nan, dtype=np.float32)
    reranked[list(places)] = scores
    found = Compared(ranked.scores, reranked, RERANK_SHARE)
    mixed = found.mixed
    return replace(ranked, scores=mixed, articles=ByArticle(articles, mixed), compared=found)


def mixed_curve(first: Curve, second: Curve) -> Curve:
    """What a mixed score says of relevance: where both are as likely beside the point as not, so is their mix."""
    w = RERANK_SHARE
    return Curve(
        even_at=(1 - w) * first.even_at + w * second.even_at,
        steepness=(1 - w) * first.steepness + w * second.steepness,
    )
