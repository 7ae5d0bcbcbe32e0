"""Breaker: after some failures in a row nobody waits any more; one probe at a time finds out when it is over.

closed ──failures_max in a row──► open ──rest_seconds──► probe due ─┬─ answered ──► closed
                                    ▲                               │
                                    └────────── failed ─────────────┘
"""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Counts failures; several threads may tell and ask."""

    def __init__(
        self, failures_max: int = 3, rest_seconds: float = 4.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures_max = failures_max
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_from = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether callers should not even try."""
        return self._failures >= self._failures_max

    def claim_probe(self) -> bool:
        """True for the one caller who shall probe now, and then tell `succeeded` or `failed`."""
        with self._lock:
            due = self.open and not self._probing and self._clock() >= self._probe_from
            self._probing = self._probing or due
            return due

    def succeeded(self) -> None:
        """Tells of an answer: the breaker is closed, and failures are counted anew."""
        with self._lock:
            self._failures, self._probing = 0, False

    def failed(self) -> None:
        """Tells of a failure: the next probe is due after the rest."""
        with self._lock:
            self._failures, self._probing = self._failures + 1, False
            self._probe_from = self._clock() + self._rest_seconds
