"""Metrics and /status on a live server: the names that dashboards and the operator read."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import Serve, Server

NAMES = {
    "rag_requests", "rag_search_latency_seconds", "rag_stage_latency_seconds", "rag_cache_hits", "rag_cache_misses",
    "rag_zero_results", "rag_degraded", "rag_index_info", "rag_index_built_timestamp_seconds", "rag_index_chunks",
    "rag_inflight_requests",
}  # fmt: skip


def samples(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels."""
    answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def asked(serve: Serve, index_root: Path) -> Server:
    """A server that answered one question twice, one that found nothing, and one refusal."""
    server = serve(index_root)
    for path in ("/search?q=timer", "/search?q=timer", "/search?q=zzz&min_score=1", "/search?q=a", "/wp-admin"):
        server.get(path)
    return server


def test_every_documented_metric_is_there(asked: Server) -> None:
    families = {family.name for family in text_string_to_metric_families(asked.get("/metrics").text)}

    assert families >= NAMES


def test_requests_hits_misses_and_zero_results_are_counted(asked: Server) -> None:
    found = samples(asked)

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert 3 == value("rag_requests_total", endpoint="/search", code="200")
    assert 1 == value("rag_requests_total", endpoint="/search", code="400")
    assert (1, 2, 1) == (
        value("rag_cache_hits_total"),
        value("rag_cache_misses_total"),
        value("rag_zero_results_total"),
    )
    assert 3 == value("rag_search_latency_seconds_count")
    assert 2 == value("rag_stage_latency_seconds_count", stage="total")
    assert 12 == value("rag_index_chunks")
    assert 1 == value("rag_inflight_requests")


def test_paths_that_nobody_serves_share_one_label(asked: Server) -> None:
    endpoints = {dict(labels).get("endpoint") for name, labels in samples(asked) if name == "rag_requests_total"}

    assert "other" in endpoints
    assert "/wp-admin" not in endpoints


def test_the_index_is_named_by_generation_and_model(asked: Server) -> None:
    generation = asked.get("/ready").json()["generation"]

    assert 1 == samples(asked)["rag_index_info", (("generation", generation), ("model", "wordllama"))]


def test_status_is_small_and_holds_no_question(asked: Server) -> None:
    answer = asked.get("/status")

    assert len(answer.content) <= 4096
    assert "timer" not in answer.text
    assert (True, "ok", 2) == (
        answer.json()["ready"],
        answer.json()["embedder"]["verdict"],
        answer.json()["searches"]["computed"],
    )
