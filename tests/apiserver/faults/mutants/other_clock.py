"""No fault: the operator with a clock that shows CLOCK (ISO 8601) at its start, and goes on from there."""

import os
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import cluster

_STARTED = time.monotonic()


class OtherClock(datetime):
    """`now` is another one."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        shown = datetime.fromisoformat(os.environ["CLOCK"]) + timedelta(seconds=time.monotonic() - _STARTED)
        return shown.astimezone(tz or UTC)


def mutate() -> None:
    changed: Any = cluster
    changed.datetime = OtherClock


if __name__ == "__main__":
    mutate()
    run()
