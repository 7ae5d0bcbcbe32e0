"""The node's network: a namespace of its own, and a cable to a bridge of this machine.

    this machine                        │ the node
    clockifyrag0 ── clockify-node1 ═════╪═══ eth0 10.210.0.1 ── API server, kubelet, kube-proxy
    10.210.0.254                        │    cni0 10.244.1.1  ── pods
        └───────── clockify-node2 ══════╪═══ eth0 10.210.0.2 …  where there are two
                                        │
Nodes have routes to each other's pods and to nowhere else, so no packet of theirs leaves this machine. A namespace is
gone, and with it its end of the cable, when the last process in it ends: also after a crash.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.cluster.inside import HOLDER, entering
from tools.cluster.node import BRIDGE, HOST_ADDRESS, NODES, SERVICES, Node
from tools.cluster.record import Record

NODE_SETTINGS = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
CABLE_IN_NODE = "eth0"


def connect(node: Node, record: Record) -> None:
    """Plugs the node into the bridge, which is made with the first one."""
    if not exists(BRIDGE):
        refuse_taken_addresses()
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("address", "add", f"{HOST_ADDRESS}/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    if exists(node.link):
        return
    pid = record.pid(node.daemon_name(HOLDER))
    ip("link", "add", node.link, "type", "veth", "peer", "name", CABLE_IN_NODE, "netns", str(pid))
    ip("link", "set", node.link, "master", BRIDGE, "up")
    inside = [
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{node.address}/24", "dev", CABLE_IN_NODE],
        ["ip", "link", "set", CABLE_IN_NODE, "up"],
        # Where kube-proxy sends a packet is decided after a route was found: without one there is no Service.
        ["ip", "route", "add", SERVICES, "dev", CABLE_IN_NODE, "src", node.address],
        *(["sh", "-c", f"echo {value} > /proc/sys/{name}"] for name, value in NODE_SETTINGS.items()),
    ]
    for command in inside:
        run(entering(pid, command, "--net"))


def add_pod_routes(one: Node, other: Node, record: Record) -> None:
    """Each of the two finds the other's pods."""
    for here, there in ((one, other), (other, one)):
        route = ["ip", "route", "replace", there.pods, "via", there.address, "dev", CABLE_IN_NODE]
        run(entering(record.pid(here.daemon_name(HOLDER)), route, "--net"))


def remove_pod_routes(gone: Node, other: Node, record: Record) -> None:
    """The other node looks no more for the pods of one that is gone."""
    run(entering(record.pid(other.daemon_name(HOLDER)), ["ip", "route", "flush", gone.pods], "--net"))


def unplug(node: Node) -> None:
    """Removes the node's cable."""
    remove(node.link)


def disconnect(nodes: Sequence[Node]) -> None:
    """Removes the cables and the bridge."""
    for link in (*(node.link for node in nodes), BRIDGE):
        remove(link)


def remove(link: str) -> None:
    if exists(link):
        try:
            ip("link", "delete", link)
        except RuntimeError:
            if exists(link):  # the cable goes with the namespace at its other end, perhaps at this very moment
                raise


def refuse_taken_addresses() -> None:
    """RuntimeError where this machine already uses the addresses of nodes, for a VPN perhaps."""
    taken = run(["ip", "-4", "route", "show", "root", NODES]).strip()
    if taken:
        raise RuntimeError(f"{NODES} is in use on this machine ({taken}): the cluster needs it for its nodes")


def exists(link: str) -> bool:
    return Path(f"/sys/class/net/{link}").exists()


def ip(*arguments: str) -> None:
    run(["ip", *arguments])


def run(command: Sequence[str]) -> str:
    """What the command printed; RuntimeError with its words where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
