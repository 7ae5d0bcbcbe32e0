"""It lasts: memory, open files and threads of what keeps running, through rebuilds and killed pods."""

from __future__ import annotations

import math
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, OPERATOR, Kube, Manifest, Resource
from tests.cluster.load import Load
from tests.cluster.processes import memory_bytes, processes_of
from tools.cluster.record import Process

PACE = 6  # times that of two hours: twenty minutes hold as many rebuilds and killed pods
SECONDS = 7200 / PACE
REBUILD_EVERY, KILL_EVERY, LOOK_EVERY = 300 / PACE, 600 / PACE, 10.0
WARM_PART = 0.25  # of the time: caches and allocators fill
SLOPE_MAX = 1.0  # MiB in an hour at the ordinary pace
RETAIN = 3
SIZE = 570  # of the first chunks; ten less is another index
PROGRAMS = {"search": "clockifyrag_service", "store": "clockifyrag index serve", "operator": "clockifyrag_operator"}
MIB = 2**20


@dataclass
class Watched:
    """A process, and what it held at each look: seconds, memory in bytes, open files, threads."""

    process: Process
    seen: list[tuple[float, int, int, int]] = field(default_factory=list)

    def look(self, at: float) -> None:
        folder = Path(f"/proc/{self.process.pid}")
        files, threads = (sum(1 for _ in (folder / part).iterdir()) for part in ("fd", "task"))
        self.seen.append((at, memory_bytes(self.process), files, threads))

    def settled(self) -> list[tuple[float, int, int, int]]:
        return [one for one in self.seen if one[0] >= WARM_PART * SECONDS]

    def slope(self) -> tuple[float, float]:
        """MiB an hour at the ordinary pace, and half the width of its 95 % interval."""
        seen = self.settled()
        slope, half = slope_of([at * PACE / 3600 for at, *_ in seen], [memory / MIB for _, memory, *_ in seen])
        return round(slope, 2), round(half, 2)

    def growth(self, column: int) -> float:
        """What the last half of open files (2) or threads (3) has more than the first, by the median."""
        values = [one[column] for one in self.settled()]
        middle = len(values) // 2
        return statistics.median(values[middle:]) - statistics.median(values[:middle])


def slope_of(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """The least-squares slope of y over x, and 1.96 of its standard errors."""
    fit = statistics.linear_regression(x, y)
    errors = sum((b - fit.slope * a - fit.intercept) ** 2 for a, b in zip(x, y, strict=True))
    width = math.sqrt(errors / (len(x) - 2) / (statistics.variance(x) * (len(x) - 1)))
    return fit.slope, 1.96 * width


@pytest.mark.chaos
def test_through_hours_of_rebuilds_and_killed_pods_nothing_grows(place: Kube, installed: Kube, tmp_path: Path) -> None:
    """Given questions, when indexes and pods are replaced for as long as two hours hold, then nothing grows for good.

    Of two search pods one is killed again and again; the other one, the store and the operators live throughout. The
    judge replays generations from copies, as most of them are gone in the end.
    """
    index = {"index": {"retain": RETAIN}}
    help_center = place.resource().create(LOCAL | index | {"search": {**LOCAL["search"], "indexUpdate": "HotSwap"}})
    published = [help_center.wait_ready().generation]
    kept = help_center.ready_pods[0]
    watched = watched_processes(help_center, installed, kept)

    with Load(help_center.url, "soak") as load:
        begin, rebuilds, kills, full = time.time(), 0, 0, 0
        while (passed := time.time() - begin) < SECONDS:
            if passed >= rebuilds * REBUILD_EVERY:
                help_center.change({"chunking": {"maxChars": SIZE - 10 * rebuilds}})
                rebuilds += 1
            if passed >= kills * KILL_EVERY:
                kill_other(help_center, kept)
                kills += 1
            for one in watched.values():
                one.look(time.time() - begin)
            published += [one for one in help_center.built if one not in published]
            copy_new(help_center.volume / "generations", tmp_path / "generations")
            full = max(full, sum(1 for _ in (help_center.volume / "generations").glob("gen-*")))
            load.wait(LOOK_EVERY)
        help_center.wait_ready()
        published += [one for one in help_center.built if one not in published]
    copy_new(help_center.volume / "generations", tmp_path / "generations")
    history = load.history
    slopes = {name: one.slope() for name, one in watched.items()}

    assert [] == history.problems(tmp_path, published)
    assert len(history.generations) >= rebuilds, "one after the other was served"
    assert [] == [
        f"{name}: {slope} ± {half} MiB/h" for name, (slope, half) in slopes.items() if slope - half > SLOPE_MAX
    ]
    assert [] == [name for name, one in watched.items() if one.growth(2) > 2 or one.growth(3) > 2]
    assert full <= RETAIN + 2, "the volume holds what is retained, what is built and what is let go"
    results.keep(
        "soak", "R29", fault=f"{rebuilds} rebuilds, {kills} pods killed in {SECONDS:.0f} s", load="25/s",
        **history.summary(mib_an_hour={name: f"{slope} ± {half}" for name, (slope, half) in slopes.items()},
                          generations_on_the_volume=full),
    )  # fmt: skip


def copy_new(generations: Path, copies: Path) -> None:
    """Copies those that were not copied before: an old one may go meanwhile, a new one stays for some rebuilds."""
    for folder in generations.glob("gen-????????????"):
        if not (copies / folder.name).exists():
            shutil.copytree(folder, copies / folder.name)


def watched_processes(resource: Resource, installed: Kube, search: Manifest) -> dict[str, Watched]:
    """One of each program that is to live throughout."""
    (store,) = resource.kube.pods("store")
    operator = installed.all("pods", OPERATOR)[0]
    pods = {"search": search, "store": store, "operator": operator}
    found = {name: processes_of(installed.cluster, pod, PROGRAMS[name]) for name, pod in pods.items()}
    assert all(len(processes) == 1 for processes in found.values()), found
    return {name: Watched(processes[0]) for name, processes in found.items()}


def kill_other(resource: Resource, kept: Manifest) -> None:
    for pod in resource.ready_pods:
        if pod["metadata"]["name"] != kept["metadata"]["name"]:
            resource.kube.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
