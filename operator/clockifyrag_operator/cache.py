"""Live objects as they were last seen: filled by a list a kind, kept up by events and by the answers to own writes.

    list ──┐
    event ─┼─► put: an older resourceVersion never replaces a newer one ─► by resource: what one pass looks at
    write ─┘   drop: what is deleted stays deleted, whatever comes late

A cache is a hint. What is destroyed is read again first (cluster.py), what is written says which version it replaces or
is the same whenever it is repeated.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from clockifyrag_operator import names
from clockifyrag_operator.kinds import RESOURCE, WORKLOADS
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.owned import owned_template

Key = tuple[str, str]  # namespace and name of a resource
Place = tuple[str, str, str]  # kind, namespace, name
DELETED_KEPT_SECONDS = 600.0
DELETED_KEPT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """One live object, without managedFields, and what of its pod template the operator owns."""

    manifest: Manifest
    template: Manifest | None = None


class Cache:
    """All objects of all resources this operator runs."""

    def __init__(self) -> None:
        self._held: dict[Place, Held] = {}
        self._of: dict[Key, set[Place]] = {}  # children of each resource
        self._deleted: OrderedDict[str, tuple[float, int]] = OrderedDict()  # uid → when and at which version

    def __len__(self) -> int:
        return len(self._held)

    def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The live object, or None."""
        held = self._held.get((kind, namespace, name))
        return held.manifest if held else None

    def resource(self, key: Key) -> Manifest | None:
        """The resource itself, or None."""
        return self.get(RESOURCE.kind, *key)

    def resources(self) -> Iterator[Manifest]:
        """Every resource."""
        return (held.manifest for (kind, _, _), held in list(self._held.items()) if kind == RESOURCE.kind)

    def children(self, key: Key) -> dict[tuple[str, str], Held]:
        """What belongs to the resource by its label, by kind and name."""
        return {(place[0], place[2]): self._held[place] for place in self._of.get(key, ())}

    def put(self, manifest: Manifest) -> bool:
        """Takes the object in and says whether it is news: not what is held already, or older, or deleted since."""
        metadata, version = manifest["metadata"], version_of(manifest)
        place = place_of(manifest)
        _, deleted_at = self._deleted.get(metadata["uid"], (0.0, -1))
        held = self._held.get(place)
        if version <= deleted_at or (held and version <= version_of(held.manifest)):
            return False
        self._forget(place)
        template = owned_template(manifest) if manifest["kind"] in WORKLOADS else None
        self._held[place] = Held(compact(manifest), template)
        if (key := key_of(manifest)) is not None and manifest["kind"] != RESOURCE.kind:
            self._of.setdefault(key, set()).add(place)
        return True

    def drop(self, manifest: Manifest) -> None:
        """The object is gone, as far as this version of it tells: no event of it up to here is believed any more.

        A newer one is: an object whose labels were taken off leaves a watch as if deleted, and comes back.
        """
        metadata = manifest["metadata"]
        self._remember_deleted(metadata["uid"], version_of(manifest))
        place = place_of(manifest)
        held = self._held.get(place)
        if held and held.manifest["metadata"]["uid"] == metadata["uid"]:  # not one of the same name made since
            self._forget(place)

    def put_all(self, listed: Iterable[Manifest]) -> set[Key]:
        """Takes in a page of a list; gives the resources whose objects changed."""
        return {key for one in listed if self.put(one) and (key := key_of(one)) is not None}

    def keep_only(self, kind: str, namespace: str | None, present: set[Place], since: int) -> set[Key]:
        """Forgets what a whole list of one kind, of a namespace or of all, did not hold; gives the resources it was of.

        What came after the list was asked for is kept: its version is above `since`, the newest one held then. That is
        how a deletion is found that no event told.
        """
        changed: set[Key] = set()
        for place, held in list(self._held.items()):
            if place[0] != kind or place in present or namespace not in (None, place[1]):
                continue
            if version_of(held.manifest) <= since:
                changed |= {key} if (key := key_of(held.manifest)) else set()
                self._forget(place)
        return changed

    def newest(self, kind: str) -> int:
        """The newest version held of that kind; 0 when there is none."""
        return max((version_of(one.manifest) for place, one in self._held.items() if place[0] == kind), default=0)

    def _forget(self, place: Place) -> None:
        held = self._held.pop(place, None)
        if held and (key := key_of(held.manifest)) is not None and key in self._of:
            self._of[key].discard(place)
            if not self._of[key]:
                del self._of[key]

    def _remember_deleted(self, uid: str, version: int) -> None:
        now = time.monotonic()
        self._deleted[uid] = (now, max(version, self._deleted.pop(uid, (now, 0))[1]))
        while self._deleted:
            first = next(iter(self._deleted))
            if now - self._deleted[first][0] < DELETED_KEPT_SECONDS and len(self._deleted) <= DELETED_KEPT_MAX:
                return
            del self._deleted[first]


def place_of(manifest: Manifest) -> Place:
    """Where the cache holds it."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata["namespace"], metadata["name"]


def version_of(manifest: Manifest) -> int:
    """The resourceVersion as the number it is (compared as such since Kubernetes 1.35, KEP-5504)."""
    version = manifest["metadata"].get("resourceVersion", "0")
    return int(version) if version.isdigit() else 0


def key_of(manifest: Manifest) -> Key | None:
    """The resource that the object is, or belongs to by its label; None when it belongs to none."""
    metadata = manifest["metadata"]
    if manifest["kind"] == RESOURCE.kind:
        return metadata["namespace"], metadata["name"]
    labels = metadata.get("labels") or {}
    name = labels.get(names.RESOURCE)
    return (metadata["namespace"], name) if name and labels.get(names.MANAGED_BY) == names.MANAGED_BY_US else None


def compact(manifest: Manifest) -> Manifest:
    """The same object without managedFields, which are half of its size and of no further use.

    Written and read once more: orjson keeps one copy of each key for all objects, half of what is left.
    """
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    compacted: Manifest = orjson.loads(orjson.dumps({**manifest, "metadata": metadata}))
    return compacted
