"""Memory after 200,000 requests by memory before them and what it may grow by: cached answers, all counted."""

import statistics
from collections.abc import Iterator
from pathlib import Path

from bench import load
from bench.comparison import Bar, Comparison, Side
from bench.figures.cached_search import HEADERS, KEY
from bench.harness import Bench, Measured
from bench.prepared import built_root
from bench.processes import resident_bytes, started
from bench.questions import distinct_questions, search_paths
from bench.servers import SERVICE, announced, service_variables, wait_ready

REQUESTS = 200_000
QUESTIONS = 500  # fewer than the cache holds
WARM_ROUNDS = 4
GROWTH_MIB_MAX = 4.0


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, "wordllama")
    paths = search_paths(distinct_questions(bench.corpus, QUESTIONS))
    rounds = bench.interleaved({"service": lambda: resident(bench, root, paths)})
    measured = rounds.measured["service"]
    growth = statistics.median(one["after"] - one["before"] for one in measured)
    yield Comparison(
        "request-memory",
        f"Resident memory after {REQUESTS:,} requests by that before and {GROWTH_MIB_MAX:g} MiB",
        rounds.side("service", "MiB", "after", called="cached /search: key, request id, metrics, log, analytics"),
        Side("before, and what it may grow by", "MiB", tuple(one["before"] + GROWTH_MIB_MAX for one in measured)),
        Bar("≤", 1.0),
        f"grown by {growth:.2f} MiB (the better mark: 1) after {QUESTIONS} questions were asked {WARM_ROUNDS} times",
        "G6",
    )


def resident(bench: Bench, root: Path, paths: list[str]) -> Measured:
    """MiB after the warm-up, and when REQUESTS more are answered."""
    variables = service_variables(root, bench.folder / "service.log", API_KEY=KEY)
    with started(SERVICE, (bench.cores.server,), variables) as process:
        address = announced(process)
        wait_ready(address)
        answers(bench, address, paths, WARM_ROUNDS * len(paths))
        before = resident_bytes(process.pid) / 2**20
        answers(bench, address, paths, REQUESTS)
        after = resident_bytes(process.pid) / 2**20
    return {"before": before, "after": after}


def answers(bench: Bench, address: str, paths: list[str], count: int) -> None:
    """Returns when at least so many requests were answered."""
    while count > 0:
        count -= load.loaded(address, paths, HEADERS, bench.seconds, (bench.cores.load,)).answered
