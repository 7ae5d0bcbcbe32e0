"""Images from scratch, without a builder and a registry: a program, its links, and a few folders.

An image is an archive as `docker save` writes it: a layer, a configuration, and a manifest that names both. Its tag is
the digest of what it is made of, so a tag never means two contents. Kept in $CLOCKIFYRAG_CACHE/cluster-images.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.binaries import PROGRAMS, cache, find
from tools.cluster.inside import HOLDER, entering
from tools.cluster.node import Node
from tools.cluster.record import Record

PREFIX = "localhost/clockifyrag"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
INTERPRETER = b"/ld-linux"  # in the head of a program that needs shared libraries
HEAD_BYTES = 4096


@dataclass(frozen=True)
class Image:
    """What is in it: files and links by their paths, and folders where everybody may write."""

    name: str
    files: Mapping[str, Path]
    entrypoint: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    writable: tuple[str, ...] = ("tmp",)

    @property
    def tag(self) -> str:
        parts = {path: identity(file) for path, file in self.files.items()}
        content = json.dumps([parts, self.entrypoint, dict(self.links), self.writable], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def reference(self) -> str:
        return f"{PREFIX}/{self.name}:{self.tag}"

    @property
    def archive(self) -> Path:
        return cache() / "cluster-images" / f"{self.name}-{self.tag}.tar"


def images() -> dict[str, Image]:
    """All that the cluster itself runs; FileNotFoundError where a program is missing."""
    catatonit, busybox = (static_program(name) for name in ("catatonit", "busybox"))
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    links = {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    made = [
        Image("pause", {"pause": catatonit}, ("/pause", "-P"), writable=()),
        Image("busybox", {"bin/busybox": busybox}, links=links),
        Image("probe", {"bin/busybox": busybox, "bin/kubectl": find("kubectl")}, links=links),
        built_image("coredns"),
        built_image("metrics-server"),
        built_image("local-path-provisioner"),
        built_image("prometheus"),
        built_image("prometheus-operator"),
        built_image("prometheus-config-reloader"),
    ]
    return {image.name: image for image in made}


def built_image(name: str) -> Image:
    return Image(name, {f"bin/{name}": find(name)}, (f"/bin/{name}",))


def static_program(name: str) -> Path:
    """The program on PATH; FileNotFoundError where it would not run alone in an image."""
    found = Path(shutil.which(name) or "")
    with found.open("rb") as file:
        if INTERPRETER in file.read(HEAD_BYTES):
            raise FileNotFoundError(
                f"{found} needs shared libraries; a static one is needed: apt-get install {name}-static"
            )
    return found


def identity(file: Path) -> str:
    """What tells its content from another: for what was built here the digest of its pins, which names its folder."""
    if file.name in PROGRAMS:
        return f"{file.parent.name}/{file.name}"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_archive(image: Image) -> None:
    """Puts the archive in its place by a rename, unless it is there."""
    if image.archive.exists():
        return
    image.archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=image.archive.parent) as folder:
        layer, unfinished = Path(folder) / "layer.tar", Path(folder) / "archive.tar"
        write_layer(image, layer)
        with layer.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        manifest = [{"Config": "config.json", "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
        with tarfile.open(unfinished, "w") as archive:
            add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
            add_bytes(archive, "config.json", json.dumps(configuration(image, digest)).encode())
            archive.add(layer, "layer.tar")
        unfinished.replace(image.archive)


def configuration(image: Image, layer_digest: str) -> dict[str, object]:
    """The image's configuration (OCI image-spec, config.md)."""
    return {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": list(image.entrypoint), "Env": ["PATH=/bin"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
    }


def write_layer(image: Image, file: Path) -> None:
    with tarfile.open(file, "w") as layer:
        for folder in image.writable:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            layer.addfile(entry)
        for path, source in image.files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = source.stat().st_size, 0o755
            with source.open("rb") as content:
                layer.addfile(entry, content)
        for path, target in image.links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            layer.addfile(entry)


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def load(node: Node, record: Record, archive: Path) -> None:
    """Imports an archive (of docker or OCI) into the node, where pods find it by its name."""
    ctr(node, record, "images", "import", str(archive))


def load_missing(node: Node, record: Record, wanted: Mapping[str, Image]) -> list[str]:
    """The names of the images that were imported, as the node did not have them."""
    present = set(ctr(node, record, "images", "list", "--quiet").split())
    missing = [image for image in wanted.values() if image.reference not in present]
    for image in missing:
        write_archive(image)
        load(node, record, image.archive)
    return [image.name for image in missing]


def ctr(node: Node, record: Record, *arguments: str) -> str:
    """What containerd answers; RuntimeError with its words where it refuses."""
    command = ["ctr", f"--address={node.socket}", "--namespace=k8s.io", *arguments]
    inside = entering(record.pid(node.daemon_name(HOLDER)), command, "--mount")
    done = subprocess.run(inside, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ctr {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
