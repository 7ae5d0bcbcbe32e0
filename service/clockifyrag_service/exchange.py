"""Exchange: what is known of one request on its way; and how request ids come about."""

import itertools
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from .auth import Key

SCOPE_KEY = "clockifyrag.exchange"
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


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
    details: dict[str, Any] | None = None  # for the log

    def note(self, **details: Any) -> None:
        """Adds fields to the line that the log gets for this request."""
        self.details = {**(self.details or {}), **details}


def exchange_of(request: Request) -> Exchange:
    """The exchange the front made for this request."""
    exchange = request.scope[SCOPE_KEY]
    assert isinstance(exchange, Exchange)
    return exchange
