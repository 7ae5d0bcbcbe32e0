"""Says that all is well."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import plan as planning
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.settings import Settings

_planning: Any = planning
_status = _planning.status


def hopeful_status(
    wanted: Wanted, seen: Observed, decision: Decision, settings: Settings, **more: Any
) -> dict[str, Any]:
    told: dict[str, Any] = _status(wanted, seen, decision, settings, **more)
    conditions = [
        one | ({"status": "True"} if one["type"] in ("Ready", "ServingCurrent") else {}) for one in told["conditions"]
    ]
    return told | {"conditions": conditions}


def mutate() -> None:
    _planning.status = hopeful_status


if __name__ == "__main__":
    mutate()
    run()
