"""ChunkStore: records by row and by id, one at a time."""

import pytest

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.chunk_store import ChunkStore, chunks_digest, write_chunks


@pytest.fixture
def store(samples, tmp_path):
    written = write_chunks(tmp_path, samples.chunks())
    with_store = ChunkStore(tmp_path, written.namespaces)
    yield with_store
    with_store.close()


def test_each_row_gives_its_chunk_and_its_line(samples, store):
    chunks = samples.chunks()

    assert 7 == len(store)
    assert list(chunks) == [store[row] for row in range(7)]
    assert b'{"also_at":[]' == store.line(6)[:13]


@pytest.mark.parametrize("row", [-1, 7, 1000])
def test_a_row_outside_is_an_index_error(store, row):
    with pytest.raises(IndexError, match=f"row {row}, expected 0 to 6"):
        store[row]


def test_a_chunk_is_found_by_its_id_and_an_unknown_one_is_none(samples, store):
    found = [store.row_of(chunk.chunk_id) for chunk in samples.chunks()]

    assert list(range(7)) == found
    assert [None, None, None] == [store.row_of(other) for other in ("", "f" * 16, "é" * 40)]


def test_an_id_written_inside_a_text_is_not_mistaken_for_a_chunks_own(samples, tmp_path):
    tricky = samples.chunk("timer", 0, 'A record: {"chunk_id":"0000000000000000"} and \\"chunk_id":"1"')
    store = ChunkStore(tmp_path, write_chunks(tmp_path, [tricky]).namespaces)

    rows = store.row_of(tricky.chunk_id), store.row_of("0000000000000000")

    store.close()
    assert (0, None) == rows


def test_two_namespaces_that_share_an_id_give_the_first_row(samples, tmp_path):
    chunks = [samples.chunk("timer", namespace="a"), samples.chunk("timer", namespace="b")]
    store = ChunkStore(tmp_path, write_chunks(tmp_path, chunks).namespaces)

    row = store.row_of(chunks[1].chunk_id)

    store.close()
    assert 0 == row


def test_an_unknown_namespace_is_a_key_error(store):
    with pytest.raises(KeyError):
        store.namespace_rows("fr")


def test_each_section_is_outlined_once(samples, store):
    outlines = list(store.outlines())

    assert [("de", "kiosk"), ("de", "timer"), ("help", "reports"), ("help", "timer")] == [
        (one.namespace, one.document_id) for one in outlines
    ]
    assert ("Reports", ("Basics",)) == (outlines[2].title, outlines[2].headings)


def test_the_digest_known_before_writing_is_that_of_the_file(samples, tmp_path):
    chunks = samples.chunks()

    assert chunks_digest(chunks) == write_chunks(tmp_path, iter(chunks)).digest


@pytest.mark.parametrize("text", ["", "two\nlines\r\n", "\u2028 \x00 \U0001f600 e\u0301", "x" * 100_000])
def test_any_text_is_one_line_and_comes_back(samples, tmp_path, text):
    chunk: Chunk = samples.chunk("timer", 0, text)
    store = ChunkStore(tmp_path, write_chunks(tmp_path, [chunk]).namespaces)

    found = store[0]

    store.close()
    assert chunk == found
    assert 1 == (tmp_path / "chunks.jsonl").read_bytes().count(b"\n")
