"""Cached GET /search at a constant rate, half of what Starlette's hello-world can do at most: how long one in a hundred
waits, by how long it waits for hello at the same rate.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench import load
from bench.comparison import Bar, Comparison
from bench.figures.cached_search import HEADERS, KEY, Setting
from bench.harness import Bench, Measured
from bench.open_loop import latencies
from bench.prepared import built_root, known_answer
from bench.servers import asked, serving, serving_cached

OF_THE_MAXIMUM = 0.5
HELLO = (sys.executable, "-m", "bench.bare", "hello")


@dataclass(frozen=True, slots=True)
class Paced:
    """The rate, and what is asked."""

    setting: Setting
    rate: float

    def service(self) -> Measured:
        bench = self.setting.bench
        with serving_cached(bench, self.setting.root, API_KEY=KEY) as address:
            asked(address, self.setting.path, HEADERS)
            self.setting.check(address)
            return self._measured(address)

    def hello(self) -> Measured:
        with serving(HELLO, (self.setting.bench.cores.server,), {}) as address:
            return self._measured(address)

    def _measured(self, address: str) -> Measured:
        bench = self.setting.bench
        load.requests_per_second(address, self.setting.path, HEADERS, 1, (bench.cores.load,))  # warms
        return latencies(address, self.setting.path, HEADERS, self.rate, bench.seconds, (bench.cores.load,))


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, "wordllama")
    setting = Setting(bench, root, known_answer(bench, root), bench.folder / "body.json")
    rate = OF_THE_MAXIMUM * hello_maximum(setting)
    paced = Paced(setting, rate)
    rounds = bench.interleaved({"service": paced.service, "hello": paced.hello})
    remark = f"{rate:,.0f} requests/s, an open loop of {bench.seconds:g} s, times from the planned moment"
    for percentile, bar in (("p99", Bar("≤", 1.5, 1.1)), ("p50", None)):
        yield Comparison(
            f"cached-latency-{percentile}",
            f"Cached /search at half of hello's maximum, {percentile}",
            rounds.side("service", "ms", percentile, called="cached /search: key, request id, metrics, log"),
            rounds.side("hello", "ms", percentile, called="bare Starlette hello-world"),
            bar,
            remark,
            "G2",
        )


def hello_maximum(setting: Setting) -> float:
    """Requests a second."""
    with serving(HELLO, (setting.bench.cores.server,), {}) as address:
        return load.requests_per_second(address, "/search", HEADERS, setting.bench.seconds, (setting.bench.cores.load,))
