"""Fusion: the scores of two legs → one score a chunk.

The default is a convex mix of calibrated scores, `w · dense + (1 − w) · lexical`, which beats reciprocal rank fusion in
and out of domain and needs one weight (Bruch, Gai, Ingber: "An Analysis of Fusion Functions for Hybrid Retrieval",
2022, arXiv 2210.11934). Calibrated means: between 0 and 1 and the same for the same match, whatever else was found.

- dense: the cosine, negative ones as 0;
- lexical: the BM25 score over the highest it could be for these terms, Σ weight · idf, so that a question of which the
  index knows few words scores low.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]

RRF_K = 60  # Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion" (SIGIR 2009)


@dataclass(frozen=True, slots=True)
class Fusion:
    """How two legs become one; the weights need not sum to 1, they are scaled to it."""

    method: Literal["convex", "rrf"] = "convex"
    dense_weight: float = 0.7
    lexical_weight: float = 0.3

    @property
    def dense_share(self) -> float:
        """The dense leg's part of the mix, between 0 and 1."""
        return self.dense_weight / (self.dense_weight + self.lexical_weight)


def calibrated_dense(cosines: Scores) -> Scores:
    """Cosines as scores between 0 and 1, (n,) float32."""
    return np.clip(cosines, 0, 1)


def calibrated_lexical(scores: Scores, bound: float) -> Scores:
    """BM25 scores as a share of `bound`, the highest a chunk could reach for the question's terms; (n,) float32."""
    return np.clip(scores / np.float32(bound), 0, 1) if bound > 0 else np.zeros_like(scores)


def reciprocal_ranks(scores: Scores) -> Scores:
    """(RRF_K + 1) / (RRF_K + rank) for each score, 0 where the score is 0; rank 1 is the highest, (n,) float32."""
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(scores), dtype=np.float32)
    ranks[order] = np.arange(1, len(scores) + 1, dtype=np.float32)
    return np.where(scores > 0, (RRF_K + 1) / (RRF_K + ranks), 0).astype(np.float32)


def fused(dense: Scores, lexical: Scores, fusion: Fusion) -> Scores:
    """One score a candidate between 0 and 1 from its calibrated scores in both legs, (n,) float32."""
    share = np.float32(fusion.dense_share)
    if fusion.method == "rrf":
        dense, lexical = reciprocal_ranks(dense), reciprocal_ranks(lexical)
    return share * dense + (1 - share) * lexical
