"""Trusts a watch that says nothing for ever."""

from typing import Any

import kopf
from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import handlers, leading
from clockifyrag_operator.leading import Leader
from clockifyrag_operator.settings import Settings

_settings = handlers.kopf_settings


def patient_settings(settings: Settings) -> kopf.OperatorSettings:
    made = _settings(settings)
    made.watching.inactivity_timeout = 3600
    made.watching.server_timeout = 3600
    return made


async def nothing(self: Leader) -> None:
    """No resync that would hide it."""


def mutate() -> None:
    changed: Any = (handlers, leading)
    changed[0].kopf_settings, changed[1].Leader._resync = patient_settings, nothing
    changed[1].SILENT_TIMES = 1000


if __name__ == "__main__":
    mutate()
    run()
