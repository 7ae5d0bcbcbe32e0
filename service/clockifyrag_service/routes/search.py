"""/search, /search/chat, /chat and /suggestions."""

import time
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from clockifyrag_index.chunk import Chunk

from ..articles import document_chunks
from ..conversation import followups, standalone
from ..documentation import documented, failures
from ..errors import Refused, invalid_parameter, unknown_name  # noqa: F401
from ..exchange import exchange_of
from ..models import ChatAnswer, ChatBody, ChatSearchAnswer, ChatSearchBody, SearchAnswer, SuggestionsAnswer
from ..parameters import SearchParameters, checked_question, read_query, search_rules, suggestion_rules
from ..parts import Parts
from ..searching import Answered
from ..serving import Served
from ..suggestions import Suggestion, suggestions
from . import json_answer, no_parameters

FOLLOWED_ARTICLES = 3  # best articles whose other sections are suggested
SUGGESTED_QUERY_COUNT_MIN = 3  # times a question was asked before others see it as a suggestion
POPULAR_QUERIES = 500
POPULAR_SECONDS = 5.0  # that the list of popular questions is kept


def search_routes(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["search"])
    settings = parts.settings
    rules, prefix_rules = search_rules(settings), suggestion_rules(settings)
    popular = PopularQueries(parts)

    @router.get(
        "/search",
        responses={200: {"model": SearchAnswer}, **failures(404, 503, 504)},
        openapi_extra=documented(rules),
    )
    async def search(request: Request) -> Response:
        """The articles that answer a question, each with its best sections."""
        raw: bytes = request.scope["query_string"]
        parameters = SearchParameters(**read_query(raw, rules))
        answered = await parts.searching.search(parameters, raw)
        return Response(completed(request, answered), media_type="application/json")

    @router.post(
        "/search/chat",
        responses={200: {"model": ChatSearchAnswer}, **failures(503, 504)},
        dependencies=[Depends(no_parameters)],
    )
    async def search_chat(request: Request, body: ChatSearchBody) -> Response:
        """As /search for a question within a conversation: earlier questions are taken into account, and what to ask
        next is suggested. Without an LLM `answer` is null; `stream` needs one."""
        if body.stream:
            raise invalid_parameter("stream", True, "false: streaming needs an LLM, and none is set up here")
        asked = checked_question("query", body.query, settings.min_query_length, settings.max_query_length)
        query, applied = standalone(asked, body.context, settings.max_query_length)
        answered = await parts.searching.search(SearchParameters(query, body.k or settings.retrieval_k))
        document = orjson.loads(completed(request, answered))
        metadata = document["metadata"] | {"context_applied": applied}
        if body.answer:
            metadata["degraded"] = [*metadata["degraded"], "llm"]
        return json_answer(
            {
                "query": asked,
                "conversation_id": body.conversation_id,
                "results": document["results"],
                "followup_suggestions": await asked_next(parts, document["results"]),
                "answer": None,
                "citations": [],
                "refused": False,
                "metadata": metadata,
            }
        )

    @router.post(
        "/chat",
        responses={200: {"model": ChatAnswer}, **failures(404, 503, 504)},
        dependencies=[Depends(no_parameters)],
    )
    async def chat(request: Request, body: ChatBody) -> Response:
        """An answer to a question with its sources. Without an LLM `answer` is null and the sources are the answer."""
        asked = checked_question("question", body.question, settings.min_query_length, settings.max_query_length)
        parameters = SearchParameters(asked, body.k or settings.retrieval_k, namespace=body.namespace)
        document = orjson.loads(completed(request, await parts.searching.search(parameters)))
        parts.metrics.left_out("llm")
        return json_answer(
            {
                "question": asked,
                "answer": None,
                "sources": [source(result) for result in document["results"]],
                "citations": [],
                "refused": False,
                "degraded": [*document["metadata"]["degraded"], "llm"],
                "metadata": document["metadata"],
            }
        )

    @router.get(
        "/suggestions",
        responses={200: {"model": SuggestionsAnswer}, **failures(503)},
        openapi_extra=documented(prefix_rules),
    )
    async def suggest(request: Request) -> Response:
        """Titles, headings and popular questions with a word that begins as the last typed one does."""
        values = read_query(request.scope["query_string"], prefix_rules)
        with parts.serving.lease() as served:
            found = suggestions(values["q"], values["limit"], served.phrases, popular.now())
        return json_answer({"prefix": values["q"], "suggestions": found})

    return router


def completed(request: Request, answered: Answered) -> bytes:
    """The answer's JSON for this request, noted for the log."""
    exchange, found = exchange_of(request), answered.answer
    exchange.note(query=found.query, from_cache=answered.from_cache, results=found.results)
    if found.degraded:
        exchange.note(degraded=found.degraded)
    return found.body(exchange.request_id, time.perf_counter() - exchange.started, answered.from_cache)


def source(result: dict[str, Any]) -> dict[str, Any]:
    fields = {name: result[name] for name in ("title", "url", "namespace", "chunk_id")}
    return fields | {"score": result["relevance_score"]}


async def asked_next(parts: Parts, results: list[dict[str, Any]]) -> list[str]:
    """Questions that follow from the results: headings near the sections shown."""
    shown = frozenset(section["chunk_id"] for result in results for section in result["sections"])
    ids = [result["id"] for result in results[:FOLLOWED_ARTICLES]]

    def near(served: Served) -> list[str]:
        articles: list[list[Chunk]] = [document_chunks(served.generation.chunks, document_id) for document_id in ids]
        return followups(articles, shown)

    with parts.serving.lease() as served:
        seconds = parts.settings.search_timeout_ms / 1000
        return await parts.searching.in_pool(served, seconds, lambda left: near(served))


class PopularQueries:
    """Questions that others asked and that found something; the list is made anew every POPULAR_SECONDS."""

    def __init__(self, parts: Parts) -> None:
        self._analytics = parts.analytics
        self._made = float("-inf")
        self._queries: list[Suggestion] = []

    def now(self) -> list[Suggestion]:
        moment = time.monotonic()
        if moment - self._made > POPULAR_SECONDS:
            self._made = moment
            self._queries = [
                Suggestion(popular.query, popular.count, "query")
                for popular in self._analytics.popular(POPULAR_QUERIES, successful=True)
                if popular.count >= SUGGESTED_QUERY_COUNT_MIN
            ]
        return self._queries
