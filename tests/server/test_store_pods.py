"""Servers without the volume: they fetch what they serve from a store, and go on serving whatever becomes of it."""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.ports import free_port
from tests.server.conftest import ARTICLES, NEW_ARTICLE, Publish, Serve, Server, until
from tests.server.mounted import Mounted
from tests.server.store_proxy import StoreProxy, flip

from clockifyrag_index.errors import StorageError
from clockifyrag_index.layout import Layout
from clockifyrag_index.verify import verified_manifest


@dataclass
class StoreProcess:
    """`clockifyrag index serve` in a process of its own, on one port whenever it runs."""

    root: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        line = [sys.executable, "-m", "clockifyrag_cli", "index", "serve", "--root", self.root, "--port", self.port]
        self.process = subprocess.Popen(list(map(str, line)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, "the store answers")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreProcess]:
    """A store over the folder `volume`, not running yet."""
    (tmp_path / "volume").mkdir()
    one = StoreProcess(tmp_path / "volume", free_port())
    yield one
    one.kill()


@dataclass
class MountedPointer:
    """GENERATION_FILE in a mounted ConfigMap."""

    mounted: Mounted

    @property
    def file(self) -> Path:
        return self.mounted.folder / "current"

    def name(self, generation_id: str) -> None:
        self.mounted.write({"current": generation_id})


@pytest.fixture
def pointer(tmp_path: Path) -> MountedPointer:
    return MountedPointer(Mounted(tmp_path / "pointer"))


@pytest.fixture
def pod(serve: Serve, tmp_path: Path, pointer: MountedPointer) -> Callable[..., Server]:
    """pod(store url, ready=True): a server without the volume, which follows the pointer."""

    def start(url: str, *, ready: bool = True) -> Server:
        return serve(tmp_path / "local", ready=ready, STORE_URL=url, GENERATION_FILE=pointer.file)

    return start


def generation(server: Server) -> str | None:
    found: str | None = server.get("/status").json()["generation"]
    return found


def problem(server: Server) -> str:
    return str(server.get("/status").json()["problem"])


def local_generations(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in Layout(tmp_path / "local").generations.iterdir())


def test_a_pod_that_starts_before_its_store_is_alive_and_serves_once_the_store_is_there(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish, tmp_path: Path
) -> None:
    first = publish(store.root)
    pointer.name(first)
    server = pod(store.url, ready=False)
    until(lambda: "cannot be fetched yet" in problem(server), "the store is missed", server.explain)
    alive, ready = server.get("/live"), server.get("/ready")

    store.start()
    server.wait_ready()

    assert (200, 503, "INDEX_NOT_LOADED") == (alive.status_code, ready.status_code, ready.json()["error"]["code"])
    assert str(store.port) not in ready.text
    assert (first, "None") == (generation(server), problem(server))
    assert server.get("/search?q=invoice").json()["results"]
    assert [first] == local_generations(tmp_path)


@dataclass(frozen=True)
class Fetch:
    """A pod that starts and fetches the generation through a proxy that holds one file back."""

    generation: str
    proxy: StoreProxy
    server: Server


@pytest.fixture
def fetch(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> Iterator[Callable[[str], Fetch]]:
    """fetch(file): held back is that file."""
    first = publish(store.root)
    pointer.name(first)
    store.start()
    with StoreProxy(store.url) as proxy:

        def begun(file: str) -> Fetch:
            proxy.hold(file, 0)
            return Fetch(first, proxy, pod(proxy.url, ready=False))

        yield begun


def test_a_pod_says_how_far_it_is_while_it_fetches(fetch: Callable[[str], Fetch]) -> None:
    one = fetch("chunks.jsonl")
    told = f"fetching {one.generation}: 0 of 1 MiB"
    until(lambda: told in problem(one.server), "progress is told", one.server.explain)
    ready = one.server.get("/ready")
    one.proxy.release()

    one.server.wait_ready()

    assert 503 == ready.status_code
    assert f"fetching {one.generation}" in ready.json()["error"]["message"]


def test_a_pod_says_that_it_fetches_before_the_store_has_told_what(fetch: Callable[[str], Fetch]) -> None:
    one = fetch("meta.json")

    until(lambda: f"fetching {one.generation}" in problem(one.server), "the fetch is told", one.server.explain)
    one.proxy.release()

    one.server.wait_ready()


def test_a_pod_that_is_told_to_end_while_it_fetches_ends(fetch: Callable[[str], Fetch]) -> None:
    one = fetch("chunks.jsonl")
    until(lambda: "fetching" in problem(one.server), "it fetches", one.server.explain)

    assert 0 == one.server.stop()


def test_a_pod_takes_a_new_generation_over_under_load_and_forgets_the_old_one(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish, tmp_path: Path
) -> None:
    first, second = publish(store.root), publish(store.root, (*ARTICLES, NEW_ARTICLE))
    pointer.name(first)
    store.start()
    server = pod(store.url)
    wanted = [second, first, second]

    async def swap_under_load() -> list[tuple[int, str, bool]]:
        stop = asyncio.Event()
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as session:
            clients = [asyncio.create_task(_ask_until(stop, session)) for _ in range(8)]
            for one in wanted:
                await asyncio.to_thread(pointer.name, one)
                await asyncio.to_thread(until, lambda one=one: generation(server) == one, one, server.explain)
            stop.set()
            return [answer for answers in await asyncio.gather(*clients) for answer in answers]

    answers = asyncio.run(swap_under_load())
    until(lambda: local_generations(tmp_path) == [second], "the old one is gone", server.explain)

    assert set(answers) <= {(200, first, False), (200, second, True)}
    assert {first, second} == {generation_id for _, generation_id, _ in answers}


async def _ask_until(stop: asyncio.Event, session: httpx.AsyncClient) -> list[tuple[int, str, bool]]:
    """Status, generation, and whether the new article was found, of every answer."""
    answers = []
    while not stop.is_set():
        answer = await session.get("/search", params={"q": "flux capacitors", "k": 20})
        document = answer.json()
        found = any(result["id"] == NEW_ARTICLE[1] for result in document.get("results", []))
        answers.append((answer.status_code, document["metadata"]["index_generation"], found))
    return answers


def test_a_pod_goes_on_serving_when_the_store_dies_while_the_next_generation_is_on_its_way(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> None:
    first, second = publish(store.root), publish(store.root, (*ARTICLES, NEW_ARTICLE))
    pointer.name(first)
    store.start()
    with StoreProxy(store.url) as proxy:
        server = pod(proxy.url)
        proxy.hold("chunks.jsonl", 0)
        pointer.name(second)
        until(lambda: f"fetching {second}" in problem(server), "it fetches", server.explain)
        healthy_meanwhile = server.get("/health").json()["status"]
        blamed = [server.get("/status").json()["refused"]]
        store.kill()
        proxy.broken.set()
        proxy.release()
        until(lambda: f"{second} cannot be fetched yet" in problem(server), "the store is missed", server.explain)
        meanwhile = server.get("/search?q=invoice"), server.get("/ready"), generation(server)
        blamed.append(server.get("/status").json()["refused"])

        proxy.broken.clear()
        store.start()
        until(lambda: generation(server) == second, "the new one is served", server.explain)

    assert "healthy" == healthy_meanwhile
    assert [False, False] == blamed
    assert (200, 200, first) == (meanwhile[0].status_code, meanwhile[1].status_code, meanwhile[2])


def test_a_byte_the_store_gives_wrong_is_refused_and_the_old_generation_goes_on(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> None:
    first, second = publish(store.root), publish(store.root, (*ARTICLES, NEW_ARTICLE))
    pointer.name(first)
    store.start()
    with StoreProxy(store.url) as proxy:
        server = pod(proxy.url)
        proxy.change = flip("chunks.jsonl", 100)
        pointer.name(second)
        until(lambda: f"{second} is refused" in problem(server), "the refusal is told", server.explain)
        refusal, served, health = problem(server), generation(server), server.get("/health").json()
        until(lambda: server.get("/status").json()["refused"], "the generation is blamed", server.explain)

        proxy.change = lambda name, start, piece: piece
        until(lambda: generation(server) == second, "a store that is right again is used", server.explain)

    assert "chunks.jsonl" in refusal and str(store.root) not in refusal
    assert (first, ["index"]) == (served, health["degraded"])


def test_damage_is_no_longer_told_once_another_generation_is_on_its_way(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> None:
    first, second = publish(store.root), publish(store.root, (*ARTICLES, NEW_ARTICLE))
    os.truncate(Layout(store.root).generation(first) / "chunks.jsonl", 100)
    pointer.name(first)
    store.start()
    with StoreProxy(store.url) as proxy:
        server = pod(proxy.url, ready=False)
        until(lambda: server.get("/status").json()["damaged"], "the damage is told", server.explain)
        proxy.hold("chunks.jsonl", 0)
        pointer.name(second)
        until(lambda: f"fetching {second}" in problem(server), "the other one is on its way", server.explain)
        damaged = server.get("/status").json()["damaged"]
        proxy.release()

        server.wait_ready()

    assert not damaged
    assert second == generation(server)


@pytest.mark.parametrize("kind", ["flipped", "cut", "missing"])
def test_a_file_that_is_damaged_in_the_store_is_told_as_damage_until_it_is_mended(
    kind: str, store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> None:
    first = publish(store.root)
    file = Layout(store.root).generation(first) / "vectors.npy"
    file = file if file.exists() else file.with_name("index.bin")
    right = file.read_bytes()
    broken = {"flipped": bytes([*right[:-1], right[-1] ^ 1]), "cut": right[:-1]}
    file.unlink()
    if kind in broken:
        file.write_bytes(broken[kind])
    pointer.name(first)
    store.start()
    server = pod(store.url, ready=False)

    until(lambda: server.get("/status").json()["damaged"], "the damage is told", server.explain)
    told, ready = problem(server), server.get("/ready").status_code
    file.write_bytes(right)
    server.wait_ready()

    assert file.name in told
    assert 503 == ready
    assert (False, "None") == (server.get("/status").json()["damaged"], problem(server))


def test_a_pod_whose_pointer_moves_on_does_not_wait_for_what_it_named_before(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> None:
    first, second = publish(store.root), publish(store.root, (*ARTICLES, NEW_ARTICLE))
    pointer.name(first)
    store.start()
    with StoreProxy(store.url) as proxy:
        server = pod(proxy.url)
        proxy.hold("chunks.jsonl", 0)
        pointer.name(second)
        until(lambda: "fetching" in problem(server), "it fetches", server.explain)
        third = publish(store.root, ARTICLES[:-1])
        pointer.name(third)
        proxy.release()

        until(lambda: generation(server) == third, "the last one named is served", server.explain)


def test_a_restarted_pod_serves_from_its_own_disk_while_the_store_is_away(
    store: StoreProcess, pod: Callable[..., Server], pointer: MountedPointer, publish: Publish
) -> None:
    first = publish(store.root)
    pointer.name(first)
    store.start()
    pod(store.url).stop()
    store.kill()

    assert first == generation(pod(store.url))


@pytest.mark.parametrize("kind", ["gone", "cut"])
def test_what_breaks_on_the_disk_of_a_pod_is_fetched_anew_when_it_is_opened_again(
    kind: str, store: StoreProcess, serve: Serve, pointer: MountedPointer, publish: Publish, tmp_path: Path
) -> None:
    first = publish(store.root)
    pointer.name(first)
    store.start()
    glossary = tmp_path / "glossary.csv"
    glossary.write_text("term,aliases,type,notes\nPTO,paid time off,,\n")
    server = serve(tmp_path / "local", STORE_URL=store.url, GENERATION_FILE=pointer.file, GLOSSARY_PATH=glossary)
    folder = Layout(tmp_path / "local").generation(first)
    if kind == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "chunks.jsonl").unlink()
        (folder / "chunks.jsonl").write_bytes(b"{}")

    glossary.write_text("term,aliases,type,notes\nPTO,paid time off,,\nCSV,comma separated,,\n")

    until(lambda: is_right(folder) and problem(server) == "None", "it is served again", server.explain)
    assert server.get("/search?q=invoice").json()["results"]


def is_right(folder: Path) -> bool:
    try:
        verified_manifest(folder)
    except StorageError:
        return False
    return True


def test_a_pod_on_a_full_disk_says_so_and_keeps_the_old_generation(
    store: StoreProcess, serve: Serve, pointer: MountedPointer, publish: Publish, tmp_path: Path
) -> None:
    first = publish(store.root)
    pointer.name(first)
    store.start()
    server = serve(tmp_path / "local", STORE_URL=store.url, GENERATION_FILE=pointer.file)
    second = publish(store.root, (*ARTICLES, NEW_ARTICLE))
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000, 1000))  # no file may become larger

    pointer.name(second)
    until(lambda: "no space is left" in problem(server), "the full disk is told", server.explain)

    assert (first, 200) == (generation(server), server.get("/search?q=invoice").status_code)
    assert os.fspath(tmp_path) not in problem(server)
