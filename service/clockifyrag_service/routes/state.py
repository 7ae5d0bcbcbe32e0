"""What the server says about itself: /health, /live, /ready, /metrics, /status, /config, /analytics; and /feedback."""

import logging
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from ..analytics import PopularQuery
from ..documentation import failures
from ..exchange import exchange_of
from ..metrics import CONTENT_TYPE
from ..models import AliveAnswer, AnalyticsAnswer, FeedbackAnswer, FeedbackBody, HealthAnswer, ReadyAnswer
from ..parts import Parts
from . import BodyRoute, json_answer, no_parameters

log = logging.getLogger(__name__)


def probe_routes(parts: Parts) -> APIRouter:
    """/live and /ready, on every port."""
    router = APIRouter(tags=["state"], dependencies=[Depends(no_parameters)])

    @router.get("/live", responses={200: {"model": AliveAnswer}, **failures()})
    async def live() -> Response:
        """200 while the event loop turns."""
        return json_answer({"status": "alive"})

    @router.get("/ready", responses={200: {"model": ReadyAnswer}, **failures(503)})
    async def ready() -> Response:
        """200 while a verified index answers; 503 before that, and while the server shuts down."""
        return json_answer({"status": "ready", "generation": parts.health.ready()})

    return router


def ops_routes(parts: Parts) -> APIRouter:
    """/metrics and /status, on the ops port where there is one."""
    router = APIRouter(tags=["state"], dependencies=[Depends(no_parameters)])

    @router.get("/metrics", responses={200: {"content": {"text/plain": {}}}, **failures()})
    async def metrics() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(parts.metrics.exposition(), headers={"content-type": CONTENT_TYPE})

    @router.get("/status", responses={200: {"content": {"application/json": {}}}, **failures()})
    async def status() -> Response:
        """What an operator needs to know, in at most 4 KiB; no question is in it."""
        return json_answer(parts.health.for_operator(parts.traffic.inflight, parts.traffic.answered))

    return router


def state_routes(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["state"], route_class=BodyRoute, dependencies=[Depends(no_parameters)])

    @router.get("/health", responses={200: {"model": HealthAnswer}, **failures(), 503: {"model": HealthAnswer}})
    async def health(request: Request) -> Response:
        """How the server is. Where keys are set and none is sent, the status alone."""
        full = not parts.keys.required or exchange_of(request).key is not None
        code, report = parts.health.report(full)
        return json_answer(report, code)

    @router.get("/config", responses={200: {"content": {"application/json": {}}}, **failures()})
    async def config() -> Response:
        """The settings in effect, secrets starred out."""
        return json_answer(parts.settings.masked())

    @router.get("/analytics", responses={200: {"model": AnalyticsAnswer}, **failures()})
    async def analytics() -> Response:
        """What is asked, and what finds nothing, on this instance within its window. A question that the same client
        typed on or mended within seconds counts once, as it was last asked; metrics count every request."""
        return json_answer(analytics_report(parts))

    @router.post("/feedback", responses={200: {"model": FeedbackAnswer}, **failures()})
    async def feedback(request: Request, body: FeedbackBody) -> Response:
        """Notes whether a result helped; it stands in the log and is counted."""
        parts.metrics.feedback[body.vote] += 1
        exchange_of(request).note(feedback=body.model_dump(exclude_none=True))
        return json_answer({"accepted": True, "request_id": body.request_id})

    return router


def analytics_report(parts: Parts) -> dict[str, Any]:
    summary = parts.analytics.summary()
    return {
        "total_queries": summary.total_queries,
        "unique_queries": summary.unique_queries,
        "zero_result_queries": summary.zero_result_queries,
        "zero_result_rate": round(summary.zero_result_rate, 4),
        "avg_latency_ms": round(summary.avg_latency_ms, 3),
        "cache_hit_rate": round(summary.cache_hit_rate, 4),
        "cache_misses": summary.cache_misses,
        "popular_queries": [counted(query) | {"avg_results": query.avg_results} for query in summary.popular_queries],
        "no_result_queries": [counted(query) for query in summary.no_result_queries],
        "window": {
            "seconds": round(summary.window_seconds, 1),
            "seconds_max": parts.settings.analytics_window_seconds,
            "count_error": summary.count_error,
        },
    }


def counted(query: PopularQuery) -> dict[str, Any]:
    return {"query": query.query, "count": query.count}
