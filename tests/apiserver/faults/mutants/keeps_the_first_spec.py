"""Reads a resource once and never again."""

from typing import Any

from tests.apiserver.faults.mutants.running import run

from clockifyrag_operator.cache import Key
from clockifyrag_operator.cluster import Cluster
from clockifyrag_operator.observed import Manifest, Wanted

_wanted = Cluster.wanted


def first_wanted(self: Cluster, key: Key, body: Manifest) -> Wanted:
    known = self.memory.read.get(key)
    return known[1] if known else _wanted(self, key, body)


def mutate() -> None:
    changed: Any = Cluster
    changed.wanted = first_wanted


if __name__ == "__main__":
    mutate()
    run()
