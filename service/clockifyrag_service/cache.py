"""Cache of answers, bounded by entries, bytes and age; what is asked for often stays.

    put ──► window ──► was it asked for more often than who would leave? ── yes ──► probation, protected
            (1 %)                                          └─ no: it leaves itself

W-TinyLFU (Einziger, Friedman, Manes, ACM TOS 13(4), 2017): a question that is asked once pushes out nobody, which plain
LRU lets it do. In bench/figures/answer_cache.py it finds a tenth more.

A key begins with bytes of the generation that answers. Frequencies are those of the rest of the key, so a new
generation inherits what is known of the questions, and never an answer.

All methods run in the event loop, so nothing is locked, and none takes longer the more is stored.
"""

import time
from collections.abc import Callable
from itertools import islice
from typing import Generic, Protocol, TypeVar

from .frequencies import Frequencies, Slots
from .shelf import Entry, Shelf

ALIASES_MAX = 4  # spellings of one request that find its answer without being parsed
ALIAS_BYTES_MAX = 2048  # a longer query string is parsed each time, which costs less than keeping it
ENTRY_OVERHEAD_BYTES = 600  # of the objects around the stored bytes, measured with tracemalloc
WINDOW_SHARE = 0.01  # of the entries
LEAVING_AT_ONCE = 4  # answers of a former generation that each new one replaces
RANKED_MAX = 5000  # entries looked at for the most used ones


class Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


Value = TypeVar("Value", bound=Sized)


class AnswerCache(Generic[Value]):
    """Answers found by key or by an alias of it."""

    def __init__(
        self,
        entries_max: int,
        bytes_max: int,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        generation_bytes: int = 0,
    ) -> None:
        """`generation_bytes` at the head of each key say which generation answers."""
        self.entries_max = entries_max
        self.bytes_max = bytes_max
        self.ttl_seconds = ttl_seconds
        self.size_bytes = 0
        self.hits = 0
        self.misses = 0
        self._clock = clock
        self._generation_bytes = generation_bytes
        self._generation: bytes | None = None
        self._frequencies = Frequencies(min(entries_max, bytes_max // ENTRY_OVERHEAD_BYTES))
        self._shelf: Shelf[Value] = Shelf(self._frequencies)
        self._leaving: list[Shelf[Value]] = []  # of former generations

    def __len__(self) -> int:
        """Answers that may be found."""
        return len(self._shelf.entries)

    @property
    def hit_rate(self) -> float:
        """Share of look-ups answered from here, 0–1."""
        looked_up = self.hits + self.misses
        return self.hits / looked_up if looked_up else 0.0

    @property
    def _window_max(self) -> int:
        """Entries of the window: a part of those that are there, as bytes may bound them before their number does."""
        return max(1, round(WINDOW_SHARE * len(self)))

    def get(self, key: bytes) -> Value | None:
        """The stored answer, or None, which is counted as a miss."""
        entry = self._shelf.entries.get(key)
        value = self._use(entry) if entry else None
        if value is None:
            self.misses += 1
            self._frequencies.add(self._slots(key))
        return value

    def get_by_alias(self, alias: bytes) -> Value | None:
        """As `get`, for a spelling that `name` was told; a miss is not counted: `get` follows it."""
        entry = self._shelf.by_alias.get(alias)
        return self._use(entry) if entry else None

    def _use(self, entry: Entry[Value]) -> Value | None:
        if entry.expires <= self._clock():
            self._remove(entry)
            return None
        entry.hits += 1
        self.hits += 1
        return entry.value

    def _slots(self, key: bytes) -> Slots:
        return self._frequencies.slots(key[self._generation_bytes :])

    def put(self, key: bytes, value: Value) -> None:
        """Stores the answer, unless it alone is larger than the cache or a former generation's."""
        shelf = self._shelf
        size = len(key) + value.size_bytes + ENTRY_OVERHEAD_BYTES
        old = shelf.entries.get(key)
        if old:
            self._remove(old)
        if size > self.bytes_max or self.entries_max == 0:
            return
        if self._generation is not None and not key.startswith(self._generation):
            return  # it was asked for before the generation changed
        self._let_leave(LEAVING_AT_ONCE)
        shelf.add(Entry(key, value, self._clock() + self.ttl_seconds, size, self._slots(key), shelf.window))
        self.size_bytes += size
        self._make_room()
        shelf.shrink_window(self._window_max)

    def name(self, key: bytes, alias: bytes) -> None:
        """Lets `alias` find what is stored under `key`; an entry has few short aliases, the first are kept."""
        shelf = self._shelf
        entry = shelf.entries.get(key)
        if entry is None or alias in shelf.by_alias or len(entry.aliases) >= ALIASES_MAX:
            return
        if len(alias) > ALIAS_BYTES_MAX:
            return
        entry.aliases.append(alias)
        entry.size_bytes += len(alias)
        self.size_bytes += len(alias)
        shelf.by_alias[alias] = entry
        self._make_room()

    def turn_to(self, generation: bytes) -> None:
        """From now on only answers whose keys begin so are found and kept; the others make room as it is needed.

        Nothing is freed at once: a million answers would hold up every request.
        """
        if generation == self._generation:
            return
        self._generation = generation
        self._leaving.append(self._shelf)
        self._shelf = Shelf(self._frequencies)

    def most_used(self, count: int) -> list[tuple[Value, int]]:
        """Up to `count` stored answers with how often each was asked for lately, those most often asked for first."""
        shelf = self._shelf
        ranked = sorted(islice(shelf.youngest(), RANKED_MAX), key=shelf.frequency, reverse=True)
        return [(entry.value, shelf.frequency(entry)) for entry in ranked[:count]]

    def expect(self, key: bytes, times: int) -> None:
        """Counts the key as asked for so often elsewhere."""
        self._frequencies.add(self._slots(key), times)

    def _make_room(self) -> None:
        """Lets entries leave until the rest fits, those of former generations first."""
        shelf = self._shelf
        while len(shelf.entries) > self.entries_max or self.size_bytes > self.bytes_max:
            if not self._let_leave(1):
                self._remove(shelf.loser(self._window_max, self._clock()))

    def _let_leave(self, count: int) -> bool:
        """Removes up to `count` entries of former generations; False when there are none."""
        for _ in range(count):
            if not self._leaving:
                return False
            former = self._leaving[0]
            if former.entries:
                self.size_bytes -= former.take_any().size_bytes
            if not former.entries:
                del self._leaving[0]
        return True

    def _remove(self, entry: Entry[Value]) -> None:
        self._shelf.remove(entry)
        self.size_bytes -= entry.size_bytes
