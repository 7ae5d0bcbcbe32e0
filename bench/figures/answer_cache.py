"""The cache of answers alone: how many of the questions of a skewed stream it finds, by plain LRU; and what a look-up
takes, however much is stored.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.comparison import Bar, Comparison, Side
from bench.errors import check
from bench.harness import Bench
from bench.processes import side_in_fresh_process
from bench.zipf import lru_hits, zipf_stream, zipf_weights

ALPHA, QUESTIONS, ENTRIES, LENGTH = 0.9, 5000, 1000, 200_000
SIZES = (10_000, 1_000_000)
LOOK_UPS = 200_000
MICROSECONDS_MAX = 3.0
BODY_BYTES = 12_000


@dataclass(frozen=True, slots=True)
class Stored:
    """Stands for an answer: the cache looks at nothing else of it."""

    size_bytes: int = BODY_BYTES


def measure(bench: Bench) -> Iterator[Comparison]:
    core = (bench.cores.server,)
    sides = {"stream": partial(side_in_fresh_process, __name__, "stream", {}, core)}
    sides |= {str(size): partial(side_in_fresh_process, __name__, "look_up", {"entries": size}, core) for size in SIZES}
    rounds = bench.interleaved(sides)
    ceiling = ceiling_of(zipf_weights(ALPHA, QUESTIONS))
    yield Comparison(
        "cache-hit-rate",
        f"Questions found in the cache, Zipf {ALPHA:g}",
        rounds.side("stream", "", "cache", called="the cache of answers (W-TinyLFU)"),
        rounds.side("stream", "", "lru", called="plain LRU"),
        Bar("≥", 0.99, 1.08),
        f"{LENGTH:,} draws of {QUESTIONS:,} questions, {ENTRIES:,} entries; the best fixed set finds {ceiling:.3f}",
        "G7",
    )
    for size in SIZES:
        yield Comparison(
            f"cache-look-up-{size}",
            f"A look-up in a cache of {size:,} answers",
            rounds.side(str(size), "µs", "microseconds", called="a query string → the stored answer, CPU"),
            Side("allowed", "µs", (MICROSECONDS_MAX,) * bench.rounds),
            Bar("≤", 1.0),
            f"{LOOK_UPS:,} look-ups, drawn evenly",
            "G7",
        )


def ceiling_of(likely: Any) -> float:
    """The share that a cache finds which holds the most likely questions from the start."""
    return float(likely[:ENTRIES].sum())


def stream(job: dict[str, Any]) -> dict[str, float]:
    """The share of one stream that the cache and plain LRU find, both empty at first."""
    from clockifyrag_service.cache import AnswerCache

    drawn = zipf_stream(ALPHA, QUESTIONS, LENGTH)
    cache: AnswerCache[Stored] = AnswerCache(ENTRIES, 2**40, 1e9)
    for question in drawn:
        key = b"question %d" % question
        if cache.get(key) is None:
            cache.put(key, Stored())
    check(len(cache) == ENTRIES, f"{len(cache)} answers are stored, expected {ENTRIES}")
    return {"cache": cache.hit_rate, "lru": lru_hits(drawn, ENTRIES) / LENGTH}


def look_up(job: dict[str, Any]) -> dict[str, float]:
    """Microseconds of CPU to find one of so many answers by its query string."""
    from clockifyrag_service.cache import AnswerCache

    entries = job["entries"]
    cache: AnswerCache[Stored] = AnswerCache(entries, 2**50, 1e9)
    for number in range(entries):
        key = b"question %d" % number
        cache.put(key, Stored())
        cache.name(key, b"q=question+%d" % number)
    drawn = np.random.default_rng(1).integers(entries, size=LOOK_UPS).tolist()
    asked = [b"q=question+%d" % number for number in drawn]
    begin = time.process_time()
    for alias in asked:
        cache.get_by_alias(alias)
    seconds = time.process_time() - begin
    check(cache.hits == LOOK_UPS, f"{cache.hits} of {LOOK_UPS} were found")
    return {"microseconds": 1e6 * seconds / LOOK_UPS}


SIDES = {"stream": stream, "look_up": look_up}
