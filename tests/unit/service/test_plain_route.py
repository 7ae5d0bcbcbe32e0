"""A route that is given the request alone refuses a function that asks for more."""

from typing import Annotated

import pytest
from fastapi import Depends, Request, Response

from clockifyrag_service.routes import PlainRoute, no_parameters


async def answers(request: Request) -> Response:
    return Response()


async def wants_a_parameter(request: Request, q: str) -> Response:
    return Response()


async def wants_a_dependency(request: Request, checked: Annotated[None, Depends(no_parameters)]) -> Response:
    return Response()


def runs_in_a_thread(request: Request) -> Response:
    return Response()


def test_the_function_itself_answers() -> None:
    assert answers is PlainRoute("/search", answers).get_route_handler()


@pytest.mark.parametrize("endpoint", [wants_a_parameter, wants_a_dependency, runs_in_a_thread])
def test_what_would_be_left_out_is_refused(endpoint: object) -> None:
    with pytest.raises(TypeError, match="/search asks for more"):
        PlainRoute("/search", endpoint)  # type: ignore[arg-type]


def test_a_dependency_of_the_route_is_refused() -> None:
    with pytest.raises(TypeError, match="/search asks for more"):
        PlainRoute("/search", answers, dependencies=[Depends(no_parameters)])
