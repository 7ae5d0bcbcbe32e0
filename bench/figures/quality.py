"""Quality: what rankings are worth on judged questions, beside rank_bm25, each leg alone and reciprocal ranks.

No clock is read: a busy machine changes nothing, and one run says it all. The sample is always measured: its questions
come from this project, and the eleven of them that nothing answers ask for things close to what there is, which is
harder to see than claims of SciFact asked of a help center. With CLOCKIFYRAG_CORPUS the sets of that folder are
measured, too. All intervals are of 95 %, paired where two rankings are compared.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison, Side
from bench.corpus import Corpus, sample, scifact
from bench.harness import Bench
from bench.prepared import built_root, opened
from bench.processes import side_in_fresh_process

MODELS = ("wordllama", "all-minilm")
TITLES = {"ndcg": "nDCG@10", "mrr": "MRR@10", "recall": "recall@10"}
GOALS = {  # (model, corpus): of which measure, the bar's number, the bar, what would be better still
    ("wordllama", "help center"): (("ndcg", "G21", 0.66, 0.70), ("recall", "G21", 0.78, 0.82)),
    ("wordllama", "SciFact"): (("ndcg", "G21", 0.70, 0.715),),
    ("all-minilm", "help center"): (("ndcg", "G22", 0.78, 0.82), ("mrr", "G22", 0.88, 0.91)),
    ("all-minilm", "SciFact"): (("ndcg", "G22", 0.71, 0.73),),
}
LEG_LOSS_MAX = 0.005  # of nDCG@10, below the better leg alone
BM25_GAIN, CLRAG_GAIN = 1.18, 1.05  # of wordllama on the help center
CLRAG = 0.626  # nDCG@10 on the help center: apet97/clrag's server pipeline with wordllama's vectors, run in 2026-11
DOUBTED = {"unanswerable": Bar("≥", 0.8), "answerable": Bar("≤", 0.05)}  # shares with low confidence


def measure(bench: Bench) -> Iterator[Comparison]:
    """Every model on every corpus; questions of SciFact are asked of the help center, too: nothing answers them there.

    Of the sample they are not: three hundred easy ones would hide its own.
    """
    claims, own = scifact(), sample()
    others = [one for one in (own, claims) if one and one.name != bench.corpus.name]
    waiting = []
    with ThreadPoolExecutor(len(bench.cores.all)) as pool:  # side by side: none of them reads a clock
        for corpus in (bench.corpus, *others):
            strange = claims.questions if claims and corpus.name not in (claims.name, own.name) else ()
            for model in MODELS:
                job = {
                    "root": str(built_root(replace(bench, corpus=corpus), model)),
                    "questions": [(one.qid, one.query, dict(one.grades)) for one in corpus.questions],
                    "strange": [one.query for one in strange],
                }
                found = pool.submit(side_in_fresh_process, __name__, "rank", job, bench.cores.all)
                waiting.append((model, corpus, len(strange), found))
        for model, corpus, claimed, found in waiting:
            yield from _Lines(bench, model, corpus, found.result(), claimed).all()


@dataclass(frozen=True, slots=True)
class _Lines:
    """What was found with one model on one corpus, as lines of the table."""

    bench: Bench
    model: str
    corpus: Corpus
    found: dict[str, Any]  # measure → ranking → value of each question; doubted → kind → (count, of)
    claims: int = 0  # of SciFact, among the questions that nothing answers

    def all(self) -> Iterator[Comparison]:
        where = (self.model, self.corpus.name)
        for what, goal, least, wish in GOALS.get(where, ()):
            bar = Bar("≥", 1, round(wish / least, 3))
            values = self.found[what]["both"]
            yield self._line(what, TITLES[what], self._side("asked for", least, what), bar, _spread(values), goal, what)
        ndcg = self.found["ndcg"]
        leg = max(("dense", "lexical"), key=lambda one: _mean(ndcg[one]))
        least = round(1 - LEG_LOSS_MAX / _mean(ndcg[leg]), 4)
        yield self._rival(leg, f"the {leg} leg alone, the better one", Bar("≥", least), "G22")
        yield self._rival("rrf", "reciprocal rank fusion of both legs")
        yield self._rival("stemmed", "rank_bm25 over stems without stop words")
        if where == ("wordllama", "help center"):
            yield self._rival("bm25", "rank_bm25 over lower-case words", Bar("≥", BM25_GAIN), "G21")
            clrag = self._side("clrag's server pipeline, measured before", CLRAG, "ndcg")
            yield self._line("clrag", "nDCG@10 by clrag's", clrag, Bar("≥", CLRAG_GAIN), "", "G21")
        else:
            yield self._rival("bm25", "rank_bm25 over lower-case words")
        for kind, bar in DOUBTED.items():
            count, total = self.found["doubted"][kind]
            if total:
                yield self._doubted(kind, count, total, bar)

    def _rival(self, name: str, called: str, bar: Bar | None = None, goal: str = "") -> Comparison:
        ndcg = self.found["ndcg"]
        remark = difference(ndcg["both"], ndcg[name])
        rival = self._side(called, _mean(ndcg[name]), "ndcg")
        return self._line(name, f"nDCG@10 by {called.partition(',')[0]}", rival, bar, remark, goal)

    def _doubted(self, kind: str, count: int, total: int, bar: Bar) -> Comparison:
        asked_for = Side("asked for", "share", (bar.value,) * self.bench.rounds)
        flagged = Side("flagged", "share", (count / total,) * self.bench.rounds)
        title = f"Low confidence in {kind} questions: {self.corpus.name}, {self.model}"
        remark = f"{count} of {total}, {_wilson(count, total)}"
        if self.claims and kind == "unanswerable":
            remark += f"; {self.claims} of them are claims of SciFact, far from anything there"
        return Comparison(self._id(f"doubted-{kind}"), title, flagged, asked_for, Bar(bar.direction, 1), remark, "G23")

    def _line(
        self, name: str, title: str, reference: Side, bar: Bar | None, remark: str, goal: str, what: str = "ndcg"
    ) -> Comparison:
        both = self._side("both legs, as served", _mean(self.found[what]["both"]), what)
        title = f"{title}: {self.corpus.name}, {self.model}"
        return Comparison(self._id(name), title, both, reference, bar, remark, goal)

    def _side(self, called: str, value: float, what: str) -> Side:
        return Side(called, TITLES[what], (value,) * self.bench.rounds)  # every round would give the same

    def _id(self, name: str) -> str:
        return f"quality-{self.corpus.name.replace(' ', '-').lower()}-{self.model}-{name}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spread(values: Sequence[float]) -> str:
    from clockifyrag_index.evaluate import bootstrap

    found = bootstrap(values)
    return f"{len(values)} questions, interval {found.low:.3f} – {found.high:.3f}"


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    from clockifyrag_index.evaluate import bootstrap

    found = bootstrap([a - b for a, b in zip(ours, theirs, strict=True)])
    return f"difference {found.mean:+.3f}, paired interval {found.low:+.3f} – {found.high:+.3f}"


def _wilson(count: int, total: int) -> str:
    from clockifyrag_index.doubts import Share

    found = Share(count, total).interval
    return f"interval {found.low:.2f} – {found.high:.2f}"


def rank(job: dict[str, Any]) -> dict[str, Any]:
    """Measures of every ranking, and how many answers were doubted."""
    from bench.rankings import rankings
    from clockifyrag_index.doubts import doubts
    from clockifyrag_index.evaluate import Judged, evaluate
    from clockifyrag_index.search import SearchEngine, SearchRequest
    from clockifyrag_service.embedding import ProvenEmbedder

    engine = opened(Path(job["root"]))
    assert engine.embedder is not None
    embedder = ProvenEmbedder(engine.embedder, engine.generation.manifest.embedder)  # it keeps a question's vector
    embedder.compare(engine.generation.manifest)
    engine = SearchEngine(engine.generation, embedder, config=engine.config)
    judged = [Judged(*one) for one in job["questions"]]
    found: dict[str, Any] = {what: {} for what in TITLES}
    for name, ranking in rankings(engine).items():
        measured = evaluate(judged, ranking).measures.values()
        for what in TITLES:
            found[what][name] = [getattr(one, what) for one in measured]
    strange = [Judged(f"strange-{number}", query, {}) for number, query in enumerate(job["strange"])]
    counted = doubts([*judged, *strange], lambda query: engine.search(SearchRequest(query)).low_confidence)
    unanswerable, answerable = counted.unanswerable, counted.answerable
    found["doubted"] = {
        "unanswerable": (unanswerable.count, unanswerable.of),
        "answerable": (answerable.count, answerable.of),
    }
    return found


SIDES = {"rank": rank}
