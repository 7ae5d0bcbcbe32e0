"""App: the routes put together, with one envelope for every refusal, behind the front."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import IO

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Lifespan

from .documentation import documentation_page, openapi_document
from .errors import (
    CODE_OF_STATUS,
    INTERNAL,
    INVALID_PARAMETER,
    Refused,
    envelope,
    internal_error,
    method_not_allowed,
    not_found,
)
from .exchange import exchange_of, heard_in, request_ids
from .front import Front, identified
from .health import VERSION
from .parts import Parts, assembled
from .plain_page import PLAIN_POLICY, security_headers
from .routes.chat import chat_routes
from .routes.explain import explain_routes
from .routes.pages import HTML, article_routes, page_routes
from .routes.search import search_routes
from .routes.siblings import sibling_routes
from .routes.state import ops_routes, probe_routes, state_routes
from .settings import Settings
from .validation import refused_body, unreadable_body

CORS_HEADERS = ("authorization", "content-type", "if-none-match", "x-api-key", "x-api-token", "x-request-id")
CORS_EXPOSED = (
    "etag",
    "x-request-id",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
)


def create_app(settings: Settings, log_stream: IO[str] | None = None) -> ASGIApp:
    """The server as an ASGI application; its lifespan loads the index and watches for the next."""
    return api_app(assembled(settings, log_stream or sys.stderr))


def api_app(parts: Parts) -> ASGIApp:
    """What API_PORT serves: everything, but /metrics and /status where they have a port of their own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with parts.running():
            yield

    app = bare_app(lifespan)
    app.include_router(search_routes(parts))
    app.include_router(explain_routes(parts))
    app.include_router(chat_routes(parts))
    app.include_router(article_routes(parts))
    app.include_router(state_routes(parts))
    app.include_router(probe_routes(parts))
    if parts.settings.ops_port is None:
        app.include_router(ops_routes(parts))
    add_documentation(app, parts.settings)
    app.include_router(page_routes(parts))
    front: ASGIApp = Front(app, parts)
    if not parts.settings.cors_origins:
        return front
    return CrossOrigin(
        front,
        allow_origins=parts.settings.cors_origins,
        allow_methods=("GET", "POST"),
        allow_headers=CORS_HEADERS,
        expose_headers=CORS_EXPOSED,
    )


class CrossOrigin(CORSMiddleware):
    """Answers browsers that ask whether a page of another origin may call; its refusals are the envelope, too."""

    ids = request_ids()

    def preflight_response(self, request_headers: Headers) -> Response:
        answered = super().preflight_response(request_headers)
        if answered.status_code == 200:
            return answered
        found = bytes(answered.body).decode()
        refused = Refused(INVALID_PARAMETER, f"{found}.", "Let CORS_ORIGINS name the origin; see /docs for the rest.")
        request_id = heard_in(request_headers.raw).request_id or next(self.ids)
        kept = {name: value for name, value in answered.headers.items() if not name.startswith("content-")}
        headers = {**kept, "x-request-id": request_id, "x-content-type-options": "nosniff"}
        return Response(envelope(refused, request_id), refused.status, headers, "application/json")


def ops_app(parts: Parts) -> ASGIApp:
    """What OPS_PORT serves, for probes, Prometheus, the operator and servers like this one: no limits, not counted."""
    app = bare_app(None)
    app.include_router(probe_routes(parts))
    app.include_router(ops_routes(parts))
    app.include_router(sibling_routes(parts))
    return identified(app)


def bare_app(lifespan: Lifespan[FastAPI] | None) -> FastAPI:
    """A FastAPI without routes whose every refusal is the envelope."""
    app = FastAPI(
        title="ClockifyRAG",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.add_exception_handler(Refused, refused_answer)
    app.add_exception_handler(RequestValidationError, invalid_answer)
    app.add_exception_handler(HTTPException, http_answer)
    app.add_exception_handler(Exception, failed_answer)
    return app


def add_documentation(app: FastAPI, settings: Settings) -> None:
    """/openapi.json and /docs, made when they are first asked for, beside the event loop: that takes a moment."""

    @cache
    def document() -> bytes:
        return orjson.dumps(openapi_document(app, settings))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(await asyncio.to_thread(document), media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        content = documentation_page(orjson.loads(await asyncio.to_thread(document)))
        return Response(content, media_type=HTML, headers=security_headers(PLAIN_POLICY))


async def refused_answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    exchange_of(request).note(error=error.code)
    headers = {name.decode(): value.decode() for name, value in error.headers}
    body = envelope(error, exchange_of(request).request_id)
    return Response(body, error.status, headers, "application/json")


async def invalid_answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await refused_answer(request, refused_body(request, error))


async def http_answer(request: Request, error: Exception) -> Response:
    """Starlette's and FastAPI's own refusals: no such path, no such method, a body that cannot be read."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 404:
        refused = not_found(path)
    elif error.status_code == 405:
        refused = method_not_allowed(request.method, path, Headers(error.headers or {}).get("allow", ""))
    elif error.status_code == 400:
        refused = unreadable_body(error.__cause__)
    elif error.status_code in CODE_OF_STATUS:
        refused = Refused(CODE_OF_STATUS[error.status_code], str(error.detail), "See /docs for what is expected.")
    else:
        refused = internal_error()
    return await refused_answer(request, refused)


async def failed_answer(request: Request, error: Exception) -> Response:
    """The answer to what should not happen; the front logs the error."""
    exchange_of(request).note(error=INTERNAL)
    return await refused_answer(request, internal_error())
