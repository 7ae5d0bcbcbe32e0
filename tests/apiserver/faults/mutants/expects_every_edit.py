"""Believes an edit only where it heard of the one before."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.kinds import RESOURCE
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.wakes import Wakes

_hear = Wakes.__call__


def hear_in_order(self: Wakes, happened: str | None, manifest: Manifest) -> None:
    metadata = manifest["metadata"]
    known = self._cache.get(RESOURCE.kind, metadata.get("namespace", ""), metadata["name"])
    edited = happened == "MODIFIED" and manifest.get("kind") == RESOURCE.kind and known is not None
    if not edited or metadata["generation"] <= known["metadata"]["generation"] + 1:
        _hear(self, happened, manifest)


def mutate() -> None:
    changed: Any = Wakes
    changed.__call__ = hear_in_order


if __name__ == "__main__":
    mutate()
    run()
