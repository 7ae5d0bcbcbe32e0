"""Writes every object in every pass."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.observed import Manifest


def never_holds(self: Pass, *_: Manifest) -> bool:
    return False


def mutate() -> None:
    changed: Any = Pass
    changed._holds = never_holds


if __name__ == "__main__":
    mutate()
    run()
