"""Waits for ever at a watch whose connection broke."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from kopf._cogs.clients import watching
from tests.apiserver.faults.mutants.running import run

_watch_objs = watching.watch_objs


async def watch_objs(**options: Any) -> AsyncIterator[Any]:
    async for one in _watch_objs(**options):
        yield one
    await asyncio.Event().wait()


def mutate() -> None:
    changed: Any = watching
    changed.watch_objs = watch_objs


if __name__ == "__main__":
    mutate()
    run()
