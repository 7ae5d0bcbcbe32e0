"""Leading: what the process goes on with, and what it says of itself, where a part of the cluster cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator.__main__ import Process
from clockifyrag_operator.client import Client
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.errors import NotFound, Refused
from clockifyrag_operator.leading import Leader
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.namespaces import Namespaces
from clockifyrag_operator.settings import Settings

INACTIVITY_SECONDS = 0.05


class ApiServer:
    """One that keeps a lease, and knows nothing of our CRD."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/openapi/v3":
            return web.json_response({"paths": {}})
        if "/leases" not in request.path or (request.method == "GET" and self.lease is None):
            return web.json_response({"message": "not found"}, status=404)
        if request.method != "GET":
            self.lease = await request.json()
            self.lease["metadata"]["resourceVersion"] = str(int(self.lease["metadata"].get("resourceVersion", 0)) + 1)
        return web.json_response(self.lease)


@pytest.mark.parametrize("namespaces", [(), ("one",), ("one", "two")], ids=["all", "one", "several"])
def test_a_leader_that_waits_for_the_crd_says_so_and_is_not_taken_for_deaf(namespaces: tuple[str, ...]) -> None:
    async def led(host: str, port: int) -> tuple[float, float, str | None]:
        settings = Settings(
            api_host=host, api_port=0, inactivity_seconds=INACTIVITY_SECONDS, watch_namespaces=namespaces
        )
        access = Access(f"http://{host}:{port}", token_text="secret")
        process, stop = Process(settings, access, lambda *_: Plan(ledger=None)), asyncio.Event()
        running = asyncio.create_task(process.run(stop))
        while process.metrics.leader._value.get() == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(10 * INACTIVITY_SECONDS)
        metrics = process.metrics
        told = metrics.leader._value.get(), metrics.schema_problem._value.get(), process.problem()
        stop.set()
        await running
        return told

    assert (1, 1, None) == beside(ApiServer().answer, led)


@pytest.mark.parametrize("namespaces", [(), ("one",), ("one", "two")], ids=["all", "one", "several"])
def test_a_crd_that_goes_while_its_resources_are_watched_is_told(namespaces: tuple[str, ...]) -> None:
    async def discovered(host: str, port: int) -> float:
        access, metrics = Access(f"http://{host}:{port}", token_text="secret"), Metrics()
        client = Client(access, metrics, request_seconds=5.0, writes_per_second=1000.0, may_write=lambda: True)
        settings = Settings(watch_namespaces=namespaces)
        leader = Leader(client, access, settings, metrics, lambda *_: Plan(ledger=None), "here")
        with suppress(NotFound):  # of the resources themselves
            await leader._discover()
        await client.close()
        return metrics.schema_problem._value.get()

    assert 1 == beside(ApiServer().answer, discovered)


class Rights:
    """An API server that lists resources in some namespaces, and refuses it in the others."""

    def __init__(self, *namespaces: str) -> None:
        self.given = set(namespaces)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.split("/")[5] in self.given:
            return web.json_response({"items": [], "metadata": {}})
        return web.json_response({"reason": "Forbidden", "message": "forbidden"}, status=403)


def looked(rights: Rights, deed: Callable[[Namespaces], Awaitable[None]], *named: str) -> None:
    async def look(host: str, port: int) -> None:
        options: dict[str, Any] = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True}
        client = Client(Access(f"http://{host}:{port}", token_text="secret"), Metrics(), **options)
        try:
            await deed(Namespaces(client, named))
        finally:
            await client.close()

    beside(rights.answer, look)


def test_a_namespace_that_cannot_be_read_is_left_out_until_it_can_be() -> None:
    rights = Rights("one", "two")

    async def deed(namespaces: Namespaces) -> None:
        gone = [await namespaces.look()]
        rights.given.discard("two")
        gone += [await namespaces.look(), await namespaces.look()]
        left = namespaces.open, namespaces.holds("one"), namespaces.holds("two")
        rights.given.add("two")
        gone.append(await namespaces.look())

        assert [frozenset(), {"two"}, frozenset(), frozenset()] == gone
        assert (("one",), True, False) == left
        assert ("one", "two") == namespaces.open

    looked(rights, deed, "one", "two")


def test_where_no_namespace_can_be_read_nothing_is_taken_for_all_of_the_cluster() -> None:
    async def deed(namespaces: Namespaces) -> None:
        refused = None
        try:
            await namespaces.look()
        except Refused as error:
            refused = error

        assert refused is not None
        assert ("one", "two") == namespaces.open

    looked(Rights(), deed, "one", "two")
