"""Archives: a generation there and back, with the same id and the same bytes."""

import io
import shutil
import tarfile
import threading
from dataclasses import replace

import numpy as np
import pytest

from clockifyrag_index.archive import export_generation, import_generation
from clockifyrag_index.errors import GenerationDamaged, RootLocked, StorageError, UsageError
from clockifyrag_index.generations import builder_lock, open_generation
from clockifyrag_index.identity import FORMAT, generation_id
from clockifyrag_index.manifest import manifest_bytes
from clockifyrag_index.manifest_reader import read_manifest


@pytest.mark.parametrize("name", ["out.tar", "out.tar.gz", "out.tgz"])
def test_a_generation_comes_back_with_the_same_id_and_the_same_files(samples, tmp_path, name):
    written = samples.write()

    export_generation(written.path, tmp_path / name)
    imported = import_generation(tmp_path / "other", tmp_path / name, samples.lexical_of)

    assert (written.id, True) == (imported.id, imported.created)
    here, there = open_generation(written.path), open_generation(imported.path)
    assert here.manifest == there.manifest
    assert (here.path / "meta.json").read_bytes() == (there.path / "meta.json").read_bytes()
    here.close()
    there.close()


def test_an_archive_of_the_format_before_becomes_a_generation_of_this_one(samples, tmp_path):
    written = samples.write()
    generation = open_generation(written.path)
    manifest = generation.manifest
    generation.close()
    chunks = f"sha256:{manifest.files['chunks.jsonl'].sha256}"
    parts = (chunks, manifest.vectors_digest, manifest.lexical, manifest.index, manifest.embedder)
    earlier = replace(manifest, format=FORMAT - 1, id=generation_id(*parts, FORMAT - 1))
    (written.path / "meta.json").write_bytes(manifest_bytes(earlier))
    export_generation(written.path.rename(written.path.with_name(earlier.id)), tmp_path / "out.tar")

    imported = import_generation(tmp_path / "other", tmp_path / "out.tar", samples.lexical_of)

    assert written.id == imported.id != earlier.id
    assert FORMAT == read_manifest(imported.path).format


def test_the_archive_holds_three_files_and_never_the_index(samples, tmp_path):
    export_generation(samples.write().path, tmp_path / "out.tar")

    with tarfile.open(tmp_path / "out.tar") as tar:
        vectors = np.load(io.BytesIO(tar.extractfile("vectors.npy").read()))
        assert ["meta.json", "chunks.jsonl", "vectors.npy"] == tar.getnames()

    assert np.array_equal(samples.vectors(), vectors)


@pytest.mark.parametrize("name", ["out.tar", "out.tar.gz"])
def test_the_same_generation_gives_the_same_archive(samples, tmp_path, name):
    path = samples.write().path
    (tmp_path / "again").mkdir()

    export_generation(path, tmp_path / name)
    export_generation(path, tmp_path / "again" / name)

    assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_importing_what_is_there_already_adds_nothing(samples, tmp_path):
    written = samples.write()
    export_generation(written.path, tmp_path / "out.tar")

    outcome = import_generation(samples.root, tmp_path / "out.tar", samples.lexical_of)

    assert (written.id, False) == (outcome.id, outcome.created)
    assert [] == samples.hidden_names()


def test_importing_heals_damaged_files(samples, tmp_path, flip_bit):
    written = samples.write()
    export_generation(written.path, tmp_path / "out.tar")
    flip_bit(written.path / "index.bin", 999)

    assert import_generation(samples.root, tmp_path / "out.tar", samples.lexical_of).created
    open_generation(written.path).close()


def test_a_damaged_generation_is_not_exported_and_an_older_archive_stays(samples, tmp_path, flip_bit):
    path = samples.write().path
    (tmp_path / "out.tar").write_bytes(b"older")
    flip_bit(path / "index.bin", 999)

    with pytest.raises(GenerationDamaged, match=r"index\.bin"):
        export_generation(path, tmp_path / "out.tar")

    assert [b"older"] == [one.read_bytes() for one in tmp_path.iterdir() if one.is_file()]


@pytest.mark.parametrize("name", ["out.zip", "out", "out.tar.xz"])
def test_another_suffix_is_refused_and_leaves_nothing(samples, tmp_path, name):
    with pytest.raises(UsageError, match=r"ends in \.tar, \.tar\.gz or \.tgz"):
        export_generation(samples.write().path, tmp_path / name)

    assert [samples.root] == list(tmp_path.iterdir())


def test_into_a_folder_that_is_not_there_nothing_is_exported(samples, tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        export_generation(samples.write().path, tmp_path / "nowhere" / "out.tar")


def test_an_archive_that_is_not_there_is_a_usage_error(samples, tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        import_generation(samples.root, tmp_path / "out.tar", samples.lexical_of)


def test_an_import_that_is_interrupted_leaves_nothing(samples, tmp_path):
    export_generation(samples.write("words").path, tmp_path / "out.tar")
    shutil.rmtree(samples.root)
    published = samples.published("published")

    def interrupted(directory, chunks):
        next(iter(chunks))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_generation(samples.root, tmp_path / "out.tar", interrupted)

    assert [published.path] == list((samples.root / "generations").iterdir())


def test_while_a_builder_is_at_work_nothing_is_imported(samples, tmp_path):
    export_generation(samples.write().path, tmp_path / "out.tar")
    caught = []

    def import_it():
        try:
            import_generation(samples.root, tmp_path / "out.tar", samples.lexical_of)
        except RootLocked as error:
            caught.append(error)

    with builder_lock(samples.root):
        thread = threading.Thread(target=import_it)
        thread.start()
        thread.join()

    assert 1 == len(caught)
