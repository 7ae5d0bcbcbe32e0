"""Request bodies: read whole, within bounds of size and time, before anything else looks at them."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from starlette.types import Message, Receive

from .errors import INVALID_PARAMETER, PAYLOAD_TOO_LARGE, Refused, shown

BODY_BYTES_MAX = 64 * 1024
BODY_BYTES_DIGITS = len(str(BODY_BYTES_MAX))
BODY_SECONDS = 10.0


class ClientGone(Exception):
    """The client closed the connection before its body was complete."""


def announces_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a body follows. Refused when its announced length is too large already."""
    for name, value in headers:
        if name == b"content-length":
            digits = value.lstrip(b"0")  # without them, for `int` takes 4,300 digits at most
            if not value.isdigit() or len(digits) > BODY_BYTES_DIGITS or int(digits or b"0") > BODY_BYTES_MAX:
                raise too_large()
            return digits != b""
        if name == b"transfer-encoding":
            return True
    return False


async def whole_body(receive: Receive) -> bytes:
    """The body, at most BODY_BYTES_MAX. Refused when it is larger (also when sent in chunks) or does not arrive."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > BODY_BYTES_MAX:
                    raise too_large()
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise Refused(
            INVALID_PARAMETER,
            f"The body did not arrive within {BODY_SECONDS:g} seconds.",
            "Send the whole body at once.",
            ((b"connection", b"close"),),
        ) from error


def parsed(body: bytes) -> Any:
    """The JSON of a body. Refused where a field is given twice; ValueError or RecursionError as of `json.loads`."""
    return json.loads(body, object_pairs_hook=given_once)


def given_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these fields. Refused where one is given twice: readers of JSON differ in which of them counts."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = shown(Counter(name for name, _ in pairs).most_common(1)[0][0])
        raise Refused(INVALID_PARAMETER, f"{twice} is given more than once.", f"Give {twice} once.")
    return fields


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body first, then what the connection says."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def too_large() -> Refused:
    return Refused(
        PAYLOAD_TOO_LARGE,
        f"The body is larger than {BODY_BYTES_MAX:,} bytes.",
        "Send a shorter question and less context.",
        ((b"connection", b"close"),),
    )
