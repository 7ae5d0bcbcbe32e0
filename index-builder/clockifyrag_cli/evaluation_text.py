"""The lines that `clockifyrag eval` prints of a record, which is what it prints whole with --json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

MEASURES = ("ndcg", "mrr", "recall")
NAMED = 3  # judged documents that an index lacks; --json has them all
SHOWN = 10  # questions and articles that a comparison lists; --json has them all


def ranking_lines(record: Record) -> Iterator[str]:
    """Of one ranking: its measures, and where a reranker had a say what that changed."""
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
    if missing := record.get("missing"):
        yield f"  not in this index, so never found: {len(missing)} of the judged documents, {_some(missing)}"
    if "rerank" in record:
        told = record["rerank"]
        one = told["ndcg_difference"]
        yield f"  reranking: nDCG@10 {one['mean']:+.3f}   paired 95 % interval {one['low']:+.3f} – {one['high']:+.3f}"
        yield f"  {told['wins']} answered better, {told['losses']} worse, {told['ties']} as before"
        yield f"  it takes {told['median_ms']:.0f} ms a question (median), passages met for the first time included"


def comparison_lines(record: Record) -> Iterator[str]:
    """Of two rankings: who is answered better or worse, and which articles are no longer found."""
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


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
