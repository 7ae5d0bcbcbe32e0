"""Api: the calls of an API server that the controllers of these tests need, over aiohttp."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson

Manifest = dict[str, Any]
MERGE = "application/merge-patch+json"


class Kind(NamedTuple):
    """Where objects of a kind are found."""

    api_version: str
    plural: str


KINDS: Mapping[str, Kind] = {
    "ClockifyRAG": Kind("clockifyrag.io/v1beta1", "clockifyrags"),
    "Deployment": Kind("apps/v1", "deployments"),
    "ReplicaSet": Kind("apps/v1", "replicasets"),
    "StatefulSet": Kind("apps/v1", "statefulsets"),
    "Job": Kind("batch/v1", "jobs"),
    "Pod": Kind("v1", "pods"),
    "PersistentVolumeClaim": Kind("v1", "persistentvolumeclaims"),
    "ConfigMap": Kind("v1", "configmaps"),
    "Secret": Kind("v1", "secrets"),
    "Service": Kind("v1", "services"),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "HorizontalPodAutoscaler": Kind("autoscaling/v2", "horizontalpodautoscalers"),
    "PodDisruptionBudget": Kind("policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies"),
    "Ingress": Kind("networking.k8s.io/v1", "ingresses"),
    "ServiceMonitor": Kind("monitoring.coreos.com/v1", "servicemonitors"),
    "PrometheusRule": Kind("monitoring.coreos.com/v1", "prometheusrules"),
}


class Refused(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """Calls with the credentials given; opened and closed as an async context manager."""

    def __init__(self, url: str, ca: str, certificate: tuple[Path, Path] | None = None, token: str = "") -> None:
        self._url = url.rstrip("/")
        self._ssl = ssl.create_default_context(cadata=ca)
        if certificate:
            self._ssl.load_cert_chain(*certificate)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def __aenter__(self) -> Api:
        connector = aiohttp.TCPConnector(ssl=self._ssl, limit=0, enable_cleanup_closed=True)
        timeout = aiohttp.ClientTimeout(total=20, sock_connect=5)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object as it is now, None when there is none."""
        try:
            return await self._call("GET", path(kind, namespace, name))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    async def list(self, kind: str) -> tuple[list[Manifest], str]:
        """All objects of the kind, and the version a watch goes on from."""
        answer = await self._call("GET", path(kind))
        return answer.get("items") or [], answer["metadata"]["resourceVersion"]

    async def watch(self, kind: str, version: str) -> AsyncIterator[tuple[str, Manifest]]:
        """Type and object of each event after that version."""
        url = f"{self._url}{path(kind)}?watch=1&allowWatchBookmarks=true&resourceVersion={version}"
        endless = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)
        async with self._session.get(url, timeout=endless, read_bufsize=1 << 22) as answer:
            if answer.status != 200:
                raise Refused(answer.status, await answer.text())
            rest = b""
            async for part in answer.content.iter_any():
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    event = orjson.loads(line)
                    yield event["type"], event["object"]

    async def create(self, kind: str, namespace: str, manifest: Manifest) -> Manifest:
        whole = {"apiVersion": KINDS[kind].api_version, "kind": kind, **manifest}
        return await self._call("POST", path(kind, namespace), whole)

    async def patch(self, live: Manifest, change: Manifest, subresource: str = "") -> Manifest:
        """The object after a merge patch that only the version held in `live` takes."""
        metadata = live["metadata"]
        versioned = {
            **change,
            "metadata": {**change.get("metadata", {}), "resourceVersion": metadata["resourceVersion"]},
        }
        where = path(live["kind"], metadata["namespace"], metadata["name"], subresource)
        return await self._call("PATCH", where, versioned)

    async def delete(
        self, live: Manifest, policy: str = "Background", grace_seconds: int | None = None, *, as_known: bool = False
    ) -> None:
        """Deletes that very object, and no other of its name. as_known: only if it has not changed either."""
        known = {name: live["metadata"][name] for name in (("uid", "resourceVersion") if as_known else ("uid",))}
        options: Manifest = {"preconditions": known, "propagationPolicy": policy}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        metadata = live["metadata"]
        try:
            await self._call("DELETE", path(live["kind"], metadata["namespace"], metadata["name"]), options)
        except Refused as refused:
            if refused.status not in (404, 409):
                raise

    async def _call(self, method: str, where: str, body: Manifest | None = None) -> Manifest:
        headers = {"Content-Type": MERGE if method == "PATCH" else "application/json"}
        sent = None if body is None else orjson.dumps(body)
        async with self._session.request(method, self._url + where, data=sent, headers=headers) as answer:
            if answer.status >= 400:
                raise Refused(answer.status, await answer.text())
            value: Manifest = orjson.loads(await answer.read())
            return value


def path(kind: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The path of an object, or of all of a kind.

    >>> path("Job", "team", "help-build")
    '/apis/batch/v1/namespaces/team/jobs/help-build'
    """
    version, plural = KINDS[kind]
    parts = ["/apis" if "/" in version else "/api", version]
    if namespace:
        parts += ["namespaces", namespace]
    return "/".join([*parts, plural, *(one for one in (name, subresource) if one)])
