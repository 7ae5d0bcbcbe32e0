"""What a browser shows: the search page and its files, documents without an address of their own, /docs."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from ..articles import article_page, document_chunks
from ..documentation import failures
from ..errors import not_found
from ..etags import is_unchanged
from ..exchange import heard_in
from ..parts import Parts
from ..plain_page import PAGE_POLICY, PLAIN_POLICY, security_headers
from ..serving import Served

PAGE_FOLDER = Path(__file__).parent.parent / "page"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page, read once."""

    content: bytes
    media_type: str
    etag: str


def static_files(folder: Path) -> dict[str, StaticFile]:
    """The page's files by name."""
    return (
        {file.name: static_file(file) for file in sorted(folder.iterdir()) if file.is_file()} if folder.is_dir() else {}
    )


def static_file(file: Path) -> StaticFile:
    content = file.read_bytes()
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return StaticFile(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"')


def page_routes(parts: Parts, folder: Path = PAGE_FOLDER) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    files = static_files(folder)

    def served(name: str, request: Request) -> Response:
        """The file; browsers ask each time whether it changed, and mostly hear 304."""
        file = files.get(name)
        if file is None:
            raise not_found(request.url.path)
        headers = {"etag": file.etag, "cache-control": "no-cache", **security_headers(PAGE_POLICY)}
        if is_unchanged(file.etag.encode(), heard_in(request.scope["headers"]).etags):
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    @router.get("/")
    async def index(request: Request) -> Response:
        return served("index.html", request)

    @router.get("/page/{name}")
    async def static(name: str, request: Request) -> Response:
        return served(name, request)

    return router


def article_routes(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["search"])

    @router.get(
        "/articles/{document_id:path}",
        responses={200: {"content": {"text/html": {}}}, **failures(404, 503, 504)},
    )
    async def article(document_id: str, request: Request) -> Response:
        """One document of the index as a page, its sections under their anchors."""

        def found(served: Served) -> bytes | None:
            chunks = document_chunks(served.generation.chunks, document_id)
            return article_page(chunks) if chunks else None

        with parts.serving.lease() as served:
            seconds = parts.settings.search_timeout_ms / 1000
            content = await parts.searching.in_pool(served, seconds, lambda left: found(served))
        if content is None:
            raise not_found(request.url.path)
        return Response(content, media_type=HTML, headers=security_headers(PLAIN_POLICY))

    return router
