"""The node's cgroup in every hierarchy of the machine: version 1, version 2, or both.

/sys/fs/cgroup/<controller>/clockifyrag-node1/daemons     what `up` started, and their shims
/sys/fs/cgroup/<controller>/clockifyrag-node1/kubepods/…  pods
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tools.cluster.node import Node
from tools.cluster.record import Process, read_stat, send

ROOT = Path("/sys/fs/cgroup")
DAEMONS = "daemons"


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Where cgroups are made: one folder for version 2; one for each controller of version 1, `cpu,cpuacct` once."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted({file.parent.resolve() for file in root.glob("*/cgroup.procs")})


def create(node: Node) -> None:
    for hierarchy in hierarchies():
        (hierarchy / node.cgroup).mkdir(exist_ok=True)
    daemons_procs(node).parent.mkdir(exist_ok=True)


def daemons_procs(node: Node) -> Path:
    """The file that a daemon writes itself into: in one hierarchy, limits are not set for daemons."""
    found = hierarchies()
    chosen = next((hierarchy for hierarchy in found if hierarchy.name == "pids"), found[0])
    return chosen / node.cgroup / DAEMONS / "cgroup.procs"


def processes(node: Node) -> list[Process]:
    """All that are in the node's cgroups, in whichever hierarchy."""
    found = {}
    for folder in folders(node):
        for pid in pids_of(folder):
            if stat := read_stat(pid):
                found[pid] = Process(pid, stat[0])
    return [process for process in found.values() if process.runs]


def pids_of(folder: Path) -> list[int]:
    """The processes in that cgroup itself; none where it is gone by now."""
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
        return []


def kill(node: Node) -> None:
    """Kills all of them once; those that are being born are found the next time."""
    for process in processes(node):
        send(process, signal.SIGKILL)


def remove(node: Node) -> bool:
    """Whether all are gone; one whose processes still end is busy for a moment."""
    for folder in folders(node):
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOENT):
                raise
    return not any(True for _ in folders(node))


def folders(node: Node) -> Iterator[Path]:
    """The node's cgroups, the innermost first; those that go meanwhile are left out."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / node.cgroup, topdown=False):
            yield Path(folder)
