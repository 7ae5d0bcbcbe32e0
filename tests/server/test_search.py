"""GET /search on a live server: what is answered, and what every wrong parameter gets."""

import asyncio
import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.server.conftest import Serve, Server

RESULT_FIELDS = {
    "id", "chunk_id", "title", "url", "section", "content", "sections", "relevance_score", "query_type", "source",
    "rank", "namespace", "highlights", "also_at",
}  # fmt: skip
METADATA_FIELDS = {
    "total_results", "query_processed", "query_type", "latency_ms", "from_cache", "adaptive_k", "expansion_applied",
    "corrected_query", "low_confidence", "index_generation", "degraded", "request_id",
}  # fmt: skip


def ids(answer: httpx.Response) -> list[str]:
    return [result["id"] for result in answer.json()["results"]]


def test_a_question_finds_its_article_with_sections_links_and_highlights(server: Server) -> None:
    answer = server.get("/search", params={"q": "force timer", "k": 3})

    assert 200 == answer.status_code
    best = answer.json()["results"][0]
    assert (RESULT_FIELDS, METADATA_FIELDS) == (set(best), set(answer.json()["metadata"]))
    assert ("help/force-timer", 1, "help") == (best["id"], best["rank"], best["namespace"])
    assert best["url"].startswith("/articles/help/force-timer")
    assert 2 == len(best["sections"])
    lit = {best["content"][start:end].casefold() for start, end in best["highlights"]}
    assert {"force", "timer"} <= lit


def test_scores_fall_with_rank_and_lie_between_zero_and_one(server: Server) -> None:
    results = server.get("/search", params={"q": "create an invoice", "k": 10}).json()["results"]

    scores = [result["relevance_score"] for result in results]
    assert sorted(scores, reverse=True) == scores
    assert all(0 <= score <= 1 for score in scores)
    assert list(range(1, len(results) + 1)) == [result["rank"] for result in results]


def test_fewer_results_are_the_first_of_more(server: Server) -> None:
    few = server.get("/search", params={"q": "time report", "k": 2})
    more = server.get("/search", params={"q": "time report", "k": 6})

    assert ids(few) == ids(more)[:2]


def test_a_server_set_to_reciprocal_ranks_tells_so_and_still_doubts(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, FUSION="RRF")

    told = server.get("/search", params={"q": "project budget", "details": "true"}).json()["results"][0]
    explained = server.get("/explain", params={"q": "project budget", "id": told["id"]}).json()
    strange = server.get("/search", params={"q": "enzymes of yeast"}).json()

    numbers = told["explanation"]
    parts = (numbers["dense_reciprocal_rank"], numbers["lexical_reciprocal_rank"])
    assert ("rrf", "rrf") == (numbers["fusion"], explained["fusion"])
    assert parts == pytest.approx((explained["dense"]["reciprocal_rank"], explained["lexical"]["reciprocal_rank"]))
    assert told["relevance_score"] == numbers["fused_score"] == pytest.approx(explained["relevance_score"], abs=1e-6)
    assert strange["results"]
    assert strange["metadata"]["low_confidence"]


def test_details_tell_scores_and_times_and_without_them_nothing_is_told(server: Server) -> None:
    told = server.get("/search", params={"q": "project budget", "details": "true"}).json()
    plain = server.get("/search", params={"q": "project budget"}).json()

    assert {"total", "lexical"} <= set(told["metadata"]["timings"])
    explanation = told["results"][0]["explanation"]
    assert "convex" == explanation["fusion"]
    assert "fused_score" in explanation
    assert "dense_reciprocal_rank" not in explanation
    assert "timings" not in plain["metadata"]
    assert "explanation" not in plain["results"][0]


def test_a_namespace_holds_the_results(server: Server) -> None:
    answer = server.get("/search", params={"q": "clock in with a PIN", "namespace": "help"})

    assert {"help"} == {result["namespace"] for result in answer.json()["results"]}


def test_a_category_holds_the_results_below_it(server: Server) -> None:
    answer = server.get("/search", params={"q": "clock in with a PIN", "category": "internal"})

    assert ["internal/kiosk"] == ids(answer)


def test_min_score_leaves_out_weak_results(server: Server) -> None:
    answer = server.get("/search", params={"q": "force timer", "k": 10, "min_score": "0.5"})

    scores = [result["relevance_score"] for result in answer.json()["results"]]
    assert scores
    assert min(scores) >= 0.5


def test_the_relevance_that_a_result_shows_is_a_min_score_that_keeps_it(server: Server) -> None:
    shown = server.get("/search", params={"q": "force timer", "k": 10}).json()["results"]

    answers = [
        server.get("/search", params={"q": "force timer", "k": 10, "min_score": result["relevance_score"]})
        for result in shown
    ]

    assert [] == [one["id"] for one, answer in zip(shown, answers, strict=True) if one["id"] not in ids(answer)]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("zzzz qqqq", id="nonsense"),
        pytest.param("??", id="punctuation"),
        pytest.param("<script>alert(1)</script>", id="markup"),
        pytest.param("' OR 1=1 --", id="sql"),
        pytest.param("日本語の質問", id="japanese"),
        pytest.param("שלום עולם", id="right-to-left"),
        pytest.param("\u200b\u200b\u200b", id="zero-width"),
        pytest.param("e\u0301" * 200, id="combining-characters-within-the-length"),
        pytest.param("\U0001f600" * 20, id="emoji"),
        pytest.param("%s %n {0} ${jndi:x}", id="formats"),
        pytest.param("a\tb\r\nc", id="white-space"),
    ],
)
def test_strange_questions_are_answered(server: Server, query: str) -> None:
    answer = server.get("/search", params={"q": query})

    assert 200 == answer.status_code
    assert query == answer.json()["query"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        pytest.param("", 400, "INVALID_QUERY", id="no-q"),
        pytest.param("q=", 400, "INVALID_QUERY", id="empty"),
        pytest.param("q=a", 400, "INVALID_QUERY", id="too-short"),
        pytest.param("q=%20%20a%20", 400, "INVALID_QUERY", id="too-short-when-trimmed"),
        pytest.param("q=" + "a" * 501, 400, "INVALID_QUERY", id="too-long"),
        pytest.param("q=a" + quote("\u0301" * 10_000), 400, "INVALID_QUERY", id="ten-thousand-combining-characters"),
        pytest.param("q=ab%00cd", 400, "INVALID_QUERY", id="nul"),
        pytest.param("q=%ff", 400, "INVALID_PARAMETER", id="not-utf-8"),
        pytest.param("q=ab&k=0", 400, "INVALID_PARAMETER", id="k-below"),
        pytest.param("q=ab&k=51", 400, "INVALID_PARAMETER", id="k-above"),
        pytest.param("q=ab&k=ten", 400, "INVALID_PARAMETER", id="k-no-number"),
        pytest.param("q=ab&k=5&k=6", 400, "INVALID_PARAMETER", id="k-twice"),
        pytest.param("q=ab&expand=maybe", 400, "INVALID_PARAMETER", id="boolean"),
        pytest.param("q=ab&min_score=2", 400, "INVALID_PARAMETER", id="score-above"),
        pytest.param("q=ab&timeout_ms=1", 400, "INVALID_PARAMETER", id="timeout-below"),
        pytest.param("q=ab&limit=5", 400, "INVALID_PARAMETER", id="unknown-parameter"),
        pytest.param("q=ab&namespace=nowhere", 404, "UNKNOWN_NAMESPACE", id="unknown-namespace"),
    ],
)
def test_a_wrong_parameter_gets_its_code_and_a_suggestion(server: Server, query: str, status: int, code: str) -> None:
    answer = server.get(f"/search?{query}")

    error = answer.json()["error"]
    assert (status, status, code) == (answer.status_code, answer.json()["status"], error["code"])
    assert error["message"]
    assert error["suggestion"]
    assert answer.headers["x-request-id"] == error["request_id"]


def test_an_unknown_namespace_is_answered_with_the_known_ones(server: Server) -> None:
    error = server.get("/search", params={"q": "timer", "namespace": "hlep"}).json()["error"]

    assert "help, internal" in error["message"]
    assert "Did you mean 'help'?" == error["suggestion"]


def test_a_second_equal_question_comes_from_the_cache_with_its_own_id_and_latency(server: Server) -> None:
    question = {"q": "how to request vacation"}

    first, second = (server.get("/search", params=question).json() for _ in range(2))

    assert (False, True) == (first["metadata"]["from_cache"], second["metadata"]["from_cache"])
    assert first["metadata"]["request_id"] != second["metadata"]["request_id"]
    assert first["metadata"]["latency_ms"] != second["metadata"]["latency_ms"]
    assert first["results"] == second["results"]


def test_another_spelling_of_the_same_parameters_finds_the_same_stored_answer(server: Server) -> None:
    server.get("/search?q=export%20report&k=4")

    answers = [server.get(path).json() for path in ("/search?k=4&q=+export+report+", "/search?k=4&q=+export+report+")]

    assert [True, True] == [answer["metadata"]["from_cache"] for answer in answers]


def test_that_nothing_was_found_is_kept_too(server: Server) -> None:
    question = {"q": "wqxzv", "namespace": "internal", "min_score": 0.99}

    first, second = (server.get("/search", params=question).json() for _ in range(2))

    assert [[], []] == [first["results"], second["results"]]
    assert (False, True) == (first["metadata"]["from_cache"], second["metadata"]["from_cache"])


def test_cache_false_neither_reads_nor_keeps(server: Server) -> None:
    question = {"q": "a question for no cache", "cache": "false"}

    answers = [server.get("/search", params=question).json() for _ in range(2)]
    kept = server.get("/search", params={"q": question["q"]}).json()

    assert [False, False] == [answer["metadata"]["from_cache"] for answer in answers]
    assert not kept["metadata"]["from_cache"]


def test_a_callers_harmless_request_id_is_kept_and_another_is_replaced(server: Server) -> None:
    kept = server.get("/search", params={"q": "timer"}, headers={"X-Request-ID": "trace-1.2_3"})
    replaced = server.get("/search", params={"q": "timer"}, headers={"X-Request-ID": 'x","admin":"1'})

    assert "trace-1.2_3" == kept.json()["metadata"]["request_id"] == kept.headers["x-request-id"]
    assert "admin" not in replaced.text
    assert replaced.headers["x-request-id"] == replaced.json()["metadata"]["request_id"]


def test_a_head_request_has_the_headers_and_no_body(server: Server) -> None:
    answer = server.client.head("/search", params={"q": "timer"})

    assert (200, b"") == (answer.status_code, answer.content)
    assert int(answer.headers["content-length"]) > 100


def test_a_hundred_equal_questions_at_once_are_searched_once(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)

    answers = [answer.raise_for_status().json() for answer in server.ask_at_once(100, "how do I send an invoice")]

    assert 1 == server.get("/status").json()["searches"]["computed"]
    assert 100 == len({answer["metadata"]["request_id"] for answer in answers})
    assert 1 == len({json.dumps(answer["results"]) for answer in answers})


def test_the_glossary_widens_a_question_until_it_is_told_not_to(serve: Serve, index_root: Path, tmp_path: Path) -> None:
    glossary = tmp_path / "glossary.csv"
    glossary.write_text("term,aliases,type,notes\nvacation,PTO|paid time off,term,\n")
    server = serve(index_root, GLOSSARY_PATH=glossary)

    widened = server.get("/search", params={"q": "ask for PTO"}).json()
    plain = server.get("/search", params={"q": "ask for PTO", "expand": "false"}).json()

    assert (True, False) == (widened["metadata"]["expansion_applied"], plain["metadata"]["expansion_applied"])
    assert "help/time-off" == widened["results"][0]["id"]


def test_when_the_pool_and_the_queue_are_full_a_search_is_refused_and_told_to_return(
    serve: Serve, index_root: Path
) -> None:
    server = serve(index_root, MAX_WORKERS=1, MAX_QUEUE=0)

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, limits=httpx.Limits(max_connections=200)) as client:
            return await asyncio.gather(
                *(client.get("/search", params={"q": f"question {n} about invoices"}) for n in range(200))
            )

    answers = asyncio.run(ask_all())

    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(503, "OVERLOADED", "1")} == {
        (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) for answer in refused
    }
    assert 200 == server.get("/search", params={"q": "invoice"}).status_code
