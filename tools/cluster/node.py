"""Where a cluster and its nodes keep everything, and the addresses they have."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tools.binaries import cache

BRIDGE = "clockifyrag0"
HOST_ADDRESS = "10.210.0.254"  # of the machine, on the bridge
NODES = "10.210.0.0/24"
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
DOMAIN = "cluster.local"
SOCKET_BYTES_MAX = 107  # sun_path of unix(7)


@dataclass(frozen=True)
class Node:
    """A node: its number decides its addresses, its folder holds all that it writes."""

    name: str
    number: int
    folder: Path

    @property
    def address(self) -> str:
        return f"10.210.0.{self.number}"

    @property
    def pods(self) -> str:
        """The addresses of its pods."""
        return f"10.244.{self.number}.0/24"

    @property
    def link(self) -> str:
        """The end of its cable that is plugged into the bridge."""
        return f"clockify-{self.name}"[:15]

    @property
    def cgroup(self) -> str:
        """All its processes are in it, or below."""
        return f"clockifyrag-{self.name}"

    @property
    def pod_network(self) -> str:
        """The name that its CNI plugins know, and by which they name what they keep."""
        return f"clockifyrag-{self.name}"

    @property
    def socket(self) -> Path:
        """Where containerd listens; ValueError where the path is longer than the kernel allows."""
        path = self.folder / "containerd.sock"
        if len(os.fsencode(path)) > SOCKET_BYTES_MAX:
            raise ValueError(f"{path} is too long for a socket: name a shorter folder in CLOCKIFYRAG_CACHE")
        return path

    @property
    def volumes(self) -> Path:
        return self.folder / "volumes"

    def daemon_name(self, daemon: str) -> str:
        """The name by which a daemon of this node is known among those of all; on the first node its own."""
        return daemon if self.number == 1 else f"{daemon}.{self.name}"


@dataclass(frozen=True)
class Cluster:
    """A control plane, which runs on the first node; the second one joins and leaves."""

    folder: Path

    @property
    def node(self) -> Node:
        return Node("node1", 1, self.folder / "node1")

    @property
    def second(self) -> Node:
        return Node("node2", 2, self.folder / "node2")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All there may be."""
        return self.node, self.second

    @property
    def url(self) -> str:
        return f"https://{self.node.address}:6443"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's: holds keys and certificates itself, so it may be copied anywhere on this machine."""
        return self.folder / "admin.kubeconfig"

    @property
    def certificates(self) -> Path:
        return self.folder / "pki"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


def own_cluster() -> Cluster:
    """The one of this user: $CLOCKIFYRAG_CACHE/cluster."""
    return Cluster(cache() / "cluster")
