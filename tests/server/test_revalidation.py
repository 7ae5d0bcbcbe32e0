"""ETag and If-None-Match on /search: what a browser has already is not sent again, and never outlives its index."""

from pathlib import Path

import httpx
import pytest
from tests.server.conftest import ARTICLES, Publish, Serve, Server, until

QUESTION = {"q": "how to create an invoice"}
LONG_WAY = {**QUESTION, "cache": "false"}
NEW_ARTICLE = ("help", "help/new", "Brand new article", "", "How to create an invoice with a flux capacitor.")


def told(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["etag"], answer.headers["cache-control"]


@pytest.mark.parametrize("parameters", [pytest.param(QUESTION, id="cached"), pytest.param(LONG_WAY, id="computed")])
def test_when_the_answer_is_known_already_only_that_is_said(server: Server, parameters: dict[str, str]) -> None:
    first = server.get("/search", params=parameters)
    tag = first.headers["etag"]

    again = server.get("/search", params=parameters, headers={"If-None-Match": f'"other", {tag}'})

    assert (200, tag, "private, no-cache") == told(first)
    assert (304, tag, "private, no-cache") == told(again)
    assert b"" == again.content
    assert "content-length" not in again.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


def test_equal_answers_have_one_tag_whether_cached_or_computed(server: Server) -> None:
    tags = {server.get("/search", params=parameters).headers["etag"] for parameters in (QUESTION, QUESTION, LONG_WAY)}

    assert 1 == len(tags)


def test_another_answer_has_another_tag_and_is_sent(server: Server) -> None:
    tag = server.get("/search", params=QUESTION).headers["etag"]

    for parameters in ({"q": "project budget"}, {**QUESTION, "k": 1}, {**QUESTION, "details": "true"}):
        answer = server.get("/search", params=parameters, headers={"If-None-Match": tag})
        assert (200, True) == (answer.status_code, answer.headers["etag"] != tag)


def test_a_head_is_answered_alike(server: Server) -> None:
    tag = server.get("/search", params=QUESTION).headers["etag"]

    fresh = server.client.head("/search", params=QUESTION)
    known = server.client.head("/search", params=QUESTION, headers={"If-None-Match": tag})

    assert [(200, tag), (304, tag)] == [(one.status_code, one.headers["etag"]) for one in (fresh, known)]


def test_when_the_index_changes_the_answer_is_sent_again(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    root = tmp_path / "index"
    publish(root)
    server = serve(root)
    tag = server.get("/search", params=QUESTION).headers["etag"]

    second = publish(root, (*ARTICLES, NEW_ARTICLE))
    until(lambda: server.get("/ready").json()["generation"] == second, "the new generation is served", server.explain)
    answer = server.get("/search", params=QUESTION, headers={"If-None-Match": tag})

    assert (200, True) == (answer.status_code, answer.headers["etag"] != tag)


def test_without_a_key_a_tag_tells_nothing(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, API_KEY="secret")
    tag = server.get("/search", params=QUESTION, headers={"X-API-Key": "secret"}).headers["etag"]

    answer = server.get("/search", params=QUESTION, headers={"If-None-Match": tag})

    assert (401, None) == (answer.status_code, answer.headers.get("etag"))


def test_an_answer_that_was_not_sent_again_is_counted(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)
    tag = server.get("/search", params=QUESTION).headers["etag"]

    server.get("/search", params=QUESTION, headers={"If-None-Match": tag})

    exposed = server.get("/metrics").text
    assert 'rag_requests_total{code="304",endpoint="/search"} 1.0' in exposed
    assert "rag_cache_hits_total 1.0" in exposed
    assert 2 == server.get("/analytics").json()["total_queries"]
