"""Front: what stands before every route, as pure ASGI: request id, key, rate limit, body limit, headers, counting.

A search that was answered before is answered by the shortcut; FastAPI's routing is never entered then.
"""

import logging
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import STATIC, UNLIMITED, admitted, client_name, endpoint_of, limited_name, rate_limited
from .bodies import ClientGone, announces_body, replayed, whole_body
from .errors import Refused, envelope, internal_error
from .exchange import JSON, NOSNIFF, SCOPE_KEY, Exchange, HeaderList, Heard, heard_in, request_ids
from .parts import Parts
from .shortcut import PATH, Shortcut

NO_STORE = (b"cache-control", b"no-store")
LAST = (b"connection", b"close")  # RFC 9112, section 9.6: no further request comes on this connection

log = logging.getLogger(__name__)


class Front:
    """The outermost application."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._serving = parts.serving
        self._keys = parts.keys
        self._limiter = parts.limiter
        self._clients = parts.clients
        self._metrics = parts.metrics
        self._log = parts.request_log
        self._traffic = parts.traffic
        self._request_ids = request_ids()
        self._shortcut = Shortcut(parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        heard = heard_in(scope["headers"])
        request_id = heard.request_id or next(self._request_ids)
        if scope["path"] == PATH and scope["method"] == "GET" and not self._serving.draining:
            messages = self._shortcut.answer(scope, heard, request_id)
            if messages is not None:
                self._traffic.answered += 1
                await send(messages[0])
                await send(messages[1])
                return
        await self._long_way(
            Exchange(request_id, scope["method"], endpoint_of(scope["path"])), heard, scope, receive, send
        )

    async def _long_way(self, exchange: Exchange, heard: Heard, scope: Scope, receive: Receive, send: Send) -> None:
        self._traffic.inflight += 1
        try:
            await self._answer(exchange, heard, scope, receive, send)
        except ClientGone:
            exchange.status = 499  # nginx's code for a client that did not wait; nothing was sent
        finally:
            self._traffic.inflight -= 1
            self._note(exchange)

    async def _answer(self, exchange: Exchange, heard: Heard, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(exchange)
        if self._serving.draining:
            headers.append(LAST)  # the client asks elsewhere next, before this connection is cut
        try:
            self._let_in(exchange, heard, scope, headers)
            if announces_body(scope["headers"]):
                receive = replayed(await whole_body(receive), receive)
        except Refused as refused:
            await self._refuse(exchange, refused, headers, send)
            return
        except ClientGone:
            raise
        except Exception:
            await self._fail(exchange, headers, send)
            return
        await self._pass_on(exchange, scope, receive, send, headers)

    def _let_in(self, exchange: Exchange, heard: Heard, scope: Scope, headers: HeaderList) -> None:
        """Notes who asks. Refused without the right key, or above the rate limit, whose state is told."""
        path: str = scope["path"]
        peer = scope["client"][0] if scope.get("client") else "unknown"
        address = self._clients.address(peer, heard.forwarded_for)
        try:
            key = admitted(self._keys, path, heard.key if self._keys.required else None)
        except Refused:
            self._take(path, address, headers)  # guessing keys is limited, too
            raise
        exchange.key = key
        exchange.client = client_name(address, key)
        self._take(path, limited_name(address, key), headers)

    def _take(self, path: str, caller: str, headers: HeaderList) -> None:
        if self._limiter is None or path in UNLIMITED or path.startswith(STATIC):
            return
        allowance = self._limiter.take(caller)
        headers.extend(allowance.headers())
        if not allowance.allowed:
            raise rate_limited(allowance)

    async def _refuse(self, exchange: Exchange, refused: Refused, headers: HeaderList, send: Send) -> None:
        exchange.note(error=refused.code)
        body = envelope(refused, exchange.request_id)
        await send_whole(send, exchange, refused.status, body, [*headers, *refused.headers])

    async def _pass_on(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send, headers: HeaderList
    ) -> None:
        """Lets the routes answer; every answer carries our headers, and what they fail at becomes a 500."""
        try:
            await routed(self._app, exchange, scope, receive, send, headers)
        except Exception:
            await self._fail(exchange, headers, send)

    async def _fail(self, exchange: Exchange, headers: HeaderList, send: Send) -> None:
        """Logs the exception that is being handled, and answers 500 unless an answer has begun."""
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


def headers_of(exchange: Exchange) -> HeaderList:
    """What every answer carries."""
    return [(b"x-request-id", exchange.request_id.encode()), NOSNIFF]


async def routed(
    app: ASGIApp, exchange: Exchange, scope: Scope, receive: Receive, send: Send, headers: HeaderList
) -> None:
    """Has the routes answer, with `headers` beside their own; a HEAD as the GET it asks about."""

    async def answering(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status, exchange.answering = message["status"], True
            message["headers"] = with_defaults(message["headers"], headers)
        await send(message)

    method = "GET" if exchange.method == "HEAD" else exchange.method  # the server leaves out the body of a HEAD
    await app({**scope, "method": method, SCOPE_KEY: exchange}, receive, answering)


def identified(app: ASGIApp) -> ASGIApp:
    """The application with an exchange for each request and the headers of every answer: for the ops port."""
    ids = request_ids()

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request_id = heard_in(scope["headers"]).request_id or next(ids)
        exchange = Exchange(request_id, scope["method"], endpoint_of(scope["path"]))
        await routed(app, exchange, scope, receive, send, headers_of(exchange))

    return call
