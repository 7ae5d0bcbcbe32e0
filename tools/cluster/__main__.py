"""make cluster-up, make cluster-down: python -m tools.cluster up | down | join | leave | status | env | ollama.

join brings a second node, leave takes it away.
"""

from __future__ import annotations

import fcntl
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from httpx import HTTPError
from tools.cluster import programs
from tools.cluster.configs import as_yaml
from tools.cluster.down import take_down
from tools.cluster.gates import GateClosed
from tools.cluster.inside import HOLDER, record_of
from tools.cluster.kubectl import Refused
from tools.cluster.node import Cluster, own_cluster
from tools.cluster.ollama import provide_ollama
from tools.cluster.up import join, leave, up

COMMANDS = ("up", "down", "join", "leave", "status", "env", "ollama")


def main(arguments: list[str]) -> None:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.exit(f"one of {', '.join(COMMANDS)} is expected, found: {' '.join(arguments) or 'nothing'}")
    cluster = own_cluster()
    if arguments[0] == "status":
        sys.exit(status(cluster))
    elif arguments[0] == "env":
        env(cluster)
    else:
        with one_at_a_time(cluster):
            {"up": up, "down": down, "join": join, "leave": leave, "ollama": ollama}[arguments[0]](cluster)


def down(cluster: Cluster) -> None:
    started = time.monotonic()
    take_down(cluster)
    print(f"Nothing of the cluster is left, after {time.monotonic() - started:.0f} s")


def status(cluster: Cluster) -> int:
    """Prints a line for each daemon; 0 where all run."""
    record = record_of(cluster)
    if not record.processes:
        print("No cluster: make cluster-up")
        return 1
    for name, process in record.processes.items():
        print(f"{name:<24} {process.pid:>8}  {'runs' if process.runs else 'has ended'}")
    return 0 if all(process.runs for process in record.processes.values()) else 1


def env(cluster: Cluster) -> None:
    """Prints lines for a shell: eval "$(python -m tools.cluster env)"."""
    record = record_of(cluster)
    variables = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": programs.search_path(),
        "CLOCKIFYRAG_INSIDE": f"nsenter --target={record.pid(HOLDER)} --net --",
    }
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def ollama(cluster: Cluster) -> None:
    """Prints the fields of a ClockifyRAG that use the Ollama and the model of this cluster."""
    made = provide_ollama(cluster)
    embedding = {"provider": "Ollama", "model": made.model, "digest": made.digest}
    spec = {"embedding": embedding, "ollama": {"server": {"image": made.image, "registry": made.registry}}}
    print(as_yaml({"spec": spec}), end="")


@contextmanager
def one_at_a_time(cluster: Cluster) -> Iterator[None]:
    """Holds the lock of the cluster; a second run waits."""
    cluster.folder.parent.mkdir(parents=True, exist_ok=True)
    with cluster.folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (GateClosed, Refused, HTTPError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
