"""Scene: one namespace as a controller sees it, and the writes it makes there."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .api import Api, Manifest, Refused
from .mirror import Mirror, controlled_by
from .world import Container, World

NODE = "node-a"
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


@dataclass
class Scene:
    """`again(seconds)` has the namespace looked at once more after that time."""

    namespace: str
    api: Api
    mirror: Mirror
    world: World
    again: Callable[[float], None]

    def all(self, kind: str) -> list[Manifest]:
        return self.mirror.all(kind, self.namespace)

    def get(self, kind: str, name: str) -> Manifest | None:
        return self.mirror.get(kind, self.namespace, name)

    async def create(self, kind: str, manifest: Manifest) -> Manifest | None:
        """Makes an object; None when one of that name is there."""
        try:
            return self.mirror.take(await self.api.create(kind, self.namespace, manifest))
        except Refused as refused:
            if refused.status != 409:
                raise
            self.again(0.05)
            return None

    async def patch(self, live: Manifest, change: Manifest, subresource: str = "") -> Manifest | None:
        """Changes an object as it is known; None when it has changed or gone meanwhile."""
        try:
            return self.mirror.take(await self.api.patch(live, change, subresource))
        except Refused as refused:
            if refused.status not in (404, 409):
                raise
            self.again(0.05)
            return None

    async def set_status(self, live: Manifest, status: Mapping[str, Any]) -> Manifest | None:
        """Writes those parts of the status that differ; None means that none did, or as `patch`."""
        held = live.get("status") or {}
        changed = {name: value for name, value in status.items() if held.get(name) != value}
        changed = {name: value for name, value in changed.items() if value or name in held}
        return await self.patch(live, {"status": changed}, "status") if changed else None

    async def delete(
        self, live: Manifest, policy: str = "Background", grace_seconds: int | None = None, *, as_known: bool = False
    ) -> None:
        await self.api.delete(live, policy, grace_seconds, as_known=as_known)
        self.again(0.05)

    async def create_pod(self, owner: Manifest, name: str, template: Manifest, labels: Mapping[str, str]) -> None:
        """A pod of a template, on its node already."""
        metadata = template.get("metadata") or {}
        await self.create(
            "Pod",
            {
                "metadata": {
                    "name": name,
                    "labels": {**(metadata.get("labels") or {}), **labels},
                    "annotations": metadata.get("annotations") or {},
                    "ownerReferences": controlled_by(owner),
                },
                "spec": {**template["spec"], "nodeName": NODE},
            },
        )


def container(manifest: Manifest) -> Container:
    return Container(manifest)


def suffix() -> str:
    """The random end of a pod's name."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=5))


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def stamp(at: datetime | None = None) -> str:
    return (at or now()).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def condition(kind: str, status: bool, reason: str = "", message: str = "") -> Manifest:
    return {
        "type": kind,
        "status": "True" if status else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": stamp(),
    }


def with_condition(held: list[Manifest], *wanted: Manifest) -> list[Manifest]:
    """The conditions with the wanted ones in place of those of their types; times change with the status alone."""
    result = {one["type"]: one for one in held}
    for one in wanted:
        old = result.get(one["type"])
        if old is not None and all(old.get(name, "") == one[name] for name in ("status", "reason", "message")):
            continue
        kept = old is not None and old["status"] == one["status"]
        assert not kept or old is not None
        result[one["type"]] = one | ({"lastTransitionTime": old["lastTransitionTime"]} if kept and old else {})
    return list(result.values())


def is_ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def phase(pod: Manifest) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def is_over(pod: Manifest) -> bool:
    return phase(pod) in ("Succeeded", "Failed")


async def gather(*work: Any) -> None:
    """All of it, side by side; the first failure is raised after all have ended."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for one in results:
        if isinstance(one, BaseException):
            raise one
