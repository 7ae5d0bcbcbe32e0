"""Relevance: a mixed score → a number a person can read, and whether to trust the best one.

The curve was set on the judged questions of the sample corpus with all-minilm: at a mixed score of 0.42 an article is
as likely beside the point as not, and a tenth more or less decides it. The bound of confidence flags 9 of its 11
questions that nothing answers and 5 of the 108 others (docs/quality.md); it is not fitted to any other corpus.
"""

from math import exp

EVEN_AT = 0.42  # the mixed score whose relevance is one half
STEEPNESS = 12.0  # of the logistic curve around it
CONFIDENT_FROM = 0.35  # a best hit with less is doubtful


def relevance(score: float, *, dense: bool) -> float:
    """The mixed score as a relevance between 0 and 1, growing with it.

    dense=False: the score of words alone, which is a share of the best match already and stays as it is.
    """
    return 1 / (1 + exp(-STEEPNESS * (score - EVEN_AT))) if dense else score


def is_confident(best: float) -> bool:
    """Whether the best hit's relevance says that the question is answered."""
    return best >= CONFIDENT_FROM
