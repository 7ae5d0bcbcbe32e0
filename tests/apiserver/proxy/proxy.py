"""FaultProxy: stands between one client and a Kubernetes API server, sees all that passes, and makes faults.

    client ── TLS, certificate of the proxy ──► FaultProxy ── TLS, the client's credentials ──► API server
                                                    │
                                     numbers writes and events, makes faults

It runs in a thread of its own; every method may be called from the test's.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import trustme
from aiohttp import web
from yarl import URL

from .calls import Call, Exchange, Matches, WatchEvent, call, counts, is_watch, watch_event
from .faults import AnyFault, Cut, Fault, Freeze, Kill, Meanwhile, Refuse, Slow, Stale
from .stream import Stream

T = TypeVar("T")
_NOT_PASSED_ON = {"host", "accept-encoding", "connection", "content-length", "transfer-encoding", "keep-alive"}
_PAGING = {"resourceVersion", "resourceVersionMatch", "limit", "continue", "timeoutSeconds"}
_START_SECONDS = 10
_LAST_SECONDS = 0.05


class FaultProxy:
    """A proxy on a free port of 127.0.0.1 while the `with` block runs.

    upstream: the API server's URL, `upstream_ca` its authority (PEM). client_certificate: certificate and key in PEM
    files, used where a request carries no token of its own. counted: which calls are numbered as writes.
    """

    def __init__(
        self,
        upstream: str,
        upstream_ca: str,
        client_certificate: tuple[Path, Path] | None = None,
        counted: Callable[[Call], bool] = counts,
    ) -> None:
        self._upstream = upstream.rstrip("/")
        self._outgoing = ssl.create_default_context(cadata=upstream_ca)
        if client_certificate:
            self._outgoing.load_cert_chain(*client_certificate)
        authority = trustme.CA()
        self.ca = authority.cert_pem.bytes().decode()
        self._incoming = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self._incoming)
        self._counted = counted
        self._faults: tuple[AnyFault, ...] = ()
        self._streams: set[Stream] = set()
        self._lists: dict[tuple[str, str], Mapping[str, str]] = {}  # path and query → headers they were asked with
        self._remembered: list[dict[tuple[str, str], bytes]] = []
        self._dead = False
        self._writes = 0
        self.calls: list[Call] = []
        self.exchanges: list[Exchange] = []
        self.events: list[WatchEvent] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def writes(self) -> list[Call]:
        """The writes so far, in the order of their numbers."""
        return [one for one in list(self.calls) if one.write]

    def make(self, *faults: AnyFault) -> None:
        """From now on these faults, and no others."""
        self._faults = faults

    def heal(self) -> None:
        """No fault any more; streams that were frozen stay so, those held by `Stale` go on."""
        self._run(self._heal())

    def revive(self) -> None:
        """Calls are let through again after a `Kill`."""
        self._dead = False

    def remember(self) -> int:
        """A moment for `Stale`: every list that was asked for so far is asked for again and kept as it is now."""
        return self._run(self._remember())

    def cut_watches(self, match: Matches = is_watch) -> int:
        """Closes the connections of open watches; how many."""
        return self._run(self._each(match, Stream.cut))

    def expire_watches(self, match: Matches = is_watch) -> int:
        """Ends open watches as a server does that has forgotten their past: with an event of error 410; how many."""
        return self._run(self._each(match, Stream.expire))

    def freeze_watches(self, match: Matches = is_watch) -> int:
        """Open watches stay open and say nothing for ever, as behind a box that dropped their state; how many."""
        return self._run(self._each(match, Stream.freeze))

    def open_watches(self, match: Matches = is_watch) -> list[Call]:
        """The watches that are open now."""
        return [one.call for one in list(self._streams) if match(one.call)]

    # From here on, in the proxy's own thread.

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_START_SECONDS)

    async def _open(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._outgoing, limit=0, enable_cleanup_closed=True)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        self._runner = web.ServerRunner(web.Server(self._answer, handler_cancellation=True), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._incoming)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def _close(self) -> None:
        for stream in list(self._streams):
            await stream.cut()
        await self._runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._session.close()
        await asyncio.sleep(_LAST_SECONDS)  # transports that were closed are told so in the loop's next turns

    async def _heal(self) -> None:
        self._faults = ()
        for stream in list(self._streams):
            stream.resume()

    async def _each(self, match: Matches, act: Callable[[Stream], Coroutine[Any, Any, None]]) -> int:
        done = 0
        for one in [stream for stream in self._streams if match(stream.call)]:
            with suppress(aiohttp.ClientConnectionResetError):  # its client has just gone: it is open no more
                await act(one)
                done += 1
        return done

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        one = self._numbered(request, body)
        if self._dead:
            return self._aborted(request, one)
        for fault in self._faults:
            if isinstance(fault, Fault) and not (isinstance(fault, Cut) and fault.when == "after") and fault.takes(one):
                match fault:
                    case Slow(seconds=seconds):
                        await asyncio.sleep(seconds)
                    case Refuse():
                        return self._refused(one, fault)
                    case Cut():
                        return self._aborted(request, one)
                    case Freeze():
                        await asyncio.Event().wait()  # until the client gives up and this handler is cancelled
        try:
            if one.verb == "watch":
                return await self._watch(request, one)
            return self._stale(one) or await self._passed(request, one, body)
        except aiohttp.ClientError:  # the server is gone: so is the proxy
            return self._aborted(request, one)

    def _numbered(self, request: web.BaseRequest, body: bytes) -> Call:
        content_type = request.headers.get("Content-Type", "")
        one = call(len(self.calls) + 1, request.method, request.path, request.query_string, content_type, body)
        if self._counted(one):
            self._writes += 1
            one = replace(one, write=self._writes)
        self.calls.append(one)
        return one

    def _ended(self, one: Call, status: int) -> None:
        self.exchanges.append(Exchange(one, status, time.monotonic()))

    def _aborted(self, request: web.BaseRequest, one: Call) -> web.Response:
        self._ended(one, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _refused(self, one: Call, fault: Refuse) -> web.Response:
        self._ended(one, fault.status)
        after = fault.retry_after_seconds
        return web.Response(
            status=fault.status,
            body=failure(fault.status, after),
            content_type="application/json",
            headers={} if after is None else {"Retry-After": str(after)},
        )

    def _stale(self, one: Call) -> web.Response | None:
        for fault in self._faults:
            if isinstance(fault, Stale) and one.verb == "list" and fault.match(one):
                old = self._remembered[fault.moment].get(_list_key(one))
                if old is not None:
                    fault.lists += 1
                    self._ended(one, 200)
                    return web.Response(body=old, content_type="application/json")
        return None

    async def _passed(self, request: web.BaseRequest, one: Call, body: bytes) -> web.Response:
        headers = _passed_on(request)
        if one.verb == "list":
            self._lists[_list_key(one)] = headers
        status, answer, answer_headers = await self._asked(one.method, request.raw_path, headers, body)
        self._ended(one, status)
        for fault in self._faults:
            if isinstance(fault, Meanwhile) and fault.write == one.write and not fault.made:
                fault.made = 1
                await asyncio.to_thread(fault.act)
            if isinstance(fault, Kill) and fault.write == one.write and not fault.made:
                fault.made, self._dead = 1, True
                if not fault.answered:
                    fault.kill()
                    return self._aborted(request, one)
                response = web.Response(status=status, body=answer, headers=answer_headers)
                await response.prepare(request)
                await response.write_eof()
                fault.kill()
                return response
            if isinstance(fault, Cut) and fault.when == "after" and fault.takes(one):
                return self._aborted(request, one)
        return web.Response(status=status, body=answer, headers=answer_headers)

    async def _asked(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        url = URL(self._upstream + path, encoded=True)
        async with self._session.request(method, url, headers=headers, data=body or None) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
            return answer.status, await answer.read(), kept

    async def _watch(self, request: web.BaseRequest, one: Call) -> web.StreamResponse:
        url = URL(self._upstream + request.raw_path, encoded=True)
        async with self._session.get(url, headers=_passed_on(request), read_bufsize=1 << 22) as answer:
            self._ended(one, answer.status)
            if answer.status != 200:
                return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")
            stream = Stream(one, request, lambda: self._faults, self._event)
            self._streams.add(stream)
            try:
                return await stream.run(answer)
            finally:
                self._streams.discard(stream)

    def _event(self, resource: str, line: bytes) -> WatchEvent | None:
        event = watch_event(len(self.events) + 1, resource, line)
        if event is not None:
            self.events.append(event)
        return event

    async def _remember(self) -> int:
        bodies = {}
        for (path, query), headers in list(self._lists.items()):
            status, body, _ = await self._asked("GET", path + (f"?{query}" if query else ""), headers, b"")
            if status == 200:
                bodies[path, query] = body
        self._remembered.append(bodies)
        return len(self._remembered) - 1


def failure(status: int, retry_after_seconds: int | None = None) -> bytes:
    """The body of an error, as an API server writes it."""
    reasons = {404: "NotFound", 409: "Conflict", 410: "Expired", 429: "TooManyRequests", 503: "ServiceUnavailable"}
    value: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "made by the fault proxy",
        "reason": reasons.get(status, "InternalError"),
        "code": status,
    }
    if retry_after_seconds is not None:
        value["details"] = {"retryAfterSeconds": retry_after_seconds}
    return json.dumps(value).encode()


def _passed_on(request: web.BaseRequest) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}


def _list_key(one: Call) -> tuple[str, str]:
    """Path and query of a list, without what only pages through it."""
    query = URL.build(query={name: value for name, value in sorted(one.query.items()) if name not in _PAGING})
    return one.path, query.raw_query_string
