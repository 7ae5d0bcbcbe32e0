"""World: a small cluster in memory, in which nothing moves unless it is told to, for plans to be carried out in.

It keeps what an API server keeps and remembers nothing of a plan: an operator that is restarted sees the same.
It has no mercy: what a plan must never do is asserted when it is done.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.unit.plan.cluster import NAME, NAMESPACE, Cluster

from clockifyrag_operator import names
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.jobs import JOB_NAME, live_jobs
from clockifyrag_operator.ledger import BuildOrder, parse_ledger
from clockifyrag_operator.observed import Manifest, Observed, PodReport, Wanted
from clockifyrag_operator.plan import plan
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import resource_of

SETTINGS = Settings(service_image="service:1", index_builder_image="builder:1", ollama_image="ollama:1")
UID = "uid-of-help"
BASIC: dict[str, Any] = {
    "source": {"sample": {}},
    "embedding": {"provider": "Local"},
    "search": {"replicas": 2},
}


class World(Cluster):
    """One resource and its children."""

    def __init__(self, spec: dict[str, Any] | None = None, settings: Settings = SETTINGS) -> None:
        super().__init__(copy.deepcopy(BASIC if spec is None else spec), settings)
        self.annotations: dict[str, str] = {}
        self.generation = 1
        self.status: dict[str, Any] = {}
        self.jobs_created: list[BuildOrder] = []
        self.events: list[str] = []

    # The resource.

    def edit(self, **parts: Any) -> None:
        """Changes parts of the spec; None takes one out."""
        before, mode = json.dumps(self.spec, sort_keys=True), self._access_mode()
        for name, value in parts.items():
            self.spec.pop(name, None)
            if value is not None:
                self.spec[name] = value
        self.generation += json.dumps(self.spec, sort_keys=True) != before
        if self._access_mode() != mode:  # the schema lets it change with another volume alone
            self.lose("PersistentVolumeClaim", names.index_volume(NAME))

    def _access_mode(self) -> str:
        return str(self.spec.get("index", {}).get("storage", {}).get("accessMode", "ReadWriteOnce"))

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
            refusals=dict(self.refusals),
        )

    def model(self) -> str:
        rag = self.wanted().rag
        return rag.spec.embedding.resolved_model() if rag else "all-minilm"

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
        self.objects["Pod", f"{key[1]}-x"]["metadata"]["ownerReferences"] = [{"uid": made["metadata"]["uid"]}]
        return True

    def _delete(self, live: Manifest) -> bool:
        key = (live["kind"], live["metadata"]["name"])
        assert key[0] not in ("PersistentVolumeClaim", "Secret"), f"{key} holds data"
        if key[0] == "Job":
            self.objects[key]["metadata"]["deletionTimestamp"] = "now"  # goes when the cluster moves on
        else:
            del self.objects[key]
        return True

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason."""
        found = next(one for one in self.status["conditions"] if one["type"] == kind)
        return found["status"], found["reason"]

    def message(self, kind: str) -> str:
        return str(next(one for one in self.status["conditions"] if one["type"] == kind)["message"])

    def begin_build(self) -> Manifest:
        """Works and moves on until a Job runs; that Job."""
        while (job := self.running()) is None:
            self.work()
            self.move()
        return job

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


def served() -> World:
    """A world at rest, in which the first index is served."""
    world = World()
    world.settle()
    return world


def rebuilt_in_vain() -> tuple[World, str]:
    """One that is served and built anew, where no pod gets ready with the new generation; and the one before it."""
    world = served()
    first = str(world.status["index"]["generation"])
    world.edit(chunking={"minChars": 100})
    world.begin_build()
    world.finish()
    world.bad = world.volume - {first}
    return world, first
