"""Cache of answers: least recently used out first, bounded by entries, bytes and age; equal questions compute once.

    raw query string ──► Entry ◄── key (content digest, settings digest, all parameters)

All methods run in the event loop, so nothing is locked. `get` is two dict operations, whatever the size.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

ALIASES_MAX = 4  # spellings of one request that find its answer without being parsed
ENTRY_OVERHEAD_BYTES = 400  # of the objects around the stored bytes, measured with tracemalloc


class Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


Value = TypeVar("Value", bound=Sized)
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class Entry(Generic[Value]):
    """One stored answer."""

    key: bytes
    value: Value
    expires: float  # on the cache's clock
    size_bytes: int
    hits: int = 0
    aliases: list[bytes] = field(default_factory=list)


class AnswerCache(Generic[Value]):
    """LRU + TTL store of answers, found by key or by an alias of it."""

    def __init__(
        self,
        entries_max: int,
        bytes_max: int,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entries_max = entries_max
        self.bytes_max = bytes_max
        self.ttl_seconds = ttl_seconds
        self.size_bytes = 0
        self.hits = 0
        self.misses = 0
        self._clock = clock
        self._entries: OrderedDict[bytes, Entry[Value]] = OrderedDict()
        self._by_alias: dict[bytes, Entry[Value]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def hit_rate(self) -> float:
        """Share of look-ups answered from here, 0–1."""
        looked_up = self.hits + self.misses
        return self.hits / looked_up if looked_up else 0.0

    def get(self, key: bytes) -> Value | None:
        """The stored answer, now the most recently used, or None."""
        entry = self._entries.get(key)
        value = self._use(entry) if entry else None
        if value is None:
            self.misses += 1
        return value

    def get_by_alias(self, alias: bytes) -> Value | None:
        """As `get`, for a spelling that `name` was told; a miss is not counted: `get` follows it."""
        entry = self._by_alias.get(alias)
        return self._use(entry) if entry else None

    def _use(self, entry: Entry[Value]) -> Value | None:
        if entry.expires <= self._clock():
            self._remove(entry)
            return None
        self._entries.move_to_end(entry.key)
        entry.hits += 1
        self.hits += 1
        return entry.value

    def put(self, key: bytes, value: Value) -> None:
        """Stores the answer, unless it alone is larger than the cache; the oldest make room."""
        size = len(key) + value.size_bytes + ENTRY_OVERHEAD_BYTES
        old = self._entries.get(key)
        if old:
            self._remove(old)
        if size > self.bytes_max or self.entries_max == 0:
            return
        entry = Entry(key, value, self._clock() + self.ttl_seconds, size)
        self._entries[key] = entry
        self.size_bytes += size
        while len(self._entries) > self.entries_max or self.size_bytes > self.bytes_max:
            self._remove(next(iter(self._entries.values())))

    def name(self, key: bytes, alias: bytes) -> None:
        """Lets `alias` find what is stored under `key`; an entry has few aliases, the first are kept."""
        entry = self._entries.get(key)
        if entry is None or alias in self._by_alias or len(entry.aliases) >= ALIASES_MAX:
            return
        entry.aliases.append(alias)
        entry.size_bytes += len(alias)
        self.size_bytes += len(alias)
        self._by_alias[alias] = entry

    def _remove(self, entry: Entry[Value]) -> None:
        del self._entries[entry.key]
        self.size_bytes -= entry.size_bytes
        for alias in entry.aliases:
            del self._by_alias[alias]

    def most_used(self, count: int) -> list[Value]:
        """Up to `count` stored answers, those asked for most often first."""
        ranked = sorted(self._entries.values(), key=lambda entry: -entry.hits)
        return [entry.value for entry in ranked[:count]]


class SingleFlight(Generic[Result]):
    """Computes a key once for all who ask while it is being computed."""

    def __init__(self) -> None:
        self._flying: dict[bytes, asyncio.Future[Result]] = {}

    async def do(self, key: bytes, compute: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `compute`, perhaps one that another caller started; its error is everybody's error.

        A caller that goes away does not end the computation for the others.
        """
        flying = self._flying.get(key)
        if flying is None:
            flying = asyncio.ensure_future(compute())
            self._flying[key] = flying
            flying.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flying)

    def _landed(self, key: bytes, done: "asyncio.Future[Result]") -> None:
        del self._flying[key]
        if not done.cancelled():
            done.exception()  # seen, even when every caller has gone
