"""API keys: who asks, and what they may.

The file holds one key a line, `id sha256hex scopes [not-after]`, `#` begins a remark:

    docs-site 5e8848…d8  search,chat  2030-01-01

sha256hex is the digest of the whole key `crag_<id>_<secret>` (`printf %s "$KEY" | sha256sum`), so the file gives no key
away. Scopes: search chat analytics admin; none contains another. not-after is an ISO date (that day included) or time.
"""

import hashlib
import hmac
import logging
import math
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from .watched import stamp

KEY_HEADERS: Final = frozenset({b"authorization", b"x-api-key", b"x-api-token"})
SCOPES: Final = frozenset({"search", "chat", "analytics", "admin"})
KEY_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
SHA256_HEX = re.compile(r"[0-9a-f]{64}")
NO_DIGEST = hashlib.sha256(b"no key has this digest").digest()

log = logging.getLogger(__name__)


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


class KeyRing:
    """Who may ask: the one key of the settings and the keys of a file, looked at again by `refresh`."""

    def __init__(self, api_key: str | None, file: Path | None) -> None:
        self.required = api_key is not None or file is not None
        self.problem: str | None = None  # why the file is not what is in use
        self._all_scopes = Key("api-key", hashlib.sha256(api_key.encode()).digest(), SCOPES) if api_key else None
        self._file = file
        self._seen: object = "never looked"
        self._keys: dict[str, Key] = {}
        self._known: dict[str, Key] = {}  # by what was presented
        self.refresh()

    def refresh(self) -> None:
        """Reads the file again if it changed. Missing or empty: nobody is known. Broken: the last good keys stay."""
        if self._file is None:
            return
        present = stamp(self._file)
        if present == self._seen:
            return
        self._seen = present
        self.problem = self._read(self._file)
        if self.problem:
            log.error("keys: %s", self.problem)

    def _read(self, file: Path) -> str | None:
        """Takes the keys of the file into use; returns what is wrong with it, or None."""
        try:
            self._use(parsed_keys(file.read_text(encoding="utf-8-sig")))
        except FileNotFoundError:
            self._use({})
            return "the keys file is missing, so every request gets 401; create it or unset API_KEYS_FILE"
        except Exception as error:  # whatever it is: a file that is not in use must never pass for one that is
            return f"the keys file cannot be read, the last good keys stay in use: {error}"
        return None if self._keys else "the keys file is empty, so every request gets 401; add a key"

    def _use(self, keys: dict[str, Key]) -> None:
        """Called by the loader's thread. In this order, with `_checked` reading in the other: what a request finds in
        the old keys is then noted in the old dictionary, never in the new one."""
        self._keys = keys
        self._known = {}

    def caller(self, presented: str) -> Key | None:
        """The key that was presented, or None; takes the same time for a wrong id and a wrong secret.

        A key that was right is remembered until the file changes: finding it again tells an attacker nothing, since
        only a text with the same keyed 64-bit hash is compared with it at all.
        """
        key = self._known.get(presented) or self._checked(presented)
        return key if key is not None and key.valid_at(time.time()) else None

    def _checked(self, presented: str) -> Key | None:
        """The key whose digest this is; remembered."""
        known = self._known
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        prefix, _, rest = presented.partition("_")
        named = self._keys.get(rest.partition("_")[0]) if prefix == "crag" else None
        right = hmac.compare_digest(named.digest if named else NO_DIGEST, digest)
        key = named if right else None
        if self._all_scopes is not None and hmac.compare_digest(self._all_scopes.digest, digest):
            key = self._all_scopes
        if key is not None:
            known[presented] = key  # at most one text for each key
        return key


def presented_key(name: bytes, value: bytes) -> str | None:
    """The key in one of KEY_HEADERS; None in an `Authorization` of another kind."""
    if name != b"authorization":
        return value.strip().decode("latin-1")
    return value[7:].strip().decode("latin-1") if value[:7].lower() == b"bearer " else None
