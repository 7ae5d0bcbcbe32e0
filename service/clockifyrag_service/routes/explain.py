"""/explain: why an article stands where it does for a question, or is missing."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Request, Response

from clockifyrag_index.chunk import BREADCRUMB_SEPARATOR
from clockifyrag_index.errors import UnknownItem
from clockifyrag_index.explain import Explanation, LegPart, Rule, explain
from clockifyrag_index.generations import Generation

from ..answers import section_url
from ..documentation import documented, failures
from ..errors import NOT_FOUND, Refused, shown
from ..exchange import exchange_of
from ..loading import request_of
from ..models import ExplainAnswer
from ..parameters import SearchParameters, read_query, search_rules, text
from ..parts import Parts
from . import json_answer

UNASKED = frozenset({"cache", "rerank", "details"})  # what an explanation has no use for
REASONS: dict[Rule | None, str] = {
    None: "It is among the results.",
    "namespace": "It stands in another namespace than the one asked for.",
    "category": "It stands outside of the category asked for.",
    "operators": "A phrase or a word to leave out in the question excludes it.",
    "no_match": "Neither its words nor its meaning put it among what comes into question.",
    "min_score": "Its relevance is below min_score.",
    "k": "It stands behind the articles that are shown.",
    "better_sections": "Better sections of the same article stand for it.",
}


def explain_routes(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["search"])
    wanted = replace(text("id", "Of an article or of a chunk.", 300), required=True)
    rules = (wanted, *(rule for rule in search_rules(parts.settings) if rule.name not in UNASKED))

    @router.get(
        "/explain",
        responses={200: {"model": ExplainAnswer}, **failures(404, 503, 504)},
        openapi_extra=documented(rules),
    )
    async def explained(request: Request) -> Response:
        """Ranks, scores and terms of an article or chunk for a question, and the rule that keeps it away."""
        values = read_query(request.scope["query_string"], rules)
        name: str = values.pop("id")
        parameters = SearchParameters(**values)
        seconds = (parameters.timeout_ms or parts.settings.search_timeout_ms) / 1000
        with parts.serving.lease() as served:
            try:
                found = await parts.searching.in_pool(
                    served, seconds, lambda left: explain(served.engine, request_of(parameters, left), name)
                )
            except UnknownItem as error:
                raise unknown_item(error) from error
            content = explanation(found, parameters, served.engine.generation)
        return json_answer(content | {"request_id": exchange_of(request).request_id})

    return router


def unknown_item(error: UnknownItem) -> Refused:
    return Refused(
        NOT_FOUND,
        f"No article and no chunk has the id {shown(error.wanted)}.",
        f"Did you mean {shown(error.nearest)}?" if error.nearest else "See the ids of a search's results.",
    )


def explanation(found: Explanation, parameters: SearchParameters, generation: Generation) -> dict[str, Any]:
    """The explanation as JSON, all numbers unrounded: they add up."""
    chunk = generation.chunks[found.row]
    return {
        "query": parameters.q,
        "query_processed": found.query_processed,
        "query_type": found.query_type,
        "corrected_query": found.corrected_query,
        "id": chunk.document_id,
        "chunk_id": chunk.chunk_id,
        "title": chunk.title,
        "section": BREADCRUMB_SEPARATOR.join(chunk.headings),
        "url": section_url(chunk),
        "namespace": chunk.namespace,
        "shown": found.removed_by is None,
        "removed_by": found.removed_by,
        "reason": reason(found, parameters.k),
        "rank": found.rank,
        "relevance_score": found.relevance_score,
        "fusion": found.fusion,
        "fused_score": found.fused_score,
        "article_share": found.article_share,
        "dense": None if found.dense is None else _dense(found, found.dense),
        "lexical": asdict(found.lexical) | {"terms": [asdict(term) for term in found.terms]},
        "last": None if found.last is None else asdict(found.last),
        "index_generation": generation.id,
        "degraded": list(found.degraded),
    }


def reason(found: Explanation, k: int) -> str:
    """What keeps the passage away, as a sentence; of one that k cuts off also where it stands."""
    if found.removed_by != "k" or found.rank is None:
        return REASONS[found.removed_by]
    return f"It stands at rank {found.rank}; the first {'one is' if k == 1 else f'{k} are'} shown."


def _dense(found: Explanation, leg: LegPart) -> dict[str, Any]:
    return asdict(leg) | {"passage_cosine": found.dense_passage, "article_cosine": found.dense_article}
