"""T14: at every change of the status, what it says was so.

Ready=True of the generation now ⇒ a generation is published, at least one search pod is ready, and all that are serve
that one or the one before. ServingCurrent=True ⇒ all serve the published one. The history of all watches is put in the
order of the versions the API server gave, which is the order in which things happened.
"""

import json
from collections.abc import Iterator
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


def lies(story: Story) -> Iterator[str]:
    """Statuses that said what was not so at any of the moments they may have been written from."""
    pods: dict[str, Manifest] = {}
    published: list[str] = [""]
    moments: list[tuple[int, set[str | None], list[str]]] = []  # version, generations of ready pods, published ones
    for change, live in history(story):
        kind, name = live["kind"], live["metadata"]["name"]
        if kind == "Pod":
            pods.pop(name, None)
            if change != "DELETED" and "deletionTimestamp" not in live["metadata"]:
                pods[name] = live
        if kind == "ConfigMap" and name == f"{story.name}-generations" and change != "DELETED":
            current = json.loads(live["data"]["ledger.json"]).get("current", "")
            published = [*published, current][-2:] if current != published[-1] else published
        version = int(live["metadata"]["resourceVersion"])
        moments.append((version, served_by_ready(pods), list(published)))
        if kind == "ClockifyRAG" and change == "MODIFIED":
            told = {one["type"]: one["status"] for one in live.get("status", {}).get("conditions", ())}
            recent = moments[-LAG:]
            if told.get("Ready") == "True" and not any(is_serving(served, both) for _, served, both in recent):
                yield f"version {version}: Ready, but pods served {recent[-1][1]} of {recent[-1][2]}"
            if told.get("ServingCurrent") == "True" and not any(served == {both[-1]} for _, served, both in recent):
                yield f"version {version}: ServingCurrent, but pods served {recent[-1][1]} of {recent[-1][2]}"


def is_serving(served: set[str | None], published: list[str]) -> bool:
    return bool(served) and bool(published[-1]) and served <= set(published)


def served_by_ready(pods: dict[str, Manifest]) -> set[str | None]:
    """The generations that ready search pods were made for."""
    return {
        Container(pod).variable("GENERATION") or None
        for pod in pods.values()
        if Container(pod).component == "search" and is_ready(pod)
    }


def is_ready(pod: Manifest) -> bool:
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def told_lies(field: Field, mutant: str = "") -> list[str]:
    """Lies told while a resource is made, rebuilt, scaled, broken and mended."""
    stage = field.stage(mutant=mutant)
    story = stage.story
    slow = PodState(seconds=0.5)
    story.world.pods.append(lambda pod: slow if pod.component == "search" else None)
    story.create(FULL)
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


def test_the_status_says_only_what_is_so(field: Field) -> None:
    assert [] == told_lies(field)


@pytest.mark.parametrize(
    ("served", "published", "holds"),
    [({"a"}, ["a"], True), ({"a", "b"}, ["a", "b"], True), (set(), ["a"], False), ({"c"}, ["a", "b"], False)],
)
def test_what_counts_as_serving(served: set[str | None], published: list[str], holds: bool) -> None:
    assert holds == is_serving(served, published)
