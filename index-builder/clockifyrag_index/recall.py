"""Recall: how many of the ten nearest rows an index finds, by comparing all rows."""

from collections.abc import Sequence

import numpy as np

from .arrays import Rows, Scores
from .dense import EF_SEARCH, DenseIndex
from .embedders import Vectors
from .manifest import Recall
from .vector_rows import best, inner_products

AT = 10
RECALL_MIN = 0.95  # below it a build warns
_ROWS_AT_ONCE = 65536


def recall_at_10(index: DenseIndex, vectors: Vectors, questions: Vectors, ef_search: int = EF_SEARCH) -> Recall | None:
    """The share of the ten nearest of `vectors`, (n, d) float32, that the index finds; None without a question.

    questions: (m, d) float32. Rows as near as the tenth count as found, whichever of them is: texts that stand in
    several documents have one vector.
    """
    if not len(questions):
        return None
    found = 0
    wanted = min(AT, len(vectors))
    for question, nearest in zip(questions, nearest_rows(vectors, questions, wanted), strict=True):
        _, scores = index.search(question, wanted, ef_search=ef_search)
        found += int(np.count_nonzero(scores >= nearest[1][-1]))
    return Recall(round(found / (wanted * len(questions)), 4), len(questions))


def nearest_rows(vectors: Vectors, questions: Vectors, k: int) -> Sequence[tuple[Rows, Scores]]:
    """For each question the k nearest rows, best first, by comparing all, a block of rows for all questions at once."""
    kept: list[tuple[Rows, Scores]] = [(np.empty(0, np.int64), np.empty(0, np.float32))] * len(questions)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        block = vectors[start : start + _ROWS_AT_ONCE]
        rows = np.arange(start, start + len(block), dtype=np.int64)
        for number, question in enumerate(questions):
            before, scores = kept[number]
            kept[number] = best(
                np.concatenate([before, rows]), np.concatenate([scores, inner_products(block, question)]), k
            )
    return kept
