"""What the status says from the first pass on, how large it may be, and how soon it is looked after again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plan.world import World, served

from clockifyrag_operator.settings import Settings
from clockifyrag_resource.conditions import CONDITIONS, REASONS, ConditionType


def test_all_conditions_are_there_from_the_first_pass_with_reasons_that_are_known() -> None:
    world = World()

    world.work()

    assert [str(one.type) for one in CONDITIONS] == [one["type"] for one in world.status["conditions"]]
    assert all(one["reason"] in REASONS[ConditionType(one["type"])] for one in world.status["conditions"])


def test_damaged_files_are_told_as_such_whatever_the_words_and_other_problems_are_not() -> None:
    world = served()
    pod, report = next((name, one) for name, one in world.reports.items() if "problem" in one)

    told = []
    for damaged in (True, False):
        report |= {"problem": f"{pod} cannot: digest", "damaged": damaged}
        world.work()
        told.append((world.condition("Degraded"), pod in world.message("Degraded")))

    assert [(("True", "IndexCorrupt"), True), (("False", "AsExpected"), False)] == told


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("keys", "spec.search.auth.secretRef"),
        ("tls", "spec.search.tls.secretRef"),
        ("glossary", "spec.glossary.configMapRef"),
    ],
)
def test_what_pods_cannot_use_is_told_by_the_field_that_names_it(part: str, field: str) -> None:
    world = served()
    for report in world.reports.values():
        report["degraded"] = [part]

    world.work()

    assert ("True", "ReferenceBroken") == world.condition("Degraded")
    assert field in world.message("Degraded")


def test_a_generation_that_none_can_be_is_not_told() -> None:
    world = served()
    for report in world.reports.values():
        report["generation"] = "foo"

    world.work()

    assert {one["generation"] for one in world.status["search"]["serving"]} <= world.volume


def test_at_rest_search_pods_are_asked_again_only_where_a_model_server_may_fail_them() -> None:
    world = served()
    by_themselves = with_addresses(world).plan().recheck_seconds
    world.edit(
        embedding={"provider": "Local", "queryProvider": "Ollama"}, ollama={"url": "http://models.example:11434"}
    )
    world.settle()

    assert by_themselves is None
    assert Settings().health_seconds == with_addresses(world).plan().recheck_seconds


@pytest.mark.parametrize(
    "report", [{"degraded": ["embedder"]}, {"degraded": ["keys"]}, {"problem": "digest", "damaged": True}]
)
def test_what_pods_alone_tell_to_be_over_is_asked_for_as_often_as_what_is_under_way(report: dict[str, object]) -> None:
    world = with_addresses(served())
    next(iter(world.reports.values())).update(report)

    world.work()

    assert "True" == world.condition("Degraded")[0]
    assert Settings().poll_seconds == world.plan().recheck_seconds


@pytest.mark.parametrize("left_alone", [{"pause": "All"}, {"chunking": {"minChars": -1}}])
def test_what_is_left_alone_is_looked_at_all_the_same(left_alone: dict[str, Any]) -> None:
    world = with_addresses(served())
    world.edit(**left_alone)
    world.work()
    at_rest = world.plan().recheck_seconds
    next(iter(world.reports.values())).update({"problem": "digest", "damaged": True})
    world.work()

    assert Settings().health_seconds == at_rest
    assert Settings().poll_seconds == world.plan().recheck_seconds


def test_while_all_is_paused_no_build_is_promised() -> None:
    world = served()
    world.edit(pause="All", chunking={"minChars": 100})

    world.work()

    assert ("False", "Building") == world.condition("IndexBuilt")
    assert "spec.pause is All: nothing is built" == world.message("IndexBuilt") == world.message("IndexPublished")


def test_a_build_that_runs_on_while_all_is_paused_is_asked_how_far_it_is() -> None:
    world = World()
    world.begin_build()
    world.edit(pause="All")

    assert Settings().poll_seconds == with_addresses(world).plan().recheck_seconds


def with_addresses(world: World) -> World:
    """The same, whose pods can be asked."""
    for pod in world.every("Pod"):
        pod["status"]["podIP"] = "10.0.0.1"
    return world


def test_the_status_of_the_worst_resource_stays_below_its_size() -> None:
    world = served()
    pod = next(one for one in world.every("Pod") if one["metadata"]["name"].startswith("search-"))
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "ü" * 40_000}]}

    world.work()

    assert len(json.dumps(world.status, ensure_ascii=False).encode()) <= 16 * 1024


@pytest.mark.parametrize("field", ["done", "total", "rate", "eta", "heartbeatTime"])
@pytest.mark.parametrize("value", [-1, 1e20, None, "many", [1]])
def test_progress_that_cannot_be_is_no_reason_to_stop(field: str, value: object) -> None:
    world = World()
    job = world.begin_build()
    report = {"stage": "embed", "done": 1, "total": 9, "rate": 1.5, "eta": 4.0, "heartbeatTime": world.now.timestamp()}
    world.reports[f"{job['metadata']['name']}-x"] = {**report, field: value}

    world.work()

    told = world.status["build"]
    assert all(told.get(one, 0) >= 0 for one in ("done", "total", "eta"))
    assert float(told["rate"]) >= 0
    assert told["heartbeatTime"].startswith("2026-")


@pytest.mark.parametrize("stage", ["start", "read", "write"])
def test_a_build_that_answers_in_a_stage_without_steps_is_not_told_to_be_silent(stage: str) -> None:
    world = World()
    job = world.begin_build()
    begun = {"stage": stage, "done": 0, "total": 0, "rate": 0.0, "heartbeatTime": world.now.timestamp()}
    world.reports[f"{job['metadata']['name']}-x"] = begun

    world.work()
    world.now += timedelta(seconds=1800)
    world.work()

    assert ("False", "AsExpected") == world.condition("Degraded")


def test_progress_is_written_now_and_then_and_a_silent_build_is_told() -> None:
    world = World()
    job = world.begin_build()
    pod = f"{job['metadata']['name']}-x"

    def tell(done: int) -> None:
        at = world.now.timestamp()
        world.reports[pod] = {"stage": "embed", "done": done, "total": 9, "rate": 1.5, "eta": 4.0, "heartbeatTime": at}

    tell(1)
    world.work()
    first = world.status["build"]
    world.now += timedelta(seconds=3)
    tell(2)
    world.work()
    second = world.status["build"]
    world.now += timedelta(seconds=9)
    tell(5)
    world.work()
    third = world.status["build"]
    world.now += timedelta(seconds=400)
    world.work()

    assert {"done": 1, "total": 9, "rate": "1.5", "stage": "embed"}.items() <= first.items()
    assert first == second
    assert 5 == third["done"]
    assert ("True", "HeartbeatStale") == world.condition("Degraded")
