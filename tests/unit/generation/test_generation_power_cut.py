"""Wherever the power is cut while a generation is written, published or removed, a whole one is published after it."""

from collections.abc import Callable
from itertools import chain, count
from pathlib import Path

import pytest
from tests.unit.generation.conftest import Samples
from tests.unit.generation.power import Disk, Tree, fails_at, make, power_may_be_cut

from clockifyrag_index import chunk_store, generations, writer
from clockifyrag_index.errors import StorageError
from clockifyrag_index.generations import current_generation_path, current_id, open_generation, publish
from clockifyrag_index.layout import Layout
from clockifyrag_index.retention import gc


@pytest.fixture
def found_after(tmp_path: Path) -> Callable[[Tree], str]:
    """The published generation that a cut left, every byte of it verified, or what is wrong."""
    numbers = count()

    def found(tree: Tree) -> str:
        root = make(tree, tmp_path / f"cut-{next(numbers)}")
        try:
            generation = open_generation(current_generation_path(root))
        except StorageError as error:
            return type(error).__name__
        generation.close()
        return generation.id

    return found


def published_anew(samples: Samples) -> tuple[str, str, Disk]:
    """What was published, what is published instead, with one removed that was there before, and what cuts left."""
    samples.published("first")
    old = samples.published("second").id
    with power_may_be_cut(samples.root) as disk:
        new = samples.write("third").id
        publish(samples.root, new)
        gc(samples.root, retain=2)
    return old, new, disk


def test_wherever_the_power_is_cut_the_old_or_the_new_generation_is_published_whole(samples, found_after):
    old, new, disk = published_anew(samples)

    found = [tuple(map(found_after, left)) for left in disk.cuts]

    assert {old, new} == set(chain(*found))
    assert len(found) > 20
    assert (new, new) == found[-1], "what publish returned from stays published"


def test_once_it_is_written_a_generation_stays_though_nothing_was_there_before(samples, tmp_path):
    """As builders in a cluster write: nobody moves CURRENT."""
    samples.root.mkdir()
    with power_may_be_cut(samples.root) as disk:
        written = samples.write().id

    for number, tree in enumerate(disk.cuts[-1]):
        root = make(tree, tmp_path / f"left-{number}")
        open_generation(root / "generations" / written).close()


def unsynced(path: Path, data: bytes) -> None:
    path.write_bytes(data)


MUTANTS: dict[str, tuple[object, str, object]] = {
    "a file is not synced": (chunk_store, "synced_file", lambda path: path.open("xb")),
    "nor is meta.json": (writer, "write_synced", unsynced),
    "nor the names of a generation": (writer, "sync", lambda path: None),
    "nor the pointer": (generations, "write_synced", unsynced),
    "nor the name of the pointer": (generations, "sync", lambda path: None),
    "the pointer is written in place": (Layout, "current_new", Layout.current),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_writer_that_is_careless_is_found_out(samples, found_after, monkeypatch, name):
    monkeypatch.setattr(*MUTANTS[name])
    old, new, disk = published_anew(samples)

    found = [tuple(map(found_after, left)) for left in disk.cuts]

    assert {old, new} != set(chain(*found)) or (new, new) != found[-1]


def test_whichever_step_the_disk_fails_at_it_is_told_and_the_published_generation_stays(tmp_path):
    """An input/output error of each call that syncs something or changes a name, one after the other until there is no
    further one.
    """
    for step in count(1):
        samples = Samples(tmp_path / f"failed-at-{step}")
        old, new = samples.published("first").id, samples.elsewhere(tmp_path / "other").write("second").id

        told = []
        with fails_at(step) as failed:
            try:
                publish(samples.root, samples.write("second").id)
            except StorageError as error:
                told.append(str(error))

        assert bool(failed) == bool(told)
        assert [] == [words for words in told if "Input/output error" not in words]
        published = current_id(samples.root)
        assert published in (old, new)
        open_generation(current_generation_path(samples.root)).close()
        assert samples.published("second").id == new, "it goes on once the disk does"
        assert [] == samples.hidden_names()
        if not failed:
            break
    assert new == published
    assert step > 10
