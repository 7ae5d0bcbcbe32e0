"""Chunks come back from memory or from the disk as they were given, in the order of a generation's rows."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder import chunk_spool
from clockifyrag_builder.chunk_spool import ChunkSpool
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.errors import NoSpace

documents = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", "é"]), st.text('abc/é\n"', min_size=1, max_size=4)),
    st.lists(st.text(max_size=20), min_size=1, max_size=5),
    max_size=8,
)


def chunk(namespace: str, document: str, position: int, content: str) -> Chunk:
    return Chunk(
        f"{position:016x}", document, namespace, position, document.title(), ("Heading",), content,
        f"https://example.org/{document}#part", "help", None, None, None, (),
    )  # fmt: skip


def nowhere_else(place: int, url: str) -> tuple[str, ...]:
    return ()


@given(found=documents, in_memory=st.sampled_from([0, 3, 1000]))
def test_rows_stand_by_namespace_document_and_position(
    tmp_path_factory: pytest.TempPathFactory, found: dict[tuple[str, str], list[str]], in_memory: int
) -> None:
    read = [chunk(*name, position, text) for name, texts in found.items() for position, text in enumerate(texts)]

    with pytest.MonkeyPatch.context() as patch, ChunkSpool(tmp_path_factory.mktemp("root")) as spool:
        patch.setattr(chunk_spool, "CHUNKS_IN_MEMORY", in_memory)
        for one in read:
            spool.add(one)
        rows = spool.in_order(nowhere_else)

        wanted = sorted(read, key=lambda one: (one.namespace, one.document_id, one.position))
        assert wanted == list(rows) == rows[:]
        assert wanted == [rows[row] for row in range(len(rows))]
        assert [read[place] for place in rows.places] == wanted
        assert sum(len(one.content.encode()) for one in read) == spool.content_bytes


@pytest.mark.parametrize("in_memory", [0, 1000])
def test_a_row_tells_who_shares_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(chunk_spool, "CHUNKS_IN_MEMORY", in_memory)
    asked: list[tuple[int, str]] = []

    def also_at(place: int, url: str) -> tuple[str, ...]:
        asked.append((place, url))
        return ("https://example.org/other",) if place == 0 else ()

    with ChunkSpool(tmp_path) as spool:
        spool.add(chunk("b", "first", 0, "read first"))
        spool.add(chunk("a", "second", 0, "read second"))
        rows = list(spool.in_order(also_at))

    assert ["read second", "read first"] == [one.content for one in rows]
    assert [(), ("https://example.org/other",)] == [one.also_at for one in rows]
    assert [(1, "https://example.org/second"), (0, "https://example.org/first")] == asked


def test_several_threads_read_rows_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_spool, "CHUNKS_IN_MEMORY", 0)
    read = [chunk("a", f"{number:05}", 0, f"text {number} " * (number % 7)) for number in range(500)]

    with ChunkSpool(tmp_path) as spool:
        for one in read:
            spool.add(one)
        rows: Sequence[Chunk] = spool.in_order(nowhere_else)
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(list, [rows] * 4))

    assert [read] * 4 == found


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_spool, "CHUNKS_IN_MEMORY", 0)

    with ChunkSpool(tmp_path / "root") as spool:
        spool.add(chunk("a", "one", 0, "text"))
        assert ["text"] == [one.content for one in spool.in_order(nowhere_else)]
        assert [] == list((tmp_path / "root").iterdir())


def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_spool, "CHUNKS_IN_MEMORY", 0)

    with ChunkSpool(tmp_path) as spool:
        spool.add(chunk("a", "one", 0, "text"))
        full = os.open("/dev/full", os.O_WRONLY)
        assert spool._lines is not None
        os.dup2(full, spool._lines.fileno())
        os.close(full)

        with pytest.raises(NoSpace, match="no space to write"):
            for position in range(1, 10_000):  # more than is held back until it is written
                spool.add(replace(chunk("a", "one", position, "text " * 100)))
