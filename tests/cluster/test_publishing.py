"""Generations come, go and come back while questions are asked: no answer fails, none is of two generations."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, Kube, Resource
from tests.cluster.load import History, Load
from tests.cluster.load.held import STEADY_SECONDS
from tests.cluster.processes import memory_of
from tests.cluster.results import CHAOS

REBUILDS = 20 if CHAOS else 3
RETAIN = 50  # a replay needs every generation
SERVER = "clockifyrag_service"
# Builder, new pods, Kubernetes and who asks share two cores here: docs/reliability.md tells what is missed of less.
SWAP_P99_SECONDS_MAX = 0.5
MEMORY_GROWTH_MAX = 1.3  # of a server after the last change to one after the first, at the same load


@dataclass
class Swaps:
    """Generations that were published one after the other, and when pods changed over to each."""

    resource: Resource
    published: list[str]
    times: list[tuple[float, float]] = field(default_factory=list)

    def to(self, max_chars: int) -> None:
        """Changes how articles are cut, and returns once all pods serve the generation that this asks for."""
        self.resource.change({"chunking": {"maxChars": max_chars}})
        before = self.published[-1]
        self.resource.wait(lambda: self.resource.generation != before, f"a generation of {max_chars} characters")
        begin = time.time()
        self.published.append(self.resource.wait_other_generation(before))
        self.times.append((begin, time.time()))

    def during(self, history: History) -> History:
        """What was asked while pods changed over."""
        return History([answer for begin, end in self.times for answer in history.between(begin, end).answers])


@pytest.mark.parametrize("update", ["Rolling", pytest.param("HotSwap", marks=pytest.mark.smoke)])
def test_rebuilds_back_to_back_fail_no_question_and_mix_no_generations(place: Kube, update: str) -> None:
    """Given questions, when one generation follows the other and old ones return, then each answer is of one."""
    index = {"index": {"retain": RETAIN}}
    help_center = place.resource().create(LOCAL | index | {"search": {**LOCAL["search"], "indexUpdate": update}})
    swaps = Swaps(help_center, [help_center.wait_ready().generation])
    sizes = [570 - 10 * step for step in range(REBUILDS)]  # the sample is cut otherwise by each

    with Load(help_center.url, f"publishing-{update}") as load:
        begin = time.time()
        swaps.to(sizes[0])
        memory = memory_of(help_center, SERVER)  # one change was seen: what each further one adds is growth
        for size in sizes[1:]:
            swaps.to(size)
        jobs = job_names(place)
        swaps.to(sizes[-2])
        swaps.to(sizes[-1])
        again, full = job_names(place), memory_of(help_center, SERVER)
    history = load.history
    grown = [round(after / before, 2) for before, after in zip(memory, full, strict=True)]

    assert [] == history.problems(help_center.volume, swaps.published)
    assert set(swaps.published) == history.generations, "each was served"
    assert REBUILDS + 1 == len(set(swaps.published)), "each size of chunks is a generation"
    if update == "HotSwap":  # by Rolling, pods on their way out answer for some seconds
        settled = history.between(swaps.times[-1][1], time.time())
        assert {swaps.published[-1]} == settled.generations, "where all pods serve it, nobody is told of another"
    assert jobs == again, "what is on the volume is not built again"
    steady, swapping = history.between(begin - STEADY_SECONDS, begin), swaps.during(history)
    assert swapping.quantile(0.99) < SWAP_P99_SECONDS_MAX
    assert max(grown) < MEMORY_GROWTH_MAX
    results.keep(
        f"publishing-{update}", "R4, T15", fault=f"{REBUILDS} rebuilds, then back and forth, {update}", load="25/s",
        **history.summary(
            p99_steady_ms=round(steady.quantile(0.99) * 1000, 1),
            p99_swaps_ms=round(swapping.quantile(0.99) * 1000, 1),
            swap_seconds=[round(end - begin, 1) for begin, end in swaps.times],
            memory_last_by_first=grown,
        ),
    )  # fmt: skip


def job_names(kube: Kube) -> set[str]:
    return {job["metadata"]["name"] for job in kube.all("jobs")}
