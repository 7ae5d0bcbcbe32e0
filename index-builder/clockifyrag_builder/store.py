"""The store: a read-only HTTP server of generations, for search pods that cannot mount the volume.

    GET /v1/generations/<id>/<file>     a name of the manifest or meta.json; Range, ETag (sha256), If-None-Match
    GET /live, /ready                   the loop turns; the index root can be read

It compares nothing: whoever fetches verifies while streaming, against the manifest. At most `transfers_max` files are
on their way at a time, so that a rollout of many pods cannot starve the volume; the others are told when to come back.
"""

import asyncio
import hashlib
import logging
import os
import socket
import uuid
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from clockifyrag_index.errors import GenerationMissing, StorageError, UsageError
from clockifyrag_index.layout import META, Layout, is_generation_id
from clockifyrag_index.manifest_reader import read_manifest

TRANSFERS_MAX = 8
TRANSFER_SECONDS_MAX = 3600.0
RETRY_AFTER_SECONDS = 2

_log = logging.getLogger(__name__)


class Transfers:
    """How many files are on their way; entered and left on the event loop, so it needs no lock."""

    def __init__(self, transfers_max: int, seconds_max: float) -> None:
        self.maximum = transfers_max
        self.seconds_max = seconds_max
        self.active = 0


class BoundedFileResponse(FileResponse):
    """A file, unless too many are on their way already: then 503 with Retry-After. A slow reader is cut off in time."""

    def __init__(self, path: Path, etag: str, transfers: Transfers) -> None:
        super().__init__(path, headers=_file_headers(etag), media_type="application/octet-stream")
        self._transfers = transfers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transfers = self._transfers
        if transfers.active >= transfers.maximum:
            await _busy(transfers)(scope, receive, send)
            return
        transfers.active += 1
        try:
            async with asyncio.timeout(transfers.seconds_max):
                await super().__call__(scope, receive, send)
        except TimeoutError:  # returning without the rest of the body makes the server close the connection
            _log.warning("%s: cut off after %s seconds", scope["path"], transfers.seconds_max)
        finally:
            transfers.active -= 1


def create_app(
    root: Path, *, transfers_max: int = TRANSFERS_MAX, transfer_seconds_max: float = TRANSFER_SECONDS_MAX
) -> Starlette:
    """The ASGI application that serves the generations below `root`, which may be empty and may grow."""
    app = Starlette(
        routes=[
            Route("/v1/generations/{generation_id}/{name:path}", _file, methods=["GET"]),
            Route("/live", _live, methods=["GET"]),
            Route("/ready", _ready, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _http_error, StorageError: _storage_error, Exception: _internal_error},
    )
    app.router.redirect_slashes = False  # a redirect would repeat the Host header of whoever asks
    app.state.layout = Layout(root)
    app.state.transfers = Transfers(transfers_max, transfer_seconds_max)
    return app


def serve(root: Path, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serves until SIGTERM or Ctrl-C; files on their way have 20 seconds to arrive.

    UsageError when nobody can listen on that address, or somebody does.
    """
    config = uvicorn.Config(
        create_app(root),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=256,
        timeout_graceful_shutdown=20,
    )
    with _listening(host, port) as bound, suppress(KeyboardInterrupt):
        logging.getLogger("uvicorn.error").info("listening on %s port %d", *bound.getsockname()[:2])
        uvicorn.Server(config).run(sockets=[bound])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. UsageError says which options to change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:  # of a host that is no name at all the text alone tells something
        found = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {host} port {port}: {found}; give another --host or --port") from error


def _file(request: Request) -> Response:
    """The file of a generation. Runs in the thread pool, as it reads the manifest."""
    generation_id, name = request.path_params["generation_id"], request.path_params["name"]
    if not is_generation_id(generation_id):
        raise HTTPException(404)
    directory = request.app.state.layout.generation(generation_id)
    etag = _digest(directory, name)
    path = directory / name
    if etag is None or path.is_symlink() or not path.is_file():
        raise HTTPException(404)
    if etag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=_file_headers(etag))
    return BoundedFileResponse(path, etag, request.app.state.transfers)


async def _live(_: Request) -> Response:
    return JSONResponse({"status": "live"})


def _ready(request: Request) -> Response:
    """200 as soon as the root can be listed, even before its first generation: the first build waits for this store."""
    root = request.app.state.layout.root
    try:
        os.scandir(root).close()
    except OSError as error:
        _log.warning("index root cannot be read: %s", error)
        return _refusal(503, "INDEX_NOT_LOADED", "The index root cannot be read.", "Mount the volume, readable.")
    return JSONResponse({"status": "ready"})


def _digest(directory: Path, name: str) -> str | None:
    """sha256 of the file as the manifest states it, of meta.json itself as it is; None for any other name."""
    try:
        status = (directory / META).stat()
    except FileNotFoundError as error:
        raise GenerationMissing(f"{directory}: no such generation") from error
    return _digests(directory, status.st_ino, status.st_mtime_ns).get(name)


@lru_cache(maxsize=8)  # generations that are asked for at a time; a manifest itself would be 200 KiB
def _digests(directory: Path, _inode: int, _mtime_ns: int) -> dict[str, str]:
    """By name, read again only when meta.json has been replaced."""
    digests = {name: record.sha256 for name, record in read_manifest(directory).files.items()}
    return {**digests, META: hashlib.sha256((directory / META).read_bytes()).hexdigest()}


def _file_headers(etag: str) -> dict[str, str]:
    # Not "immutable": a damaged generation is built again under its id, and index.bin may then hold other bytes.
    return {"etag": f'"{etag}"', "cache-control": "no-cache", "x-content-type-options": "nosniff"}


def _tags(if_none_match: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")}


def _busy(transfers: Transfers) -> Response:
    return _refusal(
        503,
        "OVERLOADED",
        f"{transfers.maximum} files are on their way already.",
        f"Ask again in {RETRY_AFTER_SECONDS} seconds.",
        {"retry-after": str(RETRY_AFTER_SECONDS)},
    )


def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = dict(error.headers or {})
        return _refusal(405, "METHOD_NOT_ALLOWED", "The store is read-only.", "Use GET or HEAD.", allowed)
    return _refusal(
        error.status_code,
        "NOT_FOUND",
        "No such generation, or no such file in it.",
        "Ask for meta.json first: its file table names all others.",
    )


def _storage_error(request: Request, error: Exception) -> Response:
    if isinstance(error, GenerationMissing):
        return _http_error(request, HTTPException(404))
    _log.error("generation cannot be served: %s", error)
    return _refusal(
        503, "INDEX_NOT_LOADED", "This generation is damaged or of a newer format.", "Fetch another one, or rebuild it."
    )


def _internal_error(_: Request, __: Exception) -> Response:
    return _refusal(500, "INTERNAL", "The store failed.", "Ask again; its log has the cause.")


def _refusal(
    status: int, code: str, message: str, suggestion: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The error envelope of the search service, so that one client reads both."""
    error = {"code": code, "message": message, "suggestion": suggestion, "request_id": uuid.uuid4().hex}
    return JSONResponse({"error": error, "status": status}, status_code=status, headers=headers)
