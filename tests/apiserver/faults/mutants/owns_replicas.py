"""Writes the number of search pods even where an autoscaler does."""

from collections.abc import Mapping
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import desired, names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.observed import Observed, Wanted


def replicas(wanted: Wanted, seen: Observed, decision: Decision) -> Mapping[tuple[str, str], int]:
    return {("Deployment", names.search(wanted.name)): 2}


def mutate() -> None:
    changed: Any = desired
    changed.replicas = replicas


if __name__ == "__main__":
    mutate()
    run()
