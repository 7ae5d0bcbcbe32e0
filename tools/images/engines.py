"""The engine that carries a Dockerfile out: Docker or podman where one runs, else buildah without a daemon."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.images import debian
from tools.images.canonical import write_canonical
from tools.images.contents import Archive
from tools.images.recipe import EPOCH, IMAGES, REVISION, ROOT, VERSION, Image, folder

CERTIFICATES = Path("/etc/ssl/certs")
STORE_BYTES_MAX = 12 * 2**30
PIP = ("PIP_INDEX_URL", "PIP_CERT")  # of this machine, passed on to the stage that installs


@dataclass(frozen=True)
class Docker:
    """Docker and its default bases. Layers carry the dates of the build: use buildah for digests to compare."""

    def build(self, image: Image, target: Path) -> None:
        parent = {"SERVICE_IMAGE": IMAGES[image.parent].tag} if image.parent else {}
        run(["docker", "build", "--network", "host", *arguments(parent | common()), "--file", image.dockerfile,
             "--tag", image.tag, "."])  # fmt: skip
        run(["docker", "save", "--output", str(target), image.tag])


@dataclass(frozen=True)
class Buildah:
    """buildah, in a store of its own, on bases of Debian packages; `context` is the checkout, or a copy of it."""

    store: Path
    bases: Path
    context: Path = ROOT

    def build(self, image: Image, target: Path) -> None:
        """Builds on what the store has, the parent included, and writes the docker-archive."""
        told = {"SERVICE_IMAGE": f"localhost/{IMAGES[image.parent].tag}"} if image.parent else self.base_images()
        passed = common()
        volume = ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"] if "PIP_CERT" in passed else []
        self.bud(image.tag, image.dockerfile, self.context, [*volume, *arguments(told | passed)])
        pushed = target.with_suffix(".pushed")
        pushed.unlink(missing_ok=True)  # an archive is written once
        self.buildah("push", "--quiet", f"localhost/{image.tag}", f"docker-archive:{pushed}:{image.tag}")
        write_canonical(Archive(pushed), target)
        pushed.unlink()

    def base_images(self) -> dict[str, str]:
        """The arguments that name both bases, which are made where they are missing."""
        return {"BASE_IMAGE": self.base("build"), "RUN_IMAGE": self.base("run")}

    def base(self, kind: str) -> str:
        """The name of the base in the store."""
        name = f"localhost/clockifyrag-base-{kind}:{debian.digest()[:12]}"
        file_system = self.file_system(kind)
        if not self.buildah("images", "--quiet", "--filter", f"reference={name}"):
            context = self.bases / f"{kind}.context"
            context.mkdir(exist_ok=True)
            (context / "Dockerfile").write_text(f"FROM scratch\nADD {file_system.name} /\n")
            (context / file_system.name).unlink(missing_ok=True)
            (context / file_system.name).hardlink_to(file_system)
            self.bud(name, "Dockerfile", context, [])
            shutil.rmtree(context)
        return name

    def file_system(self, kind: str) -> Path:
        """The base as a tar, made where it is missing."""
        path = self.bases / f"base-{kind}-{debian.digest()[:12]}.tar"
        if not path.exists():
            self.bases.mkdir(parents=True, exist_ok=True)
            trusted = None
            if kind == "run":
                trusted = self.bases / "ca-certificates.crt"
                trusted.write_bytes(debian.certificates(self.file_system("build")))
            with timed(f"base to {kind} on, from Debian packages"):
                debian.make_base(kind, path, trusted)
        return path

    def bud(self, tag: str, dockerfile: str, context: Path, options: list[str]) -> None:
        """OCI's format has no HEALTHCHECK; chroot is the isolation that needs no privileges beyond root's."""
        self.buildah(
            "bud", "--quiet", "--format", "docker", "--isolation", "chroot", "--network", "host", "--layers",
            "--timestamp", str(EPOCH), "--pull-never", *options, "--file", str(context / dockerfile), "--tag", tag,
            str(context),
        )  # fmt: skip

    def buildah(self, *command: str) -> str:
        """What it said."""
        store = [
            "--root",
            str(self.store / "root"),
            "--runroot",
            str(self.store / "run"),
            "--storage-driver",
            "overlay",
        ]
        return run(["nice", "buildah", *store, *command])

    def remove_if_large(self) -> None:
        """Empties the store when layers that were made once, and are no more asked for, have filled it."""
        files = (path for path in (self.store / "root").rglob("*") if path.is_file() and not path.is_symlink())
        if sum(path.stat().st_size for path in files) > STORE_BYTES_MAX:
            self.remove()

    def remove(self) -> None:
        """Empties the store."""
        self.buildah("rmi", "--all", "--force")
        shutil.rmtree(self.store)


def engine() -> Docker | Buildah:
    """The one that this machine has; CLOCKIFYRAG_ENGINE=docker or buildah decides otherwise."""
    wanted = os.environ.get("CLOCKIFYRAG_ENGINE")
    if wanted not in (None, "", "docker", "buildah"):
        sys.exit(f"CLOCKIFYRAG_ENGINE is {wanted}, expected docker or buildah")
    if wanted == "docker" or (not wanted and docker_runs()):
        return Docker()
    return own_engine()


def own_engine() -> Buildah:
    """buildah with the store of the cache; installs what it needs where apt can."""
    run([sys.executable, str(ROOT / "tools" / "programs.py"), "buildah", "mmdebstrap"])
    return Buildah(folder() / "store", folder())


def docker_runs() -> bool:
    """Whether a daemon answers: the command alone is on many machines."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def common() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PIP if os.environ.get(name)}
    return {"VERSION": VERSION, "REVISION": REVISION} | passed


def arguments(values: dict[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in ("--build-arg", f"{name}={value}")]


CREDENTIALS = re.compile(r"//[^/\s@]+@")  # of a package mirror, as PIP_INDEX_URL may hold them


def run(command: list[str]) -> str:
    """What it printed; ends with its last words when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        told = f"{done.stdout[-2000:]}{done.stderr[-3000:]}\nfailed: {' '.join(command)}"
        sys.exit(CREDENTIALS.sub("//…@", told))
    return done.stdout.strip()


class timed:  # noqa: N801  a context manager reads as a verb
    """Prints what is done, and how long it took."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        print(f"  {self.what} … ", end="", flush=True)
        self.start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        print(f"{time.monotonic() - self.start:.0f} s", flush=True)
