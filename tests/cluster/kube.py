"""A namespace of the cluster, as kubectl sees it, and a ClockifyRAG resource in it."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from tests.waiting import wait_until
from tools.cluster.inside import in_namespace
from tools.cluster.kubectl import Kubectl, Refused
from tools.cluster.node import Cluster

T = TypeVar("T")
Manifest = dict[str, Any]
RESTRICTED = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn", "audit")]
OPERATOR = "app.kubernetes.io/name=clockifyrag-operator"
READY_SECONDS = 180.0
LOOK_SECONDS = 0.4  # between two looks: each is a kubectl, a tenth of a second of the cores that pods need
EMBEDDED_SECONDS = 400.0  # where a model server embeds, and shares two cores with all else
SMALL: Manifest = {  # what a node of two cores has room for
    "build": {"resources": {"requests": {"cpu": "300m", "memory": "512Mi"}}},
    "search": {"replicas": 2, "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}}},
}
NOWHERE = "localhost/none:1"  # an image: no node has it, and no registry is there
LOCAL: Manifest = {"source": {"sample": {}}, "embedding": {"provider": "Local"}, **SMALL}


@dataclass(frozen=True)
class Kube:
    """One namespace, which enforces the restricted profile."""

    cluster: Cluster
    kubectl: Kubectl
    namespace: str

    def run(self, *arguments: str, text: str | None = None) -> str:
        return self.kubectl.run(f"--namespace={self.namespace}", *arguments, text=text)

    def make(self) -> None:
        """Makes the namespace, unless it is there."""
        if not self.kubectl.run("get", "namespace", self.namespace, "--ignore-not-found"):
            self.kubectl.run("create", "namespace", self.namespace)
        self.kubectl.run("label", "--overwrite", "namespace", self.namespace, *RESTRICTED)

    def remove(self, wait: bool = True) -> None:
        """Deletes the namespace; all in it is gone on return, or soon after."""
        waits = "--timeout=80s" if wait else "--wait=false"
        self.kubectl.run("delete", "namespace", self.namespace, "--ignore-not-found", waits)

    @contextmanager
    def another(self, kind: str = "test", wait: bool = True) -> Iterator[Kube]:
        """A namespace of its own on the same cluster; gone with all in it on leaving, or soon after."""
        made = Kube(self.cluster, self.kubectl, f"{kind}-{secrets.token_hex(3)}")
        made.make()
        try:
            yield made
        finally:
            made.remove(wait)

    def apply(self, *manifests: Manifest) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run("apply", "--server-side", "--filename=-", text=json.dumps(listed))

    def get(self, kind: str, name: str) -> Manifest | None:
        """The object, None where there is none."""
        found = self.run("get", "--output=json", "--ignore-not-found", kind, name)
        return dict(json.loads(found)) if found else None

    def all(self, kind: str, selector: str = "") -> list[Manifest]:
        return list(json.loads(self.run("get", "--output=json", kind, f"--selector={selector}"))["items"])

    def pods(self, component: str, of: str = "help") -> list[Manifest]:
        """Pods of a part of a resource that are not on their way out."""
        found = self.all("pods", f"clockifyrag.io/resource={of},clockifyrag.io/component={component}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def evict(self, pod: str) -> bool:
        """Whether the Eviction API let the pod go; False where the budget says not now."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        try:
            self.run("create", f"--raw={path}", "--filename=-", text=json.dumps(body))
        except Refused as error:
            if "disruption budget" not in str(error):
                raise
            return False
        return True

    def resource(self, name: str = "help") -> Resource:
        return Resource(self, name)

    def explain(self) -> str:
        """What a failure shows: objects, warnings and the operator's last lines."""
        texts = [
            self.run("get", "clockifyrags,pods,jobs", "--output=wide"),
            self.run("get", "events", "--field-selector=type!=Normal", "--sort-by=.lastTimestamp"),
        ]
        try:
            texts.append(self.kubectl.run("--namespace=clockifyrag", "logs", f"--selector={OPERATOR}", "--tail=15"))
        except Refused as error:
            texts.append(str(error))
        return "\n".join(texts)


@dataclass(frozen=True)
class Resource:
    """A ClockifyRAG."""

    kube: Kube
    name: str

    # What its author does

    def create(self, spec: Manifest = LOCAL) -> Resource:
        metadata = {"name": self.name, "namespace": self.kube.namespace}
        body = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": metadata, "spec": spec}
        self.kube.run("create", "--filename=-", text=json.dumps(body))
        return self

    def change(self, spec: Manifest) -> None:
        """A merge patch of the spec."""
        self.kube.run("patch", "clockifyrag", self.name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def reindex(self, token: str) -> None:
        self.kube.run("annotate", "--overwrite", "clockifyrag", self.name, f"clockifyrag.io/reindex={token}")

    def delete(self) -> None:
        self.kube.run("delete", "clockifyrag", self.name, "--timeout=60s")

    # What it is

    @property
    def manifest(self) -> Manifest:
        found = self.kube.get("clockifyrag", self.name)
        assert found is not None, f"there is no resource {self.name}"
        return found

    @property
    def status(self) -> Manifest:
        return dict(self.manifest.get("status") or {})

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason; empty where it was never told."""
        found = next((one for one in self.status.get("conditions", ()) if one["type"] == kind), None)
        return (found["status"], found["reason"]) if found else ("", "")

    def told(self, kind: str) -> str:
        """The message of a condition; empty where it was never told."""
        return next((str(one["message"]) for one in self.status.get("conditions", ()) if one["type"] == kind), "")

    @property
    def generation(self) -> str:
        """The one that is published."""
        return str(self.status["index"]["generation"])

    @property
    def generations(self) -> set[str]:
        """All that are good."""
        return set(self.built)

    @property
    def built(self) -> list[str]:
        """All that are good, the oldest first."""
        newest_first = self.status.get("generations", ())
        return [one["id"] for one in reversed(newest_first) if one["state"] == "Good"]

    @property
    def url(self) -> str:
        """Of its Service, by address: there is no DNS outside of pods."""
        service = self.kube.get("service", f"{self.name}-search")
        assert service is not None, f"there is no Service of {self.name}"
        return f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}"

    @property
    def volume(self) -> Path:
        """The folder of its index on the node."""
        claim = self.kube.get("persistentvolumeclaim", f"{self.name}-index")
        assert claim is not None, f"there is no volume of {self.name}"
        (folder,) = self.kube.cluster.node.volumes.glob(f"{claim['spec']['volumeName']}*")
        return folder

    @property
    def ready_pods(self) -> list[Manifest]:
        """Search pods that are sent questions: ready, and not on their way out."""
        return [pod for pod in self.kube.pods("search", self.name) if is_true(pod, "Ready")]

    def uids(self, *components: str) -> set[str]:
        """Of the pods of these parts that are not on their way out."""
        pods = (pod for component in components for pod in self.kube.pods(component, self.name))
        return {str(pod["metadata"]["uid"]) for pod in pods}

    def restarts(self) -> dict[str, int]:
        """How often each search pod was restarted, by its name."""
        return {
            str(pod["metadata"]["name"]): sum(one["restartCount"] for one in pod["status"].get("containerStatuses", ()))
            for pod in self.kube.pods("search", self.name)
        }

    # What is waited for

    def is_ready(self) -> bool:
        """Whether the status speaks of the spec as it is now, and says that the index wanted is served."""
        manifest = self.manifest
        status = manifest.get("status") or {}
        held = {one["type"]: one["status"] for one in status.get("conditions", ())}
        seen = status.get("observedGeneration") == manifest["metadata"]["generation"]
        return seen and held.get("Ready") == held.get("ServingCurrent") == "True" and held.get("Reconciling") == "False"

    def wait(
        self, holds: Callable[[], T | None], why: str, seconds: float = READY_SECONDS, every: float = LOOK_SECONDS
    ) -> T:
        told = f"{why} ({self.kube.namespace}/{self.name})"
        return wait_until(answered(holds), seconds, told, self.kube.explain, every)

    def wait_ready(self, seconds: float = READY_SECONDS) -> Resource:
        self.wait(self.is_ready, "the resource is ready", seconds)
        return self

    def wait_condition(self, kind: str, status: str, reason: str, seconds: float = READY_SECONDS) -> None:
        self.wait(lambda: self.condition(kind) == (status, reason), f"{kind} is {status} {reason}", seconds)

    def wait_other_generation(self, before: str, seconds: float = READY_SECONDS) -> str:
        """The generation that is published instead, once all pods serve it."""
        self.wait(lambda: self.generation != before and self.is_ready(), f"another generation than {before}", seconds)
        return self.generation


def is_true(manifest: Manifest, condition: str) -> bool:
    """Whether an object of Kubernetes says that a condition holds."""
    told = manifest.get("status", {}).get("conditions", ())
    return any(one["type"] == condition and one["status"] == "True" for one in told)


def started_seconds(pod: Manifest) -> float:
    """From a pod's making until it was Ready, in whole seconds as Kubernetes tells them."""
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    texts = pod["metadata"]["creationTimestamp"], ready["lastTransitionTime"]
    made, since = (datetime.fromisoformat(text) for text in texts)
    return (since - made).total_seconds()


def answered(holds: Callable[[], T | None]) -> Callable[[], T | None]:
    """The predicate, false while the API server does not answer: it may be what was broken."""

    def ask() -> T | None:
        try:
            return holds()
        except Refused:
            return None

    return ask


def ask(url: str, question: str, **parameters: str) -> Manifest:
    """The answer to a question, asked from within the node's network."""
    address = httpx.URL(f"{url}/search", params={"q": question, **parameters})
    return dict(json.loads(get(str(address))))


def get(url: str) -> str:
    """The body of an answer with a status below 400."""
    command = in_namespace(["curl", "--silent", "--show-error", "--fail", "--max-time", "20", url])
    done = subprocess.run(command, capture_output=True, text=True)
    assert 0 == done.returncode, f"{url}: {done.stderr.strip()}"
    return done.stdout
