"""Replaces pods of the store in order, which waits for ever for one that is stuck."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import desired, names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.settings import Settings

_desired = desired.desired


def ordered(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> tuple[Manifest, ...]:
    drawn = _desired(wanted, seen, decision, settings)
    for one in drawn:
        if one["metadata"]["name"] == names.store(wanted.name) and one["kind"] == "StatefulSet":
            one["spec"]["podManagementPolicy"] = "OrderedReady"
    return drawn


def mutate() -> None:
    changed: Any = desired
    changed.desired = ordered


if __name__ == "__main__":
    mutate()
    run()
