"""Cluster: what controllers, kubelets and builders do in a small world, one step at a time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.jobs import JOB_NAME
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.triggers import TOKEN, asked_by

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAMESPACE, NAME = "answers", "help"
BYTES = 2**30  # of a generation
UNSCHEDULED = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient memory"}]}
Key = tuple[str, str]


class Cluster:
    """The children of one resource, and what is on its volume. Nothing moves unless it is told to."""

    def __init__(self, spec: dict[str, Any], settings: Settings) -> None:
        self.settings = settings
        self.spec = spec
        self.now = START
        self.objects: dict[Key, Manifest] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.config_maps: dict[str, str | None] = {}
        self.refusals: dict[Key, str] = {}  # of the last pass
        self.digests: dict[str, str] = {}  # of models whose digest is not that of their name
        self.volume: set[str] = set()  # ids of generations on the volume
        self.manifests: dict[str, dict[str, Any]] = {}  # what the listing of the volume tells of each
        self.bad: set[str] = set()  # generations that no pod gets ready with
        self.progressed_at = self.now
        self.builds_of_token: Counter[str] = Counter()
        self._number = 0

    def model(self) -> str:
        """The embedding model the resource asks for."""
        raise NotImplementedError

    def digest(self, model: str) -> str:
        return self.digests.get(model) or hashlib.sha256(model.encode()).hexdigest()

    def move(self, seconds: float = 1) -> None:
        """The controllers and kubelets do their next small step."""
        self.now += timedelta(seconds=seconds)
        for claim in self.every("PersistentVolumeClaim"):
            claim["status"] = {"phase": "Bound"}
        for job in [one for one in self.every("Job") if one["metadata"].get("deletionTimestamp")]:
            self.lose("Job", job["metadata"]["name"])
        for kind, component in (("store", names.STORE), ("ollama", names.OLLAMA)):
            self._stateful(f"{NAME}-{kind}", component)
        self._scale()
        self._roll()

    def _stateful(self, name: str, component: str) -> None:
        workload = self.objects.get(("StatefulSet", name))
        pod = f"{name}-0"
        if workload is None:
            self.objects.pop(("Pod", pod), None)
            self.reports.pop(pod, None)
            return
        workload["status"] = {
            "observedGeneration": workload["metadata"]["generation"],
            **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas"), workload["spec"].get("replicas", 1)),
        }
        if ("Pod", pod) not in self.objects:
            self._pod(pod, workload["spec"]["template"], {}, phase="Running", ready=True)
        if component == names.OLLAMA:
            args = json.dumps(workload["spec"]["template"])
            models = ("nomic-embed-text", "all-minilm", "bge-m3")
            self.reports[pod] = {one: self.digest(one) for one in models if one in args}

    def _scale(self) -> None:
        """The autoscaler, of pods that nobody asks anything: as few as it may. It leaves alone what is at zero."""
        autoscaler = self.objects.get(("HorizontalPodAutoscaler", names.search(NAME)))
        deployment = self.objects.get(("Deployment", names.search(NAME)))
        if autoscaler and deployment and deployment["spec"].get("replicas") != 0:
            deployment["spec"]["replicas"] = autoscaler["spec"]["minReplicas"]

    def _roll(self) -> None:
        """One step of the Deployment's controller: a pod made, made ready, or taken away."""
        deployment = self.objects.get(("Deployment", names.search(NAME)))
        pods = [one for one in self.every("Pod") if one["metadata"]["labels"].get(names.COMPONENT) == names.SEARCH]
        if deployment is None:
            for pod in pods:
                self._take(pod)
            return
        template, wanted = deployment["spec"]["template"], deployment["spec"].get("replicas", 1)
        mark = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:8]
        new = [one for one in pods if one["metadata"]["labels"]["pod-template-hash"] == mark]
        old = sorted((one for one in pods if one not in new), key=_is_ready)  # those that are not ready go first
        self._swap(pods)
        waiting = [one for one in new if not _is_ready(one)]
        if len(new) < wanted and len(pods) <= wanted:
            self._pod(f"search-{mark}-{self._next('')}", template, {"pod-template-hash": mark}, phase="Running")
            self._progress()
        elif waiting and self._may_serve(waiting[0]):
            _set_ready(waiting[0])
            self._report(waiting[0])
            self._progress()
        elif old and (sum(map(_is_ready, pods)) > wanted or not _is_ready(old[0])):
            self._take(old[0])
            self._progress()
        elif len(new) > wanted:
            self._take(new[-1])
        self._tell(deployment, mark, wanted)

    def _tell(self, deployment: Manifest, mark: str, wanted: int) -> None:
        pods = [one for one in self.every("Pod") if "pod-template-hash" in one["metadata"]["labels"]]
        updated = [one for one in pods if one["metadata"]["labels"]["pod-template-hash"] == mark]
        ready = [one for one in pods if _is_ready(one)]
        done = len(updated) == len(pods) == wanted == len(ready)
        late = not done and (self.now - self.progressed_at).total_seconds() > self.settings.rollout_seconds
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(updated),
            "readyReplicas": len(ready),
            "conditions": [
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
                if late
                else {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
            ],
        }

    def _progress(self) -> None:
        self.progressed_at = self.now

    def _may_serve(self, pod: Manifest) -> bool:
        generation = self._pointed(pod)
        return generation in self.volume and generation not in self.bad

    def _pointed(self, pod: Manifest) -> str | None:
        told: str | None = pod["metadata"]["labels"].get(names.GENERATION)
        ledger = self.objects.get(("ConfigMap", names.generations(NAME)), {"data": {}})
        pointed: str | None = ledger["data"].get(names.CURRENT_KEY)
        return told or pointed

    def _swap(self, pods: list[Manifest]) -> None:
        """Pods without a generation of their own follow the pointer, or say what keeps them from it."""
        for pod in pods:
            if names.GENERATION not in pod["metadata"]["labels"] and _is_ready(pod):
                self._report(pod)

    def _report(self, pod: Manifest) -> None:
        name, generation = pod["metadata"]["name"], self._pointed(pod)
        before = self.reports.get(name, {}).get("generation")
        serves = generation if self._may_serve(pod) else before
        problem = None if serves == generation else f"{generation} cannot be loaded"
        self.reports[name] = {"generation": serves, "problem": problem, "embedder": {"verdict": "ok"}, "degraded": []}

    def _pod(self, name: str, template: Manifest, labels: dict[str, str], *, phase: str, ready: bool = False) -> None:
        made = {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {**template["metadata"]["labels"], **labels},
                "creationTimestamp": self.now.isoformat(),
            },
            "spec": template["spec"],
            "status": {"phase": phase, "conditions": [{"type": "PodScheduled", "status": "True"}]},
        }
        if ready:
            _set_ready(made)
        self.objects["Pod", name] = made

    def _take(self, pod: Manifest) -> None:
        self.objects.pop(("Pod", pod["metadata"]["name"]), None)
        self.reports.pop(pod["metadata"]["name"], None)

    # Jobs.

    def running(self) -> Manifest | None:
        return next((one for one in self.every("Job") if not one["status"].get("conditions")), None)

    @staticmethod
    def order_of(job: Manifest) -> BuildOrder:
        order = BuildOrder.parse(job["metadata"]["annotations"][names.ORDER])
        assert order is not None, "a Job has its order"
        return order

    def finish(self) -> None:
        """The running Job succeeds, as the builder would."""
        job = self.running()
        assert job is not None, "a Job runs"
        order = self.order_of(job)
        if order.kind == "Embed":
            self.end(job, None)
        elif order.kind == "List":
            listed = [
                self.manifests[one] for one in sorted(self.volume, key=lambda one: self.manifests[one]["created"])
            ]
            self.end(job, {"result": "Listed", "generations": listed[::-1], "more": 0})
        elif order.shards > 1:
            self.end(job, {"result": "NeedVectors"})
        else:
            self._build(job, order)

    def _build(self, job: Manifest, order: BuildOrder) -> None:
        content = f"{order.key.spec} {order.key.model} {self.config_maps} {order.trigger}"
        generation = f"gen-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        fresh = generation not in self.volume
        removed = [one for one in order.remove if one != generation and one in self.volume]
        assert not self.in_use() & set(removed), "a generation in use is removed"
        self.volume = (self.volume | {generation}) - set(removed)
        model = self.model()
        digest = f"sha256:{self.digest(model)}"
        self.manifests[generation] = {
            "id": generation, "buildKey": str(order.key), "contentDigest": "sha256:0123456789ab", "bytes": BYTES,
            "documents": 3, "chunks": 9, "dimensions": 384, "model": model, "modelDigest": digest,
            "created": self.now.isoformat(), "reason": order.reason,
        }  # fmt: skip
        if token := asked_by(order.trigger, TOKEN):
            self.builds_of_token[token] += 1
        told = {name: value for name, value in self.manifests[generation].items() if name != "id"}
        result = "Built" if fresh else "Unchanged"
        self.end(job, {**told, "result": result, "generation": generation, "removed": removed, "sourceDigest": "s"})

    def fail(self, exit_code: int, error: str, *, reason: str = "BackoffLimitExceeded", oom: bool = False) -> None:
        """The running Job fails."""
        job = self.running()
        assert job is not None, "a Job runs"
        told = {"result": "Failed", "exitCode": exit_code, "error": error}
        self.end(job, None if oom else told, kind="Failed", exit_code=exit_code, reason=reason, oom=oom)

    def end(
        self, job: Manifest, told: dict[str, Any] | None, *, kind: str = "Complete", exit_code: int = 0,
        reason: str = "", oom: bool = False,
    ) -> None:  # fmt: skip
        """The Job ends, its pod's last words being `told`."""
        at = self.now.isoformat()
        job["status"]["conditions"] = [{"type": kind, "status": "True", "reason": reason, "lastTransitionTime": at}]
        pod = self.objects.get(("Pod", f"{job['metadata']['name']}-x"))
        if pod is None:
            return
        ended = {"exitCode": 137 if oom else exit_code, "reason": "OOMKilled" if oom else "Completed"}
        ended["message"] = json.dumps(told) if told is not None else ""
        pod["status"] = {
            "phase": "Failed" if kind == "Failed" else "Succeeded",
            "containerStatuses": [{"name": "build", "state": {"terminated": ended}}],
        }

    # Losses.

    def lose(self, kind: str, name: str) -> None:
        """The object is gone, and with a Job its pods."""
        self.objects.pop((kind, name), None)
        if kind == "Job":
            self.lose_pods_of(name)
        if kind == "PersistentVolumeClaim":
            self.volume = set()

    def lose_pods_of(self, job: str) -> None:
        for pod in list(self.every("Pod")):
            if pod["metadata"]["labels"].get(JOB_NAME) == job:
                self._take(pod)

    # Looks.

    def every(self, kind: str) -> Iterator[Manifest]:
        return iter([one for (found, _), one in sorted(self.objects.items()) if found == kind])

    def in_use(self) -> set[str]:
        """Generations that are published, pinned or served."""
        ledger = self.objects.get(("ConfigMap", names.generations(NAME)), {"data": {}})
        served = [one["metadata"]["labels"].get(names.GENERATION) for one in self.every("Pod")]
        told = [one.get("generation") for one in self.reports.values()]
        pin = self.spec.get("index", {}).get("pin")
        return {one for one in [*served, *told, pin, ledger["data"].get(names.CURRENT_KEY)] if one}

    def _next(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"


def _is_ready(pod: Manifest) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))


def _set_ready(pod: Manifest) -> None:
    pod["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": "True"},
    ]
