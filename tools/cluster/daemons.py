"""The daemons of a cluster: by which command each runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.binaries import find
from tools.cluster import configs
from tools.cluster.node import DOMAIN, PODS, SERVICES, Cluster, Node
from tools.cluster.pki import FRONT_PROXY, KUBELET_CLIENT, Certificates, kubeconfig_of
from tools.cluster.programs import PLUGINS

ETCD_HEALTH_PORT = 2381
# A load test sees replicas come within seconds and go within half a minute.
FAST_AUTOSCALING = {"sync-period": "5s", "downscale-stabilization": "20s", "initial-readiness-delay": "5s",
                    "cpu-initialization-period": "10s"}  # fmt: skip


@dataclass(frozen=True)
class Daemon:
    """A program with arguments that runs until the cluster ends."""

    name: str
    command: list[str]


def etcd(cluster: Cluster) -> Daemon:
    """Does not wait for the disk: what a power cut would lose is the cluster of a test."""
    url = "http://127.0.0.1:2379"
    return daemon(
        "etcd",
        f"--data-dir={cluster.folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        f"--listen-metrics-urls=http://{cluster.node.address}:{ETCD_HEALTH_PORT}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def kube_apiserver(cluster: Cluster, made: Certificates) -> Daemon:
    serving, kubelet, proxy = (made.pair(name) for name in ("kube-apiserver", KUBELET_CLIENT, FRONT_PROXY))
    policy = cluster.folder / "audit-policy.yaml"
    configs.write(policy, configs.AUDIT_POLICY)
    return daemon(
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        "--bind-address=0.0.0.0",
        f"--advertise-address={cluster.node.address}",
        "--secure-port=6443",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={made.authority.certificate}",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
        f"--service-account-key-file={made.tokens.certificate}",
        f"--service-account-signing-key-file={made.tokens.key}",
        f"--kubelet-client-certificate={kubelet.certificate}",
        f"--kubelet-client-key={kubelet.key}",
        f"--kubelet-certificate-authority={made.authority.certificate}",
        "--kubelet-preferred-address-types=InternalIP",  # nobody knows the node by name
        # Extensions such as metrics-server are asked on behalf of a user.
        f"--requestheader-client-ca-file={made.front_proxy_authority.certificate}",
        f"--requestheader-allowed-names={FRONT_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={proxy.certificate}",
        f"--proxy-client-key-file={proxy.key}",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={cluster.folder / 'audit.log'}",
        "--audit-log-maxsize=1000",  # MiB
    )


def kube_controller_manager(cluster: Cluster, made: Certificates) -> Daemon:
    return daemon(
        "kube-controller-manager",
        *serving_status(cluster, made, "system:kube-controller-manager"),
        "--use-service-account-credentials",
        f"--service-account-private-key-file={made.tokens.key}",
        f"--root-ca-file={made.authority.certificate}",
        f"--cluster-signing-cert-file={made.authority.certificate}",
        f"--cluster-signing-key-file={made.authority.key}",
        f"--cluster-cidr={PODS}",
        f"--flex-volume-plugin-dir={cluster.folder / 'volume-plugins'}",
        f"--service-cluster-ip-range={SERVICES}",
        *(f"--horizontal-pod-autoscaler-{name}={value}" for name, value in FAST_AUTOSCALING.items()),
    )


def kube_scheduler(cluster: Cluster, made: Certificates) -> Daemon:
    return daemon("kube-scheduler", *serving_status(cluster, made, "system:kube-scheduler"))


def serving_status(cluster: Cluster, made: Certificates, user: str) -> list[str]:
    """Answers /healthz at the node's address, where also this machine can ask."""
    kubeconfig, serving = kubeconfig_of(cluster, user), made.pair(cluster.node.name)
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={cluster.node.address}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        "--leader-elect=false",
    ]


def containerd(node: Node, pause_image: str) -> Daemon:
    config = node.folder / "containerd.toml"
    configs.write(config, configs.containerd(node, PLUGINS, pause_image))
    (node.folder / "cni").mkdir(exist_ok=True)
    configs.write(node.folder / "cni" / "10-pods.conflist", configs.pod_network(node))
    return Daemon(node.daemon_name("containerd"), ["containerd", f"--config={config}"])


def kubelet(cluster: Cluster, node: Node, made: Certificates) -> Daemon:
    config, serving = node.folder / "kubelet.yaml", made.pair(node.name)
    configs.write(config, configs.kubelet(node, made.authority.certificate, serving.certificate, serving.key))
    configs.write(node.folder / "resolv.conf", configs.RESOLV_CONF)
    return daemon(
        "kubelet",
        f"--config={config}",
        f"--kubeconfig={kubeconfig_of(cluster, f'system:node:{node.name}')}",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
        f"--root-dir={node.folder / 'kubelet'}",
        node=node,
    )


def kube_proxy(cluster: Cluster, node: Node) -> Daemon:
    config = node.folder / "kube-proxy.yaml"
    configs.write(config, configs.kube_proxy(node, kubeconfig_of(cluster, "system:kube-proxy")))
    return daemon("kube-proxy", f"--config={config}", node=node)


def daemon(program: str, *arguments: str | Path, node: Node | None = None) -> Daemon:
    """node: the one it is a part of, where each has its own."""
    return Daemon(node.daemon_name(program) if node else program, [str(find(program)), *map(str, arguments)])
