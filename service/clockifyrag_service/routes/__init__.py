"""Routes: HTTP in, HTTP out; what happens between is in the modules they call."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from ..parameters import read_query


def json_answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def no_parameters(request: Request) -> None:
    """A dependency of routes that read no query parameter: any that is given is refused."""
    read_query(request.scope["query_string"], ())


class PlainRoute(APIRoute):
    """A route whose function takes the request and returns the response: FastAPI documents it and solves nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint
