"""Relevance: a mixed score → a number a person can read, and whether to trust the best one.

    relevance = 1 / (1 + exp(−steepness · (score − even_at)))

A logistic curve (Platt: "Probabilistic Outputs for Support Vector Machines", 1999) for each model, as cosines of one
model are not those of another; it grows with the score, so it never changes an order. It is set on the judged questions
of the sample corpus: where articles are as likely beside the point as not, and so that the bound of confidence flags at
most one in twenty of the questions that have an answer (docs/quality.md). It is not fitted to any other corpus.
"""

from dataclasses import dataclass
from math import exp

CONFIDENT_FROM = 0.35  # a best hit with less is doubtful


@dataclass(frozen=True, slots=True)
class Curve:
    """even_at: the mixed score whose relevance is one half. steepness: of the curve around it, above 0."""

    even_at: float = 0.42
    steepness: float = 12.0

    def relevance(self, score: float) -> float:
        """Between 0 and 1."""
        return 1 / (1 + exp(-self.steepness * (score - self.even_at)))


CURVES = {"wordllama": Curve(even_at=0.25)}


def curve_of(model: str) -> Curve:
    """The curve of a model's mix; that of all-minilm for one nobody has measured."""
    return CURVES.get(model, Curve())


def relevance(score: float, curve: Curve | None) -> float:
    """Between 0 and 1: of a mixed score by its curve; without one, of words alone or of ranks, the score itself."""
    return curve.relevance(score) if curve else min(score, 1.0)  # float32 may add two shares up to a little more


def is_confident(best: float) -> bool:
    """Whether the best hit's relevance says that the question is answered."""
    return best >= CONFIDENT_FROM
