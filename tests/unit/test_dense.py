"""Dense leg: the order is total, exact, and the same for every k and range."""

from itertools import product

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clockifyrag_index.dense import DenseIndex
from clockifyrag_index.errors import BadVectors, GenerationDamaged, GenerationMissing
from clockifyrag_index.faiss_file import build_index, write_index
from clockifyrag_index.manifest import IndexParameters

# Corners of the cube in four dimensions have length 1 exactly, and their inner products with small integers are exact
# in float32, so numpy is an oracle to the last bit. Sixteen of them among hundreds of rows: nearly everything is a tie.
CORNERS = np.array(list(product((0.5, -0.5), repeat=4)), dtype=np.float32)


def dense(vectors, tmp_path=None):
    index = build_index(vectors, IndexParameters())
    if tmp_path is None:
        return DenseIndex(index)
    write_index(index, tmp_path / "index.bin")
    return DenseIndex.open(tmp_path / "index.bin", *vectors.shape, IndexParameters())


def unit_rows(rows, dimensions, seed=0):
    drawn = np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def best_by_sorting_all(vectors, question, k, rows):
    scores = vectors @ question
    ordered = sorted(rows, key=lambda row: (-scores[row], row))[:k]
    return ordered, scores[ordered].tolist()


@settings(max_examples=150, deadline=None)
@given(
    corners=st.lists(st.integers(0, 15), min_size=1, max_size=400),
    question=st.lists(st.integers(-3, 3), min_size=4, max_size=4),
    k=st.integers(1, 450),
    bounds=st.tuples(st.integers(0, 400), st.integers(0, 400)),
)
def test_with_any_number_of_ties_the_answer_is_that_of_sorting_all_rows(corners, question, k, bounds):
    vectors = CORNERS[corners]
    asked = np.array(question, dtype=np.float32)
    rows = range(min(*bounds, len(vectors)), min(max(bounds), len(vectors)))

    everywhere = dense(vectors).search(asked, k)
    within = dense(vectors).search(asked, k, rows)

    assert best_by_sorting_all(vectors, asked, k, range(len(vectors))) == tuple(one.tolist() for one in everywhere)
    assert best_by_sorting_all(vectors, asked, k, rows) == tuple(one.tolist() for one in within)


@pytest.mark.parametrize("dimensions", [7, 256, 384, 768])
def test_a_score_has_the_same_bits_for_every_k_and_range(dimensions):
    vectors = unit_rows(1000, dimensions)
    vectors[::9] = vectors[1]  # equal rows at any distance from a multiple of eight
    index, question = dense(vectors), unit_rows(1, dimensions, seed=1)[0]

    rows, scores = index.search(question, 1000)

    score_of = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    assert 1 == len({score_of[row] for row in [*range(0, 1000, 9), 1]})
    assert np.allclose(vectors @ question, [score_of[row] for row in range(1000)], atol=1e-6)
    for k, within in ((1, None), (10, None), (150, None), (20, range(333, 777)), (444, range(333, 777))):
        some_rows, some_scores = index.search(question, k, within)
        allowed = within or range(1000)
        assert [row for row in rows.tolist() if row in allowed][:k] == some_rows.tolist()
        assert [score_of[row] for row in some_rows.tolist()] == some_scores.tolist()


@pytest.mark.parametrize(
    ("k", "rows", "expected"),
    [
        pytest.param(0, None, 0, id="nothing asked"),
        pytest.param(-1, None, 0, id="less than nothing asked"),
        pytest.param(5, range(3, 3), 0, id="an empty range"),
        pytest.param(5, range(8, 2), 0, id="a range backwards"),
        pytest.param(5, range(9, 99), 1, id="a range beyond the end"),
        pytest.param(99, None, 10, id="more than there are"),
    ],
)
def test_never_more_rows_than_there_are(k, rows, expected):
    index = dense(unit_rows(10, 8))

    found, scores = index.search(unit_rows(1, 8)[0], k, rows)

    assert (expected, expected) == (len(found), len(scores))
    assert (np.dtype(np.int64), np.dtype(np.float32)) == (found.dtype, scores.dtype)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(np.zeros(7, np.float32), id="too short"),
        pytest.param(np.zeros((1, 8), np.float32), id="a matrix"),
        pytest.param(np.full(8, np.nan, np.float32), id="NaN"),
        pytest.param(np.full(8, np.inf, np.float32), id="infinite"),
    ],
)
def test_a_question_that_is_no_vector_is_refused(question):
    with pytest.raises(BadVectors, match=r"expected \(8,\) finite numbers"):
        dense(unit_rows(10, 8)).search(question, 3)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("k", [1, 3, 150, 1000])
def test_one_number_that_is_none_is_enough_to_refuse_a_question(number, k):
    index, question = dense(np.abs(unit_rows(1000, 8))), unit_rows(1, 8)[0]
    question[3] = number

    with pytest.raises(BadVectors, match=r"expected \(8,\) finite numbers"):
        index.search(question, k)


def test_written_and_mapped_it_answers_the_same_and_gives_every_row_back(tmp_path):
    vectors = unit_rows(500, 32)
    in_memory, mapped = dense(vectors), dense(vectors, tmp_path)
    question = unit_rows(1, 32, seed=3)[0]

    answers = [index.search(question, 20) for index in (in_memory, mapped)]

    assert [one.tolist() for one in answers[0]] == [one.tolist() for one in answers[1]]
    assert np.array_equal(vectors[123], mapped.vector(123))
    assert np.array_equal(vectors, mapped.vectors())
    with pytest.raises(IndexError, match="row 500, expected 0 to 499"):
        mapped.vector(500)


def test_an_index_of_another_metric_is_refused(tmp_path):
    index = faiss.IndexFlatL2(8)
    index.add(unit_rows(10, 8))
    faiss.write_index(index, str(tmp_path / "index.bin"))

    with pytest.raises(GenerationDamaged, match="begins with b'IxF2', expected IxFI of Flat Float32"):
        DenseIndex.open(tmp_path / "index.bin", 10, 8, IndexParameters())


def test_an_index_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(GenerationMissing):
        DenseIndex.open(tmp_path / "index.bin", 10, 8, IndexParameters())
