"""Reranking on a live server by a model server that works, hangs, fails or is not there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import Serve, Server, until
from tests.server.model_server import ModelServer

from clockifyrag_index.embedders import Embedder

MODEL = "test-rerank"  # has no twin in the process, so the model server is asked
QUESTION = "how do I send the invoice to my client"


@pytest.fixture
def model_server(embedder: Embedder) -> Iterator[ModelServer]:
    with ModelServer(MODEL, embedder) as running:
        yield running


@pytest.fixture
def server(serve: Serve, index_root: Path, model_server: ModelServer) -> Server:
    """A server that reranks on request, with more time than a model server in this process needs."""
    return serve(index_root, LLM_BASE_URL=model_server.url, RERANK_MODEL=MODEL, RERANK_TIMEOUT_MS=20_000)


def search(server: Server, q: str = QUESTION, **parameters: Any) -> dict[str, Any]:
    answer = server.get("/search", params={"q": q, "rerank": "true", **parameters})
    assert 200 == answer.status_code, answer.text
    document: dict[str, Any] = answer.json()
    return document


def first_order(server: Server, q: str = QUESTION) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = search(server, q, rerank="false")["results"]
    return results


def outcome(document: dict[str, Any]) -> tuple[bool, str | None, list[str], bool]:
    metadata = document["metadata"]
    return metadata["rerank"]["used"], metadata["rerank"]["reason"], metadata["degraded"], metadata["from_cache"]


def counted(server: Server, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(server.get("/metrics").text)
    (value,) = [one.value for family in families for one in family.samples if (one.name, one.labels) == (name, labels)]
    return float(value)


def test_the_model_server_compares_and_the_answer_is_kept(server: Server, model_server: ModelServer) -> None:
    first, second = search(server), search(server)

    assert (True, None, [], False) == outcome(first)
    assert (True, None, [], True) == outcome(second)
    assert first["results"] == second["results"]
    assert first["metadata"]["rerank"] == second["metadata"]["rerank"]
    assert QUESTION in model_server.questions
    assert any("Send the invoice as a PDF" in text for text in model_server.questions)
    assert 1 == counted(server, "rag_stage_latency_seconds_count", stage="rerank")
    assert 0 == counted(server, "rag_degraded_total", part="rerank")


def test_a_reranked_answer_and_another_are_kept_apart(server: Server) -> None:
    plain, again = search(server, rerank="false"), search(server)

    assert "rerank" not in plain["metadata"]
    assert (True, None, [], False) == outcome(again)
    assert plain["results"] != again["results"]  # other scores


def test_passages_that_were_compared_before_are_not_embedded_again(server: Server, model_server: ModelServer) -> None:
    search(server, k=10)
    seen = len(model_server.questions)

    search(server, "send the invoice by e-mail to a client", k=10)

    assert ["send the invoice by e-mail to a client"] == model_server.questions[seen:]


def test_what_was_begun_is_there_for_the_next_question(
    serve: Serve, index_root: Path, model_server: ModelServer
) -> None:
    server = serve(index_root, LLM_BASE_URL=model_server.url, RERANK_MODEL=MODEL, RERANK_TIMEOUT_MS=300)

    with model_server.hanging():  # as one that loads its model
        late = search(server)

    assert (False, "timeout", ["rerank"], False) == outcome(late)
    until(lambda: any("Send the invoice as a PDF" in text for text in model_server.questions), "it goes on")
    until(lambda: outcome(search(server))[0], "it is in time", server.explain)


def test_details_tell_what_the_reranker_says(server: Server) -> None:
    document = search(server, details="true")

    told = document["results"][0]["explanation"]
    mixed = (1 - told["rerank_weight"]) * told["fused_score"] + told["rerank_weight"] * told["rerank_score"]
    assert pytest.approx(mixed, abs=1e-5) == told["mixed_score"]
    assert document["metadata"]["timings"]["rerank"] > 0
    assert "rerank_score" not in search(server, details="true", rerank="false")["results"][0]["explanation"]


def test_while_the_model_server_hangs_the_first_order_is_served_in_time_and_all_else_is_answered(
    serve: Serve, index_root: Path, model_server: ModelServer
) -> None:
    server = serve(index_root, LLM_BASE_URL=model_server.url, RERANK_MODEL=MODEL, RERANK_TIMEOUT_MS=300, MAX_WORKERS=2)
    questions = [f"invoice for client {number}" for number in range(12)]

    with model_server.hanging(), ThreadPoolExecutor(4) as people:
        waiting = [people.submit(search, server, question) for question in questions]
        alive = [httpx.get(f"{server.url}/live", timeout=5).status_code for _ in range(20)]
        hanging = [one.result(20) for one in waiting]
        plain = [first_order(server, question) for question in questions]

    assert [200] * 20 == alive
    assert plain == [document["results"] for document in hanging]
    assert {(False, ("rerank",), False)} == {
        (used, tuple(parts), kept) for used, _, parts, kept in map(outcome, hanging)
    }
    reasons = [reason for _, reason, _, _ in map(outcome, hanging)]
    assert "timeout" in reasons
    assert {"timeout", "busy", "unavailable"} >= set(reasons)
    assert all(document["metadata"]["rerank"]["ms"] < 5000 for document in hanging)  # it hangs for 30 seconds
    assert 12 == counted(server, "rag_degraded_total", part="rerank")
    numbers = iter(range(1000))
    until(lambda: outcome(search(server, f"an invoice again {next(numbers)}"))[0], "it reranks again", server.explain)


def test_an_answer_that_was_not_reranked_is_not_kept(server: Server, model_server: ModelServer) -> None:
    model_server.broken = True
    plain = first_order(server)

    broken = [search(server) for _ in range(2)]
    model_server.broken = False
    mended = search(server)

    assert [(False, "unavailable", ["rerank"], False)] * 2 == [outcome(one) for one in broken]
    assert [plain, plain] == [one["results"] for one in broken]
    assert (True, None, [], False) == outcome(mended)
    assert 2 == counted(server, "rag_degraded_total", part="rerank")


def test_a_model_server_that_is_gone_costs_the_new_order_only(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, LLM_BASE_URL="http://127.0.0.1:9", RERANK_MODEL=MODEL, RERANK="true")

    document = server.get("/search", params={"q": QUESTION}).json()

    assert (False, "unavailable", ["rerank"], False) == outcome(document)
    assert first_order(server) == document["results"]
    assert "results keep their first order" in server.log.read_text()


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="unset"),
        pytest.param({"RERANK_MODEL": "bge-m3"}, id="no-address"),
        pytest.param({"RERANK_MODEL": "bge-m3", "QUERY_PROVIDER": "local"}, id="not-local"),
        pytest.param(
            {"RERANK_MODEL": "bge-m3", "LLM_BASE_URL": "http://192.0.2.1:11434", "ALL_PROXY": "nothing://proxy"},
            id="a-broken-proxy-variable",
        ),
    ],
)
def test_without_a_model_it_is_said_and_stands_in_the_log(
    serve: Serve, index_root: Path, variables: dict[str, str]
) -> None:
    server = serve(index_root, RERANK="true", **variables)

    document = server.get("/search", params={"q": QUESTION}).json()

    assert (False, "no_model", ["rerank"], False) == outcome(document)
    assert first_order(server) == document["results"]
    assert "results keep their first order" in server.log.read_text()


def test_a_model_of_the_process_reranks_without_a_model_server(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, RERANK="true", RERANK_MODEL="wordllama", RERANK_TIMEOUT_MS=20_000)

    found = server.get("/search", params={"q": QUESTION}).json()
    chat = server.post("/search/chat", {"query": QUESTION}).json()

    assert (True, None, [], False) == outcome(found)
    assert found["results"] == chat["results"]
    assert chat["metadata"]["rerank"]["used"]
    assert first_order(server) != found["results"]
