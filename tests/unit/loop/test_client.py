"""The client: one gate for all that writes, and every answer a value or an error of one tree."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator import names
from clockifyrag_operator.client import Client, WriteRate
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.errors import (
    AlreadyExists,
    ApiError,
    Busy,
    Conflict,
    Immutable,
    LeaseLost,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
)
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "team", "uid": "u", "resourceVersion": "7"},
    "data": {"x": "1"},
}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def asked(answer: Answer, deed: Callable[[Client], Awaitable[Any]], **options: Any) -> Any:
    """What the deed gives with a client of that server."""

    async def with_client(host: str, port: int) -> Any:
        given = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True, **options}
        client = Client(Access(f"http://{host}:{port}", token_text="secret"), Metrics(), **given)
        try:
            return await deed(client)
        finally:
            await client.close()

    return beside(answer, with_client)


async def anything(_: web.Request) -> web.Response:
    return web.json_response(CONFIG_MAP)


def refusing(status: int, reason: str, message: str = "no", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(
            {"kind": "Status", "reason": reason, "message": message}, status=status, headers=headers
        )

    return answer


ERRORS = {
    "a missing object": (404, "NotFound", "no", NotFound),
    "an expired list": (410, "Expired", "no", Busy),
    "a name that is taken": (409, "AlreadyExists", "no", AlreadyExists),
    "a change since": (409, "Conflict", "no", Conflict),
    "a quota": (403, "Forbidden", "exceeded quota", Refused),
    "a rule of the schema": (422, "Invalid", "spec.x: must be positive", Refused),
    "a fixed field": (422, "Invalid", "spec.clusterIP: Invalid value: field is immutable", Immutable),
    "a fixed field of a StatefulSet": (422, "Invalid", "spec: Forbidden: updates to statefulset spec for …", Immutable),
    "a fixed field of a Service": (
        422,
        "Invalid",
        'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
        Immutable,
    ),
    "a claim": (422, "Invalid", "spec: Forbidden: spec is immutable after creation except …", Refused),
    "a token that ran out": (401, "Unauthorized", "no", Unauthorized),
    "too many requests": (429, "TooManyRequests", "no", Busy),
    "a server that starts": (503, "ServiceUnavailable", "no", Busy),
}


@pytest.mark.parametrize("case", ERRORS)
def test_each_refusal_is_one_error_with_the_servers_own_words(case: str) -> None:
    status, reason, message, expected = ERRORS[case]

    with pytest.raises(ApiError) as raised:
        asked(refusing(status, reason, message), lambda client: client.get("ConfigMap", "team", "a"))

    assert (expected, message, status) == (type(raised.value), raised.value.message, raised.value.status)


def test_an_answer_that_is_no_json_is_an_error_all_the_same() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>bad gateway</html>", status=502)

    with pytest.raises(Busy, match="bad gateway"):
        asked(page, lambda client: client.get("ConfigMap", "team", "a"))


def test_a_server_that_does_not_answer_in_time_is_unreachable() -> None:
    async def silence(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    with pytest.raises(Unreachable, match="GET /api/v1/namespaces/team/configmaps/a"):
        asked(silence, lambda client: client.get("ConfigMap", "team", "a"), request_seconds=0.1)


def test_who_is_not_the_leader_reads_and_writes_nothing() -> None:
    methods: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        methods.append(request.method)
        return web.json_response(CONFIG_MAP)

    async def everything(client: Client) -> int:
        lost = 0
        await client.get("ConfigMap", "team", "a")
        for write in (
            client.apply(CONFIG_MAP),
            client.create(CONFIG_MAP),
            client.delete(CONFIG_MAP),
            client.annotate_pod("team", "a", names.WANTED, "x"),
        ):
            with pytest.raises(LeaseLost):
                await write
            lost += 1
        return lost

    assert 4 == asked(answer, everything, may_write=lambda: False)
    assert ["GET"] == methods


def test_applying_takes_over_fields_and_deleting_names_the_version_that_was_read() -> None:
    seen: list[tuple[str, str, dict[str, str], Any]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, dict(request.query), json.loads(await request.text())))
        assert "Bearer secret" == request.headers["Authorization"]
        return web.json_response(CONFIG_MAP)

    async def both(client: Client) -> None:
        await client.apply(CONFIG_MAP, names.REPLICAS_MANAGER)
        await client.delete(CONFIG_MAP, "Orphan")

    asked(answer, both)

    path = "/api/v1/namespaces/team/configmaps/a"
    assert ("PATCH", path, {"fieldManager": names.REPLICAS_MANAGER, "force": "true"}, CONFIG_MAP) == seen[0]
    assert ("DELETE", path) == seen[1][:2]
    assert {"uid": "u", "resourceVersion": "7"} == seen[1][3]["preconditions"]
    assert "Orphan" == seen[1][3]["propagationPolicy"]


def test_a_list_is_read_page_by_page_and_its_items_say_what_they_are() -> None:
    async def pages(request: web.Request) -> web.Response:
        assert "a=b" == request.query["labelSelector"]
        item = {"metadata": {"name": request.query.get("continue", "first")}}
        more = {} if "continue" in request.query else {"continue": "second"}
        return web.json_response({"items": [item], "metadata": more})

    async def listed(client: Client) -> list[list[Manifest]]:
        return [page async for page in client.pages("Deployment", "team", "a=b")]

    found = asked(pages, listed)

    assert [["first"], ["second"]] == [[one["metadata"]["name"] for one in page] for page in found]
    assert {("apps/v1", "Deployment")} == {(one["apiVersion"], one["kind"]) for page in found for one in page}


def test_the_server_names_a_time_before_which_nothing_more_is_written() -> None:
    calls: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(time.monotonic())
        if len(calls) == 1:
            return web.json_response({"message": "later"}, status=429, headers={"Retry-After": "1"})
        return web.json_response(CONFIG_MAP)

    async def twice(client: Client) -> float | None:
        with pytest.raises(Busy) as raised:
            await client.apply(CONFIG_MAP)
        await client.apply(CONFIG_MAP)
        return raised.value.retry_after

    assert 1.0 == asked(answer, twice)
    assert calls[1] - calls[0] >= 1.0


def test_writes_are_spread_over_time_beyond_the_first_second() -> None:
    async def take() -> float:
        tokens, started = WriteRate(100.0), time.monotonic()
        for _ in range(120):  # 100 at once, the others 10 ms apart
            await tokens.take()
        return time.monotonic() - started

    assert 0.15 <= asyncio.run(take()) < 2.0


def test_every_call_is_counted_by_verb_and_code() -> None:
    metrics = Metrics()

    async def calls(host: str, port: int) -> None:
        client = Client(
            Access(f"http://{host}:{port}"),
            metrics,
            request_seconds=5.0,
            writes_per_second=10.0,
            may_write=lambda: True,
        )
        await client.get("ConfigMap", "team", "a")
        await client.create(CONFIG_MAP)
        await client.close()

    beside(anything, calls)

    told = metrics.exposition().decode()
    assert 'clockifyrag_api_calls_total{code="200",verb="get"} 1.0' in told
    assert 'clockifyrag_api_calls_total{code="200",verb="create"} 1.0' in told
