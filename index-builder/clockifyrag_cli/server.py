"""Asking a running server over HTTP; what goes wrong becomes one clear message."""

from collections.abc import Mapping
from typing import Any

import httpx

from clockifyrag_index.embedders.ollama_server import LOOPBACK
from clockifyrag_index.errors import ClockifyRAGError

TIMEOUT_SECONDS = 30.0


class ServerError(ClockifyRAGError):
    """The server could not be reached or refused the request."""


def ask(
    url: str,
    path: str,
    parameters: Mapping[str, Any],
    key: str | None = None,
    *,
    kind: str = "a ClockifyRAG server",
    start: str = "make run",
) -> dict[str, Any]:
    """The JSON object the server answers to GET `path`. ServerError says what it said instead.

    kind, start: what is expected at the URL, and the command that starts it, for the message.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(
            url.rstrip("/") + path, params=parameters, headers=headers, timeout=TIMEOUT_SECONDS,
            trust_env=httpx.URL(url).host not in LOOPBACK,
        )  # fmt: skip
        record = answer.json()
    except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
        raise ServerError(
            f"{url} did not answer within {TIMEOUT_SECONDS:g} s; perhaps it has much to do: ask again, or read its log"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerError(f"{url} does not answer ({type(error).__name__}); start it with: {start}") from error
    except ValueError as error:
        raise ServerError(f"{url}{path} answered {answer.status_code} without JSON; is it {kind}?") from error
    if answer.is_success and isinstance(record, dict):
        return record
    said = record.get("error", {}) if isinstance(record, dict) else {}
    raise ServerError(
        f"{url}{path} answered {answer.status_code}: {said.get('message', '')} {said.get('suggestion', '')}"
    )
