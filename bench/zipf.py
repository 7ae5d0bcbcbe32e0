"""A skewed stream of questions, as web logs have them, and what plain LRU finds of it: what a cache is measured by."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np


def zipf_weights(alpha: float, questions: int) -> Any:
    """(questions,) float64: how likely each question is, rank^-alpha scaled to a sum of 1, most likely first."""
    weights = np.arange(1, questions + 1, dtype=np.float64) ** -alpha
    return weights / weights.sum()


def zipf_stream(alpha: float, questions: int, length: int) -> list[int]:
    """Questions by number, drawn with those weights; the same each time."""
    weights = zipf_weights(alpha, questions)
    drawn: list[int] = np.random.default_rng(1).choice(questions, length, p=weights).tolist()
    return drawn


def lru_hits(stream: Sequence[int], entries: int) -> int:
    """What plain LRU of so many entries finds, empty at first."""
    kept: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for question in stream:
        hits += question in kept
        kept[question] = None
        kept.move_to_end(question)
        if len(kept) > entries:
            kept.popitem(last=False)
    return hits
