"""Relevance: a fused score → a number a person can read, and whether to trust it."""

from math import exp

CONFIDENT_FROM = 0.35  # below: the best hit is more likely beside the point than not


def relevance(score: float, *, dense: bool) -> float:
    """The fused score as a relevance between 0 and 1, growing with it."""
    return 1 / (1 + exp(-12 * (score - 0.42))) if dense else score


def is_confident(best: float) -> bool:
    """Whether the best hit's relevance says that the question is answered."""
    return best >= CONFIDENT_FROM
