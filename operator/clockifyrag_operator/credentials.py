"""Access to the API server: from the service account of the operator's pod, or from the file KUBECONFIG names.

One value serves both clients in the process, the one that reads and writes and the one that watches.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from clockifyrag_operator.errors import SetupError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is and how it is spoken to. Data of certificates is PEM."""

    server: str  # https://host:port
    ca_file: Path | None = None
    ca_data: str | None = None
    insecure: bool = False
    token_text: str | None = None
    token_file: Path | None = None  # read again and again: tokens of service accounts change hourly
    certificate: Path | str | None = None  # a file, or its content
    key: Path | str | None = None

    def token(self) -> str | None:
        """The bearer token as it is now; None where a certificate does. Reads a file: not for the event loop."""
        if self.token_file is not None:
            return self.token_file.read_text(encoding="ascii").strip()
        return self.token_text

    def ssl_context(self) -> ssl.SSLContext:
        """Trust in the cluster's authority alone, and the client's certificate if there is one."""
        context = ssl.create_default_context(cafile=self.ca_file, cadata=self.ca_data)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate is not None and self.key is not None:
            with tempfile.TemporaryDirectory() as folder:  # ssl takes certificates from files alone
                context.load_cert_chain(
                    _as_file(self.certificate, Path(folder, "certificate")), _as_file(self.key, Path(folder, "key"))
                )
        return context


def access(environment: Mapping[str, str] = os.environ) -> Access:
    """What this process has: the file KUBECONFIG names, else its pod's service account. SetupError when neither."""
    if path := environment.get("KUBECONFIG"):
        return from_kubeconfig(Path(path))
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise SetupError(
            "found neither KUBECONFIG nor KUBERNETES_SERVICE_HOST, expected one: run in a pod, or name a kubeconfig"
        )
    return from_account(f"[{host}]" if ":" in host else host, port)


def from_account(host: str, port: str, folder: Path = ACCOUNT) -> Access:
    """The service account whose files are in `folder`."""
    token, authority = folder / "token", folder / "ca.crt"
    for file in (token, authority):
        if not file.is_file():
            raise SetupError(f"{file} is missing; expected the pod to mount its service account's token")
    return Access(f"https://{host}:{port}", ca_file=authority, token_file=token)


def from_kubeconfig(path: Path) -> Access:
    """The current context of a kubeconfig; programs that make credentials (exec) are not run."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        context = _named(config, "contexts", "context", config["current-context"])
        cluster = _named(config, "clusters", "cluster", context["cluster"])
        user = _named(config, "users", "user", context["user"])
        server = str(cluster["server"]).rstrip("/")
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise SetupError(
            f"{path}: {type(error).__name__} {error}; expected a kubeconfig with a current context"
        ) from error
    if "exec" in user or "auth-provider" in user:
        raise SetupError(f"{path}: the user's credentials come from a program; expected a token or a certificate")
    return Access(
        server,
        ca_file=_path(cluster, "certificate-authority", path),
        ca_data=_data(cluster, "certificate-authority-data"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        token_text=user.get("token"),
        token_file=_path(user, "tokenFile", path),
        certificate=_path(user, "client-certificate", path) or _data(user, "client-certificate-data"),
        key=_path(user, "client-key", path) or _data(user, "client-key-data"),
    )


def _named(config: Mapping[str, Any], group: str, inner: str, name: str) -> dict[str, Any]:
    found = next((one[inner] for one in config[group] if one["name"] == name), None)
    if not isinstance(found, dict):
        raise KeyError(f"{group}: {name}")
    return found


def _path(part: Mapping[str, Any], field: str, kubeconfig: Path) -> Path | None:
    return kubeconfig.parent / part[field] if part.get(field) else None  # relative to the file, as kubectl reads it


def _data(part: Mapping[str, Any], field: str) -> str | None:
    return base64.b64decode(part[field]).decode("ascii") if part.get(field) else None


def _as_file(content: Path | str, place: Path) -> Path:
    if isinstance(content, str):
        place.touch(mode=0o600)
        place.write_text(content, encoding="ascii")
        return place
    return content
