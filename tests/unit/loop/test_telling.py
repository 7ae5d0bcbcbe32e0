"""Events: what a pass changed in the status is told once, whatever else of the pass was not done."""

from __future__ import annotations

from aiohttp import web
from tests.unit.loop.clusters import cluster_at
from tests.unit.loop.served import beside

from clockifyrag_operator import names
from clockifyrag_operator.decision import Event, Plan
from clockifyrag_operator.errors import PassIncomplete
from clockifyrag_operator.observed import Manifest, Wanted

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
        async with cluster_at(host, port, RESOURCE) as cluster:
            for _ in range(passes):
                try:
                    await cluster.carry_out(WANTED, plan)
                    raise AssertionError("a part failed, and nobody said so")
                except PassIncomplete:
                    pass
        return server.events

    return beside(server.answer, carried_out)


def test_a_change_of_the_status_is_told_though_a_child_could_not_be_written() -> None:
    assert [READY.reason] == told(ApiServer("/deployments/"), passes=1)


def test_it_is_told_once_however_often_the_pass_is_repeated() -> None:
    assert [READY.reason] == told(ApiServer("/deployments/"), passes=3)


def test_what_the_status_does_not_say_is_not_told() -> None:
    assert [] == told(ApiServer("/status"), passes=1)
