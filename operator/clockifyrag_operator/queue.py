"""The work queue: keys that want a look, each at most once in line and at one worker at a time.

    add ─► waiting ─► a worker takes it ─► running ── done ──────────────► (looked at again after the wait it asked for)
                          ▲                  │ add meanwhile: again at once
                          └── backoff ◄──────┘ failed

What an event said is not kept, only that there was one: however many arrive, one look follows and sees the newest.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
_VOID_MAX = 64


@dataclass(order=True, slots=True)
class _Due(Generic[K]):
    at: float
    key: K = field(compare=False)


class WorkQueue(Generic[K]):
    """Keys in the order in which they first asked. Times are of time.monotonic()."""

    def __init__(self, backoff_seconds: float, backoff_seconds_max: float) -> None:
        self._first, self._longest = backoff_seconds, backoff_seconds_max
        self._waiting: OrderedDict[K, float] = OrderedDict()  # since when
        self._running: dict[K, float] = {}
        self._again: set[K] = set()  # wanted while running
        self._later: list[_Due[K]] = []
        self._due: dict[K, float] = {}  # the earliest time each key is due; others in `_later` are void
        self._failures: dict[K, int] = {}
        self._held_back: dict[K, float] = {}  # failed keys: not before
        self._woken = asyncio.Event()

    @property
    def depth(self) -> int:
        """Keys in line."""
        return len(self._waiting)

    @property
    def oldest_running_seconds(self) -> float:
        """How long the longest pass has been running."""
        now = time.monotonic()
        return max((now - since for since in self._running.values()), default=0.0)

    def add(self, key: K, *, urgent: bool = False) -> None:
        """Something happened to the key: a look, as soon as a worker is free.

        A key that failed waits for its time all the same, so that its own writes do not turn it into a hot loop; except
        where it is urgent: its author changed what is wanted, and what failed before may work now.
        """
        if urgent:
            self._failures.pop(key, None)
            self._held_back.pop(key, None)
        if key in self._running:
            self._again.add(key)
        elif (not_before := self._held_back.get(key, 0.0)) > time.monotonic():
            self._schedule(key, not_before)
        elif key not in self._waiting:
            self._waiting[key] = time.monotonic()
            self._woken.set()

    def add_after(self, key: K, seconds: float) -> None:
        """A look after that time, or earlier if something happens."""
        self._schedule(key, time.monotonic() + seconds)

    async def take(self) -> K:
        """The next key, once there is one; it is running until `done`, `failed` or `forget`."""
        while True:
            wait = self._move_due()
            if self._waiting:
                key, _ = self._waiting.popitem(last=False)
                self._due.pop(key, None)
                self._running[key] = time.monotonic()
                return key
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), wait)
            except TimeoutError:
                continue

    def done(self, key: K, again_after: float | None = None) -> None:
        """The look succeeded."""
        self._failures.pop(key, None)
        self._held_back.pop(key, None)
        self._end(key)
        if again_after is not None:
            self.add_after(key, again_after)

    def failed(self, key: K, at_least: float | None = None, *, first_at_once: bool = False) -> float:
        """The look failed: another one after a wait that doubles, and is at least `at_least`; gives the wait.

        first_at_once: the first failure in a row costs no wait.
        """
        count = self._failures[key] = self._failures.get(key, 0) + 1
        wait = min(self._longest, self._first * 2.0 ** min(count - 1, 30)) * random.uniform(0.8, 1.2)
        wait = max(0.0 if first_at_once and count == 1 else wait, at_least or 0.0)
        self._held_back[key] = time.monotonic() + wait
        self._end(key)
        self.add_after(key, wait)
        return wait

    def forget(self, key: K) -> None:
        """There is nothing to look at any more."""
        self._failures.pop(key, None)
        self._held_back.pop(key, None)
        self._due.pop(key, None)
        self._end(key)

    def _end(self, key: K) -> None:
        self._running.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _schedule(self, key: K, at: float) -> None:
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            heapq.heappush(self._later, _Due(at, key))
            if len(self._later) > _VOID_MAX + 2 * len(self._due):  # void ones leave by themselves when they are first
                self._later = [_Due(at, key) for key, at in self._due.items()]
                heapq.heapify(self._later)
            self._woken.set()

    def _move_due(self) -> float | None:
        """Puts into line what is due; gives the seconds until the next one is, None when there is none."""
        now = time.monotonic()
        while self._later:
            first = self._later[0]
            if self._due.get(first.key) != first.at:
                heapq.heappop(self._later)  # taken since, or due earlier
            elif first.at > now:
                return first.at - now
            else:
                heapq.heappop(self._later)
                del self._due[first.key]
                self.add(first.key)
        return None
