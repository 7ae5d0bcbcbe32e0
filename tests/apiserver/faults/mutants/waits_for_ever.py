"""Waits for every answer of the API server for as long as it takes."""

from typing import Any

import aiohttp
from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import reconcile
from clockifyrag_operator.client import Client

_made = Client.__init__


def made(self: Client, *values: Any, **options: Any) -> None:
    _made(self, *values, **options)
    self._timeout = aiohttp.ClientTimeout(total=None)


def mutate() -> None:
    changed: Any = Client
    changed.__init__ = made
    passes: Any = reconcile
    passes.PASS_REQUESTS = 10**9


if __name__ == "__main__":
    mutate()
    run()
