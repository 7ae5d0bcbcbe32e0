"""Who speaks to the API server, and by what it is known: a client certificate, or a token."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class User:
    """A user with the kubeconfig of its own: for kubectl, Helm, and every client library."""

    name: str
    server: str
    authority_file: Path
    kubeconfig: Path
    certificate: tuple[Path, Path] | None = None  # certificate and key, PEM
    token: str = ""

    def ssl_context(self) -> ssl.SSLContext:
        """Trusts the API server alone, and shows the user's certificate."""
        context = ssl.create_default_context(cafile=self.authority_file)
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        return context

    def write_kubeconfig(self, namespace: str = "default") -> None:
        """Writes `kubeconfig`, with absolute paths."""
        known_by: dict[str, Any] = {"token": self.token}
        if self.certificate:
            certificate, key = map(str, self.certificate)
            known_by = {"client-certificate": certificate, "client-key": key}
        cluster = {"server": self.server, "certificate-authority": str(self.authority_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": known_by}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(config, sort_keys=False))
