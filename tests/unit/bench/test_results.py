"""results.json and the table made from it."""

import pytest
from bench.comparison import Bar, Comparison, Side
from bench.results import (
    DOCUMENT,
    QUALITY_DOCUMENT,
    merged,
    of_quality,
    read_results,
    table,
    with_chunking,
    with_table,
    write_results,
)

MACHINE = {"processor": "Abacus 2", "cores": 2, "memoryGiB": 1.5, "kernel": "6.1"}
OTHER_MACHINE = {**MACHINE, "processor": "Abacus 3"}
VERSIONS = {"python": "3.12"}
RUN = {"rounds": 5, "corpus": "sample", "date": "2026-01-31", "commit": "abc", "busy": False}
EMPTY = {"machine": None, "versions": None, "figures": []}


def figure(name: str, measured: float = 2.0) -> Comparison:
    sides = Side("the service", "ms", (measured,) * 5), Side("its parts", "ms", (1.0,) * 5)
    return Comparison(name, f"Figure {name}", *sides, Bar("≤", 1.5), "a remark")


def test_a_figure_takes_the_place_of_its_earlier_self():
    before = merged(EMPTY, MACHINE, VERSIONS, [figure("b"), figure("a")], RUN)

    after = merged(before, MACHINE, VERSIONS, [figure("b", 1.0)], RUN)

    assert [("a", 2.0), ("b", 1.0)] == [(one["id"], one["ratio"]) for one in after["figures"]]


def test_figures_of_another_machine_are_dropped():
    before = merged(EMPTY, MACHINE, VERSIONS, [figure("a")], RUN)

    after = merged(before, OTHER_MACHINE, VERSIONS, [figure("b")], RUN)

    assert ["b"] == [one["id"] for one in after["figures"]]
    assert OTHER_MACHINE == after["machine"]


def test_results_are_read_as_they_were_written(tmp_path):
    results = merged(EMPTY, MACHINE, VERSIONS, [figure("a")], RUN)

    write_results(results, tmp_path / "results.json")

    assert results == read_results(tmp_path / "results.json")
    assert EMPTY == read_results(tmp_path / "nothing.json")


def test_the_table_names_machine_both_sides_ratio_and_a_missed_bar():
    results = merged(EMPTY, MACHINE, VERSIONS, [figure("a")], {**RUN, "busy": True})

    lines = table(results).splitlines()

    assert "Abacus 2, 2 cores, 1.5 GiB, Linux 6.1; python 3.12." in lines
    assert (
        "| Figure a<br>a remark | 2 ms<br>the service | 1 ms<br>its parts | **2** | ≤ 1.5 (missed) | ± 0 % | "
        "sample, 2026-01-31, abc, 5 rounds, **busy machine** |" in lines
    )


def test_without_figures_the_table_says_how_to_measure():
    assert "`make bench`" in table(EMPTY)


def test_a_document_without_marks_is_refused():
    with pytest.raises(ValueError, match="expected the lines"):
        with_table("# Performance\n", EMPTY)


@pytest.mark.parametrize(("document", "quality"), [(DOCUMENT, False), (QUALITY_DOCUMENT, True)])
def test_the_documents_show_what_was_measured(document, quality):
    written = document.read_text(encoding="utf-8")

    expected = with_table(written, of_quality(read_results(), wanted=quality))

    assert expected == written, "type: .venv/bin/python -m bench --docs"


def test_the_chunkings_that_were_tried_stand_beside_them():
    written = QUALITY_DOCUMENT.read_text(encoding="utf-8")

    assert with_chunking(written, read_results()) == written, "type: .venv/bin/python -m bench --docs"
