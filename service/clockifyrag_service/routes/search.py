"""/search and /suggestions."""

import time

from fastapi import APIRouter, Request, Response

from ..documentation import documented, failures
from ..etags import is_unchanged
from ..exchange import exchange_of, heard_in
from ..models import SearchAnswer, SuggestionsAnswer
from ..parameters import SearchParameters, read_query, search_rules, suggestion_rules
from ..parts import Parts
from ..searching import Answered
from ..shortcut import REVALIDATED
from ..suggestions import Suggestion, suggestions
from . import PlainRoute, json_answer

SUGGESTED_QUERY_COUNT_MIN = 3  # times a question was asked before others see it as a suggestion
POPULAR_QUERIES = 500
POPULAR_SECONDS = 5.0  # that the list of popular questions is kept
NOT_MODIFIED = "The answer that If-None-Match names is still right."


def search_routes(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["search"], route_class=PlainRoute)
    rules, prefix_rules = search_rules(parts.settings), suggestion_rules(parts.settings)
    popular = PopularQueries(parts)

    @router.get(
        "/search",
        responses={200: {"model": SearchAnswer}, 304: {"description": NOT_MODIFIED}, **failures(404, 503, 504)},
        openapi_extra=documented(rules),
    )
    async def search(request: Request) -> Response:
        """The articles that answer a question, each with its best sections."""
        raw: bytes = request.scope["query_string"]
        parameters = SearchParameters(**read_query(raw, rules))
        answered = await parts.searching.search(parameters, raw, exchange_of(request).client)
        body = completed(request, answered)
        etag = answered.answer.etag
        headers = {"etag": etag.decode(), "cache-control": REVALIDATED[1].decode()}
        if is_unchanged(etag, heard_in(request.scope["headers"]).etags):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

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


class PopularQueries:
    """Questions that others asked and that were answered well; the list is made anew every POPULAR_SECONDS."""

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
                for popular in self._analytics.helpful(POPULAR_QUERIES)
                if popular.count >= SUGGESTED_QUERY_COUNT_MIN
            ]
        return self._queries
