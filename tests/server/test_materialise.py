"""Materialise: a generation comes from a real store whole and verified, or not at all; a cut is gone on with."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from tests.server.store_proxy import PIECE_BYTES, StoreProxy, flip
from tests.waiting import NotInTime, wait_until

from clockifyrag_builder.store import create_app
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import EmbedderIdentity
from clockifyrag_index.errors import GenerationDamaged, GenerationMissing, NoSpace
from clockifyrag_index.files import BLOCK_BYTES, FileRecord
from clockifyrag_index.layout import Layout
from clockifyrag_index.manifest import IndexParameters, manifest_bytes
from clockifyrag_index.manifest_reader import read_manifest
from clockifyrag_index.verify import verified_manifest
from clockifyrag_index.writer import GenerationPlan, write_generation
from clockifyrag_service.materialise import Store
from clockifyrag_service.transfer import Interrupted, StoreUnavailable

ROWS, DIMENSIONS = 3, 4
LARGE = "long text " * (BLOCK_BYTES // 10)  # three of them: more than three blocks


def generation(root: Path, text: str = "Passage") -> str:
    """The id of a small generation below the root, or of a large one for a long text."""
    chunks = [
        Chunk(f"{row:016x}", "timer", "default", row, "Timer", (), f"{text} {row}", "", "help", None, None, None, ())
        for row in range(ROWS)
    ]

    def lexical(directory: Path) -> dict[str, object]:
        np.save(directory / "lengths.npy", np.arange(ROWS))
        (directory / "empty.bin").touch()
        return {"tokenizer": "words-1"}

    embedder = EmbedderIdentity("model", "sha256:weights", DIMENSIONS, 256, "", "")
    vectors = np.eye(ROWS, DIMENSIONS, dtype=np.float32)
    plan = GenerationPlan(chunks, vectors, embedder, (), {}, IndexParameters(), "key", "source", "test", "0")
    return write_generation(root, plan, lexical).id


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The root that the store serves."""
    return tmp_path / "volume"


@pytest.fixture
def proxy(volume: Path) -> Iterator[StoreProxy]:
    """A real store on a free port, behind a proxy that can do what no store does."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(volume), log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with StoreProxy(f"http://127.0.0.1:{listening.getsockname()[1]}") as before:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            thread.join(0.01)
        yield before
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def store_at(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """store_at(url): its client, which fetches into the folder `local`."""
    opened: list[Store] = []

    def store(url: str) -> Store:
        opened.append(Store(url, tmp_path / "local"))
        return opened[-1]

    yield store
    for one in opened:
        one.close()


def fetched(store: Store, generation_id: str) -> Path:
    return store.materialise(generation_id, lambda here, size: None, lambda: True)


def left_behind(tmp_path: Path) -> list[str]:
    """The names in the folder of generations fetched."""
    return sorted(path.name for path in (tmp_path / "local" / "generations").iterdir())


def test_a_generation_arrives_byte_for_byte(proxy, store_at, volume, tmp_path) -> None:
    generation_id = generation(volume)
    told: list[tuple[int, int]] = []

    folder = store_at(proxy.url).materialise(generation_id, lambda here, size: told.append((here, size)), lambda: True)

    manifest = verified_manifest(folder)
    assert (folder / "meta.json").read_bytes() == (volume / "generations" / generation_id / "meta.json").read_bytes()
    assert "lexical/empty.bin" in manifest.files
    assert [generation_id] == left_behind(tmp_path)
    assert (manifest.size_bytes, manifest.size_bytes) == told[-1]


def test_what_is_here_already_is_not_fetched_again(proxy, store_at, volume) -> None:
    generation_id = generation(volume)
    fetched(store_at(proxy.url), generation_id)
    asked = len(proxy.asked)

    store = store_at(proxy.url)  # as after a restart of the container
    first, again = fetched(store, generation_id), fetched(store, generation_id)

    assert first == again
    assert asked == len(proxy.asked)


def test_what_was_damaged_here_meanwhile_is_fetched_again(proxy, store_at, volume) -> None:
    generation_id = generation(volume)
    folder = fetched(store_at(proxy.url), generation_id)
    (folder / "index.bin").write_bytes(b"other")

    fetched(store_at(proxy.url), generation_id)

    assert generation_id == verified_manifest(folder).id


def fetched_up_to_a_cut(store: Store, generation_id: str, proxy: StoreProxy, local: Path) -> None:
    """The store breaks off a piece into the second block of the chunks, the first of which is here; then it is well."""
    proxy.hold("chunks.jsonl", BLOCK_BYTES + 16 * PIECE_BYTES)
    begun = local / "generations" / f".fetch-{generation_id}.tmp-0" / "chunks.jsonl"

    def has_come() -> bool:
        """Whether the first block is in the file: what was only sent is lost when another transfer ends first."""
        return begun.exists() and begun.stat().st_size > BLOCK_BYTES

    def cut() -> None:
        with suppress(NotInTime):  # the held request ends all the same, and the test fails by what it finds
            wait_until(has_come, 30, "the first block is here")
        proxy.broken.set()
        proxy.release()

    cutting = threading.Thread(target=cut)
    cutting.start()
    with pytest.raises(StoreUnavailable):
        fetched(store, generation_id)
    cutting.join()
    proxy.broken.clear()


def test_a_transfer_that_is_cut_goes_on_with_the_next_block(proxy, store_at, volume, tmp_path) -> None:
    generation_id = generation(volume, LARGE)
    size = (volume / "generations" / generation_id / "chunks.jsonl").stat().st_size
    store = store_at(proxy.url)

    fetched_up_to_a_cut(store, generation_id, proxy, tmp_path / "local")
    not_there = not (tmp_path / "local" / "generations" / generation_id).exists()
    folder = fetched(store, generation_id)

    assert not_there
    assert generation_id == verified_manifest(folder).id
    assert ("chunks.jsonl", f"bytes={BLOCK_BYTES}-") in proxy.asked
    assert proxy.sent_bytes["chunks.jsonl"] < size + BLOCK_BYTES


def test_a_file_that_the_store_has_up_to_what_is_here_and_no_further_is_damaged(
    proxy, store_at, volume, tmp_path
) -> None:
    generation_id = generation(volume, LARGE)
    store = store_at(proxy.url)
    fetched_up_to_a_cut(store, generation_id, proxy, tmp_path / "local")

    with (volume / "generations" / generation_id / "chunks.jsonl").open("r+b") as file:
        file.truncate(BLOCK_BYTES)  # it ends where the next request begins: 416

    with pytest.raises(GenerationDamaged, match="the store has less than"):
        fetched(store, generation_id)
    assert ("chunks.jsonl", f"bytes={BLOCK_BYTES}-") in proxy.asked
    assert not (tmp_path / "local" / "generations" / generation_id).exists()


def test_one_wrong_byte_is_asked_for_again_and_a_second_time_refused(proxy, store_at, volume, tmp_path) -> None:
    generation_id = generation(volume, LARGE)
    proxy.change = flip("chunks.jsonl", BLOCK_BYTES + 17, times=1)
    once = fetched(store_at(proxy.url), generation_id)
    whole = verified_manifest(once).id
    shutil.rmtree(tmp_path / "local")

    proxy.change = flip("chunks.jsonl", BLOCK_BYTES + 17)
    with pytest.raises(GenerationDamaged, match=r"chunks\.jsonl: bytes from 16,777,216 on"):
        fetched(store_at(proxy.url), generation_id)

    assert generation_id == whole
    assert [f".fetch-{generation_id}.tmp-0"] == left_behind(tmp_path)


def test_a_busy_store_is_asked_again(proxy, store_at, volume) -> None:
    generation_id = generation(volume)
    store = store_at(proxy.url)
    proxy.busy = 1
    with pytest.raises(StoreUnavailable, match="busy"):
        fetched(store, generation_id)

    proxy.change = lambda name, start, piece: (setattr(proxy, "busy", 3) if name == "meta.json" else None) or piece
    folder = fetched(store, generation_id)

    assert generation_id == verified_manifest(folder).id
    assert 0 == proxy.busy


def test_a_store_that_is_not_there_names_no_address(store_at, volume) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached") as refused:
        fetched(store_at("http://127.0.0.1:9"), "gen-0123456789ab")

    assert "127.0.0.1" not in str(refused.value)


def test_a_generation_the_store_has_not_is_missing(proxy, store_at, volume) -> None:
    volume.mkdir()

    with pytest.raises(GenerationMissing, match="not in the store"):
        fetched(store_at(proxy.url), "gen-0123456789ab")


def test_the_manifest_of_another_generation_is_refused(proxy, store_at, volume, tmp_path) -> None:
    generation_id, other = generation(volume), generation(volume, "Other")
    meta = (volume / "generations" / other / "meta.json").read_bytes()
    proxy.change = lambda name, start, piece: meta if name == "meta.json" else piece

    with pytest.raises(GenerationDamaged, match=f"that of {other}"):
        fetched(store_at(proxy.url), generation_id)


def test_a_generation_too_large_for_the_disk_is_refused_before_its_first_byte(
    proxy, store_at, volume, tmp_path
) -> None:
    generation_id = generation(volume)
    manifest = read_manifest(volume / "generations" / generation_id)
    blocks = 2 * shutil.disk_usage(tmp_path).free // BLOCK_BYTES
    too_large = FileRecord(blocks * BLOCK_BYTES, "0" * 64, ("0" * 64,) * blocks)
    huge = manifest_bytes(replace(manifest, files={**manifest.files, "vectors.npy": too_large}))
    (volume / "generations" / generation_id / "meta.json").write_bytes(huge)

    with pytest.raises(NoSpace, match=r"needs [\d,]+ more bytes, [\d,]+ are free; give the pod a larger volume") as no:
        fetched(store_at(proxy.url), generation_id)

    assert str(tmp_path) not in str(no.value)
    assert ["meta.json"] == [name for name, _ in proxy.asked]


def test_a_fetch_ends_soon_when_it_is_no_longer_wanted(proxy, store_at, volume) -> None:
    generation_id = generation(volume, LARGE)
    store, asked = store_at(proxy.url), threading.Event()
    proxy.hold("chunks.jsonl", 1 << 20)
    threading.Thread(target=lambda: proxy.wait_until_sent("chunks.jsonl", 1 << 20) and asked.set()).start()

    def go_on() -> bool:
        if asked.is_set():
            proxy.release()
        return not asked.is_set()

    with pytest.raises(Interrupted):
        store.materialise(generation_id, lambda here, size: None, go_on)


@pytest.mark.parametrize("name", ["meta.json", "chunks.jsonl"])
def test_a_fetch_that_drips_ends_as_soon_as_it_is_no_longer_wanted(name: str, proxy, store_at, volume) -> None:
    generation_id = generation(volume, "long text " * 1000)
    proxy.drip(name, 200)  # for ten seconds, then the rest comes

    with pytest.raises(Interrupted):
        store_at(proxy.url).materialise(
            generation_id, lambda here, size: None, lambda: proxy.sent_bytes.get(name, 0) < 5
        )

    assert proxy.sent_bytes[name] < 200


def test_only_what_is_used_stays_on_the_disk(proxy, store_at, volume, tmp_path) -> None:
    first, second = generation(volume), generation(volume, "Other")
    store = store_at(proxy.url)
    for one in (first, second):
        fetched(store, one)
    (Layout(tmp_path / "local").generations / ".fetch-gen-000000000000.tmp-0").mkdir()

    store.keep_only({second})
    left = left_behind(tmp_path)
    store.remove(second)

    assert ([second], []) == (left, left_behind(tmp_path))
    assert generation_id_of(fetched(store, first)) == first


def test_whatever_else_lies_among_the_generations_goes_without_what_it_leads_to(
    proxy, store_at, volume, tmp_path
) -> None:
    generation_id = generation(volume)
    generations, elsewhere = Layout(tmp_path / "local").generations, tmp_path / "elsewhere"
    generations.mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (generations / ".DS_Store").touch()
    (generations / "link").symlink_to(elsewhere)
    (generations / generation_id).symlink_to(tmp_path / "nowhere")
    store = store_at(proxy.url)

    store.keep_only({generation_id})
    folder = fetched(store, generation_id)
    found = left_behind(tmp_path)
    generation_found = generation_id_of(folder)
    shutil.rmtree(folder)
    folder.touch()
    store.remove(generation_id)

    assert [generation_id] == found
    assert generation_id == generation_found
    assert [] == left_behind(tmp_path)
    assert (elsewhere / "kept").exists()


@pytest.mark.parametrize("at", ["", "index.bin", "lexical", "other"])
@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing"])
def test_what_an_earlier_attempt_cannot_have_left_makes_room(
    at: str, kind: str, proxy, store_at, volume, tmp_path
) -> None:
    generation_id = generation(volume)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / "local" / "generations" / f".fetch-{generation_id}.tmp-0" / at
    path.parent.mkdir(parents=True)
    if kind == "file":
        path.write_text("other")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(victim if kind == "link" else tmp_path / "nowhere")

    folder = fetched(store_at(proxy.url), generation_id)

    assert generation_id == generation_id_of(folder)
    assert not (folder / "other").exists()
    assert "precious" == victim.read_text()


def generation_id_of(folder: Path) -> str:
    return verified_manifest(folder).id
