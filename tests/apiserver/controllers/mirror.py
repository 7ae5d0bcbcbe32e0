"""Mirror: all objects of the kinds that matter, as the watches and the controllers' own writes tell them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
import orjson

from .api import KINDS, Api, Manifest, Refused

_RETRY_SECONDS = 0.2
_ABSENT_SECONDS = 0.5
_GONE_KEPT = 20_000


class Mirror:
    """Objects by kind, namespace and name. `changed(namespace)` is called for each change."""

    def __init__(self, api: Api, changed: Callable[[str], None]) -> None:
        self._api = api
        self._changed = changed
        self._objects: dict[tuple[str, str], dict[str, Manifest]] = {}  # kind and namespace → by name
        self._gone: dict[str, None] = {}  # uids of the deleted, so that a late answer brings nobody back
        self.synced = {kind: asyncio.Event() for kind in KINDS}
        self.history: dict[str, list[tuple[str, Manifest]]] = {}  # namespace → every event of every watch, oldest first
        self.changes: Counter[str] = Counter()  # of each namespace, as far as they are known

    def all(self, kind: str, namespace: str) -> list[Manifest]:
        """Objects of a kind in a namespace, by name."""
        return [one for _, one in sorted(self._objects.get((kind, namespace), {}).items())]

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        return self._objects.get((kind, namespace), {}).get(name)

    def owned(self, kind: str, owner: Manifest) -> list[Manifest]:
        """Objects whose controller is `owner`."""
        uid = owner["metadata"]["uid"]
        return [one for one in self.all(kind, owner["metadata"]["namespace"]) if controller_uid(one) == uid]

    def has_uid(self, namespace: str, kind: str, name: str, uid: str) -> bool:
        held = self.get(kind, namespace, name) if kind in KINDS else None
        return held is not None and held["metadata"]["uid"] == uid

    def take(self, live: Manifest) -> Manifest:
        """Notes an object as a write answered it; older news than what is held is ignored."""
        metadata = live["metadata"]
        held = self.get(live["kind"], metadata["namespace"], metadata["name"])
        if metadata["uid"] in self._gone or (held is not None and version(held) >= version(live)):
            return live
        self._objects.setdefault((live["kind"], metadata["namespace"]), {})[metadata["name"]] = live
        self._tell(metadata["namespace"])
        return live

    def drop(self, live: Manifest) -> None:
        """Notes that an object is gone."""
        metadata = live["metadata"]
        self._gone[metadata["uid"]] = None
        if len(self._gone) > _GONE_KEPT:
            del self._gone[next(iter(self._gone))]
        held = self.get(live["kind"], metadata["namespace"], metadata["name"])
        if held is not None and held["metadata"]["uid"] == metadata["uid"]:
            del self._objects[live["kind"], metadata["namespace"]][metadata["name"]]
        self._tell(metadata["namespace"])

    def _tell(self, namespace: str) -> None:
        self.changes[namespace] += 1
        self._changed(namespace)

    async def follow(self, kind: str) -> None:
        """Lists and watches a kind for ever; a server that is away is asked again."""
        while True:
            try:
                at = await self._list(kind)
                self.synced[kind].set()
                await self._watch(kind, at)
            except Refused as refused:
                if refused.status == 404:  # there is no such kind, as of monitoring on most API servers
                    self._replace(kind, [])
                    self.synced[kind].set()
                    await asyncio.sleep(_ABSENT_SECONDS)
                elif refused.status not in (410, 429, 500, 503):
                    raise
            except (aiohttp.ClientError, TimeoutError):
                pass  # it is being restarted or frozen: that is a fault some test makes
            await asyncio.sleep(_RETRY_SECONDS)

    def newest(self, namespace: str) -> int:
        """The version of the newest object that a watch told of; 0 before the first."""
        return max((version(live) for _, live in self.history.get(namespace, ())), default=0)

    async def _list(self, kind: str) -> str:
        items, at = await self._api.list(kind)
        self._replace(kind, [{**one, "kind": kind, "apiVersion": KINDS[kind].api_version} for one in items])
        return at

    def _replace(self, kind: str, items: Iterable[Manifest]) -> None:
        live = {one["metadata"]["uid"]: one for one in items}
        known = [one for (of, _), by_name in self._objects.items() if of == kind for one in by_name.values()]
        for held in known:
            if held["metadata"]["uid"] not in live:
                self.drop(held)
        for one in live.values():
            self.take(one)

    async def _watch(self, kind: str, at: str) -> None:
        async for change, live in self._api.watch(kind, at):
            if change == "ERROR":
                return
            if change == "BOOKMARK":
                continue
            self.history.setdefault(live["metadata"]["namespace"], []).append((change, live))
            if change == "DELETED":
                self.drop(live)
            else:
                self.take(live)


def version(live: Manifest) -> int:
    return int(live["metadata"]["resourceVersion"])


def controller_uid(live: Manifest) -> str | None:
    """The uid of what controls an object."""
    references = live["metadata"].get("ownerReferences") or ()
    return next((str(one["uid"]) for one in references if one.get("controller")), None)


def controlled_by(owner: Manifest) -> list[Manifest]:
    """The reference a controller sets on what it makes."""
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def is_leaving(live: Manifest) -> bool:
    return "deletionTimestamp" in live["metadata"]


def digest(value: Any, length: int = 10) -> str:
    """Some hex digits that stand for any JSON value."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:length]
