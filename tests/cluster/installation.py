"""Our images on the node, and the chart installed by the deploy steps of skaffold.yaml."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.kube import Kube
from tools.binaries import find
from tools.cluster import images
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.inside import HOLDER, record_of
from tools.cluster.kubectl import Kubectl
from tools.cluster.node import Cluster, own_cluster
from tools.cluster.ollama import provide_ollama
from tools.cluster.programs import search_path
from tools.images import archive
from tools.images.contents import Archive
from tools.images.recipe import RELEASED

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "clockifyrag"


@contextmanager
def installation() -> Iterator[Kube]:
    """The operator's namespace, with the sample resource in it; gone with all in it afterwards.

    AssertionError names what is missing, and the command that provides it.
    """
    cluster = own_cluster()
    assert record_of(cluster).runs(HOLDER), "no cluster runs: make cluster-up (make e2e does it all)"
    load(cluster)
    with one_at_a_time(cluster):
        server = provide_ollama(cluster)
    kube = Kube(cluster, Kubectl(cluster.kubeconfig), NAMESPACE)
    kube.make()
    try:
        deploy(kube, server.image)
        yield kube
    finally:
        remove(kube)


def load(cluster: Cluster) -> None:
    """Puts our images on the node, in the state of this checkout."""
    record = record_of(cluster)
    for name in RELEASED:
        file = archive(name)  # FileNotFoundError tells how it is built
        present = images.ctr(cluster.node, record, "images", "list", "--quiet").split()
        if f"sha256:{Archive(file).image_id}" not in present:
            images.load(cluster.node, record, file)


def deploy(kube: Kube, ollama: str) -> None:
    repository, _, tag = ollama.rpartition(":")
    told = {"E2E_OLLAMA_REPOSITORY": repository, "E2E_OLLAMA_TAG": tag}
    environment = os.environ | told | {"KUBECONFIG": str(kube.cluster.kubeconfig), "PATH": search_path()}
    command = [sys.executable, "-m", "tools.skaffold", "e2e", "deploy"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    print(done.stdout, flush=True)
    assert 0 == done.returncode, f"{done.stderr}\n{kube.explain()}"


def remove(kube: Kube) -> None:
    kube.run("delete", "clockifyrags", "--all", "--timeout=80s")
    helm = [str(find("helm")), f"--kubeconfig={kube.cluster.kubeconfig}", "uninstall", "clockifyrag", "--wait"]
    subprocess.run([*helm, "--namespace", kube.namespace], check=True, capture_output=True)
    kube.remove()
