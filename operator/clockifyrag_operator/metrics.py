"""Metrics: what Prometheus reads of the operator. Label values come from fixed sets, names of resources aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.registry import Collector

from clockifyrag_resource.conditions import ConditionStatus

__all__ = ["CONTENT_TYPE", "Metrics"]

RESULTS = ("done", "repeated", "refused", "failed", "gone")  # of a pass
BUILD_RESULTS = (
    "Succeeded", "BuildFailed", "NoSpace", "OOMKilled", "SourceUnreachable", "DeadlineExceeded", "EmbedderDown",
)  # fmt: skip
VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Resources = Callable[[], Iterator[Mapping[str, Any]]]


class Metrics:
    """All of them, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._reconcile = Histogram(
            "clockifyrag_reconcile_seconds", "Seconds a pass took.", ("result",), buckets=BOUNDS, registry=own
        )
        self._builds = Counter(
            "clockifyrag_builds_total", "Builds whose outcome was taken in.", ("result",), registry=own
        )
        self._calls = Counter(
            "clockifyrag_api_calls_total", "Calls of the API server; none: no answer.", ("verb", "code"), registry=own
        )
        self._refused = Counter("clockifyrag_refusals_total", "Writes the API server refused.", registry=own)
        self._watch = Gauge(
            "clockifyrag_watch_last_event_timestamp_seconds", "When the API server last spoke in a watch.", registry=own
        )
        self._queue_depth = Gauge("clockifyrag_queue_depth", "Resources that wait for a pass.", registry=own)
        self.leader = Gauge("clockifyrag_leader", "Whether this process is the leader.", registry=own)
        self.loop_lag = Gauge(
            "clockifyrag_loop_lag_seconds", "Longest delay of the event loop in the last ten seconds.", registry=own
        )
        self.schema_problem = Gauge(
            "clockifyrag_schema_problem", "Whether the installed CRD lacks fields of this version.", registry=own
        )
        self.last_success = Gauge(
            "clockifyrag_last_success_timestamp_seconds", "When a pass last ended without a failure.", registry=own
        )
        self.watch_heard_at = 0.0  # time.monotonic()
        for result in RESULTS:
            self._reconcile.labels(result)
        for result in BUILD_RESULTS:
            self._builds.labels(result)

    def passed(self, result: str, seconds: float) -> None:
        """A pass ended."""
        assert result in RESULTS, result
        self._reconcile.labels(result).observe(seconds)
        if result == "done":
            self.last_success.set_to_current_time()

    def built(self, result: str) -> None:
        """The outcome of a build was written into a ledger."""
        self._builds.labels(result if result in BUILD_RESULTS else "BuildFailed").inc()

    def api_call(self, method: str, code: str) -> None:
        self._calls.labels(VERBS[method], code).inc()

    def refused(self) -> None:
        self._refused.inc()

    def heard(self) -> None:
        """The API server said something in a watch, be it an event or that the watch goes on."""
        self.watch_heard_at = time.monotonic()
        self._watch.set_to_current_time()

    def tell_conditions(self, resources: Resources) -> None:
        """From now on conditions are told, read from these live resources whenever metrics are asked for."""
        self.registry.register(_Conditions(resources))

    def tell_queue(self, depth: Callable[[], float]) -> None:
        """From now on the depth of the queue is read whenever metrics are asked for: also while no pass ends."""
        self._queue_depth.set_function(depth)

    def exposition(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self.registry)


class _Conditions(Collector):
    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def collect(self) -> Iterator[Metric]:
        """One series for each status a condition can have, 1 for the one it has; and one for the reason it has."""
        family = GaugeMetricFamily(
            "clockifyrag_condition",
            "Conditions of resources: 1 for the status one has.",
            labels=("resource_namespace", "resource", "type", "status"),
        )
        reasons = GaugeMetricFamily(
            "clockifyrag_condition_reason",
            "Conditions of resources: 1, with the reason one has.",
            labels=("resource_namespace", "resource", "type", "reason"),
        )
        for body in self._resources():
            metadata = body["metadata"]
            for condition in (body.get("status") or {}).get("conditions") or ():
                labels = (metadata["namespace"], metadata["name"], condition["type"])
                for status in ConditionStatus:
                    family.add_metric((*labels, status.value), float(condition["status"] == status))
                reasons.add_metric((*labels, condition["reason"]), 1.0)
        yield from (family, reasons)

    def describe(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("clockifyrag_condition", "Conditions of resources.")
        yield GaugeMetricFamily("clockifyrag_condition_reason", "Reasons of conditions.")
