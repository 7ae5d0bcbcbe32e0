"""Any history of edits, losses, failures and restarts: what a plan promises throughout, and where it ends."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World

from clockifyrag_operator import names
from clockifyrag_operator.ledger import Ledger
from clockifyrag_operator.observed import Manifest
from clockifyrag_resource.status_schema import Status

EDITS: list[dict[str, Any]] = [
    {"source": {"sample": {}}},
    {"source": {"http": {"url": "http://example.com/a.zip"}}},
    {"source": {"configMapRef": {"name": "articles"}}},
    {"chunking": {"minChars": 100}},
    {"chunking": None},
    {"embedding": {"provider": "Local"}},
    {"embedding": {"provider": "Local", "shards": 2}},
    {"embedding": {"provider": "Ollama"}},
    {"search": {"replicas": 0}},
    {"search": {"replicas": 2}},
    {"search": {"replicas": 3, "indexUpdate": "HotSwap"}},
    {"search": {"autoscaling": {}}},
    {"search": {"config": {"cacheSize": 1}}},
    {"index": {"retain": 1}},
    {"index": {"retain": 9}},  # more than the volume will hold
    {"index": {"pin": "gen-0123456789ab"}},
    {"index": {"storage": {"accessMode": "ReadWriteMany"}}},
    {"index": None},
    {"build": {"schedule": {"cron": "*/30 * * * *"}}},
    {"build": None},
    {"pause": "Rollouts"},
    {"pause": "All"},
    {"pause": None},
    {"source": {}},  # refused by the schema
    {"search": {"image": "elsewhere.example.com/other:1"}},  # refused by allowedImages
]
FAILURES = st.sampled_from([(2, "usage"), (30, "no such host"), (40, "no answer"), (50, "no space left"), (1, "bug")])
KINDS = st.sampled_from(["Deployment", "Service", "StatefulSet", "NetworkPolicy", "ConfigMap", "ServiceAccount"])


class Histories(RuleBasedStateMachine):
    """The operator works whenever it likes; the world moves, fails and forgets in between."""

    @initialize()
    def begin(self) -> None:
        self.world = new_world()
        self.tokens = 0
        self.forgotten = False  # with the ledger goes the memory of tokens

    @rule(edit=st.sampled_from(EDITS))
    def edit(self, edit: dict[str, Any]) -> None:
        self.world.edit(**edit)

    @rule(data=st.data())
    def pin_what_there_is(self, data: st.DataObject) -> None:
        if self.world.volume:
            self.world.edit(index={"pin": data.draw(st.sampled_from(sorted(self.world.volume)))})

    @rule(content=st.sampled_from(["one", "two", None]))
    def change_source(self, content: str | None) -> None:
        self.world.config_maps["articles"] = content

    @rule()
    def ask(self) -> None:
        self.tokens += 1
        self.world.ask(f"token-{self.tokens}")

    @rule(passes=st.integers(1, 3))
    def work(self, passes: int) -> None:
        for _ in range(passes):
            self.world.work()
            check_status(self.world)

    @rule(steps=st.integers(1, 4))
    def move(self, steps: int) -> None:
        for _ in range(steps):
            self.world.move()

    @rule(steps=st.integers(2, 8))
    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.work(1)
            if self.job_runs():
                self.world.finish()
            self.world.move()

    @precondition(lambda self: self.job_runs())
    @rule()
    def job_ends_well(self) -> None:
        self.world.finish()

    @precondition(lambda self: self.job_runs())
    @rule(how=FAILURES)
    def job_fails(self, how: tuple[int, str]) -> None:
        self.world.fail(*how)

    @precondition(lambda self: self.job_runs())
    @rule()
    def job_and_its_pods_vanish(self) -> None:
        job = self.world.running()
        assert job is not None
        self.world.lose("Job", job["metadata"]["name"])

    @precondition(lambda self: self.job_runs())
    @rule()
    def outcome_is_lost(self) -> None:
        job = self.world.running()
        assert job is not None
        self.world.lose_pods_of(job["metadata"]["name"])
        self.world.end(job, None)

    @rule(kind=KINDS, number=st.integers(0, 9))
    def child_is_lost(self, kind: str, number: int) -> None:
        there = [name for found, name in self.world.objects if found == kind and name != names.generations(NAME)]
        if there:
            self.world.lose(kind, there[number % len(there)])

    @rule(damaged=st.booleans())
    def ledger_is_lost(self, damaged: bool) -> None:
        key = ("ConfigMap", names.generations(NAME))
        self.forgotten |= key in self.world.objects
        if damaged and key in self.world.objects:
            self.world.objects[key]["data"][names.LEDGER_KEY] = "{"
            self.world.objects[key].pop("applied")
            self.world.objects[key]["applied"] = None
        else:
            self.world.objects.pop(key, None)

    @rule()
    def volume_is_lost(self) -> None:
        self.world.lose("PersistentVolumeClaim", names.index_volume(NAME))

    @rule(hours=st.sampled_from([0.2, 1, 30]))
    def time_passes(self, hours: float) -> None:
        self.world.now += timedelta(hours=hours)

    @precondition(lambda self: self.world.volume)
    @rule(data=st.data())
    def generation_turns_out_bad(self, data: st.DataObject) -> None:
        self.world.bad.add(data.draw(st.sampled_from(sorted(self.world.volume))))

    @rule()
    def generations_are_good_again(self) -> None:
        self.world.bad.clear()

    @invariant()
    def no_token_builds_twice(self) -> None:
        assert self.forgotten or all(number == 1 for number in self.world.builds_of_token.values())

    def job_runs(self) -> bool:
        job = self.world.running()
        return job is not None and not job["metadata"].get("deletionTimestamp")

    def teardown(self) -> None:
        """A valid spec, nothing in its way: the end is that of a resource that never knew anything else."""
        world = getattr(self, "world", None)
        if world is not None:
            heal(world, self.tokens + 1)
            world.settle()
            check_status(world)
            check_rest(world)
            assert self.forgotten or world.builds_of_token[f"token-{self.tokens + 1}"] == 1
            assert end_of(fresh(world)) == end_of(world)


def new_world() -> World:
    world = World()
    world.settings = world.settings.model_copy(
        update={"allowed_images": ("mine/*",), "build_backoff_seconds": 60, "build_backoff_seconds_max": 600}
    )
    world.config_maps["articles"] = "one"
    return world


def heal(world: World, token: int) -> None:
    """What a person would do in the end: no pin, no pause, no refused field, a working source, a new token."""
    world.bad.clear()
    world.config_maps["articles"] = "one"
    refused = world.wanted().rag is None or "image" in world.spec["search"]
    if refused:
        world.edit(source={"sample": {}}, search={"replicas": 2})
    world.edit(pause=None, index=None if "pin" in world.spec.get("index", {}) else world.spec.get("index"), build=None)
    world.ask(f"token-{token}")


def fresh(world: World) -> World:
    other = new_world()
    other.spec = copy.deepcopy(world.spec)
    other.annotations = dict(world.annotations)
    other.settle()
    return other


def end_of(world: World) -> dict[str, Any]:
    """All that the plan wants to exist, and what the conditions say, without times and history."""
    made = world.plan()
    ledger = world.observe().ledger
    assert ledger is not None
    return {
        "objects": {f"{one['kind']} {one['metadata']['name']}": one for one in made.apply},
        "replicas": dict(made.replicas),
        "conditions": {one["type"]: (one["status"], one["reason"]) for one in made.status["conditions"]},
        "current": ledger.current,
        "wanted": [made.status["search"], made.status["url"], made.status["selector"]],
    }


def check_rest(world: World) -> None:
    """At rest nothing is written: every write would be one more for ever."""
    made = world.plan()

    assert made.ledger is None
    assert [] == [one for one in made.create if one["kind"] != "Secret"]
    assert () == made.delete
    assert world.status == made.status
    assert () == made.events
    assert not world.work()


def check_status(world: World) -> None:
    """What the status written by the last pass promises is true of the world."""
    Status.model_validate_json(json.dumps(world.status), strict=True, by_alias=True, by_name=False)
    assert len(json.dumps(world.status).encode()) <= 16 * 1024
    assert 11 == len(world.status["conditions"])
    assert {world.generation} == {one["observedGeneration"] for one in world.status["conditions"]}
    if world.condition("Ready")[0] == "True":
        assert world.wanted().rag is not None
        check_ready(world, world.observe().ledger)


def check_ready(world: World, ledger: Ledger | None) -> None:
    """Ready=True: an endpoint is ready, and each serves the published generation or the one before."""
    served = {told["generation"] for name, told in world.reports.items() if name.startswith("search-")}
    published = {ledger.current, ledger.previous} if ledger else set()
    if ledger is None or ledger.current is None:  # what is served goes on being so
        deployment = world.objects.get(("Deployment", names.search(NAME)))  # none where it was lost while all is paused
        published = {(deployment and _of_template(deployment)) or world.status["index"]["generation"]}
    assert served
    assert served <= published


def _of_template(deployment: Manifest) -> str | None:
    """The generation pods are made for; None where they follow the pointer."""
    found = deployment["spec"]["template"]["metadata"]["labels"].get(names.GENERATION)
    return str(found) if found else None


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
