"""Processes: every round of every side runs in a fresh one, on the cores it is given."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import BenchFailed
from bench.machine import ROOT

STOP_SECONDS = 30


def side_in_fresh_process(module: str, side: str, job: Mapping[str, Any], cores: Sequence[int]) -> dict[str, Any]:
    """What SIDES[side] of the module returns for the job, run in a new process on those cores."""
    with started([sys.executable, "-m", "bench.side", module, side], cores, stdin=subprocess.PIPE) as process:
        answer, _ = process.communicate(json.dumps(dict(job)))
    if process.returncode:
        raise BenchFailed(f"{module} {side} ended with {process.returncode}; its message stands above")
    result: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return result


@contextmanager
def free_port() -> Iterator[int]:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@contextmanager
def started(
    command: Sequence[str],
    cores: Sequence[int],
    variables: Mapping[str, str] | None = None,
    stdin: int | None = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[str]]:
    """A process on those cores whose standard output is read here; it is stopped at the end."""
    environment = {**os.environ, **_library_threads(len(cores)), **(variables or {})}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _library_threads(cores: int) -> dict[str, str]:
    return {name: str(cores) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (proc(5), statm, field 2)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
