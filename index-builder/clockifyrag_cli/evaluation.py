"""`clockifyrag eval`: what a ranking is worth, by judged questions, on an index, a corpus or a server."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.search import SearchEngine

MEASURES = ("ndcg", "mrr", "recall")
Ranking = Callable[[str], Sequence[tuple[str, ...]]]


def evaluate(
    queries: Annotated[Path, typer.Option(help="Judged questions, JSONL: qid or _id, query or text, relevant_urls.")],
    qrels: Annotated[Path | None, typer.Option(help="Judgements, JSONL: query_id, doc_id, relevance.")] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Documents to index first, in a folder that is thrown away.")
    ] = None,
    index: Annotated[Path | None, typer.Option(help="An index root.")] = None,
    url: Annotated[str | None, typer.Option(help="A running server.")] = None,
    leg: Annotated[
        str, typer.Option(help="fused, dense or lexical; one leg alone needs --index or --corpus.")
    ] = "fused",
    model: Annotated[str, typer.Option(help="Local model for --corpus: all-minilm or wordllama.")] = "all-minilm",
    key: Annotated[str | None, typer.Option(envvar="CLOCKIFYRAG_API_KEY", help="API key for --url.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Print nDCG@10, MRR@10 and recall@10 with 95 % intervals, at article level."""
    from clockifyrag_index.evaluate import evaluate as evaluated
    from clockifyrag_index.evaluate import load_judged

    if sum(given is not None for given in (corpus, index, url)) != 1:
        raise UsageError("expected exactly one of --corpus, --index and --url")
    judged = load_judged(queries, qrels)
    with _ranking(corpus, index, url, leg, model, key) as ranking:
        evaluation = evaluated(judged, ranking)
    intervals = {measure: evaluation.interval(measure) for measure in MEASURES}
    if as_json:
        figures = {name: {"mean": one.mean, "low": one.low, "high": one.high} for name, one in intervals.items()}
        print(json.dumps({"questions": len(evaluation.measures), "unanswerable": evaluation.unanswerable, **figures}))
        return
    print(f"{len(evaluation.measures)} questions, {evaluation.unanswerable} more that nothing answers")
    for name, one in intervals.items():
        print(f"  {name + '@10':<10} {one.mean:.3f}   95 % interval {one.low:.3f} – {one.high:.3f}")


@contextmanager
def _ranking(
    corpus: Path | None, index: Path | None, url: str | None, leg: str, model: str, key: str | None
) -> Iterator[Ranking]:
    """How one question is ranked, by (document id, URL)."""
    if url:
        yield _server_ranking(url, key)
        return
    from clockifyrag_cli.opened import opened_engine

    with tempfile.TemporaryDirectory() as scratch:
        root = index or _built(corpus, Path(scratch), model)
        with opened_engine(root) as engine:
            yield _engine_ranking(engine, leg)


def _server_ranking(url: str, key: str | None) -> Ranking:
    from clockifyrag_cli.server import ask

    def ranking(query: str) -> list[tuple[str, ...]]:
        answer = ask(url, "/search", {"q": query, "k": 10}, key)
        return [(result["id"], result["url"]) for result in answer["results"]]

    return ranking


def _engine_ranking(engine: "SearchEngine", leg: str) -> Ranking:
    from clockifyrag_index.fusion import Fusion
    from clockifyrag_index.search import SearchEngine, SearchRequest

    shares = {"fused": engine.fusion, "dense": Fusion(dense_weight=1, lexical_weight=0), "lexical": None}
    if leg not in shares:
        raise UsageError(f"--leg is {leg!r}; expected {', '.join(shares)}")
    fusion = shares[leg]
    config = replace(engine.config, fusion=fusion) if fusion else engine.config
    alone = SearchEngine(engine.generation, engine.embedder if fusion else None, engine.glossary, config)

    def ranking(query: str) -> list[tuple[str, ...]]:
        result = alone.search(SearchRequest(query, k=10))
        return [(hit.sections[0].chunk.document_id, hit.sections[0].chunk.document_url) for hit in result.hits]

    return ranking


def _built(corpus: Path | None, root: Path, model: str) -> Path:
    """The root of a fresh index of the corpus."""
    from clockifyrag_builder.build import build
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_builder.sources import source_of
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_cli.progress import progress_display
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.layout import Layout
    from clockifyrag_resource.profiles import model_profile

    profile = model_profile(model)
    plan = BuildPlan(
        root=root,
        source=source_of(str(corpus), work=Layout(root).work),
        limits=limits_of(profile, None, 200),
        embedder=open_embedder("Local", profile),
    )
    with progress_display("auto") as progress:
        build(plan, progress)
    return root
