"""Asking a running server over HTTP; what goes wrong becomes one clear message."""

from collections.abc import Container, Mapping
from types import UnionType
from typing import Any

import httpx

from clockifyrag_index.embedders.ollama_server import LOOPBACK
from clockifyrag_index.errors import ClockifyRAGError, UsageError

TIMEOUT_SECONDS = 30.0
ANSWER_SHOWN = 200  # characters of one that nobody expected
KEY_ADVICE = "Give a key with --key, or set CLOCKIFYRAG_API_KEY."  # in place of the header that the server names

# What an answer has to hold: a type, the shape of each field, or in a list the shape of all that stand there.
Shape = type | UnionType | Mapping[str, "Shape"] | list["Shape"]

SEARCH_ANSWER: Shape = {
    "results": [
        {"id": str, "title": str, "section": str, "url": str, "content": str, "source": str, "rank": int,
         "relevance_score": int | float}
    ],
    "metadata": {"corrected_query": str | None, "low_confidence": bool, "degraded": [str]},
}  # fmt: skip


class ServerError(ClockifyRAGError):
    """The server could not be reached, refused the request, or is another than was expected."""


class NoAddress(ServerError):
    """What was given is no address of a server: nothing was asked, and starting one would not help."""


def ask(
    url: str,
    path: str,
    parameters: Mapping[str, Any],
    key: str | None = None,
    *,
    kind: str = "a ClockifyRAG server",
    start: str = "make run",
    shape: Shape = dict,
    accepted: Container[int] = (),
) -> dict[str, Any]:
    """The JSON object of that shape the server answers to GET `path`. ServerError says what it said instead.

    kind, start: what is expected at the URL, and the command that starts it, for the message. accepted: codes of an
    answer besides those of success. NoAddress for a URL that names no scheme, UsageError for a key that cannot be sent.
    """
    _require_address(url, kind)
    answer = _answer(url, path, parameters, key, start)
    answered = f"{url}{path} answered {answer.status_code}"
    try:
        record = answer.json()
    except (ValueError, RecursionError) as error:
        raise ServerError(f"{answered} without JSON; is it {kind}?") from error
    if (answer.is_success or answer.status_code in accepted) and _fits(record, shape):
        return dict(record)
    if not answer.is_success and _fits(record, {"error": {"message": str}}):
        advice = record["error"].get("suggestion", "") if answer.status_code != httpx.codes.UNAUTHORIZED else KEY_ADVICE
        raise ServerError(f"{answered}: {record['error']['message']} {advice}")
    raise ServerError(f"{answered} with {answer.text[:ANSWER_SHOWN]!r}; is it {kind}?")


def _require_address(url: str, kind: str) -> None:
    """NoAddress unless the URL names http or https; the message shows how it would."""
    scheme, separator, _ = url.partition("://")
    if scheme.lower() not in ("http", "https") or not separator:
        example = "127.0.0.1:8000" if separator or not url else url
        raise NoAddress(f"{url!r} is no address of {kind}; expected one such as http://{example}")


def _answer(url: str, path: str, parameters: Mapping[str, Any], key: str | None, start: str) -> httpx.Response:
    """The server's answer, whatever it says. ServerError where there is none, UsageError for a key nobody can send."""
    if key and not (key.isascii() and key.isprintable()):
        raise UsageError("the API key holds characters that no key has; expected one of `clockifyrag keys new`")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        return httpx.get(
            url.rstrip("/") + path, params=parameters, headers=headers, timeout=TIMEOUT_SECONDS,
            trust_env=httpx.URL(url).host not in LOOPBACK,
        )  # fmt: skip
    except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
        raise ServerError(
            f"{url} did not answer within {TIMEOUT_SECONDS:g} s; perhaps it has much to do: ask again, or read its log"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerError(f"{url} does not answer ({type(error).__name__}); start it with: {start}") from error


def _fits(value: object, shape: Shape) -> bool:
    """Whether a JSON value has the shape; fields beyond it do not matter."""
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(_fits(value.get(name), inner) for name, inner in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(one, shape[0]) for one in value)
    return isinstance(value, shape)
