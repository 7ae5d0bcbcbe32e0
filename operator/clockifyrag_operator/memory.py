"""What is worth remembering between passes; all of it may be lost at any time, at the price of a few more requests."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from clockifyrag_operator.cache import Key, Place
from clockifyrag_operator.errors import Refused
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest, Wanted

Step = tuple[str, str, str]  # what a pass does with which object: kind, name, and the deed
Asked = tuple[object, ...]
"""What a write rests on, such as the digest of the object and the generation of the spec: the same is refused again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step that was refused."""

    error: Refused
    asked: Asked
    times: int  # in a row
    until: float  # of time.monotonic(): when it is due again


@dataclass(slots=True)
class Memory:
    """What one leader remembers; the next one begins without it."""

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
    """By uid: digest of the status that was written, and of what the API server stored."""
    undeclared: frozenset[str] = frozenset()
    """Paths in a status that the installed CRD does not know (discovery.py)."""
    referenced: dict[Key, Mapping[str, str | None]] = field(default_factory=dict)
    """Observed.config_maps of the last pass."""
    foreign: dict[Key, dict[tuple[str, str], Manifest]] = field(default_factory=dict)
    """Objects of somebody else that bear a name a resource wants."""
    refusals: dict[Key, dict[tuple[str, str], str]] = field(default_factory=dict)
    """Why the last pass could not make an object what it is to be, in words, by kind and name."""
    refused: dict[Key, dict[Step, Refusal]] = field(default_factory=dict)
    """What the last pass was refused, by step; a step that it did not come to is not among them."""
    written: dict[Key, int] = field(default_factory=dict)
    """How many writes the last pass made, the status aside."""

    def refusal(self, error: Refused, asked: Asked, before: Refusal | None) -> Refusal:
        """The refusal of a step; the same is due again after a wait that doubles each time."""
        times = before.times + 1 if before is not None and before.asked == asked else 1
        wait = min(self.backoff_seconds_max, self.backoff_seconds * 2.0 ** min(times - 1, 30))
        return Refusal(error, asked, times, time.monotonic() + wait * random.uniform(0.8, 1.2))

    def seconds_until_due(self, key: Key) -> float | None:
        """Until the first step that the last pass was refused is due again; None where none was refused."""
        first = min((one.until for one in self.refused.get(key, {}).values()), default=None)
        return max(0.0, first - time.monotonic()) if first is not None else None

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self.referenced.pop(key, None)
        self.foreign.pop(key, None)
        self.refusals.pop(key, None)
        self.refused.pop(key, None)
        self.written.pop(key, None)
        if read := self.read.pop(key, None):
            self.statuses.pop(read[1].uid, None)
        self.compared = {place: one for place, one in self.compared.items() if not _belongs(place, key)}
        self.accepted = {place: one for place, one in self.accepted.items() if not _belongs(place, key)}
        self.made_anew = {(place, told) for place, told in self.made_anew if not _belongs(place, key)}


def _belongs(place: Place, key: Key) -> bool:
    """Names of children begin with their resource's; one too many forgotten costs a request."""
    return place[1] == key[0] and place[2].startswith(f"{key[1]}-")
