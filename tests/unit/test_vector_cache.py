"""The cache of vectors: it saves work and never changes a result."""

import errno
import os
import signal
import subprocess
import sys
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rights import folder_for_all, without_privileges

from clockifyrag_builder.embedding import embed_chunks
from clockifyrag_builder.segments import SegmentWriter, open_segment, record_type
from clockifyrag_builder.vector_cache import VectorCache, remove_least_recent
from clockifyrag_index.embedders import EmbedderIdentity, Vectors
from clockifyrag_index.embedders.local import local_embedder
from clockifyrag_index.errors import EmbedderUnavailable, NoSpace, StorageError, TextRefused

DIMENSIONS = 6
IDENTITY = EmbedderIdentity("small", "sha256:" + "a" * 64, DIMENSIONS, 256, "", "")
HEADER_BYTES, RECORD_BYTES = 16, record_type(DIMENSIONS).itemsize


@dataclass
class CountingEmbedder:
    """Keeps the promise of `Embedder` without a model: a vector from the bytes of a text; fails when it is told to."""

    identity: EmbedderIdentity = IDENTITY
    calls: list[list[str]] = field(default_factory=list)
    fails_at_call: int | None = None

    def embed_documents(self, texts) -> Vectors:
        if len(self.calls) == self.fails_at_call:
            raise EmbedderUnavailable("gone")
        if "bad" in texts:
            raise TextRefused(texts.index("bad"), "it is bad")
        self.calls.append(list(texts))
        return rows_of(texts)

    def embed_question(self, text, timeout_seconds=None) -> Vectors:
        return rows_of([text])[0]

    def count_tokens(self, text: str) -> int:
        return len(text)

    def close(self) -> None: ...


def rows_of(texts) -> Vectors:
    rows = np.array(
        [[zlib.crc32(f"{n} {text}".encode()) % 1000 - 500 for n in range(DIMENSIONS)] for text in texts], np.float32
    )
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def embedded(root: Path, texts, embedder: CountingEmbedder, batch_size: int = 2, seen: list | None = None):
    with VectorCache(root, embedder.identity) as cache:
        report = seen.append if seen is not None else lambda _: None
        return embed_chunks(texts, embedder, cache, lambda done, total: report((done, total)), batch_size)


def segments(root: Path) -> list[Path]:
    return sorted((root / "cache").glob("*/*.seg"))


def test_each_distinct_text_is_embedded_once_and_rows_stand_in_the_texts_order(tmp_path: Path):
    texts, embedder, seen = ["a", "bb", "a", "ccc", "bb", "a"], CountingEmbedder(), []

    outcome = embedded(tmp_path, texts, embedder, seen=seen)

    assert np.array_equal(rows_of(texts), outcome.vectors)
    assert [["a", "bb"], ["ccc"]] == embedder.calls
    assert (3, 0, 3, 2) == (outcome.distinct, outcome.cache_hits, outcome.texts_embedded, outcome.calls)
    assert [(0, 6), (5, 6), (6, 6)] == seen


def test_a_second_time_nothing_is_embedded_and_no_file_is_written(tmp_path: Path):
    texts = ["a", "bb", "a"]
    first = embedded(tmp_path, texts, CountingEmbedder())
    before = segments(tmp_path)
    embedder = CountingEmbedder()

    outcome = embedded(tmp_path, texts, embedder)

    assert [] == embedder.calls
    assert (2, 0, 0) == (outcome.cache_hits, outcome.texts_embedded, outcome.calls)
    assert np.array_equal(first.vectors, outcome.vectors)
    assert before == segments(tmp_path)


def test_a_changed_text_alone_is_embedded(tmp_path: Path):
    embedded(tmp_path, ["a", "bb", "ccc"], CountingEmbedder())
    embedder = CountingEmbedder()

    outcome = embedded(tmp_path, ["a", "changed", "ccc"], embedder)

    assert [["changed"]] == embedder.calls
    assert np.array_equal(rows_of(["a", "changed", "ccc"]), outcome.vectors)


def test_when_the_embedder_fails_what_was_embedded_before_is_kept(tmp_path: Path):
    texts = ["a", "bb", "ccc", "dddd", "eeeee"]

    with pytest.raises(EmbedderUnavailable):
        embedded(tmp_path, texts, CountingEmbedder(fails_at_call=1))
    resumed = CountingEmbedder()
    embedded(tmp_path, texts, resumed)

    assert [["ccc", "dddd"], ["eeeee"]] == resumed.calls


def test_a_bad_text_is_named_by_its_place_in_the_corpus(tmp_path: Path):
    with pytest.raises(TextRefused) as caught:
        embedded(tmp_path, ["longer", "a", "longest of all", "bad"], CountingEmbedder())

    assert 3 == caught.value.position


def test_no_texts_are_no_work(tmp_path: Path):
    seen: list = []

    outcome = embedded(tmp_path, [], CountingEmbedder(), seen=seen)

    assert (0, DIMENSIONS) == outcome.vectors.shape
    assert [(0, 0)] == seen


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"model": "other"}, id="model"),
        pytest.param({"digest": "sha256:" + "b" * 64}, id="digest"),
        pytest.param({"dimensions": DIMENSIONS + 1}, id="dimensions"),
        pytest.param({"document_prefix": "search_document: "}, id="prefix"),
    ],
)
def test_another_embedder_finds_nothing(tmp_path: Path, part: dict):
    embedded(tmp_path, ["a"], CountingEmbedder())

    with VectorCache(tmp_path, replace(IDENTITY, **part)) as cache:
        assert 1 == cache.missing(["a"])
    with VectorCache(tmp_path, replace(IDENTITY, query_prefix="q: ", context_tokens=9)) as cache:
        assert 0 == cache.missing(["a"])  # neither decides a document's vector


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_differ_as_soon_as_text_or_prefix_do(tmp_path_factory, prefix, text, other_prefix, other_text):
    root = tmp_path_factory.getbasetemp() / "keys"
    one, other = (
        VectorCache(root, replace(IDENTITY, document_prefix=p)).key(t)
        for p, t in ((clean(prefix), text), (clean(other_prefix), other_text))
    )

    assert ((clean(prefix), text) == (clean(other_prefix), other_text)) == (one == other)


def clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("cut", [1, 4, RECORD_BYTES - 1])
def test_a_torn_record_at_the_end_is_left_out(tmp_path: Path, cut: int):
    embedded(tmp_path, ["a", "bb", "ccc"], CountingEmbedder())
    (segment,) = segments(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-cut])
    embedder = CountingEmbedder()

    outcome = embedded(tmp_path, ["a", "bb", "ccc"], embedder)

    assert [["ccc"]] == embedder.calls
    assert np.array_equal(rows_of(["a", "bb", "ccc"]), outcome.vectors)


def test_a_flipped_bit_anywhere_costs_at_most_the_file_and_never_a_wrong_vector(tmp_path: Path):
    texts = ["a", "bb", "ccc"]
    embedded(tmp_path, texts, CountingEmbedder())
    (segment,) = segments(tmp_path)
    whole = segment.read_bytes()

    for byte in range(0, len(whole), 7):
        segment.write_bytes(whole[:byte] + bytes([whole[byte] ^ 0x10]) + whole[byte + 1 :])
        with VectorCache(tmp_path, IDENTITY) as cache:
            found = [cache.vector(cache.key(text)) for text in texts]
        assert all(v is None or np.array_equal(v, row) for v, row in zip(found, rows_of(texts), strict=True)), byte
        assert sum(v is None for v in found) <= (len(texts) if byte < HEADER_BYTES else 1)


def test_a_vector_that_is_not_of_length_one_is_never_used(tmp_path: Path):
    with VectorCache(tmp_path, IDENTITY) as cache:
        cache.append([cache.key("a")], np.full((1, DIMENSIONS), 3, np.float32))

    with VectorCache(tmp_path, IDENTITY) as cache:
        assert cache.vector(cache.key("a")) is None
        assert 1 == len(cache)


@pytest.mark.parametrize("content", [b"", b"short", b"something else entirely, and longer than a header"])
def test_a_file_that_is_no_segment_is_left_alone(tmp_path: Path, content: bytes):
    embedded(tmp_path, ["a"], CountingEmbedder())
    stranger = segments(tmp_path)[0].with_name("stranger.seg")
    stranger.write_bytes(content)

    outcome = embedded(tmp_path, ["a"], CountingEmbedder())

    assert 1 == outcome.cache_hits
    assert content == stranger.read_bytes()


def test_two_writers_at_once_have_files_of_their_own(tmp_path: Path):
    with VectorCache(tmp_path, IDENTITY) as one, VectorCache(tmp_path, IDENTITY) as other:
        one.append([one.key("a")], rows_of(["a"]))
        other.append([other.key("bb")], rows_of(["bb"]))
        one.append([one.key("ccc")], rows_of(["ccc"]))

    with VectorCache(tmp_path, IDENTITY) as cache:
        assert 0 == cache.missing(["a", "bb", "ccc"])
    assert 2 == len(segments(tmp_path))


def test_what_was_used_least_recently_goes_first(tmp_path: Path):
    for number, text in enumerate(["old", "useful", "new"]):
        embedded(tmp_path, [text], CountingEmbedder())
        os.utime(segments(tmp_path)[-1], (number, number))
    _, useful, new = segments(tmp_path)

    with VectorCache(tmp_path, IDENTITY, size_bytes_max=2 * (HEADER_BYTES + RECORD_BYTES)) as cache:
        assert cache.vector(cache.key("useful")) is not None

    assert [useful, new] == segments(tmp_path)
    assert [new] == remove_least_recent(tmp_path / "cache", HEADER_BYTES + RECORD_BYTES)


@pytest.mark.parametrize(
    ("owner", "deed"), [pytest.param(os, "utime", id="renewed"), pytest.param(Path, "unlink", id="removed")]
)
def test_a_segment_of_another_user_is_of_use_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, deed: str
):
    embedded(tmp_path, ["a"], CountingEmbedder())
    before = segments(tmp_path)

    def refused(*_arguments, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(owner, deed, refused)
    with VectorCache(tmp_path, IDENTITY, size_bytes_max=0 if deed == "unlink" else 1 << 20) as cache:
        found = cache.vector(cache.key("a"))

    assert found is not None
    assert before == segments(tmp_path)


@pytest.mark.parametrize("kind", ["closed file", "folder"])
def test_a_segment_that_cannot_be_read_counts_as_absent(kind: str):
    with folder_for_all() as root:
        embedded(root, ["a"], CountingEmbedder())
        (segment,) = segments(root)
        unreadable = segment.with_name("unreadable.seg")
        if kind == "folder":
            unreadable.mkdir()
        else:
            unreadable.write_bytes(segment.read_bytes())
            unreadable.chmod(0)

        with without_privileges(), VectorCache(root, IDENTITY) as cache:
            assert (1, 0) == (len(cache), cache.missing(["a"]))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_said_and_leaves_whole_records(tmp_path: Path, number: int):
    writer = SegmentWriter(tmp_path / "one.seg", DIMENSIONS)
    writer.append([b"k" * 32], rows_of(["a"]))

    class Full:
        """The file, on a disk with room for ten more bytes."""

        def __init__(self, file):
            self.file, self.left = file, 10

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            if not self.left:
                raise OSError(number, os.strerror(number))
            written = self.file.write(data[: self.left])
            self.left -= written
            return written

    writer._file = Full(writer._file)
    with pytest.raises(NoSpace, match="no space left"):
        writer.append([b"l" * 32], rows_of(["bb"]))
    writer.close()

    segment = open_segment(tmp_path / "one.seg", DIMENSIONS)
    assert 1 == len(segment.records)
    assert HEADER_BYTES + RECORD_BYTES == (tmp_path / "one.seg").stat().st_size


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path):
    (tmp_path / "cache").write_text("in the way")

    with VectorCache(tmp_path, IDENTITY) as cache, pytest.raises(StorageError, match="cannot be written"):
        cache.append([cache.key("a")], rows_of(["a"]))


def test_kill_9_loses_at_most_the_batch_at_work(tmp_path: Path):
    program = f"""
import os, signal
from pathlib import Path
import numpy as np
from clockifyrag_builder.vector_cache import VectorCache
from clockifyrag_index.embedders import EmbedderIdentity
with VectorCache(Path({str(tmp_path)!r}), EmbedderIdentity("small", "sha256:" + "a" * 64, 6, 256, "", "")) as cache:
    for batch in range(3):
        keys = [cache.key(f"{{batch}} {{n}}") for n in range(4)]
        cache.append(keys, np.eye(6, dtype=np.float32)[:4])
    os.kill(os.getpid(), signal.SIGKILL)
"""

    ended = subprocess.run([sys.executable, "-c", program], check=False)

    assert -signal.SIGKILL == ended.returncode
    with VectorCache(tmp_path, IDENTITY) as cache:
        assert 0 == cache.missing(f"{batch} {n}" for batch in range(3) for n in range(4))


def test_a_real_embedders_vectors_come_back_bit_for_bit(tmp_path: Path):
    texts = ["Start the timer.", "Export the report.", "Start the timer."]
    embedder = local_embedder("wordllama")
    first = embedded(tmp_path, texts, embedder)

    again = embedded(tmp_path, texts, embedder)

    assert np.array_equal(embedder.embed_documents(texts), first.vectors)
    assert np.array_equal(first.vectors, again.vectors)
