"""Objects sent to an API server, many side by side, by the HTTP client that the operator's own client library uses."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson
from tests.apiserver.controlplane import User

from bench.errors import BenchFailed

Bodies = Sequence[tuple[str, Mapping[str, Any]]]  # path and object


async def created(user: User, bodies: Bodies, side_by_side: int) -> None:
    """Returns when all are made. BenchFailed for one that is refused."""
    await _sent(user, "POST", bodies, "application/json", {}, side_by_side)


async def applied(user: User, bodies: Bodies, side_by_side: int) -> None:
    """Returns when all are applied on the server's side. BenchFailed for one that is refused."""
    query = {"fieldManager": "bench", "force": "true"}
    await _sent(user, "PATCH", bodies, "application/apply-patch+yaml", query, side_by_side)


async def _sent(
    user: User, method: str, bodies: Bodies, content_type: str, query: dict[str, str], side_by_side: int
) -> None:
    connector = aiohttp.TCPConnector(ssl=user.ssl_context(), limit=side_by_side)
    headers = {"content-type": content_type}
    async with aiohttp.ClientSession(user.server, connector=connector, headers=headers) as client:
        limit = asyncio.Semaphore(side_by_side)

        async def send(path: str, body: Mapping[str, Any]) -> None:
            data = orjson.dumps(body)
            async with limit, client.request(method, path, data=data, params=query) as answer:
                text = await answer.text()
                if not answer.ok:
                    raise BenchFailed(f"{method} {path}: {answer.status} {text[:300]}")

        await asyncio.gather(*(send(path, body) for path, body in bodies))
