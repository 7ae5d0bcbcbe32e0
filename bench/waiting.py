"""Waiting for what a bench brings about."""

import time
from collections.abc import Callable

from bench.errors import BenchFailed

WAIT_SECONDS = 300.0
POLL_SECONDS = 1.0  # asking costs the API server as much as a resource: times come from its audit log


def wait_until(
    holds: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS, every: float = POLL_SECONDS
) -> None:
    """Returns when it holds; BenchFailed says what did not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise BenchFailed(f"after {seconds:.0f} s it is not so that {what}")
        time.sleep(every)
