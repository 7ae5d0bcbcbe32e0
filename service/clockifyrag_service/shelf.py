"""Shelf: the stored answers of one generation, in the order in which they may leave.

    window ──► probation ◄──► protected      each with whoever came longest ago first

Asking for an entry only raises its count, which touches nothing else in memory. Where it stands is looked after when
room is needed: who was asked for meanwhile goes on to the protected ones, or to their end, as in CLOCK (Corbató, "A
paging experiment with the Multics system", 1968).
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .frequencies import Frequencies, Slots

PROTECTED_SHARE = 0.8  # of what is behind the window, as in Caffeine
EXAMINED_MAX = 16  # entries for each that leaves, so that nobody waits for a long row of used ones

Value = TypeVar("Value")
Segment = OrderedDict[bytes, "Entry[Value]"]


@dataclass(slots=True, eq=False)
class Entry(Generic[Value]):
    """One stored answer."""

    key: bytes
    value: Value
    expires: float  # on the cache's clock
    size_bytes: int
    slots: Slots  # where its frequency is counted
    segment: "Segment[Value]"
    hits: int = 0  # that are not counted there yet
    aliases: list[bytes] = field(default_factory=list)


class Shelf(Generic[Value]):
    """Entries by key and by alias, in three segments."""

    def __init__(self, frequencies: Frequencies) -> None:
        self.entries: dict[bytes, Entry[Value]] = {}
        self.by_alias: dict[bytes, Entry[Value]] = {}
        self.window: Segment[Value] = OrderedDict()
        self._probation: Segment[Value] = OrderedDict()
        self._protected: Segment[Value] = OrderedDict()
        self._frequencies = frequencies

    def add(self, entry: Entry[Value]) -> None:
        """As the newest of its segment."""
        self.entries[entry.key] = entry.segment[entry.key] = entry

    def shrink_window(self, entries_max: int) -> None:
        while len(self.window) > entries_max:
            self._move(oldest(self.window), self._probation)

    def loser(self, window_max: int, now: float) -> Entry[Value]:
        """Who leaves: of the entry that drops out of the window and the next one to leave behind it, the one that was
        asked for less often lately.
        """
        incumbent = self._incumbent()
        if incumbent is None:
            return oldest(self.window)
        if len(self.window) <= window_max or incumbent.expires <= now:
            return incumbent
        newcomer = oldest(self.window)
        return incumbent if self.frequency(newcomer) > self.frequency(incumbent) else newcomer

    def _incumbent(self) -> Entry[Value] | None:
        """The next to leave behind the window, once those before it that were asked for have moved on."""
        for _ in range(EXAMINED_MAX):
            segment = self._probation or self._protected
            if not segment:
                return None
            entry = oldest(segment)
            if not entry.hits:
                return entry
            self._settle(entry)
            self._move(entry, self._protected)
            self._shrink_protected()
        return oldest(self._probation or self._protected)

    def _shrink_protected(self) -> None:
        """Moves one entry back to probation when there are too many; one that was asked for gets to their end."""
        protected = self._protected
        if len(protected) > PROTECTED_SHARE * (len(protected) + len(self._probation)):
            entry = oldest(protected)
            self._move(entry, protected if entry.hits else self._probation)
            self._settle(entry)

    def frequency(self, entry: Entry[Value]) -> int:
        """How often it was asked for lately."""
        return self._frequencies.of(entry.slots) + entry.hits

    def _settle(self, entry: Entry[Value]) -> None:
        """Enters its hits among the frequencies, which outlive it."""
        if entry.hits:
            self._frequencies.add(entry.slots, entry.hits)
            entry.hits = 0

    def _move(self, entry: Entry[Value], segment: "Segment[Value]") -> None:
        """To the young end of a segment."""
        del entry.segment[entry.key]
        segment[entry.key] = entry
        entry.segment = segment

    def remove(self, entry: Entry[Value]) -> None:
        del self.entries[entry.key]
        self._forget(entry)

    def take_any(self) -> Entry[Value]:
        """Removes the entry that is found quickest: the first of a dict lies behind all that were removed before."""
        _, entry = self.entries.popitem()
        self._forget(entry)
        return entry

    def _forget(self, entry: Entry[Value]) -> None:
        self._settle(entry)
        del entry.segment[entry.key]
        for alias in entry.aliases:
            del self.by_alias[alias]

    def youngest(self) -> Iterator[Entry[Value]]:
        """All entries, those first that have most likely been asked for often."""
        for segment in (self._protected, self._probation, self.window):
            yield from reversed(segment.values())


def oldest(segment: "Segment[Value]") -> Entry[Value]:
    return next(iter(segment.values()))
