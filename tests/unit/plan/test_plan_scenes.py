"""Scenes: a spec or an object that is wrong, a pause, an end, a model server that is away or no longer needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World, served

from clockifyrag_operator import names
from clockifyrag_operator.plan import plan


def test_a_bad_spec_changes_nothing_and_a_good_one_heals() -> None:
    world = served()
    pods = sorted(name for kind, name in world.objects if kind == "Pod")

    world.edit(source={"sample": {}, "crawl": {"startURLs": ["http://example.com/"]}})
    made = world.plan()
    world.work()
    refused = world.condition("Ready"), world.condition("Stalled"), world.message("Ready")
    world.move()
    kept = sorted(name for kind, name in world.objects if kind == "Pod")
    world.edit(source={"sample": {}})
    world.settle()

    assert (None, (), (), ()) == (made.ledger, made.create, made.apply, made.delete)
    assert (("False", "SpecInvalid"), ("True", "SpecInvalid")) == refused[:2]
    assert "spec.source" in refused[2]
    assert pods == kept
    assert ("True", "Serving") == world.condition("Ready")


def test_a_foreign_object_of_a_wanted_name_is_never_touched() -> None:
    world = World()
    theirs: dict[str, Any] = {"kind": "Service", "metadata": {"name": names.search(NAME)}, "spec": {}}
    world.objects["Service", names.search(NAME)] = theirs

    made = world.plan()
    world.work()

    assert (None, (), ()) == (made.ledger, made.apply, made.delete)
    assert ("True", "NameTaken") == world.condition("Stalled")
    assert f"Service {names.search(NAME)}" in world.message("Ready")


@pytest.mark.parametrize(("kind", "name"), [("Service", names.siblings(NAME)), ("NetworkPolicy", f"{NAME}-deny")])
def test_a_name_that_is_taken_of_a_part_the_rest_does_without_is_told_as_such(kind: str, name: str) -> None:
    world = served()
    world.objects[kind, name] = {"kind": kind, "metadata": {"name": name}, "spec": {}}
    world.refusals = {(kind, name): f"{kind} {name} is there and belongs to somebody else"}

    world.status = dict(world.plan().status)

    assert (("True", "NameTaken"), ("True", "Serving")) == (world.condition("Stalled"), world.condition("Ready"))
    assert f"{kind} {name} is there and belongs to somebody else" == world.message("Stalled")


def test_children_whose_owner_somebody_took_off_are_ours_by_their_labels_and_get_it_back() -> None:
    world = served()
    children = [key for key, live in world.objects.items() if live["metadata"].pop("ownerReferences", None)]
    for key in children:
        world.objects[key]["applied"] = {}

    world.work()

    assert {"ConfigMap", "Deployment", "NetworkPolicy", "Service", "StatefulSet"} <= {kind for kind, _ in children}
    assert (("True", "Serving"), ("False", "AsExpected")) == (world.condition("Ready"), world.condition("Stalled"))
    applied = [world.objects[key] for key in children if key[0] not in ("Job", "Pod")]
    assert [] == [one["metadata"]["name"] for one in applied if not one["metadata"].get("ownerReferences")]


@pytest.mark.parametrize(("pause", "reason"), [("Rollouts", "RolloutsPaused"), ("All", "AllPaused")])
def test_while_paused_nothing_is_built_and_afterwards_it_goes_on(pause: str, reason: str) -> None:
    world = served()
    world.edit(pause=pause, chunking={"minChars": 100})

    world.settle()
    paused = world.condition("Paused"), world.condition("IndexPublished"), len(world.jobs_created)
    world.edit(pause=None)
    world.settle()

    assert (("True", reason), ("False", "Building"), 1) == paused
    assert ("True", "Published") == world.condition("IndexPublished")


def test_while_all_is_paused_pods_that_outlive_their_deployment_are_told_as_what_they_serve() -> None:
    world = served()
    generation = world.status["index"]["generation"]
    world.edit(pause="All")
    world.lose("Deployment", names.search(NAME))
    world.objects.pop(("ConfigMap", names.generations(NAME)))

    world.work()

    assert ("True", generation) == (world.condition("Ready")[0], world.status["index"]["generation"])
    assert ("Deployment", names.search(NAME)) not in world.objects


def test_while_all_is_paused_pods_are_not_awaited_that_nobody_makes() -> None:
    world = served()
    world.edit(pause="All", search={"replicas": 5})

    world.settle()
    paused = world.condition("Ready"), world.condition("Reconciling")
    world.edit(pause=None)
    world.work()

    assert (("True", "Serving"), ("False", "Settled")) == paused
    assert ("True", "RollingOut") == world.condition("Ready")


def test_a_resource_that_is_being_deleted_is_left_alone() -> None:
    world = served()
    made = plan(replace(world.wanted(), deleting=True), world.observe(), world.settings)

    assert (None, (), (), (), {}) == (made.ledger, made.create, made.apply, made.delete, made.status)


def test_a_broken_model_server_holds_up_builds_alone() -> None:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.settle()
    world.lose("Pod", f"{NAME}-ollama-0")
    world.reports.pop(f"{NAME}-ollama-0")
    world.edit(embedding={"provider": "Ollama"}, chunking={"minChars": 100}, search={"replicas": 3})

    world.work()

    assert {("Deployment", names.search(NAME)): 3} == world.plan().replicas
    assert ("False", "Unreachable") == world.condition("EmbedderReady")
    assert "waits for a server of help-ollama" in world.message("IndexBuilt")
    assert ("True", "EmbedderDown") == world.condition("Degraded")
    assert "True" == world.condition("Ready")[0]


def test_the_model_server_stays_until_nobody_serves_a_generation_that_needs_it() -> None:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.settle()
    world.edit(embedding={"provider": "Local"})
    world.begin_build()

    during = asked_ollama(world)
    world.settle()

    assert "http://help-ollama:11434" == during
    assert None is asked_ollama(world)
    assert ("StatefulSet", f"{NAME}-ollama") not in world.objects
    assert "all-minilm" == world.status["index"]["model"]


def asked_ollama(world: World) -> str | None:
    """The address search pods ask for vectors of questions, which somebody must answer at."""
    settings: dict[str, str] = world.objects["ConfigMap", names.search(NAME)]["data"]
    url = settings.get("LLM_BASE_URL")
    assert url is None or ("StatefulSet", f"{NAME}-ollama") in world.objects
    return url
