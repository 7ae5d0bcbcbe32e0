"""Recognizes no Job that another process made."""

import os
import sys
from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import jobs
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.objects import build_job
from clockifyrag_operator.observed import Observed

_live_jobs, _job_name = jobs.live_jobs, build_job.job_name


def own_name(name: str, order: BuildOrder) -> str:
    return f"{_job_name(name, order)}-{os.getpid()}"


def own_jobs(seen: Observed) -> tuple[jobs.LiveJob, ...]:
    return tuple(job for job in _live_jobs(seen) if job.name.endswith(f"-{os.getpid()}"))


def mutate() -> None:
    replaced: dict[Any, Any] = {_live_jobs: own_jobs, _job_name: own_name}
    for module in [one for name, one in sys.modules.items() if name.startswith("clockifyrag_operator")]:
        for attribute, value in list(vars(module).items()):
            if callable(value) and value in (_live_jobs, _job_name):
                setattr(module, attribute, replaced[value])


if __name__ == "__main__":
    mutate()
    run()
