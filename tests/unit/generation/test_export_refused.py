"""Archives that are not as we write them: refused, whatever is wrong, and nothing of them is left."""

import gzip
import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import orjson
import pytest

from clockifyrag_index.archive import export_generation, import_generation
from clockifyrag_index.chunk import chunk_line
from clockifyrag_index.chunk_store import chunks_of_lines
from clockifyrag_index.errors import GenerationDamaged, NoSpace, UsageError
from clockifyrag_index.generations import list_generations
from clockifyrag_index.identity import digest_of

MEMBERS = ["meta.json", "chunks.jsonl", "vectors.npy"]


@pytest.fixture
def exported(samples, tmp_path):
    """An archive of a generation as {name: bytes}, in order."""
    export_generation(samples.write().path, tmp_path / "out.tar")
    shutil.rmtree(samples.root)
    with tarfile.open(tmp_path / "out.tar") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def archive(path, *members):
    """A tar file of those (TarInfo or name, data) pairs, written by Python's own tarfile."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for member, data in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(data) if info.isreg() else info.size
            tar.addfile(info, io.BytesIO(data))
    return path


def entry(name, kind, linkname=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


def refused(samples, path, match, error=GenerationDamaged):
    """Imports into a root with one published generation, which is all that is left of it afterwards."""
    published = samples.published("published")

    with pytest.raises(error, match=match):
        import_generation(samples.root, path, samples.lexical_of)

    assert [published.path] == list((samples.root / "generations").iterdir())
    assert [published.id] == [one.id for one in list_generations(samples.root, verify=True)]


@pytest.mark.parametrize("position", [0, 1, 2, 3], ids=["first", "second", "third", "last"])
@pytest.mark.parametrize(
    "member",
    [
        pytest.param(entry("/etc/passwd", tarfile.REGTYPE), id="absolute path"),
        pytest.param(entry("../../CURRENT", tarfile.REGTYPE), id="dots"),
        pytest.param(entry("index.bin", tarfile.REGTYPE), id="index.bin"),
        pytest.param(entry("other.txt", tarfile.REGTYPE), id="unknown name"),
        pytest.param(entry("meta.json/../x", tarfile.REGTYPE), id="dots behind a known name"),
        pytest.param(entry("chunks.jsonl", tarfile.SYMTYPE, "/etc/passwd"), id="symbolic link"),
        pytest.param(entry("chunks.jsonl", tarfile.LNKTYPE, "meta.json"), id="hard link"),
        pytest.param(entry("vectors.npy", tarfile.CHRTYPE), id="device"),
        pytest.param(entry("vectors.npy", tarfile.FIFOTYPE), id="fifo"),
        pytest.param(entry("lexical", tarfile.DIRTYPE), id="folder"),
        pytest.param(entry("vectors.npy", tarfile.GNUTYPE_SPARSE), id="sparse file"),
        pytest.param(entry("x", tarfile.XHDTYPE), id="extended header"),
        pytest.param(entry("n" * 300, tarfile.REGTYPE), id="long name"),
    ],
)
def test_an_entry_that_does_not_belong_is_refused_wherever_it_stands(samples, exported, tmp_path, position, member):
    members = list(exported.items())
    members.insert(position, (member, b"data"))

    refused(samples, archive(tmp_path / "bad.tar", *members), r"bad\.tar: .*Not imported")


@pytest.mark.parametrize("name", MEMBERS)
def test_a_file_that_stands_twice_is_refused(samples, exported, tmp_path, name):
    members = [(each, data) for each, data in exported.items() for _ in range(2 if each == name else 1)]

    refused(samples, archive(tmp_path / "bad.tar", *members), "Not imported")


@pytest.mark.parametrize("name", MEMBERS)
def test_a_file_that_is_absent_is_refused(samples, exported, tmp_path, name):
    members = [(each, data) for each, data in exported.items() if each != name]

    refused(samples, archive(tmp_path / "bad.tar", *members), "Not imported")


@pytest.mark.parametrize("name", ["out.tar", "out.tar.gz"])
def test_cut_anywhere_the_archive_is_refused(samples, tmp_path, name):
    export_generation(samples.write("cut").path, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    shutil.rmtree(samples.root)
    samples.published("published")

    accepted = []
    for length in [0, 1, 511, 512, 513, *range(600, len(data), 97), len(data) - 1]:
        (tmp_path / name).write_bytes(data[:length])
        try:
            import_generation(samples.root, tmp_path / name, samples.lexical_of)
            accepted.append(length)
        except GenerationDamaged as error:
            assert "Not imported" in str(error)

    assert [] == accepted
    assert [] == samples.hidden_names()
    assert 1 == len(list_generations(samples.root))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_flipped_bit_in_any_file_is_refused(samples, exported, tmp_path, name):
    data = bytearray(exported[name])
    data[-10] ^= 4
    members = [(each, bytes(data) if each == name else whole) for each, whole in exported.items()]

    refused(samples, archive(tmp_path / "bad.tar", *members), r"bad\.tar|expected gen-|vector row")


def stating(meta, **changes):
    """The manifest with those fields, its digests made to fit as a forger would."""
    record = {**orjson.loads(meta), **changes}
    del record["metaDigest"]
    return orjson.dumps({**record, "metaDigest": digest_of(record)})


def test_a_file_larger_than_its_manifest_says_is_refused(samples, exported, tmp_path):
    members = {**exported, "chunks.jsonl": exported["chunks.jsonl"] + b"{}\n"}

    refused(samples, archive(tmp_path / "bad.tar", *members.items()), "its manifest says")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"title": 5}, id="a number for a text"),
        pytest.param({"content": None}, id="null for a text"),
        pytest.param({"position": "0"}, id="a text for a number"),
        pytest.param({"position": True}, id="a bool for a number"),
        pytest.param({"headings": [1]}, id="a number among texts"),
        pytest.param({"also_at": 3}, id="a number for a list"),
        pytest.param({"parent": []}, id="a list for a text or null"),
        pytest.param({"namespace": 7}, id="a namespace that is a number"),
    ],
)
def test_a_chunk_with_a_field_of_another_type_is_refused_and_named(samples, tmp_path, changes):
    lines = tmp_path / "chunks.jsonl"
    lines.write_bytes(chunk_line(samples.chunks()[0]) + b"\n")
    assert 1 == len(list(chunks_of_lines(lines)))

    record = orjson.loads(lines.read_bytes())
    lines.write_bytes(orjson.dumps({**record, **changes}))

    with pytest.raises(GenerationDamaged, match=r"chunks\.jsonl:1: no chunk"):
        list(chunks_of_lines(lines))


@pytest.mark.parametrize("name", [".", "..", "out", "out.zip"])
def test_a_name_that_is_none_of_an_archive_is_refused(samples, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=r"ends in \.tar"):
        export_generation(samples.write().path, Path(name))


def test_vectors_of_another_shape_are_refused(samples, exported, tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.load(io.BytesIO(exported["vectors.npy"])).reshape(8, 7))
    members = {**exported, "vectors.npy": buffer.getvalue()}

    refused(samples, archive(tmp_path / "bad.tar", *members.items()), r"vectors \(8, 7\)")


def test_vectors_that_hold_objects_are_refused_and_never_unpickled(samples, exported, tmp_path):
    size = len(exported["vectors.npy"])
    header = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', 'fortran_order': False, 'shape': (7, 8), }".ljust(127) + b"\n"
    members = {**exported, "vectors.npy": (header + b"cos\nsystem\n").ljust(size, b".")}

    refused(samples, archive(tmp_path / "bad.tar", *members.items()), r"vectors\.npy cannot be read")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(b"\x80\x04", id="pickle"),
        pytest.param(b"\x93NUMPY\x01\x00\x76\x00{'descr': (", id="a header that does not end"),
        pytest.param(b"\x93NUMPY\x01\x00\x76\x00{[]: 1}", id="a header that is no record"),
    ],
)
def test_vectors_that_are_no_array_are_refused(samples, exported, tmp_path, start):
    members = {**exported, "vectors.npy": start.ljust(len(exported["vectors.npy"]), b" ")}

    refused(samples, archive(tmp_path / "bad.tar", *members.items()), r"vectors\.npy cannot be read")


def test_a_few_bytes_that_claim_to_be_many_are_refused_before_they_are_unpacked(samples, exported, tmp_path):
    record = orjson.loads(exported["meta.json"])
    files = {**record["files"], "chunks.jsonl": {"size": 2**40, "sha256": "0" * 64, "blocks": ["0"] * 2**16}}
    meta = stating(exported["meta.json"], files=files)
    (tmp_path / "bad.tar.gz").write_bytes(
        gzip.compress(archive(tmp_path / "bomb.tar", ("meta.json", meta)).read_bytes())
    )

    refused(samples, tmp_path / "bad.tar.gz", "id is gen-|more than 100 times|contentDigest")


def test_a_manifest_that_fits_itself_but_claims_a_hundred_times_its_size_is_refused(samples, tmp_path):
    samples.write("word " * 20_000)
    path = next((samples.root / "generations").iterdir())
    export_generation(path, tmp_path / "bomb.tar.gz")
    assert (path / "chunks.jsonl").stat().st_size > 100 * (tmp_path / "bomb.tar.gz").stat().st_size
    shutil.rmtree(samples.root)

    refused(samples, tmp_path / "bomb.tar.gz", "more than 100 times")


def test_much_behind_the_end_is_refused(samples, tmp_path):
    export_generation(samples.write("end").path, tmp_path / "bad.tar")
    with (tmp_path / "bad.tar").open("ab") as file:
        file.write(bytes(1024 * 1024))
    shutil.rmtree(samples.root)

    refused(samples, tmp_path / "bad.tar", "something else than the end follows")


def test_without_room_for_it_nothing_is_unpacked(samples, tmp_path, monkeypatch):
    """What the disk has left is patched: no volume of 100 free bytes can be had without rights to mount one."""
    export_generation(samples.write("room").path, tmp_path / "out.tar")
    shutil.rmtree(samples.root)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))

    refused(samples, tmp_path / "out.tar", "100 bytes are free", NoSpace)


def test_word_statistics_made_in_another_way_give_another_id_and_are_refused(samples, tmp_path):
    export_generation(samples.write("words").path, tmp_path / "out.tar")
    shutil.rmtree(samples.root)

    def other(directory, chunks):
        return {**samples.lexical_of(directory, chunks), "tokenizer": "words-2"}

    samples.published("published")
    with pytest.raises(GenerationDamaged, match=r"the chunks and vectors give gen-.*, expected gen-"):
        import_generation(samples.root, tmp_path / "out.tar", other)
    assert [] == samples.hidden_names()
