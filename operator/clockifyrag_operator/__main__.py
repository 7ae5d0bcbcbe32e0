"""`python -m clockifyrag_operator`: waits for the lease, leads, and waits again, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time

from pydantic import ValidationError

from clockifyrag_operator import plan as planning
from clockifyrag_operator import web
from clockifyrag_operator.client import Client
from clockifyrag_operator.credentials import Access, access
from clockifyrag_operator.errors import LeaseLost, SetupError
from clockifyrag_operator.leading import Leader
from clockifyrag_operator.lease import Lease
from clockifyrag_operator.logs import set_up_logging
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.reconcile import PASS_REQUESTS, Planner
from clockifyrag_operator.settings import Settings

END_SECONDS = 1.0  # longest time the work under way is given to end when leading ends

log = logging.getLogger("clockifyrag_operator")


class Process:
    """The process: one lease, one client, and a leader while the lease is held."""

    def __init__(self, settings: Settings, own: Access, planner: Planner) -> None:
        self._settings, self._access, self._planner = settings, own, planner
        self._instance = settings.pod_name or socket.gethostname()
        self.metrics = Metrics()
        self.lease = Lease(
            settings.pod_namespace,
            settings.lease_name,
            self._instance,
            settings.lease_seconds,
            settings.lease_renew_seconds,
        )
        self._lag = web.Lag()
        self._leader: Leader | None = None
        self.metrics.leader.set(0)
        self.metrics.tell_conditions(lambda: self._leader.cache.resources() if self._leader else iter(()))
        self.metrics.tell_queue(lambda: self._leader.queue.depth if self._leader else 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Serves, waits for the lease and leads, until `stop` is set."""
        settings = self._settings
        client = Client(
            self._access,
            self.metrics,
            request_seconds=settings.request_seconds,
            writes_per_second=settings.writes_per_second,
            may_write=lambda: self.lease.held,
        )
        runner = await web.serve(settings.api_host, settings.api_port, self.problem, self.metrics)
        ticking = asyncio.create_task(web.measure_lag(self._lag, self.metrics))
        log.info("serving", extra={"address": web.address_of(runner)})
        try:
            while await self.lease.acquire(client, stop):
                await self._lead(client, stop)
        finally:
            ticking.cancel()
            await client.close()
            await runner.cleanup()

    async def _lead(self, client: Client, stop: asyncio.Event) -> None:
        """Leads until the lease is lost or `stop` is set; the lease is let go when nothing writes any more."""
        self._leader = Leader(client, self._access, self._settings, self.metrics, self._planner, self._instance)
        self.metrics.leader.set(1)
        self.metrics.heard()
        leading = asyncio.create_task(self._leader.lead())
        parts = (leading, asyncio.create_task(self.lease.keep(client)), asyncio.create_task(stop.wait()))
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts, timeout=END_SECONDS)
            await self.lease.release(client)
            self._leader = None
            self.metrics.leader.set(0)
            self.metrics.schema_problem.set(0)  # the next leader looks for itself
        if leading.done() and not leading.cancelled() and (failure := leading.exception()) is not None:
            self._tell(failure)

    def _tell(self, failure: BaseException) -> None:
        """A lost lease is no failure; anything else is a mistake of ours: it is told, and leading starts anew."""
        causes = failure.exceptions if isinstance(failure, BaseExceptionGroup) else (failure,)
        for cause in causes:
            if not isinstance(cause, LeaseLost):
                log.error("leading ended by a mistake of the operator", exc_info=cause)

    def problem(self) -> str | None:
        """What only a restart mends; None when there is nothing."""
        if self._lag.worst > web.LAG_SECONDS_MAX:
            return f"the event loop was {self._lag.worst:.1f} s late"
        leader = self._leader
        if leader is None:
            return None
        longest = self._settings.request_seconds * PASS_REQUESTS * 2
        if (running := leader.queue.oldest_running_seconds) > longest:
            return f"a pass has been running for {running:.0f} s"
        silence = time.monotonic() - self.metrics.watch_heard_at
        if leader.listens and silence > web.DEAF_TIMES * self._settings.inactivity_seconds:
            return f"no watch was heard for {silence:.0f} s"
        return None


async def run(settings: Settings, own: Access, planner: Planner) -> None:
    """Runs until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    await Process(settings, own, planner).run(stop)


def main() -> int:
    """The exit code."""
    try:
        settings = Settings()
        own = access()
    except (ValidationError, SetupError) as error:
        print(error, file=sys.stderr)
        return SetupError.exit_code
    set_up_logging(settings.log_level)
    asyncio.run(run(settings, own, planning.plan))
    log.info("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
