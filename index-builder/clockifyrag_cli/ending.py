"""Ending: SIGTERM ends a command at once and cleanly, also as the first process of a container."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_TERMINATED = 128 + signal.SIGTERM  # 143, as a shell says it


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Within it SIGTERM raises SystemExit(143), so that locks and files are given back.

    The first process of a container ignores a signal it has no handler for (pid_namespaces(7)): without one a pod that
    is deleted waits for its whole grace period and is killed then.
    """
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(EXIT_TERMINATED)
