"""Lines of quality: which bars they are measured against, and when they are met."""

from pathlib import Path

import pytest
from bench.comparison import Comparison
from bench.corpus import Corpus
from bench.figures.quality import _Lines
from bench.harness import Bench
from bench.machine import Cores
from bench.results import merged, of_quality, table


def lines(model: str, corpus: str, both: float, doubted: tuple[int, int]) -> dict[str, Comparison]:
    """The lines by the end of their id, of a leg that reaches .70 and rankings of rank_bm25 that reach .55."""
    bench = Bench(5, 1.0, Corpus(corpus, Path(), ()), Path(), Path(), Cores(0, 1))
    rankings = {"both": both, "dense": 0.6, "lexical": 0.7, "rrf": 0.68, "bm25": 0.55, "stemmed": 0.55}
    found = {what: {name: [value] * 4 for name, value in rankings.items()} for what in ("ndcg", "mrr", "recall")}
    counts = {"unanswerable": (doubted[0], 10), "answerable": (doubted[1], 100)}
    made = _Lines(bench, model, Corpus(corpus, Path(), ()), {**found, "doubted": counts}).all()
    return {one.id.partition(f"{model}-")[2]: one for one in made}


@pytest.mark.parametrize(
    ("both", "met"),
    [(0.70, True), (0.6951, True), (0.6949, False)],
)
def test_both_legs_may_be_a_little_below_the_better_one_and_no_more(both: float, met: bool) -> None:
    line = lines("all-minilm", "SciFact", both, (8, 5))["lexical"]

    assert line.bar is not None and line.ratio is not None
    assert met == line.bar.met_by(line.ratio)


def test_the_static_model_is_measured_against_its_own_bars_on_the_help_center() -> None:
    found = lines("wordllama", "help center", 0.70, (8, 5))

    goals = {name: line.goal for name, line in found.items() if line.goal}
    expected = {"ndcg", "recall", "lexical", "bm25", "clrag", "doubted-unanswerable", "doubted-answerable"}
    assert expected == set(goals)
    assert all(line.bar and line.ratio and line.bar.met_by(line.ratio) for name, line in found.items() if name in
               expected - {"recall"})  # fmt: skip
    assert not found["recall"].bar.met_by(found["recall"].ratio)  # .70 of .78


@pytest.mark.parametrize(("doubted", "met"), [((8, 5), (True, True)), ((7, 6), (False, False))])
def test_doubts_are_measured_in_both_directions(doubted: tuple[int, int], met: tuple[bool, bool]) -> None:
    found = lines("all-minilm", "help center", 0.8, doubted)

    kinds = [found[f"doubted-{kind}"] for kind in ("unanswerable", "answerable")]
    assert met == tuple(one.bar.met_by(one.ratio) for one in kinds if one.bar and one.ratio is not None)


def test_claims_of_another_corpus_are_told_among_the_questions_that_nothing_answers() -> None:
    bench = Bench(5, 1.0, Corpus("help center", Path(), ()), Path(), Path(), Cores(0, 1))
    rankings = {name: [0.7] for name in ("both", "dense", "lexical", "rrf", "bm25", "stemmed")}
    counts = {"unanswerable": (300, 302), "answerable": (1, 81)}
    found = {"ndcg": rankings, "mrr": rankings, "recall": rankings, "doubted": counts}

    lines = {one.title.partition(":")[0]: one.remark for one in _Lines(bench, "m", bench.corpus, found, 300).all()}

    assert "300 of them are claims of SciFact" in lines["Low confidence in unanswerable questions"]
    assert "claims" not in lines["Low confidence in answerable questions"]


def test_lines_of_quality_stand_in_their_own_document() -> None:
    empty = {"machine": None, "versions": None, "figures": []}
    machine = {"processor": "Abacus 2", "cores": 2, "memoryGiB": 1.5, "kernel": "6.1"}
    run = {"rounds": 5, "corpus": "SciFact", "date": "2026-01-31", "commit": "abc", "busy": False}
    results = merged(empty, machine, {}, list(lines("wordllama", "SciFact", 0.7, (8, 5)).values()), run)

    quality, other = of_quality(results, wanted=True), of_quality(results, wanted=False)

    assert "nDCG@10: SciFact, wordllama" in table(quality)
    assert [] == other["figures"]
