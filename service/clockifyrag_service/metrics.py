"""Metrics: what Prometheus reads. Each app has its own registry; all label values come from fixed sets.

Counting happens on every request, in the event loop alone, so it is plain arithmetic without a lock: the counters of
prometheus-client take longer than the look-up of a cached answer. `Exposed` turns the sums into metrics when they are
read.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "Metrics"]

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
STAGES = ("understand", "embed", "lexical", "rank", "rerank", "describe", "total")
PARTS = ("embedder", "index", "keys", "glossary", "llm", "rerank", "dense", "lexical")
VOTES = ("up", "down")
OTHER = "other"  # a value outside the fixed set


@dataclass(slots=True)
class Latencies:
    """A histogram of seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and the number of observations at or below it, as Prometheus wants them."""
        below, result = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            below += count
            result.append((bound, float(below)))
        return result


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The generation served."""

    generation: str
    model: str
    built: float  # Unix time
    chunks: int


class Metrics:
    """How the server counts."""

    def __init__(self, endpoints: frozenset[str], inflight: Callable[[], float]) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.search_seconds = Latencies()
        self.stage_seconds = {stage: Latencies() for stage in (*STAGES, OTHER)}
        self.cache_hits = 0
        self.cache_misses = 0
        self.zero_results = 0
        self.degraded: Counter[str] = Counter(dict.fromkeys(PARTS, 0))
        self.feedback: Counter[str] = Counter(dict.fromkeys(VOTES, 0))
        self.index: IndexFacts | None = None
        self.inflight = inflight
        self._endpoints = endpoints
        self._registry = CollectorRegistry()
        self._registry.register(Exposed(self))

    def request(self, endpoint: str, status: int) -> None:
        """Counts one answer."""
        self.requests[endpoint if endpoint in self._endpoints else OTHER, status] += 1

    def search(self, seconds: float, from_cache: bool, results: int, degraded: tuple[str, ...]) -> None:
        """Counts one answered search."""
        self.search_seconds.observe(seconds)
        if from_cache:
            self.cache_hits += 1
        else:
            self.cache_misses += 1
        if results == 0:
            self.zero_results += 1
        for part in degraded:
            self.left_out(part)

    def left_out(self, part: str) -> None:
        """Counts an answer given without a part that should have helped."""
        self.degraded[part if part in PARTS else OTHER] += 1

    def stages(self, timings_ms: Mapping[str, float]) -> None:
        """Enters the times of one computed search."""
        for stage, milliseconds in timings_ms.items():
            self.stage_seconds[stage if stage in STAGES else OTHER].observe(milliseconds / 1000)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class Exposed(Collector):
    """The sums as Prometheus' families, under the names of docs/metrics.md."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._histograms()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        metrics = self._metrics
        requests = CounterMetricFamily(
            "rag_requests", "Requests answered, by endpoint and status code.", labels=("endpoint", "code")
        )
        for (endpoint, status), count in sorted(metrics.requests.items()):
            requests.add_metric((endpoint, str(status)), count)
        yield requests
        yield CounterMetricFamily("rag_cache_hits", "Searches answered from the cache.", value=metrics.cache_hits)
        yield CounterMetricFamily("rag_cache_misses", "Searches that were computed.", value=metrics.cache_misses)
        yield CounterMetricFamily("rag_zero_results", "Searches that found nothing.", value=metrics.zero_results)
        yield labelled("rag_degraded", "Answers without a part that should have helped.", "part", metrics.degraded)
        yield labelled("rag_feedback", "Votes on results.", "vote", metrics.feedback)

    def _histograms(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield HistogramMetricFamily(
            "rag_search_latency_seconds",
            "Time to answer a search, from the cache or not.",
            buckets=metrics.search_seconds.buckets(),
            sum_value=metrics.search_seconds.total,
        )
        stages = HistogramMetricFamily(
            "rag_stage_latency_seconds", "Time of one stage of a computed search.", labels=("stage",)
        )
        for stage, latencies in metrics.stage_seconds.items():
            stages.add_metric((stage,), buckets=latencies.buckets(), sum_value=latencies.total)
        yield stages

    def _gauges(self) -> Iterator[Metric]:
        index = self._metrics.index
        info = GaugeMetricFamily(
            "rag_index_info", "The generation served, as labels; 1.", labels=("generation", "model")
        )
        built = GaugeMetricFamily("rag_index_built_timestamp_seconds", "When the generation served was built.")
        chunks = GaugeMetricFamily("rag_index_chunks", "Chunks of the generation served.")
        if index is not None:
            info.add_metric((index.generation, index.model), 1)
            built.add_metric((), index.built)
            chunks.add_metric((), index.chunks)
        yield from (info, built, chunks)
        yield GaugeMetricFamily("rag_inflight_requests", "Requests being answered.", value=self._metrics.inflight())


def labelled(name: str, documentation: str, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family
