"""Does not care when a busy server wants to be asked again."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.client import Client
from clockifyrag_operator.observed import Manifest

_refusal = Client._refusal


def refusal(self: Client, status: int, told: str | None, answer: Manifest) -> Exception:
    return _refusal(self, status, None, answer)


def mutate() -> None:
    changed: Any = Client
    changed._refusal = refusal


if __name__ == "__main__":
    mutate()
    run()
