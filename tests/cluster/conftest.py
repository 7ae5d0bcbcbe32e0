"""The cluster of `make cluster-up` with our images on it and the chart installed: `kube`, `installed`, `place`.

`make e2e` brings everything up. Whatever is missing fails the tests with the command that provides it.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.kube import Kube
from tests.cluster.results import CHAOS
from tools.binaries import find
from tools.cluster import images
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.inside import HOLDER, record_of
from tools.cluster.kubectl import Kubectl
from tools.cluster.node import Cluster, own_cluster
from tools.cluster.ollama import ModelServer, provide_ollama
from tools.cluster.programs import search_path
from tools.images import archive
from tools.images.contents import Archive
from tools.images.recipe import RELEASED

ROOT = Path(__file__).resolve().parents[2]
OPERATOR_NAMESPACE = "clockifyrag"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.cluster)
        if not CHAOS:
            item.add_marker(pytest.mark.timeout(600))
    left_out = [item for item in ours if not CHAOS and item.get_closest_marker("chaos")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    found = own_cluster()
    assert record_of(found).runs(HOLDER), "no cluster runs: make cluster-up (make e2e does it all)"
    return found


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    return Kubectl(cluster.kubeconfig)


@pytest.fixture(scope="session")
def model_server(cluster: Cluster) -> ModelServer:
    """The image of Ollama, and the registry that has all-minilm."""
    with one_at_a_time(cluster):
        return provide_ollama(cluster)


@pytest.fixture(scope="session")
def loaded(cluster: Cluster) -> None:
    """Our images are on the node, in the state of this checkout."""
    record = record_of(cluster)
    for name in RELEASED:
        file = archive(name)  # FileNotFoundError tells how it is built
        present = images.ctr(cluster.node, record, "images", "list", "--quiet").split()
        if f"sha256:{Archive(file).image_id}" not in present:
            images.load(cluster.node, record, file)


@pytest.fixture(scope="session")
def installed(kubectl: Kubectl, cluster: Cluster, loaded: None, model_server: ModelServer) -> Iterator[Kube]:
    """The namespace of the operator, after the deploy steps of skaffold.yaml; gone with all in it afterwards."""
    kube = Kube(cluster, kubectl, OPERATOR_NAMESPACE)
    kube.make()
    repository, tag = re.fullmatch(r"(.+):(.+)", model_server.image).groups()  # type: ignore[union-attr]
    environment = os.environ | {
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": search_path(),
        "E2E_OLLAMA_REPOSITORY": repository,
        "E2E_OLLAMA_TAG": tag,
    }
    command = [sys.executable, "-m", "tools.skaffold", "e2e", "deploy"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert 0 == done.returncode, f"{done.stdout}\n{done.stderr}\n{kube.explain()}"
    yield kube
    kube.run("delete", "clockifyrags", "--all", "--timeout=80s")
    helm = [str(find("helm")), f"--kubeconfig={cluster.kubeconfig}", "uninstall", "clockifyrag"]
    subprocess.run([*helm, "--namespace", kube.namespace, "--wait"], check=True, capture_output=True)
    kube.remove()


@pytest.fixture
def place(installed: Kube) -> Iterator[Kube]:
    """A namespace for one test, gone with all in it afterwards."""
    kube = Kube(installed.cluster, installed.kubectl, f"test-{secrets.token_hex(3)}")
    kube.make()
    yield kube
    kube.remove()
