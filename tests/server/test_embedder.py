"""What becomes of questions while the model server is down, slow, or serves another model."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.server.conftest import Publish, Serve, Server, until
from tests.server.model_server import ModelServer

from clockifyrag_index.embedders import Embedder, EmbedderIdentity, Vectors

IDENTITY = EmbedderIdentity("test-embed", "sha256:" + "1" * 64, 256, 512, "", "")


class Renamed:
    """wordllama under the name of a model that has no local twin."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.identity = IDENTITY

    def embed_documents(self, texts: list[str]) -> Vectors:
        return self._inner.embed_documents(texts)


@pytest.fixture
def model_server(embedder: Embedder) -> Iterator[ModelServer]:
    with ModelServer("test-embed", embedder) as running:
        yield running


@pytest.fixture
def root(publish: Publish, embedder: Embedder, tmp_path: Path) -> Path:
    """An index made with the model of the model server."""
    publish(tmp_path / "index", embedder=Renamed(embedder))
    return tmp_path / "index"


def degraded(server: Server, query: str) -> list[str]:
    answer = server.get("/search", params={"q": query})
    assert 200 == answer.status_code, answer.text
    return list(answer.json()["metadata"]["degraded"])


def verdict(server: Server) -> str:
    return str(server.get("/status").json()["embedder"]["verdict"])


def test_questions_are_embedded_by_the_model_server_that_made_the_index(
    serve: Serve, root: Path, model_server: ModelServer
) -> None:
    server = serve(root, LLM_BASE_URL=model_server.url)
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)

    answer = server.get("/search", params={"q": "how do I ask for days off"}).json()

    assert [] == answer["metadata"]["degraded"]
    assert "help/time-off" == answer["results"][0]["id"]
    assert "how do I ask for days off" in model_server.questions


def test_a_hundred_equal_questions_at_once_are_embedded_once(
    serve: Serve, root: Path, model_server: ModelServer
) -> None:
    server = serve(root, LLM_BASE_URL=model_server.url)
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)

    server.ask_at_once(100, "who approves my vacation")

    assert 1 == model_server.questions.count("who approves my vacation")


def test_while_no_thread_is_free_new_questions_are_refused_and_all_else_is_answered(
    serve: Serve, root: Path, model_server: ModelServer
) -> None:
    patient = {"EMBED_TIMEOUT_MS": 30_000, "SEARCH_TIMEOUT_MS": 30_000}
    server = serve(root, LLM_BASE_URL=model_server.url, MAX_WORKERS=1, MAX_QUEUE=2, **patient)
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)
    known = {"q": "who approves my vacation"}
    server.get("/search", params=known)

    with ThreadPoolExecutor(3) as people:
        with model_server.hanging():
            waiting = [people.submit(httpx.get, f"{server.url}/search?q=invoice+{n}", timeout=30) for n in range(3)]
            until(lambda: searches_waiting(server) == 3, "pool and queue are full", server.explain)
            refused = server.get("/search", params={"q": "one question more"})
            others = [server.get(path).status_code for path in ("/live", "/ready", "/health", "/suggestions?q=inv")]
            cached = server.get("/search", params=known)
            in_chat = server.post("/search/chat", {"query": known["q"]})
        answered = [one.result(30).status_code for one in waiting]

    assert (503, "OVERLOADED", "1") == (
        refused.status_code,
        refused.json()["error"]["code"],
        refused.headers["retry-after"],
    )
    assert [200] * 4 == others
    assert (200, True) == (cached.status_code, cached.json()["metadata"]["from_cache"])
    assert (200, []) == (in_chat.status_code, in_chat.json()["followup_suggestions"])
    assert [200] * 3 == answered
    assert 0 == searches_waiting(server)


def searches_waiting(server: Server) -> int:
    """Searches that run or wait for a thread."""
    return int(server.get("/status").json()["searches"]["waiting"])


def test_while_the_model_server_is_down_keywords_answer_and_it_is_used_again_when_it_is_back(
    serve: Serve, root: Path, model_server: ModelServer
) -> None:
    server = serve(root, LLM_BASE_URL=model_server.url)
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)

    model_server.broken = True
    down = [degraded(server, f"invoice for client {n}") for n in range(4)]
    told = server.get("/status").json()["embedder"]
    health, ready = server.get("/health"), server.get("/ready")
    model_server.broken = False

    assert [["embedder"]] * 4 == down
    assert ("unreachable", True) == (told["verdict"], "answered 500: broken on purpose" in (told["reason"] or ""))
    assert model_server.url not in told["reason"]
    assert f"Ollama at {model_server.url} answered 500" in server.log.read_text()
    assert (200, "degraded", ["embedder"]) == (
        health.status_code,
        health.json()["status"],
        health.json()["degraded"],
    )
    assert 200 == ready.status_code
    assert 'rag_degraded_total{part="embedder"} 4.0' in server.get("/metrics").text
    numbers = iter(range(1000))
    until(lambda: degraded(server, f"back again {next(numbers)}") == [], "the embedder is used again", server.explain)


def test_a_degraded_answer_is_not_kept(serve: Serve, root: Path, model_server: ModelServer) -> None:
    server = serve(root, LLM_BASE_URL=model_server.url)
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)
    model_server.broken = True

    answers = [server.get("/search", params={"q": "budget alerts"}).json()["metadata"] for _ in range(2)]

    assert [False, False] == [answer["from_cache"] for answer in answers]


def test_a_model_server_slower_than_its_time_is_left_out(serve: Serve, root: Path, model_server: ModelServer) -> None:
    server = serve(root, LLM_BASE_URL=model_server.url, EMBED_TIMEOUT_MS=50)
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)

    with model_server.hanging():
        assert ["embedder"] == degraded(server, "project budget")


def test_a_server_started_without_its_model_server_is_ready_and_uses_it_later(
    serve: Serve, root: Path, model_server: ModelServer
) -> None:
    model_server.broken = True
    server = serve(root, LLM_BASE_URL=model_server.url)
    before = degraded(server, "detailed report")

    model_server.broken = False
    until(lambda: verdict(server) == "ok", "the embedder is proven", server.explain)

    assert ["embedder"] == before
    assert [] == degraded(server, "detailed report")


def test_without_an_address_of_the_model_server_keywords_answer_and_the_reason_is_told(
    serve: Serve, root: Path
) -> None:
    server = serve(root)

    assert ["embedder"] == degraded(server, "detailed report")
    embedder = server.get("/status").json()["embedder"]
    assert ("absent", True) == (embedder["verdict"], "LLM_BASE_URL" in embedder["reason"])


def test_an_index_whose_model_was_replaced_under_its_name_is_refused(
    serve: Serve, root: Path, model_server: ModelServer
) -> None:
    model_server.transform = lambda rows: np.roll(rows, 1, axis=1)

    server = serve(root, ready=False, LLM_BASE_URL=model_server.url)
    until(lambda: "cosine" in server.get("/ready").text, "the refusal is told", server.explain)

    assert 503 == server.get("/ready").status_code
    assert "another model stands under the name test-embed" in server.get("/ready").text
