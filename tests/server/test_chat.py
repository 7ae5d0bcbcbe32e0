"""/search/chat, /chat, /suggestions, /feedback and /analytics on a live server without an LLM."""

from pathlib import Path

from tests.server.conftest import Serve, Server


def test_a_follow_up_question_takes_the_context_into_account(server: Server) -> None:
    answer = server.post(
        "/search/chat",
        {"query": "how do I send it?", "context": ["create an invoice"], "conversation_id": "c-1", "k": 2},
    )

    document = answer.json()
    assert (200, "c-1", "how do I send it?") == (answer.status_code, document["conversation_id"], document["query"])
    assert document["metadata"]["context_applied"]
    assert "help/invoices" == document["results"][0]["id"]


def test_a_question_that_stands_alone_is_left_as_it_is(server: Server) -> None:
    answer = server.post(
        "/search/chat",
        {"query": "How do employees clock in with a PIN code at the kiosk?", "context": ["create an invoice"]},
    )

    document = answer.json()
    assert not document["metadata"]["context_applied"]
    assert "internal/kiosk" == document["results"][0]["id"]


def test_other_sections_of_the_articles_found_are_suggested(server: Server) -> None:
    answer = server.post("/search/chat", {"query": "add a time entry by hand", "k": 1}).json()
    shown = [section["title"] for section in answer["results"][0]["sections"]]

    assert "help/track-time" == answer["results"][0]["id"]
    assert {"Manual entry", "Timer"} == {
        *shown,
        *(each.removeprefix("Track time: ") for each in answer["followup_suggestions"]),
    }


def test_without_an_llm_an_asked_for_answer_is_null_and_that_is_said(server: Server) -> None:
    answer = server.post("/search/chat", {"query": "force timer", "answer": True}).json()

    assert (None, [], False) == (answer["answer"], answer["citations"], answer["refused"])
    assert ["llm"] == answer["metadata"]["degraded"]


def test_chat_without_an_llm_answers_with_its_sources(server: Server) -> None:
    answer = server.post("/chat", {"question": "force timer", "k": 2, "namespace": "help"})

    document = answer.json()
    assert (200, None, ["llm"]) == (answer.status_code, document["answer"], document["degraded"])
    assert "Force timer" == document["sources"][0]["title"]
    assert {"title", "url", "namespace", "score", "chunk_id"} == set(document["sources"][0])


def test_chat_in_an_unknown_namespace_is_refused(server: Server) -> None:
    answer = server.post("/chat", {"question": "force timer", "namespace": "none"})

    assert (404, "UNKNOWN_NAMESPACE") == (answer.status_code, answer.json()["error"]["code"])


def test_suggestions_continue_what_was_typed(server: Server) -> None:
    answer = server.get("/suggestions", params={"q": "Proj", "limit": 2}).json()

    assert "Proj" == answer["prefix"]
    assert [
        {"text": "Projects", "frequency": 2, "category": "title"},
        {"text": "Project budget", "frequency": 1, "category": "heading"},
    ] == answer["suggestions"]


def test_a_question_asked_often_enough_is_suggested_only_if_it_found_something(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)
    for query in ("invoice reminders", "xyzzy-plugh"):
        for _ in range(3):
            server.get("/search", params={"q": query, "min_score": "0.9" if query == "xyzzy-plugh" else "0"})

    asked = server.get("/suggestions", params={"q": "invoice r"}).json()["suggestions"]
    lost = server.get("/suggestions", params={"q": "xyzzy"}).json()["suggestions"]

    assert [{"text": "invoice reminders", "frequency": 3, "category": "query"}] == asked
    assert [] == lost


def test_analytics_tell_what_was_asked_and_what_found_nothing(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)
    for query, score in (("invoice", "0"), ("invoice", "0"), ("Invoice", "0"), ("zzz qqq", "0.99")):
        server.get("/search", params={"q": query, "min_score": score})

    document = server.get("/analytics").json()

    assert (4, 2, 1) == (document["total_queries"], document["unique_queries"], document["zero_result_queries"])
    assert (0.25, 3, 0.25) == (document["zero_result_rate"], document["cache_misses"], document["cache_hit_rate"])
    assert ("invoice", 3) == (document["popular_queries"][0]["query"], document["popular_queries"][0]["count"])
    assert [{"query": "zzz qqq", "count": 1}] == document["no_result_queries"]
    assert document["avg_latency_ms"] > 0


def test_analytics_name_questions_of_which_nothing_is_searched_for_as_they_were_typed(
    serve: Serve, index_root: Path
) -> None:
    server = serve(index_root)
    for query in ("-Kiosk", '-"time off"', '-"time off"'):
        server.get("/search", params={"q": query})

    document = server.get("/analytics").json()

    assert [{"query": '-"time off"', "count": 2}, {"query": "-kiosk", "count": 1}] == document["no_result_queries"]
    assert 2 == document["unique_queries"]


def test_what_is_still_being_typed_is_counted_by_metrics_but_no_question_of_analytics(
    serve: Serve, index_root: Path
) -> None:
    server = serve(index_root)
    for draft in ("invo", "invoice", "invoice remi", "invoice reminders"):
        server.get("/search", params={"q": draft})

    document = server.get("/analytics").json()
    metrics = server.get("/metrics").text

    assert ["invoice reminders"] == [question["query"] for question in document["popular_queries"]]
    assert (1, 1) == (document["total_queries"], document["unique_queries"])
    assert "rag_search_latency_seconds_count 4.0" in metrics


def test_each_message_of_a_conversation_is_a_question_of_its_own(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)
    server.post("/search/chat", {"query": "invoice"})
    server.post("/search/chat", {"query": "send it", "context": ["invoice"]})

    document = server.get("/analytics").json()

    assert 2 == document["total_queries"]


def test_feedback_is_logged_and_counted(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)

    answer = server.post("/feedback", {"request_id": "abc-1", "vote": "down", "result_id": "x", "reason": "outdated"})
    metrics = server.get("/metrics").text
    server.stop()

    assert {"accepted": True, "request_id": "abc-1"} == answer.json()
    assert 'rag_feedback_total{vote="down"} 1.0' in metrics
    assert '"reason":"outdated"' in server.log.read_text()
