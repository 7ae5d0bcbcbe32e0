"""Lexical sides: the project's impacts, rank_bm25 and bm25s over the same token lists: built, asked, weighed.

All compute the formula of Lucene's BM25: rank_bm25 gets its idf, which never is negative, in place of its own, and its
scores are divided by k1 + 1. Both change what it answers, not what it does.
"""

import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.errors import check
from bench.token_lists import Tokens

K1, B, TOP = 1.5, 0.75, 10
WARM_UP = 100  # passages
SAME = 1e-5  # of the scores of two sides

Top = list[tuple[int, float]]  # rows and scores, best first
Ask = Callable[[Sequence[str]], Top]
Build = Callable[[Tokens, Path], Ask]


def impacts(passages: Tokens, folder: Path) -> Ask:
    """The project's own: written into the folder, opened from it."""
    from clockifyrag_index.impacts import Bm25
    from clockifyrag_index.lexical_writer import Passage, write_passages

    rows = (Passage(row, ((), (), passage)) for row, passage in enumerate(passages))
    write_passages(folder, rows, Bm25(k1=K1, b=(B, B, B)), term=str)
    return opened_impacts(folder)


def opened_impacts(folder: Path) -> Ask:
    from clockifyrag_index.lexical import LexicalIndex

    index = LexicalIndex(folder)

    def ask(question: Sequence[str]) -> Top:
        rows, scores = index.top(dict.fromkeys(question, 1.0), TOP)
        return list(zip(rows.tolist(), scores.tolist(), strict=True))

    return ask


def rank_bm25(passages: Tokens, folder: Path) -> Ask:
    import numpy as np
    from rank_bm25 import BM25Okapi

    class LuceneOkapi(BM25Okapi):  # type: ignore[misc]
        def _calc_idf(self, nd: dict[str, int]) -> None:
            size = self.corpus_size
            self.idf = {term: float(np.log1p((size - df + 0.5) / (df + 0.5))) for term, df in nd.items()}

    index = LuceneOkapi(passages, k1=K1, b=B)

    def ask(question: Sequence[str]) -> Top:
        scores = index.get_scores(question)
        rows = np.argsort(-scores, kind="stable")[:TOP]
        return [(int(row), float(scores[row]) / (K1 + 1)) for row in rows if scores[row] > 0]

    return ask


def bm25s(passages: Tokens, folder: Path, backend: str = "numpy") -> Ask:
    import bm25s

    index = bm25s.BM25(method="lucene", k1=K1, b=B, backend=backend)
    index.index(passages, show_progress=False)
    known = index.vocab_dict

    def ask(question: Sequence[str]) -> Top:
        if not any(term in known for term in question):
            return []
        rows, scores = index.retrieve([list(question)], k=TOP, show_progress=False, n_threads=0,
                                      backend_selection=backend)  # fmt: skip
        return [(row, score) for row, score in zip(rows[0].tolist(), scores[0].tolist(), strict=True) if score > 0]

    return ask


def built(build: Build, passages: Tokens, folder: Path) -> tuple[Ask, float]:
    """What answers, and the seconds of building it from token lists, once everything is imported."""
    build(passages[:WARM_UP], folder)
    begin = time.perf_counter()
    ask = build(passages, folder)
    return ask, time.perf_counter() - begin


def rate(ask: Ask, questions: Tokens, seconds_min: float) -> float:
    """Questions a second, in as many passes as the time takes, at least one."""
    begin, passes = time.perf_counter(), 0
    while (seconds := time.perf_counter() - begin) < seconds_min or not passes:
        for question in questions:
            ask(question)
        passes += 1
    return passes * len(questions) / seconds


def traced_bytes(opened: Callable[[], Ask], questions: Tokens) -> int:
    """What Python allocated for an index and still holds after the questions (tracemalloc)."""
    tracemalloc.start()
    ask = opened()
    for question in questions:
        ask(question)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def check_same(ours: Any, theirs: Any) -> None:
    """The top ten of each question have the same scores; equal scores may stand in another order."""
    for number, (mine, other) in enumerate(zip(ours["tops"], theirs["tops"], strict=True)):
        best = [score for _, score in other if score > 0]
        differences = [abs(a[1] - b) for a, b in zip(mine, best, strict=False)]
        check(len(mine) == len(best) and max(differences, default=0.0) <= SAME * max([1.0, *best]),
              f"question {number}: top scores {mine} differ from {other}")  # fmt: skip
