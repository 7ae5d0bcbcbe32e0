"""Relevance: a mixed score → a number a person can read, and whether to trust the best one.

    relevance = 1 / (1 + exp(−steepness · (score − even_at)))

A logistic curve (Platt: "Probabilistic Outputs for Support Vector Machines", 1999) for each model, as cosines of one
model are not those of another; it grows with the score, so it never changes an order. It is set on the judged questions
of the sample corpus: where articles are as likely beside the point as not, and so that the bound of confidence flags at
most one in twenty of the questions that have an answer (docs/quality.md). It is not fitted to any other corpus.

A passage of the right field is near every question of that field, whether it answers it or not: where a model has a
measured `Trust`, the best one is doubted sooner the fewer of the question's words it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

CONFIDENT_FROM = 0.35  # relevance; a best hit with less is doubtful, where there is no measured trust
DOUBTFUL_BELOW = 0.15  # relevance; a best hit with less is doubtful, whatever words it holds


@dataclass(frozen=True, slots=True)
class Trust:
    """In a best hit: its score counts in full where it holds all words of the question, and less without them."""

    words: float  # 0 to 1: the part of a score that is lost without any of the words
    least: float  # of what is left of the score

    def holds(self, score: float, coverage: float) -> bool:
        """Whether score · (1 − words · (1 − coverage)) ≥ least. coverage: 0 to 1, the share of words that are held."""
        return score * (1 - self.words * (1 - coverage)) >= self.least


@dataclass(frozen=True, slots=True)
class Curve:
    """What mixed scores say."""

    even_at: float = 0.42  # the score whose relevance is one half
    steepness: float = 12.0  # around it, above 0
    trust: Trust | None = None  # None: as much as the relevance says

    def relevance(self, score: float) -> float:
        """Between 0 and 1."""
        return 1 / (1 + exp(-self.steepness * (score - self.even_at)))


CURVES = {"all-minilm": Curve(trust=Trust(words=0.7, least=0.15)), "wordllama": Curve(even_at=0.25)}


def curve_of(model: str) -> Curve:
    """The curve of a model's mix; that of all-minilm, without its trust, for one nobody has measured."""
    return CURVES.get(model, Curve())


def relevance(score: float, curve: Curve | None) -> float:
    """Between 0 and 1: of a mixed score by its curve; without one, of words alone or of ranks, the score itself."""
    return curve.relevance(score) if curve else min(score, 1.0)  # float32 may add two shares up to a little more


def is_confident(score: float, curve: Curve | None, coverage: Callable[[], float]) -> bool:
    """Whether the best passage's mixed score says that the question is answered. coverage: as `Trust` takes it; asked
    only where it counts.
    """
    found = relevance(score, curve)
    if curve and curve.trust:
        return found >= DOUBTFUL_BELOW and curve.trust.holds(score, coverage())
    return found >= CONFIDENT_FROM
