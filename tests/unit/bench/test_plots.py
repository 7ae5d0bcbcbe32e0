"""The plot of the bars is made from results.json, and the same results give the same file."""

import pytest
from bench.comparison import Bar, Comparison, Side
from bench.plots import by_bar, rankings_of, write_plots
from bench.results import merged

MACHINE = {"processor": "Abacus 2", "cores": 2, "memoryGiB": 1.5, "kernel": "6.1"}
RUN = {"rounds": 3, "corpus": "sample", "date": "2026-01-31", "commit": "abc", "busy": False}
EMPTY = {"machine": None, "versions": None, "figures": []}


def results(bar: Bar | None) -> dict:
    sides = Side("the service", "ms", (2.0, 3.0, 4.0)), Side("its parts", "ms", (1.0, 1.0, 1.0))
    return merged(EMPTY, MACHINE, {}, [Comparison("a", "Figure a", *sides, bar, goal="G3")], RUN)


@pytest.mark.parametrize(("direction", "middle"), [("≤", 0.5), ("≥", 2.0)])
def test_above_one_is_better_than_the_bar_whichever_way_it_points(direction, middle):
    (figure,) = results(Bar(direction, 1.5))["figures"]

    assert middle == by_bar(figure)[0]


def test_the_same_results_give_the_same_file(tmp_path):
    first = write_plots(results(Bar("≥", 1.5)), tmp_path / "first")
    second = write_plots(results(Bar("≥", 1.5)), tmp_path / "second")

    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert "bars.svg" == first[0].name


def test_without_a_bar_nothing_is_drawn(tmp_path):
    assert [] == write_plots(results(None), tmp_path)


def test_rankings_are_drawn_by_set_and_model(tmp_path):
    both = Side("both legs, as served", "nDCG@10", (0.8, 0.8, 0.8))
    others = {"lexical": "the lexical leg alone, the better one", "rrf": "reciprocal rank fusion of both legs"}
    found = merged(EMPTY, MACHINE, {}, [
        Comparison(key, f"nDCG@10 by {name}: sample, wordllama", both, Side(name, "nDCG@10", (0.5, 0.5, 0.5)))
        for key, name in others.items()
    ], RUN)  # fmt: skip

    values = {"both legs, as served": 0.8, "the lexical leg alone": 0.5, others["rrf"]: 0.5}
    assert {"sample, wordllama": values} == rankings_of(found["figures"])
    assert ["rankings.svg"] == [file.name for file in write_plots(found, tmp_path)]
