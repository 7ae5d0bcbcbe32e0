"""Waits for every answer of the API server for as long as it takes; its passes have no other end either."""

from typing import Any

import aiohttp
from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import reconcile
from clockifyrag_operator.client import Client

_init = Client.__init__


def init(self: Client, *values: Any, **options: Any) -> None:
    _init(self, *values, **options)
    self._timeout = aiohttp.ClientTimeout(total=None)


def mutate() -> None:
    changed: Any = Client
    changed.__init__ = init
    passes: Any = reconcile
    passes.PASS_REQUESTS = 10**9


if __name__ == "__main__":
    mutate()
    run()
