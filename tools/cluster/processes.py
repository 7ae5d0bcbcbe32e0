"""Starts and ends the daemons. They outlive the command that started them, each with a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tools.cluster import cgroups
from tools.cluster.daemons import Daemon
from tools.cluster.inside import HOLDER, entering
from tools.cluster.node import Cluster, Node
from tools.cluster.record import Process, Record, send

LOG_TAIL_BYTES = 1500
POLL_SECONDS = 0.05


def start(cluster: Cluster, record: Record, daemon: Daemon, node: Node | None = None) -> None:
    """Starts it in the namespaces of the node, the first where none is given, unless it runs."""
    node = node or cluster.node
    if not record.runs(daemon.name):
        inside = entering(record.pid(node.daemon_name(HOLDER)), daemon.command, "--net", "--mount")
        spawn(cluster, record, Daemon(daemon.name, inside), node)


def spawn(cluster: Cluster, record: Record, daemon: Daemon, node: Node) -> None:
    cluster.logs.mkdir(parents=True, exist_ok=True)
    procs = cgroups.daemons_procs(node)
    with log_of(cluster, daemon.name).open("ab") as log:
        process = subprocess.Popen(
            daemon.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=cluster.folder,
            env=environment(),
            preexec_fn=lambda: enter_cgroup(procs),
            start_new_session=True,
        )
    record.started(daemon.name, process.pid)


def enter_cgroup(procs: Path) -> None:
    """Also what it starts is found there, should this command be killed before it writes its record."""
    procs.write_text(str(os.getpid()))


def environment() -> dict[str, str]:
    """Nothing of the user's: a proxy or a kubeconfig of the surroundings would lead daemons elsewhere."""
    return {"PATH": os.environ["PATH"], "HOME": "/root"}


def stop(process: Process, seconds: float) -> None:
    """Asks it to end, and kills it when it has not after `seconds`."""
    send(process, signal.SIGTERM)
    if not ends_within(process, seconds):
        send(process, signal.SIGKILL)


def ends_within(process: Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.runs:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def log_of(cluster: Cluster, name: str) -> Path:
    return cluster.logs / f"{name}.log"


def log_tail(cluster: Cluster, name: str) -> str:
    file = log_of(cluster, name)
    content = file.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace") if file.exists() else ""
    return f"The end of {file}:\n{content}"


def ended(record: Record) -> list[str]:
    """The names of those that were started and run no more."""
    return [name for name, process in record.processes.items() if not process.runs]
