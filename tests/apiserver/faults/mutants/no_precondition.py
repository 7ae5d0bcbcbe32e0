"""Deletes what it believes to be there, whatever is there now."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.client import Client, path_of
from clockifyrag_operator.observed import Manifest


async def delete(self: Client, live: Manifest, propagation: str = "Background") -> Manifest:
    return await self.write("DELETE", path_of(live), {"propagationPolicy": propagation})


async def delete_at_once(self: Pass, live: Manifest) -> None:
    self._gone(live, await self._client.delete(live))


def mutate() -> None:
    changed: Any = (Client, Pass)
    changed[0].delete, changed[1]._delete = delete, delete_at_once


if __name__ == "__main__":
    mutate()
    run()
