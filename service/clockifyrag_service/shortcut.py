"""Shortcut: a search that was asked before in the very same bytes is answered before anything else is made of it.

    key ─ query string → stored answer ─ rate limit ─► counted, logged, sent: no routing, no parsing, no coroutine

FastAPI's routing alone costs more than all of this. Whatever is not plain here (no key, nothing stored, above the
limit) goes the long way, which finds out again and tells why.
"""

import time

from starlette.types import Message, Scope

from .access import SCOPE_OF, client_name, limited_name
from .etags import is_unchanged
from .exchange import JSON, NOSNIFF, HeaderList, Heard
from .parts import Parts

PATH = "/search"
REVALIDATED = (b"cache-control", b"private, no-cache")  # kept by the browser that asked, and asked for again each time
NO_BODY: Message = {"type": "http.response.body", "body": b""}


class Shortcut:
    """Answers from the cache."""

    def __init__(self, parts: Parts) -> None:
        self._keys = parts.keys
        self._limiter = parts.limiter
        self._clients = parts.clients
        self._searching = parts.searching
        self._metrics = parts.metrics
        self._log = parts.request_log
        self._scope_needed = SCOPE_OF[PATH]

    def answer(self, scope: Scope, heard: Heard, request_id: str) -> tuple[Message, Message] | None:
        """Start and body of the answer to a GET, entered everywhere; None: the long way is to be gone."""
        started = time.perf_counter()
        key = None
        if self._keys.required:
            key = self._keys.caller(heard.key) if heard.key else None
            if key is None or self._scope_needed not in key.scopes:
                return None
        stored = self._searching.cached(scope["query_string"])
        if stored is None:
            return None
        peer = scope["client"]
        address = self._clients.address(peer[0] if peer else "unknown", heard.forwarded_for)
        headers: HeaderList = [
            REVALIDATED,
            (b"etag", stored.etag),
            (b"x-request-id", request_id.encode()),
            NOSNIFF,
        ]
        if self._limiter is not None:
            allowance = self._limiter.take(limited_name(address, key))
            if not allowance.allowed:
                return None
            headers.extend(allowance.headers())
        seconds = time.perf_counter() - started
        if is_unchanged(stored.etag, heard.etags):
            status, body = 304, NO_BODY
        else:
            content = stored.body(request_id, seconds, True)
            headers += (JSON, (b"content-length", b"%d" % len(content)))
            status, body = 200, {"type": "http.response.body", "body": content}
        self._searching.count(stored, True, seconds, client_name(address, key))
        self._metrics.request(PATH, status)
        if self._log.enabled:
            self._log.add_from_cache(request_id, PATH, status, seconds, stored.query, stored.results)
        return {"type": "http.response.start", "status": status, "headers": headers}, body
