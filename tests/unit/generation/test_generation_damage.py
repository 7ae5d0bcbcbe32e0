"""Damage: a file that is not what the manifest says is seen before it is opened, and named."""

import errno
import os
import shutil
from pathlib import Path

import orjson
import pytest

from clockifyrag_index.errors import FormatUnsupported, GenerationDamaged, GenerationMissing, StorageError
from clockifyrag_index.generations import list_generations, open_generation
from clockifyrag_index.identity import FORMAT, digest_of, generation_id
from clockifyrag_index.manifest import IndexParameters
from clockifyrag_index.manifest_reader import manifest_from, read_manifest
from clockifyrag_index.retention import gc
from clockifyrag_index.writer import unchanged

FILES = ["chunks.jsonl", "chunks.offsets.npy", "index.bin", "lexical/lengths.npy"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0.0, 0.5, 1.0], ids=["first bit", "middle bit", "last bit"])
def test_a_flipped_bit_is_named_by_its_file(samples, flip_bit, name, part):
    path = samples.write().path
    bits = (path / name).stat().st_size * 8

    flip_bit(path / name, int((bits - 1) * part))

    with pytest.raises(GenerationDamaged, match=f"{name}: sha256 is"):
        open_generation(path)


def test_any_flipped_bit_of_the_manifest_is_seen(samples):
    data = (samples.write().path / "meta.json").read_bytes().rstrip(b"\n")

    accepted = []
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            manifest_from(bytes(flipped), "meta.json")
            accepted.append(bit)
        except (GenerationDamaged, FormatUnsupported):
            pass

    assert [] == accepted


@pytest.mark.parametrize("name", [*FILES, "meta.json"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda path, _: path.write_bytes(path.read_bytes()[:-2]), "", id="cut short"),
        pytest.param(lambda path, _: path.write_bytes(path.read_bytes() + b"x"), "", id="grown"),
        pytest.param(lambda path, _: path.write_bytes(b""), "", id="empty"),
        pytest.param(lambda path, _: path.unlink(), "missing", id="missing"),
        pytest.param(lambda path, other: shutil.copy(other, path), "", id="of another generation"),
    ],
)
def test_a_file_cut_grown_missing_or_swapped_is_refused_and_named(samples, name, spoil, message):
    path = samples.write().path
    other = samples.write("some other words", vectors=samples.vectors(seed=2)).path
    if name == "lexical/lengths.npy":
        (other / name).write_bytes(b"other")  # the word statistics of the samples are all alike

    spoil(path / name, other / name)

    with pytest.raises(GenerationDamaged, match=f"{name}.*{message}|{path.name}: its meta.json"):
        open_generation(path)


def test_a_link_in_place_of_a_file_is_refused_even_with_the_right_bytes(samples, tmp_path):
    path = samples.write().path
    shutil.move(path / "index.bin", tmp_path / "index.bin")
    (path / "index.bin").symlink_to(tmp_path / "index.bin")

    with pytest.raises(GenerationDamaged, match=r"index.bin: not a regular file"):
        open_generation(path)


@pytest.fixture
def lost(monkeypatch):
    """Has reading a file fail as on a disk that lost it. A mock: no disk here fails on demand."""

    def fails(path):
        whole = Path.open

        def opened(self, mode="r", *more, **options):
            if self == path and "r" in mode:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
            return whole(self, mode, *more, **options)

        monkeypatch.setattr(Path, "open", opened)

    return fails


@pytest.mark.parametrize("name", [*FILES, "meta.json"])
def test_a_file_that_the_disk_lost_is_damage_and_is_built_again(samples, lost, name):
    outcome = samples.published()
    digest = read_manifest(outcome.path).inputs_digest
    lost(outcome.path / name)

    with pytest.raises(GenerationDamaged, match=rf"{name}: cannot be read \(Input/output error\)"):
        open_generation(outcome.path)
    assert unchanged(samples.root, digest) is None
    again = samples.write()

    assert (outcome.id, True) == (again.id, again.created)
    assert [name for name in samples.hidden_names() if name.startswith(f"{outcome.id}.bad-")]


def edited(path, **changes):
    """Writes meta.json with those fields, its own digest made to fit."""
    record = orjson.loads((path / "meta.json").read_bytes())
    record.update(changes)
    del record["metaDigest"]
    (path / "meta.json").write_bytes(orjson.dumps({**record, "metaDigest": digest_of(record)}))


def test_a_newer_format_says_what_to_upgrade_and_is_never_removed(samples):
    outcome = samples.write()
    edited(outcome.path, format=FORMAT + 1)

    told = rf"format {FORMAT + 1}, this version reads {FORMAT - 1} and {FORMAT}\. Upgrade"
    with pytest.raises(FormatUnsupported, match=told):
        open_generation(outcome.path)

    assert ["newer"] == [one.state for one in list_generations(samples.root)]
    assert () == gc(samples.root, 0, damaged=True).removed
    assert outcome.path.is_dir()


def test_a_newer_format_is_told_even_if_nothing_else_is_understood():
    with pytest.raises(FormatUnsupported, match="format 7"):
        manifest_from(b'{"format": 7, "everything": "different"}', "meta.json")


@pytest.mark.parametrize(
    ("m", "ef_construction"),
    [
        pytest.param(1, 200, id="a level of a graph is drawn by the logarithm of m"),
        pytest.param(3, 200, id="fewer neighbours than a build may ask for"),
        pytest.param(129, 200, id="more neighbours"),
        pytest.param(32, 31, id="fewer candidates than neighbours"),
        pytest.param(4, 7, id="fewer candidates"),
        pytest.param(4, 2001, id="more candidates"),
    ],
)
def test_a_graph_that_no_build_may_ask_for_is_refused_before_faiss_sees_it(samples, m, ef_construction):
    good = read_manifest(samples.write(index=IndexParameters("HNSW", "SQ8", 4, 8)).path)
    path, index = samples.root / "generations" / good.id, IndexParameters("HNSW", "SQ8", m, ef_construction)
    chunks = f"sha256:{good.files['chunks.jsonl'].sha256}"

    edited(
        path,
        index=index.record(),
        id=generation_id(chunks, good.vectors_digest, good.lexical, index, good.embedder),
    )

    with pytest.raises(GenerationDamaged, match=f"hnsw: m {m} and efConstruction {ef_construction}"):
        read_manifest(path)


def test_unknown_fields_are_ignored(samples):
    path = samples.write().path
    before = read_manifest(path)

    edited(path, signature="of a later version", counts={"documents": 4, "chunks": 7, "dimensions": 8, "words": 9})

    assert before == read_manifest(path)
    open_generation(path).close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"id": "gen-000000000000"}, "id is gen-000000000000", id="another id"),
        pytest.param({"format": True}, "format: found bool", id="a bool for a number"),
        pytest.param({"counts": {"documents": 4, "chunks": 8, "dimensions": 8}}, "7 rows", id="counts"),
        pytest.param({"counts": {"documents": 4, "chunks": 7, "dimensions": 9}}, "9 dimensions", id="dimensions"),
        pytest.param({"namespaces": [{"name": "a", "start": 1, "stop": 7}]}, "1:7 after row 0", id="a gap"),
        pytest.param({"namespaces": []}, "0 rows", id="no namespace"),
        pytest.param({"files": {}}, "not listed", id="no files"),
        pytest.param({"files": {"../../etc/passwd": {}}}, "no name of a file", id="a name that leaves the folder"),
        pytest.param({"files": {"meta.json": {}}}, "no name of a file", id="itself among its files"),
        pytest.param({"contentDigest": "sha256:0"}, "contentDigest", id="content digest"),
        pytest.param({"embedder": None}, "embedder: found nothing", id="a field without a value"),
        pytest.param({"canaries": [{"text": "x", "vector": [1.0]}]}, "has not 8 values", id="a short canary"),
        pytest.param({"index": {"type": "IVF", "vectorStorage": "Float32"}}, "index IVF", id="index type"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(samples, changes, message):
    path = samples.write().path

    edited(path, **changes)

    with pytest.raises(GenerationDamaged, match=message):
        read_manifest(path)


DEEP = b'{"format": %d, "metaDigest": "", "deep": %s}' % (FORMAT, b"[" * 300 + b"]" * 300)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff", b'{"format": 1}', b'{"format": "1"}', DEEP])
def test_bytes_that_are_no_manifest_are_refused(data):
    with pytest.raises(GenerationDamaged, match=r"meta\.json: "):
        manifest_from(data, "meta.json")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"IwFl" + bytes(60), "begins with b'IwFl', expected IxFI", id="a type that is not allowed"),
        pytest.param(b"IxFI" + bytes(10), "shorter than a FAISS header", id="short"),
        pytest.param(b"IxFI" + bytes(60), "0 rows of 0 dimensions", id="another shape"),
    ],
)
def test_faiss_never_sees_a_file_whose_first_bytes_are_wrong(samples, data, message):
    path = samples.write().path
    (path / "index.bin").write_bytes(data)

    with pytest.raises(GenerationDamaged, match=message):
        open_generation(path, verify=False)


def test_a_cut_index_is_refused_by_faiss_even_unverified(samples):
    path = samples.write().path
    (path / "index.bin").write_bytes((path / "index.bin").read_bytes()[:-1])

    with pytest.raises(GenerationDamaged, match="FAISS cannot read it"):
        open_generation(path, verify=False)


def test_offsets_that_do_not_fit_the_records_are_refused_even_unverified(samples):
    path = samples.write().path
    (path / "chunks.jsonl").write_bytes((path / "chunks.jsonl").read_bytes()[:-1])

    with pytest.raises(GenerationDamaged, match="7 chunk offsets up to byte"):
        open_generation(path, verify=False)


def test_a_folder_that_is_not_there_is_missing_and_not_damaged(samples, tmp_path):
    with pytest.raises(GenerationMissing, match="no such generation"):
        open_generation(tmp_path / "gen-000000000000")


def test_all_of_these_are_storage_errors_with_one_exit_code():
    assert {50} == {
        error.exit_code for error in (FormatUnsupported, GenerationDamaged, GenerationMissing, StorageError)
    }
