"""The programs that a cluster is made of: built from pinned modules, or from Debian."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools import binaries, programs

BUILT = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
    "coredns", "local-path-provisioner", "metrics-server",
    "prometheus", "prometheus-operator", "prometheus-config-reloader",
)  # fmt: skip
PLUGINS = Path(programs.CNI_PLUGINS[0]).parent
INSTALLED = (
    "containerd", "containerd-shim-runc-v2", "ctr", "runc", "iptables", "conntrack", "ip", "nsenter", "unshare",
    "mount", "catatonit", "busybox", *programs.CNI_PLUGINS,
)  # fmt: skip
KERNEL_FILES = {
    "/proc/sys/net/bridge/bridge-nf-call-iptables": "modprobe br_netfilter",
    "/proc/sys/net/netfilter/nf_conntrack_max": "modprobe nf_conntrack",
    "/sys/fs/cgroup": "mount cgroups",
}


def provide() -> None:
    """Builds and installs what is missing; ends with what to do where that is impossible here."""
    if os.geteuid() != 0 or sys.platform != "linux":
        sys.exit("A node needs root on Linux: namespaces, mounts and cgroups. E2E_KUBECONFIG names another cluster.")
    missing = [f"{file} ({command})" for file, command in KERNEL_FILES.items() if not Path(file).exists()]
    if missing:
        sys.exit(f"The kernel offers no {', no '.join(missing)}")
    programs.main(list(INSTALLED), otherwise="name another cluster in E2E_KUBECONFIG")
    if any(not binaries.place(name).exists() for name in BUILT):
        binaries.main(list(BUILT))


def provide_kubectl() -> None:
    """All that a cluster of somebody else needs on this side."""
    if not binaries.place("kubectl").exists():
        binaries.main(["kubectl"])


def search_path() -> str:
    """PATH with kubectl, and Helm where it is built, before what it held."""
    folders = [str(binaries.place(name).parent) for name in ("kubectl", "helm") if binaries.place(name).exists()]
    return os.pathsep.join([*dict.fromkeys(folders), os.environ.get("PATH", "")])
