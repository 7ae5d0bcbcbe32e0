"""What the tests of this folder put on a site, and the names and addresses it is reached by."""

from typing import Any

LOOPBACK = ("127.0.0.1", "localhost")
LINES = b'{"id": "1", "url": "", "title": "Timer", "section": "Start", "content": "Press start."}\n'
Site = Any  # the class lives in conftest.py, which cannot be imported


def reply(site: Site, path: str, body: bytes = LINES, status: int = 200, **more: Any) -> None:
    """The site answers `body` at `path`; headers=… and the like go to Reply."""
    site.page("/a page made only to learn the class of a reply")
    site.add(path, type(site.routes.popitem()[1])(body, status, **more))


def add(site: Site, path: str, body: bytes, content_type: str, status: int = 200, **headers: str) -> None:
    site.page(path)
    site.add(path, type(site.routes[path])(body, status, {"Content-Type": content_type, **headers}))


def links(*paths: str) -> str:
    return " ".join(f'<a href="{path}">{path}</a>' for path in paths)


def to_loopback(host: str, port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)
