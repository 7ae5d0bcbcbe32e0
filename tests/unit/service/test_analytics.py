"""Analytics: right counts, a sliding window, and memory that does not grow with the questions."""

import random

import pytest

from clockifyrag_service.analytics import PANES, SKETCH_SIZE, TOP_SIZE, Analytics, DistinctSketch, TopCounts, distinct
from clockifyrag_service.drafts import SETTLING_SECONDS, Asked


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(
    analytics: Analytics, query: str, results: int = 1, *, client: str | None = None, from_cache: bool = False,
    helpful: bool = True,
) -> None:  # fmt: skip
    """A search that took 10 ms, answered now."""
    analytics.record(Asked(query, query, 5, results, helpful, 0.010, from_cache, analytics.now()), client)


def test_a_few_searches_are_counted_exactly() -> None:
    analytics = Analytics(3600, Clock())
    for query, results, from_cache in (("timer", 5, False), ("timer", 5, True), ("xyzzy", 0, False)):
        ask(analytics, query, results, from_cache=from_cache)

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
    ask(analytics, "old")

    clock.now = 400.0
    ask(analytics, "young")
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
        top.add(query, 1, True)

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


def test_only_questions_answered_well_the_last_time_are_helpful() -> None:
    clock = Clock()
    analytics = Analytics(600, clock)
    for query, helpful in (("found", True), ("doubted", False), ("lost", True), ("mended", False)):
        ask(analytics, query, helpful=helpful)
    clock.now = 300.0  # in another pane
    ask(analytics, "lost", 0, helpful=False)
    ask(analytics, "mended")

    helpful_ones = analytics.helpful(10)

    assert [("mended", 2), ("found", 1)] == [(query.query, query.count) for query in helpful_ones]


@pytest.mark.parametrize(
    ("last", "total", "zero"),
    [
        pytest.param("report", 1, 0, id="the last one is typed on"),
        pytest.param("invoice", 2, 1, id="the last one is another"),
    ],
)
def test_drafts_that_find_nothing_are_left_out_of_all_figures(last: str, total: int, zero: int) -> None:
    analytics = Analytics(3600, Clock())
    for draft in ("re", "rep", "repo"):
        ask(analytics, draft, 0, client="one", helpful=False)
    ask(analytics, last, 5, client="one", from_cache=True)

    summary = analytics.summary()

    assert (total, total, zero) == (summary.total_queries, summary.unique_queries, summary.zero_result_queries)
    assert (zero, zero) == (summary.cache_misses, len(summary.no_result_queries))
    assert last in [query.query for query in summary.popular_queries]


def test_a_pending_question_is_shown_at_once_and_offered_to_others_once_it_is_final() -> None:
    clock = Clock()
    analytics = Analytics(3600, clock)
    ask(analytics, "report", client="one")

    shown, offered = analytics.summary(), analytics.helpful(10)
    clock.now = SETTLING_SECONDS
    offered_later = analytics.helpful(10)

    assert (1, []) == (shown.total_queries, offered)
    assert ["report"] == [query.query for query in offered_later]


def test_a_question_settled_long_after_counts_for_the_time_it_was_asked() -> None:
    clock = Clock()
    analytics = Analytics(600, clock)
    ask(analytics, "old", client="one")

    clock.now = 400.0
    ask(analytics, "young", client="two")
    both = analytics.summary().total_queries
    clock.now = 800.0
    later = analytics.summary()

    assert 2 == both
    assert ["young"] == [query.query for query in later.popular_queries]


def test_reading_the_figures_changes_none_of_them() -> None:
    analytics = Analytics(3600, Clock())
    for draft in ("rep", "report"):
        analytics.summary()
        ask(analytics, draft, client="one")

    assert analytics.summary() == analytics.summary()
    assert 1 == analytics.summary().total_queries
