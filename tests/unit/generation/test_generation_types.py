"""Generations of each type and storage: written, verified, opened, exported, and the same every time."""

import errno
import os

import numpy as np
import pytest

from clockifyrag_index import articles
from clockifyrag_index.archive import export_generation, import_generation
from clockifyrag_index.disk import estimated_bytes
from clockifyrag_index.errors import GenerationDamaged
from clockifyrag_index.faiss_file import build_index
from clockifyrag_index.generations import list_generations, open_generation
from clockifyrag_index.index_choice import IndexChoice
from clockifyrag_index.manifest import IndexParameters, Recall
from clockifyrag_index.verify import verified_manifest

KINDS = [
    pytest.param(IndexChoice(kind, storage, 4, 8).resolved(7), id=f"{kind} {storage}")
    for kind in ("Flat", "HNSW")
    for storage in ("Float32", "Float16", "SQ8")
]


@pytest.mark.parametrize("parameters", KINDS)
def test_a_generation_of_each_type_gives_back_what_was_written(samples, parameters):
    written = samples.write(index=parameters)

    generation = open_generation(written.path)
    found, scores = generation.dense.search(samples.vectors()[3], 7)

    assert parameters == generation.manifest.index
    assert parameters.is_exact == ("vectors.npy" not in generation.manifest.files)
    assert np.array_equal(samples.vectors(), generation.dense.vectors())
    assert 3 == found[0]
    assert list(range(7)) == sorted(found.tolist())
    assert sorted(scores.tolist(), reverse=True) == scores.tolist()
    generation.close()


@pytest.mark.parametrize("storage", ["Float32", "SQ8"])
def test_a_graph_that_falls_apart_into_islands_of_equal_vectors_is_written(samples, tmp_path, storage):
    chunks = tuple(samples.chunk(f"article-{number:03}") for number in range(300))

    for seed in range(8):  # in about half of these graphs no way leads to some of the rows that are read back
        vectors = np.repeat(samples.vectors(10, seed), 30, axis=0)
        here = samples.elsewhere(tmp_path / str(seed))
        written = here.write(chunks=chunks, vectors=vectors, index=IndexParameters("HNSW", storage, 4, 8))

        generation = open_generation(written.path)
        assert np.array_equal(vectors, generation.dense.vectors())
        generation.close()


def test_each_type_has_an_id_of_its_own_and_the_same_one_every_time(samples, tmp_path):
    parameters = [one.values[0] for one in KINDS]

    ids = [samples.write(index=one).id for one in parameters]
    again = [samples.elsewhere(tmp_path / "other").write(index=one).id for one in parameters]

    assert len(KINDS) == len(set(ids))
    assert ids == again


@pytest.mark.parametrize("parameters", KINDS)
def test_an_archive_of_each_type_comes_back_with_the_same_files(samples, tmp_path, parameters):
    written = samples.write(index=parameters, questions=samples.vectors(5, seed=2))

    export_generation(written.path, tmp_path / "out.tar")
    imported = import_generation(tmp_path / "other", tmp_path / "out.tar", samples.lexical_of)

    assert (written.id, True) == (imported.id, imported.created)
    assert (written.path / "meta.json").read_bytes() == (imported.path / "meta.json").read_bytes()


@pytest.mark.parametrize("parameters", KINDS)
@pytest.mark.parametrize("name", ["index.bin", "vectors.npy"])
def test_a_flipped_bit_is_found_in_the_index_and_in_the_rows(samples, flip_bit, parameters, name):
    path = samples.write(index=parameters).path
    if not (path / name).exists():
        assert parameters.is_exact
        return

    flip_bit(path / name, 900)

    with pytest.raises(GenerationDamaged, match=name):
        verified_manifest(path)


def test_recall_stands_in_the_manifest_and_in_no_id(samples, tmp_path):
    kind = IndexParameters("HNSW", "SQ8", 4, 8)

    measured = samples.write(index=kind, questions=samples.vectors(5, seed=2))
    unmeasured = samples.elsewhere(tmp_path / "other").write(index=kind)
    exact = samples.write(questions=samples.vectors(5, seed=2))

    assert Recall(1.0, 5) == verified_manifest(measured.path).recall
    assert measured.id == unmeasured.id
    assert verified_manifest(unmeasured.path).recall is None
    assert verified_manifest(exact.path).recall is None


def test_a_graph_over_the_same_vectors_is_taken_from_the_generation_that_has_it(samples, monkeypatch, flip_bit):
    kind, built = IndexParameters("HNSW", "SQ8", 4, 8), []
    monkeypatch.setattr(
        "clockifyrag_index.writer.build_index", lambda *given: built.append(given) or build_index(*given)
    )
    first = samples.write(index=kind)

    other_words = samples.write("clock", index=kind)
    other_vectors = samples.write("watch", index=kind, vectors=samples.vectors(seed=5))
    other_graph = samples.write("dial", index=IndexParameters("HNSW", "SQ8", 4, 9))

    assert (first.path / "index.bin").read_bytes() == (other_words.path / "index.bin").read_bytes()
    assert 3 == len(built)
    for path in (first.path, other_words.path, other_vectors.path, other_graph.path):
        flip_bit(path / "index.bin", 900)
    assert samples.write("hand", index=kind).created
    assert 4 == len(built)


def test_a_graph_that_cannot_be_copied_is_built(samples, monkeypatch):
    """A mock: no disk here fails on demand."""
    kind = IndexParameters("HNSW", "SQ8", 4, 8)
    first = samples.write(index=kind)

    def fails(_, target):
        target.write_bytes(b"half of it")
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("clockifyrag_index.same_vectors.shutil.copyfile", fails)

    other_words = samples.write("clock", index=kind)

    assert other_words.created
    assert (first.path / "index.bin").read_bytes() == (other_words.path / "index.bin").read_bytes()


@pytest.mark.parametrize("parameters", KINDS)
def test_many_articles_have_a_graph_of_their_own_that_proposes_the_same_ones(samples, monkeypatch, parameters):
    alone = open_generation(samples.write(index=parameters).path)
    monkeypatch.setattr(articles, "HNSW_FROM", 2)
    graph = open_generation(samples.elsewhere(samples.root / "other").write(index=parameters).path)
    question, numbers = samples.vectors(1, seed=3)[0], np.array([3, 0, 0, 2], dtype=np.int64)

    for within in (range(4), range(2, 4), range(2)):
        here, there = (one.articles.beside(question, within, 64) for one in (alone, graph))
        assert [one.tolist() for one in here.nearest(3)] == [one.tolist() for one in there.nearest(3)]
    here, there = (one.articles.beside(question, range(4), 64) for one in (alone, graph))

    assert (parameters.type == "HNSW") == ("articles.bin" in graph.manifest.files)
    assert here.cosines(numbers).tolist() == there.cosines(numbers).tolist()


def test_directions_written_in_blocks_are_those_of_all_rows_at_once(samples, monkeypatch):
    whole = open_generation(samples.write().path).articles.vectors
    monkeypatch.setattr(articles, "_DOCUMENTS_AT_ONCE", 3)

    blocks = open_generation(samples.elsewhere(samples.root / "other").write().path).articles.vectors

    assert np.array_equal(whole, blocks)


@pytest.mark.parametrize("parameters", KINDS)
def test_the_estimate_holds_the_rows_and_the_graph(samples, parameters):
    chunks = samples.chunks("timer " * 200)
    samples.write(words="timer " * 200, index=parameters)

    text_bytes = sum(len(chunk.content.encode()) for chunk in chunks)
    estimate = estimated_bytes(len(chunks), 8, text_bytes, parameters, documents=4)

    assert list_generations(samples.root)[0].size_bytes <= estimate


def test_a_large_index_is_estimated_by_the_bytes_a_row_takes():
    flat, small, graph = (
        estimated_bytes(10**6, 256, 0, one, documents=0)
        for one in (IndexParameters(), IndexParameters("Flat", "SQ8"), IndexParameters("HNSW", "SQ8", 32, 200))
    )

    assert (256 * 10**6, 272 * 10**6) == (small - flat, graph - small - 16 * 10**6)
