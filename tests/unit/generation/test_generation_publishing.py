"""CURRENT: what it says, how it moves forth and back, and what may be removed."""

import os
import shutil
import subprocess
import sys
import threading

import pytest

from clockifyrag_index.errors import GenerationDamaged, GenerationMissing, RootLocked, StorageError
from clockifyrag_index.generations import (
    builder_lock,
    current_generation_path,
    current_id,
    list_generations,
    open_generation,
    publish,
    rollback,
)
from clockifyrag_index.retention import gc, remove


def test_before_the_first_generation_nothing_is_published_and_the_way_out_is_said(samples):
    assert current_id(samples.root) is None
    assert [] == list_generations(samples.root)
    with pytest.raises(GenerationMissing, match="clockifyrag index build"):
        current_generation_path(samples.root)


def test_the_published_id_is_one_line_and_names_a_folder(samples):
    outcome = samples.published()

    assert f"{outcome.id}\n" == (samples.root / "CURRENT").read_text()
    assert outcome.path == current_generation_path(samples.root)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        pytest.param(shutil.rmtree, GenerationMissing, "no such generation", id="gone"),
        pytest.param(lambda path: (path / "chunks.jsonl").unlink(), GenerationDamaged, "chunks.jsonl", id="damaged"),
    ],
)
def test_what_does_not_verify_is_not_published_and_current_stays(samples, spoil, error, message):
    published, other = samples.published(), samples.write("clock")
    spoil(other.path)

    with pytest.raises(error, match=message):
        publish(samples.root, other.id)

    assert published.id == current_id(samples.root)


@pytest.mark.parametrize("name", ["../../etc", "gen-xyz", "", "gen-0123456789ab/../x"])
def test_a_name_that_is_no_id_is_never_a_path(samples, name):
    samples.published()

    with pytest.raises(GenerationMissing, match="no generation id"):
        publish(samples.root, name)


def test_garbage_in_current_is_told_with_the_way_out(samples):
    samples.published()
    (samples.root / "CURRENT").write_text("gen-12\0\n")

    with pytest.raises(StorageError, match=r"CURRENT: holds .* rollback --to"):
        current_id(samples.root)


def three(samples):
    """Three generations, oldest first, the last one published."""
    outcomes = [samples.published(word, created=f"2026-01-0{day}T00:00:00Z") for day, word in enumerate("abc", start=1)]
    return [outcome.id for outcome in outcomes]


def test_rolling_back_goes_to_the_one_before_and_then_the_one_before_that(samples):
    first, second, _ = three(samples)

    assert second == rollback(samples.root)
    assert first == rollback(samples.root)
    assert first == current_id(samples.root)
    with pytest.raises(GenerationMissing, match="no good generation older"):
        rollback(samples.root)


def test_rolling_back_passes_over_damaged_ones(samples, flip_bit):
    first, second, _ = three(samples)
    flip_bit(samples.root / "generations" / second / "index.bin", 999)

    assert first == rollback(samples.root)


def test_rolling_back_to_a_named_one_goes_there(samples):
    first, _, third = three(samples)

    assert first == rollback(samples.root, first)
    assert third == rollback(samples.root, third)


def test_rolling_back_works_while_a_build_is_running(samples):
    _, second, _ = three(samples)

    with builder_lock(samples.root):
        rollback(samples.root)

    assert second == current_id(samples.root)


def test_builds_of_one_second_are_listed_in_the_order_they_were_written(samples):
    ids = [samples.write(word).id for word in ("a", "b", "c")]

    assert ids[::-1] == [one.id for one in list_generations(samples.root)]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.write_text("notes"), id="file"),
        pytest.param(lambda path: path.symlink_to("/etc"), id="link to a folder"),
        pytest.param(lambda path: path.symlink_to("nowhere"), id="link to nothing"),
    ],
)
def test_what_has_nothing_but_the_name_of_a_generation_is_listed_as_damaged_and_can_be_removed(samples, make):
    _, second, third = three(samples)
    stray = samples.root / "generations" / "gen-0123456789ab"
    make(stray)

    listed = {one.id: one.state for one in list_generations(samples.root)}
    rolled_back = rollback(samples.root)
    removed = gc(samples.root, 3, damaged=True).removed

    assert ("damaged", "current") == (listed[stray.name], listed[third])
    assert second == rolled_back
    assert (stray.name,) == removed
    assert [] == samples.hidden_names()


def test_the_list_tells_published_kept_and_damaged_apart(samples, flip_bit):
    first, second, third = three(samples)
    flip_bit(samples.root / "generations" / first / "index.bin", 999)

    quick, thorough = list_generations(samples.root), list_generations(samples.root, verify=True)

    assert [(third, "current"), (second, "kept"), (first, "kept")] == [(one.id, one.state) for one in quick]
    assert [(third, "current"), (second, "kept"), (first, "damaged")] == [(one.id, one.state) for one in thorough]
    assert "index.bin: sha256 is" in thorough[-1].problem
    assert (4, 7, 8, "model", "first build") == (
        quick[0].documents,
        quick[0].chunks,
        quick[0].dimensions,
        quick[0].model,
        quick[0].reason,
    )
    assert quick[0].size_bytes > 1000


@pytest.mark.parametrize(
    ("published", "retain", "protect", "removed"),
    [
        pytest.param(2, 3, (), (), id="as many as are kept"),
        pytest.param(2, 2, (), (0,), id="the oldest goes"),
        pytest.param(2, 1, (), (1, 0), id="two go"),
        pytest.param(0, 1, (), (1,), id="the published one stays, however old"),
        pytest.param(2, 1, (0,), (1,), id="a protected one stays"),
        pytest.param(1, 0, (), (2, 0), id="with nothing kept the published one stays"),
    ],
)
def test_gc_removes_the_oldest_beyond_those_kept(samples, published, retain, protect, removed):
    ids = three(samples)
    publish(samples.root, ids[published])

    outcome = gc(samples.root, retain, [ids[row] for row in protect])

    assert tuple(ids[row] for row in removed) == outcome.removed
    assert set(ids) - set(outcome.removed) == {one.id for one in list_generations(samples.root, verify=True)}
    assert set(outcome.kept) == set(ids) - set(outcome.removed)
    assert [] == samples.hidden_names()


def test_the_report_of_a_generation_goes_with_it(samples):
    ids = three(samples)
    for name in (*ids, "gen-0123456789ab"):
        (samples.root / "reports" / name).mkdir(parents=True)
        (samples.root / "reports" / name / "report.json").write_text("{}")

    gc(samples.root, 2)
    remove(samples.root, [ids[1]])

    assert {ids[2], "gen-0123456789ab"} == {path.name for path in (samples.root / "reports").iterdir()}


def test_gc_reports_damaged_ones_and_removes_them_only_when_asked(samples):
    first, _, _ = three(samples)
    (samples.root / "generations" / first / "index.bin").unlink()

    reported = gc(samples.root, 1)
    asked = gc(samples.root, 1, damaged=True)

    assert [first] == [one.id for one in reported.damaged]
    assert ((first,), ()) == (asked.removed, asked.damaged)


def test_a_generation_that_is_open_can_be_read_after_it_was_removed(samples):
    first, _, _ = three(samples)
    generation = open_generation(samples.root / "generations" / first)

    gc(samples.root, 1)

    assert "Kiosk a" == generation.chunks[0].content
    assert 0 == generation.dense.search(generation.dense.vector(0), 1)[0][0]
    generation.close()


def test_only_the_named_ones_are_removed_and_never_the_published_one(samples):
    first, second, third = three(samples)

    removed = remove(samples.root, [first, third, "gen-000000000000"])

    assert (first,) == removed
    assert [third, second] == [one.id for one in list_generations(samples.root)]


def test_a_second_builder_is_told_which_process_holds_the_root(samples):
    script = (
        "import sys; from pathlib import Path; from clockifyrag_index.generations import builder_lock\n"
        "with builder_lock(Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, samples.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert b"locked\n" == other.stdout.readline()

        with pytest.raises(RootLocked, match=f"process {other.pid} on "):
            samples.write()

        other.stdin.close()
    assert samples.write().created


def test_a_second_thread_of_the_same_process_is_another_builder(samples):
    caught = []

    def build():
        try:
            samples.write()
        except RootLocked as error:
            caught.append(error)

    with builder_lock(samples.root):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()
        with builder_lock(samples.root):  # the thread that holds it may enter again
            samples.write("clock")

    assert [f"process {os.getpid()} on" in str(error) for error in caught] == [True]


def test_what_a_killed_builder_left_is_removed_by_the_next_one(samples):
    published = samples.published()
    generations = samples.root / "generations"
    for name in (".build.tmp-1-0badcafe", ".import.tmp-99-0badcafe", f".{published.id}.removing-0badcafe"):
        (generations / name / "lexical").mkdir(parents=True)
        (generations / name / "chunks.jsonl").write_bytes(b"torn")

    other = samples.write("clock")

    assert {published.id, other.id} == {path.name for path in generations.iterdir()}
