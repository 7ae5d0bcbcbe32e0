"""A second node beside the first one: joined with our images on it, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.installation import load
from tests.cluster.kube import Kube
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.up import join, leave

LEFT_SECONDS = 80  # less than kubectl is given


@contextmanager
def second_node(kube: Kube) -> Iterator[str]:
    """Its name. Pods that are on it in the end are made again on the first one."""
    cluster = kube.cluster
    try:
        with one_at_a_time(cluster):
            join(cluster)
        load(cluster, cluster.second)
        yield cluster.second.name
    finally:
        with one_at_a_time(cluster):
            leave(cluster)


@contextmanager
def cordoned(kube: Kube, node: str) -> Iterator[None]:
    """New pods go elsewhere until the block ends."""
    kube.kubectl.run("cordon", node)
    try:
        yield
    finally:
        kube.kubectl.run("uncordon", node)


@contextmanager
def drained(kube: Kube, node: str) -> Iterator[None]:
    """All pods have left, as an administrator has it before a node is repaired; it takes pods again after the block."""
    with cordoned(kube, node):
        kube.kubectl.run("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={LEFT_SECONDS}s")
        yield
