"""World: a small cluster in memory, in which nothing moves unless it is told to, for plans to be carried out in.

It keeps what an API server keeps and remembers nothing of a plan: an operator that is restarted sees the same.
It has no mercy: what a plan must never do is asserted when it is done.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.jobs import JOB_NAME, live_jobs
from clockifyrag_operator.ledger import BuildOrder, parse_ledger
from clockifyrag_operator.observed import Manifest, Observed, PodReport, Wanted
from clockifyrag_operator.plan import plan
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.triggers import TOKEN, asked_by
from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import resource_of

SETTINGS = Settings(service_image="service:1", index_builder_image="builder:1", ollama_image="ollama:1")
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAME, NAMESPACE, UID = "help", "answers", "uid-of-help"
BASIC: dict[str, Any] = {
    "source": {"sample": {}},
    "embedding": {"provider": "Local"},
    "search": {"replicas": 2},
}
Key = tuple[str, str]


class World:
    """One resource and its children."""

    def __init__(self, spec: dict[str, Any] | None = None, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.now = START
        self.spec = copy.deepcopy(BASIC if spec is None else spec)
        self.annotations: dict[str, str] = {}
        self.generation = 1
        self.status: dict[str, Any] = {}
        self.objects: dict[Key, Manifest] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.config_maps: dict[str, str | None] = {}
        self.volume: set[str] = set()  # ids of generations on the volume
        self.manifests: dict[str, dict[str, Any]] = {}  # what the listing of the volume tells of each
        self.bad: set[str] = set()  # generations that no pod gets ready with
        self.progressed_at = self.now
        self.builds_of_token: Counter[str] = Counter()
        self.jobs_created: list[BuildOrder] = []
        self.events: list[str] = []
        self._number = 0

    # The resource.

    def edit(self, **parts: Any) -> None:
        """Changes parts of the spec; None takes one out."""
        before = json.dumps(self.spec, sort_keys=True)
        for name, value in parts.items():
            self.spec.pop(name, None)
            if value is not None:
                self.spec[name] = value
        self.generation += json.dumps(self.spec, sort_keys=True) != before

    def ask(self, token: str) -> None:
        self.annotations[names.REINDEX] = token

    def wanted(self) -> Wanted:
        body: dict[str, Any] = {
            "apiVersion": "clockifyrag.io/v1beta1",
            "kind": "ClockifyRAG",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": self.spec,
        }
        about = (NAMESPACE, NAME, UID, self.generation, dict(self.annotations))
        status = copy.deepcopy(self.status)
        try:
            return Wanted(*about, rag=resource_of(body, "the API server"), status=status)
        except ResourceInvalid as error:
            return Wanted(*about, rag=None, problems=tuple(map(str, error.problems)), status=status)

    def observe(self) -> Observed:
        ledger = self.objects.get(("ConfigMap", names.generations(NAME)))
        return Observed(
            now=self.now,
            objects=copy.deepcopy(self.objects),
            reports={name: PodReport(values, self.now) for name, values in self.reports.items()},
            ledger=parse_ledger(ledger["data"].get(names.LEDGER_KEY, "")) if ledger else None,
            ledger_version=ledger["metadata"]["resourceVersion"] if ledger else None,
            config_maps=dict(self.config_maps),
        )

    # A pass of the operator.

    def plan(self) -> Plan:
        return plan(self.wanted(), self.observe(), self.settings)

    def work(self) -> bool:
        """One pass; whether anything was written."""
        made = self.plan()
        return self.carry_out(made)

    def carry_out(self, made: Plan) -> bool:
        wrote = [self._apply(made.ledger)] if made.ledger else []
        wrote += [self._create(one) for one in made.create]
        wrote += [self._apply(one) for one in made.apply]
        for key, number in made.replicas.items():
            live = self.objects[key]
            wrote.append(live["spec"].get("replicas") != number)
            live["spec"]["replicas"] = number
        wrote += [self._delete(one) for one in made.delete]
        wrote.append(self.status != made.status)
        self.status = copy.deepcopy(dict(made.status))
        self.events += [f"{one.type} {one.reason}" for one in made.events]
        return any(wrote)

    def _apply(self, wanted: Manifest) -> bool:
        """As server-side apply: whether the object changed. What is not in the manifest stays as it is."""
        key = (wanted["kind"], wanted["metadata"]["name"])
        live = self.objects.get(key)
        if live is not None and live["applied"] == wanted:
            return False
        version = wanted["metadata"].get("resourceVersion")
        assert version is None or (live and live["metadata"]["resourceVersion"] == version), "409: not that version"
        made = copy.deepcopy(wanted)
        made["applied"] = copy.deepcopy(wanted)
        before = live or {"metadata": {"uid": self._next("uid"), "generation": 0}, "status": {}}
        replicas = before.get("spec", {}).get("replicas")
        if replicas is not None:
            made["spec"].setdefault("replicas", replicas)
        made["status"] = before["status"]
        changed = made.get("spec") != before.get("spec")
        made["metadata"] |= {"uid": before["metadata"]["uid"], "resourceVersion": self._next("v")}
        made["metadata"]["generation"] = before["metadata"]["generation"] + changed
        if made["kind"] == "Deployment" and changed:
            self.progressed_at = self.now
        self.objects[key] = made
        return True

    def _create(self, wanted: Manifest) -> bool:
        if wanted["kind"] == "Secret":
            return False  # never read, so nothing is known of it here
        key = (wanted["kind"], wanted["metadata"]["name"])
        assert wanted["kind"] == "Job", "nothing else is created"
        assert key not in self.objects, f"{key[1]} is there already and would never run"
        running = [job.name for job in live_jobs(self.observe()) if job.ended is None]
        assert not running, f"{key[1]} would run beside {running}"
        made = copy.deepcopy(wanted)
        made["metadata"] |= {"uid": self._next("uid"), "generation": 1}
        made["status"] = {}
        self.objects[key] = made
        order = self.order_of(made)
        assert not self.in_use() & set(order.remove), "a generation in use would be removed"
        self.jobs_created.append(order)
        self._pod(f"{key[1]}-x", made["spec"]["template"], {JOB_NAME: key[1]}, phase="Running")
        return True

    def _delete(self, live: Manifest) -> bool:
        key = (live["kind"], live["metadata"]["name"])
        assert key[0] not in ("PersistentVolumeClaim", "Secret"), f"{key} holds data"
        if key[0] == "Job":
            self.objects[key]["metadata"]["deletionTimestamp"] = "now"  # goes when the cluster moves on
        else:
            del self.objects[key]
        return True

    # The cluster.

    def move(self, seconds: float = 1) -> None:
        """The controllers and kubelets do their next small step."""
        self.now += timedelta(seconds=seconds)
        for claim in self.every("PersistentVolumeClaim"):
            claim["status"] = {"phase": "Bound"}
        for job in [one for one in self.every("Job") if one["metadata"].get("deletionTimestamp")]:
            self.lose("Job", job["metadata"]["name"])
        for kind, component in (("store", names.STORE), ("ollama", names.OLLAMA)):
            self._stateful(f"{NAME}-{kind}", component)
        self._roll()

    def _stateful(self, name: str, component: str) -> None:
        workload = self.objects.get(("StatefulSet", name))
        pod = f"{name}-0"
        if workload is None:
            self.objects.pop(("Pod", pod), None)
            self.reports.pop(pod, None)
            return
        if ("Pod", pod) not in self.objects:
            self._pod(pod, workload["spec"]["template"], {}, phase="Running", ready=True)
        if component == names.OLLAMA:
            args = json.dumps(workload["spec"]["template"])
            models = ("nomic-embed-text", "all-minilm", "bge-m3")
            self.reports[pod] = {one: hashlib.sha256(one.encode()).hexdigest() for one in models if one in args}

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
        old = [one for one in pods if one not in new]
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
                "labels": {**template["metadata"]["labels"], **labels},
                "creationTimestamp": self.now.isoformat(),
            },
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
        content = f"{order.key.spec} {order.key.model} {self.config_maps}"
        generation = f"gen-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        fresh = generation not in self.volume
        removed = [one for one in order.remove if one != generation and one in self.volume]
        assert not self.in_use() & set(removed), "a generation in use is removed"
        self.volume = (self.volume | {generation}) - set(removed)
        rag = self.wanted().rag
        model = rag.spec.embedding.resolved_model() if rag else "all-minilm"
        digest = f"sha256:{hashlib.sha256(model.encode()).hexdigest()}"
        self.manifests[generation] = {
            "id": generation, "buildKey": str(order.key), "contentDigest": "sha256:0123456789ab", "bytes": 1000,
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

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason."""
        found = next(one for one in self.status["conditions"] if one["type"] == kind)
        return found["status"], found["reason"]

    def message(self, kind: str) -> str:
        return str(next(one for one in self.status["conditions"] if one["type"] == kind)["message"])

    def settle(self, passes_max: int = 120) -> int:
        """Works and moves on, every Job succeeding, until nothing changes any more; how many passes it took."""
        quiet = 0
        for number in range(passes_max):
            before = json.dumps([sorted(map(str, self.objects)), self.reports], sort_keys=True, default=str)
            wrote = self.work()
            if self.running() is not None and not self.running()["metadata"].get("deletionTimestamp"):  # type: ignore[index]
                self.finish()
            self.move(61)
            after = json.dumps([sorted(map(str, self.objects)), self.reports], sort_keys=True, default=str)
            quiet = 0 if wrote or before != after else quiet + 1
            if quiet == 3:
                return number
        raise AssertionError(f"no rest after {passes_max} passes: {json.dumps(self.status, indent=1)}")

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
