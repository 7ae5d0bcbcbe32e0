"""Metrics: what Prometheus reads. Each app has its own registry; all label values come from fixed sets."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
STAGES = ("understand", "embed", "lexical", "rank", "rerank", "describe", "total")
PARTS = ("embedder", "index", "keys", "glossary", "llm", "rerank", "dense", "lexical")
__all__ = ["CONTENT_TYPE", "Metrics"]

OTHER = "other"  # a value outside the fixed set


class Metrics:
    """The names of docs/design.md, and how the server counts with them."""

    def __init__(self, endpoints: frozenset[str], inflight: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._endpoints = endpoints
        self._requests = Counter(
            "rag_requests", "Requests answered, by endpoint and status code.", ("endpoint", "code"),
            registry=self.registry,
        )  # fmt: skip
        self.search_seconds = Histogram(
            "rag_search_latency_seconds", "Time to answer /search, from the cache or not.", buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._stages = Histogram(
            "rag_stage_latency_seconds", "Time of one stage of an uncached search.", ("stage",),
            buckets=LATENCY_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.cache_hits = Counter("rag_cache_hits", "Searches answered from the cache.", registry=self.registry)
        self.cache_misses = Counter("rag_cache_misses", "Searches that were computed.", registry=self.registry)
        self.zero_results = Counter("rag_zero_results", "Searches that found nothing.", registry=self.registry)
        self._degraded = Counter(
            "rag_degraded", "Answers given without a part that should have helped.", ("part",), registry=self.registry
        )
        self._feedback = Counter("rag_feedback", "Votes on results.", ("vote",), registry=self.registry)
        self._index_info = Gauge(
            "rag_index_info", "The generation served, as labels; 1.", ("generation", "model"), registry=self.registry
        )
        self._index_built = Gauge(
            "rag_index_built_timestamp_seconds", "When the generation served was built, Unix time.",
            registry=self.registry,
        )  # fmt: skip
        self._index_chunks = Gauge("rag_index_chunks", "Chunks in the generation served.", registry=self.registry)
        Gauge("rag_inflight_requests", "Requests being answered.", registry=self.registry).set_function(inflight)
        self._request_children: dict[tuple[str, int], Counter] = {}
        for part in ("embedder", "index", "keys"):
            self._degraded.labels(part)

    def request(self, endpoint: str, status: int) -> None:
        """Counts one answer; the child of each label pair is kept, since looking it up costs more than counting."""
        child = self._request_children.get((endpoint, status))
        if child is None:
            label = endpoint if endpoint in self._endpoints else OTHER
            child = self._request_children[endpoint, status] = self._requests.labels(label, str(status))
        child.inc()

    def stages(self, timings_ms: Mapping[str, float]) -> None:
        for stage, milliseconds in timings_ms.items():
            self._stages.labels(stage if stage in STAGES else OTHER).observe(milliseconds / 1000)

    def degraded(self, parts: tuple[str, ...]) -> None:
        for part in parts:
            self._degraded.labels(part if part in PARTS else OTHER).inc()

    def feedback(self, vote: str) -> None:
        self._feedback.labels(vote).inc()

    def index(self, generation: str, model: str, built: float, chunks: int) -> None:
        """Says which generation is served from now on."""
        self._index_info.clear()
        self._index_info.labels(generation, model).set(1)
        self._index_built.set(built)
        self._index_chunks.set(chunks)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
