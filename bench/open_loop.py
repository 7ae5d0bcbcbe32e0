"""Open loop: requests sent at planned moments, whether earlier ones are answered or not, as people send them.

A request's time counts from the moment it was planned for, so the wait behind a slow answer is in it; a closed loop
asks less while the server stalls and never sees that (giltene/wrk2: coordinated omission).
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from bench.errors import check
from bench.load import received, request_bytes
from bench.processes import side_in_fresh_process

CONNECTIONS = 64  # free ones take the next request; when none is free it waits, and its time runs
KEPT_UP = 0.98  # of the planned requests must be answered: otherwise the sender itself was too slow


def latencies(
    address: str, path: str, headers: Mapping[str, str], rate: float, seconds: float, cores: Sequence[int]
) -> dict[str, float]:
    """{p50, p99, sent}: milliseconds from planned to answered, at a constant rate. WrongResult where one is no 200."""
    job = {"address": address, "path": path, "headers": dict(headers), "rate": rate, "seconds": seconds}
    return side_in_fresh_process(__name__, "send", job, cores)


def send(job: dict[str, Any]) -> dict[str, float]:
    """Sends for that long, then waits for what is still out."""
    host, _, port = job["address"].partition(":")
    request = request_bytes(job["address"], job["path"], job["headers"])
    total = int(job["rate"] * job["seconds"])
    with selectors.EpollSelector() as selector, ExitStack() as connections:
        free: deque[socket.socket] = deque()
        for _ in range(CONNECTIONS):
            connection = connections.enter_context(socket.create_connection((host, int(port))))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, bytearray())
            free.append(connection)
        took = paced(selector, free, request, total, 1 / job["rate"])
    check(
        len(took) >= KEPT_UP * total, f"{len(took)} of {total} requests were answered in time: the sender is too slow"
    )
    took.sort()
    return {"p50": 1000 * took[len(took) // 2], "p99": 1000 * took[int(0.99 * len(took))], "sent": float(len(took))}


def paced(
    selector: selectors.EpollSelector, free: deque[socket.socket], request: bytes, total: int, interval: float
) -> list[float]:
    """Seconds from planned to answered of each request; what is not answered a second after the end is left out."""
    planned: dict[socket.socket, float] = {}
    took: list[float] = []
    begin = time.perf_counter() + 0.05
    sent, end = 0, begin + total * interval + 1
    while len(took) < total and (now := time.perf_counter()) < end:
        while free and sent < total and begin + sent * interval <= now:
            connection = free.popleft()
            planned[connection] = begin + sent * interval
            connection.sendall(request)
            sent += 1
        wait = begin + sent * interval - time.perf_counter() if free and sent < total else 0.01
        for key, _ in selector.select(max(0.0, wait)):
            asked: socket.socket = key.fileobj  # type: ignore[assignment]
            if received(asked, key.data):
                took.append(time.perf_counter() - planned.pop(asked))
                free.append(asked)
    return took


SIDES = {"send": send}
