"""GET /explain on a live server."""

import pytest
from tests.server.conftest import Server


def test_a_result_is_explained_by_the_numbers_it_was_ranked_with(server: Server) -> None:
    best = server.get("/search", params={"q": "force timer"}).json()["results"][0]

    answer = server.get("/explain", params={"q": "force timer", "id": best["id"]})

    told = answer.json()
    assert 200 == answer.status_code
    assert (True, None, 1, best["chunk_id"]) == (told["shown"], told["removed_by"], told["rank"], told["chunk_id"])
    assert pytest.approx(best["relevance_score"], abs=1e-6) == told["relevance_score"]
    assert {"forc", "timer"} == {term["term"] for term in told["lexical"]["terms"]}
    assert answer.headers["x-request-id"] == told["request_id"]


def test_an_article_that_is_cut_off_is_told_why(server: Server) -> None:
    results = server.get("/search", params={"q": "time report", "k": 3}).json()["results"]

    told = server.get("/explain", params={"q": "time report", "k": 1, "id": results[2]["id"]}).json()

    assert (False, "k", 3, results[0]["id"]) == (told["shown"], told["removed_by"], told["rank"], told["last"]["id"])
    assert "It stands at rank 3; the first one is shown." == told["reason"]


@pytest.mark.parametrize(
    ("parameters", "status", "code", "said"),
    [
        ({"q": "force timer", "id": "help/force-timr"}, 404, "NOT_FOUND", "help/force-timer"),
        ({"q": "force timer"}, 400, "INVALID_QUERY", "id is missing"),
        ({"id": "help/force-timer"}, 400, "INVALID_QUERY", "q is missing"),
        ({"q": "force timer", "id": "x", "rerank": "true"}, 400, "INVALID_PARAMETER", "rerank"),
        ({"q": "force timer", "id": "help/force-timer", "namespace": "no"}, 404, "UNKNOWN_NAMESPACE", "Known"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_envelope(
    server: Server, parameters: dict[str, str], status: int, code: str, said: str
) -> None:
    answer = server.get("/explain", params=parameters)

    error = answer.json()["error"]
    assert (status, code) == (answer.status_code, error["code"])
    assert said in error["message"] + error["suggestion"]
