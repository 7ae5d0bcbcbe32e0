"""Builds at every tick there was, whether or not it built for it before."""

from datetime import datetime
from typing import Any

from tests.apiserver.faults.mutants import other_clock
from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import schedule
from clockifyrag_operator.ledger import Ledger
from clockifyrag_resource.build import Schedule


def any_tick(ledger: Ledger, line: Schedule | None, now: datetime) -> datetime | None:
    return schedule.tick_before(line, now) if line else None


def mutate() -> None:
    other_clock.mutate()
    changed: Any = schedule
    changed.due_tick = any_tick


if __name__ == "__main__":
    mutate()
    run()
