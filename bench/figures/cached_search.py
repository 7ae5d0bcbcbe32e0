"""Cached GET /search: requests a second, by those of bare applications on the same server binary.

The service checks a key, numbers the request, counts it and finds the stored answer; bare FastAPI sends a body of the
same size without any of that, Starlette says hello.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from bench import load
from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.harness import Bench, Measured
from bench.prepared import built_root, known_answer
from bench.servers import SERVICE, UNOBSERVED, asked, serving, serving_cached

KEY = "a-key-of-the-benchmark"
HEADERS = {"X-API-Key": KEY}
WARM_SECONDS = 1.0

SHORTER_BYTES_MAX = 16


@dataclass(frozen=True, slots=True)
class Setting:
    """What every round starts from."""

    bench: Bench
    root: Path
    known: Mapping[str, Any]
    body: Path

    @property
    def path(self) -> str:
        return "/search?" + urlencode({"q": self.known["query"]})

    def service(self, log_level: str, command: Sequence[str] = SERVICE) -> Measured:
        """The service, asked the same question over and over."""
        with serving_cached(self.bench, self.root, command, API_KEY=KEY, LOG_LEVEL=log_level) as address:
            asked(address, self.path, HEADERS)
            self.check(address)
            rate = self._rate(address)
            self.check(address)
        return {"rps": rate}

    def bare(self, name: str) -> Measured:
        """A bare application."""
        command = (sys.executable, "-m", "bench.bare", name, str(self.body))
        with serving(command, (self.bench.cores.server,), {}) as address:
            status, body = asked(address, self.path)
            expected = len(b"Hello, world!") if name == "hello" else self.body.stat().st_size
            # a number may be written shorter when the dict is made JSON again: 1.50 as 1.5
            alike = status == 200 and abs(len(body) - expected) <= SHORTER_BYTES_MAX
            check(alike, f"bare {name}: {status}, {len(body)} bytes, {expected} expected")
            return {"rps": self._rate(address)}

    def check(self, address: str) -> bytes:
        """The body of the answer, which is right and comes from the cache."""
        status, body = asked(address, self.path, HEADERS)
        check(status == 200, f"expected 200 from {self.path}: {status} {body[:200]!r}")
        answer = orjson.loads(body)
        check(answer["metadata"]["from_cache"], "the answer is not from the cache")
        check(answer["metadata"]["total_results"] == len(answer["results"]) > 0, "no results, or a wrong count")
        first = answer["results"][0]["id"]
        check(first == self.known["top"], f"{first} is found first, expected {self.known['top']}")
        check(asked(address, self.path)[0] == 401, "a request without a key was let in")
        return body

    def _rate(self, address: str) -> float:
        loading = (self.bench.cores.load,)
        load.requests_per_second(address, self.path, HEADERS, min(WARM_SECONDS, self.bench.seconds), loading)
        return load.requests_per_second(address, self.path, HEADERS, self.bench.seconds, loading)


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, "wordllama")
    setting = Setting(bench, root, known_answer(bench, root), bench.folder / "body.json")
    size = stored_body(setting)
    rounds = bench.interleaved(
        {
            "service": lambda: setting.service("info"),
            "FastAPI bytes": lambda: setting.bare("bytes"),
            "Starlette hello": lambda: setting.bare("hello"),
            "service without log": lambda: setting.service("warning"),
            "unobserved service": lambda: setting.service("warning", UNOBSERVED),
            "FastAPI JSON": lambda: setting.bare("json"),
        }
    )
    by = f"{load.generator()}, {load.CONNECTIONS} connections"
    full = rounds.side(
        "service", "requests/s", "rps", called="cached /search: key, request id, metrics, analytics, log"
    )
    quiet = rounds.side(
        "service without log", "requests/s", "rps", called="cached /search: key, request id, metrics, analytics"
    )
    stored = rounds.side("FastAPI bytes", "requests/s", "rps", called="bare FastAPI route of stored bytes")
    made = rounds.side("FastAPI JSON", "requests/s", "rps", called="bare FastAPI route that returns a dict")
    hello = rounds.side("Starlette hello", "requests/s", "rps", called="bare Starlette hello-world")
    title = "Cached /search by a bare FastAPI route of the same size"
    yield Comparison("cached-search-fastapi", title, full, stored, Bar("≥", 0.63), f"{size} bytes; {by}")
    yield Comparison("cached-search-fastapi-json", f"{title}, JSON made each time", full, made, None, by)
    title = "Cached /search by Starlette's hello-world"
    yield Comparison("cached-search-starlette", title, full, hello, None, by, "G1")
    yield Comparison("cached-search-starlette-no-log", f"{title}, log off", quiet, hello, Bar("≥", 0.9, 1.2), by, "G1")
    unobserved = rounds.side(
        "unobserved service", "requests/s", "rps", called="cached /search: key, request id, analytics"
    )
    title = "Cached /search, metrics and log on by off"
    yield Comparison("cached-search-observed", title, full, unobserved, Bar("≥", 0.9, 0.95), by, "G6")
    title = "Cached /search, log on by log off, metrics on both sides"
    yield Comparison("cached-search-log", title, full, quiet, None, by, "G6")


def stored_body(setting: Setting) -> int:
    """Writes a cached answer where the bare applications read it; its size in bytes."""
    with serving_cached(setting.bench, setting.root, API_KEY=KEY) as address:
        asked(address, setting.path, HEADERS)
        body = setting.check(address)
    setting.body.write_bytes(body)
    return len(body)
