"""Lets go of what it worked on when somebody else was faster (409)."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.cache import Key
from clockifyrag_operator.queue import WorkQueue

_failed = WorkQueue.failed


def failed(self: WorkQueue[Key], key: Key, at_least: float | None = None, *, first_at_once: bool = False) -> float:
    if not first_at_once:
        return _failed(self, key, at_least)
    self.forget(key)
    return 0.0


def mutate() -> None:
    changed: Any = WorkQueue
    changed.failed = failed


if __name__ == "__main__":
    mutate()
    run()
