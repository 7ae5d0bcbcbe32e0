"""Runs what is in an image as a pod would: as user 10001, on a read-only root, with a /tmp of its own and nothing else.

In a mount namespace of its own, by chroot: no container runtime is needed, root is.
"""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tools.images.engines import Buildah
from tools.images.recipe import IMAGES, Image

USER = "10001:10001"
TMP = "/tmp"  # noqa: S108  of the container, and empty


@dataclass(frozen=True)
class Trial:
    """A command in an image, and what it must say."""

    image: str
    command: tuple[str, ...]
    code: int
    says: str
    variables: tuple[str, ...] = ()


READ_ONLY = "import pathlib; pathlib.Path('/venv/new').touch()"
TRIALS = (
    Trial("operator", ("python3", "-m", "clockifyrag_operator"), 2, "run in a pod, or name a kubeconfig"),
    Trial("index-builder", ("clockifyrag", "--help"), 0, "Turns help-center articles"),
    Trial("index-builder", ("clockifyrag", "keys", "new", "docs-site"), 0, "crag_docs-site_"),
    Trial("index-builder", ("clockifyrag", "up"), 2, "is not installed here"),
    Trial("index-builder", ("clockifyrag", "index", "build", "--source", "sample", "--out", f"{TMP}/index"), 0, ""),
    Trial("service", ("python3", "-m", "clockifyrag_service"), 2, "API_PORT", ("API_PORT=none",)),
    Trial("service", ("python3", "/app/healthcheck.py"), 1, "does not answer"),
    *(
        Trial(name, ("python3", "-c", READ_ONLY), 1, "Read-only file system")
        for name in IMAGES
        if name != "service-dev"
    ),
    *(Trial(name, ("python3", "-m", "pip"), 1, "No module named pip") for name in IMAGES if name != "service-dev"),
)


def failures(name: str, using: Buildah, trials: Sequence[Trial] = TRIALS) -> list[str]:
    """A line for each trial of the image that ended otherwise than it should."""
    image = IMAGES[name]
    container = using.buildah("from", "--pull-never", f"localhost/{image.tag}")
    try:
        root = using.buildah("mount", container)
        return [
            said for trial in trials if trial.image == name and (said := tried(trial, root, environment(image, using)))
        ]
    finally:
        using.buildah("rm", container)


def environment(image: Image, using: Buildah) -> list[str]:
    """The variables of the image as NAME=value."""
    said = using.buildah("inspect", "--type", "image", "--format", "{{range .OCIv1.Config.Env}}{{println .}}{{end}}",
                         f"localhost/{image.tag}")  # fmt: skip
    return said.split("\n")


def tried(trial: Trial, root: str, variables: list[str]) -> str:
    """Nothing, or how the trial ended instead."""
    inside = shlex.join(["env", "-i", *variables, *trial.variables, *trial.command])
    script = (
        f"mount --bind {root} {root} && mount -t tmpfs tmpfs {root}{TMP} -o mode=1777 && "
        f"mount -t proc proc {root}/proc && mount -o remount,bind,ro {root} && "
        f"exec chroot --userspec={USER} {root} {inside}"
    )
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == trial.code and trial.says in done.stdout + done.stderr:
        return ""
    words = " ".join(trial.command)
    return f"{words}: exit code {done.returncode}, expected {trial.code} and {trial.says!r}: {done.stderr[-1000:]}"
