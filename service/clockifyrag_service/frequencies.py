"""Frequencies: how often a key was asked for lately, in a few bytes for each key that a cache may hold.

A count-min sketch (Cormode, Muthukrishnan, "An improved data stream summary", 2005) whose counts halve with time, as
TinyLFU has it (Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM TOS 13(4), 2017).
A key is counted in two places; other keys may share one, so the smaller of the two counts is never too low and seldom
too high.
"""

from typing import Final

COUNTERS_PER_ENTRY = 16  # of one byte: room for the keys that are asked for and not kept
HALVED_AFTER = 10  # look-ups for each entry
SLICE_BYTES = 4096  # halved at once: some microseconds, so that no look-up ever waits for a large table
COUNT_MAX = 255
HALF: Final = bytes(count >> 1 for count in range(COUNT_MAX + 1))

Slots = tuple[int, int]


class Frequencies:
    """Counts of keys; `slots` says where a key is counted, and is worth keeping beside it."""

    def __init__(self, entries: int) -> None:
        """`entries` that the cache may hold: the table has at least 16 bytes for each, at most 32 above 128 of them."""
        size = 1 << (max(SLICE_BYTES, COUNTERS_PER_ENTRY * entries) - 1).bit_length()
        self._counts = bytearray(size)
        self._mask = size - 1
        self._counted_max = max(1, HALVED_AFTER * entries * SLICE_BYTES // size)  # before the next slice is halved
        self._counted = 0
        self._next_slice = 0

    def slots(self, key: bytes) -> Slots:
        """Where the key is counted, by two parts of one hash."""
        hashed = hash(key)  # SipHash with a key of this process: nobody can choose questions that share slots
        return hashed & self._mask, hashed >> 32 & self._mask

    def add(self, slots: Slots, times: int = 1) -> None:
        """Counts look-ups: no count grows beyond the smaller one and `times`, for what is above it are other keys'
        (conservative update; Estan, Varghese, "New directions in traffic measurement and accounting", 2002).
        """
        counts = self._counts
        one, two = slots
        times = min(times, COUNT_MAX)  # more would fade all other counts, and says no more
        count = min(counts[one], counts[two]) + times
        if count > COUNT_MAX:
            count = COUNT_MAX
        if counts[one] < count:
            counts[one] = count
        if counts[two] < count:
            counts[two] = count
        self._counted += times
        while self._counted >= self._counted_max:
            self._halve_a_slice()

    def of(self, slots: Slots) -> int:
        """How often the key was counted lately: at least; 0–255."""
        return min(self._counts[slots[0]], self._counts[slots[1]])

    def _halve_a_slice(self) -> None:
        begin, end = self._next_slice, self._next_slice + SLICE_BYTES
        self._counts[begin:end] = self._counts[begin:end].translate(HALF)
        self._next_slice = end & self._mask
        self._counted -= self._counted_max
