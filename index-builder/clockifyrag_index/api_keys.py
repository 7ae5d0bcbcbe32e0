"""API keys: a key, and the line that admits it. The command line writes such lines, the server reads them.

A file holds one key a line, `id sha256hex scopes [not-after]`, `#` begins a remark:

    docs-site 5e8848…d8  search,chat  2030-01-01

sha256hex is the digest of the whole key `crag_<id>_<secret>` (`printf %s "$KEY" | sha256sum`), so the file gives no key
away. Scopes: search chat analytics admin; none contains another. not-after is an ISO date (that day included) or time.
"""

import hashlib
import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

SCOPES: Final = frozenset({"search", "chat", "analytics", "admin"})
KEY_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
SHA256_HEX = re.compile(r"[0-9a-f]{64}")


class KeysInvalid(ValueError):
    """A line of the file cannot be read."""


@dataclass(frozen=True, slots=True)
class Key:
    """One caller."""

    id: str
    digest: bytes  # sha256 of the whole key
    scopes: frozenset[str]
    not_after: float | None = None  # Unix time

    def valid_at(self, now: float) -> bool:
        return self.not_after is None or now <= self.not_after


def new_key(key_id: str, scopes: Iterable[str], not_after: str | None = None) -> tuple[str, str]:
    """A fresh key and the line of the keys file that admits it; the key itself is stored nowhere."""
    key = f"crag_{key_id}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    line = " ".join((key_id, digest, ",".join(sorted(scopes)), *((not_after,) if not_after else ())))
    parsed_key(line, 1)
    return key, line


def parsed_keys(text: str) -> dict[str, Key]:
    """The keys of a file by id. KeysInvalid names the line; a line's content is not repeated, it may be a secret."""
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.partition("#")[0].strip()
        if not stripped:
            continue
        key = parsed_key(stripped, number)
        if key.id in keys:
            raise KeysInvalid(f"line {number}: id {key.id!r} stands on an earlier line too; give each key its own id")
        keys[key.id] = key
    return keys


def parsed_key(line: str, number: int) -> Key:
    """The key of one line. KeysInvalid says what was expected."""
    fields = line.split()
    if len(fields) not in (3, 4):
        raise KeysInvalid(f"line {number}: {len(fields)} fields; expected `id sha256hex scopes [not-after]`")
    key_id, digest, scopes = fields[0], fields[1].lower(), frozenset(fields[2].split(","))
    if not KEY_ID.fullmatch(key_id):
        raise KeysInvalid(f"line {number}: the id must be 1–32 of a–z, 0–9 and -, beginning and ending without -")
    if not SHA256_HEX.fullmatch(digest):
        raise KeysInvalid(f"line {number}: field 2 must be the sha256 of the key, 64 hexadecimal digits")
    if not scopes <= SCOPES:
        unknown = ", ".join(sorted(scopes - SCOPES))
        raise KeysInvalid(f"line {number}: unknown scope {unknown!r}; known are {', '.join(sorted(SCOPES))}")
    return Key(key_id, bytes.fromhex(digest), scopes, end_of(fields[3], number) if len(fields) == 4 else None)


def end_of(text: str, number: int) -> float:
    """Unix time until which a key is valid: the end of a date, or a time (UTC unless it says otherwise).

    Infinite after the last day of the calendar, 9999-12-31. KeysInvalid when it is neither date nor time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise KeysInvalid(f"line {number}: not-after is no ISO date or time such as 2030-12-31") from error
    if len(text) <= len("2030-12-31"):
        try:
            moment += timedelta(days=1)
        except OverflowError:
            return math.inf
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
