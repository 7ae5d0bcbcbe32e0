"""Waits for the answer to a write for a moment only, and asks again."""

import asyncio
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.client import Client
from clockifyrag_operator.observed import Manifest

PATIENCE_SECONDS = 0.25

_write = Client.write


async def write(self: Client, method: str, path: str, body: Manifest, **options: Any) -> Manifest:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await _write(self, method, path, body, **options)


def mutate() -> None:
    changed: Any = Client
    changed.write = write


if __name__ == "__main__":
    mutate()
    run()
