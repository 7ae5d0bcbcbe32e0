"""Story: what an author does to a resource, and what is waited for afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.apiserver.controllers import Controllers, World
from tests.apiserver.controllers.api import path
from tests.apiserver.controlplane import Api
from tests.apiserver.faults.times import SETTLE_SECONDS
from tests.waiting import wait_until

ASK_SECONDS = 1.0  # after which a resource is asked for, whatever the watch said
T = TypeVar("T")
Manifest = dict[str, Any]
LOCAL: Manifest = {"source": {"sample": {}}, "embedding": {"provider": "Local"}}  # no model server: fewer objects
OLLAMA: Manifest = {
    "source": {"sample": {}},
    "embedding": {"provider": "Ollama", "model": "all-minilm"},
    "search": {"replicas": 2},
}


@dataclass
class Story:
    """One resource in a namespace in which the controllers act."""

    api: Api
    controllers: Controllers
    namespace: str
    name: str = "help"
    explain: list[Callable[[], object]] = field(default_factory=list)  # what a failure shows besides
    watchdog: Callable[[], object] | None = None  # called again and again while something is waited for

    @property
    def world(self) -> World:
        return self.controllers.world(self.namespace)

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        return path(kind, self.namespace, name, subresource)

    def create(self, spec: Manifest = LOCAL, **annotations: str) -> Manifest:
        metadata = {"name": self.name, "annotations": annotations}
        body = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": metadata, "spec": spec}
        return self.api.post(self.path("ClockifyRAG"), body)

    def change(self, spec: Manifest) -> Manifest:
        """The resource after a merge patch of its spec."""
        return self.api.patch(self.path("ClockifyRAG", self.name), {"spec": spec})

    def reindex(self, token: str) -> None:
        annotations = {"clockifyrag.io/reindex": token}
        self.api.patch(self.path("ClockifyRAG", self.name), {"metadata": {"annotations": annotations}})

    def scale(self, replicas: int) -> None:
        self.change({"search": {"replicas": replicas}})

    def make_otherwise(self, kind: str, name: str, change: Callable[[Manifest], object]) -> None:
        """Puts another child in the place of one, its own in all but what `change` does to its spec and its data.

        A field that cannot change on a live object differs so after a hand, a backup or another operator was at work.
        """
        live = self.api.get(self.path(kind, name))
        kept = {one: live["metadata"].get(one) for one in ("name", "labels", "annotations", "ownerReferences")}
        made = {**{one: value for one, value in live.items() if one != "status"}, "metadata": kept}
        change(made)
        self.api.request("DELETE", self.path(kind, name), {"propagationPolicy": "Background"})
        self.wait(lambda: self.get(kind, name) is None, f"{kind} {name} is gone")
        self.api.post(self.path(kind), made)

    def delete(self) -> None:
        self.api.delete(self.path("ClockifyRAG", self.name))

    # What there is

    def get(self, kind: str, name: str) -> Manifest | None:
        answer = self.api.request("GET", self.path(kind, name))
        return answer.json() if answer.status_code == 200 else None

    def all(self, kind: str) -> list[Manifest]:
        answer = self.api.request("GET", self.path(kind))
        return list(answer.json()["items"]) if answer.status_code == 200 else []

    @property
    def resource(self) -> Manifest:
        return self.api.get(self.path("ClockifyRAG", self.name))

    @property
    def status(self) -> Manifest:
        return dict(self.resource.get("status") or {})

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason."""
        found = next((one for one in self.status.get("conditions", ()) if one["type"] == kind), None)
        return (found["status"], found["reason"]) if found else ("", "")

    @property
    def ledger(self) -> Manifest:
        found = self.get("ConfigMap", f"{self.name}-generations")
        return (
            dict(json.loads(found["data"]["ledger.json"])) if found and "ledger.json" in found.get("data", {}) else {}
        )

    def jobs_made(self) -> list[str]:
        """Names of all Jobs that were ever made, as the watch told them."""
        return [str(live["metadata"]["name"]) for live in self.jobs()]

    def jobs(self) -> list[Manifest]:
        """All Jobs that were ever made, in order, as the watch told of their making."""
        told = list(self.controllers.mirror.history.get(self.namespace, ()))
        return [live for change, live in told if change == "ADDED" and live["kind"] == "Job"]

    # What is waited for

    def is_observed(self) -> bool:
        """Whether the status speaks of the spec as it is now."""
        return _is_observed(self.resource)

    def is_ready(self) -> bool:
        """Whether the status speaks of the spec as it is now, and says that the index wanted is served."""
        resource = self.resource
        held = {one["type"]: one["status"] for one in (resource.get("status") or {}).get("conditions", ())}
        served = all(held.get(kind) == "True" for kind in ("Ready", "IndexPublished", "ServingCurrent"))
        return _is_observed(resource) and served and held.get("Reconciling") != "True"

    def wait_ready(self, seconds: float = SETTLE_SECONDS) -> None:
        """It is ready, and the controllers have nothing to do; it is asked for again when something changed."""
        known, asked = -1, 0.0

        def holds() -> bool:
            nonlocal known, asked
            changes = self.controllers.mirror.changes[self.namespace]
            if not self.controllers.settled(self.namespace):
                return False
            if changes == known and time.monotonic() - asked < ASK_SECONDS:
                return False
            known, asked = changes, time.monotonic()
            return self.is_ready()

        self.wait(holds, "the resource is ready", seconds)

    def wait_condition(self, kind: str, status: str, reason: str = "", seconds: float = SETTLE_SECONDS) -> None:
        def holds() -> bool:
            found = self.condition(kind)
            return found[0] == status and reason in ("", found[1])

        self.wait(holds, f"{kind} is {status} {reason}".rstrip(), seconds)

    def wait_gone(self, seconds: float = SETTLE_SECONDS) -> None:
        """The resource and all that belongs to it are gone."""
        kinds = ("ClockifyRAG", "Deployment", "StatefulSet", "Job", "Pod", "ReplicaSet", "Service")
        self.wait(lambda: not any(self.all(kind) for kind in kinds), "all is gone", seconds)

    def rest(self, seconds: float) -> None:
        """Lets so much time pass, in which nothing is done."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= end, "the time is over", seconds + 5)

    def wait(self, holds: Callable[[], T | None], why: str, seconds: float = SETTLE_SECONDS) -> T:
        def watched() -> T | None:
            if self.watchdog is not None:
                self.watchdog()
            return holds()

        return wait_until(watched, seconds, f"{why} ({self.namespace}/{self.name})", self._explained)

    def _explained(self) -> str:
        found = self.get("ClockifyRAG", self.name)
        jobs = {one["metadata"]["name"]: one.get("status") for one in self.all("Job")}
        texts = [json.dumps((found or {}).get("status"), indent=1), json.dumps(jobs), *(one() for one in self.explain)]
        return "\n".join(map(str, texts))


def _is_observed(resource: Manifest) -> bool:
    return bool((resource.get("status") or {}).get("observedGeneration") == resource["metadata"]["generation"])
