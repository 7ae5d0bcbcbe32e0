"""A disk that is full, or closed to us: the message names the remedy, and nothing published is lost."""

import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rights import folder_for_all, without_privileges

from clockifyrag_index import articles
from clockifyrag_index.disk import estimated_bytes, require_space, storage_error
from clockifyrag_index.errors import NoSpace, StorageError
from clockifyrag_index.generations import current_id, list_generations, open_generation, publish, rollback
from clockifyrag_index.manifest import IndexParameters, canary
from clockifyrag_index.retention import gc
from clockifyrag_index.writer import write_generation


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Within it no file of this process grows beyond the size: a full disk for everybody, root or not.

    Python ignores SIGXFSZ, so the write fails with EFBIG.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder everybody may enter."""
    with folder_for_all() as folder:
        yield folder


def test_whichever_file_does_not_fit_the_build_says_no_space_and_the_old_index_stays(samples):
    published = samples.published()
    sizes = sorted({path.stat().st_size for path in published.path.rglob("*") if path.is_file()})
    limits = sorted({0, 1, 2, *(size - 1 for size in sizes), *(size // 2 for size in sizes)})

    for limit in limits:
        with files_of_at_most(limit), pytest.raises(NoSpace, match="no space to write"):
            samples.write("clock")

    assert len(limits) > 5
    assert [published.path] == list((samples.root / "generations").iterdir())
    assert published.id == current_id(samples.root)
    open_generation(published.path).close()
    assert samples.write("clock").created  # once there is room again


def test_when_current_does_not_fit_the_old_one_stays(samples):
    published, other = samples.published(), samples.write("clock")

    with files_of_at_most(4), pytest.raises(NoSpace, match=r"CURRENT\.new|no space"):
        publish(samples.root, other.id)

    assert published.id == current_id(samples.root)
    publish(samples.root, other.id)
    assert other.id == current_id(samples.root)


def test_on_a_full_disk_gc_still_makes_room(samples):
    for word in ("a", "b", "c"):
        samples.published(word)
    (samples.root / "builder.lock").unlink()

    with files_of_at_most(0):
        removed = gc(samples.root, 1).removed

    assert 2 == len(removed)


def test_too_little_room_is_told_before_anything_is_embedded(tmp_path):
    root = tmp_path / "not" / "there" / "yet"

    require_space(root, 1024)
    with pytest.raises(NoSpace, match=r"[\d,]+ bytes are free, 1,200,000,000,000,000,000 are needed.*index gc"):
        require_space(root, 10**18)


def test_the_estimate_is_not_below_what_a_generation_takes(samples):
    outcome = samples.write(words="timer " * 200)
    chunks = samples.chunks("timer " * 200)

    taken = list_generations(samples.root)[0].size_bytes

    estimate = estimated_bytes(len(chunks), 8, sum(len(chunk.content.encode()) for chunk in chunks), documents=4)
    assert outcome.created
    assert taken <= estimate <= 4 * taken


@pytest.mark.parametrize(
    "index", [IndexParameters(), IndexParameters("HNSW", "Float32", 32, 40)], ids=["exact", "graph"]
)
def test_the_estimate_holds_the_directions_of_short_articles(samples, monkeypatch, index):
    monkeypatch.setattr(articles, "HNSW_FROM", 2)
    chunks = tuple(samples.chunk(f"article-{number:03}") for number in range(200))
    rows = np.eye(768, dtype=np.float32)[:200]
    embedder = replace(samples.plan().embedder, dimensions=768)
    plan = samples.plan(chunks=chunks, vectors=rows, embedder=embedder, index=index, canaries=(canary("a", rows[0]),))
    write_generation(samples.root, plan, lambda folder: samples.lexical_of(folder, chunks))

    taken = list_generations(samples.root)[0].size_bytes

    text_bytes = sum(len(chunk.content.encode()) for chunk in chunks)
    assert taken <= estimated_bytes(200, 768, text_bytes, index, documents=200)


def test_a_short_write_of_numpy_is_a_full_disk(tmp_path):
    error = storage_error(OSError("1024 requested and 512 written"), tmp_path)

    assert isinstance(error, NoSpace)


def test_a_root_without_the_right_to_write_is_told_with_the_remedy(samples, open_folder):
    root = open_folder / "root"
    root.mkdir(mode=0o555)

    with without_privileges():
        here = samples.elsewhere(root)
        with pytest.raises(StorageError, match=rf"denied for user id \d+.*chown -R \d+ {root}"):
            here.write()

    assert [] == list(root.iterdir())


def test_a_root_that_may_only_be_read_can_be_opened_but_not_changed(samples, open_folder):
    root = open_folder / "root"
    here = samples.elsewhere(root)
    old, new = here.published("a"), here.published("b", created="2026-02-01T00:00:00Z")
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    try:
        with without_privileges():
            open_generation(new.path).close()
            assert [new.id, old.id] == [one.id for one in list_generations(root, verify=True)]
            for change in (lambda: rollback(root), lambda: gc(root, 1), lambda: here.write("c")):
                with pytest.raises(StorageError, match="chown"):
                    change()
    finally:
        for path in [root, *root.rglob("*")]:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)

    assert new.id == current_id(root)


def test_a_file_without_the_right_to_read_is_not_taken_for_damage(samples, open_folder):
    here = samples.elsewhere(open_folder / "root")
    outcome = here.published()
    (outcome.path / "index.bin").chmod(0)

    with without_privileges(), pytest.raises(StorageError, match=r"index\.bin: .* for user id") as caught:
        open_generation(outcome.path)

    assert StorageError is type(caught.value)
    assert [] == here.hidden_names()


def test_a_generation_that_may_not_be_entered_hides_no_other(samples, open_folder):
    here = samples.elsewhere(open_folder / "root")
    closed, good = here.published("a"), here.published("b")
    closed.path.chmod(0)

    with without_privileges():
        listed = {one.id: one for one in list_generations(open_folder / "root")}

    assert ("damaged", "current") == (listed[closed.id].state, listed[good.id].state)
    assert "Permission denied" in listed[closed.id].problem


def test_a_root_that_is_a_file_is_refused_by_name(samples, tmp_path):
    (tmp_path / "root").write_text("a file")

    with pytest.raises(StorageError, match="Not a directory"):
        samples.write()
