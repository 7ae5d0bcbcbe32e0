"""Believes for ever in what it once saw."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.cache import Cache
from clockifyrag_operator.observed import Manifest


def drop_nothing(self: Cache, manifest: Manifest) -> None:
    """It was there, so it is there."""


def mutate() -> None:
    changed: Any = Cache
    changed.drop = drop_nothing


if __name__ == "__main__":
    mutate()
    run()
