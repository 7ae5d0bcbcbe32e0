"""The certificates of a cluster: made once, and gone with it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tools.cluster.configs import kubeconfig
from tools.cluster.node import API_SERVICE, DOMAIN, Cluster, Node
from tools.pki import Authority, write_key_pair

LIFETIME = timedelta(days=365)
KUBELET_CLIENT = "kube-apiserver-kubelet-client"
FRONT_PROXY = "front-proxy-client"
USERS: dict[str, Sequence[str]] = {  # name: groups
    "admin": ["system:masters"],
    "system:kube-controller-manager": [],
    "system:kube-scheduler": [],
    "system:kube-proxy": [],
}


@dataclass(frozen=True)
class Pair:
    """Certificate and key, PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """What lies in the folder of certificates."""

    folder: Path

    def pair(self, name: str) -> Pair:
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")

    @property
    def authority(self) -> Pair:
        return self.pair("ca")

    @property
    def front_proxy_authority(self) -> Pair:
        """Vouches for the API server alone, where it asks an extension on behalf of a user."""
        return self.pair("front-proxy-ca")

    @property
    def tokens(self) -> Pair:
        """The keys that tokens of service accounts are checked and signed with."""
        return Pair(self.folder / "tokens.pub", self.folder / "tokens.key")


def write_certificates(cluster: Cluster) -> Certificates:
    """Makes all of them, and a kubeconfig for each user, unless they were made before."""
    made = Certificates(cluster.certificates)
    if cluster.kubeconfig.exists():
        return made
    shutil.rmtree(made.folder, ignore_errors=True)  # of a run that was killed halfway
    made.folder.mkdir(mode=0o700, parents=True)
    node = cluster.node
    authority = Authority(made.folder / "issued", LIFETIME)
    front_proxy = Authority(made.folder / "front-proxy", LIFETIME)
    keep((authority.certificate_file, authority.key_file), made.authority)
    keep((front_proxy.certificate_file, front_proxy.key_file), made.front_proxy_authority)
    keep(front_proxy.issue(FRONT_PROXY), made.pair(FRONT_PROXY))
    keep(authority.issue(KUBELET_CLIENT), made.pair(KUBELET_CLIENT))
    keep(authority.issue("kube-apiserver", hosts=api_server_hosts(node)), made.pair("kube-apiserver"))
    for one in cluster.nodes:
        keep(authority.issue(one.name, hosts=[one.name, one.address]), made.pair(one.name))
    write_key_pair(made.tokens.key, made.tokens.certificate)
    users = {**USERS, **{f"system:node:{one.name}": ["system:nodes"] for one in cluster.nodes}}
    for user, groups in reversed(users.items()):  # the administrator's at last: it says that all are there
        certificate, key = authority.issue(user, groups)
        text = kubeconfig(cluster.url, made.authority.certificate, certificate, key)
        write_secret(kubeconfig_of(cluster, user), text)
    return made


def api_server_hosts(node: Node) -> list[str]:
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}"]
    return [*service, "localhost", node.name, "127.0.0.1", node.address, API_SERVICE]


def kubeconfig_of(cluster: Cluster, user: str) -> Path:
    return cluster.folder / f"{user.rpartition(':')[2]}.kubeconfig"


def keep(issued: tuple[Path, Path], pair: Pair) -> None:
    for source, target in zip(issued, (pair.certificate, pair.key), strict=True):
        source.replace(target)


def write_secret(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
