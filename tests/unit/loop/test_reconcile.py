"""A pass that ends by a mistake of the operator: its author is told that nobody judges the resource any more."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator.cache import Cache, Key
from clockifyrag_operator.client import Client
from clockifyrag_operator.cluster import Cluster
from clockifyrag_operator.config_maps import ConfigMaps
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.pods import Pods
from clockifyrag_operator.queue import WorkQueue
from clockifyrag_operator.reconcile import Planner, Reconciler
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.telling import Events
from clockifyrag_resource.conditions import ConditionType

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


def told_after_a_pass(planner: Planner) -> dict[str, Any]:
    """The status that was written in a pass of that planner, which ends by its mistake."""
    written: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        written.append((await request.json())["status"])
        return web.json_response({**RESOURCE, "status": written[-1]})

    async def passed(host: str, port: int) -> None:
        options: dict[str, Any] = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True}
        metrics, cache = Metrics(), Cache()
        client = Client(Access(f"http://{host}:{port}", token_text="secret"), metrics, **options)
        cache.put(RESOURCE)
        cluster = Cluster(
            client, cache, Memory(metrics), pods=Pods(1.0), config_maps=ConfigMaps(client, 1.0),
            events=Events(client, "operator"),
        )  # fmt: skip
        queue = WorkQueue[Key](1.0, 120.0)
        reconciler = Reconciler(cluster, queue, planner, Settings(), metrics)
        with pytest.raises((ValueError, TypeError)):
            await reconciler.reconcile(("team", "help"))
        await client.close()

    beside(answer, passed)
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
