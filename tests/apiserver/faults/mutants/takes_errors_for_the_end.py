"""Takes an error of the server (5xx) for the end of the resource it worked on."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import client
from clockifyrag_operator.errors import OperatorError, ResourceGone

_api_error = client.api_error


def api_error(status: int, reason: str, message: str, retry_after: float | None = None) -> OperatorError:
    return ResourceGone(message) if status >= 500 else _api_error(status, reason, message, retry_after)


def mutate() -> None:
    changed: Any = client
    changed.api_error = api_error


if __name__ == "__main__":
    mutate()
    run()
