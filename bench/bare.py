"""Bare applications on the service's own server: what a request costs before anybody searches.

python -m bench.bare hello | bytes | json   [body.json]
"""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp


def hello() -> ASGIApp:
    """Starlette with one route that says hello."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse("Hello, world!")

    return Starlette(routes=[Route("/search", answer)])


def stored_bytes(body: bytes) -> ASGIApp:
    """FastAPI with one route whose JSON was made beforehand: the least it can do."""
    app = FastAPI()

    @app.get("/search")
    async def search() -> Response:
        return Response(body, media_type="application/json")

    return app


def made_json(body: bytes) -> ASGIApp:
    """FastAPI with one route that returns a dictionary, as most are written."""
    app = FastAPI()
    document: Any = orjson.loads(body)

    @app.get("/search")
    async def search() -> Any:
        return document

    return app


def application(name: str, body: bytes) -> ASGIApp:
    match name:
        case "hello":
            return hello()
        case "bytes":
            return stored_bytes(body)
        case "json":
            return made_json(body)
    raise SystemExit(f"no bare application {name!r}; expected hello, bytes or json")


def main() -> None:
    name, *file = sys.argv[1:]
    app = application(name, Path(file[0]).read_bytes() if file else b"")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as bound:
        print(f"Serving on http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off")
        loop_factory = config.get_loop_factory()
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(uvicorn.Server(config).serve([bound]))


if __name__ == "__main__":
    main()
