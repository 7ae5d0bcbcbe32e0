"""The files that the daemons of a node are configured by, as values."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import yaml
from tools.cluster.node import DNS_SERVICE, DOMAIN, PODS, Node

RESOLV_CONF = "# Nobody outside of the cluster is asked.\n"
AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"


def kubeconfig(url: str, authority: Path, certificate: Path, key: Path) -> str:
    """Holds keys and certificates themselves, so that it is the only file its user needs."""
    cluster = {"server": url, "certificate-authority-data": encoded(authority)}
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    name = "clockifyrag"
    return as_yaml(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
        }
    )


def containerd(node: Node, plugins: Path, pause_image: str) -> str:
    """Version 2, for containerd 1.6 and 1.7. Its root must not lie on overlayfs."""
    return f"""\
version = 2
root = "{node.folder / "containerd"}"
state = "{node.folder / "containerd-state"}"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
                    "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
                    "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "{node.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  restrict_oom_score_adj = true  # runc dies where it may not lower it
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  enable_unprivileged_ports = true
  netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{plugins}"
  conf_dir = "{node.folder / "cni"}"
"""


def pod_network(node: Node) -> str:
    """The CNI configuration: a bridge for the pods, addresses of the node's range, ports of the node by NAT."""
    addresses = {"type": "host-local", "ranges": [[{"subnet": node.pods}]], "dataDir": str(node.folder / "addresses")}
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "isDefaultGateway": True,
        "ipMasq": True,
        "hairpinMode": True,  # a pod that asks its own Service
        "ipam": addresses,
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "1.0.0", "name": node.pod_network, "plugins": plugins}, indent=2)


def kubelet(node: Node, authority: Path, certificate: Path, key: Path) -> str:
    """Restarts after a crash follow within 10 s, so that tests of crashes are short; a full disk evicts nobody."""
    return as_yaml(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{node.cgroup}",
            "containerRuntimeEndpoint": f"unix://{node.socket}",
            "failSwapOn": False,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(certificate),
            "tlsPrivateKeyFile": str(key),
            "clusterDNS": [DNS_SERVICE],
            "clusterDomain": DOMAIN,
            "resolvConf": str(node.folder / "resolv.conf"),
            "podLogsDir": str(node.folder / "pod-logs"),
            "volumePluginDir": str(node.folder / "volume-plugins"),
            "serializeImagePulls": False,
            "imageGCHighThresholdPercent": 100,  # containerd 1.6 would lose the image of pauses
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
            },
            "crashLoopBackOff": {"maxContainerRestartPeriod": "10s"},
        }
    )


def kube_proxy(node: Node, kubeconfig: Path) -> str:
    """Leaves the connection tracking of the machine as it is."""
    return as_yaml(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clusterCIDR": PODS,
            "hostnameOverride": node.name,
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "healthzBindAddress": f"{node.address}:10256",
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "iptables": {"minSyncPeriod": "1s"},
        }
    )


def write(file: Path, text: str) -> None:
    """Leaves a file alone that says it already: kube-proxy ends when its own is written."""
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def as_yaml(config: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(config, sort_keys=False)
    return text


def encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
