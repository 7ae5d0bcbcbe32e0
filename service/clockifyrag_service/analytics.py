"""Analytics: what is asked and what finds nothing, in bounded memory, over a sliding window.

The window is a ring of panes; the oldest pane falls out as a whole. Popular questions are counted by space-saving
(Metwally et al. 2005) with lazy eviction: a count is never too low, and too high by at most its pane's `floor`.
Distinct questions are counted exactly up to SKETCH_SIZE, then estimated from the smallest hashes (Bar-Yossef et al.
2002, k minimum values, standard error 1/√k).
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

PANES = 6
TOP_SIZE = 500  # questions a pane surely keeps
SKETCH_SIZE = 1024
HASH_SPACE = 2**64


@dataclass(slots=True)
class Count:
    """How often a question was asked in a pane, and the results it had in all."""

    times: int  # at most
    asked: int  # since it is counted here
    results: int


class TopCounts:
    """The most frequent questions of one pane: at most 2 × TOP_SIZE of them."""

    def __init__(self, size: int = TOP_SIZE) -> None:
        self.size = size
        self.counts: dict[str, Count] = {}
        self.floor = 0  # no question that was dropped had been asked more often

    def add(self, query: str, results: int) -> None:
        count = self.counts.get(query)
        if count is None:
            if len(self.counts) >= 2 * self.size:
                self._drop_rarest()
            self.counts[query] = Count(self.floor + 1, 1, results)
        else:
            count.times += 1
            count.asked += 1
            count.results += results

    def _drop_rarest(self) -> None:
        ranked = sorted(self.counts.items(), key=lambda item: -item[1].times)
        self.floor = max(self.floor, ranked[self.size][1].times)
        self.counts = dict(ranked[: self.size])


class DistinctSketch:
    """Number of different hashes seen: the SKETCH_SIZE smallest are kept."""

    def __init__(self) -> None:
        self.smallest: set[int] = set()
        self._limit = HASH_SPACE

    def add(self, hashed: int) -> None:
        if hashed >= self._limit or hashed in self.smallest:
            return
        self.smallest.add(hashed)
        if len(self.smallest) >= 2 * SKETCH_SIZE:
            self.smallest = set(heapq.nsmallest(SKETCH_SIZE, self.smallest))
            self._limit = max(self.smallest)


def distinct(sketches: Iterable[DistinctSketch]) -> int:
    """Different hashes over all sketches together: exact below SKETCH_SIZE, then an estimate."""
    union = set().union(*(sketch.smallest for sketch in sketches))
    if len(union) < SKETCH_SIZE:
        return len(union)
    kth = heapq.nsmallest(SKETCH_SIZE, union)[-1]
    return round((SKETCH_SIZE - 1) * HASH_SPACE / (kth + 1))


@dataclass(slots=True)
class Pane:
    """One part of the window."""

    started: float
    total: int = 0
    zero: int = 0
    hits: int = 0
    misses: int = 0
    seconds: float = 0.0
    popular: TopCounts = field(default_factory=TopCounts)
    fruitless: TopCounts = field(default_factory=TopCounts)
    unique: DistinctSketch = field(default_factory=DistinctSketch)


@dataclass(frozen=True, slots=True)
class PopularQuery:
    query: str
    count: int
    avg_results: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What /analytics shows; times in milliseconds, rates 0–1."""

    total_queries: int
    unique_queries: int
    zero_result_queries: int
    zero_result_rate: float
    avg_latency_ms: float
    cache_hit_rate: float
    cache_misses: int
    popular_queries: tuple[PopularQuery, ...]
    no_result_queries: tuple[PopularQuery, ...]
    window_seconds: float  # that have really been watched
    count_error: int  # counts of single questions may be too high by this


class Analytics:
    """Counts searches. `record` is a few dict operations."""

    def __init__(self, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.window_seconds = window_seconds
        self._clock = clock
        self._pane_seconds = window_seconds / PANES
        self._panes: deque[Pane] = deque([Pane(clock())], maxlen=PANES)

    def record(self, query: str, results: int, seconds: float, from_cache: bool) -> None:
        """Counts one answered search; `query` is the normalised question."""
        pane = self._pane()
        pane.total += 1
        pane.seconds += seconds
        if from_cache:
            pane.hits += 1
        else:
            pane.misses += 1
        pane.popular.add(query, results)
        pane.unique.add(hash(query) % HASH_SPACE)  # SipHash: uniform, and keyed anew in each process
        if results == 0:
            pane.zero += 1
            pane.fruitless.add(query, 0)

    def _pane(self) -> Pane:
        """The pane of this moment; panes that left the window are gone."""
        now = self._clock()
        if now - self._panes[-1].started >= self._pane_seconds:
            self._panes.append(Pane(now))
        while now - self._panes[0].started > self.window_seconds:
            self._panes.popleft()
        return self._panes[-1]

    def popular(self, count: int, successful: bool = False) -> list[PopularQuery]:
        """The most frequent questions; `successful` leaves out those that found nothing."""
        self._pane()
        merged = merged_counts(pane.popular for pane in self._panes)
        ranked = (item for item in merged if not successful or item.avg_results > 0)
        return heapq.nsmallest(count, ranked, key=lambda item: (-item.count, item.query))

    def summary(self, listed: int = 20) -> Summary:
        self._pane()
        panes = tuple(self._panes)
        total, misses = sum(pane.total for pane in panes), sum(pane.misses for pane in panes)
        zero = sum(pane.zero for pane in panes)
        fruitless = merged_counts(pane.fruitless for pane in panes)
        return Summary(
            total_queries=total,
            unique_queries=distinct(pane.unique for pane in panes),
            zero_result_queries=zero,
            zero_result_rate=zero / total if total else 0.0,
            avg_latency_ms=1000 * sum(pane.seconds for pane in panes) / total if total else 0.0,
            cache_hit_rate=(total - misses) / total if total else 0.0,
            cache_misses=misses,
            popular_queries=tuple(self.popular(listed)),
            no_result_queries=tuple(heapq.nsmallest(listed, fruitless, key=lambda item: (-item.count, item.query))),
            window_seconds=self._clock() - panes[0].started,
            count_error=sum(pane.popular.floor for pane in panes),
        )


def merged_counts(tops: Iterable[TopCounts]) -> list[PopularQuery]:
    """The counts of several panes added up."""
    merged: dict[str, Count] = {}
    for top in tops:
        for query, count in top.counts.items():
            total = merged.setdefault(query, Count(0, 0, 0))
            total.times += count.times
            total.asked += count.asked
            total.results += count.results
    return [PopularQuery(query, total.times, round(total.results / total.asked, 2)) for query, total in merged.items()]
