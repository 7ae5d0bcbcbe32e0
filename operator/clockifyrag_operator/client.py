"""The API server over HTTP: plain dictionaries in and out, one gate for all that writes.

Built on the asyncio client inside the `kubernetes` package, on its connections alone: its models cost 200 MB of memory
and know no fields of tomorrow.

Every write passes `_gate`: so many writes a second, a pause the server asked for, and last, as close to the
wire as can be, whether this process is still the leader. A frozen process that wakes up fails there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from clockifyrag_operator import names
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.errors import LeaseLost, Unreachable, api_error
from clockifyrag_operator.kinds import ALL, Kind
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest

APPLY = "application/apply-patch+yaml; charset=utf-8"  # with a parameter the client sends bytes as they are
NO_VERSION = "1"  # no object has it: what is applied with it is made, or refused as a Conflict if it is there
MERGE = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PAGE = 200  # objects a list request asks for
PAUSE_SECONDS_MAX = 60.0  # longest wait a Retry-After is believed
TOKEN_SECONDS = 60.0  # how long a token is used before its file is read again
CONNECTIONS = 32


class Client:
    """One API server. `may_write` tells whether this process is the leader at this very moment."""

    def __init__(
        self,
        access: Access,
        metrics: Metrics,
        *,
        request_seconds: float,
        writes_per_second: float,
        may_write: Callable[[], bool],
    ) -> None:
        self.may_write = may_write
        self._access = access
        self._metrics = metrics
        self._timeout = aiohttp.ClientTimeout(total=request_seconds)
        self._rate = WriteRate(writes_per_second)
        self._paused_until = 0.0
        self._token: str | None = None
        self._token_read = float("-inf")
        self._rest = _connections(access)

    async def close(self) -> None:
        await self._rest.close()

    async def get(self, kind: str, namespace: str, name: str, *, metadata_only: bool = False) -> Manifest:
        """The object as a quorum of the storage holds it; NotFound when there is none."""
        accept = METADATA_ONLY if metadata_only else None
        return await self.request("GET", ALL[kind].path(namespace, name), accept=accept)

    async def pages(self, kind: str, namespace: str | None, selector: str = "") -> AsyncIterator[list[Manifest]]:
        """All objects of the kind in the namespace, or everywhere, as a quorum holds them, a page at a time."""
        query = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self.request("GET", ALL[kind].path(namespace), query=query)
            # Items of a list do not say what they are.
            yield [{"apiVersion": ALL[kind].api_version, "kind": kind, **one} for one in page["items"]]
            following = page["metadata"].get("continue")
            if not following:
                return
            query = {**query, "continue": following}

    async def list_all(self, kind: str, namespace: str | None, selector: str = "") -> list[Manifest]:
        """The same as one list."""
        return [one async for page in self.pages(kind, namespace, selector) for one in page]

    async def apply(self, manifest: Manifest, manager: str = names.MANAGER, *, status: bool = False) -> Manifest:
        """The live object after a server-side apply of this one; fields that others hold are taken over."""
        path = path_of(manifest) + ("/status" if status else "")
        query = {"fieldManager": manager, "force": "true"}
        return await self.write("PATCH", path, manifest, content_type=APPLY, query=query)

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """The live object, applied and made by this call; Conflict, and nothing is changed, when there is one already.

        The API server compares versions with what is there, and there is nothing to compare with when it makes one.
        """
        metadata = {**manifest["metadata"], "resourceVersion": NO_VERSION}
        return await self.apply({**manifest, "metadata": metadata})

    async def create(self, manifest: Manifest) -> Manifest:
        """The object as it was made; AlreadyExists when there is one of that name."""
        kind = ALL[manifest["kind"]]
        return await self.write(
            "POST", kind.path(manifest["metadata"]["namespace"]), manifest, query={"fieldManager": names.MANAGER}
        )

    async def delete(self, live: Manifest, propagation: str = "Background") -> Manifest:
        """The answer to deleting exactly this object as it was read: another one, or a changed one, is a Conflict."""
        metadata = live["metadata"]
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        }
        return await self.write("DELETE", path_of(live), options)

    async def annotate_pod(self, namespace: str, name: str, annotation: str, value: str) -> Manifest:
        """The pod with that annotation."""
        body = {"metadata": {"annotations": {annotation: value}}}
        return await self.write("PATCH", ALL["Pod"].path(namespace, name), body, content_type=MERGE)

    async def write(
        self,
        method: str,
        path: str,
        body: Manifest,
        *,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Manifest:
        """The answer to a write that passed the gate; LeaseLost when this process is not the leader."""
        async with self._gate():
            return await self.request(method, path, body, content_type=content_type, query=query)

    async def request(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        *,
        content_type: str = "application/json",
        accept: str | None = None,
        query: dict[str, str] | None = None,
    ) -> Manifest:
        """The answer as JSON, past the gate: for reading, and for the lease itself."""
        headers = {"Accept": accept or "application/json", "Content-Type": content_type, "User-Agent": "clockifyrag"}
        if (token := await self._current_token()) is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = self._access.server + path + ("?" + urlencode(query, quote_via=quote) if query else "")
        sent = orjson.dumps(body) if content_type == APPLY else body
        code = "none"
        try:
            response = await self._rest.request(method, url, headers=headers, body=sent, _request_timeout=self._timeout)
            content = await response.read()
            code = str(response.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{method} {path}: {type(error).__name__} {error}".rstrip()) from error
        finally:
            self._metrics.api_call(method, code)
        answer = _json(content)
        if response.status >= 400:
            raise self._refusal(response.status, response.headers.get("Retry-After"), answer)
        return answer

    def _refusal(self, status: int, told: str | None, answer: Manifest) -> Exception:
        wait = min(float(told), PAUSE_SECONDS_MAX) if told and told.isdigit() else None
        if wait is not None and status in (429, 503):
            self._paused_until = max(self._paused_until, time.monotonic() + wait)
        if status == 401:
            self._token_read = float("-inf")
        message = str(answer.get("message") or answer.get("reason") or "without a reason")[:1000]
        return api_error(status, str(answer.get("reason", "")), message, wait)

    @asynccontextmanager
    async def _gate(self) -> AsyncIterator[None]:
        await self._rate.take()
        if (wait := self._paused_until - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        await self._current_token()  # may read a file: nothing is to come between the last question and the wire
        if not self.may_write():
            raise LeaseLost("this process is not the leader; nothing was written")
        yield

    async def _current_token(self) -> str | None:
        now = time.monotonic()
        if now - self._token_read >= TOKEN_SECONDS:
            self._token = await asyncio.to_thread(self._access.token)
            self._token_read = now
        return self._token


class WriteRate:
    """A token bucket: so many a second on average, at most a second's worth at once; later callers wait."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._free_at = 0.0  # when the tokens handed out so far are earned

    async def take(self) -> None:
        """Returns when one more is due."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - 1.0) + 1.0 / self._per_second
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)


def path_of(manifest: Manifest) -> str:
    """The path of that object."""
    kind: Kind = ALL[manifest["kind"]]
    return kind.path(manifest["metadata"]["namespace"], manifest["metadata"]["name"])


def _connections(access: Access) -> Any:
    configuration = Configuration(host=access.server)
    configuration.connection_pool_maxsize = CONNECTIONS
    configuration.client_session_kwargs = {"trust_env": False}  # as the watches: the cluster is reached directly
    configuration.ssl_ca_cert = str(access.ca_file) if access.ca_file else None
    configuration.ca_cert_data = access.ca_data
    configuration.retries = None  # the queue repeats
    rest = RESTClientObject(configuration)
    rest.ssl_context = access.ssl_context()
    return rest


def _json(content: bytes) -> Manifest:
    try:
        answer = orjson.loads(content) if content else {}
    except ValueError:
        return {"message": content[:200].decode("utf-8", "replace")}  # something before the API server answered
    return answer if isinstance(answer, dict) else {"items": answer}
