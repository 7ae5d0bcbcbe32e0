"""One time of being the leader: everything is looked at once, then watched, until the lease is lost or we end.

    lease held ─► kinds and namespaces known ─► every kind listed ─► workers, watches, resync, … ─► lease lost

Nothing of it outlives the lease: the next leader, be it this process, starts from a list.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from clockifyrag_operator import discovery
from clockifyrag_operator.cache import Cache, Key
from clockifyrag_operator.client import Client
from clockifyrag_operator.cluster import Cluster
from clockifyrag_operator.config_maps import ConfigMaps
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.errors import LeaseLost, NotFound, OperatorError
from clockifyrag_operator.handlers import watch
from clockifyrag_operator.kinds import CHILDREN, RESOURCE, Kind
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.namespaces import Namespaces
from clockifyrag_operator.pods import Pods
from clockifyrag_operator.queue import WorkQueue
from clockifyrag_operator.reconcile import Planner, Reconciler
from clockifyrag_operator.resource_reader import references
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.telling import Events
from clockifyrag_operator.wakes import Wakes

FRESH_PART = 3  # of references_seconds: how old the digest of a ConfigMap may be in a pass
FOLLOW_SECONDS = 0.5  # a start, or a broken connection, brings lists of all kinds at once
WATCH_BACKOFF_SECONDS_MAX = 15.0
SILENT_TIMES = 2  # of inactivity_seconds without a word in any watch, before a restart of the process is asked for
WATCH_LASTED_SECONDS = 60.0  # a run that lasted so long failed of something new

log = logging.getLogger(__name__)


class Leader:
    """What a leader holds: made when the lease is got, thrown away when it is lost."""

    def __init__(
        self, client: Client, access: Access, settings: Settings, metrics: Metrics, planner: Planner, instance: str
    ) -> None:
        self.cache = Cache()
        self.queue: WorkQueue[Key] = WorkQueue(settings.backoff_seconds, settings.backoff_seconds_max)
        self.listens = False  # before that silence says nothing: it may wait for the CRD, or for rights
        self._client, self._access, self._settings, self._metrics = client, access, settings, metrics
        self._namespaces = Namespaces(client, settings.watch_namespaces)
        self._watched = settings.watch_namespaces
        self._namespaces_changed = asyncio.Event()  # others are watched than are open
        self._pods = Pods(settings.pod_request_seconds)
        self._cluster = Cluster(
            client,
            self.cache,
            Memory(metrics, settings.backoff_seconds, settings.backoff_seconds_max),
            pods=self._pods,
            config_maps=ConfigMaps(client, settings.references_seconds / FRESH_PART),
            events=Events(client, instance),
        )
        self._reconciler = Reconciler(self._cluster, self.queue, planner, settings, metrics)
        self._schema_hashes: tuple[str | None, str | None] = (None, None)  # of the last two looks, newest last
        self._listed: set[tuple[Kind, str | None]] = set()
        self._was_relisted = asyncio.Event()

    async def lead(self) -> None:
        """Works until cancelled, or until one of its parts cannot go on, which raises."""
        wakes = Wakes(self.cache, self.queue)
        try:
            await self._until_done(self._prepare)
            self._wake_all()
            log.info("started", extra={"objects": len(self.cache)})
            self.listens = True
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.workers):
                    group.create_task(self._reconciler.work())
                group.create_task(self._watch(wakes))
                group.create_task(self._follow_lists())
                group.create_task(self._every(self._settings.resync_seconds, self._resync))
                group.create_task(self._every(self._settings.references_seconds, self._look_at_references))
                group.create_task(self._every(self._settings.discovery_seconds, self._discover))
        finally:
            wakes.active = False
            await self._pods.close()

    def _wake_all(self) -> None:
        for body in self.cache.resources():
            self.queue.add((body["metadata"]["namespace"], body["metadata"]["name"]))

    async def _prepare(self) -> None:
        self._cluster.kinds = await discovery.known_kinds(self._client)
        await self._check_schema()  # before the rest, which fails where the CRD is missing: the alert is to say so
        await self._namespaces.look()
        await self._cluster.prime(self._namespaces.open)
        self._metrics.heard()

    async def _until_done(self, deed: Callable[[], Awaitable[None]]) -> None:
        wait = self._settings.backoff_seconds
        while True:
            try:
                await deed()
                return
            except NotFound as error:
                log.error("the CRD is not installed; waiting for it: %s", error)
            except LeaseLost:
                raise
            except OperatorError as error:
                log.warning("the cluster cannot be looked at yet: %s", error)
                wait = max(wait, error.retry_after or 0.0)
            await asyncio.sleep(wait)
            wait = min(wait * 2, self._settings.discovery_seconds)

    async def _watch(self, wakes: Wakes) -> None:
        """Keeps watches running: a run that fails is followed by another one, and by a look at everything."""
        wait = self._settings.backoff_seconds
        while True:
            loop = asyncio.get_running_loop()
            started = loop.time()
            try:
                await self._watch_until_silent(wakes)
                log.warning("the watches ended; they are opened again")
            except Exception as error:  # whatever ends kopf, deafness is worse
                log.warning("the watches failed and are opened again: %s: %s", type(error).__name__, error)
            wait = (
                self._settings.backoff_seconds
                if loop.time() - started > WATCH_LASTED_SECONDS
                else min(wait * 2, WATCH_BACKOFF_SECONDS_MAX)
            )
            await asyncio.sleep(wait)
            await self._until_done(self._resync_lists)

    async def _watch_until_silent(self, wakes: Wakes) -> None:
        """One run of kopf, until other namespaces are to be watched. TimeoutError when nothing was heard for long: it
        may hang on its way out.
        """
        patience = SILENT_TIMES * self._settings.inactivity_seconds
        self._namespaces_changed.clear()
        self._watched = self._namespaces.open
        watching = asyncio.create_task(
            watch(wakes, self._was_listed, self._access, self._metrics, self._settings, self._watched)
        )
        changed = asyncio.create_task(self._namespaces_changed.wait())
        either: dict[str, Any] = {"return_when": asyncio.FIRST_COMPLETED}
        try:
            while not watching.done() and not changed.done():
                await asyncio.wait((watching, changed), timeout=self._settings.inactivity_seconds / 2, **either)
                silence = time.monotonic() - self._metrics.watch_heard_at
                if not watching.done() and silence > patience:
                    raise TimeoutError(f"nothing was heard for {silence:.0f} s")
            if watching.done():
                await watching
        finally:
            changed.cancel()
            watching.cancel()  # its thread is told to end, and left behind where it cannot

    def _was_listed(self, kind: Kind, namespace: str | None) -> None:
        """kopf listed a kind and watches from there: what was deleted before is known to nobody yet."""
        self._listed.add((kind, namespace))
        self._was_relisted.set()

    async def _follow_lists(self) -> None:
        """Lists after kopf did, so that between both of us nothing is missed."""
        wait = FOLLOW_SECONDS
        while True:
            await self._was_relisted.wait()
            await asyncio.sleep(wait)
            self._was_relisted.clear()
            kinds, self._listed = self._listed, set()
            failed: list[OperatorError] = []
            for kind, namespace in sorted(kinds, key=lambda one: (one[0].kind, one[1] or "")):
                if not self._namespaces.holds(namespace):
                    continue
                try:
                    changed = await self._cluster.list_kind(kind, namespace)
                except OperatorError as error:
                    log.warning("%s could not be listed: %s", kind.plural, error)
                    self._was_listed(kind, namespace)  # once more, in a moment
                    failed.append(error)
                    continue
                for key in changed:
                    self.queue.add(key)
            wait = longer(wait, failed) if failed else FOLLOW_SECONDS

    async def _every(self, seconds: float, deed: Callable[[], Awaitable[None]]) -> None:
        """Does the deed again and again; a failure is logged and waits for the next time."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await deed()
            except LeaseLost:
                raise
            except OperatorError as error:
                log.warning("%s failed: %s", deed.__name__.strip("_"), error)

    async def _resync_lists(self) -> None:
        await self._look_at_namespaces()
        for key in await self._cluster.prime(self._namespaces.open):
            self.queue.add(key)

    async def _look_at_namespaces(self) -> None:
        """Lets go of what is in those that cannot be read any more, and has others watched, or fewer."""
        for namespace in await self._namespaces.look():
            for kind in (RESOURCE, *CHILDREN):
                for key in self.cache.keep_only(kind.kind, namespace, set(), self.cache.newest(kind.kind)):
                    self.queue.add(key)
        if self._namespaces.open != self._watched:  # and not only than before: two looks may overlap
            self._namespaces_changed.set()

    async def _resync(self) -> None:
        """Everything is listed anew and looked at, whether or not an event told of it."""
        await self._resync_lists()
        self._wake_all()

    async def _look_at_references(self) -> None:
        """Wakes those resources whose ConfigMaps are not as their own last pass saw them: several may name the same.

        Those that name none cost nothing.
        """
        named: set[tuple[str, str]] = set()
        for body in list(self.cache.resources()):
            key = body["metadata"]["namespace"], body["metadata"]["name"]
            wanted = self._cluster.wanted(key, body)
            named |= {(wanted.namespace, one.name) for one in references(wanted)}
            now = await self._cluster.referenced(wanted, fresh_seconds=0.0)
            if now != self._cluster.memory.referenced.get(key, {}):
                self.queue.add(key)
        self._cluster.config_maps.keep_only(named)

    async def _discover(self) -> None:
        """Wakes everything when an optional kind appears or goes, or the CRD changes; sees what namespaces are open."""
        kinds = await discovery.known_kinds(self._client)
        changed = kinds != self._cluster.kinds
        if changed:
            log.info("the optional kinds changed", extra={"kinds": sorted(kinds)})
            self._cluster.kinds = kinds
            await self._resync_lists()
        if await self._check_schema() or changed:
            self._wake_all()
        if self._namespaces.several:
            await self._look_at_namespaces()

    async def _check_schema(self) -> bool:
        """Looks at the installed CRD; whether what it lacks has changed since the last look.

        The API server tells the digest of a new schema a moment before the schema itself, so a digest counts as known
        only when it was read twice.
        """
        told = await discovery.schema_hash(self._client)
        if told is not None and self._schema_hashes == (told, told):
            return False
        before = self._cluster.schema_problem
        gaps = await discovery.schema_gaps(self._client)
        self._cluster.schema_problem = problem = gaps.problem
        self._cluster.memory.undeclared = gaps.of_status
        self._schema_hashes = (self._schema_hashes[1], told)
        self._metrics.schema_problem.set(problem is not None)
        if problem is not None and problem != before:
            log.error(problem)
        return problem != before


def longer(wait: float, failed: Sequence[OperatorError]) -> float:
    """Seconds until it is tried once more: twice as long as before, or as long as the server asked for.

    >>> longer(4.0, [OperatorError("cut")]), longer(12.0, [OperatorError("cut")])
    (8.0, 15.0)
    """
    return max(min(2 * wait, WATCH_BACKOFF_SECONDS_MAX), *(error.retry_after or 0.0 for error in failed))
