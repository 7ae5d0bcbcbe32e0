"""Lines of reranking: against what they are measured, and where they stand."""

from pathlib import Path

import pytest
from bench.corpus import Corpus
from bench.figures.rerank import _lines
from bench.harness import Bench
from bench.machine import Cores
from bench.results import merged, of_quality

HELP = Corpus("help center", Path(), ())
FOUND = {
    "ndcg": {"plain": [0.5, 0.5, 0.5], "strong": [1.0, 1.0, 0.25], "reranked": [0.75, 1.0, 0.5]},
    "milliseconds": {"first": [700.0, 900.0, 800.0], "again": [12.0, 10.0, 11.0]},
}


def test_a_reranked_ranking_is_held_against_both_models_alone_and_its_time_against_the_first_time() -> None:
    bench = Bench(5, 1.0, HELP, Path(), Path(), Cores(0, 1))

    plain, strong, took = _lines(bench, HELP, FOUND)

    assert (pytest.approx(1.5), pytest.approx(1.0)) == (plain.ratio, strong.ratio)
    assert "difference +0.250" in plain.remark
    assert (11.0, 800.0) == (took.measured.median, took.reference.median if took.reference else None)


def test_its_lines_stand_in_the_document_of_quality() -> None:
    bench = Bench(5, 1.0, HELP, Path(), Path(), Cores(0, 1))
    empty = {"machine": None, "versions": None, "figures": []}
    run = {"rounds": 5, "corpus": "help center", "date": "2026-01-31", "commit": "abc", "busy": False}

    results = merged(empty, {"processor": "Abacus 2"}, {}, list(_lines(bench, HELP, FOUND)), run)

    assert 3 == len(of_quality(results, wanted=True)["figures"])
