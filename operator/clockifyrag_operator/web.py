"""/livez, /readyz and /metrics: what a kubelet and Prometheus ask.

livez fails when only a restart would help: the loop does not turn, a pass never ends, or a leader heard nothing of its
watches for so long that they must be deaf. An API server that is away is none of these: then there is no leader.
readyz is true for a standby, too: it is ready to take over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from clockifyrag_operator.metrics import CONTENT_TYPE, Metrics

TICK_SECONDS = 0.5  # at 0.1 it took a fifth of all that an operator at rest may take; a shorter stall may go unseen
LAG_WINDOW_SECONDS = 10.0
LAG_SECONDS_MAX = 5.0
DEAF_TIMES = 3  # of inactivity_seconds without a word in any watch
STOP_SECONDS = 0.5


@dataclass(slots=True)
class Lag:
    """How late the event loop was lately."""

    ticked_at: float = field(default_factory=time.monotonic)
    worst: float = 0.0
    since: float = field(default_factory=time.monotonic)

    def tick(self, metrics: Metrics) -> None:
        now = time.monotonic()
        self.worst = max(self.worst, now - self.ticked_at - TICK_SECONDS)
        metrics.loop_lag.set(max(self.worst, 0.0))
        self.ticked_at = now
        if now - self.since > LAG_WINDOW_SECONDS:
            self.worst, self.since = 0.0, now


async def measure_lag(lag: Lag, metrics: Metrics) -> None:
    """Ticks for ever."""
    while True:
        lag.tick(metrics)
        await asyncio.sleep(TICK_SECONDS)


async def serve(host: str, port: int, problem: Callable[[], str | None], metrics: Metrics) -> web.AppRunner:
    """The running server; `problem` says what is wrong with this process, None when nothing is."""

    async def livez(_: web.Request) -> web.Response:
        wrong = problem()
        return web.Response(text=f"{wrong or 'ok'}\n", status=500 if wrong else 200)

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", exposition)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def address_of(runner: web.AppRunner) -> str:
    """Where it listens, with the port it was given if it asked for any."""
    host, port = runner.addresses[0][:2]
    return f"{host}:{port}"
