"""BM25: questions a second of the project's postings, by those of rank_bm25 and bm25s over the same terms.

Twice: over the bodies alone, where all sides compute one formula and the top ten are compared, and as served, with
three weighted fields. Terms are made beforehand on all sides; the ten best are selected on all sides.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.harness import Bench
from bench.prepared import built_root
from bench.processes import side_in_fresh_process

K1, B, TOP = 1.5, 0.75, 10
SECONDS_MIN = 1.0  # of asking, in as many passes as that takes
SAME = 1e-5
SMALL = 2000  # passages from which the bars are meant

Top = list[tuple[int, float]]  # rows and scores, best first


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, "wordllama")
    job = {"root": str(root), "queries": [one.query for one in bench.corpus.questions]}
    names = ("flat", "fielded", "rank_bm25", "bm25s")
    sides = {name: partial(side_in_fresh_process, __name__, name, job, (bench.cores.server,)) for name in names}
    rounds = bench.interleaved(sides)
    first = rounds.measured["flat"][0]
    check_same(first, rounds.measured["bm25s"][0])
    chunks = int(first["chunks"])
    remark = f"{chunks} passages, {len(job['queries'])} questions"
    if chunks < SMALL:
        remark += f"; the bar is meant for {SMALL} passages and more"
    for peer, bar in (("rank_bm25", Bar("≥", 20, 60)), ("bm25s", Bar("≥", 2.5))):
        for name, called in (("flat", "postings, bodies alone"), ("fielded", "postings, as served: three fields")):
            yield Comparison(
                f"bm25-{name}-{peer.replace('_', '-')}",
                f"BM25 {'over bodies alone' if name == 'flat' else 'as served'} by {peer}",
                rounds.side(name, "questions/s", "rate", called=called),
                rounds.side(peer, "questions/s", "rate", called=f"{peer}{' (numpy)' if peer == 'bm25s' else ''}"),
                bar if name == "flat" else None,
                remark,
            )


def check_same(ours: Any, theirs: Any) -> None:
    """The top ten of each question have the same scores; equal scores may stand in another order."""
    for query, (mine, other) in enumerate(zip(ours["tops"], theirs["tops"], strict=True)):
        best = [score for _, score in other if score > 0]
        differences = [abs(a[1] - b) for a, b in zip(mine, best, strict=False)]
        check(len(mine) == len(best) and max(differences, default=0.0) <= SAME * max([1.0, *best]),
              f"question {query}: top scores {mine} differ from bm25s's {best}")  # fmt: skip


def asked(ask: Callable[[Sequence[str]], Top], job: dict[str, Any], chunks: int) -> dict[str, Any]:
    """The rate, and what was found for each question."""
    from clockifyrag_index.lexical import question_terms

    terms = [sorted(question_terms([query])) for query in job["queries"]]
    tops = [ask(one) for one in terms]
    check(sum(map(bool, tops)) > len(tops) / 2, "most questions find nothing")
    begin, passes = time.perf_counter(), 0
    while (seconds := time.perf_counter() - begin) < SECONDS_MIN:
        for one in terms:
            ask(one)
        passes += 1
    return {"rate": passes * len(terms) / seconds, "chunks": chunks, "tops": tops}


def postings(job: dict[str, Any], *, flat: bool) -> dict[str, Any]:
    """The project's own, over files in a folder of their own."""
    from clockifyrag_index.impacts import Bm25
    from clockifyrag_index.lexical import LexicalIndex
    from clockifyrag_index.lexical_writer import write_lexical

    chunks = chunks_of(job)
    if flat:
        chunks = [replace(chunk, title="", headings=(), content=chunk.embedded_text) for chunk in chunks]
    with tempfile.TemporaryDirectory() as folder:
        write_lexical(Path(folder), chunks, Bm25(k1=K1, b=(B, B, B)) if flat else None)
        index = LexicalIndex(Path(folder))

        def ask(terms: Sequence[str]) -> Top:
            rows, scores = index.top(dict.fromkeys(terms, 1.0), TOP)
            return list(zip(rows.tolist(), scores.tolist(), strict=True))

        return asked(ask, job, len(chunks))


def rank_bm25(job: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    from rank_bm25 import BM25Okapi

    corpus = corpus_terms(job)
    index = BM25Okapi(corpus, k1=K1, b=B)

    def ask(terms: Sequence[str]) -> Top:
        scores = index.get_scores(terms)
        rows = np.argsort(-scores, kind="stable")[:TOP]
        return [(int(row), float(scores[row])) for row in rows]

    return asked(ask, job, len(corpus))


def bm25s(job: dict[str, Any]) -> dict[str, Any]:
    import bm25s

    corpus = corpus_terms(job)
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index(corpus, show_progress=False)
    known = index.vocab_dict

    def ask(terms: Sequence[str]) -> Top:
        if not any(term in known for term in terms):
            return []
        rows, scores = index.retrieve([list(terms)], k=min(TOP, len(corpus)), show_progress=False, n_threads=0)
        return list(zip(rows[0].tolist(), scores[0].tolist(), strict=True))

    return asked(ask, job, len(corpus))


def chunks_of(job: dict[str, Any]) -> list[Any]:
    from clockifyrag_index.generations import current_generation_path, open_generation

    store = open_generation(current_generation_path(Path(job["root"]))).chunks
    return [store[row] for row in range(len(store))]


def corpus_terms(job: dict[str, Any]) -> list[list[str]]:
    """The terms of each passage, title and headings before the text."""
    from clockifyrag_index.text import terms

    return [terms(chunk.embedded_text) for chunk in chunks_of(job)]


SIDES = {
    "flat": partial(postings, flat=True),
    "fielded": partial(postings, flat=False),
    "rank_bm25": rank_bm25,
    "bm25s": bm25s,
}
