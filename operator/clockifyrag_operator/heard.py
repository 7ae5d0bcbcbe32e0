"""What pods and ConfigMaps say, as values that can be written on: into a status, a ledger, an event."""

from __future__ import annotations

import json
import math
from typing import Any

_LARGEST = 2**53  # the largest whole number that every reader of JSON holds exactly (RFC 8259, section 6)


def heard(text: str | bytes) -> Any:
    """The value of a JSON text, without what other writers of JSON refuse. ValueError where it is no JSON.

    Half a surrogate pair becomes "?"; a number beyond 2^53 either way, or none at all, becomes null.

    >>> heard('{"error": "caf\\\\udce9.md", "done": 1e400, "total": 12}')
    {'error': 'caf?.md', 'done': None, 'total': 12}
    """
    try:
        return _writable(json.loads(text))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_writable(name): _writable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_writable(one) for one in value]
    if isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) <= _LARGEST):
        return None
    return value
