"""Chunkings that are tried: what differs from a build is what was asked for, and nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.chunkings import Chunking, chunks_of, engine_of, last_words, overlapping
from bench.comparison import Comparison
from bench.corpus import Corpus
from bench.figures.chunking import AS_BUILT, _line
from bench.harness import Bench
from bench.machine import Cores
from bench.prepared import plan_of, silent
from bench.results import chunking_table, merged, of_quality

from clockifyrag_builder.build import build
from clockifyrag_index.generations import current_id

MODEL = "wordllama"
HELPFUL = "Was this page helpful to you? Tell the authors what you were looking for."


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight articles of two sections, one of them long; all end with the same sentence."""
    folder = tmp_path_factory.mktemp("articles")
    for number in range(8):
        steps = " ".join(f"Step {step} of article {number} turns wheel {step * 7 + number}." for step in range(40))
        text = f"# Article {number}\n\n## Wheels\n\n{steps}\n\n## Bells\n\nBell {number} rings.\n\n{HELPFUL}\n"
        (folder / f"{number}.md").write_text(text)
    return folder


@pytest.fixture(scope="module")
def root(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index that a build makes of them."""
    root = tmp_path_factory.mktemp("root")
    build(plan_of(source, root, MODEL), silent)
    return root


def test_without_changes_it_is_the_generation_that_a_build_makes(source: Path, root: Path, tmp_path: Path) -> None:
    plan = plan_of(source, root, MODEL)

    engine = engine_of(plan, chunks_of(plan, MODEL, Chunking()), Chunking(), tmp_path)

    assert current_id(root) == engine.generation.id


def test_without_breadcrumbs_the_same_passages_have_other_vectors(source: Path, root: Path, tmp_path: Path) -> None:
    plan, without = plan_of(source, root, MODEL), Chunking(breadcrumbs=False)
    chunks = chunks_of(plan, MODEL, Chunking())

    bare = engine_of(plan, chunks_of(plan, MODEL, without), without, tmp_path).generation

    assert chunks == list(bare.chunks)
    expected = plan.embedder.embed_documents([one.content for one in chunks])
    assert np.array_equal(expected, bare.dense.vectors())


def test_boilerplate_stands_in_every_article_once_it_is_kept(source: Path, root: Path) -> None:
    plan = plan_of(source, root, MODEL)

    left_out = chunks_of(plan, MODEL, Chunking())
    kept = chunks_of(plan, MODEL, Chunking(boilerplate_left_out=False))

    assert (0, 8) == tuple(sum(HELPFUL in one.content for one in chunks) for chunks in (left_out, kept))


def test_a_passage_begins_with_the_last_words_of_the_one_before_in_its_section_alone(source: Path, root: Path) -> None:
    chunks = [one for one in chunks_of(plan_of(source, root, MODEL), MODEL, Chunking(min_chars=0)) if "0" in one.title]

    found = overlapping(chunks, 30)

    assert len(chunks) > 2 and {("Wheels",), ("Bells",)} == {one.headings for one in chunks}
    for before, cut, one in zip([None, *chunks], chunks, found, strict=False):
        if before is not None and before.headings == cut.headings:
            assert f"{last_words(before.content, 30)}\n{cut.content}" == one.content
        else:
            assert cut == one
    assert all(cut == replace(one, content=cut.content) for cut, one in zip(chunks, found, strict=True))


@pytest.mark.parametrize(
    ("chars", "words"),
    [
        pytest.param(12, "brass button", id="a-word-begins-there"),
        pytest.param(14, "brass button", id="within-a-word"),
        pytest.param(5, "", id="longest-word"),
        pytest.param(22, "press the brass button", id="all"),
    ],
)
def test_words_are_repeated_whole(chars: int, words: str) -> None:
    assert words == last_words("press the brass button", chars)


def line(name: str, ndcg: list[float], default: dict[str, Any] | None, generation: str = "gen-2") -> Comparison:
    bench = Bench(5, 1.0, Corpus("sample", Path(), ()), Path(), Path(), Cores(0, 1))
    found = {"passages": 1234, "generation": generation, "ndcg": ndcg, "mrr": [0.5] * 4, "recall": [0.5] * 4}
    return _line(bench, Corpus("sample", Path(), ()), MODEL, name, found, default)


DEFAULT = {"generation": "gen-1", "ndcg": [0.5] * 4, "mrr": [0.5] * 4, "recall": [0.5] * 4}


@pytest.mark.parametrize(
    ("ndcg", "told"),
    [
        pytest.param([0.6] * 4, "nDCG@10 **+0.100 (+0.100 – +0.100)**", id="better"),
        pytest.param([0.4] * 4, "nDCG@10 **−0.100 (−0.100 – −0.100)**", id="worse"),
        pytest.param([0.4, 0.6, 0.4, 0.6], "nDCG@10 +0.000 (−0.100 – +0.100)", id="noise"),
    ],
)
def test_a_difference_stands_out_where_its_interval_is_on_one_side_of_zero(ndcg: list[float], told: str) -> None:
    remark = line("boilerplate kept", ndcg, DEFAULT).remark

    assert ["1,234 passages", told] == remark.split("; ")[:2]


def test_an_index_that_is_the_same_says_so() -> None:
    assert "1,234 passages; the same index" == line("boilerplate kept", [0.5] * 4, DEFAULT, "gen-1").remark


def test_chunkings_stand_in_a_table_of_their_own_in_the_order_they_are_tried() -> None:
    empty = {"machine": None, "versions": None, "figures": []}
    run = {"rounds": 5, "corpus": "sample", "date": "2026-01-31", "commit": "abc", "busy": False}
    lines = [line("boilerplate kept", [0.6] * 4, DEFAULT), line("at most 400 characters", [0.6] * 4, DEFAULT)]
    results = merged(empty, {}, {}, [*lines, line(AS_BUILT, [0.5] * 4, None)], run)

    shown = chunking_table(results).splitlines()

    assert "| tried | sample, wordllama |" in shown
    assert ["as built", "at most 400 characters", "boilerplate kept"] == [one.split(" | ")[0][2:] for one in shown[-3:]]
    assert [[], []] == [of_quality(results, wanted=wanted)["figures"] for wanted in (True, False)]
