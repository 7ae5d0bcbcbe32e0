"""Looks at a ConfigMap once."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.leading import Leader


async def nothing(self: Leader) -> None:
    """It was read when the resource was made."""


def mutate() -> None:
    changed: Any = Leader
    changed._look_at_references = changed._resync = nothing


if __name__ == "__main__":
    mutate()
    run()
