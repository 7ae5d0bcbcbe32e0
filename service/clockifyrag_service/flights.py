"""Flights: one computation for equal questions that are asked at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Computes a key once for all who ask while it is being computed; lives in the event loop."""

    def __init__(self) -> None:
        self._flying: dict[bytes, asyncio.Future[Result]] = {}

    async def do(self, key: bytes, compute: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `compute`, perhaps one that another caller started; its error is everybody's error.

        A caller that goes away does not end the computation for the others.
        """
        flying = self._flying.get(key)
        if flying is None:
            flying = asyncio.ensure_future(compute())
            self._flying[key] = flying
            flying.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flying)

    def _landed(self, key: bytes, done: "asyncio.Future[Result]") -> None:
        del self._flying[key]
        if not done.cancelled():
            done.exception()  # seen, even when every caller has gone
