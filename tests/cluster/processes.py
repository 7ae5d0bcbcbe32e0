"""Processes of pods, as the node's kernel knows them: frozen, killed, measured."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.kube import Manifest, Resource
from tools.cluster import cgroups
from tools.cluster.node import Cluster
from tools.cluster.record import Process, read_stat, send

KIB = 1024


def processes_of(cluster: Cluster, pod: Manifest, program: str) -> list[Process]:
    """Those of the pod whose command line holds `program`; none where they have ended or not begun."""
    folders = [folder for folder in cgroups.folders(cluster.node) if f"pod{pod['metadata']['uid']}" in str(folder)]
    pids = {pid for folder in folders for pid in cgroups.pids_of(folder)}
    found = {pid: stat for pid in pids if program in command_of(pid) and (stat := read_stat(pid))}
    return [Process(pid, started) for pid, (started, _) in found.items()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def freeze(processes: Iterable[Process]) -> None:
    for process in processes:
        send(process, signal.SIGSTOP)


def thaw(processes: Iterable[Process]) -> None:
    for process in processes:
        send(process, signal.SIGCONT)


def kill(processes: Iterable[Process]) -> None:
    for process in processes:
        send(process, signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far (proc(5): utime and stime are fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(process: Process) -> int:
    """Its proportional set size: shared pages count by their share (proc_pid_smaps_rollup)."""
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * KIB


def memory_of(resource: Resource, program: str) -> list[int]:
    """The proportional set size of the program in each search pod, the smallest first."""
    pods = resource.kube.pods("search", resource.name)
    return sorted(memory_bytes(one) for pod in pods for one in processes_of(resource.kube.cluster, pod, program))
