"""Siblings: servers of the same index tell each other what is asked often, so that new ones begin with those answers.

a server that starts ── GET WARM_URL/frequent, the token of LOG_KEY_FILE ──► one that serves
                     ◄── query strings of /search and how often each was asked, most often first ──

Questions are told to nobody else: both have the key with which the questions of their logs are hashed.
"""

import hashlib
import hmac
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import orjson

from .errors import Refused
from .parameters import SearchParameters, read_query, search_rules
from .settings import Settings

PATH = "/frequent"
ASKED_SECONDS = 3.0  # that an index which is open waits for the answer
AGAIN_SECONDS, AGAIN_SECONDS_MAX = 1.0, 30.0  # between two questions to siblings that do not answer
BYTES_MAX = 8 * 2**20
PURPOSE = b"clockifyrag: the questions asked most"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frequent:
    """A question that was asked often."""

    parameters: SearchParameters
    asked: int  # times, lately; at least 1


def token_of(key: bytes) -> str:
    """64 hexadecimal characters that show that one has the key, and do not tell it."""
    return hmac.digest(key, PURPOSE, hashlib.sha256).hex()


class Siblings:
    """Asks one of the servers behind `warm_url` in a thread of its own, while the index is fetched and opened."""

    def __init__(self, settings: Settings, warm_url: str, key: bytes) -> None:
        self._settings = settings
        self._url = warm_url.rstrip("/") + PATH
        self._token = token_of(key)
        self._frequent: Sequence[Frequent] = ()
        self._enough = threading.Event()  # nobody waits for another attempt
        self._thread = threading.Thread(target=self._run, name="siblings", daemon=True)

    def ask(self) -> None:
        """Returns at once."""
        self._thread.start()

    def frequent(self) -> Sequence[Frequent]:
        """What they told, asked most first; () where none has answered. Waits for the attempt that runs, no longer than
        ASKED_SECONDS: names may take longer to be found not to resolve.
        """
        self._enough.set()
        self._thread.join(ASKED_SECONDS)
        return self._frequent

    def stop(self) -> None:
        """Returns once the thread has ended, or ASKED_SECONDS later."""
        self.frequent()

    def _run(self) -> None:
        wait, problem = AGAIN_SECONDS, ""
        while True:
            try:
                self._frequent = read_frequent(self._told(), self._settings)
                return
            except (httpx.HTTPError, ValueError) as error:
                problem = type(error).__name__
            if self._enough.wait(wait):
                log.info("no sibling tells what is asked often, the cache starts empty: %s", problem)
                return
            wait = min(2 * wait, AGAIN_SECONDS_MAX)

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


def usual(settings: Settings) -> SearchParameters:
    """What is asked where a request says nothing but its question."""
    return SearchParameters("", settings.retrieval_k, rerank=settings.rerank)


def written(frequent: Sequence[Frequent], settings: Settings) -> bytes:
    """The answer of `/frequent`."""
    told = [{"query": one.parameters.query_string(usual(settings)), "asked": one.asked} for one in frequent]
    return orjson.dumps({"queries": told})


def read_frequent(told: bytes, settings: Settings) -> list[Frequent]:
    """The questions of such an answer; those that are not asked so here are left out.

    ValueError for what is no such answer.
    """
    answer = orjson.loads(told)
    if not isinstance(answer, dict) or not isinstance(answer.get("queries"), list):
        raise ValueError("expected a list under 'queries'")
    rules, found = search_rules(settings), []
    for one in answer["queries"]:
        match one:
            case {"query": str(query), "asked": int(asked)} if asked > 0:
                try:
                    found.append(Frequent(SearchParameters(**read_query(query.encode(errors="replace"), rules)), asked))
                except Refused:
                    continue  # the sibling's settings differ, as they may during a rollout
    return found
