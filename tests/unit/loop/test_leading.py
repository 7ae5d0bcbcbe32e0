"""Leading: what the process goes on with, and what it says of itself, where a part of the cluster cannot be read."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator.__main__ import Process
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.settings import Settings

INACTIVITY_SECONDS = 0.05


class ApiServer:
    """One that keeps a lease, and knows nothing of our CRD."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if "/leases" not in request.path or (request.method == "GET" and self.lease is None):
            return web.json_response({"message": "not found"}, status=404)
        if request.method != "GET":
            self.lease = await request.json()
            self.lease["metadata"]["resourceVersion"] = str(int(self.lease["metadata"].get("resourceVersion", 0)) + 1)
        return web.json_response(self.lease)


def test_a_leader_that_waits_for_the_crd_is_not_taken_for_deaf() -> None:
    async def led(host: str, port: int) -> tuple[float, str | None]:
        settings = Settings(api_host=host, api_port=0, inactivity_seconds=INACTIVITY_SECONDS)
        access = Access(f"http://{host}:{port}", token_text="secret")
        process, stop = Process(settings, access, lambda *_: Plan(ledger=None)), asyncio.Event()
        running = asyncio.create_task(process.run(stop))
        while process.metrics.leader._value.get() == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(10 * INACTIVITY_SECONDS)
        told = process.metrics.leader._value.get(), process.problem()
        stop.set()
        await running
        return told

    assert (1, None) == beside(ApiServer().answer, led)
