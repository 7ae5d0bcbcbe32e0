"""Servers: the service and the bare applications it is compared with, each started on its core."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.errors import BenchFailed
from bench.harness import Bench
from bench.processes import started

READY_SECONDS = 60.0
POLL_SECONDS = 0.005
ANNOUNCED = "Serving on "

SERVICE = (sys.executable, "-m", "clockifyrag_service")
UNOBSERVED = (sys.executable, "-m", "bench.unobserved")


@contextmanager
def serving(command: Sequence[str], cores: Sequence[int], variables: Mapping[str, str]) -> Iterator[str]:
    """The `host:port` of a server, as soon as it listens."""
    with started(command, cores, variables) as process:
        yield announced(process)


def announced(process: subprocess.Popen[str]) -> str:
    """The `host:port` that a server prints as soon as it listens. BenchFailed when it ends before."""
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said.startswith(ANNOUNCED):
        raise BenchFailed(f"{process.args!r} did not start; its message stands above")
    return said.removeprefix(ANNOUNCED).strip().partition("://")[2]


@contextmanager
def serving_cached(bench: Bench, root: Path, command: Sequence[str] = SERVICE, **more: str) -> Iterator[str]:
    """The `host:port` of the ready service on its core, whose log goes where that of a pod goes: into a pipe.

    What comes out of it is thrown away on the other core. In a file it took the disk's time as well, a third of all
    answers in one run, a tenth in another.
    """
    log = bench.folder / "service.pipe"
    os.mkfifo(log)
    try:
        with (
            started(["dd", f"if={log}", "of=/dev/null", "bs=64k", "status=none"], (bench.cores.load,)),
            serving(command, (bench.cores.server,), service_variables(root, log, **more)) as address,
        ):
            wait_ready(address)
            yield address
    finally:
        log.unlink()


def wait_ready(address: str) -> None:
    """Returns when /ready answers 200, asked every 5 ms by new connections."""
    deadline = time.monotonic() + READY_SECONDS
    while status_of(address, "/ready") != 200:
        if time.monotonic() > deadline:
            raise BenchFailed(f"{address} was not ready within {READY_SECONDS:g} seconds")
        time.sleep(POLL_SECONDS)


def status_of(address: str, path: str) -> int:
    return asked(address, path)[0]


def asked(address: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one GET."""
    connection = HTTPConnection(address, timeout=READY_SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def service_variables(root: Path, log: Path, **more: str) -> dict[str, str]:
    """The service's environment: the settings' defaults, on a free port, its log at that path, a file or a pipe."""
    return {"INDEX_ROOT": str(root), "API_PORT": "0", "LOG_FILE": str(log), **more}
