"""`clockifyrag eval`: what a ranking is worth, by questions, on an index, a corpus or a server; or two compared."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clockifyrag_cli.rankings import Answering, engine_answers, fresh_index, reranker_of, server_answers
from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.behaviour import Behaviour
    from clockifyrag_index.evaluate import Interval, Judged
    from clockifyrag_index.fusion import FusionMethod
    from clockifyrag_index.search import SearchEngine

MEASURES = ("ndcg", "mrr", "recall")
SHOWN = 10  # questions and articles that a comparison lists; --json has them all


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
    from clockifyrag_cli.opened import fusion_of

    if sum(given is not None for given in (corpus, index, url, compare)) != 1:
        raise UsageError("expected exactly one of --corpus, --index and --url, or --compare")
    if (queries is None) == (known_items is None):
        raise UsageError("expected --queries or --known-items, and not both")
    if qrels and queries is None:
        raise UsageError("--qrels goes with --queries; --known-items have their answers with them")
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
            engines, answers = [], [server_answers(url, key)]
        else:
            roots = compare or (index or opened.enter_context(fresh_index(_given(corpus), model)),)
            engines = [opened.enter_context(_engine(root, method)) for root in roots]
            answers = [engine_answers(engine, leg) for engine in engines]
        judged = _questions(queries, qrels, engines, known_items, seed)
        if rerank:
            record = _reranked(judged, answers[0], engine_answers(engines[0], leg, reranker_of(rerank)))
        else:
            record = _compared(judged, *answers) if compare else _measured(judged, *answers)
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        print("\n".join(_comparison_text(record) if compare else _text(record)))


def _given(corpus: Path | None) -> Path:
    assert corpus is not None
    return corpus


@contextmanager
def _engine(root: Path, fusion: "FusionMethod") -> Iterator["SearchEngine"]:
    from clockifyrag_cli.opened import opened_engine

    with opened_engine(root, fusion) as engine:
        yield engine


def _questions(
    queries: Path | None, qrels: Path | None, engines: Sequence["SearchEngine"], count: int | None, seed: int
) -> tuple["Judged", ...]:
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


def _record(interval: "Interval") -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _text(record: dict[str, Any]) -> Iterator[str]:
    yield f"{record['questions']} questions, {record['unanswerable']} more that nothing answers"
    for name in MEASURES:
        one = record[name]
        yield f"  {name + '@10':<10} {one['mean']:.3f}   95 % interval {one['low']:.3f} – {one['high']:.3f}"
    for kind, one in record["low_confidence"].items():
        if one["of"]:
            yield (
                f"  low confidence in {one['count']} of {one['of']} {kind} questions   "
                f"{one['mean']:.0%}, 95 % interval {one['low']:.0%} – {one['high']:.0%}"
            )
    if "rerank" in record:
        told = record["rerank"]
        one = told["ndcg_difference"]
        yield f"  reranking: nDCG@10 {one['mean']:+.3f}   paired 95 % interval {one['low']:+.3f} – {one['high']:+.3f}"
        yield f"  {told['wins']} answered better, {told['losses']} worse, {told['ties']} as before"
        yield f"  it takes {told['median_ms']:.0f} ms a question (median), passages met for the first time included"


def _comparison_text(record: dict[str, Any]) -> Iterator[str]:
    one = record["ndcg_difference"]
    yield f"{record['questions']} questions, {len(record['changed'])} of them answered otherwise"
    yield f"  overlap of the first ten {record['overlap']:.3f}"
    yield f"  nDCG@10 {one['mean']:+.3f}   paired 95 % interval {one['low']:+.3f} – {one['high']:+.3f}"
    yield f"  {record['wins']} answered better, {record['losses']} worse, {record['ties']} as before"
    for name, count in list(record["lost"].items())[:SHOWN]:
        yield f"  lost {name} for {count} questions" if count > 1 else f"  lost {name} for 1 question"
    for change in record["changed"][:SHOWN]:
        moves = ", ".join(f"{name} {old} → {new}" for name, (old, new) in list(change["moves"].items())[:3])
        yield f"  {change['qid']} {change['query']!r}: overlap {change['overlap']:.2f}{'; ' if moves else ''}{moves}"
