"""A model server that fails as it is told: a proxy in front of a real Ollama, on the node.

python -m tests.cluster.faulty PORT UPSTREAM FOLDER

search pods ──► 10.210.0.1:PORT ──► Ollama         FOLDER/fault   what it does wrong from now on, one word
                                                   FOLDER/calls   a line for each request: time, path, fault
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

SLOW_SECONDS = 30.0
FAULTS = ("None", "Slow", "Errors", "HalfErrors", "Cut", "OtherDimension", "NoModel")


class FaultyServer:
    """Hands requests on, and does wrong what the file names at the moment a request comes."""

    def __init__(self, upstream: str, folder: Path) -> None:
        self._upstream, self._folder, self._count = upstream, folder, 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        fault = (self._folder / "fault").read_text().strip()
        assert fault in FAULTS, f"no such fault: {fault}"
        with (self._folder / "calls").open("a") as calls:
            calls.write(f"{time.time()} {request.path} {fault}\n")
        self._count += 1
        body = await request.read()
        if fault == "Slow":
            await asyncio.sleep(SLOW_SECONDS)
        if fault == "Errors" or (fault == "HalfErrors" and self._count % 2):
            return web.json_response({"error": "the runner has crashed"}, status=500)
        if fault == "Cut":
            assert request.transport is not None
            request.transport.abort()
        if fault == "NoModel" and request.path == "/api/embed":
            return web.json_response({"error": 'model "all-minilm" not found, try pulling it first'}, status=404)
        answer = await self._ask(request, body)
        if fault == "NoModel" and request.path == "/api/tags":
            answer = {"models": []}
        if fault == "OtherDimension" and "embeddings" in answer:
            answer["embeddings"] = [row[:-1] for row in answer["embeddings"]]
        return web.json_response(answer)

    async def _ask(self, request: web.Request, body: bytes) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, self._upstream + request.path_qs, data=body) as response,
        ):
            return dict(json.loads(await response.read()))


async def main(port: int, upstream: str, folder: Path) -> None:
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", FaultyServer(upstream, folder).handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
