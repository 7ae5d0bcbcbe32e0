"""Load: as many requests a second as a server answers on 16 kept connections, by wrk where it is installed.

Closed loop: a connection asks again when it has its answer. That finds the most a server can do; it hides how long a
request waits, so no latency is taken from here.
"""

import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from bench.errors import WrongResult, check
from bench.processes import side_in_fresh_process, started

CONNECTIONS = 16
HEADER_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def generator() -> str:
    """What makes the load on this machine."""
    return "wrk" if shutil.which("wrk") else "own sender"


def requests_per_second(
    address: str, path: str, headers: Mapping[str, str], seconds: float, cores: Sequence[int]
) -> float:
    """Answers a second. WrongResult when one of them was not a 200."""
    if shutil.which("wrk"):
        return by_wrk(address, path, headers, seconds, cores)
    job = {"address": address, "path": path, "headers": dict(headers), "seconds": seconds}
    result: float = side_in_fresh_process(__name__, "closed_loop", job, cores)["requests_per_second"]
    return result


def by_wrk(address: str, path: str, headers: Mapping[str, str], seconds: float, cores: Sequence[int]) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with started([*command, f"http://{address}{path}"], cores, stdin=subprocess.DEVNULL) as process:
        said, _ = process.communicate()
    if "Non-2xx" in said or "Socket errors" in said:
        raise WrongResult(f"wrk met errors: {said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None:
        raise WrongResult(f"wrk said no rate: {said}")
    return float(rate[1])


def closed_loop(job: dict[str, Any]) -> dict[str, float]:
    """The same by sockets and epoll in one thread; a side that runs in its own process."""
    host, _, port = job["address"].partition(":")
    lines = [
        f"GET {job['path']} HTTP/1.1",
        f"Host: {job['address']}",
        *(f"{n}: {v}" for n, v in job["headers"].items()),
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    with selectors.DefaultSelector() as selector, ExitStack() as connections:
        for _ in range(CONNECTIONS):
            connection = connections.enter_context(socket.create_connection((host, int(port))))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ, bytearray())
        begin = time.perf_counter()
        end, answered = begin + job["seconds"], 0
        while (now := time.perf_counter()) < end:
            for key, _ in selector.select(timeout=1):
                answered += _received(key.fileobj, key.data, request)  # type: ignore[arg-type]
    return {"requests_per_second": answered / (now - begin)}


def _received(connection: socket.socket, buffer: bytearray, request: bytes) -> int:
    """1 when the answer is whole, after which the next request is sent; else 0."""
    data = connection.recv(65536)
    check(bool(data), "the server closed a connection")
    buffer += data
    head = buffer.find(HEADER_END)
    if head < 0:
        return 0
    length = LENGTH.search(buffer, 0, head)
    check(buffer.startswith(b"HTTP/1.1 200") and length is not None, f"expected a 200: {bytes(buffer[:200])!r}")
    assert length is not None
    if len(buffer) < head + len(HEADER_END) + int(length[1]):
        return 0
    buffer.clear()
    connection.sendall(request)
    return 1


SIDES = {"closed_loop": closed_loop}
