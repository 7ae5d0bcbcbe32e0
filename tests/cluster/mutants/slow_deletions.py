"""Not broken, but slow: before it deletes, it waits as long as the file HOLD is there, and others act meanwhile."""

import asyncio
from pathlib import Path
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.observed import Manifest

FOLDER = Path(__file__).resolve().parents[3] / ".run" / "cluster"
HOLD, WAITS = FOLDER / "hold-deletions", FOLDER / "deletion-waits"


async def held() -> None:
    WAITS.touch()
    while HOLD.exists():
        await asyncio.sleep(0.05)
    WAITS.unlink(missing_ok=True)


def mutate() -> None:
    changed: Any = Pass
    deletes = changed._delete

    async def delete(self: Pass, live: Manifest) -> None:
        await held()
        await deletes(self, live)

    changed._delete = delete


if __name__ == "__main__":
    mutate()
    run()
