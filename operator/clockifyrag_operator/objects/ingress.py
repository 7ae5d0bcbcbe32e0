"""The way in from outside of the cluster."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.manifest import given, manifest, spec_of
from clockifyrag_operator.objects.search_service import api_port_name
from clockifyrag_operator.observed import Manifest, Wanted


def ingress(wanted: Wanted) -> Manifest | None:
    """The Ingress to the search Service; None where the resource wants none."""
    search = spec_of(wanted).search
    asked = search.ingress
    if asked is None:
        return None
    name = names.search(wanted.name)
    backend = {"service": {"name": name, "port": {"name": api_port_name(wanted)}}}
    path = {"path": asked.path, "pathType": "Prefix", "backend": backend}
    return manifest(
        "networking.k8s.io/v1", "Ingress", wanted, name, names.SEARCH,
        annotations=asked.annotations,
        spec=given(
            ingressClassName=asked.class_name,
            rules=[{"host": asked.host, "http": {"paths": [path]}}],
            tls=[{"hosts": [asked.host], "secretName": asked.tls_secret_name}] if asked.tls_secret_name else None,
        ),
    )  # fmt: skip
