"""Indexes that propose rows: whatever the type and storage, scores and order are those of comparing the rows found."""

import os
import struct
import subprocess
import sys

import faiss
import numpy as np
import pytest

from clockifyrag_index import dense
from clockifyrag_index.dense import DenseIndex
from clockifyrag_index.errors import GenerationDamaged, GenerationMissing, UsageError
from clockifyrag_index.faiss_file import build_index, one_thread, write_index
from clockifyrag_index.index_choice import HNSW_FROM, IndexChoice
from clockifyrag_index.manifest import IndexParameters
from clockifyrag_index.recall import nearest_rows, recall_at_10
from clockifyrag_index.vector_rows import VectorRows, inner_products

ROWS, DIMENSIONS = 1500, 24
KINDS = [
    pytest.param(IndexChoice(kind, storage, 16, 100).resolved(ROWS), id=f"{kind} {storage}")
    for kind in ("Flat", "HNSW")
    for storage in ("Float32", "Float16", "SQ8")
]
PROPOSING = KINDS[1:]


def unit_rows(rows, seed=0):
    """Rows around forty directions, as texts lie; every 150th one is the same."""
    drawn = np.random.default_rng(seed)
    centres = drawn.standard_normal((40, DIMENSIONS))
    vectors = centres[drawn.integers(0, 40, rows)] + 0.8 * drawn.standard_normal((rows, DIMENSIONS))
    vectors[::150] = vectors[0]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


VECTORS, QUESTIONS = unit_rows(ROWS), unit_rows(30, seed=1)


def written(folder, parameters, vectors=VECTORS):
    write_index(build_index(vectors, parameters), folder / "index.bin")
    np.save(folder / "vectors.npy", vectors)


def opened(folder, parameters, shape=(ROWS, DIMENSIONS)):
    return DenseIndex.open(
        folder / "index.bin", *shape, parameters, None if parameters.is_exact else folder / "vectors.npy"
    )


@pytest.fixture
def index(tmp_path):
    def make(parameters):
        written(tmp_path, parameters)
        return opened(tmp_path, parameters)

    return make


def by_comparing_all(question, rows):
    scores = inner_products(VECTORS, question, np.array(sorted(rows), dtype=np.int64))
    return sorted(zip(sorted(rows), scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize("parameters", KINDS)
def test_what_is_found_has_the_scores_and_the_order_of_comparing_the_rows_themselves(index, parameters):
    one = index(parameters)

    for question in QUESTIONS:
        rows, scores = one.search(question, 20)

        assert by_comparing_all(question, rows.tolist()) == list(zip(rows.tolist(), scores.tolist(), strict=True))
        assert scores.tolist() == one.scores(question, rows).tolist()


@pytest.mark.parametrize("parameters", KINDS)
def test_the_first_k_of_a_longer_answer_are_the_answer_for_k(index, parameters):
    one = index(parameters)

    for question in QUESTIONS:
        longest = one.search(question, 64)[0].tolist()
        assert all(longest[:k] == one.search(question, k)[0].tolist() for k in (1, 5, 10, 33, 63))


@pytest.mark.parametrize("parameters", KINDS)
def test_nearly_all_of_the_ten_nearest_rows_are_found(index, parameters):
    found = recall_at_10(index(parameters), VECTORS, QUESTIONS)

    assert 0.97 <= found.at_10 <= 1
    assert len(QUESTIONS) == found.questions


@pytest.mark.parametrize("parameters", PROPOSING)
def test_rows_of_a_large_part_are_proposed_and_those_of_a_small_one_compared(index, parameters):
    one = index(parameters)
    large, small = range(100, 1400), np.arange(7, ROWS, 17, dtype=np.int64)

    for question in QUESTIONS:
        in_large, in_small = one.search(question, 10, large), one.search(question, 10, small)

        assert set(in_large[0].tolist()) <= set(large)
        best_in_large = by_comparing_all(question, large)[:10]
        assert 9 <= sum(score >= best_in_large[-1][1] for score in in_large[1].tolist())
        assert by_comparing_all(question, small.tolist())[:10] == list(
            zip(in_small[0].tolist(), in_small[1].tolist(), strict=True)
        )


@pytest.mark.parametrize("parameters", KINDS)
def test_scattered_rows_alone_are_found(index, parameters):
    one = index(parameters)
    odd = np.arange(1, ROWS, 2, dtype=np.int64)

    rows, scores = one.search(QUESTIONS[0], 50, odd)

    assert 50 == len(rows)
    assert bool((rows % 2 == 1).all())
    assert by_comparing_all(QUESTIONS[0], odd.tolist())[0] == (rows[0], scores[0])


@pytest.mark.parametrize("parameters", KINDS)
def test_every_row_comes_back_as_it_was(index, parameters):
    one, rows = index(parameters), np.array([0, 1, 2, 700, 701, 5, ROWS - 1], dtype=np.int64)

    assert np.array_equal(VECTORS[rows], one.vectors_of(rows))
    assert np.array_equal(VECTORS[700], one.vector(700))
    assert np.array_equal(VECTORS, one.vectors())
    with pytest.raises(IndexError, match=f"row {ROWS}, expected 0 to {ROWS - 1}"):
        one.vector(ROWS)


@pytest.mark.parametrize("parameters", PROPOSING)
def test_more_than_the_beam_widens_it(index, parameters):
    one = index(parameters)

    assert 64 == one.reach()
    assert 200 == len(one.search(QUESTIONS[0], 200)[0])
    assert ROWS == len(one.search(QUESTIONS[0], ROWS + 5)[0])


@pytest.mark.parametrize("parameters", [one for one in KINDS if "HNSW" in one.id])
def test_a_larger_graph_is_walked_with_a_wider_beam_that_gives_no_more_rows(index, parameters, monkeypatch):
    one = index(parameters)
    narrow = recall_at_10(one, VECTORS, QUESTIONS, ef_search=10)

    monkeypatch.setattr(dense, "BEAM_ROWS", ROWS / 100)  # as a graph of a hundred times the rows: ten times the beam
    wide = recall_at_10(one, VECTORS, QUESTIONS, ef_search=10)

    assert narrow.at_10 < 0.9 < 0.97 < wide.at_10
    assert 10 == one.reach(10) == len(one.search(QUESTIONS[0], 10, ef_search=10)[0])


@pytest.mark.parametrize("parameters", KINDS)
def test_the_same_rows_give_the_same_file_whatever_openmp_is_allowed(tmp_path, parameters):
    script = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from clockifyrag_index.faiss_file import build_index, write_index\n"
        "from clockifyrag_index.manifest import IndexParameters\n"
        f"write_index(build_index(np.load(sys.argv[1]), {parameters!r}), Path(sys.argv[2]))\n"
    )
    np.save(tmp_path / "vectors.npy", VECTORS)

    for threads in ("1", "3"):
        subprocess.run(
            [sys.executable, "-c", script, tmp_path / "vectors.npy", tmp_path / threads],
            check=True, env={**os.environ, "OMP_NUM_THREADS": threads},
        )  # fmt: skip

    assert (tmp_path / "1").read_bytes() == (tmp_path / "3").read_bytes()


@pytest.mark.parametrize("parameters", KINDS)
def test_a_file_of_another_kind_or_shape_is_refused(tmp_path, parameters):
    written(tmp_path, parameters)
    others = [one.values[0] for one in KINDS if one.values[0] != parameters]

    for other in others:
        with pytest.raises(GenerationDamaged, match=r"begins with|holds"):
            opened(tmp_path, other)
    with pytest.raises(GenerationDamaged, match=r"expected|ends"):
        opened(tmp_path, parameters, (ROWS - 1, DIMENSIONS))
    with pytest.raises(GenerationDamaged, match=r"expected|ends"):
        opened(tmp_path, parameters, (ROWS, DIMENSIONS * 2))


@pytest.mark.parametrize("parameters", KINDS)
@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        pytest.param(0, b"IxPQ", "begins with b'IxPQ'", id="another index"),
        pytest.param(4, struct.pack("<i", 2**30), "1073741824 dimensions", id="dimensions"),
        pytest.param(8, struct.pack("<q", -1), "-1 rows", id="rows"),
        pytest.param(33, struct.pack("<i", 1), "metric 1", id="metric"),
    ],
)
def test_a_header_that_was_tampered_with_never_reaches_faiss(tmp_path, monkeypatch, parameters, place, value, message):
    written(tmp_path, parameters)
    data = bytearray((tmp_path / "index.bin").read_bytes())
    data[place : place + len(value)] = value
    (tmp_path / "index.bin").write_bytes(data)
    monkeypatch.setattr(faiss, "read_index", lambda *_: pytest.fail("FAISS was given the file"))

    with pytest.raises(GenerationDamaged, match=message):
        opened(tmp_path, parameters)


@pytest.mark.parametrize("parameters", KINDS)
@pytest.mark.parametrize("left", [0, 3, 36, 200])
def test_a_file_that_ends_early_is_refused(tmp_path, parameters, left):
    written(tmp_path, parameters)
    data = (tmp_path / "index.bin").read_bytes()
    (tmp_path / "index.bin").write_bytes(data[:left])

    with pytest.raises(GenerationDamaged, match=r"index\.bin"):
        opened(tmp_path, parameters)


def test_a_graph_of_other_neighbours_is_refused(tmp_path):
    written(tmp_path, IndexParameters("HNSW", "SQ8", 8, 40))

    with pytest.raises(GenerationDamaged, match=r"holds HNSW m 8, .*expected HNSW m 16, "):
        opened(tmp_path, IndexParameters("HNSW", "SQ8", 16, 40))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(VECTORS[1:], r"\(1499, 24\), expected float32 \(1500, 24\)", id="a row missing"),
        pytest.param(VECTORS.astype(np.float16), "float16", id="another type"),
        pytest.param(np.asfortranarray(VECTORS), "expected float32", id="column by column"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path, rows, message):
    np.save(tmp_path / "vectors.npy", rows)

    with pytest.raises(GenerationDamaged, match=message):
        VectorRows(tmp_path / "vectors.npy", ROWS, DIMENSIONS)


def test_without_the_rows_an_index_that_proposes_cannot_be_opened(tmp_path):
    parameters = IndexParameters("Flat", "SQ8")
    written(tmp_path, parameters)
    (tmp_path / "vectors.npy").unlink()

    with pytest.raises(GenerationMissing, match=r"vectors\.npy"):
        opened(tmp_path, parameters)


@pytest.mark.parametrize("dimensions", [3, 8, 12, 256, 384])
def test_a_product_has_the_bits_of_faiss_whichever_rows_it_is_computed_with(dimensions):
    drawn = np.random.default_rng(2).standard_normal((301, dimensions)).astype(np.float32)
    vectors, question = drawn[:300], drawn[300]
    flat = faiss.IndexFlatIP(dimensions)
    flat.add(vectors)
    scores, rows = flat.search(question.reshape(1, -1), 300)

    for some in (rows[0], rows[0][:1], rows[0][7:250:3]):
        assert scores[0][np.isin(rows[0], some)].tolist() == inner_products(vectors, question, some).tolist()


def test_the_nearest_rows_are_those_of_a_flat_index_block_by_block(monkeypatch):
    monkeypatch.setattr("clockifyrag_index.recall._ROWS_AT_ONCE", 100)

    for question, (rows, _) in zip(QUESTIONS, nearest_rows(VECTORS, QUESTIONS, 10), strict=True):
        assert [row for row, _ in by_comparing_all(question, range(ROWS))[:10]] == rows.tolist()


def test_threads_of_openmp_are_given_back():
    before = faiss.omp_get_max_threads()

    with one_thread():
        within = faiss.omp_get_max_threads()

    assert (1, before) == (within, faiss.omp_get_max_threads())


@pytest.mark.parametrize(
    ("choice", "chunks", "expected"),
    [
        pytest.param(IndexChoice(), HNSW_FROM - 1, IndexParameters("Flat", "Float32"), id="few"),
        pytest.param(IndexChoice(), HNSW_FROM, IndexParameters("HNSW", "SQ8", 32, 200), id="many"),
        pytest.param(IndexChoice("Flat"), 10**6, IndexParameters("Flat", "Float32"), id="Flat"),
        pytest.param(IndexChoice("HNSW"), 5, IndexParameters("HNSW", "SQ8", 32, 200), id="HNSW"),
        pytest.param(IndexChoice("Auto", "Float16"), 5, IndexParameters("Flat", "Float16"), id="few in half"),
        pytest.param(IndexChoice("Auto", "Float32", 16, 99), 10**5, IndexParameters("HNSW", "Float32", 16, 99), id="m"),
    ],
)
def test_auto_is_decided_by_the_number_of_chunks(choice, chunks, expected):
    assert expected == choice.resolved(chunks)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        pytest.param(lambda: IndexChoice("IVF"), "type is 'IVF'; expected one of Auto, Flat, HNSW", id="type"),
        pytest.param(lambda: IndexChoice("Flat", "Int4"), "storage is 'Int4'; expected one of Auto", id="storage"),
        pytest.param(lambda: IndexChoice(hnsw_m=64, hnsw_ef_construction=32), "m 64 and efConstruction 32", id="graph"),
        pytest.param(lambda: IndexChoice(hnsw_m=129), "m 129 and efConstruction 200", id="neighbours"),
        pytest.param(lambda: IndexChoice(hnsw_ef_construction=2001), "m 32 and efConstruction 2001", id="candidates"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(choice, message):
    with pytest.raises(UsageError, match=message):
        choice()
