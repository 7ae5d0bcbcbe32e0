"""etcd and kube-apiserver, with RBAC, admission, tokens and an audit log: a cluster without controllers and nodes.

    ControlPlane ─ starts ─► etcd ◄── kube-apiserver ◄── kubectl, Api, kubeconfigs of any user
                                            └── audit.log ─► audit()

No controller runs: a namespace is never emptied, no owner's children are collected, no Deployment makes pods.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from tools.binaries import find
from tools.pki import Authority, write_key_pair

from .api import REQUEST_SECONDS, Api
from .audit import POLICY, AuditEvent, AuditLog
from .folder import own_folder
from .server import Server, reserved_port
from .users import User

ADMIN = "admin"
ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVICE_RANGE = "10.96.0.0/16"
KUBECTL_SECONDS = 60
KEPT_AS = {"specs": "services", "ingress": "ingresses"}  # in etcd, by the plural of today
READY_SECONDS = 5  # for one answer of a server that is asked whether it is ready
RECONNECT_SECONDS = 180  # 120 and a fifth of it by chance, and the time to start


class ControlPlane:
    """Runs while the `with` block does; about 4 s until it is ready. Of two, neither knows of the other."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        self.api_server: Server
        self.etcd: Server

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.folder = started.enter_context(own_folder())
            etcd_port, self._port = (started.enter_context(reserved_port()).getsockname()[1] for _ in range(2))
            self._etcd_url = f"http://127.0.0.1:{etcd_port}"
            self._audit_log = AuditLog(self.folder / "audit.log")
            self._authority = Authority(self.folder / "pki")
            self.authority_file = self._authority.certificate_file
            self.url = f"https://127.0.0.1:{self._port}"
            self.etcd = Server(self._etcd_command(), self.folder / "etcd.log", self._etcd_is_ready)
            self.api_server = Server(self._api_command(), self.folder / "kube-apiserver.log", self._api_is_ready)
            started.callback(self.admin.close)
            for server in (self.etcd, self.api_server):
                started.callback(server.stop)
                server.start()
            self._closing = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    # Who speaks to it

    @cached_property
    def admin(self) -> Api:
        """May do everything: RBAC is not asked."""
        return Api(self.user(ADMIN, groups=("system:masters",)))

    def user(self, name: str, groups: Sequence[str] = (), namespace: str = "default") -> User:
        """A user known by a certificate; it may do what RBAC grants to its name and groups, at first nearly nothing."""
        certificate = self._authority.issue(name, groups)
        kubeconfig = certificate[0].with_suffix(".kubeconfig")
        user = User(name, self.url, self.authority_file, kubeconfig, certificate=certificate)
        user.write_kubeconfig(namespace)
        return user

    def service_account(self, namespace: str, name: str) -> User:
        """The service account, which must exist, known by a token that lives for an hour, as a pod's."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        token = self.admin.post(path, body)["status"]["token"]
        kubeconfig = self._authority.folder / f"{namespace}.{name}.kubeconfig"
        full_name = f"system:serviceaccount:{namespace}:{name}"
        user = User(full_name, self.url, self.authority_file, kubeconfig, token=token)
        user.write_kubeconfig(namespace)
        return user

    def kubectl(
        self, *arguments: str, input: str | None = None, user: User | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """kubectl's outcome, as `user` or the administrator; an error with its words where it fails and `check`."""
        kubeconfig = (user or self.admin.user).kubeconfig
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": str(kubeconfig)}
        command = [str(find("kubectl")), *arguments]
        done = subprocess.run(
            command, input=input, env=environment, capture_output=True, text=True, timeout=KUBECTL_SECONDS
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done

    # What was asked of it

    def audit(self, user: str | None = None, since: datetime | None = None) -> list[AuditEvent]:
        """What was asked, by `user` and received at `since` or later; in the order the answers ended.

        An answer may arrive shortly before its line is written: wait for an event, as for everything else.
        """
        return self._audit_log.events(user, since)

    def versions(self, namespace: str) -> dict[tuple[str, str], int]:
        """How often each object of a namespace was changed since it was made, its making included, by plural and name.

        As etcd counts it: `version` of a key, https://etcd.io/docs/v3.6/learning/api/; a write that changes nothing
        never reaches etcd.
        """
        first, end = (base64.b64encode(key).decode() for key in (b"/registry/", b"/registry0"))
        everything = {"key": first, "range_end": end, "keys_only": True}
        answer = httpx.post(f"{self._etcd_url}/v3/kv/range", json=everything, timeout=REQUEST_SECONDS, trust_env=False)
        answer.raise_for_status()
        found = {}
        for one in answer.json()["kvs"]:
            *_, plural, place, name = base64.b64decode(one["key"]).decode().split("/")
            if namespace == place:
                found[KEPT_AS.get(plural, plural), name] = int(one["version"])
        return found

    # Its failures

    def stop_api(self) -> None:
        """Kills kube-apiserver: connections break, and new ones are refused until `start_api`."""
        self.api_server.stop()

    def start_api(self) -> None:
        """Starts it on the port it had; returns once it is ready."""
        self.api_server.start()

    def stop_etcd(self) -> None:
        """Kills etcd: the API server answers with errors until `start_etcd`. What was written stays."""
        self.etcd.stop()

    def start_etcd(self) -> None:
        """Returns once etcd is ready, and kube-apiserver, if it runs, has found it.

        After minutes without etcd it looks for it every two minutes only (grpc, doc/connection-backoff.md).
        """
        self.etcd.start()
        if self.api_server.runs:
            self.api_server.wait_ready(RECONNECT_SECONDS)

    def freeze(self) -> None:
        """kube-apiserver hangs until `thaw`: requests are neither answered nor refused."""
        self.api_server.freeze()

    def thaw(self) -> None:
        self.api_server.thaw()

    # How it is run

    def _etcd_command(self) -> list[str | Path]:
        return [
            find("etcd"),
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--socket-reuse-port",  # the port stays reserved
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_command(self) -> list[str | Path]:
        certificate, key = self._authority.issue("kube-apiserver", hosts=("127.0.0.1", "localhost", "kubernetes"))
        tokens_key, tokens_public_key = (self.folder / "pki" / f"service-accounts.{end}" for end in ("key", "pub"))
        write_key_pair(tokens_key, tokens_public_key)
        policy = self.folder / "audit-policy.yaml"
        policy.write_text(POLICY)
        return [
            find("kube-apiserver"),
            f"--etcd-servers={self._etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # nobody reaches it by the Service `kubernetes`
            f"--secure-port={self._port}",
            "--permit-port-sharing",  # the port stays reserved
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self.authority_file}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",  # besides the default ones, PodSecurity among them
            "--allow-privileged",  # so that PodSecurity alone refuses
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={tokens_public_key}",
            f"--service-account-signing-key-file={tokens_key}",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.folder / 'audit.log'}",
            "--audit-log-maxsize=10000",  # MiB: one file, never rotated
        ]

    def _etcd_is_ready(self) -> bool:
        return answers_ok(f"{self._etcd_url}/readyz")

    def _api_is_ready(self) -> bool:
        """/readyz looks at etcd over a connection of its own, so an object is read as well."""
        paths = ("/readyz", "/api/v1/namespaces/default")
        try:
            return all(self.admin.client.get(path, timeout=READY_SECONDS).is_success for path in paths)
        except httpx.TransportError:
            return False


def answers_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=READY_SECONDS, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
