"""What a question adds up is what the fields give: in one block of rows and in many, in both formats."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockifyrag_index import impacts, lexical_writer, pruned, row_list, totals, word_counts
from clockifyrag_index.impact_index import ImpactIndex, mapped_impacts
from clockifyrag_index.impacts import ARTICLE_B, ARTICLE_K1, FIELDS, Bm25
from clockifyrag_index.lexical import LexicalIndex
from clockifyrag_index.lexical_writer import Passage, write_passages

WORDS = ("timer", "start", "stop", "report", "rate", "kiosk")
TERMS = dict.fromkeys(WORDS, 1.0)
LEVELS = ("passages", "articles")

word = st.sampled_from(WORDS)
field = st.lists(word, max_size=6)
passages = st.lists(st.tuples(st.integers(0, 3), field, field, field), min_size=1, max_size=25)


def index_of(directory: Path, rows: Sequence[tuple[int, list[str], list[str], list[str]]]) -> LexicalIndex:
    """rows: article and the words of title, headings and body."""
    directory.mkdir()
    in_order = sorted(rows, key=lambda row: row[0])
    write_passages(directory, (Passage(article, words) for article, *words in in_order), Bm25(), term=str)
    return LexicalIndex(directory)


def articles_of(directory: Path, index: LexicalIndex) -> ImpactIndex:
    articles = int(np.load(directory / "articles.of.npy")[-1]) + 1
    return ImpactIndex(index.number_of, articles, mapped_impacts(directory, "articles"))


def formula(rows: Sequence[Sequence[list[str]]], term: str) -> list[float]:
    """The score of each passage for one term, by the book, in Python's own numbers."""
    bm25, size = Bm25(), len(rows)
    averages = [sum(len(row[place]) for row in rows) / size or 1.0 for place in range(len(FIELDS))]
    df = sum(any(term in words for words in row) for row in rows)
    scores = []
    for row in rows:
        x = sum(
            weight * words.count(term) / (1 - b + b * len(words) / average)
            for words, weight, b, average in zip(row, bm25.weights, bm25.b, averages, strict=True)
        )
        scores.append(np.log1p((size - df + 0.5) / (df + 0.5)) * x / (bm25.k1 + x))
    return scores


@settings(max_examples=80, deadline=None)
@given(rows=passages)
def test_impacts_are_what_the_formula_gives(tmp_path_factory: pytest.TempPathFactory, rows) -> None:
    directory = tmp_path_factory.mktemp("index") / "lexical"
    in_order = sorted(rows, key=lambda row: row[0])

    index = index_of(directory, rows)

    for term in WORDS:
        with index.totals({term: 1.0}) as found:
            scores = found.of(np.arange(index.size))
        np.testing.assert_allclose(scores, formula([row[1:] for row in in_order], term), rtol=1e-5, atol=1e-7)


@settings(max_examples=80, deadline=None)
@given(rows=passages)
def test_articles_score_as_one_text_of_their_bodies(tmp_path_factory: pytest.TempPathFactory, rows) -> None:
    directory = tmp_path_factory.mktemp("index") / "lexical"
    in_order = sorted(rows, key=lambda row: row[0])
    bodies = [[word for row in group for word in row[3]] for _, group in groupby(in_order, key=lambda row: row[0])]

    articles = articles_of(directory, index_of(directory, rows))

    average = sum(map(len, bodies)) / len(bodies) or 1.0
    for term in WORDS:
        df = sum(term in body for body in bodies)
        with articles.totals({term: 1.0}) as found:
            scores = found.of(np.arange(len(bodies)))
        expected = [
            np.log1p((len(bodies) - df + 0.5) / (df + 0.5)) * (tf := body.count(term))
            / (tf + ARTICLE_K1 * (1 - ARTICLE_B + ARTICLE_B * len(body) / average))
            for body in bodies
        ]  # fmt: skip
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-7)


@settings(max_examples=40, deadline=None)
@given(rows=passages, at_once=st.integers(1, 9), passages_at_once=st.integers(1, 4))
def test_counting_in_small_blocks_writes_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, rows, at_once, passages_at_once
) -> None:
    root = tmp_path_factory.mktemp("index")
    index_of(root / "whole", rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical_writer, "PASSAGES_AT_ONCE", passages_at_once)
        patch.setattr(word_counts, "WORDS_AT_ONCE", at_once)
        patch.setattr(impacts, "POSTINGS_AT_ONCE", at_once)
        index_of(root / "parts", rows)

    names = sorted(path.name for path in (root / "whole").iterdir())
    assert names == sorted(path.name for path in (root / "parts").iterdir())
    assert all((root / "whole" / name).read_bytes() == (root / "parts" / name).read_bytes() for name in names)


LIMITS = ((totals, "FRESH_MAX"), (pruned, "PRUNED_FROM"), (pruned, "POSTINGS_FIRST"), (row_list, "BLOCK_ROWS"))
# the largest index with an array a question, the fewest postings that are pruned, those of the first group, the rows of
# a block
WAYS = {
    "array a question": (1 << 16, 1 << 16, 1, 1 << 16),
    "array a question, blocks": (1 << 16, 1 << 16, 1, 3),
    "array kept": (0, 1 << 16, 1, 1 << 16),
    "array kept, blocks": (0, 1 << 16, 1, 1),
    "pruned": (0, 0, 1, 1 << 16),
    "pruned, blocks": (0, 0, 1, 4),
    "pruned in larger groups": (0, 0, 20, 1 << 16),
}


@settings(max_examples=200, deadline=None)
@given(
    rows=passages,
    asked=st.lists(word, min_size=1, unique=True),
    k=st.integers(1, 8),
    way=st.sampled_from(sorted(WAYS)),
)
def test_the_best_are_those_of_sorting_everything(
    tmp_path_factory: pytest.TempPathFactory, rows, asked, k, way
) -> None:
    root, terms = tmp_path_factory.mktemp("index"), dict.fromkeys(asked, 1.0)
    with index_of(root / "lexical", rows).totals(terms) as all_of_them:
        everything = all_of_them.of(np.arange(len(rows)))

    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in zip(LIMITS, WAYS[way], strict=True):
            patch.setattr(module, name, value)
        index = index_of(root / "in this way", rows)
        found, scores = index.top(terms, k)

    expected = [int(row) for row in np.lexsort((np.arange(index.size), -everything)) if everything[row] > 0][:k]
    assert expected == found.tolist()
    assert everything[expected].tolist() == scores.tolist()


@settings(max_examples=40, deadline=None)
@given(rows=passages, asked=st.lists(word, min_size=1, unique=True), block_rows=st.sampled_from((2, 1 << 16)))
def test_scores_looked_up_later_have_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, rows, asked, block_rows
) -> None:
    everything = np.arange(len(rows))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(totals, "FRESH_MAX", 0)
        patch.setattr(row_list, "BLOCK_ROWS", block_rows)
        index = index_of(tmp_path_factory.mktemp("index") / "lexical", rows)
        with index.totals(dict.fromkeys(asked, 0.4)) as found:
            before = found.of(everything)
        after = found.of(everything)

    assert before.tobytes() == after.tobytes()


def test_a_word_once_more_scores_higher_among_passages_of_one_length(tmp_path: Path) -> None:
    rows = [(row, [], [], ["timer"] * row + ["stop"] * (5 - row)) for row in range(1, 6)]

    found, scores = index_of(tmp_path / "lexical", rows).top({"timer": 1.0}, 10)

    assert [4, 3, 2, 1, 0] == found.tolist()
    assert (np.diff(scores) < 0).all()


def test_a_generation_of_the_format_before_answers_alike(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    rows = [(row // 3, *(list(rng.choice(WORDS, size)) for size in (1, 2, 9))) for row in range(60)]
    directory = tmp_path / "lexical"
    new = index_of(directory, rows)
    wanted = new.top(TERMS, 20), articles_of(directory, new).top(TERMS, 20)

    for level in LEVELS:
        rows_of = directory / f"{level}.rows.npy"
        np.save(rows_of, np.load(rows_of).astype(np.uint32))
    old = LexicalIndex(directory)
    found = old.top(TERMS, 20), articles_of(directory, old).top(TERMS, 20)

    for (rows_before, before), (rows_after, after) in zip(wanted, found, strict=True):
        assert rows_before.tolist() == rows_after.tolist()
        assert before.tobytes() == after.tobytes()


def test_other_parameters_than_those_of_the_builder_act_at_once(tmp_path: Path) -> None:
    index_of(tmp_path / "lexical", [(0, ["timer"], [], ["stop"]), (1, ["stop"], [], ["timer"])])

    by_title, _ = LexicalIndex(tmp_path / "lexical").top({"timer": 1.0}, 2)
    by_body, _ = LexicalIndex(tmp_path / "lexical", Bm25(weights=(0.1, 1.0, 9.0))).top({"timer": 1.0}, 2)

    assert ([0, 1], [1, 0]) == (by_title.tolist(), by_body.tolist())


ASK = """
import sys
from pathlib import Path
from clockifyrag_index.lexical import LexicalIndex
rows, scores = LexicalIndex(Path(sys.argv[1])).top(dict.fromkeys(sys.argv[2:], 0.7), 25)
print(rows.tobytes().hex(), scores.tobytes().hex())
"""


def test_other_processes_and_other_numbers_of_threads_find_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    index_of(tmp_path / "lexical", [(row, [], [], list(rng.choice(WORDS, 12))) for row in range(300)])

    found = {
        subprocess.run(
            [sys.executable, "-c", ASK, str(tmp_path / "lexical"), *WORDS], check=True, capture_output=True, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": str(threads)},
        ).stdout
        for threads in (1, 2)
    }  # fmt: skip

    assert 1 == len(found)
    assert len(next(iter(found))) > 25 * (16 + 8)


@pytest.mark.parametrize("fresh_max", [pytest.param(1 << 16, id="small index"), pytest.param(0, id="large index")])
def test_several_threads_ask_at_once_and_get_what_one_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_max: int
) -> None:
    monkeypatch.setattr(totals, "FRESH_MAX", fresh_max)
    rng = np.random.default_rng(5)
    index = index_of(tmp_path / "lexical", [(row, [], [], list(rng.choice(WORDS, 12))) for row in range(2000)])
    questions = [dict.fromkeys(rng.choice(WORDS, 1 + turn % 5, replace=False).tolist(), 1.0) for turn in range(200)]
    alone = [index.top(question, 10)[1].tobytes() for question in questions]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda question: index.top(question, 10)[1].tobytes(), questions))

    assert alone == together


def test_a_name_with_a_sign_is_its_letter_in_an_index_of_the_tokenizer_before_alone(tmp_path: Path) -> None:
    now = index_of(tmp_path / "lexical", [(0, [], [], ["c", "timer"]), (1, [], [], ["c#"]), (2, [], [], ["c"])])
    before = LexicalIndex(tmp_path / "lexical", tokenizer="words-nfkc-fold-porter2-1")

    assert [1] == now.top({"c#": 1.0}, 10)[0].tolist()
    assert [] == now.top({"c++": 1.0}, 10)[0].tolist()
    assert [2, 0] == before.top({"c++": 1.0}, 10)[0].tolist() == before.top({"c": 1.0}, 10)[0].tolist()
