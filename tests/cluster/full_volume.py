"""A volume that can be full: a file system in a file, mounted on the node as a `local` volume of a class of its own."""

from __future__ import annotations

import errno
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kube import Kube, Manifest
from tools.cluster.inside import HOLDER, entering, record_of
from tools.cluster.node import Cluster

MIB = 2**20
BLOCK = bytes(4096)


@dataclass(frozen=True)
class SmallVolume:
    """The one volume of its class."""

    name: str  # of the StorageClass and the PersistentVolume
    folder: Path  # its files, as this machine sees them: the mount itself is the node's

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self, spare_bytes: int) -> None:
        """Leaves no more than so many bytes free."""
        with self.ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(BLOCK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() - spare_bytes))

    def free(self) -> None:
        self.ballast.unlink()


@contextmanager
def small_volume(kube: Kube, size_bytes: int) -> Iterator[SmallVolume]:
    """Unmounted and forgotten on leaving; whoever claimed it must be gone by then."""
    cluster, name = kube.cluster, f"small-{secrets.token_hex(3)}"
    mounted, image = cluster.node.volumes / name, cluster.node.volumes / f".{name}.ext4"
    mounted.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(size_bytes)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)  # no blocks that only root may take
    on_node(cluster, "mount", "-o", "loop", str(image), str(mounted))
    try:
        volume = SmallVolume(name, Path(f"/proc/{record_of(cluster).pid(HOLDER)}/root{mounted}"))
        volume.folder.chmod(0o777)
        kube.apply(storage_class(name), persistent_volume(name, mounted, size_bytes))
        yield volume
    finally:
        kube.kubectl.run("delete", f"persistentvolume/{name}", f"storageclass/{name}", "--ignore-not-found")
        on_node(cluster, "umount", "--lazy", str(mounted))
        image.unlink()
        mounted.rmdir()


def on_node(cluster: Cluster, *command: str) -> None:
    subprocess.run(entering(record_of(cluster).pid(HOLDER), command, "--mount"), check=True)


def storage_class(name: str) -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip


def persistent_volume(name: str, folder: Path, size_bytes: int) -> Manifest:
    here = {"key": "kubernetes.io/hostname", "operator": "Exists"}
    return {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": str(size_bytes)}, "accessModes": ["ReadWriteOnce"], "storageClassName": name,
            "persistentVolumeReclaimPolicy": "Retain", "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }  # fmt: skip
