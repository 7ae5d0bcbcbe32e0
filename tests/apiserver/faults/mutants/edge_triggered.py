"""Believes events alone: lists tell it nothing, and nothing is looked at again."""

import asyncio
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.leading import Leader
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.wakes import Wakes

_hear = Wakes.__call__


def hear_events_only(self: Wakes, happened: str | None, manifest: Manifest) -> None:
    if happened is not None:
        _hear(self, happened, manifest)


async def nothing(self: Leader) -> None:
    """No resync, and no list after a watch was opened anew."""


async def follow_nothing(self: Leader) -> None:
    await asyncio.Event().wait()


def mutate() -> None:
    changed: Any = (Wakes, Leader)
    changed[0].__call__ = hear_events_only
    changed[1]._resync = changed[1]._resync_lists = nothing
    changed[1]._follow_lists = follow_nothing


if __name__ == "__main__":
    mutate()
    run()
