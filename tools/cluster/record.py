"""What `up` did to this machine, in a file that also `down` after a crash can read.

A process is known by its number and the time it started: the kernel gives the number of a dead one to another.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.cluster.node import Node

STARTED_FIELD = 22  # of /proc/<pid>/stat, see proc(5)


@dataclass(frozen=True)
class Process:
    """A process that was started; `started` is in clock ticks since the machine booted."""

    pid: int
    started: int

    @property
    def runs(self) -> bool:
        """Neither ended, nor a zombie, nor another one under the same number."""
        found = read_stat(self.pid)
        return found is not None and found[0] == self.started and found[1] not in "ZX"


@dataclass
class Record:
    """The processes by name, in the order they were started; what else must be undone; what was applied already."""

    file: Path
    processes: dict[str, Process] = field(default_factory=dict)
    kernel: dict[str, str] = field(default_factory=dict)  # files of /proc/sys with the content they had
    made: list[str] = field(default_factory=list)  # folders that this machine did not have, the inner after the outer
    applied: str = ""  # the digest of the manifests

    @classmethod
    def read(cls, file: Path) -> Record:
        """What the file holds; empty where there is none."""
        if not file.exists():
            return cls(file)
        found = json.loads(file.read_text())
        processes = {name: Process(**process) for name, process in found["processes"].items()}
        return cls(file, processes, found["kernel"], found["made"], found["applied"])

    def write(self) -> None:
        """By a rename, so that a crash leaves the old content or the new."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "processes": {name: asdict(process) for name, process in self.processes.items()},
            "kernel": self.kernel,
            "made": self.made,
            "applied": self.applied,
        }
        unfinished = self.file.with_name(f".{self.file.name}.unfinished")
        unfinished.write_text(json.dumps(content, indent=2))
        unfinished.replace(self.file)

    def started(self, name: str, pid: int) -> None:
        stat = read_stat(pid)
        self.processes.pop(name, None)
        self.processes[name] = Process(pid, stat[0] if stat else -1)
        self.write()

    def of(self, node: Node) -> list[str]:
        """Names of the daemons of a node that is not the first, in the order they were started."""
        return [name for name in self.processes if name == node.daemon_name(name.rpartition(".")[0])]

    def forget(self, names: Collection[str]) -> None:
        self.processes = {name: one for name, one in self.processes.items() if name not in names}
        self.write()

    def runs(self, name: str) -> bool:
        return name in self.processes and self.processes[name].runs

    def pid(self, name: str) -> int:
        """ProcessLookupError where it does not run."""
        if not self.runs(name):
            raise ProcessLookupError(f"{name} does not run: make cluster-up")
        return self.processes[name].pid


def read_stat(pid: int) -> tuple[int, str] | None:
    """When the process started, and its state; None where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before it may hold blanks; state is field 3
    return int(fields[STARTED_FIELD - 3]), fields[0]


def send(process: Process, number: int) -> None:
    """Signals the process if it is still the one that was recorded."""
    try:
        handle = os.pidfd_open(process.pid)  # from here on the number cannot become another's unseen
    except ProcessLookupError:
        return
    try:
        if process.runs:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return  # it ended in between
    finally:
        os.close(handle)
