"""A question that nobody asked before, in the process: the whole search by its parts, each timed alone.

Parts: the question's vector, the bare FAISS search, and BM25 over the passages with its top rows.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.harness import Bench
from bench.prepared import built_root, opened
from bench.processes import side_in_fresh_process

if TYPE_CHECKING:
    from clockifyrag_index.search import SearchEngine

PASSES = 1
K = 5


def measure(bench: Bench) -> Iterator[Comparison]:
    questions = [{"query": one.query, "relevant": list(one.grades)} for one in bench.corpus.answerable]
    for model in ("all-minilm", "wordllama"):
        root = built_root(bench, model)
        job = {"root": str(root), "questions": questions}
        asking = partial(side_in_fresh_process, __name__, "ask", job, (bench.cores.server,))
        rounds = bench.interleaved({"ask": asking})
        parts = ", ".join(
            f"{part} {statistics.median(one[part] for one in rounds.measured['ask']):.2f}"
            for part in ("embed", "dense", "bm25")
        )
        yield Comparison(
            f"question-{model}",
            f"An uncached question in the process, {model}",
            rounds.side("ask", "ms", "search", called="search: understand, both legs, fuse, describe"),
            rounds.side("ask", "ms", "parts", called="its parts alone: vector, FAISS, BM25"),
            Bar("≤", 1.3, 1.1),
            f"{len(questions)} distinct questions, medians; parts in ms: {parts}",
            "G3",
        )


def ask(job: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of a search and of its parts, medians over the questions."""
    from clockifyrag_index.search import SearchRequest

    engine = opened(Path(job["root"]))
    queries = [question["query"] for question in job["questions"]]
    results = [engine.search(SearchRequest(query, k=K)) for query in queries]  # warms, and is checked
    found = 0
    for result, question in zip(results, job["questions"], strict=True):
        check(not result.degraded, f"degraded: {result.degraded}")
        names = {name for hit in result.hits for name in (hit.sections[0].chunk.document_id,
                                                          hit.sections[0].chunk.document_url)}  # fmt: skip
        found += bool(names & set(question["relevant"]))
    check(found > len(queries) / 2, f"only {found} of {len(queries)} questions are answered among the first {K}")
    times: dict[str, list[float]] = {"search": [], "embed": [], "dense": [], "bm25": []}
    for _ in range(PASSES):
        for query, result in zip(queries, results, strict=True):
            times["search"].append(milliseconds(partial(engine.search, SearchRequest(query, k=K))))
            for part, seconds in parts_alone(engine, query, result.adaptive_k).items():
                times[part].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    sums = [sum(three) for three in zip(times["embed"], times["dense"], times["bm25"], strict=True)]
    return {**medians, "parts": statistics.median(sums)}


def parts_alone(engine: "SearchEngine", query: str, k: int) -> dict[str, float]:
    """Milliseconds of each part."""
    from clockifyrag_index.lexical import question_terms

    embedder = engine.embedder
    assert embedder is not None
    vector = embedder.embed_question(query)
    return {
        "embed": milliseconds(lambda: embedder.embed_question(query)),
        "dense": milliseconds(lambda: engine.generation.dense.search(vector, k)),
        "bm25": milliseconds(lambda: engine.lexical.top(question_terms([query]), k)),
    }


def milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begin)


SIDES = {"ask": ask}
