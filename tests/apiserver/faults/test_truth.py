"""T14: at every change of the status, what it says was so.

Ready=True of the generation now ⇒ a generation is published, at least one search pod is ready, and all that are serve
that one or the one before. ServingCurrent=True ⇒ all serve the published one. Reconciling=False of the generation now ⇒
the Deployment has the replicas of the spec, and so many search pods are ready. The history of all watches is put in the
order of the versions the API server gave, which is the order in which things happened.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.apiserver.controllers import Container, PodState
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.story import Manifest, Story

LAG = 25  # versions between what was looked at and the status that tells of it, at most


def history(story: Story) -> list[tuple[str, Manifest]]:
    """Every event of the namespace, in the order in which things happened."""
    events = list(story.controllers.mirror.history.get(story.namespace, ()))
    return sorted(events, key=lambda event: int(event[1]["metadata"]["resourceVersion"]))


@dataclass(frozen=True)
class Moment:
    """What stood at one version."""

    served: set[str]  # generations of ready pods
    published: list[str]  # the one now and the one before
    replicas: int | None  # of the Deployment
    ready: int  # search pods


def lies(story: Story) -> Iterator[str]:
    """Statuses that said what was not so at any of the moments they may have been written from."""
    pods: dict[str, Manifest] = {}
    refreshed = story.world.refreshed[::-1]
    pointed: dict[str, str] = {}  # what pods that change over in place serve, by their names
    published: list[str] = [""]
    replicas: int | None = None
    moments: list[Moment] = []
    for change, live in history(story):
        kind, name = live["kind"], live["metadata"]["name"]
        if kind == "Pod":
            pods.pop(name, None)
            if change != "DELETED" and "deletionTimestamp" not in live["metadata"]:
                pods[name] = live
        if kind == "ConfigMap" and name == f"{story.name}-generations" and change != "DELETED":
            current = json.loads(live["data"]["ledger.json"]).get("current", "")
            published = [*published, current][-2:] if current != published[-1] else published
        if kind == "Deployment" and name == f"{story.name}-search":
            replicas = None if change == "DELETED" else live["spec"]["replicas"]
        while refreshed and refreshed[-1][0] < int(live["metadata"]["resourceVersion"]):
            _, pod_name, generation = refreshed.pop()
            pointed[pod_name] = generation
        ready = ready_search_pods(pods)
        served = {Container(pod).variable("GENERATION") or pointed.get(pod["metadata"]["name"], "") for pod in ready}
        moments.append(Moment(served, list(published), replicas, len(ready)))
        if kind == "ClockifyRAG" and change == "MODIFIED":
            for lie in told_at(live, moments[-LAG:]):
                yield f"version {live['metadata']['resourceVersion']}: {lie}"


def told_at(live: Manifest, recent: list[Moment]) -> Iterator[str]:
    """What a resource's status says and no recent moment bears out."""
    status, wanted = live.get("status", {}), live["spec"]["search"]["replicas"]  # no autoscaler has a say here
    told = {one["type"]: one["status"] for one in status.get("conditions", ())}
    last = recent[-1]
    if told.get("Ready") == "True" and not any(is_serving(one.served, one.published) for one in recent):
        yield f"Ready, but pods served {last.served} of {last.published}"
    if told.get("ServingCurrent") == "True" and not any(one.served == {one.published[-1]} for one in recent):
        yield f"ServingCurrent, but pods served {last.served} of {last.published}"
    is_done = told.get("Reconciling") == "False" and status.get("observedGeneration") == live["metadata"]["generation"]
    if is_done and not any((one.replicas, one.ready) == (wanted, wanted) for one in recent):
        yield f"nothing left to do, but of {wanted} search pods {last.replicas} were asked for and {last.ready} ready"


def is_serving(served: set[str], published: list[str]) -> bool:
    return bool(served) and bool(published[-1]) and served <= set(published)


def ready_search_pods(pods: dict[str, Manifest]) -> list[Manifest]:
    return [pod for pod in pods.values() if Container(pod).component == "search" and is_ready(pod)]


def is_ready(pod: Manifest) -> bool:
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def told_lies(field: Field, mutant: str = "", update: str = "Rolling") -> list[str]:
    """Lies told while a resource is made, rebuilt, scaled, broken and mended."""
    stage = field.stage(mutant=mutant)
    story = stage.story
    slow = PodState(seconds=0.5)
    story.world.pods.append(lambda pod: slow if pod.component == "search" else None)
    story.world.refresh_seconds = slow.seconds
    story.create(FULL | {"search": FULL["search"] | {"indexUpdate": update}})
    story.wait_ready()
    for change in ({"chunking": {"maxChars": 700}}, {"search": {"replicas": 3}}, {"chunking": {"maxChars": 600}}):
        story.change(change)
        story.wait_ready()
    story.world.pods.insert(0, lambda pod: PodState(ready=False) if pod.component == "search" else None)
    story.controllers.wake(story.namespace)
    if not mutant:
        story.wait_condition("Ready", "False")
    story.rest(1.0)
    return list(lies(story))


@pytest.mark.parametrize("update", ["Rolling", "HotSwap"])
def test_the_status_says_only_what_is_so(field: Field, update: str) -> None:
    assert [] == told_lies(field, update=update)


@pytest.mark.parametrize(
    ("served", "published", "holds"),
    [({"a"}, ["a"], True), ({"a", "b"}, ["a", "b"], True), (set(), ["a"], False), ({"c"}, ["a", "b"], False)],
)
def test_what_counts_as_serving(served: set[str], published: list[str], holds: bool) -> None:
    assert holds == is_serving(served, published)
