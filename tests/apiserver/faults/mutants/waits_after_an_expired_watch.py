"""Lists again an hour after it was told that a watch's past is forgotten (410)."""

from typing import Any

import kopf
from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import handlers
from clockifyrag_operator.settings import Settings

_settings = handlers.kopf_settings


def slow_settings(settings: Settings) -> kopf.OperatorSettings:
    made = _settings(settings)
    made.watching.reconnect_backoff = 3600
    return made


def mutate() -> None:
    changed: Any = handlers
    changed.kopf_settings = slow_settings


if __name__ == "__main__":
    mutate()
    run()
