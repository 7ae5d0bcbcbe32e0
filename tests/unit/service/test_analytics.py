"""Analytics: right counts, a sliding window, and memory that does not grow with the questions."""

import random

import pytest

from clockifyrag_service.analytics import PANES, SKETCH_SIZE, TOP_SIZE, Analytics, DistinctSketch, TopCounts, distinct


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_few_searches_are_counted_exactly() -> None:
    analytics = Analytics(3600, Clock())
    for query, results, from_cache in (("timer", 5, False), ("timer", 5, True), ("xyzzy", 0, False)):
        analytics.record(query, results, 0.010, from_cache)

    summary = analytics.summary()

    assert (3, 2, 1) == (summary.total_queries, summary.unique_queries, summary.zero_result_queries)
    assert 2 == summary.cache_misses
    assert pytest.approx(1 / 3) == summary.cache_hit_rate
    assert pytest.approx(10.0) == summary.avg_latency_ms
    assert ("timer", 2, 5.0) == (
        summary.popular_queries[0].query,
        summary.popular_queries[0].count,
        summary.popular_queries[0].avg_results,
    )
    assert ["xyzzy"] == [query.query for query in summary.no_result_queries]
    assert 0 == summary.count_error


def test_without_a_search_all_rates_are_zero() -> None:
    summary = Analytics(3600, Clock()).summary()

    assert (0, 0.0, 0.0, 0.0) == (
        summary.total_queries,
        summary.zero_result_rate,
        summary.avg_latency_ms,
        summary.cache_hit_rate,
    )


def test_what_is_older_than_the_window_is_forgotten() -> None:
    clock = Clock()
    analytics = Analytics(600, clock)
    analytics.record("old", 1, 0.001, False)

    clock.now = 400.0
    analytics.record("young", 1, 0.001, False)
    both = analytics.summary().total_queries
    clock.now = 800.0
    later = analytics.summary()

    assert 2 == both
    assert ["young"] == [query.query for query in later.popular_queries]
    assert later.window_seconds <= 600


def test_frequent_questions_are_found_among_very_many_rare_ones() -> None:
    rng = random.Random(7)
    top = TopCounts()
    stream = [f"rare {number}" for number in range(20_000)] + ["frequent"] * 300 + ["common"] * 200
    rng.shuffle(stream)

    for query in stream:
        top.add(query, 1)

    assert len(top.counts) <= 2 * TOP_SIZE
    best = sorted(top.counts, key=lambda query: -top.counts[query].times)[:2]
    assert ["frequent", "common"] == best
    assert 300 <= top.counts["frequent"].times <= 300 + top.floor


@pytest.mark.parametrize(
    ("count", "tolerance"),
    [
        pytest.param(10, 0.0, id="few-are-exact"),
        pytest.param(SKETCH_SIZE - 1, 0.0, id="below-the-sketch-exact"),
        pytest.param(50_000, 0.12, id="many-are-estimated"),
    ],
)
def test_distinct_questions_are_counted_in_bounded_memory(count: int, tolerance: float) -> None:
    rng = random.Random(3)
    hashes = [rng.getrandbits(64) for _ in range(count)]
    sketches = [DistinctSketch() for _ in range(PANES)]

    for repeat in range(2):
        for number, hashed in enumerate(hashes):
            sketches[(number + repeat) % PANES].add(hashed)

    assert all(len(sketch.smallest) < 2 * SKETCH_SIZE for sketch in sketches)
    assert pytest.approx(count, rel=tolerance) == distinct(sketches)


def test_only_questions_that_found_something_are_successful() -> None:
    analytics = Analytics(3600, Clock())
    for query, results in (("found", 3), ("lost", 0)):
        analytics.record(query, results, 0.001, False)

    successful = analytics.popular(10, successful=True)

    assert ["found"] == [query.query for query in successful]
