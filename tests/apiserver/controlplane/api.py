"""Requests to the API server as one user, as they are: no client library between a test and the server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from .users import User

Body = Mapping[str, Any] | list[Any]
APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
REQUEST_SECONDS = 30


class ApiError(Exception):
    """The API server refused: its code, reason and message."""

    def __init__(self, response: httpx.Response) -> None:
        is_json = response.headers.get("content-type", "").startswith("application/json")
        status = response.json() if is_json else {"message": response.text}
        self.code = response.status_code
        self.reason: str = status.get("reason", "")
        self.message: str = status.get("message", "")
        super().__init__(f"{response.request.method} {response.request.url.path}: {self.code} {self.message}")


class Api:
    """A user's access. `request` returns whatever was answered; the others raise ApiError unless it is a 2xx."""

    def __init__(self, user: User) -> None:
        self.user = user
        headers = {"Authorization": f"Bearer {user.token}"} if user.token else {}
        self.client = httpx.Client(
            base_url=user.server, verify=user.ssl_context(), headers=headers, timeout=REQUEST_SECONDS, trust_env=False
        )

    def request(
        self, method: str, path: str, body: Body | None = None, content_type: str = "application/json", **query: Any
    ) -> httpx.Response:
        """The answer to one request; `query` are parameters of the URL: dryRun="All"."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type} if body is not None else {}
        return self.client.request(method, path, content=content, headers=headers, params=query)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return accepted(self.request("GET", path, **query))

    def post(self, path: str, body: Body, **query: Any) -> dict[str, Any]:
        return accepted(self.request("POST", path, body, **query))

    def put(self, path: str, body: Body, **query: Any) -> dict[str, Any]:
        return accepted(self.request("PUT", path, body, **query))

    def patch(self, path: str, body: Body, content_type: str = MERGE_PATCH, **query: Any) -> dict[str, Any]:
        return accepted(self.request("PATCH", path, body, content_type, **query))

    def delete(self, path: str, **query: Any) -> dict[str, Any]:
        return accepted(self.request("DELETE", path, **query))

    def apply(self, path: str, body: Body, manager: str = "test", force: bool = True, **query: Any) -> dict[str, Any]:
        """Server-side apply of the object at `path`; `body` holds apiVersion, kind and metadata.name, too."""
        return self.patch(path, body, APPLY, fieldManager=manager, force=str(force).lower(), **query)

    def close(self) -> None:
        self.client.close()


def accepted(response: httpx.Response) -> dict[str, Any]:
    """The object that was answered; ApiError where the server refused."""
    if not response.is_success:
        raise ApiError(response)
    answer: dict[str, Any] = response.json()
    return answer
