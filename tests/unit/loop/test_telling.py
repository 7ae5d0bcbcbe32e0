"""Events: what a pass changed in the status is told once, whatever else of the pass was not done."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator import names
from clockifyrag_operator.cache import Cache
from clockifyrag_operator.client import Client
from clockifyrag_operator.cluster import Cluster
from clockifyrag_operator.config_maps import ConfigMaps
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.decision import Event, Plan
from clockifyrag_operator.errors import PassIncomplete
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pods import Pods
from clockifyrag_operator.telling import Events

ABOUT: Manifest = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG"}
RESOURCE: Manifest = {**ABOUT, "metadata": {"name": "help", "namespace": "team", "uid": "u", "resourceVersion": "1"}}
WANTED = Wanted("team", "help", "u", 1, {}, None)
READY = Event("Normal", "ReadyServing", "2 ready serve gen-0123456789ab")
DEPLOYMENT: Manifest = {
    "apiVersion": "apps/v1", "kind": "Deployment", "spec": {},
    "metadata": {"name": names.search("help"), "namespace": "team"},
}  # fmt: skip


class ApiServer:
    """Takes events, and what is not among the parts that fail."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.events: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        if any(part in request.path for part in self.failing):
            return web.json_response({"kind": "Status", "message": "not now"}, status=500)
        if request.path.endswith("/events"):
            self.events.append((await request.json())["reason"])
            return web.json_response({"kind": "Event", "metadata": {"name": "e", "namespace": "team"}}, status=201)
        return web.json_response({**RESOURCE, "status": {"observedGeneration": 1}})


def told(server: ApiServer, passes: int) -> list[str]:
    """The reasons of the events of so many passes that carry out one plan, which a failing part leaves incomplete."""
    plan = Plan(ledger=None, apply=(DEPLOYMENT,), status={"observedGeneration": 1}, events=(READY,))

    async def carried_out(host: str, port: int) -> list[str]:
        options: dict[str, Any] = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True}
        client = Client(Access(f"http://{host}:{port}", token_text="secret"), Metrics(), **options)
        cache = Cache()
        cache.put(RESOURCE)
        cluster = Cluster(
            client, cache, Memory(Metrics()), pods=Pods(1.0), config_maps=ConfigMaps(client, 1.0),
            events=Events(client, "one"),
        )  # fmt: skip
        try:
            for _ in range(passes):
                try:
                    await cluster.carry_out(WANTED, plan)
                    raise AssertionError("a part failed, and nobody said so")
                except PassIncomplete:
                    pass
        finally:
            await client.close()
        return server.events

    return beside(server.answer, carried_out)


def test_a_change_of_the_status_is_told_though_a_child_could_not_be_written() -> None:
    assert [READY.reason] == told(ApiServer("/deployments/"), passes=1)


def test_it_is_told_once_however_often_the_pass_is_repeated() -> None:
    assert [READY.reason] == told(ApiServer("/deployments/"), passes=3)


def test_what_the_status_does_not_say_is_not_told() -> None:
    assert [] == told(ApiServer("/status"), passes=1)
