"""R8: a spec that is accepted is reached, whatever came before it; one that is not is refused with a reason.

Edits are taken from the schema of the definition, in an order by a seed: bounds and what is beyond them, nothing, empty
and foreign texts, names of what does not exist. Two paths to one spec must end alike, and what was bad leaves nothing
behind.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tests.apiserver.controlplane.api import MERGE_PATCH
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.states import State, state_of
from tests.apiserver.faults.story import LOCAL, Manifest, Story
from tests.apiserver.faults.times import SPECS
from tests.waiting import NotInTime

from clockifyrag_resource.crd import custom_resource_definition

SEED = 8
PARTS = ("chunking", "index", "build", "search", "glossary", "monitoring", "networkPolicy", "upgradePolicy")
# Volumes keep what they once were; pods here are run by no node that has classes; a pin names a generation.
LEFT_OUT = re.compile(r"^index\.(storage|pin)|\.pod\.|\.(resources|annotations|labels|metricsFrom|extraEgress)$")
UNHURRIED = {"LEASE_SECONDS": 15, "LEASE_RENEW_SECONDS": 5}  # an operator that loses its lease ends, as it should
# What names nobody's ConfigMap holds up a first index, as it should, and not one that is served.
HOLDS_UP: Manifest = {"glossary": None, "index": {"quality": None}}
PODS_MAX = 3  # more are as good, and slower
# What an author's spec decides.
KINDS = "Deployment|Service|NetworkPolicy|PodDisruptionBudget|HorizontalPodAutoscaler|Ingress|ServiceMonitor"
DECIDED = re.compile(rf"^({KINDS})/[^/]+/spec/|^ConfigMap/help-search/data/")
GIVEN = re.compile(r"GENERATION|/clusterIPs?\b|/nodePort$")  # by the builder, and by the API server
Edit = tuple[str, Any]  # a field by its path, and its value; None takes it away


def edits() -> list[Edit]:
    """Every value for every field, in an order that is the same each time."""
    every = [(path, value) for path, schema in leaves(spec_schema()) for value in values(path, schema)]
    random.Random(SEED).shuffle(every)
    return every


def spec_schema() -> Manifest:
    (version,) = custom_resource_definition()["spec"]["versions"]
    spec: Manifest = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return {"properties": {part: spec["properties"][part] for part in PARTS}}


def leaves(schema: Manifest, path: str = "") -> Iterator[tuple[str, Manifest]]:
    """Fields that hold a value of their own, by their paths."""
    for name, one in schema["properties"].items():
        here = f"{path}.{name}".removeprefix(".")
        if "properties" in one:
            yield from leaves(one, here)
        elif not LEFT_OUT.search(here):
            yield here, one


def values(path: str, schema: Manifest) -> list[Any]:
    """Good and bad ones for the field."""
    if "enum" in schema:
        return [*schema["enum"], "Other", "", None]
    match schema.get("type"):
        case "integer":
            low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
            top = min(high, PODS_MAX) if path.endswith("eplicas") else high
            return [low, top, (low + top) // 2, low - 1, high + 1, "many", None]
        case "boolean":
            return [True, False, "yes", None]
        case "array":
            return [[], [""], "all", None]
    return ["nobodys", "0.5", "17", "", "Zeit ☃", "a" * (schema.get("maxLength", 64) + 1), None]


def patch_of(edit: Edit) -> Manifest:
    """As a merge patch of the spec."""
    path, value = edit
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def held(story: Story, kind: str) -> Manifest:
    """A condition that the status tells of the spec as it is now; empty until then."""
    resource = story.resource
    status = resource.get("status") or {}
    if status.get("observedGeneration") != resource["metadata"]["generation"]:
        return {}
    return next((dict(one) for one in status["conditions"] if one["type"] == kind), {})


def is_reached(story: Story) -> bool:
    """Whether nothing is to be done for the spec any more, or it is refused with a reason."""
    return held(story, "Reconciling").get("status") == "False" or is_refused(story)


def is_refused(story: Story) -> bool:
    stalled = held(story, "Stalled")
    return stalled.get("status") == "True" and bool(stalled["message"])


def decided(story: Story) -> State:
    """What the spec says of its children, with an autoscaler but for how many pods there are: that is up to it."""
    state = state_of(story.api, story.namespace)
    if any(key.startswith("HorizontalPodAutoscaler/") for key in state):
        state.pop("Deployment/help-search/spec/replicas", None)
    return {key: value for key, value in state.items() if DECIDED.search(key) and not GIVEN.search(key)}


def test_every_spec_is_reached_or_refused_and_every_path_to_one_ends_alike(field: Field) -> None:
    stage = field.stage(LOCAL, **UNHURRIED)
    story, pid = stage.story, stage.operator.pid
    refused, taken_back = [], []

    for path, value in edits()[:SPECS]:
        answer = story.api.request(
            "PATCH", story.path("ClockifyRAG", story.name), {"spec": patch_of((path, value))}, MERGE_PATCH
        )
        if answer.status_code == 422:
            refused.append((path, value, answer.json()["message"]))
            continue
        assert answer.is_success, f"{path}: {value!r}: {answer.text}"
        story.wait(lambda: is_reached(story), f"{path}: {value!r} is reached, or refused with a reason")
        if is_refused(story):
            story.change(patch_of((path, None)))
            story.wait(lambda: is_reached(story) and not is_refused(story), f"without {path}: {value!r} it is well")
            taken_back.append(path)
    story.change(HOLDS_UP)
    story.wait(lambda: is_reached(story), "without what names nobody's ConfigMap it is reached")
    by_edits = decided(story)
    other = field.story()
    field.operator(other, None, **UNHURRIED)
    other.create(story.resource["spec"])
    with suppress(NotInTime):  # what it got to instead is told below
        other.wait(lambda: is_reached(other) and by_edits == decided(other), "the same spec is reached at once")
    at_once = decided(other)
    story.api.patch(story.path("ClockifyRAG", story.name), {"spec": dict.fromkeys(PARTS)})
    story.wait_ready()

    print(f"  {len(refused)} of {SPECS} edits refused by the API server, by the operator {taken_back}")
    assert [] == [(path, value) for path, value, words in refused if path.partition(".")[0] not in words]
    assert at_once == by_edits
    assert (pid, True) == (stage.operator.pid, stage.operator.alive)
    assert [] == [line for line in stage.operator.log.splitlines() if '"level":"error"' in line]
