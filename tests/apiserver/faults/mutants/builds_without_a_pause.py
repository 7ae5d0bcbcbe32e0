"""Tries a build that failed again at once."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import decide, reasons
from clockifyrag_operator.case import Case


def no_wait(case: Case) -> float:
    return 0.0


def mutate() -> None:
    changed: Any = (decide, reasons)
    changed[0].seconds_to_wait = changed[1].seconds_to_wait = no_wait


if __name__ == "__main__":
    mutate()
    run()
