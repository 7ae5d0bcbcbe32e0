"""Siblings: servers of the same index tell each other what is asked often, so that a rollout keeps the hit rate.

a server that starts ── GET WARM_URL/frequent, the token of LOG_KEY_FILE ──► one that serves
                     ◄── query strings of /search, those asked most often first ──

Questions are told to nobody else: both have the key with which the questions of their logs are hashed.
"""

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Sequence

import httpx
import orjson

from .errors import Refused
from .parameters import SearchParameters, read_query, search_rules
from .settings import Settings

PATH = "/frequent"
ASKED_SECONDS = 3.0  # at most, names resolved, beside the opening of the index
BYTES_MAX = 8 * 2**20
PURPOSE = b"clockifyrag: the questions asked most"

log = logging.getLogger(__name__)


def token_of(key: bytes) -> str:
    """64 hexadecimal characters that show that one has the key, and do not tell it."""
    return hmac.digest(key, PURPOSE, hashlib.sha256).hex()


class Siblings:
    """Asks one of the servers behind `warm_url` in a thread of its own: no name is waited for long."""

    def __init__(self, settings: Settings, warm_url: str, key: bytes) -> None:
        self._settings = settings
        self._url = warm_url.rstrip("/") + PATH
        self._token = token_of(key)
        self._asked_at = 0.0
        self._questions: Sequence[SearchParameters] = ()
        self._thread = threading.Thread(target=self._run, name="siblings", daemon=True)

    def ask(self) -> None:
        """Returns at once."""
        self._asked_at = time.monotonic()
        self._thread.start()

    def questions(self) -> list[SearchParameters]:
        """What they told, those asked most first; [] where none has answered within ASKED_SECONDS of `ask`."""
        self._thread.join(max(0.0, self._asked_at + ASKED_SECONDS - time.monotonic()))
        return list(self._questions)

    def _run(self) -> None:
        try:
            self._questions = read_frequent(self._told(), self._settings)
        except (httpx.HTTPError, ValueError) as error:
            log.info("no sibling tells what is asked often, the cache starts empty: %s", type(error).__name__)

    def _told(self) -> bytes:
        """Raises httpx.HTTPError, and ValueError for an answer that is too large."""
        headers, told = {"authorization": f"Bearer {self._token}"}, bytearray()
        with httpx.stream("GET", self._url, headers=headers, timeout=ASKED_SECONDS, trust_env=False) as response:
            response.raise_for_status()
            for piece in response.iter_bytes():
                told += piece
                if len(told) > BYTES_MAX:
                    raise ValueError(f"more than {BYTES_MAX:,} bytes")
        return bytes(told)


def read_frequent(told: bytes, settings: Settings) -> list[SearchParameters]:
    """The questions of an answer of `/frequent`; those that are not asked so here are left out.

    ValueError for what is no such answer.
    """
    answer = orjson.loads(told)
    if not isinstance(answer, dict) or not isinstance(answer.get("queries"), list):
        raise ValueError("expected a list under 'queries'")
    rules, found = search_rules(settings), []
    for query in answer["queries"]:
        try:
            found.append(SearchParameters(**read_query(str(query).encode(), rules)))
        except Refused:
            continue  # the sibling's settings differ, as they may during a rollout
    return found
