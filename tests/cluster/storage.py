"""Storage of tests: classes, a volume made by hand, resources that are kept on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.kube import LOCAL, Kube, Manifest


def kept_on(**storage: object) -> Manifest:
    """A resource of the sample corpus, with this spec.index.storage."""
    return {**LOCAL, "index": {"storage": {"size": "1Gi", **storage}}}


@contextmanager
def storage_classes(kube: Kube) -> Iterator[dict[str, str]]:
    """Names of storage classes: `shared` has no provisioner, `growing` lets claims grow, `fixed` does not."""
    names = {word: f"{kube.namespace}-{word}" for word in ("shared", "growing", "fixed")}
    kube.apply(
        storage_class(names["shared"], "kubernetes.io/no-provisioner", "Immediate"),
        storage_class(names["growing"], "rancher.io/local-path", allowVolumeExpansion=True),
        storage_class(names["fixed"], "rancher.io/local-path"),
    )
    try:
        yield names
    finally:
        kube.run("delete", "storageclass", *names.values())


def storage_class(name: str, provisioner: str, binding: str = "WaitForFirstConsumer", **more: object) -> Manifest:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return {**kind, "provisioner": provisioner, "volumeBindingMode": binding, **more}


@contextmanager
def volume_by_hand(kube: Kube, name: str) -> Iterator[None]:
    """The one volume of the class of that name, which says of itself that many nodes can mount it.

    The namespace goes with it on leaving.
    """
    node = kube.cluster.node
    folder = node.volumes / name
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)  # as local-path makes them, whatever the umask is
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
    kube.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "capacity": {"storage": "1Gi"},
                "storageClassName": name,
                "persistentVolumeReclaimPolicy": "Retain",
                "local": {"path": str(folder)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            },
        }
    )
    try:
        yield
    finally:
        kube.remove()  # its pods first: they have the volume mounted
        kube.run("delete", "persistentvolume", name)
        shutil.rmtree(folder)
