"""Passes that go wrong: by a mistake of the operator, or because a child is refused."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from aiohttp import web
from pages import page
from tests.unit.loop.clusters import cluster_at
from tests.unit.loop.served import Answer, beside

from clockifyrag_operator.cache import Cache, Key
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.logs import JsonLines
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.queue import WorkQueue
from clockifyrag_operator.reconcile import Planner, Reconciler
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.conditions import ConditionType

KEY = ("team", "help")
OWNER = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "name": "help", "uid": "u", "controller": True}
T = TypeVar("T")
RESOURCE: Manifest = {
    "apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG",
    "metadata": {"name": "help", "namespace": "team", "uid": "u", "resourceVersion": "1", "generation": 2},
    "spec": {"source": {"sample": {}}},
    "status": {
        "observedGeneration": 1, "url": "http://help-search.team.svc",
        "conditions": [{"type": "Ready", "status": "True", "reason": "Serving", "message": "all is well"}],
    },
}  # fmt: skip


def stumbles(*_: object) -> Plan:
    raise ValueError("Port out of range 0-65535")


def says_what_no_json_holds(wanted: Wanted, seen: Observed, settings: Settings) -> Plan:
    return Plan(ledger=None, status={**wanted.status, "url": "caf\udce9"})


Deed = Callable[[Reconciler, WorkQueue[Key], Cache], Awaitable[T]]


def reconciling(answer: Answer, planner: Planner, deed: Deed[T], backoff_seconds: float = 60.0) -> T:
    """What `deed` gives of a reconciler of the resource, whose API server answers so."""

    async def begun(host: str, port: int) -> T:
        memory, queue = Memory(Metrics(), backoff_seconds, 120.0), WorkQueue[Key](60.0, 120.0)
        async with cluster_at(host, port, RESOURCE, memory) as cluster:
            return await deed(Reconciler(cluster, queue, planner, Settings(), Metrics()), queue, cluster.cache)

    return beside(answer, begun)


def told_after_a_pass(planner: Planner) -> dict[str, Any]:
    """The status that was written in a pass of that planner, which ends by its mistake."""
    written: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        written.append((await request.json())["status"])
        return web.json_response({**RESOURCE, "status": written[-1]})

    async def passed(reconciler: Reconciler, _queue: WorkQueue[Key], _cache: Cache) -> None:
        with pytest.raises((ValueError, TypeError)):
            await reconciler.reconcile(KEY)

    reconciling(answer, planner, passed)
    (told,) = written
    return told


@pytest.mark.parametrize("planner", [stumbles, says_what_no_json_holds])
def test_where_the_operator_fails_no_condition_is_claimed_to_hold(planner: Planner) -> None:
    told = told_after_a_pass(planner)

    assert set(ConditionType) == {one["type"] for one in told["conditions"]}
    assert {("Unknown", "NotJudged", 2)} == {
        (one["status"], one["reason"], one["observedGeneration"]) for one in told["conditions"]
    }
    assert "the operator failed on this resource" in told["conditions"][0]["message"]
    assert (1, "http://help-search.team.svc") == (told["observedGeneration"], told["url"])


def takes_too_long(*_: object) -> Plan:
    raise TimeoutError


def test_each_pass_that_fails_is_logged_with_its_reason_where_the_runbook_looks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    command = page("docs/runbooks.md").path.read_text().partition("## ClockifyRAGOperatorReconcileFailing")[2]
    (looked_for,) = re.findall(r"grep -E '(.*)'", command.partition("\n## ")[0])

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    async def failed(reconciler: Reconciler, queue: WorkQueue[Key], _cache: Cache) -> None:
        working = asyncio.create_task(reconciler.work())
        queue.add(KEY)
        while not caplog.records:
            await asyncio.sleep(0.005)
        working.cancel()

    reconciling(answer, takes_too_long, failed)

    line = JsonLines().format(caplog.records[0])
    told = json.loads(line)
    assert ("failed: the pass took too long", "help") == (told["message"], told["resource"])
    assert re.search(looked_for, line)


class RefusesBudgets:
    """An API server whose policy refuses PodDisruptionBudgets, and that counts what is asked of it."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.Response:
        kind = "budget" if "poddisruptionbudgets" in request.path else "service"
        self.asked[kind] += 1
        if kind == "budget":
            status = {"kind": "Status", "reason": "Invalid", "message": "denied by the policy of this cluster"}
            return web.json_response(status, status=422)
        body = await request.json()
        metadata = body["metadata"] | {"uid": "s", "resourceVersion": str(self.asked[kind])}
        return web.json_response(body | {"metadata": metadata}, status=201)


def child(kind: str, version: str, **spec: Any) -> Manifest:
    metadata = {"name": f"help-{kind.lower()}", "namespace": "team", "ownerReferences": [OWNER]}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def test_what_is_refused_for_good_holds_up_nothing_else_and_is_not_asked_for_with_each_look() -> None:
    server, looks = RefusesBudgets(), iter(range(100))

    def planner(*_: object) -> Plan:
        ports = [{"port": 80 + next(looks)}]  # what each look sees asks for another Service
        applied = (child("PodDisruptionBudget", "policy/v1", maxUnavailable=1), child("Service", "v1", ports=ports))
        return Plan(ledger=None, apply=applied)

    async def looked(reconciler: Reconciler, queue: WorkQueue[Key], cache: Cache) -> list[Counter[str]]:
        told, working = [], asyncio.create_task(reconciler.work())
        for number in (1, 2, 3):
            if number == 3:  # its author changed it
                metadata = RESOURCE["metadata"] | {"generation": 3, "resourceVersion": "2"}
                cache.put({**RESOURCE, "metadata": metadata})
            queue.add(KEY)  # as an event does
            while server.asked["service"] < number:
                await asyncio.sleep(0.005)
            told.append(Counter(server.asked))
        working.cancel()
        return told

    first, second, third = reconciling(server.answer, planner, looked)

    assert {"budget": 1, "service": 1} == first
    assert {"budget": 1, "service": 2} == second
    assert {"budget": 2, "service": 3} == third


def test_what_was_refused_and_is_not_wanted_any_more_makes_no_pass_follow_the_other() -> None:
    server, looks = RefusesBudgets(), itertools.count()

    def planner(*_: object) -> Plan:
        budget = child("PodDisruptionBudget", "policy/v1", maxUnavailable=1)
        if next(looks):  # the first look wants it under another name
            budget["metadata"]["name"] = "help-other"
        return Plan(ledger=None, apply=(budget,))

    async def looked(reconciler: Reconciler, queue: WorkQueue[Key], _cache: Cache) -> None:
        working = asyncio.create_task(reconciler.work())
        queue.add(KEY)
        while server.asked["budget"] < 5:
            await asyncio.sleep(0.005)
        working.cancel()

    reconciling(server.answer, planner, looked, backoff_seconds=0.02)

    assert next(looks) <= 12, "each write that is due is asked for in one pass, and in no pass nothing"
