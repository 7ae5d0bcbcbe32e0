"""What was asked and answered, and the judge of it."""

from __future__ import annotations

import heapq
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
from tests.cluster.load.client import fingerprint, questions
from tests.ports import free_port
from tests.waiting import wait_until

START_SECONDS = 30.0
SHOWN = 12  # failures of each kind in a message


@dataclass(frozen=True)
class Answer:
    """One question and what came of it; status 0 is no answer."""

    number: int
    question: int
    at: float  # seconds since 1970
    seconds: float
    status: int
    error: str = ""
    retry_after: str = ""  # of a refusal
    generation: str = ""
    pod: str = ""
    degraded: Sequence[str] = ()
    fingerprint: str = ""


@dataclass(frozen=True)
class History:
    """Every question of a load, in the order they were answered."""

    answers: Sequence[Answer]

    @classmethod
    def read(cls, file: Path) -> History:
        """Whole lines only: the last one may still be written."""
        lines = file.read_text().split("\n")[:-1]
        return cls([Answer(**json.loads(line)) for line in lines])

    @cached_property
    def good(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == 200]

    @property
    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status != 200]

    @property
    def generations(self) -> set[str]:
        return {answer.generation for answer in self.good}

    @property
    def pods(self) -> set[str]:
        return {answer.pod for answer in self.good}

    def quantile(self, part: float) -> float:
        """Seconds within which so large a part was answered."""
        return statistics.quantiles((answer.seconds for answer in self.good), n=1000)[round(part * 1000) - 1]

    def between(self, begin: float, end: float) -> History:
        """Those asked in a time, in seconds since 1970."""
        return History([answer for answer in self.answers if begin <= answer.at < end])

    def out_of_turn(self, published: Sequence[str]) -> list[Answer]:
        """Answers from an older generation than one that the same pod had answered from before they were asked.

        `published` may name one several times: where an old one was returned to.
        """
        late, told = list[Answer](), dict[str, list[tuple[float, int]]]()  # by pod: when its answers were there, and
        reached = Counter[str]()  # which place in `published` they are from; the latest of those that were there
        for one in sorted(self.good, key=lambda one: one.at):
            waiting = told.setdefault(one.pod, [])
            while waiting and waiting[0][0] <= one.at:
                reached[one.pod] = max(reached[one.pod], heapq.heappop(waiting)[1])
            if one.generation in published[reached[one.pod] :]:
                heapq.heappush(waiting, (one.at + one.seconds, published.index(one.generation, reached[one.pod])))
            elif one.generation in published:
                late.append(one)
        return late

    def problems(
        self,
        volume: Path,
        published: Collection[str],
        failures: int = 0,
        degraded: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> list[str]:
        """What must not have been: failed requests, answers of no published generation, answers unlike a replay.

        Where `published` is a sequence, in the order they were published, also answers older than what their pod told
        before. `failures` and `degraded` are how many the fault is allowed; `settings` are those of the pods, where it
        matters.
        """
        found = []
        if len(self.failures) > failures:
            kinds = Counter(f"{one.status} {one.error}" for one in self.failures)
            begin = min(one.at for one in self.answers)
            first, last = (round(end(one.at for one in self.failures) - begin, 1) for end in (min, max))
            when = f"asked {first} to {last} s after the first of {len(self.answers)}"
            found.append(f"{len(self.failures)} failed, {when}: {kinds.most_common(SHOWN)}")
        poorer = [answer for answer in self.good if answer.degraded]
        if len(poorer) > degraded:
            found.append(f"{len(poorer)} are degraded: {Counter(str(one.degraded) for one in poorer)}")
        if strangers := self.generations - set(published):
            found.append(f"answers from {strangers}, published were {sorted(published)}")
        if isinstance(published, Sequence) and (late := self.out_of_turn(published)):
            found.append(f"{len(late)} are older than what their pod told before: {late[:SHOWN]}")
        for generation in sorted(self.generations & set(published)):
            wanted = replay(volume, generation, settings or {})
            wrong = [one for one in self.good if one.generation == generation and not one.degraded
                     and one.fingerprint != wanted[one.question]]  # fmt: skip
            if wrong:
                found.append(f"{len(wrong)} answers are not those of {generation}: {wrong[:SHOWN]}")
        return found

    def summary(self, **more: object) -> dict[str, object]:
        """A row of the table of results."""
        return {
            "requests": len(self.answers), "failures": len(self.failures), "generations": len(self.generations),
            "pods": len(self.pods), "p50_ms": round(self.quantile(0.5) * 1000, 1),
            "p99_ms": round(self.quantile(0.99) * 1000, 1), **more,
        }  # fmt: skip


def replay(volume: Path, generation: str, more: Mapping[str, str]) -> list[str]:
    """The fingerprint of each question's answer, from a service of its own on the files of the volume."""
    port = free_port()
    settings = {
        **more,
        "INDEX_ROOT": str(volume),
        "GENERATION": generation,
        "API_PORT": str(port),
        "PROFILE": "production",
    }
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | settings | dict(more)
    command = [sys.executable, "-m", "clockifyrag_service"]
    process = subprocess.Popen(command, env=environment | {"API_HOST": "127.0.0.1"}, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            wait_until(lambda: answers(client), START_SECONDS, f"a service on {generation} is ready")
            return [fingerprint(client.get("/search", params={"q": one}).json()) for one in questions()]
    finally:
        process.kill()
        process.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False
