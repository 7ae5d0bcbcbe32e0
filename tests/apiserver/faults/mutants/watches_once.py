"""Opens its watches once: where the server refuses to go on with them, they stay closed."""

import asyncio
import logging
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.leading import Leader
from clockifyrag_operator.wakes import Wakes

log = logging.getLogger(__name__)


async def watch(self: Leader, wakes: Wakes) -> None:
    try:
        await self._watch_until_silent(wakes)
    except Exception:
        log.exception("the watches failed")
    await asyncio.Event().wait()


def mutate() -> None:
    changed: Any = Leader
    changed._watch = watch


if __name__ == "__main__":
    mutate()
    run()
