"""One open watch, passed on line by line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence

import aiohttp
from aiohttp import web

from .calls import Call, WatchEvent
from .faults import AnyFault, Coalesce, Drop, Stale

_EXPIRED = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version: made by the fault proxy",
        "reason": "Expired",
        "code": 410,
    },
}


class Stream:
    """A watch between client and server. `numbered` gives an event its number and remembers it."""

    def __init__(
        self,
        call: Call,
        request: web.BaseRequest,
        faults: Callable[[], Sequence[AnyFault]],
        numbered: Callable[[str, bytes], WatchEvent | None],
    ) -> None:
        self.call = call
        self._request = request
        self._faults = faults
        self._numbered = numbered
        self._response = web.StreamResponse(headers={"Content-Type": "application/json"})
        self._held: dict[tuple[str, str, str], WatchEvent] = {}
        self._frozen = False
        self._ended = asyncio.Event()
        self._resumed = asyncio.Event()

    async def run(self, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        """Passes on what comes until either side ends."""
        await self._response.prepare(self._request)
        passing = asyncio.ensure_future(self._pass(answer))
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({passing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if passing.done() and self._frozen:
                await asyncio.Event().wait()  # that the server ended it is not told either
            if passing.done() and passing.exception() is not None:
                await self.cut()
        finally:
            for task in (passing, ending):
                task.cancel()
            await asyncio.gather(passing, ending, return_exceptions=True)
        return self._response

    async def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
        self._ended.set()

    async def expire(self) -> None:
        await self._response.write(json.dumps(_EXPIRED).encode() + b"\n")
        self._ended.set()

    async def freeze(self) -> None:
        self._frozen = True

    def resume(self) -> None:
        """Ends the waiting of a stale watch."""
        self._resumed.set()

    async def _pass(self, answer: aiohttp.ClientResponse) -> None:
        async for line in _lines(answer):
            if self._is_stale():
                self._resumed.clear()
                await self._resumed.wait()
            event = self._numbered(self.call.resource, line)
            told = line if event is None else self._told(event)
            if told is not None and not self._frozen:
                await self._response.write(told)

    def _is_stale(self) -> bool:
        return any(isinstance(fault, Stale) and fault.match(self.call) for fault in self._faults())

    def _told(self, event: WatchEvent) -> bytes | None:
        """The line to pass on for an event, None for silence."""
        for fault in self._faults():
            if isinstance(fault, Drop) and fault.event == event.number:
                fault.made += 1
                return None
            if isinstance(fault, Coalesce) and fault.event == event.number:
                fault.made += 1
                self._held[event.key] = event
                return None
        held = self._held.pop(event.key, None)
        if held is not None and held.type == "ADDED" and event.type == "MODIFIED":
            return json.dumps({**json.loads(event.line), "type": "ADDED"}).encode() + b"\n"
        if held is not None and held.type == "ADDED" and event.type == "DELETED":
            return None  # who never saw it come need not see it go
        return event.line


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Whole lines of a body, of any length."""
    rest = b""
    async for part in answer.content.iter_any():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            if line.strip():
                yield line + b"\n"
