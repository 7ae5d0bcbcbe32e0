"""What wakes a pass: an event puts what it carries into the cache and a key into the queue, and does nothing else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from clockifyrag_operator.cache import Cache, Key, key_of
from clockifyrag_operator.contained import essence
from clockifyrag_operator.kinds import ALL, RESOURCE, Kind
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.queue import WorkQueue

Hear = Callable[[str | None, Manifest], None]  # what happened (None: listed), to which object
Relisted = Callable[[Kind, str | None], None]  # the kind that was listed, and in which namespace (None: everywhere)


class Wakes:
    """What an event does, in the operator's loop. `active` until the leadership it belongs to ends."""

    def __init__(self, cache: Cache, queue: WorkQueue[Key]) -> None:
        self.active = True
        self._cache, self._queue = cache, queue

    def __call__(self, happened: str | None, manifest: Manifest) -> None:
        """An object was listed (None), ADDED, MODIFIED or DELETED."""
        metadata = manifest["metadata"]
        if not self.active or manifest.get("kind") not in ALL or "namespace" not in metadata:
            return
        before = self._cache.get(manifest["kind"], metadata["namespace"], metadata["name"])
        if happened == "DELETED":
            self._cache.drop(manifest)
        elif not self._cache.put(manifest):
            return  # known already: the echo of an own write, or the first list
        elif before and not ALL[manifest["kind"]].status_read and essence(before) == essence(manifest):
            return  # an autoscaler's status is written every 15 seconds
        for key in {key_of(manifest), key_of(before) if before else None} - {None}:
            assert key is not None, "taken out above"
            self._queue.add(key, urgent=manifest["kind"] == RESOURCE.kind and _wants_something_else(before, manifest))


def _wants_something_else(before: Manifest | None, after: Manifest) -> bool:
    """Whether the author changed something, as opposed to the status that is written for him."""
    told = ("generation", "annotations", "deletionTimestamp")
    return before is None or any(before["metadata"].get(one) != after["metadata"].get(one) for one in told)


class Handover:
    """Events on their way from kopf's thread to another loop, which is woken once for all that came meanwhile.

    Waking is a system call, and a burst brings thousands. kopf's thread alone hands over: of two threads each could
    see the other's event lie there, and nobody would wake the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, hear: Hear) -> None:
        self._loop, self._hear = loop, hear
        self._waiting: deque[tuple[str | None, Manifest]] = deque()

    def __call__(self, happened: str | None, manifest: Manifest) -> None:
        self._waiting.append((happened, manifest))
        if len(self._waiting) == 1:
            self._loop.call_soon_threadsafe(self._take_all)

    def _take_all(self) -> None:
        try:
            while self._waiting:
                self._hear(*self._waiting.popleft())
        finally:
            if self._waiting:  # one could not be taken in: the others are
                self._loop.call_soon(self._take_all)
