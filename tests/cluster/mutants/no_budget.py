"""No PodDisruptionBudget: a drain may take all pods at once."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import desired


def mutate() -> None:
    changed: Any = desired
    changed.disruption_budget = lambda wanted: None


if __name__ == "__main__":
    mutate()
    run()
