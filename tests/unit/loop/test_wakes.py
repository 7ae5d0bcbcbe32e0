"""Wakes: which events are worth a look."""

from __future__ import annotations

from typing import Any

import pytest

from clockifyrag_operator import names
from clockifyrag_operator.cache import Cache, Key
from clockifyrag_operator.kinds import ALL
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.queue import WorkQueue
from clockifyrag_operator.wakes import Wakes


def child(kind: str, version: int, *, replicas: int = 2, told: int = 1, **metadata: Any) -> Manifest:
    about = {"name": "help-search", "namespace": "team", "uid": "u", "resourceVersion": str(version),
             "labels": names.labels("help", names.SEARCH), "managedFields": [{"time": version}]}  # fmt: skip
    return {
        "apiVersion": ALL[kind].api_version, "kind": kind, "metadata": about | metadata,
        "spec": {"replicas": replicas}, "status": {"told": told},
    }  # fmt: skip


def woken(before: Manifest, after: Manifest, happened: str = "MODIFIED") -> int:
    """How many resources wait for a look after the second event."""
    cache, queue = Cache(), WorkQueue[Key](1.0, 1.0)
    cache.put(before)
    Wakes(cache, queue)(happened, after)
    assert cache.get(after["kind"], "team", "help-search") != before, "the cache follows in any case"
    return queue.depth


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("HorizontalPodAutoscaler", 0), ("PodDisruptionBudget", 0), ("Service", 0), ("Ingress", 0),
        ("NetworkPolicy", 0), ("Deployment", 1), ("Job", 1), ("Pod", 1), ("PersistentVolumeClaim", 1),
    ],
)  # fmt: skip
def test_a_status_wakes_where_it_is_read(kind: str, expected: int) -> None:
    assert expected == woken(child(kind, 1), child(kind, 2, told=2))


def test_what_else_changes_wakes_whatever_the_kind() -> None:
    before = child("HorizontalPodAutoscaler", 1)

    assert 1 == woken(before, child("HorizontalPodAutoscaler", 2, replicas=3))
    assert 1 == woken(before, child("HorizontalPodAutoscaler", 2, deletionTimestamp="now"))
    assert 1 == woken(before, child("HorizontalPodAutoscaler", 2), happened="DELETED")
