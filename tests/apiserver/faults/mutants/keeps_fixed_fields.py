"""Tries for ever to change a field that cannot be changed."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.observed import Manifest


async def replace_nothing(self: Pass, live: Manifest, rendered: Manifest) -> None:
    """The next pass tries again."""


def mutate() -> None:
    changed: Any = Pass
    changed._replace = replace_nothing


if __name__ == "__main__":
    mutate()
    run()
