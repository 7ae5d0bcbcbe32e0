"""A second node beside the first one: joined with our images on it, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.installation import load
from tests.cluster.kube import Kube
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.up import join, leave


@contextmanager
def second_node(kube: Kube) -> Iterator[str]:
    """Its name. Pods that are on it in the end are made again on the first one."""
    cluster = kube.cluster
    with one_at_a_time(cluster):
        join(cluster)
    try:
        load(cluster, cluster.second)
        yield cluster.second.name
    finally:
        with one_at_a_time(cluster):
            leave(cluster)


def cordon(kube: Kube, node: str) -> None:
    """New pods go elsewhere."""
    kube.kubectl.run("cordon", node)


def uncordon(kube: Kube, node: str) -> None:
    kube.kubectl.run("uncordon", node)


def drain(kube: Kube, node: str) -> None:
    """As an administrator does before the node is repaired; returns once all its pods have left."""
    kube.kubectl.run("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
