"""What an image is made of: its Dockerfile, the files that it copies, and the base it stands on."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.binaries import cache
from tools.images import debian

ROOT = Path(__file__).resolve().parents[2]
VERSION: str = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
REVISION = os.environ.get("REVISION") or "unknown"
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH") or debian.EPOCH)
LEFT_OUT = ("__pycache__",)


@dataclass(frozen=True)
class Image:
    """An image `clockifyrag-<name>`, by the name of its part."""

    name: str
    dockerfile: str
    parent: str | None = None

    @property
    def repository(self) -> str:
        return f"clockifyrag-{self.name}"

    @property
    def tag(self) -> str:
        """As the chart names it: clockifyrag-service:0.1.0."""
        return f"{self.repository}:{VERSION}"

    @property
    def archive(self) -> Path:
        """Where the image is kept; other sources are another file."""
        return folder() / f"{self.repository}-{self.digest[:12]}.tar"

    @property
    def digest(self) -> str:
        """Of all that goes in: the files, the base, and the arguments."""
        sha256 = hashlib.sha256(f"{debian.digest()} {VERSION} {REVISION} {EPOCH}\n".encode())
        if self.parent:
            sha256.update(f"{IMAGES[self.parent].digest}\n".encode())
        for path in (ROOT / self.dockerfile, *self.files()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            sha256.update(f"{path.relative_to(ROOT)} {content}\n".encode())
        return sha256.hexdigest()

    def files(self) -> Iterator[Path]:
        """The files of the checkout that are copied into a stage, in order."""
        for source in copied((ROOT / self.dockerfile).read_text()):
            path = ROOT / source
            if path.is_file():
                yield path
            for below in sorted(path.rglob("*")):
                if below.is_file() and not any(part in LEFT_OUT for part in below.parts):
                    yield below


def copied(dockerfile: str) -> list[str]:
    """The sources of each COPY that is not from another stage."""
    found = []
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE):
        words = line.split()
        if not any(word.startswith("--from=") for word in words):
            found += [word for word in words if not word.startswith("--")][:-1]
    return found


def folder() -> Path:
    """The folder of images and bases, outside of the checkout."""
    return cache() / "images"


IMAGES = {
    image.name: image
    for image in (
        Image("operator", "operator/Dockerfile"),
        Image("index-builder", "index-builder/Dockerfile"),
        Image("service", "service/Dockerfile"),
        Image("service-dev", "service/Dockerfile.dev", parent="service"),
    )
}
RELEASED = ("operator", "index-builder", "service")
