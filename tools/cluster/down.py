"""Takes a cluster down, also one that crashed: nothing of it stays on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.cluster import cgroups, machine, network
from tools.cluster.inside import record_of
from tools.cluster.node import Cluster
from tools.cluster.processes import stop

FIRST = ("kubelet",)  # it would start again what is stopped after it
STOP_SECONDS = 5.0
END_SECONDS = 30.0
POLL_SECONDS = 0.05


def take_down(cluster: Cluster) -> None:
    """Ends the daemons that were recorded, then whatever is in the node's cgroups; removes what they leave.

    The pods' processes and containerd's shims are known by their cgroup, so containerd need not be there to tell.
    """
    node, record = cluster.node, record_of(cluster)
    reverse = list(reversed(record.processes))
    for name in sorted(reverse, key=lambda name: name not in FIRST):
        stop(record.processes[name], STOP_SECONDS)
    wait_until("processes of the cluster end", lambda: all_ended(cluster))
    network.disconnect(node)
    wait_until("cgroups of the cluster are empty", lambda: cgroups.remove(node))
    machine.put_back(record)
    if cluster.folder.exists():
        machine.remove_folder(cluster.folder)


def all_ended(cluster: Cluster) -> bool:
    cgroups.kill(cluster.node)
    return not cgroups.processes(cluster.node)


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {END_SECONDS:g} s: {what}")
        time.sleep(POLL_SECONDS)
