"""Takes a cluster down, also one that crashed: nothing of it stays on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tools.cluster import cgroups, machine, network
from tools.cluster.inside import HOLDER, record_of
from tools.cluster.node import Cluster, Node
from tools.cluster.processes import stop
from tools.cluster.record import Record

FIRST = "kubelet"  # it would start again what is stopped after it
STOP_SECONDS = 5.0
END_SECONDS = 30.0
POLL_SECONDS = 0.05


def take_down(cluster: Cluster) -> None:
    """Ends the daemons that were recorded, then whatever is in the nodes' cgroups; removes what they leave.

    The pods' processes and containerd's shims are known by their cgroup, so containerd need not be there to tell.
    """
    record = record_of(cluster)
    end(list(record.processes), cluster.nodes, record)
    network.disconnect(cluster.nodes)
    machine.put_back(record)
    if cluster.folder.exists():
        machine.remove_folder(cluster.folder)


def remove_node(cluster: Cluster, node: Node) -> None:
    """The same for one node that is not the first; the API server is told before that it is gone."""
    record = record_of(cluster)
    names = record.of(node)
    end(names, (node,), record)
    record.forget(names)
    network.unplug(node)
    if record.runs(HOLDER):
        network.remove_pod_routes(node, cluster.node, record)
    if node.folder.exists():
        machine.remove_folder(node.folder)


def end(names: Sequence[str], nodes: Sequence[Node], record: Record) -> None:
    """Ends these daemons, and then all that runs in the nodes' cgroups."""
    newest_first = names[::-1]
    for name in sorted(newest_first, key=lambda name: not name.startswith(FIRST)):
        stop(record.processes[name], STOP_SECONDS)
    wait_until("processes of the cluster end", lambda: len(nodes) == sum(map(all_ended, nodes)))  # each is killed
    wait_until("cgroups of the cluster are empty", lambda: all(map(cgroups.remove, nodes)))


def all_ended(node: Node) -> bool:
    cgroups.kill(node)
    return not cgroups.processes(node)


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {END_SECONDS:g} s: {what}")
        time.sleep(POLL_SECONDS)
