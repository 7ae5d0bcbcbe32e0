"""Gives up a pass at the first object that cannot be written."""

from collections.abc import Awaitable
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.errors import PassIncomplete
from clockifyrag_operator.observed import Manifest

_step = Pass._step


async def step_or_stop(self: Pass, manifest: Manifest, deed: Awaitable[None]) -> bool:
    done = await _step(self, manifest, deed)
    if self.failures:
        raise PassIncomplete(tuple(self.failures))
    return done


def mutate() -> None:
    changed: Any = Pass
    changed._step = step_or_stop


if __name__ == "__main__":
    mutate()
    run()
