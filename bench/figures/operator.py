"""Operator: two hundred resources from nothing, the floor a client that only creates the same objects, and rest.

    floor     an asynchronous client applies, resource by resource, the objects the operator made
    operator  `python -m clockifyrag_operator` makes them, with a status each, as it is shipped (control_plane.py)

Both against a real API server over a real etcd on this machine, which they share it with: no kubelet, no controllers.
How soon silent watches are noticed is tried by tests/apiserver/faults/test_missed_events.py at the real times.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.comparison import Bar, Comparison, Side
from bench.control_plane import cluster
from bench.errors import check
from bench.harness import Bench, Measured
from bench.processes import resident_bytes

RESOURCES = 200
EDITS = 100
REST_SECONDS = 600.0  # in which everything is listed and looked at twice


@dataclass(frozen=True, slots=True)
class Absolute:
    """A figure that is a number of its own, judged by one of its unit."""

    id: str
    goal: str
    title: str
    key: str  # of what a round measured
    unit: str
    name: str
    one: str
    bar: Bar
    remark: str = ""

    def comparison(self, rounds: Sequence[Measured]) -> Comparison:
        """Of the rounds that measured it."""
        values = tuple(one[self.key] for one in rounds if self.key in one)
        reference = Side(self.one, self.unit, (1.0,) * len(values))
        return Comparison(
            self.id, self.title, Side(self.name, self.unit, values), reference, self.bar, self.remark, self.goal
        )


def measure(bench: Bench) -> Iterator[Comparison]:
    """Each round has a control plane of its own: both sides of it find an empty one, and the same one."""
    measured = [round_of(bench, number) for number in range(bench.rounds)]
    rounds, changed_again = [one for one, _ in measured], measured[-1][1]
    remark = f"{RESOURCES} resources, {rounds[0]['objects']:.0f} objects; both beside the API server on two cores"
    yield Comparison(
        "operator-burst",
        "Resources from nothing, in one burst, by a client that only creates their objects",
        Side("all observed, every object there", "s", tuple(one["operator"] for one in rounds)),
        Side("the same objects, created alone", "s", tuple(one["floor"] for one in rounds)),
        Bar("≤", 2.5, 1.5),
        remark,
        "G18",
    )
    yield Comparison(
        "operator-calls",
        "Requests a resource in that burst",
        Side("of every verb, watches aside", "requests", tuple(one["calls"] for one in rounds)),
        goal="G18",
    )
    median = f"median {rounds[-1]['edit_median']:.3g} ms"
    for figure in absolutes(f"changed more than once: {changed_again or 'nothing'}", median):
        yield figure.comparison(rounds)


def absolutes(changed_again: str, edit_median: str) -> tuple[Absolute, ...]:
    """What G18 to G20 ask for besides, each with its bar."""
    rest = f"in {REST_SECONDS / 60:.0f} minutes of the last round; no write but Leases"
    return (
        Absolute("operator-last-status", "G18", "The last resource's status in that burst",
                 "last_status", "s", "by the audit log", "one second", Bar("≤", 30, 15)),
        Absolute("operator-applies", "G18", "Writes for each change of an object in that burst",
                 "applies", "writes", "by audit log and etcd", "one a change", Bar("≤", 1), changed_again),
        Absolute("operator-statuses", "G18", "Status writes a resource in that burst",
                 "statuses", "writes", "by the audit log", "one write", Bar("≤", 3)),
        Absolute("operator-idle", "G19", f"Processor time at rest, with {RESOURCES} resources",
                 "idle_percent", "% of a core", rest, "one percent", Bar("≤", 1)),
        Absolute("operator-restart", "G19", "A restarted operator, to ready",
                 "restart", "s", "no child is written", "one second", Bar("≤", 10)),
        Absolute("operator-memory", "G19", f"Memory with {RESOURCES} resources",
                 "rss_mb", "MB", "resident", "one MB", Bar("≤", 150, 110)),
        Absolute("operator-edit", "G20", f"A spec edit to the first write of a child, at {RESOURCES} resources",
                 "edit_p99", "ms", f"slowest but 1 % of {EDITS}", "one millisecond", Bar("≤", 300, 100), edit_median),
    )  # fmt: skip


def round_of(bench: Bench, number: int) -> tuple[Measured, str]:
    """One burst and its floor, then edits and a restart of the same operator, in the last round after a rest.

    The text tells what was changed more than once in the burst.
    """
    bench.say(f"round {number + 1} of {bench.rounds}: {RESOURCES} resources")
    with cluster() as running:
        operator = running.started_operator()
        burst, changed_again = running.burst(RESOURCES)
        floor = running.floor(RESOURCES)
        edits = running.edits(EDITS)
        rest: Measured = {}
        if number == bench.rounds - 1:
            rest = running.rest(operator, REST_SECONDS)
            check(rest["writes"] == 0, f"{rest['writes']:.0f} writes in {REST_SECONDS:.0f} s of rest")
        memory = resident_bytes(operator) / 1e6
        restart = running.restarted(operator)
        check(restart["writes"] == 0, f"{restart['writes']:.0f} writes after a restart")
        told = {**burst, **floor, **edit_figures(edits), **rest, "rss_mb": memory, "restart": restart["seconds"]}
        return told, changed_again


def edit_figures(milliseconds: list[float]) -> Measured:
    """p99 as the slowest but one in a hundred: of fewer than a hundred edits, the slowest."""
    ordered = sorted(milliseconds)
    slowest = ordered[math.ceil(0.99 * len(ordered)) - 1]
    return {"edit_p99": slowest, "edit_median": statistics.median(ordered)}
