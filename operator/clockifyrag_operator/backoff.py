"""Backoff: how long to wait before a build that failed is tried again."""

import hashlib
from datetime import datetime

from clockifyrag_operator.ledger import moment
from clockifyrag_operator.settings import Settings

_JITTER = 0.2
_APART_SECONDS_MAX = 3600.0  # of two clocks that both are right, as people set them
_DOUBLINGS_MAX = 30  # far above any ceiling; 2**n stays a small number


def wait_seconds(uid: str, failures: int, settings: Settings) -> float:
    """Seconds to wait after that many failures: doubled each time up to the ceiling, apart by up to 20 %.

    What parts resources from each other is drawn from their uids, so that a restarted operator waits as long.
    """
    doubled = settings.build_backoff_seconds * float(1 << min(failures - 1, _DOUBLINGS_MAX))
    drawn = int(hashlib.sha256(f"{uid} {failures}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    spread = 1 + _JITTER * (2 * drawn - 1)
    return min(doubled * spread, settings.build_backoff_seconds_max)


def seconds_left(wait: float, since: str, now: datetime) -> float:
    """Seconds of the wait that are left, which began at that time, ISO 8601.

    0 where that is far in the future: a clock was ahead then, and nothing would be tried until it is caught up with.
    """
    passed = (now - moment(since)).total_seconds()
    return 0.0 if passed < -_APART_SECONDS_MAX else max(0.0, wait - max(0.0, passed))
