"""Questions that nobody asked before, over HTTP: requests a second by what the search and a bare request take together;
and how long the event loop is kept from other requests meanwhile.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench import load
from bench.comparison import Bar, Comparison, Side
from bench.errors import check
from bench.figures.cached_latency import HELLO
from bench.harness import Bench, Measured
from bench.prepared import built_root, opened
from bench.processes import side_in_fresh_process, started
from bench.questions import distinct_questions, search_paths
from bench.servers import announced, asked, service_variables, serving, wait_ready
from bench.ticking import LATE_SECONDS_MAX

MODEL = "wordllama"
QUESTIONS = 8000  # more than a server answers while it is measured: none is asked twice
WARM = 1000
IN_PROCESS = 400
IN_TIME_MIN = 0.99


@dataclass(frozen=True, slots=True)
class Asking:
    bench: Bench
    root: Path
    questions: list[str]

    def service(self) -> Measured:
        """Requests a second, all of them computed, and how late the ticks of the event loop were."""
        bench, ticks = self.bench, self.bench.folder / "ticks.json"
        command = (sys.executable, "-m", "bench.ticking", str(ticks))
        variables = service_variables(self.root, bench.folder / "service.log")
        paths = search_paths(self.questions)
        with started(command, (bench.cores.server,), variables) as process:
            address = announced(process)
            wait_ready(address)
            load.loaded(address, paths[:WARM], {}, 1, (bench.cores.load,))
            before = state(address)
            measured = load.loaded(address, paths[WARM:], {}, bench.seconds, (bench.cores.load,))
            check_computed(address, before, measured.answered, len(paths) - WARM)
            process.terminate()
            process.wait()
        late = json.loads(ticks.read_text())
        return {"rps": measured.per_second, "in time": late["in time"], "p99": late["p99"]}

    def hello(self) -> Measured:
        with serving(HELLO, (self.bench.cores.server,), {}) as address:
            return {
                "rps": load.requests_per_second(address, "/search", {}, self.bench.seconds, (self.bench.cores.load,))
            }

    def in_process(self) -> Measured:
        job = {"root": str(self.root), "questions": self.questions[WARM : WARM + IN_PROCESS]}
        return side_in_fresh_process(__name__, "ask", job, (self.bench.cores.server,))


def state(address: str) -> dict[str, Any]:
    """/status."""
    document: dict[str, Any] = orjson.loads(asked(address, "/status")[1])
    return document


def check_computed(address: str, before: dict[str, Any], answered: int, distinct: int) -> None:
    """WrongResult unless every answer was computed, and none left its dense leg out."""
    computed = state(address)["searches"]["computed"] - before["searches"]["computed"]
    check(answered <= distinct, f"{answered} requests were answered with {distinct} questions: more are needed")
    check(computed >= answered, f"{answered} requests were answered and {computed} computed")
    exposed = asked(address, "/metrics")[1].decode()
    check('rag_degraded_total{part="embedder"} 0.0' in exposed, "answers were degraded")
    check("rag_zero_results_total 0.0" in exposed, "questions found nothing")


def ask(job: dict[str, Any]) -> dict[str, float]:
    """Seconds of a search in the process, on average: what a server can do goes by the mean, not by the median."""
    from clockifyrag_index.search import SearchRequest

    engine = opened(Path(job["root"]))
    for question in job["questions"][:50]:
        check(len(engine.search(SearchRequest(question)).hits) > 0, f"nothing is found for {question!r}")
    begin = time.perf_counter()
    for question in job["questions"]:
        engine.search(SearchRequest(question))
    return {"seconds": (time.perf_counter() - begin) / len(job["questions"])}


def measure(bench: Bench) -> Iterator[Comparison]:
    asking = Asking(bench, built_root(bench, MODEL), distinct_questions(bench.corpus, QUESTIONS))
    rounds = bench.interleaved({"service": asking.service, "in process": asking.in_process, "hello": asking.hello})
    together = tuple(
        1 / (search["seconds"] + 1 / bare["rps"])
        for search, bare in zip(rounds.measured["in process"], rounds.measured["hello"], strict=True)
    )
    yield Comparison(
        "uncached-http",
        "An uncached /search over HTTP by the search and a bare request alone",
        rounds.side("service", "requests/s", "rps", called="uncached /search"),
        Side("1 / (a search in the process + a request of Starlette's hello-world)", "requests/s", together),
        Bar("≥", 0.6, 0.8),
        f"{MODEL}; {load.generator()}, {load.CONNECTIONS} connections, distinct questions",
        "G4",
    )
    lag = statistics.median(one["p99"] for one in rounds.measured["service"])
    yield Comparison(
        "event-loop-lag",
        f"5 ms ticks of the event loop that are at most {1000 * LATE_SECONDS_MAX:g} ms late, under uncached load",
        rounds.side("service", "of all", "in time", called="in the service's event loop"),
        Side("wanted", "of all", (IN_TIME_MIN,) * bench.rounds),
        Bar("≥", 1.0),
        f"one core, {load.CONNECTIONS} connections; p99 {lag:.2f} ms late",
        "G4",
    )


SIDES = {"ask": ask}
