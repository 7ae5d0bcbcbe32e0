"""What an image holds, read from its docker-archive: no container is run for it."""

import hashlib
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeVar

WHITEOUT = ".wh."
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """One file of a layer; `digest` is of what a regular file holds."""

    name: str
    kind: str
    mode: int
    owner: str
    size: int
    mtime: int
    link: str
    digest: str


@dataclass(frozen=True)
class Archive:
    """A docker-archive, as `docker save` and buildah write it."""

    path: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Config, RepoTags and Layers of its one image."""
        found: list[dict[str, Any]] = json.loads(self._read("manifest.json"))
        return found[0]

    @cached_property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._read(self.manifest["Config"]))
        return found

    @cached_property
    def image_id(self) -> str:
        """SHA-256 of the configuration, which names the layers by digest: two images with one id are the same."""
        return hashlib.sha256(self._read(self.manifest["Config"])).hexdigest()

    @cached_property
    def layers(self) -> list[dict[str, Entry]]:
        """The files that each layer brings, by name; a name below /usr is usr/…"""
        return [self._layer(name, _entry) for name in self.manifest["Layers"]]

    @cached_property
    def files(self) -> dict[str, Entry]:
        """What a container sees: later layers over earlier ones."""
        seen: dict[str, Entry] = {}
        for layer in self.layers:
            for name in layer:
                folder, _, base = name.rpartition("/")
                if base.startswith(WHITEOUT):
                    gone = f"{folder}/{base.removeprefix(WHITEOUT)}".lstrip("/")
                    for one in [one for one in seen if one == gone or one.startswith(f"{gone}/")]:
                        del seen[one]
            seen |= {name: entry for name, entry in layer.items() if not name.rpartition("/")[2].startswith(WHITEOUT)}
        return seen

    @property
    def size_bytes(self) -> int:
        """Of the layers, unpacked."""
        return sum(self.layer_sizes())

    def layer_sizes(self) -> list[int]:
        """Bytes of the files of each layer, in order."""
        return [sum(entry.size for entry in layer.values()) for layer in self.layers]

    def largest(self) -> list[tuple[str, int]]:
        """Packages of Python, and what is not one, by size."""
        sizes: Counter[str] = Counter()
        for name, entry in self.files.items():
            _, found, below = name.partition("/site-packages/")
            sizes[below.split("/")[0] if found else name.split("/")[0] + "/"] += entry.size
        return sizes.most_common()

    def texts(self, wanted: Callable[[str], bool]) -> dict[str, str]:
        """The contents of the files whose names are wanted, as a container sees them."""
        read: dict[str, str] = {}
        for layer in self.manifest["Layers"]:
            found = self._layer(
                layer,
                lambda tar, member: _content(tar, member).decode("utf-8", "replace") if wanted(_name(member)) else None,
            )
            read |= {name: text for name, text in found.items() if text is not None}
        return {name: text for name, text in read.items() if name in self.files}

    def _read(self, name: str) -> bytes:
        with tarfile.open(self.path) as tar:
            return _member(tar, name).read()

    def _layer(self, name: str, of: Callable[[tarfile.TarFile, tarfile.TarInfo], T]) -> dict[str, T]:
        with tarfile.open(self.path) as tar, tarfile.open(fileobj=_member(tar, name)) as layer:
            return {_name(member): of(layer, member) for member in layer}


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    assert found is not None
    return found


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./").strip("/")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    return _member(tar, member.name).read() if member.isreg() else b""


def _sha256(file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while block := file.read(2**20):
        sha256.update(block)
    return sha256.hexdigest()


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    found = tar.extractfile(member) if member.isreg() else None
    digest = _sha256(found) if found else ""
    return Entry(
        _name(member), member.type.decode(), member.mode, f"{member.uid}:{member.gid}", member.size,
        int(member.mtime), member.linkname, digest,
    )  # fmt: skip
