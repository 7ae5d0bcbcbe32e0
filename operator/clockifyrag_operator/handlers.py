"""kopf as it is used here: it watches, and tells what it hears to the operator's loop (wakes.py); it does nothing else.

    API server ─ watch ─► kopf (own thread, own loop) ─ call_soon_threadsafe ─► cache, queue (the operator's loop)

kopf ends every task it finds when a run ends, and holds on to its loop for seconds; in a thread of its own it can do
neither to the passes, the lease or the metrics. It keeps nothing on any object: only `on.event` is used, which needs no
finalizer and no annotation. It joins no peering, posts no events, scans for nothing.

Before kopf watches a kind, at the start and whenever a watch was broken for too long, it lists it, and never tells what
was deleted before that list. Those lists are told as well, so that the cache is compared with another one right after.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import kopf
import orjson

from clockifyrag_operator import names
from clockifyrag_operator.client import PAGE
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.kinds import CHILDREN, RESOURCE, WORKLOADS, Kind
from clockifyrag_operator.loop_thread import LoopThread
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.wakes import Handover, Hear, Relisted

LOGIN_SECONDS = 5.0  # the same token is not tried again within
CONNECT_SECONDS = 10.0
REOPENED_PART = 0.8  # of inactivity_seconds: how long one watch request lasts
WATCHERS = "watcher for "  # what kopf's tasks of that kind are called
IDENTITY: Any = "clockifyrag-operator"  # kopf would ask for the user's name, and in a pod the user has none


def registry(hear: Hear, access: Access, trace: aiohttp.TraceConfig) -> kopf.OperatorRegistry:
    """The handlers of one run, whose requests are told to `trace`."""
    made = kopf.OperatorRegistry()
    last: list[tuple[str | None, float]] = []

    async def on_event(event: Any, **_: Any) -> None:
        hear(event["type"], event["object"])

    async def on_login(**_: Any) -> kopf.AiohttpSession:
        token = await asyncio.to_thread(access.token)
        if last and last[0][0] == token and time.monotonic() - last[0][1] < LOGIN_SECONDS:
            raise kopf.LoginError("the API server does not accept the credentials this process has")
        last[:] = [(token, time.monotonic())]
        return kopf.AiohttpSession(server=access.server, aiohttp_session=session(access, token, trace))

    kopf.on.login(registry=made)(on_login)
    for kind in watched():
        kopf.on.event(kind.group, kind.version, kind.plural, registry=made)(on_event)
    return made


def watched() -> tuple[Kind, ...]:
    """The kinds that are watched: the resource, and children by their label."""
    return (RESOURCE, *(one for one in CHILDREN if one.watched))


class NoDifferences(kopf.DiffBaseStorage):
    """What kopf compares an object with: nothing. Otherwise it copies every object of every event, twice, for handlers
    of changes; there are none here.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        raise AssertionError("nothing is kept on any object")


class Slim(aiohttp.ClientResponse):
    """An answer that is read into less memory: a first list of everything is held whole, with a task an object.

    One copy of each key, and no managedFields but those of workloads.
    """

    async def json(self, **_: Any) -> Any:
        answer = orjson.loads(await self.read())
        if isinstance(answer, dict) and answer.get("kind", "").removesuffix("List") not in WORKLOADS:
            for one in answer.get("items") or ():
                one.get("metadata", {}).pop("managedFields", None)
        return answer


def session(access: Access, token: str | None, trace: aiohttp.TraceConfig) -> aiohttp.ClientSession:
    """The connections of one run."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=access.ssl_context()),
        headers={"Authorization": f"Bearer {token}"} if token else {},
        trace_configs=[trace],
        response_class=Slim,
        trust_env=False,
    )


def listening(metrics: Metrics, relisted: Relisted, namespaces: tuple[str, ...]) -> aiohttp.TraceConfig:
    """Whenever the API server answers one of kopf's requests it was heard; a list of a watched kind is told."""
    lists = {kind.path(namespace): (kind, namespace) for kind in watched() for namespace in namespaces or (None,)}

    async def answered(_: Any, __: Any, told: aiohttp.TraceRequestEndParams) -> None:
        metrics.heard()
        if told.response.status == 200 and told.url.path in lists and "watch" not in told.url.query:
            relisted(*lists[told.url.path])

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(answered)
    return trace


def kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    """kopf as it is used here.

    A watch is asked for anew before it could count as silent, so that within each such time every stream shows that the
    API server still answers.
    """
    made = kopf.OperatorSettings()
    made.process.ultimate_exiting_timeout = None  # it would kill this process
    made.peering.standalone = True
    made.posting.enabled = False
    made.posting.loggers = False
    made.scanning.disabled = True
    made.persistence.diffbase_storage = NoDifferences()
    made.execution.default_backoff = 5
    made.networking.request_timeout = settings.request_seconds
    made.networking.connect_timeout = CONNECT_SECONDS
    made.networking.error_backoffs = (0.5, 1, 2, 3)
    made.watching.inactivity_timeout = settings.inactivity_seconds
    made.watching.server_timeout = max(1, int(settings.inactivity_seconds * REOPENED_PART))
    made.watching.client_timeout = None
    made.watching.chunk_size = PAGE
    made.watching.connect_timeout = CONNECT_SECONDS
    made.watching.reconnect_backoff = 1.0
    made.queueing.exit_timeout = 0.1
    made.queueing.idle_timeout = 0.1  # each object that moved is held so long
    for kind in watched():
        if kind is not RESOURCE:
            made.watching.label_selectors[kind.group, kind.version, kind.plural] = names.SELECTOR
    return made


async def watch(
    hear: Hear, relisted: Relisted, access: Access, metrics: Metrics, settings: Settings, namespaces: tuple[str, ...]
) -> None:
    """Runs kopf until it fails, which raises what it failed of. Cancelled, it is told to end and not waited for.

    hear and relisted are called in the loop of the caller. namespaces: () stands for all of the cluster. One that
    cannot be read ends the watches of all.
    """
    loop = asyncio.get_running_loop()
    handed = Handover(loop, hear)

    def hear_there(happened: str | None, manifest: Manifest) -> None:
        metrics.heard()
        handed(happened, manifest)

    def relisted_there(kind: Kind, namespace: str | None) -> None:
        loop.call_soon_threadsafe(relisted, kind, namespace)

    async def operate(stop: asyncio.Event) -> None:
        around = asyncio.all_tasks()
        parts = await kopf.spawn_tasks(
            registry=registry(hear_there, access, listening(metrics, relisted_there, namespaces)),
            settings=kopf_settings(settings),
            clusterwide=not namespaces,
            namespaces=namespaces,
            standalone=True,
            identity=IDENTITY,
            stop_flag=stop,
        )
        for part in parts:
            part.add_done_callback(failed)
        await kopf.run_tasks(parts, ignored=around)

    def failed(part: asyncio.Future[Any]) -> None:
        """Tells at once that a part failed, as such a run is deaf and takes its time to end.

        It would not end at all: kopf leaves its watchers alone then, and what it cancels later, together with what they
        wait for, they take for a pause.
        """
        if part.cancelled() or (error := part.exception()) is None:
            return
        thread.tell(error)
        for task in asyncio.all_tasks():
            if task.get_name().startswith(WATCHERS):
                task.cancel()

    thread = LoopThread("kopf", operate)
    try:
        await thread.ended()
    finally:
        thread.stop()
