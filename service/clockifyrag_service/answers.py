"""Answers: a search result as JSON bytes, stored once and completed for each request.

{"query": …, "results": […], "metadata": {…,            ← head, the same for all who ask
"latency_ms": …, "from_cache": …, "request_id": …}}     ← tail, of one request
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from clockifyrag_index.chunk import BREADCRUMB_SEPARATOR, Chunk
from clockifyrag_index.rerank import Reranking
from clockifyrag_index.search import ArticleHit, SearchResult, SectionHit

from .etags import weak_etag
from .parameters import SearchParameters


@dataclass(frozen=True, slots=True)
class Answer:
    """What is stored of an answered search."""

    parameters: SearchParameters
    head: bytes
    query: str  # as it was understood, or typed where nothing of it is searched for; for counting
    results: int
    degraded: tuple[str, ...]
    timings_ms: Mapping[str, float]
    low_confidence: bool
    etag: bytes
    reranking: bytes = b""  # told beside the figures of a request: how long it took is no part of what the ETag names

    @property
    def size_bytes(self) -> int:
        return len(self.head)

    @property
    def helpful(self) -> bool:
        """Whether something was found that is worth offering to others."""
        return self.results > 0 and not self.low_confidence

    def body(self, request_id: str, seconds: float, from_cache: bool) -> bytes:
        """The whole JSON for one request. The request id is plain ASCII without quotes (exchange.py)."""
        timings = b""
        if self.parameters.details:
            shown = {"cache": round(seconds * 1000, 3)} if from_cache else rounded(self.timings_ms)
            timings = b',"timings":' + orjson.dumps(shown)
        return b'%b%b,"latency_ms":%.3f,"from_cache":%b%b,"request_id":"%b"}}' % (
            self.head,
            self.reranking,
            seconds * 1000,
            b"true" if from_cache else b"false",
            timings,
            request_id.encode(),
        )


def answer(result: SearchResult, parameters: SearchParameters, generation: str) -> Answer:
    """The stored form of a result."""
    document = {
        "query": parameters.q,
        "results": results(result, parameters.details),
        "metadata": search_metadata(result, generation),
    }
    head = orjson.dumps(document)[:-2]  # without the braces that close metadata and document
    reranking = b"" if result.reranking is None else b',"rerank":' + orjson.dumps(rerank_metadata(result.reranking))
    return Answer(
        parameters=parameters,
        head=head,
        query=(result.query_processed or parameters.q).casefold(),
        results=len(result.hits),
        degraded=result.degraded,
        timings_ms=result.timings_ms,
        low_confidence=result.low_confidence,
        etag=weak_etag(head),
        reranking=reranking,
    )


def rerank_metadata(reranking: Reranking) -> dict[str, Any]:
    """What is said about the reranking: what became of it, in how many milliseconds."""
    return {"used": reranking.used, "reason": reranking.reason, "ms": round(reranking.milliseconds, 3)}


def search_metadata(result: SearchResult, generation: str) -> dict[str, Any]:
    """What is said about a search, the request's own figures left out."""
    return {
        "total_results": len(result.hits),
        "query_processed": result.query_processed,
        "query_type": result.query_type,
        "adaptive_k": result.adaptive_k,
        "expansion_applied": result.expansion_applied,
        "corrected_query": result.corrected_query,
        "low_confidence": result.low_confidence,
        "index_generation": generation,
        "degraded": list(result.degraded),
    }


def results(result: SearchResult, details: bool = False) -> list[dict[str, Any]]:
    return [article(hit, result.query_type, details) for hit in result.hits]


def article(hit: ArticleHit, query_type: str, details: bool) -> dict[str, Any]:
    """One result: the article with its best section in front."""
    best = hit.sections[0]
    chunk = best.chunk
    shown = {
        "id": chunk.document_id,
        "chunk_id": chunk.chunk_id,
        "title": chunk.title,
        "url": section_url(chunk),
        "section": BREADCRUMB_SEPARATOR.join(chunk.headings),
        "content": chunk.content,
        "sections": [section(part) for part in hit.sections],
        "relevance_score": hit.relevance_score,
        "query_type": query_type,
        "source": hit.source,
        "rank": hit.rank,
        "namespace": chunk.namespace,
        "highlights": best.highlights,
        "also_at": chunk.also_at,
    }
    return shown | {"explanation": dict(hit.explanation)} if details else shown


def section(hit: SectionHit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "chunk_id": chunk.chunk_id,
        "title": BREADCRUMB_SEPARATOR.join(chunk.headings) or chunk.title,
        "url": section_url(chunk),
        "content": chunk.content,
        "highlights": hit.highlights,
    }


def section_url(chunk: Chunk) -> str:
    """The section's own address when a browser may be sent there, else its address on this server.

    A corpus may hold `javascript:` and other addresses that must never become a link.
    """
    if is_web_address(chunk.url) or (chunk.url.startswith("/articles/") and "\\" not in chunk.url):
        return chunk.url
    return f"/articles/{quote(chunk.document_id, safe='/')}"


def is_web_address(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(milliseconds, 3) for stage, milliseconds in timings_ms.items()}
