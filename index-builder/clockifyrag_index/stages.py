"""Stages: how long each part of one search took, and how much of its time is left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import DeadlineExceeded


class Stages:
    """The clock of one search; it runs from here on."""

    def __init__(self, timeout_seconds: float | None) -> None:
        """timeout_seconds: None for a search without a deadline."""
        self._timeout_seconds = timeout_seconds
        self._started = time.monotonic()
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Within it the stage goes on; one that fails leaves no time."""
        started = time.monotonic()
        yield
        self.timings_ms[stage] = (time.monotonic() - started) * 1000

    def end(self) -> None:
        """Notes the time of all of them."""
        self.timings_ms["total"] = (time.monotonic() - self._started) * 1000

    def seconds_left(self) -> float:
        """Until the deadline, below 0 after it; infinite without one."""
        if self._timeout_seconds is None:
            return float("inf")
        return self._timeout_seconds - (time.monotonic() - self._started)

    def require_time(self) -> None:
        """DeadlineExceeded once there is none left."""
        if self.seconds_left() <= 0:
            raise DeadlineExceeded(f"the question took longer than its {self._timeout_seconds} seconds")
