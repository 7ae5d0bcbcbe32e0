"""/search/chat and /chat: searches within a conversation. Without an LLM the results are the answer."""

from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from clockifyrag_index.chunk import Chunk

from ..articles import document_chunks
from ..conversation import followups, standalone
from ..documentation import failures
from ..errors import DEADLINE_EXCEEDED, OVERLOADED, Refused, invalid_parameter
from ..models import ChatAnswer, ChatBody, ChatSearchAnswer, ChatSearchBody
from ..parameters import SearchParameters, checked_question
from ..parts import Parts
from ..serving import Served
from . import BodyRoute, json_answer, no_parameters
from .search import completed

FOLLOWED_ARTICLES = 3  # best articles whose other sections are suggested


def chat_routes(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["search"], route_class=BodyRoute, dependencies=[Depends(no_parameters)])

    @router.post("/search/chat", responses={200: {"model": ChatSearchAnswer}, **failures(503, 504)})
    async def search_chat(request: Request, body: ChatSearchBody) -> Response:
        """As /search for a question within a conversation: earlier questions are taken into account, and what to ask
        next is suggested. Without an LLM `answer` is null; `stream` needs one."""
        return json_answer(await chat_search_answer(parts, request, body))

    @router.post("/chat", responses={200: {"model": ChatAnswer}, **failures(404, 503, 504)})
    async def chat(request: Request, body: ChatBody) -> Response:
        """An answer to a question with its sources. Without an LLM `answer` is null and the sources are the answer."""
        return json_answer(await chat_answer(parts, request, body))

    return router


async def chat_search_answer(parts: Parts, request: Request, body: ChatSearchBody) -> dict[str, Any]:
    if body.stream:
        raise invalid_parameter("stream", True, "false: streaming needs an LLM, and none is set up here")
    settings = parts.settings
    asked = checked_question("query", body.query, settings.min_query_length, settings.max_query_length)
    query, applied = standalone(asked, body.context, settings.max_query_length)
    parameters = SearchParameters(query, body.k or settings.retrieval_k, rerank=settings.rerank)
    with parts.serving.lease() as served:  # one for both: a generation that takes over meanwhile follows nothing up
        document = await searched(parts, request, served, parameters)
        try:
            next_questions = await asked_next(parts, served, document["results"])
        except Refused as refused:
            if refused.code not in (OVERLOADED, DEADLINE_EXCEEDED):
                raise
            next_questions = []  # the results are there, perhaps of the cache: nobody is refused them for want of these
    metadata = document["metadata"] | {"context_applied": applied}
    if body.answer:
        parts.metrics.left_out("llm")
        metadata["degraded"] = [*metadata["degraded"], "llm"]
    return {
        "query": asked,
        "conversation_id": body.conversation_id,
        "results": document["results"],
        "followup_suggestions": next_questions,
        "answer": None,
        "citations": [],
        "refused": False,
        "metadata": metadata,
    }


async def chat_answer(parts: Parts, request: Request, body: ChatBody) -> dict[str, Any]:
    settings = parts.settings
    asked = checked_question("question", body.question, settings.min_query_length, settings.max_query_length)
    k = body.k or settings.retrieval_k
    parameters = SearchParameters(asked, k, rerank=settings.rerank, namespace=body.namespace)
    with parts.serving.lease() as served:
        document = await searched(parts, request, served, parameters)
    parts.metrics.left_out("llm")
    return {
        "question": asked,
        "answer": None,
        "sources": [source(result) for result in document["results"]],
        "citations": [],
        "refused": False,
        "degraded": [*document["metadata"]["degraded"], "llm"],
        "metadata": document["metadata"],
    }


async def searched(parts: Parts, request: Request, served: Served, parameters: SearchParameters) -> dict[str, Any]:
    """What /search would answer from that generation, cache and all."""
    answered = await parts.searching.search_in(served, parameters)
    document: dict[str, Any] = orjson.loads(completed(request, answered))
    return document


def source(result: dict[str, Any]) -> dict[str, Any]:
    fields = {name: result[name] for name in ("title", "url", "namespace", "chunk_id")}
    return fields | {"score": result["relevance_score"]}


async def asked_next(parts: Parts, served: Served, results: list[dict[str, Any]]) -> list[str]:
    """Questions that follow from the results of that generation: headings near the sections shown."""
    shown = frozenset(section["chunk_id"] for result in results for section in result["sections"])
    ids = [result["id"] for result in results[:FOLLOWED_ARTICLES]]

    def near(left: float) -> list[str]:
        articles: list[list[Chunk]] = [document_chunks(served.generation.chunks, document_id) for document_id in ids]
        return followups(articles, shown)

    return await parts.searching.in_pool(served, parts.settings.search_timeout_ms / 1000, near)
