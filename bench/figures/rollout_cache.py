"""What a rollout leaves of the hit rate: how many questions of a skewed stream a new server finds in its cache, by how
many a cache finds that was not emptied. The new server asks the one that it follows for what is asked most, or nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.comparison import Comparison, Side
from bench.errors import check
from bench.harness import Bench, Measured
from bench.prepared import built_root
from bench.processes import free_port
from bench.questions import distinct_questions, search_paths
from bench.servers import SERVICE, asked, service_variables, serving, wait_ready
from bench.zipf import lru_hits, zipf_stream

MODEL = "all-minilm"
ALPHA, QUESTIONS, BEFORE, AFTER = 0.9, 300, 1500, 300


@dataclass(frozen=True, slots=True)
class Rollout:
    """A server that was asked for a while, and what those that follow it are asked."""

    bench: Bench
    root: Path
    key_file: Path
    ops_port: int
    paths: Sequence[str]

    def follower(self) -> Measured:
        return self._found(WARM_URL=f"http://127.0.0.1:{self.ops_port}", LOG_KEY_FILE=str(self.key_file))

    def alone(self) -> Measured:
        return self._found()

    def _found(self, **more: str) -> Measured:
        variables = service_variables(self.root, self.bench.folder / "follower.log", **more)
        with serving(SERVICE, (self.bench.cores.load,), variables) as address:
            wait_ready(address)
            return {"found": found_in_cache(address, self.paths)}


def measure(bench: Bench) -> Iterator[Comparison]:
    drawn = zipf_stream(ALPHA, QUESTIONS, BEFORE + AFTER)
    paths = [search_paths(distinct_questions(bench.corpus, QUESTIONS))[number] for number in drawn]
    root, key_file = built_root(bench, MODEL), bench.folder / "key"
    key_file.write_bytes(b"of this figure alone")
    with free_port() as ops_port:
        variables = service_variables(
            root, bench.folder / "followed.log", OPS_PORT=str(ops_port), LOG_KEY_FILE=str(key_file)
        )
    with serving(SERVICE, (bench.cores.server,), variables) as address:
        wait_ready(address)
        check(found_in_cache(address, paths[:BEFORE]) > 0, "the server that is followed has a cache")
        rollout = Rollout(bench, root, key_file, ops_port, paths[BEFORE:])
        rounds = bench.interleaved({"follower": rollout.follower, "alone": rollout.alone})
    kept = (lru_hits(drawn, QUESTIONS) - lru_hits(drawn[:BEFORE], QUESTIONS)) / AFTER
    for name, called in (("follower", "a server that asks the one it follows"), ("alone", "one that asks nobody")):
        yield Comparison(
            f"rollout-cache-{name}",
            f"The first {AFTER} questions found in the cache of a new server, {called}",
            rounds.side(name, "", "found", called=called),
            Side("a cache that was not emptied", "", (kept,) * bench.rounds),
            None,
            f"{MODEL}; Zipf {ALPHA:g}, {QUESTIONS} questions, {BEFORE:,} asked before",
        )


def found_in_cache(address: str, paths: Sequence[str]) -> float:
    """The share of these that was answered from the cache, each asked in turn."""
    answers = [asked(address, path) for path in paths]
    check({status for status, _ in answers} == {200}, "every question is answered")
    found = [bool(orjson.loads(body)["metadata"]["from_cache"]) for _, body in answers]
    return sum(found) / len(found)
