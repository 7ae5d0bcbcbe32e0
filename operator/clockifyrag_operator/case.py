"""Case: one resource in one pass, with what was worked out of it so far. Every check of decide.py looks at one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clockifyrag_operator import rollout, schedule, triggers
from clockifyrag_operator.build_key import build_key
from clockifyrag_operator.decision import Images, Reason
from clockifyrag_operator.ledger import BuildKey, Entry, Ledger
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.resource import Spec


@dataclass(frozen=True, slots=True)
class Case:
    """A valid resource whose ledger is known."""

    wanted: Wanted
    spec: Spec
    seen: Observed
    settings: Settings
    images: Images  # in use
    ledger: Ledger

    @property
    def key(self) -> BuildKey | Reason:
        """The key of the index wanted now by the spec alone; a Reason says what has to be known first."""
        return self.key_for(self.ledger.trigger)

    @property
    def asked_key(self) -> BuildKey | Reason:
        """The key of what a build ordered now would make: that of the trigger that asks, where one does, else `key`."""
        return self.key_for(self.trigger or self.ledger.trigger)

    def key_for(self, trigger: str) -> BuildKey | Reason:
        """The key of what a build for this trigger makes."""
        return build_key(self.spec, self.seen, self.ledger, trigger, self.images.format)

    @property
    def known_key(self) -> BuildKey | None:
        return _known(self.key)

    @property
    def known_asked_key(self) -> BuildKey | None:
        return _known(self.asked_key)

    @property
    def token(self) -> str | None:
        """The reindex token no build was made for."""
        token = triggers.token_of(self.wanted.annotations)
        return token if token not in self.ledger.tokens else None

    @property
    def tick(self) -> datetime | None:
        """The tick of the schedule no build was made for."""
        return schedule.due_tick(self.ledger, self.spec.build.schedule, self.seen.now)

    @property
    def trigger(self) -> str:
        """What the next build answers besides the spec; "" when nothing asks."""
        if self.tick is not None:
            return f"{triggers.TICK}{self.tick.isoformat(timespec='seconds')}"
        return f"{triggers.TOKEN}{self.token}" if self.token is not None else ""

    @property
    def built(self) -> Entry | None:
        """The newest generation that the key wanted now led to and that is to stay, whatever became of it."""
        return self.ledger.standing(self.known_key)

    @property
    def in_use(self) -> frozenset[str]:
        return rollout.in_use(self.wanted.name, self.seen)

    @property
    def kept(self) -> frozenset[str | None]:
        """Generations that are not removed, whatever their state."""
        return self.in_use | {self.spec.index.pin, self.ledger.previous if self._rolling else None}

    @property
    def _rolling(self) -> bool:
        """Whether pods may still have to go back to the generation before."""
        current = self.ledger.entry(self.ledger.current)
        return current is not None and current.state == "Candidate"


def _known(key: BuildKey | Reason) -> BuildKey | None:
    return None if isinstance(key, Reason) else key
