"""Leads for ever once it led, whatever the clock and the lease say."""

import asyncio
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.client import Client
from clockifyrag_operator.lease import Lease


def held(self: Lease) -> bool:
    return self._live is not None


async def keep(self: Lease, client: Client) -> None:
    await asyncio.Event().wait()


def mutate() -> None:
    changed: Any = Lease
    changed.held, changed.keep = property(held), keep


if __name__ == "__main__":
    mutate()
    run()
