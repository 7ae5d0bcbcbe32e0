"""Rerank: what reranking with all-minilm is worth over an index of wordllama, beside all-minilm alone; what it costs.

The rankings read no clock, and one run says it all. The milliseconds are of this machine: each question is asked twice
in one process, first with passages that nothing was known of, then with all their vectors kept.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.comparison import Comparison, Side
from bench.corpus import Corpus, sample
from bench.figures.quality import difference
from bench.harness import Bench
from bench.prepared import built_root, opened
from bench.processes import side_in_fresh_process

INDEXED, RERANKER = "wordllama", "all-minilm"
SECONDS = 60.0  # nobody waits for it


def measure(bench: Bench) -> Iterator[Comparison]:
    """The help center, where there is one, and the sample: SciFact's claims touch 6,000 passages."""
    own = sample()
    for corpus in (own,) if bench.corpus.name == own.name else (bench.corpus, own):
        here = replace(bench, corpus=corpus)
        questions = [(one.qid, one.query, dict(one.grades)) for one in corpus.questions]
        roots = {"root": str(built_root(here, INDEXED)), "strong": str(built_root(here, RERANKER))}
        job = {**roots, "questions": questions}
        yield from _lines(bench, corpus, side_in_fresh_process(__name__, "rank", job, bench.cores.all))


def _lines(bench: Bench, corpus: Corpus, found: dict[str, Any]) -> Iterator[Comparison]:
    def line(name: str, title: str, measured: Side, reference: Side, remark: str) -> Comparison:
        name = f"quality-{corpus.name.replace(' ', '-').lower()}-reranked-{name}"
        title = f"{title}: {corpus.name}, {INDEXED} reranked by {RERANKER}"
        return Comparison(name, title, measured, reference, None, remark)

    def side(name: str, unit: str, value: float) -> Side:
        return Side(name, unit, (value,) * bench.rounds)

    reranked = found["ndcg"]["reranked"]
    measured = side("reranked", "nDCG@10", statistics.mean(reranked))
    for name, called in (("plain", f"{INDEXED} as it is"), ("strong", f"{RERANKER} as it is")):
        theirs = found["ndcg"][name]
        against = side(called, "nDCG@10", statistics.mean(theirs))
        yield line(name, f"nDCG@10 by {called}", measured, against, difference(reranked, theirs))
    first, again = found["milliseconds"]["first"], found["milliseconds"]["again"]
    known = side("vectors of passages kept", "ms", statistics.median(again))
    unknown = side("nothing kept at first", "ms", statistics.median(first))
    share = f"nine of ten within {_ninth(again):.0f} and {_ninth(first):.0f} ms"
    yield line("time", "Time to rerank, in the median of questions", known, unknown, share)


def _ninth(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=10)[8]


def rank(job: dict[str, Any]) -> dict[str, Any]:
    """nDCG@10 of each question in three rankings, and the milliseconds of the reranked one."""
    from bench.rankings import TOP, served
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.evaluate import Judged, evaluate
    from clockifyrag_index.max_p import MaxP
    from clockifyrag_index.search import SearchEngine, SearchRequest
    from clockifyrag_resource.profiles import model_profile

    plain, strong = opened(Path(job["root"])), opened(Path(job["strong"]))
    config = replace(plain.config, rerank_timeout_seconds=SECONDS)
    profile = model_profile(RERANKER)
    reranker = MaxP(open_embedder("Local", profile), profile)
    engine = SearchEngine(plain.generation, plain.embedder, plain.glossary, config, reranker)
    judged = [Judged(*one) for one in job["questions"]]

    def milliseconds(query: str) -> float:
        told = engine.search(SearchRequest(query, k=TOP, rerank=True)).reranking
        assert told is not None and told.used, f"not reranked: {query}"
        return told.milliseconds

    took = {name: [milliseconds(one.query) for one in judged] for name in ("first", "again")}

    def ndcg(ranking: Any) -> list[float]:
        return [one.ndcg for one in evaluate(judged, ranking).measures.values()]

    rankings = {"plain": served(plain), "strong": served(strong), "reranked": served(engine, rerank=True)}
    return {"ndcg": {name: ndcg(ranking) for name, ranking in rankings.items()}, "milliseconds": took}


SIDES = {"rank": rank}
