"""The store: a live server that gives out the files of generations and nothing else."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn

from clockifyrag_builder.store import create_app
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import EmbedderIdentity
from clockifyrag_index.manifest import IndexParameters
from clockifyrag_index.manifest_reader import manifest_from
from clockifyrag_index.writer import GenerationPlan, WriteOutcome, write_generation

ROWS, DIMENSIONS = 3, 4


def generation(root: Path, text: str = "Passage") -> WriteOutcome:
    """A small generation below the root."""
    chunks = [
        Chunk(f"{row:016x}", "timer", "default", row, "Timer", (), f"{text} {row}", "", "help", None, None, None, ())
        for row in range(ROWS)
    ]

    def lexical(directory: Path) -> dict[str, object]:
        np.save(directory / "lengths.npy", np.arange(ROWS))
        return {"tokenizer": "words-1"}

    embedder = EmbedderIdentity("model", "sha256:weights", DIMENSIONS, 256, "", "")
    vectors = np.eye(ROWS, DIMENSIONS, dtype=np.float32)
    plan = GenerationPlan(chunks, vectors, embedder, (), {}, IndexParameters(), "key", "source", "test", "0")
    return write_generation(root, plan, lexical)


@dataclass(frozen=True)
class Server:
    url: str
    port: int

    def file(self, generation_id: str, name: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}/v1/generations/{generation_id}/{name}", headers=headers)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts a real uvicorn on a free port; it ends with the test."""
    started: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(root: Path, **limits: float) -> Server:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(root, **limits), log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        started.append((server, thread))
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            thread.join(0.01)
        port = listening.getsockname()[1]
        return Server(f"http://127.0.0.1:{port}", port)

    yield start
    for server, thread in started:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def test_every_file_of_the_manifest_arrives_as_it_is(serve, tmp_path):
    written = generation(tmp_path)
    server = serve(tmp_path)

    manifest = manifest_from(server.file(written.id, "meta.json").content, "meta.json")
    files = {name: server.file(written.id, name) for name in manifest.files}

    assert {
        "articles.npy", "chunks.jsonl", "chunks.offsets.npy", "documents.npy", "index.bin", "lexical/lengths.npy",
    } == files.keys()  # fmt: skip
    for name, response in files.items():
        assert manifest.files[name].sha256 == hashlib.sha256(response.content).hexdigest()
        assert f'"{manifest.files[name].sha256}"' == response.headers["etag"]
        assert ("bytes", "nosniff") == (response.headers["accept-ranges"], response.headers["x-content-type-options"])


def test_a_range_gives_exactly_those_bytes_so_a_fetch_can_go_on_where_it_stopped(serve, tmp_path):
    written = generation(tmp_path)
    server, whole = serve(tmp_path), (written.path / "chunks.jsonl").read_bytes()
    etag = server.file(written.id, "chunks.jsonl").headers["etag"]

    part = server.file(written.id, "chunks.jsonl", Range="bytes=10-19")
    rest = server.file(written.id, "chunks.jsonl", Range="bytes=20-", **{"If-Range": etag})
    changed = server.file(written.id, "chunks.jsonl", Range="bytes=20-", **{"If-Range": '"other"'})
    beyond = server.file(written.id, "chunks.jsonl", Range="bytes=99999-")

    assert (206, whole[10:20]) == (part.status_code, part.content)
    assert f"bytes 10-19/{len(whole)}" == part.headers["content-range"]
    assert (206, whole[20:]) == (rest.status_code, rest.content)
    assert (200, whole) == (changed.status_code, changed.content)
    assert 416 == beyond.status_code


def test_what_the_client_has_already_is_not_sent_again(serve, tmp_path):
    written = generation(tmp_path)
    server = serve(tmp_path)
    etag = server.file(written.id, "index.bin").headers["etag"]

    again = server.file(written.id, "index.bin", **{"If-None-Match": f'"other", {etag}'})

    assert (304, b"", etag) == (again.status_code, again.content, again.headers["etag"])


def test_head_tells_size_and_tag_without_the_bytes(serve, tmp_path):
    written = generation(tmp_path)
    server = serve(tmp_path)

    response = httpx.head(f"{server.url}/v1/generations/{written.id}/index.bin")

    assert (200, b"") == (response.status_code, response.content)
    assert (written.path / "index.bin").stat().st_size == int(response.headers["content-length"])


def raw_get(server: Server, target: str) -> tuple[int, bytes]:
    """Status and body for a request target sent as it is: httpx would tidy up the path."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/v1/generations/{id}/nothing.bin", id="unknown name"),
        pytest.param("/v1/generations/{id}/", id="no name"),
        pytest.param("/v1/generations/{id}", id="a folder"),
        pytest.param("/v1/generations/{id}/lexical", id="a folder in it"),
        pytest.param("/v1/generations/{id}/stray.txt", id="a file the manifest does not name"),
        pytest.param("/v1/generations/{id}/linked.bin", id="a link the manifest does not name"),
        pytest.param("/v1/generations/{id}/../../secret", id="dots"),
        pytest.param("/v1/generations/{id}/%2e%2e/%2e%2e/secret", id="escaped dots"),
        pytest.param("/v1/generations/{id}/..%2f..%2fsecret", id="escaped slashes"),
        pytest.param("/v1/generations/{id}/lexical/../meta.json", id="dots to a known file"),
        pytest.param("/v1/generations/{id}//etc/passwd", id="an absolute path"),
        pytest.param("/v1/generations/{id}/meta.json%00.txt", id="a NUL byte"),
        pytest.param("/v1/generations/../secret", id="dots for an id"),
        pytest.param("/v1/generations/%2e%2e/secret", id="escaped dots for an id"),
        pytest.param("/v1/generations/gen-000000000000/meta.json", id="unknown id"),
        pytest.param("/v1/generations/.build.tmp-1-0badcafe/meta.json", id="one being written"),
        pytest.param("/v1/generations/{id}.bad-20260101T000000-000000Z/meta.json", id="one set aside"),
        pytest.param("/CURRENT", id="the pointer"),
        pytest.param("/", id="nothing"),
    ],
)
def test_nothing_but_files_of_generations_is_given_out(serve, tmp_path, target):
    root = tmp_path / "root"
    written = generation(root)
    (root / "secret").write_text("SECRET")
    (written.path / "stray.txt").write_text("SECRET")
    (written.path / "linked.bin").symlink_to(root / "secret")
    for name in (".build.tmp-1-0badcafe", f"{written.id}.bad-20260101T000000-000000Z"):
        (root / "generations" / name).mkdir()
        (root / "generations" / name / "meta.json").write_bytes((written.path / "meta.json").read_bytes())
    server = serve(root)

    status, body = raw_get(server, target.format(id=written.id))

    assert 404 == status
    assert b"SECRET" not in body and str(tmp_path).encode() not in body
    assert b'"code":"NOT_FOUND"' in body


def test_a_named_file_that_became_a_link_is_not_followed(serve, tmp_path):
    root = tmp_path / "root"
    written = generation(root)
    (tmp_path / "secret").write_text("SECRET")
    (written.path / "index.bin").unlink()
    (written.path / "index.bin").symlink_to(tmp_path / "secret")

    assert 404 == serve(root).file(written.id, "index.bin").status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_store_is_read_only(serve, tmp_path, method):
    written = generation(tmp_path)
    server = serve(tmp_path)

    response = httpx.request(method, f"{server.url}/v1/generations/{written.id}/meta.json")

    assert (405, "METHOD_NOT_ALLOWED") == (response.status_code, response.json()["error"]["code"])
    assert "GET" in response.headers["allow"]


def test_a_damaged_manifest_is_unavailable_and_says_no_path(serve, tmp_path):
    written = generation(tmp_path)
    (written.path / "meta.json").write_bytes(b"{")

    response = serve(tmp_path).file(written.id, "index.bin")

    assert (503, "INDEX_NOT_LOADED") == (response.status_code, response.json()["error"]["code"])
    assert str(tmp_path) not in response.text


def test_a_generation_rebuilt_under_its_id_is_served_with_its_new_bytes(serve, tmp_path):
    written = generation(tmp_path)
    server = serve(tmp_path)
    before = server.file(written.id, "meta.json")
    (written.path / "index.bin").unlink()
    (written.path / "meta.json").write_bytes(b"{")
    generation(tmp_path)

    after = server.file(written.id, "meta.json")

    assert 200 == before.status_code == after.status_code
    assert f'"{hashlib.sha256(after.content).hexdigest()}"' == after.headers["etag"]


def test_more_transfers_than_allowed_are_told_when_to_come_back_and_probes_still_answer(serve, tmp_path):
    written = generation(tmp_path, text="long text " * 3_000_000)  # more than sockets buffer, so it stays on its way
    server = serve(tmp_path, transfers_max=1)
    url = f"{server.url}/v1/generations/{written.id}/chunks.jsonl"

    with httpx.stream("GET", url) as first:
        second, live = httpx.get(url), httpx.get(f"{server.url}/live")
        received = sum(len(piece) for piece in first.iter_raw())
    third = httpx.get(url, headers={"Range": "bytes=0-9"})

    assert (503, "OVERLOADED", "2") == (
        second.status_code,
        second.json()["error"]["code"],
        second.headers["retry-after"],
    )
    assert 200 == live.status_code
    assert (written.path / "chunks.jsonl").stat().st_size == received
    assert 206 == third.status_code


def test_a_client_that_went_away_gives_its_place_back(serve, tmp_path):
    written = generation(tmp_path, text="long text " * 3_000_000)
    server = serve(tmp_path, transfers_max=1)
    url = f"{server.url}/v1/generations/{written.id}/chunks.jsonl"

    with httpx.stream("GET", url):
        assert 503 == httpx.get(url).status_code

    assert 206 == until_answered(url).status_code


def test_a_client_that_does_not_read_is_cut_off_in_time(serve, tmp_path):
    written = generation(tmp_path, text="long text " * 3_000_000)
    server = serve(tmp_path, transfers_max=1, transfer_seconds_max=0.3)
    url = f"{server.url}/v1/generations/{written.id}/chunks.jsonl"

    with httpx.stream("GET", url) as stuck:
        after = until_answered(url)
        with pytest.raises(httpx.HTTPError):
            stuck.read()

    assert 206 == after.status_code


def until_answered(url: str) -> httpx.Response:
    """The first answer that is not 503, within 20 seconds."""
    deadline = time.monotonic() + 20
    while True:
        response = httpx.get(url, headers={"Range": "bytes=0-9"})
        if response.status_code != 503 or time.monotonic() > deadline:
            return response


def test_it_is_ready_before_the_first_generation_and_not_without_its_root(serve, tmp_path):
    empty, absent = serve(tmp_path), serve(tmp_path / "absent")

    ready, not_ready = httpx.get(f"{empty.url}/ready"), httpx.get(f"{absent.url}/ready")

    assert (200, 503) == (ready.status_code, not_ready.status_code)
    assert (200, 200) == tuple(httpx.get(f"{one.url}/live").status_code for one in (empty, absent))
    assert "INDEX_NOT_LOADED" == not_ready.json()["error"]["code"]
    assert {"error", "status"} == not_ready.json().keys()
    assert {"code", "message", "suggestion", "request_id"} == not_ready.json()["error"].keys()
