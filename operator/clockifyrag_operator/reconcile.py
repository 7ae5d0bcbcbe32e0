"""The line: a key from the queue, a look, a plan, the plan carried out; and when to look again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from clockifyrag_operator.cache import Key
from clockifyrag_operator.cluster import Cluster
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.errors import LeaseLost, LedgerChanged, OperatorError, ResourceChanged, ResourceGone
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.queue import WorkQueue
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.status import unjudged

SETTLE_SECONDS = 0.5  # after a pass that wrote: what it made is looked at, even if no event tells of it
PASS_REQUESTS = 10  # a pass may take so many times the longest request

Planner = Callable[[Wanted, Observed, Settings], Plan]

log = logging.getLogger(__name__)


class Reconciler:
    """Workers that take keys from the queue and bring each resource a step further."""

    def __init__(
        self, cluster: Cluster, queue: WorkQueue[Key], planner: Planner, settings: Settings, metrics: Metrics
    ) -> None:
        self._cluster, self._queue, self._planner = cluster, queue, planner
        self._settings, self._metrics = settings, metrics

    async def work(self) -> None:
        """Takes keys for ever; the lease lost ends it."""
        while True:
            key = await self._queue.take()
            started = time.monotonic()
            result = await self._one(key)
            self._metrics.passed(result, time.monotonic() - started)

    async def _one(self, key: Key) -> str:
        """The result of one pass, in a word; the queue knows afterwards when the next one is due."""
        told = {"namespace": key[0], "resource": key[1]}
        try:
            async with asyncio.timeout(self._settings.request_seconds * PASS_REQUESTS):
                result, again_after = await self.reconcile(key)
        except ResourceGone:
            self._queue.forget(key)  # the event, or the next list, says so too
            return "gone"
        except (LedgerChanged, ResourceChanged) as error:
            wait = self._queue.failed(key, first_at_once=True)
            log.info("repeated: %s", error, extra=told | {"wait_seconds": round(wait, 1)})
            return "repeated"
        except LeaseLost:
            self._queue.forget(key)
            raise
        except (OperatorError, TimeoutError) as error:
            wait = self._queue.failed(key, error.retry_after if isinstance(error, OperatorError) else None)
            why = str(error) or "the pass took too long"
            log.warning("failed: %s", why, extra=told | {"wait_seconds": round(wait, 1)})
            return "failed"
        except Exception:
            # A mistake of ours in one resource's pass must not end the passes of all others.
            wait = self._queue.failed(key)
            log.exception("a pass ended by a mistake of the operator", extra=told | {"wait_seconds": round(wait, 1)})
            return "failed"
        if result == "gone":
            self._queue.forget(key)
        else:
            self._queue.done(key, again_after)
        return result

    async def reconcile(self, key: Key) -> tuple[str, float | None]:
        """Looks at the resource and does what is to be done; the result in a word, and when to look again."""
        looked = await self._cluster.observe(*key)
        if looked is None:
            return "gone", None
        wanted, seen = looked
        try:
            plan = self._planner(wanted, seen, self._settings)
            refusals = await self._cluster.carry_out(wanted, plan)
        except (OperatorError, TimeoutError):
            raise
        except Exception as mistake:  # ours: a status that nobody keeps true any more says so
            try:
                await self._cluster.tell(wanted, unjudged(wanted, seen.now, mistake))
            except OperatorError as error:
                log.warning("nor could the status say so: %s", error, extra={"namespace": key[0], "resource": key[1]})
            raise
        waits = [plan.recheck_seconds, self._cluster.memory.seconds_until_due(key)]
        if self._cluster.memory.written.get(key):
            waits.append(SETTLE_SECONDS)
        if self._cluster.memory.foreign.get(key):
            waits.append(self._settings.references_seconds)  # no event tells of somebody else's object
        return "refused" if refusals else "done", min((wait for wait in waits if wait is not None), default=None)
