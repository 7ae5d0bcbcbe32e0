"""Controllers: all of them at work in a thread, on every namespace of an API server that a test has a world for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp

from .api import KINDS, Api, Manifest, Refused
from .deployments import deployments
from .garbage import garbage
from .jobs import jobs
from .kubelet import Addresses, pods, volumes
from .mirror import Mirror
from .scene import Scene
from .statefulsets import stateful_sets
from .world import Container, World

T = TypeVar("T")
_START_SECONDS = 30
_RETRY_SECONDS = 0.2
_LAST_SECONDS = 0.05
log = logging.getLogger(__name__)


class Controllers:
    """Jobs, Deployments, StatefulSets, claims, pods and the garbage collector, while the `with` block runs.

    They act in namespaces that `world` was asked for, and leave all others alone. `errors` is empty unless one of them
    is broken; a test looks at it at its end.
    """

    def __init__(self, url: str, ca: str, certificate: tuple[Path, Path] | None = None, token: str = "") -> None:
        self._api = Api(url, ca, certificate, token)
        self.mirror = Mirror(self._api, self._changed)
        self.errors: list[BaseException] = []
        self._worlds: dict[str, World] = {}
        self._dirty: dict[str, asyncio.Event] = {}
        self._busy: set[str] = set()
        self._due: dict[str, set[asyncio.TimerHandle]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="controllers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def world(self, namespace: str) -> World:
        """The world of a namespace; from the first call on the controllers act there."""
        if namespace not in self._worlds:
            self._worlds[namespace] = World()
            self._run(self._begin(namespace))
        return self._worlds[namespace]

    def forget(self, namespace: str) -> None:
        """The controllers leave that namespace alone from now on, and what happened there is forgotten."""
        self._worlds.pop(namespace, None)
        self.mirror.history.pop(namespace, None)

    def wake(self, namespace: str) -> None:
        """Rules of the namespace's world have changed: all is looked at again."""
        self._loop.call_soon_threadsafe(self._changed, namespace)

    def settled(self, namespace: str) -> bool:
        """Whether there is nothing to do there until something changes; a progress deadline does not count."""
        return namespace not in self._busy and not self._dirty[namespace].is_set() and not self._soon(namespace)

    def all(self, kind: str, namespace: str) -> list[Manifest]:
        """Objects of a kind in a namespace as they are known now."""
        return self._run(self._called(lambda: self.mirror.all(kind, namespace)))

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        return self._run(self._called(lambda: self.mirror.get(kind, namespace, name)))

    # From here on, in the controllers' own thread.

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_START_SECONDS)

    async def _called(self, function: Callable[[], T]) -> T:
        return function()

    async def _open(self) -> None:
        await self._api.__aenter__()
        self._addresses = Addresses(self._answer)
        await self._addresses.open()
        self._tasks = [asyncio.create_task(self._follow(kind)) for kind in KINDS]
        for synced in self.mirror.synced.values():
            await synced.wait()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for handles in self._due.values():
            for handle in handles:
                handle.cancel()
        await self._addresses.close()
        await asyncio.get_running_loop().shutdown_asyncgens()  # watches that were cancelled
        await self._api.__aexit__()
        await asyncio.sleep(_LAST_SECONDS)  # transports that were closed are told so in the loop's next turns

    async def _begin(self, namespace: str) -> None:
        self._dirty[namespace] = asyncio.Event()
        self._due[namespace] = set()
        self._tasks.append(asyncio.create_task(self._work(namespace)))

    async def _follow(self, kind: str) -> None:
        try:
            await self.mirror.follow(kind)
        except Exception as error:
            self.errors.append(error)
            raise

    def _changed(self, namespace: str) -> None:
        if namespace in self._dirty:
            self._dirty[namespace].set()

    def _soon(self, namespace: str) -> bool:
        now = self._loop.time()
        return any(not handle.cancelled() and handle.when() - now < 0.5 for handle in self._due[namespace])

    def _again(self, namespace: str, seconds: float) -> None:
        def ring() -> None:
            self._due[namespace].discard(handle)
            self._changed(namespace)

        handle = self._loop.call_later(seconds, ring)
        self._due[namespace].add(handle)

    async def _work(self, namespace: str) -> None:
        world = self._worlds[namespace]
        scene = Scene(namespace, self._api, self.mirror, world, lambda seconds: self._again(namespace, seconds))
        dirty = self._dirty[namespace]
        dirty.set()
        while self._worlds.get(namespace) is world:
            await dirty.wait()
            self._busy.add(namespace)
            dirty.clear()
            try:
                await self._step(scene)
            except (aiohttp.ClientError, TimeoutError):
                self._again(namespace, _RETRY_SECONDS)  # the API server is away: that is a fault some test makes
            except Refused as refused:
                if refused.status not in (403, 404, 409, 429, 500, 503):
                    self.errors.append(refused)
                    log.exception("a controller was refused in %s", namespace)
                self._again(namespace, _RETRY_SECONDS)
            except Exception as error:
                self.errors.append(error)
                log.exception("a controller failed in %s", namespace)
                self._again(namespace, _RETRY_SECONDS)
            finally:
                self._busy.discard(namespace)

    async def _step(self, scene: Scene) -> None:
        await garbage(scene)
        await volumes(scene)
        await deployments(scene)
        await stateful_sets(scene)
        await jobs(scene)
        await pods(scene, self._addresses)

    def _answer(self, uid: str, path: str) -> dict[str, Any] | None:
        for namespace, world in self._worlds.items():
            for pod in self.mirror.all("Pod", namespace):
                if pod["metadata"]["uid"] == uid:
                    found = world.answer(Container(pod), path)
                    return None if found is None else dict(found)
        return None
