"""Operator: two hundred resources from nothing, the floor a client that only creates the same objects, and rest.

    floor     an asynchronous client applies, resource by resource, the objects the operator made
    operator  `python -m clockifyrag_operator` makes them, with a status each

Both against a real API server over a real etcd on this machine, which they share it with: no kubelet, no controllers.
"""

import statistics
from collections.abc import Iterator
from functools import partial

from bench.comparison import Bar, Comparison, Side
from bench.control_plane import cluster
from bench.errors import check
from bench.harness import Bench, Measured

RESOURCES = 200
EDITS = 40
REST_SECONDS = 60.0
STATUS_WRITES_MAX = 3


def measure(bench: Bench) -> Iterator[Comparison]:
    """Each round has a control plane of its own: both sides of it find an empty one, and the same one."""
    rounds = [round_of(bench, number) for number in range(bench.rounds)]
    remark = f"{RESOURCES} resources, {rounds[0]['objects']:.0f} objects; both beside the API server on two cores"
    side = partial(side_of, rounds)
    yield Comparison(
        "operator-burst",
        "Resources from nothing, in one burst, by a client that only creates their objects",
        side("operator", "s", "all observed, every object there"),
        side("floor", "s", "the same objects, created alone"),
        Bar("≤", 2.5, 1.5),
        remark,
        "G18",
    )
    yield Comparison(
        "operator-last-status",
        "The last resource's status in that burst",
        side("last_status", "s", "by the audit log"),
        goal="G18",
    )
    yield Comparison(
        "operator-calls",
        "Requests a resource in that burst",
        side("calls", "requests", "of every verb, watches aside"),
        remark=f"{rounds[-1]['applies']:.3g} applies an object, {rounds[-1]['statuses']:.3g} status writes a resource",
        goal="G18",
    )
    yield Comparison(
        "operator-edit",
        f"A spec edit to the first write of a child, at {RESOURCES} resources",
        side("edit_p99", "ms", f"slowest but 1 % of {EDITS}"),
        remark=f"median {rounds[-1]['edit_median']:.3g} ms",
        goal="G20",
    )
    yield Comparison(
        "operator-idle",
        "Processor time at rest",
        side("idle_percent", "% of a core", "no write but Leases"),
        goal="G19",
    )
    yield Comparison(
        "operator-restart", "A restarted operator, to ready", side("restart", "s", "no child is written"), goal="G19"
    )
    yield Comparison(
        "operator-memory", f"Memory with {RESOURCES} resources", side("rss_mb", "MB", "resident"), goal="G19"
    )


def side_of(rounds: list[Measured], key: str, unit: str, name: str) -> Side:
    return Side(name, unit, tuple(one[key] for one in rounds))


def round_of(bench: Bench, number: int) -> Measured:
    """One burst and its floor, then edits, rest and a restart of the same operator."""
    bench.say(f"round {number + 1} of {bench.rounds}: {RESOURCES} resources")
    with cluster() as running:
        operator = running.started_operator()
        burst = running.burst(RESOURCES)
        check(burst["statuses"] <= STATUS_WRITES_MAX, f"{burst['statuses']} status writes a resource")
        floor = running.floor(RESOURCES)
        edits = running.edits(EDITS)
        rest = running.rest(operator, REST_SECONDS)
        check(rest["writes"] == 0, f"{rest['writes']:.0f} writes in {REST_SECONDS:.0f} s of rest")
        restart = running.restarted(operator)
        check(restart["writes"] == 0, f"{restart['writes']:.0f} writes after a restart")
        return {**burst, **floor, **edit_figures(edits), **rest, "restart": restart["seconds"]}


def edit_figures(milliseconds: list[float]) -> Measured:
    """p99 as the slowest but one in a hundred: of fewer than a hundred edits, the slowest."""
    ordered = sorted(milliseconds)
    slowest = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return {"edit_p99": slowest, "edit_median": statistics.median(ordered)}
