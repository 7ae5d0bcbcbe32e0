"""What runs in the cluster before anybody's workload: names, volumes, metrics and monitoring."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tools.binaries import PROGRAMS
from tools.cluster.images import Image
from tools.cluster.kubectl import Kubectl, filled
from tools.cluster.node import DNS_SERVICE, DOMAIN, Node
from tools.cluster.record import Record
from tools.definitions import OTHERS, definitions

ADDONS = ("dns", "storage", "metrics", "monitoring")
# Of Prometheus, a module v0.306.0 is the release 3.6.0 (RELEASE.md of prometheus/prometheus).
MODULE_MAJOR = 100


def values(node: Node, images: Mapping[str, Image]) -> dict[str, str]:
    """What the manifests leave open."""
    references = {name.replace("-", "_"): image.reference for name, image in images.items()}
    return references | {
        "dns_service": DNS_SERVICE,
        "domain": DOMAIN,
        "volumes": str(node.volumes),
        "prometheus_version": release(PROGRAMS["prometheus"].version),
    }


def release(module_version: str) -> str:
    """The release that a module version of Prometheus stands for: v3.6.0 for v0.306.0."""
    _, minor, patch = module_version.split(".")
    return f"v{int(minor) // MODULE_MAJOR}.{int(minor) % MODULE_MAJOR}.{patch}"


def install(kubectl: Kubectl, record: Record, node: Node, images: Mapping[str, Image]) -> bool:
    """Applies all of them, the definitions first; whether there was anything to do."""
    open_values = values(node, images)
    manifests = [filled(name, open_values) for name in ADDONS]
    kinds = definitions()
    digest = hashlib.sha256("".join([*manifests, kinds.name]).encode()).hexdigest()
    if record.applied == digest:
        return False
    apply_definitions(kubectl, kinds)
    kubectl.apply("\n---\n".join(manifests))
    record.applied = digest
    record.write()
    return True


def apply_definitions(kubectl: Kubectl, folder: Path) -> None:
    """Those of the Prometheus operator; returns once their kinds are served."""
    files = [f"--filename={folder}", f"--filename={folder / OTHERS}"]
    kubectl.run("apply", "--server-side", *files)
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s", *files)
