"""The lexical leg against the formula's own oracles, rank-bm25 and bm25s, and its own promises."""

from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.impacts import Bm25
from clockifyrag_index.lexical import LexicalIndex, question_terms
from clockifyrag_index.lexical_writer import write_lexical
from clockifyrag_index.text import terms
from clockifyrag_index.top import top_of_repeated, top_rows

PASSAGES = (
    "Start the timer and stop the timer when the work is done.",
    "A timesheet shows the week; submit the timesheet for approval.",
    "Managers approve or reject timesheets of the team.",
    "Billable rates can be set for the workspace, a project or a task.",
    "The kiosk lets people clock in and clock out with a PIN.",
    "Export the detailed report as CSV, PDF or Excel.",
    "Time off policies say how many days of leave people have.",
    "",
)
QUESTIONS = (
    "stop the timer",
    "approve timesheets",
    "billable rate of a project",
    "clock out",
    "report",
    "leave policy",
)
BODY_ONLY = Bm25(k1=1.5, weights=(0.0, 0.0, 1.0), b=(0.0, 0.0, 0.75))


def chunk(row: int, content: str, title: str = "", headings: Sequence[str] = ()) -> Chunk:
    return Chunk(
        chunk_id=f"{row:016x}", document_id=f"d{row}", namespace="default", position=0, title=title,
        headings=tuple(headings), content=content, url=f"/articles/d{row}", category="", parent=None, previous=None,
        next=None, also_at=(),
    )  # fmt: skip


def lexical_index(directory: Path, chunks: Sequence[Chunk], bm25: Bm25 | None = None) -> LexicalIndex:
    write_lexical(directory, chunks, bm25)
    return LexicalIndex(directory)


def dense_scores(index: LexicalIndex, question: str) -> np.ndarray:
    """The scores of all rows, zeros included."""
    with index.totals(question_terms([question])) as totals:
        return totals.of(np.arange(index.size))


class LuceneOkapi(BM25Okapi):  # type: ignore[misc]
    """rank-bm25's formula with the idf that is never negative, instead of its floor for common terms."""

    def _calc_idf(self, nd: dict[str, int]) -> None:
        self.idf = {term: float(np.log1p((self.corpus_size - df + 0.5) / (df + 0.5))) for term, df in nd.items()}


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_equal_the_formula_of_rank_bm25(tmp_path: Path, question: str) -> None:
    index = lexical_index(tmp_path, [chunk(row, text) for row, text in enumerate(PASSAGES)], BODY_ONLY)
    oracle = LuceneOkapi([terms(text) for text in PASSAGES], k1=1.5, b=0.75)

    scores = dense_scores(index, question)

    expected = oracle.get_scores(terms(question)) / (1.5 + 1)  # Lucene leaves out the constant factor k1 + 1
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("question", QUESTIONS)
def test_ranking_and_scores_equal_bm25s(tmp_path: Path, question: str) -> None:
    index = lexical_index(tmp_path, [chunk(row, text) for row, text in enumerate(PASSAGES)], BODY_ONLY)
    oracle = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    oracle.index([terms(text) for text in PASSAGES], show_progress=False)

    scores = dense_scores(index, question)

    np.testing.assert_allclose(scores, oracle.get_scores(terms(question)), rtol=1e-5, atol=1e-6)


def test_a_word_in_the_title_weighs_more_than_in_the_body(tmp_path: Path) -> None:
    chunks = [chunk(0, "kiosk and nothing else", "Timer"), chunk(1, "timer and nothing else", "Kiosk")]

    scores = dense_scores(lexical_index(tmp_path, chunks), "kiosk")

    assert scores[1] > scores[0] > 0


def test_a_term_of_every_chunk_still_scores_above_zero(tmp_path: Path) -> None:
    index = lexical_index(tmp_path, [chunk(0, "timer"), chunk(1, "timer")])

    assert (dense_scores(index, "timer") > 0).all()


def test_an_index_of_one_empty_chunk_answers_nothing(tmp_path: Path) -> None:
    index = lexical_index(tmp_path, [chunk(0, "")])

    rows, scores = index.top({"timer": 1.0}, 10)

    assert (0, 0) == (len(rows), len(scores))


def test_the_same_chunks_give_the_same_bytes(tmp_path: Path) -> None:
    chunks = [chunk(row, text, "Title", ("Heading",)) for row, text in enumerate(PASSAGES)]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_lexical(tmp_path / name, chunks)

    files = sorted(path.name for path in (tmp_path / "a").iterdir())

    assert files == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_a_question_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    index = lexical_index(tmp_path, [chunk(row, text) for row, text in enumerate(PASSAGES)])
    first = dense_scores(index, "timer")

    dense_scores(index, "approve the timesheet and stop the kiosk report")

    np.testing.assert_array_equal(first, dense_scores(index, "timer"))


@settings(max_examples=60, deadline=None)
@given(scores=st.lists(st.integers(0, 5), min_size=1, max_size=40), k=st.integers(1, 12), more=st.integers(1, 12))
def test_the_best_k_are_a_prefix_of_the_best_k_plus_more(scores: list[int], k: int, more: int) -> None:
    rows, values = np.arange(len(scores)), np.array(scores, dtype=np.float32)

    few, _ = top_rows(rows, values, k)
    many, _ = top_rows(rows, values, k + more)

    by_score_then_row = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
    assert by_score_then_row[:k] == few.tolist()
    assert many.tolist()[: len(few)] == few.tolist()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), scores=st.lists(st.integers(0, 5), min_size=1, max_size=40), k=st.integers(1, 12))
def test_rows_that_stand_there_several_times_count_once(data: st.DataObject, scores: list[int], k: int) -> None:
    once = np.arange(len(scores))
    repeated = data.draw(st.permutations([*once, *data.draw(st.lists(st.sampled_from(once.tolist()), unique=True))]))
    rows, values = np.array(repeated, dtype=np.int64), np.array(scores, dtype=np.float32)

    found, found_scores = top_of_repeated(rows, values[rows], k, 2)

    expected, expected_scores = top_rows(once, values, k)
    assert (expected.tolist(), expected_scores.tolist()) == (found.tolist(), found_scores.tolist())
