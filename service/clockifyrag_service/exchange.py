"""Exchange: what is known of one request on its way; and how request ids come about."""

import itertools
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from starlette.requests import Request

from clockifyrag_index.api_keys import Key

from .auth import KEY_HEADERS, presented_key

HeaderList = list[tuple[bytes, bytes]]

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
JSON: Final = (b"content-type", b"application/json")

SCOPE_KEY = "clockifyrag.exchange"
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
READ: Final = frozenset({b"x-request-id", b"x-forwarded-for", b"if-none-match", *KEY_HEADERS})


class Heard(NamedTuple):
    """What the headers say to whoever answers first."""

    request_id: str | None  # the caller's own, where it is harmless
    key: str | None  # from `Authorization: Bearer`, `X-API-Key` or `x-api-token`
    forwarded_for: str | None  # all X-Forwarded-For headers as one list
    etags: bytes | None  # If-None-Match


def heard_in(headers: HeaderList) -> Heard:
    """What the headers say, read in one go; names are in lower case, as ASGI has them."""
    request_id = key = forwarded_for = etags = None
    for name, value in headers:
        if name not in READ:
            continue
        if name == b"x-request-id":
            if REQUEST_ID.fullmatch(value):
                request_id = value.decode()
        elif name == b"x-forwarded-for":
            text = value.decode("latin-1")
            forwarded_for = text if forwarded_for is None else f"{forwarded_for},{text}"
        elif name == b"if-none-match":
            etags = value if etags is None else etags + b"," + value
        elif key is None:
            key = presented_key(name, value)
    return Heard(request_id, key, forwarded_for, etags)


def request_ids() -> Iterator[str]:
    """Ids unique in this process and, by 40 random bits, nearly surely among others; far cheaper than uuid4."""
    prefix = secrets.token_hex(5)
    return (f"{prefix}-{number:x}" for number in itertools.count(1))


@dataclass(slots=True, eq=False)
class Exchange:
    """One request."""

    request_id: str
    method: str
    endpoint: str  # of a fixed set, for metrics
    started: float = field(default_factory=time.perf_counter)
    key: Key | None = None
    client: str | None = None  # who asks, by address and key; None on the ops port
    status: int = 500  # until an answer begins
    answering: bool = False
    details: dict[str, Any] = field(default_factory=dict)  # for the log

    def note(self, **details: Any) -> None:
        """Adds fields to the line that the log gets for this request."""
        self.details = {**self.details, **details}


def exchange_of(request: Request) -> Exchange:
    """The exchange the front made for this request."""
    exchange = request.scope[SCOPE_KEY]
    assert isinstance(exchange, Exchange)
    return exchange
