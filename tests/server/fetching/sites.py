"""A small web site over real HTTP, on loopback, that remembers what it was asked; and what tests put on it."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from threaded_server import ThreadedServer

LOOPBACK = ("127.0.0.1", "localhost")
LINES = b'{"id": "1", "url": "", "title": "Timer", "section": "Start", "content": "Press start."}\n'


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]  # names in lower case


@dataclass(frozen=True)
class Reply:
    """What the site answers; with an etag or a date it answers 304 to who has it already."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_length: bool = True
    wait_for: threading.Event | None = None


Route = Reply | Callable[[Asked], Reply]


class Site:
    """Routes by path and query; everything else is 404."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[Asked] = []
        self.statuses: list[tuple[str, int]] = []
        self.under_way_max = 0
        self.release = threading.Event()  # what a slow page waits for
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = ThreadedServer(_handler(self), tls=tls)

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def add(self, path: str, route: Route) -> None:
        self.routes[path] = route

    def page(self, path: str, body: str = "", *, head: str = "", etag: str = "", **headers: str) -> None:
        """An HTML page with a heading of its path's name, so that it is a document."""
        name = path.rstrip("/").rpartition("/")[2] or "home"
        html = f"<html lang=en><head><title>{name}</title>{head}</head><body><h1>{name}</h1><p>{body}</p></body></html>"
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        tag = {"ETag": etag} if etag else {}
        self.add(path, Reply(html.encode(), headers={"Content-Type": "text/html; charset=utf-8", **tag, **more}))

    def redirect(self, path: str, target: str, status: int = 302) -> None:
        self.add(path, Reply(status=status, headers={"Location": target}))

    def slow(self, path: str) -> None:
        """A page that answers when the test is over."""
        self.add(path, Reply(b"<p>late", headers={"Content-Type": "text/html"}, wait_for=self.release))

    def forget(self) -> None:
        self.asked.clear()
        self.statuses.clear()

    def close(self) -> None:
        self.release.set()
        self._server.close()

    def answer(self, asked: Asked) -> Reply:
        route = self.routes.get(asked.path, Reply(b"nothing here", status=404))
        reply = route(asked) if callable(route) else route
        etag, date = reply.headers.get("ETag"), reply.headers.get("Last-Modified")
        is_known = (etag and etag == asked.headers.get("if-none-match")) or (
            date and date == asked.headers.get("if-modified-since")
        )
        return Reply(status=304, headers=reply.headers) if reply.status == 200 and is_known else reply

    def enter(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
            self._under_way += 1
            self.under_way_max = max(self.under_way_max, self._under_way)

    def leave(self) -> None:
        with self._lock:
            self._under_way -= 1


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
            site.enter(asked)
            reply = site.answer(asked)
            site.leave()  # before the last byte: the client may be back at once
            if reply.wait_for is not None:
                reply.wait_for.wait(timeout=60)
            site.statuses.append((asked.path, reply.status))
            self._send(reply)

        def _send(self, reply: Reply) -> None:
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.content_length and "Content-Length" not in reply.headers and reply.status != 304:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except (BrokenPipeError, ConnectionResetError):
                return  # the client has heard enough; several tests are about that

        def log_message(self, format: str, *arguments: object) -> None:
            """Silent: `asked` holds it all."""

    return Handler


def reply(site: Site, path: str, body: bytes = LINES, status: int = 200, **more: Any) -> None:
    """The site answers `body` at `path`; headers=… and the like go to Reply."""
    site.add(path, Reply(body, status, **more))


def add(site: Site, path: str, body: bytes, content_type: str, status: int = 200, **headers: str) -> None:
    """The same with a content type, and headers by their names."""
    reply(site, path, body, status, headers={"Content-Type": content_type, **headers})


def links(*paths: str) -> str:
    return " ".join(f'<a href="{path}">{path}</a>' for path in paths)


def to_loopback(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)
