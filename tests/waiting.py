"""wait_until: returns as soon as something holds, and says what it waited for when it does not."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05  # each look is a request, on cores that the operator needs


class NotInTime(AssertionError):
    """What was waited for did not come: where that is an answer, and no failure of the test, this alone is caught."""


def wait_until(
    holds: Callable[[], T | None],
    seconds: float,
    why: str,
    explain: Callable[[], object] = lambda: "",
    every: float = POLL_SECONDS,
) -> T:
    """The first true value of `holds()`, asked for again after `every` seconds.

    NotInTime names `why`, and what `explain` tells, if there is none within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() >= deadline:
            raise NotInTime(f"not within {seconds:g} s: {why}\n{explain()}")
        time.sleep(every)
    return found
