"""`clockifyrag eval`: what a ranking is worth, by questions, on an index, a corpus or a server; or two compared."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clockifyrag_cli.evaluation_text import MEASURES, comparison_lines, ranking_lines
from clockifyrag_cli.rankings import Answering, engine_answers, fresh_index, reranker_of, server_answers
from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.behaviour import Behaviour
    from clockifyrag_index.evaluate import Interval, Judged
    from clockifyrag_index.search import SearchEngine


def evaluate(
    queries: Annotated[
        Path | None, typer.Option(help="Judged questions, JSONL: qid or _id, query or text, relevant_urls.")
    ] = None,
    qrels: Annotated[Path | None, typer.Option(help="Judgements, JSONL: query_id, doc_id, relevance.")] = None,
    known_items: Annotated[
        int | None, typer.Option(min=1, help="So many headings of the index as questions, instead of --queries.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which headings: the same seed picks the same.")] = 0,
    corpus: Annotated[
        Path | None, typer.Option(help="Documents to index first, in a folder that is thrown away.")
    ] = None,
    index: Annotated[Path | None, typer.Option(help="An index root, or the folder of one generation.")] = None,
    url: Annotated[str | None, typer.Option(help="A running server.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two roots or generations: what changes for those who ask.")
    ] = None,
    leg: Annotated[
        str, typer.Option(help="fused, dense or lexical; one leg alone does not work with --url.")
    ] = "fused",
    fusion: Annotated[
        str | None, typer.Option(help="convex (the default) or rrf, of both legs; a server has its own, FUSION.")
    ] = None,
    rerank: Annotated[
        str | None, typer.Option(help="Embedding model that reranks; told is also what it changes. Not with --url.")
    ] = None,
    model: Annotated[str, typer.Option(help="Local model for --corpus: all-minilm or wordllama.")] = "all-minilm",
    key: Annotated[str | None, typer.Option(envvar="CLOCKIFYRAG_API_KEY", help="API key for --url.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Print nDCG@10, MRR@10, recall@10 and how often answers are doubted, with 95 % intervals, at article level."""
    from clockifyrag_cli.opened import fusion_of, opened_engine

    _require_one_ranking(corpus, index, url, compare)
    _require_questions(queries, qrels, known_items)
    if fusion and leg != "fused":
        raise UsageError(f"--leg is {leg!r}, and one leg alone is not fused; leave --fusion or --leg out")
    if url and (leg != "fused" or fusion or known_items or rerank):
        raise UsageError(
            "a server answers with both legs, as it is set, and lists no headings; give --index instead of --url"
        )
    if rerank and compare:
        raise UsageError("--rerank compares an index with itself; expected --index or --corpus, not --compare")
    method = fusion_of(fusion or "convex")
    with ExitStack() as opened:
        if url:
            engines, rankings = [], [server_answers(url, key)]
        else:
            roots = compare or (index or opened.enter_context(_index_of(corpus, model)),)
            engines = [opened.enter_context(opened_engine(root, method)) for root in roots]
            rankings = [engine_answers(engine, leg) for engine in engines]
        judged = _questions(queries, qrels, engines, known_items, seed)
        if rerank:
            record = _reranked(judged, rankings[0], engine_answers(engines[0], leg, reranker_of(rerank)))
        else:
            record = _compared(judged, *rankings) if compare else _measured(judged, *rankings)
        if len(engines) == 1:
            record["missing"] = _missing(judged, engines[0])
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        print("\n".join(comparison_lines(record) if compare else ranking_lines(record)))


def _require_one_ranking(corpus: Path | None, index: Path | None, url: str | None, compare: object) -> None:
    """UsageError unless exactly one thing to measure is named."""
    if sum(given is not None for given in (corpus, index, url, compare)) != 1:
        raise UsageError("expected exactly one of --corpus, --index and --url, or --compare")


def _require_questions(queries: Path | None, qrels: Path | None, known_items: int | None) -> None:
    """UsageError unless the questions come from a file or from headings."""
    if (queries is None) == (known_items is None):
        raise UsageError("expected --queries or --known-items, and not both")
    if qrels and queries is None:
        raise UsageError("--qrels goes with --queries; --known-items have their answers with them")


def _index_of(corpus: Path | None, model: str) -> AbstractContextManager[Path]:
    assert corpus is not None, "where nothing else is measured, a corpus is given"
    return fresh_index(corpus, model)


def _questions(
    queries: Path | None, qrels: Path | None, engines: Sequence["SearchEngine"], count: int | None, seed: int
) -> tuple["Judged", ...]:
    """The questions of the files, or `count` headings of the first index."""
    from clockifyrag_index.evaluate import load_judged
    from clockifyrag_index.known_items import known_items

    if queries is not None:
        return load_judged(queries, qrels)
    assert count is not None
    return known_items(engines[0].generation.chunks.outlines(), count, seed)


def _measured(judged: Sequence["Judged"], answered: Answering) -> dict[str, Any]:
    """What --json prints of one ranking."""
    from clockifyrag_index.doubts import Share, doubts
    from clockifyrag_index.evaluate import evaluate as evaluated

    def share(found: Share) -> dict[str, float]:
        return {"count": found.count, "of": found.of, **_record(found.interval)}

    evaluation = evaluated(judged, lambda query: answered(query).documents)
    doubted = doubts(judged, lambda query: answered(query).low_confidence)
    return {
        "questions": len(evaluation.measures),
        "unanswerable": evaluation.unanswerable,
        **{name: _record(evaluation.interval(name)) for name in MEASURES},
        "low_confidence": {"unanswerable": share(doubted.unanswerable), "answerable": share(doubted.answerable)},
    }


def _compared(judged: Sequence["Judged"], before: Answering, after: Answering) -> dict[str, Any]:
    """What --json prints of two rankings."""
    from clockifyrag_index.behaviour import behaviour

    found: Behaviour = behaviour(judged, lambda query: before(query).documents, lambda query: after(query).documents)
    wins, losses, ties = found.wins_losses_ties
    return {
        "questions": len(found.questions),
        "overlap": found.overlap,
        "ndcg_difference": _record(found.ndcg_difference),
        "wins": wins,
        "losses": losses,
        "ties": ties,
        "lost": found.lost,
        "changed": [
            {"qid": one.qid, "query": one.query, "overlap": one.overlap, "ndcg": one.ndcg, "lost": one.lost,
             "gained": one.gained, "moves": one.moves}
            for one in found.changed
        ],
    }  # fmt: skip


def _reranked(judged: Sequence["Judged"], before: Answering, after: Answering) -> dict[str, Any]:
    """What --json prints of a reranked ranking: its measures, and what became of the first order."""
    found = _compared(judged, before, after)
    took = [milliseconds for one in judged if (milliseconds := after(one.query).rerank_milliseconds) is not None]
    changes = {name: found[name] for name in ("ndcg_difference", "wins", "losses", "ties")}
    return {**_measured(judged, after), "rerank": {**changes, "median_ms": median(took)}}


def _missing(judged: Sequence["Judged"], engine: "SearchEngine") -> tuple[str, ...]:
    """The judged documents that the index does not hold."""
    from clockifyrag_index.evaluate import missing

    return missing(judged, ((one.document_id, one.url) for one in engine.generation.chunks.outlines()))


def _record(interval: "Interval") -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
