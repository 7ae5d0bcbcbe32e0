"""Fusion: what is known of a passage and of its article → one score between 0 and 1.

    dense   = (1 − a) · cos(question, passage)       + a · cos(question, article)
    lexical = (1 − a) · BM25(question, passage)/max  + a · BM25(question, article)/max
    convex: score = w · dense + (1 − w) · lexical
    rrf:    score = w · r(dense) + (1 − w) · r(lexical)     r = 61 / (60 + rank in that leg), 0 where the score is 0

Calibrated means: between 0 and 1 and the same for the same match, whatever else was found: negative cosines count as 0,
and a BM25 score is taken as a share of the highest it could be for these terms, so that a question of which the index
knows few words scores low. Bruch, Gai, Ingber ("An Analysis of Fusion Functions for Hybrid Retrieval", 2022, arXiv
2210.11934) find the convex mix better than reciprocal ranks; ours are compared in docs/decisions/0003-convex-fusion.md.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from clockifyrag_resource.profiles import model_profile

from .arrays import Scores

FusionMethod = Literal["convex", "rrf"]
RRF_K = 60  # Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion" (SIGIR 2009)


@dataclass(frozen=True, slots=True)
class Fusion:
    """How two legs become one; their weights need not sum to 1, they are scaled to it."""

    method: FusionMethod = "convex"
    dense_weight: float = 0.65
    lexical_weight: float = 0.35
    article_share: float = 0.3  # a: of the whole article beside the passage, in both legs

    @classmethod
    def of_model(cls, model: str) -> Self:
        """The mix that the measurements favour for a model: what a static one says of meaning is worth less."""
        share = model_profile(model).dense_share
        return cls(dense_weight=share, lexical_weight=1 - share)

    @property
    def dense_share(self) -> float:
        """w: the dense leg's part of the mix, between 0 and 1."""
        return self.dense_weight / (self.dense_weight + self.lexical_weight)

    def with_article(self, passages: Scores, articles: Scores) -> Scores:
        """A leg's scores of passages mixed with those of their articles, (n,) float32 each."""
        share = np.float32(self.article_share)
        return (1 - share) * passages + share * articles


def calibrated_dense(cosines: Scores) -> Scores:
    """Cosines as scores between 0 and 1, (n,) float32."""
    return _cut(cosines)


def calibrated_lexical(scores: Scores, bound: float) -> Scores:
    """BM25 scores as a share of `bound`, the highest that the question's terms allow; (n,) float32."""
    return _cut(scores / np.float32(bound)) if bound > 0 else np.zeros_like(scores)


def _cut(scores: Scores) -> Scores:
    """The scores, none below 0 or above 1; (n,) float32."""
    # for a few hundred np.clip takes several times as long
    return np.minimum(np.maximum(scores, 0), 1)


def reciprocal_ranks(scores: Scores, among: Scores | None = None) -> Scores:
    """(RRF_K + 1) / (RRF_K + rank) for each score, 0 where the score is 0; (n,) float32.

    rank: 1 and how many `among` (unset: these scores themselves) are higher. Equal scores share it, so that a passage
    which is no worse in either leg is never below.
    """
    ascending = np.sort(scores if among is None else among)
    ranks = 1 + len(ascending) - np.searchsorted(ascending, scores, side="right")
    return np.where(scores > 0, (RRF_K + 1) / (RRF_K + ranks), 0).astype(np.float32)


def reciprocal_rank(score: float, among: Scores) -> float:
    """The same for one score."""
    higher = int(np.count_nonzero(among > np.float32(score)))
    return (RRF_K + 1) / (RRF_K + 1 + higher) if score > 0 else 0.0


def fused(dense: Scores, lexical: Scores, fusion: Fusion, among: tuple[Scores, Scores] | None = None) -> Scores:
    """One score a passage between 0 and 1 from its calibrated scores in both legs, (n,) float32.

    among: the dense and the lexical scores of all that is ranked, where these passages are not all of it.
    """
    share = np.float32(fusion.dense_share)
    if fusion.method == "rrf":
        dense_among, lexical_among = among or (dense, lexical)
        dense, lexical = reciprocal_ranks(dense, dense_among), reciprocal_ranks(lexical, lexical_among)
    return share * dense + (1 - share) * lexical
