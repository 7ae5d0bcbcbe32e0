"""Load: as many requests a second as a server answers on 16 kept connections, by wrk where it is installed.

Closed loop: a connection asks again when it has its answer. That finds the most a server can do; it hides how long a
request waits, so no latency is taken from here (open_loop.py does that).
"""

import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import WrongResult, check
from bench.processes import side_in_fresh_process, started

CONNECTIONS = 16
HEADER_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def generator() -> str:
    """What makes the load on this machine."""
    return "wrk" if shutil.which("wrk") else "own sender"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a server answered."""

    per_second: float
    answered: int


def requests_per_second(
    address: str, path: str, headers: Mapping[str, str], seconds: float, cores: Sequence[int]
) -> float:
    """Answers a second to one request, over and over. WrongResult when one of them was not a 200."""
    return loaded(address, [path], headers, seconds, cores).per_second


def loaded(
    address: str, paths: Sequence[str], headers: Mapping[str, str], seconds: float, cores: Sequence[int]
) -> Loaded:
    """The paths asked for in turn, from the first again when they end. WrongResult when an answer was not a 200."""
    if shutil.which("wrk"):
        return by_wrk(address, paths, headers, seconds, cores)
    job = {"address": address, "paths": list(paths), "headers": dict(headers), "seconds": seconds}
    return Loaded(**side_in_fresh_process(__name__, "closed_loop", job, cores))


LUA = """
local paths, turn = {}, 0
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
request = function()
    turn = turn % #paths + 1
    return wrk.format("GET", paths[turn])
end
"""


def by_wrk(
    address: str, paths: Sequence[str], headers: Mapping[str, str], seconds: float, cores: Sequence[int]
) -> Loaded:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with TemporaryDirectory() as folder:
        script, lines = Path(folder, "paths.lua"), Path(folder, "paths")
        script.write_text(LUA)
        lines.write_text("\n".join(paths))
        command += ["-s", str(script)] if len(paths) > 1 else []
        with started(
            [*command, f"http://{address}{paths[0]}"], cores, {"PATHS": str(lines)}, stdin=subprocess.DEVNULL
        ) as process:
            said, _ = process.communicate()
    if "Non-2xx" in said or "Socket errors" in said:
        raise WrongResult(f"wrk met errors: {said}")
    rate, count = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"(\d+) requests in", said)
    if rate is None or count is None:
        raise WrongResult(f"wrk said no rate: {said}")
    return Loaded(float(rate[1]), int(count[1]))


def closed_loop(job: dict[str, Any]) -> dict[str, float]:
    """The same by sockets and epoll in one thread; a side that runs in its own process."""
    host, _, port = job["address"].partition(":")
    requests = cycle([request_bytes(job["address"], path, job["headers"]) for path in job["paths"]])
    with selectors.DefaultSelector() as selector, ExitStack() as connections:
        for _ in range(CONNECTIONS):
            connection = connections.enter_context(socket.create_connection((host, int(port))))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(next(requests))
            selector.register(connection, selectors.EVENT_READ, bytearray())
        begin = time.perf_counter()
        end, answered = begin + job["seconds"], 0
        while (now := time.perf_counter()) < end:
            for key, _ in selector.select(timeout=1):
                if received(key.fileobj, key.data):  # type: ignore[arg-type]
                    answered += 1
                    key.fileobj.sendall(next(requests))  # type: ignore[union-attr]
    return {"per_second": answered / (now - begin), "answered": answered}


def request_bytes(address: str, path: str, headers: Mapping[str, str]) -> bytes:
    """A GET as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {address}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def received(connection: socket.socket, buffer: bytearray) -> bool:
    """Whether the answer is whole; then the buffer is empty again. WrongResult when it is not a 200."""
    data = connection.recv(65536)
    check(bool(data), "the server closed a connection")
    buffer += data
    head = buffer.find(HEADER_END)
    if head < 0:
        return False
    length = LENGTH.search(buffer, 0, head)
    check(buffer.startswith(b"HTTP/1.1 200") and length is not None, f"expected a 200: {bytes(buffer[:200])!r}")
    assert length is not None
    if len(buffer) < head + len(HEADER_END) + int(length[1]):
        return False
    buffer.clear()
    return True


SIDES = {"closed_loop": closed_loop}
