"""The parts of the node: killed, frozen and started again."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.waiting import wait_until
from tools.cluster.daemons import Daemon
from tools.cluster.inside import record_of
from tools.cluster.node import Cluster
from tools.cluster.processes import start
from tools.cluster.record import Process, send

END_SECONDS = 10.0


class NodePart:
    """A daemon of the cluster, by its name: kubelet, containerd, kube-proxy, etcd, kube-apiserver."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        record_of(cluster).pid(name)  # it runs
        self.command = Path(f"/proc/{self.process.pid}/cmdline").read_text().rstrip("\0").split("\0")

    @property
    def process(self) -> Process:
        return record_of(self.cluster).processes[self.name]

    def kill(self) -> None:
        """SIGKILL; returns once it has ended."""
        process = self.process
        send(process, signal.SIGKILL)
        wait_until(lambda: not process.runs, END_SECONDS, f"{self.name} has ended")

    def freeze(self) -> None:
        send(self.process, signal.SIGSTOP)

    def thaw(self) -> None:
        send(self.process, signal.SIGCONT)

    def start(self) -> None:
        """With the same command as before, unless it runs."""
        start(self.cluster, record_of(self.cluster), Daemon(self.name, self.command))
