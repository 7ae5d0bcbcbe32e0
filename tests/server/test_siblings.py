"""A server that starts asks one that serves what is asked often, and has the answers in its cache once it is ready."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import ARTICLES, Publish, Serve, Server

from clockifyrag_service.siblings import ASKED_SECONDS, PATH, token_of

KEY = b"the key of one resource"
NEW_ARTICLE = ("help", "help/new", "Brand new article", "", "Only the second index tells about flux capacitors.")
QUESTIONS = tuple(
    f"how to {what}" for what in ("send an invoice", "set a budget", "clock in", "add time", "take leave")
)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_bytes(KEY)
    return file


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def asked(serve: Serve, index_root: Path, key_file: Path, port: int) -> Server:
    """A server that was asked the questions, each thrice."""
    server = serve(index_root, OPS_PORT=port, LOG_KEY_FILE=key_file)
    for question in 3 * QUESTIONS:
        server.get("/search", params={"q": question, "k": 3})
    return server


def from_cache(server: Server) -> list[bool]:
    """Of each question, asked once: whether it was answered from the cache."""
    answers = (server.get("/search", params={"q": question, "k": 3}) for question in QUESTIONS)
    return [answer.json()["metadata"]["from_cache"] for answer in answers]


def test_the_first_of_each_frequent_question_is_found_in_the_cache_of_a_new_server_of_a_new_generation(
    serve: Serve, publish: Publish, asked: Server, key_file: Path, port: int, tmp_path: Path
) -> None:
    newer = publish(tmp_path / "newer", (*ARTICLES, NEW_ARTICLE))

    server = serve(tmp_path / "newer", LOG_KEY_FILE=key_file, WARM_URL=f"http://127.0.0.1:{port}")
    answer = server.get("/search", params={"q": QUESTIONS[0], "k": 3}).json()["metadata"]

    assert (True, newer) == (answer["from_cache"], answer["index_generation"])
    assert [True] * len(QUESTIONS) == from_cache(server)


def test_questions_are_told_to_servers_of_the_same_key_alone_and_on_the_ops_port_alone(
    asked: Server, port: int
) -> None:
    ops = f"http://127.0.0.1:{port}"
    bearer = {"authorization": f"Bearer {token_of(KEY)}"}

    told = httpx.get(ops + PATH, headers=bearer)
    others = [
        httpx.get(ops + PATH, headers=headers)
        for headers in ({}, {"authorization": f"Bearer {token_of(b'another')}"}, {b"authorization": b"Bearer \xe4"})
    ]

    assert set(QUESTIONS) == {dict(httpx.QueryParams(query))["q"] for query in told.json()["queries"]}
    assert [(401, "UNAUTHORIZED")] * 3 == [(one.status_code, one.json()["error"]["code"]) for one in others]
    assert not any(question in one.text for one in others for question in QUESTIONS)
    assert 404 == asked.get(PATH, headers=bearer).status_code


def test_without_a_key_file_there_is_nothing_to_ask(serve: Serve, index_root: Path, port: int) -> None:
    serve(index_root, OPS_PORT=port)

    answer = httpx.get(f"http://127.0.0.1:{port}{PATH}", headers={"authorization": f"Bearer {token_of(b'')}"})

    assert 404 == answer.status_code


def test_a_server_of_another_key_starts_with_an_empty_cache(
    serve: Serve, index_root: Path, asked: Server, port: int, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"the key of another resource")

    server = serve(index_root, LOG_KEY_FILE=other, WARM_URL=f"http://127.0.0.1:{port}")

    assert [False] * len(QUESTIONS) == from_cache(server)
    assert "no sibling tells what is asked often" in server.explain()


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_sibling_that_never_answers_is_not_waited_for_long(
    serve: Serve, index_root: Path, key_file: Path, silent: str
) -> None:
    begin = time.monotonic()
    server = serve(index_root, LOG_KEY_FILE=key_file, WARM_URL=silent)

    assert [False] * len(QUESTIONS) == from_cache(server)
    assert time.monotonic() - begin < ASKED_SECONDS + 10


def test_one_that_is_alone_starts_at_once_and_says_so(
    serve: Serve, index_root: Path, key_file: Path, port: int
) -> None:
    server = serve(index_root, LOG_KEY_FILE=key_file, WARM_URL=f"http://127.0.0.1:{port}")

    assert "no sibling tells what is asked often, the cache starts empty: ConnectError" in server.explain()
    assert [False] * len(QUESTIONS) == from_cache(server)
