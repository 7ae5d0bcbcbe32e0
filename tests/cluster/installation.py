"""Our images on the node, and the chart installed by the deploy steps of skaffold.yaml.

E2E_KUBECONFIG names a cluster that is not ours. E2E_LOAD is then the command that brings an image there, once an image,
with {archive}, a file as `docker save` writes it, and {image}, the name that pods ask for:

    E2E_LOAD="kind load image-archive {archive}"
    SKAFFOLD_DEFAULT_REPO=registry.example/team E2E_LOAD="skopeo copy docker-archive:{archive} docker://{image}"
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.cluster.kube import Kube
from tests.waiting import wait_until
from tools.binaries import find
from tools.cluster import cri, images
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.inside import HOLDER, record_of
from tools.cluster.kubectl import Kubectl
from tools.cluster.node import Cluster, Node, own_cluster
from tools.cluster.ollama import provide_ollama
from tools.cluster.programs import search_path
from tools.cluster.up import FOREIGN, leave
from tools.images import archive
from tools.images.contents import Archive
from tools.images.recipe import IMAGES, RELEASED
from tools.skaffold import repository

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "clockifyrag"
LOAD = "E2E_LOAD"
KNOWN_SECONDS = 30.0  # until the kubelet finds an image by a name that containerd has


@contextmanager
def installation() -> Iterator[Kube]:
    """The operator's namespace, with the sample resource in it; gone with all in it afterwards.

    AssertionError names what is missing, and the command that provides it.
    """
    cluster = own_cluster()
    assert record_of(cluster).runs(HOLDER), "no cluster runs: make cluster-up (make e2e does it all)"
    with one_at_a_time(cluster):
        leave(cluster)  # a second node that an earlier run was killed with
    load(cluster)
    with one_at_a_time(cluster):
        server = provide_ollama(cluster)
    name, _, tag = server.image.rpartition(":")
    with installed_by("e2e", cluster.kubeconfig, E2E_OLLAMA_REPOSITORY=name, E2E_OLLAMA_TAG=tag) as kube:
        yield kube


@contextmanager
def installation_elsewhere() -> Iterator[Kube]:
    """The operator's namespace in the cluster of E2E_KUBECONFIG, without a resource; AssertionError where it exists."""
    kubeconfig = Path(os.environ[FOREIGN])
    found = Kubectl(kubeconfig).run("get", "namespace", NAMESPACE, "--ignore-not-found")
    assert not found, f"namespace {NAMESPACE} is there already: these tests would delete it, with all that is in it"
    send()
    with installed_by("prod", kubeconfig) as kube:
        yield kube


@contextmanager
def installed_by(profile: str, kubeconfig: Path, **told: str) -> Iterator[Kube]:
    """The namespace in which a profile of skaffold.yaml installed the chart, told these variables; gone afterwards."""
    kube = Kube(own_cluster(), Kubectl(kubeconfig), NAMESPACE)
    kube.make()
    try:
        deploy(kube, profile, told)
        yield kube
    finally:
        remove(kube)


def send() -> None:
    """Brings our images to the cluster by the command of E2E_LOAD; without one they are there already."""
    for name in RELEASED if LOAD in os.environ else ():
        places = {"archive": str(archive(name)), "image": repository(IMAGES[name].tag)}
        command = [part.format(**places) for part in shlex.split(os.environ[LOAD])]
        print(shlex.join(command), flush=True)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert 0 == done.returncode, f"{LOAD} ended with {done.returncode}: {done.stderr or done.stdout}"


def load(cluster: Cluster, node: Node | None = None) -> None:
    """Puts our images on a node, the first where none is given, in the state of this checkout."""
    for name in RELEASED:
        load_image(cluster, name, node)


def load_image(cluster: Cluster, name: str, node: Node | None = None) -> None:
    """Puts one of our images on a node, unless it is there."""
    record, node = record_of(cluster), node or cluster.node
    file = archive(name)  # FileNotFoundError tells how it is built
    present = images.ctr(node, record, "images", "list", "--quiet").split()
    if f"sha256:{Archive(file).image_id}" not in present:
        images.load(node, record, file)


def tag_anew(cluster: Cluster, version: str) -> None:
    """Our images are known to the kubelet by this version, too; what is in them stays the same."""
    node, record = cluster.node, record_of(cluster)
    known = images.ctr(node, record, "images", "list", "--quiet").split()
    for name in RELEASED:
        tag = IMAGES[name].tag
        # containerd knows an image by the name it was built with and by that of the default registry
        found = [one for one in known if one == tag or one.endswith(f"/{tag}")]
        assert found, f"{tag} is not among {known}"
        for one in found:
            anew = f"{one.rpartition(':')[0]}:{version}"
            if anew in known:  # by an earlier run, which may have been of other images
                images.ctr(node, record, "images", "remove", anew)
                wait_until(partial(is_unknown, cluster, anew), KNOWN_SECONDS, f"{anew} is forgotten")
            images.ctr(node, record, "images", "tag", one, anew)
            wait_until(partial(cri.has_image, node, record, anew), KNOWN_SECONDS, f"the kubelet finds {anew}")


def is_unknown(cluster: Cluster, reference: str) -> bool:
    return not cri.has_image(cluster.node, record_of(cluster), reference)


def deploy(kube: Kube, profile: str, told: dict[str, str]) -> None:
    environment = os.environ | told | {"KUBECONFIG": str(kube.kubectl.kubeconfig), "PATH": search_path()}
    command = [sys.executable, "-m", "tools.skaffold", profile, "deploy"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    print(done.stdout, flush=True)
    assert 0 == done.returncode, f"{done.stderr}\n{kube.explain()}"


def remove(kube: Kube) -> None:
    kube.run("delete", "clockifyrags", "--all", "--timeout=80s")
    helm = [str(find("helm")), f"--kubeconfig={kube.kubectl.kubeconfig}", "uninstall", "clockifyrag", "--wait"]
    subprocess.run([*helm, "--namespace", kube.namespace], check=True, capture_output=True)
    kube.remove()
