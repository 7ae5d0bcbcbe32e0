"""The ops port of a build Job: /status says how far it is, for the operator that started it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clockifyrag_cli.progress import Progress
from clockifyrag_index.errors import UsageError


class BuildStatus:
    """How far a build is: written by the build, read by the server's threads."""

    def __init__(self) -> None:
        self._told("start", 0, 0, (time.monotonic(), 0))

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Notes how far the build is now."""
        stage_before, _, total_before, _, began = self._now
        if stage != stage_before or (total and not total_before):  # all is read: now it is known what the cache gave
            began = (time.monotonic(), done)
        self._told(stage, done, total, began)

    def _told(self, stage: str, done: int, total: int, began: tuple[float, int]) -> None:
        """began: when the stage did, and what was done by then: what the cache gives tells nothing of the rest."""
        self._now = (stage, done, total, time.time(), began)

    def record(self) -> dict[str, Any]:
        """stage, done, total, rate (texts a second), eta (seconds), heartbeatTime (Unix) as JSON values."""
        stage, done, total, heartbeat, (began, done_before) = self._now
        rate = (done - done_before) / max(time.monotonic() - began, 1e-3)
        eta = (total - done) / rate if rate and total else None
        return {
            "stage": stage,
            "done": done,
            "total": total,
            "rate": round(rate, 2),
            "eta": None if eta is None else round(eta, 1),
            "heartbeatTime": round(heartbeat, 3),
        }


@contextmanager
def ops_port(port: int | None, shown: Progress) -> Iterator[Progress]:
    """Within it /status and /live answer on every address of `port`; None: nothing listens. Yields what to tell.

    UsageError when somebody else listens there.
    """
    if port is None:
        yield shown
        return
    status = BuildStatus()
    try:
        server = ThreadingHTTPServer(("", port), _handler(status))
    except OSError as error:
        raise UsageError(f"--ops-port {port}: {error.strerror}; expected a free port") from error
    thread = threading.Thread(target=server.serve_forever, name="ops", daemon=True)
    thread.start()

    def told(stage: str, done: int, total: int) -> None:
        status(stage, done, total)
        shown(stage, done, total)

    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(status: BuildStatus) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            records = {"/status": status.record(), "/live": {"status": "alive"}}
            record = records.get(self.path)
            body = json.dumps(record or {"error": {"code": "NOT_FOUND", "message": "known: /status, /live"}}).encode()
            self.send_response(200 if record else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing: the log of a Job is for its progress."""

    return Handler
