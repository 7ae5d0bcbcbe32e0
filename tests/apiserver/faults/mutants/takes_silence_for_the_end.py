"""Takes a connection that broke for the end of the resource it worked on."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator import client
from clockifyrag_operator.errors import ResourceGone


def mutate() -> None:
    changed: Any = client
    changed.Unreachable = ResourceGone


if __name__ == "__main__":
    mutate()
    run()
