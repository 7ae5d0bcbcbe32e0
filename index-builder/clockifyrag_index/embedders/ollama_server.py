"""OllamaServer: one model server behind HTTP. One question, one answer, within a time; nothing is repeated here.

Written against the API of Ollama 0.17 (ollama/ollama, docs/api.md).
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from clockifyrag_resource.profiles import canonical_model

from ..errors import EmbedderError, EmbedderUnavailable

ANSWER_BYTES_MAX = 256 * 1024 * 1024  # 256 vectors of 4,096 values as text take a tenth
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
REASON_CHARACTERS_MAX = 300


class Unanswered(EmbedderUnavailable):
    """No answer, or one that says "not now". `perhaps_text`: a text of the request may be the cause."""

    def __init__(self, message: str, *, perhaps_text: bool = False, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.perhaps_text = perhaps_text
        self.retry_after_seconds = retry_after_seconds


class RequestRefused(EmbedderError):
    """The server understood and said no (4xx). `perhaps_text`: a text of the request may be the cause."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        self.perhaps_text = status in (400, 413, 422)


class NotUnderstood(EmbedderError):
    """The server answered 200 with something that no Ollama says."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long is waited for what, in seconds."""

    connect: float = 5.0
    answer: float = 120.0  # one request: a cold model is loaded first, and a CPU needs a while for 16,000 characters
    deadline: float = 300.0  # one batch, with all its repetitions and parts
    identity: float = 30.0  # which model it is, with all repetitions
    wait_first: float = 0.5  # before the first repetition; it doubles
    wait_max: float = 10.0


class OllamaServer:
    """Connections to one server; several threads may use them at once."""

    def __init__(self, url: str, times: Times) -> None:
        """url: with or without a "/" or "/api" at its end, user:password included. EmbedderError when it is no URL."""
        address = _address(url)
        self.shown = str(address.copy_with(username=None, password=None)).rstrip("/")  # for messages
        self._times = times
        self._client = httpx.Client(
            base_url=address,
            timeout=times.answer,
            trust_env=address.host not in LOOPBACK,  # a proxy of the environment is not asked for our own machine
            headers={"User-Agent": "clockifyrag"},
        )

    def get(self, path: str, timeout_seconds: float) -> Mapping[str, Any]:
        """The JSON object answered to GET; errors as in `_answer`, and NotUnderstood when it is none."""
        return self._object(self._answer("GET", path, None, timeout_seconds))

    def digests(self, timeout_seconds: float) -> dict[str, str]:
        """The digest of each model that the server lists, by its canonical name; errors as in `get`."""
        models = self.get("api/tags", timeout_seconds).get("models") or []
        if not isinstance(models, list) or not all(isinstance(one, dict) for one in models):
            raise NotUnderstood(f"Ollama at {self.shown} answered no list of models; is this an Ollama?")
        return {canonical_model(str(one.get("name"))): str(one.get("digest")) for one in models}

    def post(self, path: str, body: Mapping[str, Any], timeout_seconds: float) -> Mapping[str, Any]:
        """The JSON object answered to POST of `body` as JSON; errors as in `get`."""
        return self._object(self._answer("POST", path, orjson.dumps(body), timeout_seconds))

    def tell(self, path: str, body: Mapping[str, Any], timeout_seconds: float) -> None:
        """POST of `body` as JSON, whose answer holds nothing; errors as in `_answer`."""
        self._answer("POST", path, orjson.dumps(body), timeout_seconds)

    def lines(self, path: str, body: Mapping[str, Any], silence_seconds: float) -> Iterator[Mapping[str, Any]]:
        """The JSON objects that POST is answered with, one a line, as they come; errors as in `get`.

        Unanswered when nothing comes for `silence_seconds`; an object that holds `error` is handed on like any other.
        """
        timeout = httpx.Timeout(silence_seconds, connect=self._times.connect)
        try:
            with self._client.stream("POST", path, json=dict(body), timeout=timeout) as response:
                if response.status_code != 200:
                    self._require_success(response, response.read())
                for line in response.iter_lines():
                    if line:
                        yield self._object(line.encode())
        except httpx.HTTPError as error:
            raise Unanswered(f"Ollama at {self.shown} cannot be reached or broke off ({error})") from error

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _answer(self, method: str, path: str, body: bytes | None, timeout_seconds: float) -> bytes:
        """The body answered with 200. Unanswered or RequestRefused; EmbedderError for a body beyond all bounds.

        `timeout_seconds` is for the whole exchange: an answer that trickles in does not prolong it.
        """
        ends = time.monotonic() + timeout_seconds
        timeout = httpx.Timeout(timeout_seconds, connect=min(self._times.connect, timeout_seconds))
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            with self._client.stream(method, path, content=body, headers=headers, timeout=timeout) as response:
                content = self._content(response, ends, timeout_seconds)
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
                raise Unanswered(f"Ollama at {self.shown} cannot be reached in time; is the address right?") from error
            raise self._too_slow(timeout_seconds) from error
        except httpx.HTTPError as error:
            raise Unanswered(
                f"Ollama at {self.shown} cannot be reached or broke off ({error}); start it with `ollama serve` or "
                "check the address"
            ) from error
        self._require_success(response, content)
        return content

    def _content(self, response: httpx.Response, ends: float, timeout_seconds: float) -> bytes:
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if time.monotonic() > ends:
                raise self._too_slow(timeout_seconds)
            if len(content) > ANSWER_BYTES_MAX:
                raise EmbedderError(f"Ollama at {self.shown} answered more than {ANSWER_BYTES_MAX} bytes")
        return bytes(content)

    def _too_slow(self, timeout_seconds: float) -> Unanswered:
        message = f"Ollama at {self.shown} did not answer within {timeout_seconds:g} seconds"
        return Unanswered(message, perhaps_text=True)

    def _require_success(self, response: httpx.Response, content: bytes) -> None:
        status = response.status_code
        if status == 200:
            return
        said = f"Ollama at {self.shown} answered {status}: {_reason(content)}"
        if status in (408, 429) or status >= 500:
            wait = _retry_after_seconds(response)
            said += "; see the log of Ollama"
            raise Unanswered(said, perhaps_text=status == 500, retry_after_seconds=wait)
        raise RequestRefused(said, status)

    def _object(self, content: bytes) -> Mapping[str, Any]:
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError:
            answer = self._lenient(content)
        if not isinstance(answer, dict):
            raise NotUnderstood(f"Ollama at {self.shown} answered JSON that is no object; is this an Ollama?")
        return answer

    def _lenient(self, content: bytes) -> Any:
        """The answer with NaN and Infinity read as such, which JSON has not: the check of vectors names the text."""
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise NotUnderstood(f"Ollama at {self.shown} answered no JSON ({error}); is this an Ollama?") from error


def _address(url: str) -> httpx.URL:
    """The base of a server's paths. EmbedderError, without the URL's secrets, when it cannot be one."""
    try:
        address = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise EmbedderError(f"the address of Ollama is no URL ({error}); expected http://host:11434") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise EmbedderError(
            f"the address of Ollama has scheme {address.scheme!r} and {'a' if address.host else 'no'} host; expected "
            "http://host:11434"
        )
    return address.copy_with(path=address.path.rstrip("/").removesuffix("/api") + "/", query=None, fragment=None)


def _reason(content: bytes) -> str:
    """What the server says, in few words: Ollama answers {"error": "…"}, a proxy anything."""
    try:
        said = orjson.loads(content)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        said = content.decode("utf-8", "replace")
    return " ".join(str(said).split())[:REASON_CHARACTERS_MAX] or "nothing"


def _retry_after_seconds(response: httpx.Response) -> float | None:
    """The seconds of Retry-After (RFC 9110, 10.2.3); None without one, and for a date, which Ollama never sends."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None
