"""A proxy before a store: holds bytes back, changes them, or breaks off, which a store does not do when it is asked."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Self

import httpx
from threaded_server import ThreadedServer

Change = Callable[[str, int, bytes], bytes]  # file, place of the first byte, bytes → what is sent
PIECE_BYTES = 1 << 16
DROP_SECONDS = 0.05  # between two bytes of a file that drips


class StoreProxy:
    """Hands requests on to the store at `upstream` while the `with` block runs; notes which bytes were asked for."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.change: Change = lambda name, start, piece: piece
        self.asked: list[tuple[str, str]] = []  # file, Range
        self.sent_bytes: dict[str, int] = {}
        self.broken = threading.Event()  # break off what is under way, and everything else
        self.busy = 0  # so many requests are sent away with Retry-After
        self._held: dict[str, int] = {}
        self._dripping: dict[str, int] = {}
        self._free = threading.Event()
        self._arrived = threading.Condition()

    def __enter__(self) -> Self:
        self._server = ThreadedServer(_handler(self))
        return self

    def __exit__(self, *_: object) -> None:
        self.broken.set()
        self._free.set()
        self._server.close()

    @property
    def url(self) -> str:
        return self._server.url

    def hold(self, name: str, after_bytes: int) -> None:
        """From that byte of the file on nothing is sent until `release`."""
        self._free.clear()
        self._held = {name: after_bytes}

    def drip(self, name: str, bytes_max: int) -> None:
        """So many first bytes of the file are sent one by one and slowly, unless it is released before."""
        self._free.clear()
        self._dripping = {name: bytes_max}

    def release(self) -> None:
        self._held, self._dripping = {}, {}
        self._free.set()

    def wait_until_sent(self, name: str, size: int, seconds: float = 30) -> bool:
        """Whether so many bytes of the file were sent in time."""
        with self._arrived:
            return self._arrived.wait_for(lambda: self.sent_bytes.get(name, 0) >= size, seconds)

    def sending(self, name: str, start: int, piece: bytes) -> bytes:
        """What is sent of the file from `start` on; waits while it is held. ConnectionError when it is broken off."""
        if start >= self._held.get(name, start + 1):
            self._free.wait(30)
        if self.broken.is_set():
            raise ConnectionError
        return self.change(name, start, piece)

    def portions(self, name: str, start: int, piece: bytes) -> Iterator[bytes]:
        """The piece as it goes out: at once, or drop by drop."""
        drops = max(0, min(len(piece), self._dripping.get(name, 0) - start))
        for at in range(drops):
            yield piece[at : at + 1]
            self._free.wait(DROP_SECONDS)
        if drops < len(piece):
            yield piece[drops:]

    def note(self, name: str, size: int) -> None:
        with self._arrived:
            self.sent_bytes[name] = self.sent_bytes.get(name, 0) + size
            self._arrived.notify_all()


def _handler(proxy: StoreProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.rpartition("/v1/generations/")[2].partition("/")[2]
            proxy.asked.append((name, self.headers.get("range", "")))
            if proxy.busy > 0:
                proxy.busy -= 1
                self._answer(503, {"retry-after": "0", "content-length": "0"})
                return
            try:
                self._forward(name)
            except (OSError, httpx.HTTPError):
                self.close_connection = True

        def _forward(self, name: str) -> None:
            headers = {key: value for key, value in self.headers.items() if key.lower() in ("range", "if-range")}
            with httpx.stream("GET", proxy.upstream + self.path, headers=headers, trust_env=False) as response:
                kept = ("content-length", "content-range", "etag", "content-type", "retry-after")
                self._answer(
                    response.status_code, {key: response.headers[key] for key in kept if key in response.headers}
                )
                start = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
                for piece in response.iter_raw(PIECE_BYTES):
                    changed = proxy.sending(name, start, piece)
                    for portion in proxy.portions(name, start, changed):
                        self.wfile.write(portion)
                        proxy.note(name, len(portion))
                    start += len(piece)

        def _answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Requests are noted, not printed."""

    return Handler


def flip(name: str, at: int, times: int = 1_000_000) -> Change:
    """Changes one byte of that file, in the first `times` transfers of it."""
    left = [times]

    def change(file: str, start: int, piece: bytes) -> bytes:
        if file != name or not start <= at < start + len(piece) or not left[0]:
            return piece
        left[0] -= 1
        changed = bytearray(piece)
        changed[at - start] ^= 1
        return bytes(changed)

    return change
