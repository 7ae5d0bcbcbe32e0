"""Front: what stands before every route, as pure ASGI: request id, key, rate limit, body limit, headers, counting.

A search that was answered before is answered here: its query string finds the stored bytes, and FastAPI's routing,
which costs more than the search, is never entered.
"""

import logging
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import STATIC, UNLIMITED, admitted, endpoint_of, rate_limited
from .answers import Answer
from .auth import presented_key
from .bodies import ClientGone, announces_body, replayed, whole_body
from .errors import Refused, envelope, internal_error
from .exchange import REQUEST_ID, SCOPE_KEY, Exchange, request_ids
from .parts import Parts
from .searching import Answered

HeaderList = list[tuple[bytes, bytes]]

NOSNIFF = (b"x-content-type-options", b"nosniff")
NO_STORE = (b"cache-control", b"no-store")
JSON = (b"content-type", b"application/json")

log = logging.getLogger(__name__)


class Front:
    """The outermost application."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._keys = parts.keys
        self._limiter = parts.limiter
        self._clients = parts.clients
        self._searching = parts.searching
        self._metrics = parts.metrics
        self._log = parts.request_log
        self._traffic = parts.traffic
        self._request_ids = request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(self._request_id(scope["headers"]), scope["method"], endpoint_of(scope["path"]))
        self._traffic.inflight += 1
        try:
            await self._answer(exchange, scope, receive, send)
        except ClientGone:
            exchange.status = 499  # nginx's code for a client that did not wait; nothing was sent
        finally:
            self._traffic.inflight -= 1
            self._note(exchange)

    def _request_id(self, headers: HeaderList) -> str:
        """The caller's own id when it is harmless, else a fresh one."""
        for name, value in headers:
            if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                return value.decode()
        return next(self._request_ids)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        headers: HeaderList = [(b"x-request-id", exchange.request_id.encode()), NOSNIFF]
        try:
            self._let_in(exchange, scope, headers)
            if exchange.endpoint == "/search" and exchange.method == "GET":
                stored = self._searching.cached(scope["query_string"])
                if stored is not None:
                    await self._send_stored(exchange, stored, headers, send)
                    return
            if announces_body(scope["headers"]):
                receive = replayed(await whole_body(receive), receive)
        except Refused as refused:
            await self._refuse(exchange, refused, headers, send)
            return
        await self._pass_on(exchange, scope, receive, send, headers)

    def _let_in(self, exchange: Exchange, scope: Scope, headers: HeaderList) -> None:
        """Notes who asks. Refused without the right key, or above the rate limit, whose state is told."""
        path: str = scope["path"]
        address = self._address(scope)
        try:
            key = admitted(self._keys, path, presented_key(scope["headers"]) if self._keys.required else None)
        except Refused:
            self._take(path, address, headers)  # guessing keys is limited, too
            raise
        exchange.key = key
        exchange.client = f"{address} {key.id}" if key else address  # people share keys, and addresses share people
        if self._limiter is not None:
            self._take(path, f"key {key.id}" if key else address, headers)

    def _take(self, path: str, caller: str, headers: HeaderList) -> None:
        if self._limiter is None or path in UNLIMITED or path.startswith(STATIC):
            return
        allowance = self._limiter.take(caller)
        headers.extend(allowance.headers())
        if not allowance.allowed:
            raise rate_limited(allowance)

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else "unknown"
        return self._clients.address(peer, forwarded_for(scope["headers"]))

    async def _send_stored(self, exchange: Exchange, stored: Answer, headers: HeaderList, send: Send) -> None:
        """Answers from the stored bytes, with this request's own id and latency."""
        seconds = time.perf_counter() - exchange.started
        self._searching.count(Answered(stored, True, seconds), exchange.client)
        if self._log.enabled:
            exchange.details = {"query": stored.query, "from_cache": True, "results": stored.results}
        await send_whole(send, exchange, 200, stored.body(exchange.request_id, seconds, True), headers)

    async def _refuse(self, exchange: Exchange, refused: Refused, headers: HeaderList, send: Send) -> None:
        exchange.note(error=refused.code)
        body = envelope(refused, exchange.request_id)
        await send_whole(send, exchange, refused.status, body, [*headers, *refused.headers])

    async def _pass_on(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send, headers: HeaderList
    ) -> None:
        """Lets the routes answer; every answer carries our headers, and what they fail at becomes a 500."""

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status, exchange.answering = message["status"], True
                message["headers"] = with_defaults(message["headers"], headers)
            await send(message)

        method = "GET" if exchange.method == "HEAD" else exchange.method  # the server leaves out the body of a HEAD
        try:
            await self._app({**scope, "method": method, SCOPE_KEY: exchange}, receive, answering)
        except Exception:
            log.exception("request %s failed", exchange.request_id, extra={"request_id": exchange.request_id})
            if not exchange.answering:
                await self._refuse(exchange, internal_error(), headers, send)

    def _note(self, exchange: Exchange) -> None:
        self._traffic.answered += 1
        self._metrics.request(exchange.endpoint, exchange.status)
        if self._log.enabled:
            seconds = time.perf_counter() - exchange.started
            self._log.add(
                exchange.request_id, exchange.method, exchange.endpoint, exchange.status, seconds, exchange.details
            )


async def send_whole(
    send: Send, exchange: Exchange, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> None:
    """Sends a JSON answer in one piece."""
    exchange.status, exchange.answering = status, True
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [JSON, length, NO_STORE, *headers]})
    await send({"type": "http.response.body", "body": body})


def with_defaults(given: Sequence[tuple[bytes, bytes]], ours: HeaderList) -> HeaderList:
    """The route's headers and ours; answers are not kept by browsers unless the route says otherwise."""
    kept = [] if any(name.lower() == b"cache-control" for name, _ in given) else [NO_STORE]
    return [*given, *ours, *kept]


def forwarded_for(headers: HeaderList) -> str | None:
    """All X-Forwarded-For headers as one list, or None."""
    values = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return ",".join(values) if values else None


def identified(app: ASGIApp) -> ASGIApp:
    """The application with an exchange for each request and nothing else: for the ops port."""
    ids = request_ids()

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, SCOPE_KEY: Exchange(next(ids), scope["method"], endpoint_of(scope["path"]))}
        await app(scope, receive, send)

    return call
