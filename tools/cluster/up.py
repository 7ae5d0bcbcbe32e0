"""Brings up a cluster step by step, or finds it running; then looks through every gate."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tools.cluster import addons, cgroups, daemons, gates, images, machine, network, ollama, pki, programs
from tools.cluster.down import remove_node, take_down
from tools.cluster.gates import Gate, GateClosed, pass_through
from tools.cluster.inside import HOLDER, record_of
from tools.cluster.kubectl import Kubectl
from tools.cluster.node import Cluster, Node
from tools.cluster.processes import ended, log_tail, spawn, start
from tools.cluster.record import Record

FOREIGN = "E2E_KUBECONFIG"
FOREIGN_IMAGE = "E2E_PROBE_IMAGE"
PROBE_IMAGE = "docker.io/library/busybox:1.37"


def up(cluster: Cluster) -> None:
    """Returns once every gate is open; GateClosed says which is not."""
    started = time.monotonic()
    if foreign := os.environ.get(FOREIGN):
        print(f"Using the cluster of {foreign} ({FOREIGN})", flush=True)
        programs.provide_kubectl()
        check_foreign(Kubectl(Path(foreign)))
    else:
        programs.provide()
        Bringing(cluster).up()
        if has_joined(cluster):
            join(cluster)
    print(f"The cluster is ready after {time.monotonic() - started:.0f} s", flush=True)


def check_foreign(kubectl: Kubectl) -> None:
    """Looks through the gates of workloads in a cluster that is not ours, and changes nothing that stays."""
    for gate in (gates.api_server(kubectl), gates.node_ready(kubectl)):
        pass_through(gate)
    with gates.workloads(kubectl, os.environ.get(FOREIGN_IMAGE) or PROBE_IMAGE) as probes:
        for gate in (*probes, gates.metrics(kubectl), gates.monitoring(kubectl)):
            pass_through(gate)


def join(cluster: Cluster) -> None:
    """Returns once the second node is Ready; GateClosed says what is missing, ProcessLookupError that it is all."""
    started = time.monotonic()
    Bringing(cluster, cluster.second).join()
    print(f"{cluster.second.name} has joined after {time.monotonic() - started:.0f} s", flush=True)


def has_joined(cluster: Cluster) -> bool:
    """Whether the second node was brought up and not taken away, be it that all of it has died."""
    return bool(record_of(cluster).of(cluster.second))


def leave(cluster: Cluster) -> None:
    """Returns once nothing of the second node is left; its pods are left to their controllers."""
    Kubectl(cluster.kubeconfig).run("delete", "node", cluster.second.name, "--ignore-not-found")
    remove_node(cluster, cluster.second)


class Bringing:
    """The steps in their order. Each does nothing where it is done already."""

    def __init__(self, cluster: Cluster, node: Node | None = None) -> None:
        """node: that is brought up, the first where none is given."""
        self.cluster = cluster
        self.node = node or cluster.node
        self.kubectl = Kubectl(cluster.kubeconfig)
        self.record: Record
        self.begun: list[str] = []
        self.images: dict[str, images.Image] = {}

    def up(self) -> None:
        self.begin()
        self.control_plane()
        self.start_node()
        if ollama.REGISTRY in self.record.processes:
            ollama.start_registry(self.cluster, self.record)
        self.install_addons()

    def join(self) -> None:
        """Brings a node to the control plane that runs."""
        self.record = record_of(self.cluster)
        self.record.pid(HOLDER)
        self.certificates = pki.write_certificates(self.cluster)
        if not self.certificates.pair(self.node.name).key.exists():
            raise GateClosed(f"this cluster was made without keys for {self.node.name}: make cluster-down cluster-up")
        remains = self.record.of(self.node) or cgroups.processes(self.node)
        if remains and not self.record.runs(self.node.daemon_name(HOLDER)):  # others would be left in its namespaces
            remove_node(self.cluster, self.node)
            self.record = record_of(self.cluster)
        self.images = images.images()
        self.make_namespaces()
        network.add_pod_routes(self.cluster.node, self.node, self.record)
        self.start_node()

    def begin(self) -> None:
        """Folder and certificates, and what the node is enclosed in."""
        remains = record_of(self.cluster)
        if not remains.runs(HOLDER) and (remains.processes or any(map(cgroups.processes, self.cluster.nodes))):
            print("Removing what is left of a cluster that was killed", flush=True)
            take_down(self.cluster)
        print(f"A cluster in {self.cluster.folder}", flush=True)
        self.images = images.images()
        self.cluster.folder.mkdir(parents=True, exist_ok=True)
        self.record = record_of(self.cluster)
        machine.write_down(self.record)
        self.certificates = pki.write_certificates(self.cluster)
        self.make_namespaces()
        if dead := [name for name in ended(self.record) if name not in self.record.of(self.cluster.second)]:
            print(f"Starting again, as they ended: {', '.join(dead)}", flush=True)

    def make_namespaces(self) -> None:
        """The node's folder, cgroup, namespaces and cable."""
        self.node.folder.mkdir(parents=True, exist_ok=True)
        cgroups.create(self.node)
        name = self.node.daemon_name(HOLDER)
        if not self.record.runs(name):
            holder = daemons.Daemon(name, machine.holder_command(self.node))
            spawn(self.cluster, self.record, holder, self.node)
            self.begun.append(name)
            pid = self.record.processes[name].pid
            self.pass_through(Gate("the node has its namespaces", lambda: machine.unprepared(pid)))
        network.connect(self.node, self.record)

    def control_plane(self) -> None:
        cluster, made = self.cluster, self.certificates
        self.start(daemons.etcd(cluster))
        self.pass_through(gates.etcd(cluster))
        self.start(daemons.kube_apiserver(cluster, made))
        self.pass_through(gates.api_server(self.kubectl))
        self.pass_through(gates.rights(self.kubectl))
        self.start(daemons.kube_controller_manager(cluster, made))
        self.start(daemons.kube_scheduler(cluster, made))
        self.pass_through(gates.controllers(cluster, self.kubectl))
        self.pass_through(gates.scheduler(cluster))

    def start_node(self) -> None:
        node = self.node
        self.start(daemons.containerd(node, self.images["pause"].reference))
        self.pass_through(gates.containerd(lambda: images.ctr(node, self.record, "version")))
        self.load_images()
        self.start(daemons.kubelet(self.cluster, node, self.certificates))
        self.pass_through(gates.node_ready(self.kubectl, node.name))
        self.start(daemons.kube_proxy(self.cluster, node))
        self.pass_through(gates.kube_proxy(node))

    def load_images(self) -> None:
        started = time.monotonic()
        if loaded := images.load_missing(self.node, self.record, self.images):
            took = time.monotonic() - started
            print(f"  {f'{len(loaded)} images are loaded':<44} {took:5.1f} s", flush=True)

    def install_addons(self) -> None:
        started = time.monotonic()
        if addons.install(self.kubectl, self.record, self.node, self.images):
            print(f"  {'addons are applied':<44} {time.monotonic() - started:5.1f} s", flush=True)
        with gates.workloads(self.kubectl, self.images["probe"].reference) as probes:
            for gate in (*probes, gates.metrics(self.kubectl), gates.monitoring(self.kubectl)):
                self.pass_through(gate)
        self.pass_through(gates.prometheus(self.kubectl))

    def start(self, daemon: daemons.Daemon) -> None:
        start(self.cluster, self.record, daemon, self.node)
        self.begun.append(daemon.name)

    def pass_through(self, gate: Gate) -> None:
        pass_through(gate, self.look_after)

    def look_after(self) -> None:
        """GateClosed where a daemon has ended that was started: with the end of its log."""
        for name in self.begun:
            if not self.record.runs(name):
                raise GateClosed(f"{name} has ended. {log_tail(self.cluster, name)}")
