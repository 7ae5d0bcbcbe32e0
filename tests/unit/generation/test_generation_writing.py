"""Writing: what is read back, what makes the id, and that a build that fails leaves nothing."""

from dataclasses import replace

import numpy as np
import pytest

from clockifyrag_index.chunk_store import chunks_digest
from clockifyrag_index.errors import BadVectors, GenerationDamaged, UsageError
from clockifyrag_index.faiss_file import check_unit_rows
from clockifyrag_index.generations import open_generation
from clockifyrag_index.identity import inputs_digest
from clockifyrag_index.manifest import IndexParameters, canary, creation_time
from clockifyrag_index.writer import unchanged, write_generation


def test_what_was_written_is_read_back(samples):
    plan = samples.plan()

    outcome = write_generation(samples.root, plan, samples.lexical)
    generation = open_generation(outcome.path)

    assert outcome.created
    assert plan.chunks == tuple(generation.chunks)
    assert np.array_equal(plan.vectors, generation.dense.vectors())
    assert ("de", "help") == generation.chunks.namespaces
    assert [range(2), range(2, 7)] == [generation.chunks.namespace_rows(name) for name in ("de", "help")]
    assert (4, 7, 8) == (
        generation.manifest.counts.documents,
        generation.manifest.counts.chunks,
        generation.manifest.counts.dimensions,
    )
    assert list(range(7)) == np.load(generation.lexical_dir / "lengths.npy").tolist()
    assert "words-1" == generation.manifest.tokenizer
    assert plan.canaries == generation.manifest.canaries
    assert np.array_equal(plan.vectors[:1], generation.manifest.canary_vectors)


def test_the_same_chunks_and_vectors_give_the_same_id_and_the_same_bytes_in_another_root(samples, tmp_path):
    here = samples.write()

    there = samples.elsewhere(tmp_path / "other").write()

    assert here.id == there.id
    names = sorted(path.relative_to(here.path) for path in here.path.rglob("*") if path.is_file())
    assert [(here.path / name).read_bytes() for name in names] == [(there.path / name).read_bytes() for name in names]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"created": "2027-01-01T00:00:00Z"}, id="date"),
        pytest.param({"builder": "9.9.9"}, id="builder"),
        pytest.param({"reason": "source changed"}, id="reason"),
        pytest.param({"build_key": "sha256:other"}, id="build key"),
        pytest.param({"source_digest": "sha256:other"}, id="source digest"),
        pytest.param({"chunking": {"maxChars": 1600}}, id="chunking that gave the same chunks"),
        pytest.param({"canaries": ()}, id="canaries"),
    ],
)
def test_what_does_not_reach_an_answer_does_not_change_the_id(samples, changes):
    first = samples.write()

    second = samples.write(**changes)

    assert (first.id, False) == (second.id, second.created)


def test_another_text_vector_embedder_or_word_statistic_is_another_generation(samples):
    plan = samples.plan()
    vectors = plan.vectors.copy()
    vectors[3, 0] = np.nextafter(vectors[3, 0], np.float32(1))
    longer = {"tokenizer": "words-2", "fields": ["body"]}

    ids = [
        samples.write().id,
        samples.write(words="clock").id,
        samples.write(vectors=vectors).id,
        samples.write(embedder=replace(plan.embedder, digest="sha256:others")).id,
        samples.write(embedder=replace(plan.embedder, query_prefix="")).id,
        write_generation(samples.root, plan, lambda folder: samples.lexical(folder) and longer).id,
    ]

    assert len(ids) == len(set(ids))


def test_files_damaged_under_the_right_id_are_set_aside_and_built_anew(samples, flip_bit):
    first = samples.write()
    flip_bit(first.path / "index.bin", 999)

    second = samples.write()

    assert (first.id, True) == (second.id, second.created)
    open_generation(second.path).close()
    assert [f"{first.id}.bad-"] == [name[: len(first.id) + 5] for name in samples.hidden_names()]


def test_equal_inputs_are_found_before_anything_is_embedded_but_not_in_damaged_files(samples, flip_bit):
    plan = samples.plan()
    written = samples.write()
    lexical = {"tokenizer": "words-1", "fields": ["body"]}
    digest = inputs_digest(chunks_digest(plan.chunks), lexical, plan.index, plan.embedder)
    other = inputs_digest(chunks_digest(samples.chunks("clock")), lexical, plan.index, plan.embedder)

    before = unchanged(samples.root, digest), unchanged(samples.root, other)
    flip_bit(written.path / "chunks.jsonl", 100)

    assert (written.id, None) == before
    assert unchanged(samples.root, digest) is None


def test_without_a_root_nothing_is_unchanged(samples):
    assert unchanged(samples.root, "sha256:any") is None


def rows_of(samples, *order):
    chunks = samples.chunks()
    return tuple(chunks[row] for row in order)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param((1, 0, 2, 3, 4, 5, 6), id="documents swapped"),
        pytest.param((0, 1, 3, 2, 4, 5, 6), id="positions swapped"),
        pytest.param((2, 3, 4, 5, 6, 0, 1), id="namespaces swapped"),
        pytest.param((0, 1, 2, 2, 4, 5, 6), id="a chunk twice"),
    ],
)
def test_rows_out_of_order_are_refused_and_nothing_is_left(samples, order):
    plan = samples.plan(chunks=rows_of(samples, *order))

    with pytest.raises(GenerationDamaged, match=r"chunk row \d: .* after .*ordered by namespace"):
        write_generation(samples.root, plan, samples.lexical)

    assert [] == list((samples.root / "generations").iterdir())


def spoiled(vectors, row, value):
    vectors[row] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "error", "message"),
    [
        pytest.param(lambda v: spoiled(v, 4, np.nan), BadVectors, "row 4 has length nan", id="NaN"),
        pytest.param(lambda v: spoiled(v, 2, 0), BadVectors, "row 2 has length 0", id="zeros"),
        pytest.param(lambda v: v * np.float32(2), BadVectors, "row 0 has length", id="not of length 1"),
        pytest.param(lambda v: v.astype(np.float64), BadVectors, "float64", id="float64"),
        pytest.param(lambda v: v[:6], GenerationDamaged, r"7 chunks and vectors \(6, 8\)", id="a row missing"),
        pytest.param(lambda v: v[:, :7], GenerationDamaged, r"vectors \(7, 7\)", id="another dimension"),
    ],
)
def test_vectors_that_do_not_fit_are_refused_and_nothing_is_left(samples, vectors, error, message):
    plan = samples.plan(vectors=vectors(samples.vectors()))

    with pytest.raises(error, match=message):
        write_generation(samples.root, plan, samples.lexical)

    assert [] == list((samples.root / "generations").iterdir())


def test_no_chunk_at_all_is_refused(samples):
    plan = samples.plan(chunks=(), vectors=samples.vectors(0))

    with pytest.raises(GenerationDamaged, match="at least one chunk"):
        write_generation(samples.root, plan, samples.lexical)


def test_when_the_word_statistics_fail_nothing_is_left_and_the_published_one_stays(samples):
    published = samples.published()

    def broken(folder):
        (folder / "half.npy").write_bytes(b"half")
        raise ZeroDivisionError("no words")

    with pytest.raises(ZeroDivisionError):
        write_generation(samples.root, samples.plan(chunks=samples.chunks("clock")), broken)

    assert [published.path] == list((samples.root / "generations").iterdir())


def test_an_index_type_that_there_is_not_names_those_there_are(samples):
    with pytest.raises(UsageError, match="IVF Float32: expected a type of Flat, HNSW"):
        samples.write(index=IndexParameters("IVF", "Float32"))


def test_a_row_of_almost_unit_length_is_accepted():
    check_unit_rows(np.full((3, 4), 0.50001, dtype=np.float32))


def test_the_date_is_that_of_source_date_epoch_where_it_is_set():
    assert "2001-09-09T01:46:40Z" == creation_time({"SOURCE_DATE_EPOCH": "1000000000"})
    assert creation_time({}) > "2026"


def test_a_canary_keeps_every_bit_of_its_vector(samples):
    vector = samples.vectors()[0]

    kept = canary("text", vector)

    assert np.array_equal(vector, np.array(kept.vector, dtype=np.float32))
