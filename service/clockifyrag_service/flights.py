"""Flights: one computation for equal questions that are asked at the same time, in the event loop or by threads."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
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


class ThreadFlight(Generic[Result]):
    """The same for threads: one computes, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, Future[Result]] = {}

    def do(self, key: str, compute: Callable[[], Result], timeout_seconds: float | None = None) -> Result:
        """The result of `compute`, perhaps one that another thread started; its error is everybody's error.

        TimeoutError when another thread's takes longer than this one may wait.
        """
        with self._lock:
            flying = self._flying.get(key)
            if flying is None:
                mine = self._flying[key] = Future()
        if flying is not None:
            return flying.result(timeout_seconds)
        try:
            result = compute()
        except BaseException as error:
            self._landed(key)
            mine.set_exception(error)
            raise
        self._landed(key)
        mine.set_result(result)
        return result

    def _landed(self, key: str) -> None:
        with self._lock:
            del self._flying[key]
