"""Analytics: what is asked and what finds nothing, in bounded memory, over a sliding window.

All figures count final questions: a draft that its client's next question continues (drafts.py) is in none of them.
Requests are counted by metrics.py.

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

from .drafts import Asked, Drafts

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
    helpful: bool  # the last time


class TopCounts:
    """The most frequent questions of one pane: at most 2 × TOP_SIZE of them."""

    def __init__(self, size: int = TOP_SIZE) -> None:
        self.size = size
        self.counts: dict[str, Count] = {}
        self.floor = 0  # no question that was dropped had been asked more often

    def add(self, query: str, results: int, helpful: bool) -> bool:
        """Counts one question. Whether it is counted for the first time, or was dropped before."""
        count = self.counts.get(query)
        if count is None:
            if len(self.counts) >= 2 * self.size:
                self._drop_rarest()
            self.counts[query] = Count(self.floor + 1, 1, results, helpful)
            return True
        count.times += 1
        count.asked += 1
        count.results += results
        count.helpful = helpful
        return False

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
    misses: int = 0
    seconds: float = 0.0
    popular: TopCounts = field(default_factory=TopCounts)
    fruitless: TopCounts = field(default_factory=TopCounts)
    unique: DistinctSketch = field(default_factory=DistinctSketch)

    def add(self, asked: Asked) -> None:
        """Counts one question: a few dict operations."""
        self.total += 1
        self.seconds += asked.seconds
        self.misses += not asked.from_cache
        if self.popular.add(asked.query, asked.results, asked.helpful):
            self.unique.add(hash(asked.query) % HASH_SPACE)  # SipHash: uniform, and keyed anew in each process
        if asked.results == 0:
            self.zero += 1
            self.fruitless.add(asked.query, 0, False)


@dataclass(frozen=True, slots=True)
class PopularQuery:
    query: str
    count: int
    avg_results: float
    helpful: bool  # what was found the last time is worth offering to others


@dataclass(frozen=True, slots=True)
class Summary:
    """What /analytics shows; times in milliseconds, rates 0–1."""

    total_queries: int  # final questions, not requests
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
    """Counts questions once they are final."""

    def __init__(self, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.window_seconds = window_seconds
        self.now = clock
        self._pane_seconds = window_seconds / PANES
        self._panes: deque[Pane] = deque([Pane(clock())], maxlen=PANES)
        self._drafts = Drafts()

    def record(self, asked: Asked, client: str | None = None) -> None:
        """Counts one answered search: at once without a client, else when that client is sure not to be typing on."""
        self._count([asked] if client is None else self._drafts.add(client, asked))

    def _count(self, final: Iterable[Asked]) -> None:
        pane = self._panes[-1]
        for asked in final:
            if asked.at - pane.started >= self._pane_seconds:
                pane = Pane(asked.at)
                self._panes.append(pane)
            pane.add(asked)

    def _window(self) -> tuple[Pane, ...]:
        """The panes of the window that ends now, at least one; questions that became final meanwhile are in them."""
        now = self.now()
        self._count(self._drafts.settled(now))
        while self._panes and now - self._panes[0].started > self.window_seconds:
            self._panes.popleft()
        if not self._panes:
            self._panes.append(Pane(now))
        return tuple(self._panes)

    def helpful(self, count: int) -> list[PopularQuery]:
        """The most frequent questions that were answered well the last time; a question still pending is no help."""
        merged = merged_counts(pane.popular for pane in self._window())
        return most_frequent(count, (query for query in merged if query.helpful))

    def summary(self, listed: int = 20) -> Summary:
        """The figures of the window. A pending question counts in them until it is continued."""
        settled, pending = self._window(), Pane(self.now())
        for asked in self._drafts.pending():
            pending.add(asked)
        panes = (*settled, pending)
        total, misses = sum(pane.total for pane in panes), sum(pane.misses for pane in panes)
        zero = sum(pane.zero for pane in panes)
        return Summary(
            total_queries=total,
            unique_queries=distinct(pane.unique for pane in panes),
            zero_result_queries=zero,
            zero_result_rate=zero / total if total else 0.0,
            avg_latency_ms=1000 * sum(pane.seconds for pane in panes) / total if total else 0.0,
            cache_hit_rate=(total - misses) / total if total else 0.0,
            cache_misses=misses,
            popular_queries=tuple(most_frequent(listed, merged_counts(pane.popular for pane in panes))),
            no_result_queries=tuple(most_frequent(listed, merged_counts(pane.fruitless for pane in panes))),
            window_seconds=self.now() - settled[0].started,
            count_error=sum(pane.popular.floor for pane in panes),
        )


def merged_counts(tops: Iterable[TopCounts]) -> list[PopularQuery]:
    """The counts of several panes, oldest first, added up."""
    merged: dict[str, Count] = {}
    for top in tops:
        for query, count in top.counts.items():
            total = merged.setdefault(query, Count(0, 0, 0, False))
            total.times += count.times
            total.asked += count.asked
            total.results += count.results
            total.helpful = count.helpful
    return [
        PopularQuery(query, total.times, round(total.results / total.asked, 2), total.helpful)
        for query, total in merged.items()
    ]


def most_frequent(count: int, queries: Iterable[PopularQuery]) -> list[PopularQuery]:
    return heapq.nsmallest(count, queries, key=lambda item: (-item.count, item.query))
