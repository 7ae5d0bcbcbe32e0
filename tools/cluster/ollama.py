"""A real Ollama with a real model, for clusters that reach no library of models: an image, and a registry on the node.

    python -m tools.cluster ollama      the fields of a ClockifyRAG that use both

node1                                                       pod NAME-ollama-0
  registry 10.210.0.1:5000 ◄── /api/pull, without TLS ──────  Ollama, the image
  cluster/models/   a copy of $CLOCKIFYRAG_CACHE/models/<digest>/, which an Ollama filled once
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tools import binaries, minilm, programs
from tools.cluster import configs, images
from tools.cluster.daemons import Daemon
from tools.cluster.gates import Gate, GateClosed, pass_through, unhealthy
from tools.cluster.inside import record_of
from tools.cluster.node import Cluster
from tools.cluster.processes import log_tail, start, stop
from tools.cluster.record import Record

from clockifyrag_index.embedders.local import MINILM_DIGEST

REGISTRY, CONVERTER = "registry", "ollama"  # as daemons of the cluster
REGISTRY_PROGRAM = "docker-registry"
REGISTRY_PORT, CONVERTER_PORT = 5000, 11434
NAMESPACE = "library"  # where clients look for a name without one
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class ModelServer:
    """What a ClockifyRAG names to run this Ollama with this model."""

    image: str  # spec.ollama.server.image
    registry: str  # spec.ollama.server.registry
    digest: str  # spec.embedding.digest: hex, by which an Ollama that pulled the model lists it
    model: str = minilm.MODEL  # spec.embedding.model


def provide_ollama(cluster: Cluster) -> ModelServer:
    """The image is on the node and the registry has the model, also when this was done before.

    ProcessLookupError where no cluster runs; GateClosed where a server does not answer.
    """
    programs.main([REGISTRY_PROGRAM], otherwise="name another cluster in E2E_KUBECONFIG")
    if not binaries.place("ollama").exists():
        binaries.main(["ollama"])
    record, made = record_of(cluster), image()
    images.load_missing(cluster.node, record, {made.name: made})
    start_registry(cluster, record)
    if not (digest := digest_in(registry_of(cluster), minilm.MODEL)):
        fill(cluster, record)
        keep(cluster)
        digest = digest_in(registry_of(cluster), minilm.MODEL)
    assert digest, "what was pushed is there"
    return ModelServer(made.reference, registry_of(cluster), digest)


# The image


def image() -> images.Image:
    """Ollama and the shared libraries it is linked with, at the paths where the loader looks for them."""
    program = binaries.find("ollama")
    asked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True)
    libraries = {path.lstrip("/"): Path(path) for path in linked(asked.stdout)}
    return images.Image("ollama", {"bin/ollama": program, **libraries}, ("/bin/ollama",))


def linked(told: str) -> list[str]:
    """The paths that ldd tells, the loader's among them; FileNotFoundError names a library that is missing."""
    if missing := re.findall(r"^\s*(\S+) => not found", told, re.MULTILINE):
        raise FileNotFoundError(f"the program is linked with {', '.join(missing)}, not found on this machine")
    return re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", told, re.MULTILINE)


# The registry


def registry_of(cluster: Cluster) -> str:
    return f"http://{cluster.node.address}:{REGISTRY_PORT}"


def storage(cluster: Cluster) -> Path:
    return cluster.folder / "models"


def start_registry(cluster: Cluster, record: Record) -> None:
    """Returns once it answers; a new one begins with what was kept."""
    if not storage(cluster).exists():
        copy(kept(), storage(cluster)) if kept().exists() else storage(cluster).mkdir()
    config = cluster.folder / "registry.yaml"
    configs.write(config, configuration(cluster))
    serve(cluster, record, Daemon(REGISTRY, [REGISTRY_PROGRAM, "serve", str(config)]), f"{registry_of(cluster)}/v2/")


def configuration(cluster: Cluster) -> str:
    """Of docker-registry (docker/distribution, docs/configuration.md).

    Ollama pulls a layer from the place that the answer names, and where it names none it gives up (ollama/ollama#9737):
    `#`, relative to what was asked for, is the same place (RFC 3986, 4.4). Where the registry has another it says so.
    """
    return configs.as_yaml(
        {
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(storage(cluster))}, "delete": {"enabled": True}},
            "http": {"addr": f"{cluster.node.address}:{REGISTRY_PORT}", "headers": {"Location": ["#"]}},
        }
    )


def digest_in(registry: str, model: str) -> str | None:
    """The digest of the model's manifest, hex; None where the registry has no such model."""
    with httpx.Client(base_url=registry, trust_env=False) as client:
        path = f"/v2/{NAMESPACE}/{model}/manifests/latest"
        answer = client.head(path, headers={"Accept": MANIFEST_TYPE})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return str(answer.raise_for_status().headers["Docker-Content-Digest"]).removeprefix("sha256:")


# The model


def kept() -> Path:
    """What a registry stores that has the model; another model or another Ollama is another folder."""
    made_by = f"{MINILM_DIGEST} {images.identity(binaries.place('ollama'))}"
    return binaries.cache() / "models" / hashlib.sha256(made_by.encode()).hexdigest()[:12]


def keep(cluster: Cluster) -> None:
    if not kept().exists():
        kept().parent.mkdir(parents=True, exist_ok=True)
        copy(storage(cluster), kept())


def copy(source: Path, target: Path) -> None:
    """By a rename, so that half a copy is never found."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
    shutil.copytree(source, unfinished)
    unfinished.rename(target)


def fill(cluster: Cluster, record: Record) -> None:
    """An Ollama on the node makes the model of its files, and pushes it to the registry."""
    reference = f"{registry_of(cluster).removeprefix('http://')}/{NAMESPACE}/{minilm.MODEL}"
    with converter(cluster, record) as url:
        minilm.create(url)
        minilm.push(url, reference)


@contextmanager
def converter(cluster: Cluster, record: Record) -> Iterator[str]:
    """The address of an Ollama that ends, with all it holds, on leaving."""
    folder, address = cluster.folder / "converter", f"{cluster.node.address}:{CONVERTER_PORT}"
    environment = {"OLLAMA_HOST": address, "OLLAMA_MODELS": str(folder / "models"), "HOME": str(folder)}
    settings = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", *settings, str(binaries.find("ollama")), "serve"]
    try:
        serve(cluster, record, Daemon(CONVERTER, command), f"http://{address}/api/version")
        yield f"http://{address}"
    finally:
        if CONVERTER in record.processes:
            stop(record.processes[CONVERTER], STOP_SECONDS)
            del record.processes[CONVERTER]  # or `up` would look for it
            record.write()
        shutil.rmtree(folder, ignore_errors=True)


def serve(cluster: Cluster, record: Record, daemon: Daemon, url: str) -> None:
    """Starts it unless it runs, and returns once the address answers; GateClosed with its log where it ends."""
    start(cluster, record, daemon)

    def look_after() -> None:
        if not record.runs(daemon.name):
            raise GateClosed(f"{daemon.name} has ended. {log_tail(cluster, daemon.name)}")

    pass_through(Gate(f"{daemon.name} answers", lambda: unhealthy(url)), look_after)
