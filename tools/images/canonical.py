"""An archive without what buildah writes of the build itself: names of containers, the parent's digest, the history."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from tools.images.contents import Archive

KEPT = ("architecture", "created", "os", "rootfs")
KEPT_OF_CONFIG = (
    "Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "StopSignal", "User", "WorkingDir",
)  # fmt: skip


def write_canonical(archive: Archive, target: Path) -> None:
    """The same layers under a configuration that says how to run them, and nothing of how they were made."""
    config = json.dumps(configuration(archive.config), sort_keys=True).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([archive.manifest | {"Config": name}], sort_keys=True).encode()
    with tarfile.open(archive.path) as source, tarfile.open(target, "w") as tar:
        for file, content in (("manifest.json", manifest), (name, config)):
            member = tarfile.TarInfo(file)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for layer in dict.fromkeys(archive.manifest["Layers"]):
            member = tarfile.TarInfo(layer)
            member.size = source.getmember(layer).size
            tar.addfile(member, source.extractfile(layer))


def configuration(config: dict[str, Any]) -> dict[str, Any]:
    """What a runtime reads of a configuration in Docker's format."""
    run = {key: config["config"][key] for key in KEPT_OF_CONFIG if config["config"].get(key)}
    return {key: config[key] for key in KEPT} | {"config": run}
