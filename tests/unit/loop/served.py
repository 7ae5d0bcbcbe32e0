"""A small HTTP server beside a deed, for what is asked over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

T = TypeVar("T")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
DEADLINE_SECONDS = 15


def beside(answer: Answer, deed: Callable[[str, int], Awaitable[T]], host: str = "127.0.0.1") -> T:
    """What `deed(host, port)` gives while every request to that address is answered by `answer`."""

    async def run() -> T:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, 0).start()
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await deed(host, runner.addresses[0][1])
        finally:
            await runner.cleanup()

    return asyncio.run(run())
