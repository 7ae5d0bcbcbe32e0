"""What is worth remembering between passes; all of it may be lost at any time, at the price of a few more requests."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from clockifyrag_operator.cache import Key, Place
from clockifyrag_operator.errors import Refused
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest, Wanted

Asked = tuple[str | None, int, str | None]
"""What was asked for: digest of the object, generation of the resource's spec, resourceVersion of the live object."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write that was refused, and is not asked again for a while unless something about it changed."""

    error: Refused
    asked: Asked
    times: int
    until: float  # of time.monotonic()


@dataclass(slots=True)
class Memory:
    """Of one time of being the leader."""

    metrics: Metrics
    backoff_seconds: float = 1.0
    backoff_seconds_max: float = 120.0
    accepted: dict[Place, tuple[str | None, str]] = field(default_factory=dict)
    """Objects the API server stores differently from what was applied: digest applied, and of what it made of it."""
    compared: dict[Place, tuple[str | None, str]] = field(default_factory=dict)
    """Objects that were found to hold what is wanted: digest wanted, and their resourceVersion then."""
    read: dict[Key, tuple[str, Wanted]] = field(default_factory=dict)
    """Resources as they were last read, with their resourceVersion."""
    made_anew: set[tuple[Place, str | None]] = field(default_factory=set)
    """Objects that went because a fixed field was to change, with the digest wanted: it did not help if it is again."""
    statuses: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By uid: digest of the status that was written, and of what the API server stored (an old CRD drops fields)."""
    foreign: dict[Key, dict[tuple[str, str], Manifest]] = field(default_factory=dict)
    """Objects of somebody else that bear a name a resource wants."""
    refusals: dict[Key, dict[tuple[str, str], str]] = field(default_factory=dict)
    """Why the last pass could not make an object what it is to be, in words, by kind and name."""
    refused: dict[Place, Refusal] = field(default_factory=dict)
    written: dict[Key, int] = field(default_factory=dict)
    """How many writes the last pass made, the status aside."""

    def is_refused(self, place: Place, asked: Asked) -> Refused | None:
        """The error with which this very write was refused so lately that it need not be asked again."""
        known = self.refused.get(place)
        return known.error if known and known.asked == asked and time.monotonic() < known.until else None

    def refuse(self, place: Place, asked: Asked, error: Refused) -> None:
        """Remembers the refusal; the same write is asked for again after a wait that doubles with each."""
        known = self.refused.get(place)
        times = known.times + 1 if known and known.asked == asked else 1
        wait = min(self.backoff_seconds_max, self.backoff_seconds * 2.0 ** min(times - 1, 30))
        self.refused[place] = Refusal(error, asked, times, time.monotonic() + wait * random.uniform(0.8, 1.2))

    def seconds_until_asked_again(self, key: Key) -> float | None:
        """Until the first write that was refused is due again; None where none was."""
        waits = (one.until for place, one in self.refused.items() if _belongs(place, key))
        first = min(waits, default=None)
        return max(0.0, first - time.monotonic()) if first is not None else None

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self.foreign.pop(key, None)
        self.refusals.pop(key, None)
        self.written.pop(key, None)
        if read := self.read.pop(key, None):
            self.statuses.pop(read[1].uid, None)
        self.compared = {place: one for place, one in self.compared.items() if not _belongs(place, key)}
        self.accepted = {place: one for place, one in self.accepted.items() if not _belongs(place, key)}
        self.refused = {place: one for place, one in self.refused.items() if not _belongs(place, key)}
        self.made_anew = {(place, told) for place, told in self.made_anew if not _belongs(place, key)}


def _belongs(place: Place, key: Key) -> bool:
    """Names of children begin with their resource's; one too many forgotten costs a request."""
    return place[1] == key[0] and place[2].startswith(f"{key[1]}-")
