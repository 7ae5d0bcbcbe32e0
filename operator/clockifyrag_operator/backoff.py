"""Backoff: how long to wait before a build that failed is tried again."""

import hashlib

from clockifyrag_operator.settings import Settings

_JITTER = 0.2
_DOUBLINGS_MAX = 30  # far above any ceiling; 2**n stays a small number


def wait_seconds(uid: str, failures: int, settings: Settings) -> float:
    """Seconds to wait after that many failures: doubled each time up to the ceiling, apart by up to 20 %.

    What parts resources from each other is drawn from their uids, so that a restarted operator waits as long.
    """
    doubled = settings.build_backoff_seconds * float(1 << min(failures - 1, _DOUBLINGS_MAX))
    drawn = int(hashlib.sha256(f"{uid} {failures}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    spread = 1 + _JITTER * (2 * drawn - 1)
    return min(doubled * spread, settings.build_backoff_seconds_max)
