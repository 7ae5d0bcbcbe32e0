"""Who asks, and what they may: keys as they come with a request, and the file of those that are let in."""

import hashlib
import hmac
import logging
import time
from pathlib import Path
from typing import Final

from clockifyrag_index.api_keys import SCOPES, Key, parsed_keys

from .watched import stamp

KEY_HEADERS: Final = frozenset({b"authorization", b"x-api-key", b"x-api-token"})
NO_DIGEST = hashlib.sha256(b"no key has this digest").digest()

log = logging.getLogger(__name__)


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
