"""A command inside of the node's network: pods and Services are reached from there, and nothing outside.

subprocess.run(in_namespace(["curl", "http://10.96.0.10:9153/metrics"]))
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.cluster.node import Cluster, own_cluster
from tools.cluster.record import Record

HOLDER = "namespaces"  # the process that keeps them


def record_of(cluster: Cluster) -> Record:
    return Record.read(cluster.folder / "record.json")


def in_namespace(command: Sequence[str | Path], cluster: Cluster | None = None) -> list[str]:
    """The command, run in the network of the first node; ProcessLookupError where no cluster runs.

    Not `ip netns exec`: that mounts another /sys, in which there are no cgroups.
    """
    return entering(record_of(cluster or own_cluster()).pid(HOLDER), command, "--net")


def entering(pid: int, command: Sequence[str | Path], *namespaces: str) -> list[str]:
    """The command, run in these namespaces of the process; it keeps its number, as nsenter becomes the command."""
    return ["nsenter", f"--target={pid}", *namespaces, "--", *map(str, command)]
