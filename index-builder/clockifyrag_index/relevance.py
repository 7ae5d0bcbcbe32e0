"""Relevance: a mixed score → a number a person can read, and whether to trust the best one.

    relevance = 1 / (1 + exp(−steepness · (score − even_at)))

A logistic curve (Platt: "Probabilistic Outputs for Support Vector Machines", 1999) for each model, as cosines of one
model are not those of another; it grows with the score, so it never changes an order. It is set on the judged questions
of the sample corpus: where articles are as likely beside the point as not, and so that the bound of confidence flags at
most one in twenty of the questions that have an answer (docs/quality.md). It is not fitted to any other corpus.

A passage of the right field is near every question of that field, whether it answers it or not: where a model has a
measured `Trust`, the best one is doubted sooner the fewer words of the question it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

CONFIDENT_FROM = 0.35  # a best hit with less is doubtful


@dataclass(frozen=True, slots=True)
class Trust:
    """score · (1 − words · (1 − coverage)) ≥ least. words: how much of a score is due to coverage, 0 to 1."""

    words: float
    least: float

    def holds(self, score: float, coverage: float) -> bool:
        """coverage: 0 to 1, the share of the question's words, by idf, that the passage or its headings hold."""
        return score * (1 - self.words * (1 - coverage)) >= self.least


@dataclass(frozen=True, slots=True)
class Curve:
    """even_at: the mixed score whose relevance is one half. steepness: of the curve around it, above 0. trust: in the
    best passage; None: as much as its relevance says.
    """

    even_at: float = 0.42
    steepness: float = 12.0
    trust: Trust | None = None

    def relevance(self, score: float) -> float:
        """Between 0 and 1."""
        return 1 / (1 + exp(-self.steepness * (score - self.even_at)))


ALL_MINILM = Curve(trust=Trust(words=0.7, least=0.15))
CURVES = {"wordllama": Curve(even_at=0.25)}


def curve_of(model: str) -> Curve:
    """The curve of a model's mix; that of all-minilm for one nobody has measured."""
    return CURVES.get(model, ALL_MINILM)


def relevance(score: float, curve: Curve | None) -> float:
    """Between 0 and 1: of a mixed score by its curve; without one, of words alone or of ranks, the score itself."""
    return curve.relevance(score) if curve else min(score, 1.0)  # float32 may add two shares up to a little more


def is_confident(score: float, curve: Curve | None, coverage: Callable[[], float]) -> bool:
    """Whether the best passage's mixed score says that the question is answered. coverage: as `Trust` takes it."""
    if curve and curve.trust:
        return curve.trust.holds(score, coverage())
    return relevance(score, curve) >= CONFIDENT_FROM
