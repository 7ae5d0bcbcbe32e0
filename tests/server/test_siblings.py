"""A server that starts asks one that serves what is asked often, and has the answers in its cache once it is ready."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from tests.ports import free_port
from tests.server.conftest import ARTICLES, NEW_ARTICLE, Publish, Serve, Server

from clockifyrag_service.parameters import SearchParameters
from clockifyrag_service.settings import Settings
from clockifyrag_service.siblings import PATH, Frequent, Siblings, token_of, written

SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]
KEY = b"the key of one resource"
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
    return free_port()


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

    assert set(QUESTIONS) == {httpx.QueryParams(one["query"])["q"] for one in told.json()["queries"]}
    assert [(401, "UNAUTHORIZED")] * 3 == [(one.status_code, one.json()["error"]["code"]) for one in others]
    assert not any(question in one.text for one in others for question in QUESTIONS)
    assert 404 == asked.get(PATH, headers=bearer).status_code


def test_a_server_of_another_key_starts_with_an_empty_cache(
    serve: Serve, index_root: Path, asked: Server, port: int, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"the key of another resource")

    server = serve(index_root, LOG_KEY_FILE=other, WARM_URL=f"http://127.0.0.1:{port}")

    assert [False] * len(QUESTIONS) == from_cache(server)
    assert "no sibling tells what is asked often" in server.log.read_text()


@pytest.mark.parametrize("content", [None, b""], ids=["no file", "an empty file"])
def test_without_a_key_there_is_nothing_to_ask_even_with_the_token_of_none(
    serve: Serve, index_root: Path, port: int, tmp_path: Path, content: bytes | None
) -> None:
    key = {}
    if content is not None:
        (tmp_path / "empty").write_bytes(content)
        key = {"LOG_KEY_FILE": tmp_path / "empty"}
    serve(index_root, OPS_PORT=port, **key)

    answer = httpx.get(f"http://127.0.0.1:{port}{PATH}", headers={"authorization": f"Bearer {token_of(b'')}"})

    assert 404 == answer.status_code


def test_what_is_asked_most_is_told_on_by_servers_that_were_never_asked_it(
    serve: Serve, index_root: Path, key_file: Path, port: int
) -> None:
    """Given a server that was asked each question once more than the one before, when a second follows it, and nobody
    asks that one anything, then it tells the same questions in the same order.
    """
    first = serve(index_root, OPS_PORT=port, LOG_KEY_FILE=key_file)
    for place in range(len(QUESTIONS)):
        for question in QUESTIONS[place:]:
            first.get("/search", params={"q": question, "cache": True})
    next_port = free_port()

    serve(index_root, OPS_PORT=next_port, LOG_KEY_FILE=key_file, WARM_URL=f"http://127.0.0.1:{port}")

    told = [told_at(one) for one in (port, next_port)]
    assert [f"q={question.replace(' ', '+')}" for question in reversed(QUESTIONS)] == told[0]
    assert told[0] == told[1]


def told_at(port: int) -> list[str]:
    """The query strings that a server tells its siblings, in order."""
    answer = httpx.get(f"http://127.0.0.1:{port}{PATH}", headers={"authorization": f"Bearer {token_of(KEY)}"})
    return [one["query"] for one in answer.json()["queries"]]


@pytest.fixture
def dripping() -> Iterator[str]:
    """An address that answers for ever, a byte at a time: no time limit of a read ends that."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not stop.wait(0.2):
                    connection.sendall(b" ")

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stop.set()
        thread.join()


def test_a_sibling_that_never_comes_to_an_end_is_not_waited_for(
    serve: Serve, index_root: Path, key_file: Path, dripping: str
) -> None:
    server = serve(index_root, LOG_KEY_FILE=key_file, WARM_URL=dripping)

    assert [False] * len(QUESTIONS) == from_cache(server)
    assert 0 == server.stop()


def test_one_that_is_alone_starts_with_an_empty_cache_and_says_so(
    serve: Serve, index_root: Path, key_file: Path, port: int
) -> None:
    server = serve(index_root, LOG_KEY_FILE=key_file, WARM_URL=f"http://127.0.0.1:{port}")

    assert "no sibling tells what is asked often, the cache starts empty: ConnectError" in server.log.read_text()
    assert [False] * len(QUESTIONS) == from_cache(server)


def test_those_who_do_not_answer_are_asked_again_until_the_index_is_open(port: int) -> None:
    """Given nobody to ask at first, when a sibling is there a moment later, then what it tells is known."""
    siblings = Siblings(SETTINGS, f"http://127.0.0.1:{port}", KEY)
    siblings.ask()
    frequent = [Frequent(SearchParameters("add time", SETTINGS.retrieval_k), 3)]

    with answering(port, written(frequent, SETTINGS)) as was_asked:
        assert was_asked.wait(30)
        told = siblings.frequent()

    assert frequent == told


@contextlib.contextmanager
def answering(port: int, body: bytes) -> Iterator[threading.Event]:
    """Answers so whatever is asked; the event is set with the first question."""
    was_asked = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            was_asked.set()

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield was_asked
        server.shutdown()
        thread.join()
