"""Routes: HTTP in, HTTP out; what happens between is in the modules they call."""

from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from ..bodies import parsed
from ..parameters import read_query


def json_answer(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def no_parameters(request: Request) -> None:
    """A dependency of routes that read no query parameter: any that is given is refused."""
    read_query(request.scope["query_string"], ())


class BodyRequest(Request):
    """A request whose body is read as strictly as its query string."""

    async def json(self) -> Any:
        return parsed(await self.body())


class BodyRoute(APIRoute):
    """A route whose requests are BodyRequests."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answered = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await answered(BodyRequest(request.scope, request.receive))

        return strictly


class PlainRoute(APIRoute):
    """A route whose function takes the request and returns the response: FastAPI documents it and solves nothing.

    TypeError where there is something to solve, which would be left out silently.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        wanted = self.dependant
        parameters = (*wanted.path_params, *wanted.query_params, *wanted.header_params, *wanted.cookie_params)
        if wanted.dependencies or parameters or wanted.body_params or not iscoroutinefunction(self.endpoint):
            raise TypeError(f"{self.path} asks for more than the request: take another kind of route")
        return self.endpoint
