"""Another generation reaches the pods: in new ones, in place, rolled back, or pinned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plan.world import World, rebuilt_in_vain, served

from clockifyrag_operator import names


def test_a_generation_no_pod_gets_ready_with_is_rolled_back_and_a_token_tries_it_again() -> None:
    world, first = rebuilt_in_vain()
    for _ in range(20):
        world.work()
        world.move(100)
    rolled_back = world.condition("IndexPublished"), world.condition("Ready"), world.status["index"]["generation"]
    world.bad.clear()
    world.ask("again")
    world.settle()

    assert (("False", "RolledBack"), ("True", "Serving"), first) == rolled_back
    assert ("True", "Published") == world.condition("IndexPublished")
    assert first != world.status["index"]["generation"]


def test_pods_that_follow_the_pointer_are_touched_and_move_in_place() -> None:
    world = World()
    world.edit(search={"replicas": 2, "indexUpdate": "HotSwap"})
    world.settle()
    pods = {name for kind, name in world.objects if kind == "Pod" and name.startswith("search-")}
    world.edit(chunking={"minChars": 100})
    while world.running() is None:
        world.work()
    world.finish()
    touched = world.plan().touch
    world.settle()

    assert pods == set(touched)
    assert pods == {name for kind, name in world.objects if kind == "Pod" and name.startswith("search-")}
    assert [{"generation": world.status["index"]["generation"], "pods": 2}] == world.status["search"]["serving"]


def test_pods_that_never_move_on_are_not_called_ready_for_ever() -> None:
    world = World()
    world.edit(search={"replicas": 2, "indexUpdate": "HotSwap"})
    world.settle()
    world.edit(chunking={"minChars": 100})
    world.begin_build()
    world.finish()

    told = []
    for seconds in (0, 1, world.settings.rollout_seconds):
        world.now += timedelta(seconds=seconds)
        world.work()
        told.append(world.condition("Ready"))

    assert [("True", "RollingOut"), ("True", "RollingOut"), ("False", "RolloutFailed")] == told


def published_by_hot_swap() -> tuple[World, str]:
    """Two pods that are to change over to a second generation, and the first one."""
    world = World()
    world.edit(search={"replicas": 2, "indexUpdate": "HotSwap"})
    world.settle()
    first = world.status["index"]["generation"]
    world.edit(chunking={"minChars": 100})
    world.begin_build()
    world.finish()
    world.work()
    return world, first


def test_a_generation_that_pods_begun_anew_cannot_load_is_rolled_back_in_time_though_none_is_ready() -> None:
    world, first = published_by_hot_swap()
    begun, published = world.now, []
    for pod in [one for one in world.every("Pod") if one["metadata"]["name"].startswith("search-")]:
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": begun.isoformat()}]
        world.reports[pod["metadata"]["name"]] = {"generation": None, "problem": "the index cannot be loaded"}

    for seconds in (world.settings.rollout_seconds - 1, world.settings.rollout_seconds):
        world.now = begun + timedelta(seconds=seconds)
        world.work()
        published.append(world.status["index"]["generation"])

    assert first not in published[:1]
    assert first == published[1]
    assert ("False", "RolledBack") == world.condition("IndexPublished")
    assert "the index cannot be loaded" in world.message("IndexPublished")


@pytest.mark.parametrize("ready", [True, False], ids=["ready", "begun anew"])
def test_a_generation_that_is_still_on_its_way_to_pods_is_not_rolled_back(ready: bool) -> None:
    world, first = published_by_hot_swap()
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": world.now.isoformat()}]
    told = {"generation": first if ready else None, "problem": "fetching gen-x: 900 of 5000 MiB", "refused": False}
    for pod in [one for one in world.every("Pod") if one["metadata"]["name"].startswith("search-")]:
        pod["status"]["conditions"] = conditions
        world.reports[pod["metadata"]["name"]] = told

    world.now += timedelta(seconds=world.settings.rollout_seconds)
    world.work()

    assert first != world.status["index"]["generation"]
    assert "RolledBack" != world.condition("IndexPublished")[1]


CRASHED = {"name": "search", "ready": False, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}


@pytest.mark.parametrize(
    ("told", "states", "left"),
    [
        pytest.param({"refused": False}, [], False, id="on its way"),
        pytest.param({"refused": True}, [], True, id="refused"),
        pytest.param({}, [], True, id="a server of before, which does not say"),
        pytest.param({"refused": False}, [CRASHED], True, id="a pod that dies"),
    ],
)
def test_new_pods_that_wait_for_a_generation_are_no_reason_to_leave_it(
    told: dict[str, Any], states: list[dict[str, Any]], left: bool
) -> None:
    world, first = rebuilt_in_vain()
    problem = {"generation": None, "problem": "gen-x cannot be fetched yet: the store does not answer"}
    for _ in range(20):
        for pod in world.every("Pod"):
            if pod["metadata"]["labels"].get(names.GENERATION) not in (None, first):
                world.reports[pod["metadata"]["name"]] = problem | told
                pod["status"] |= {"podIP": "10.0.0.9", "containerStatuses": states}
        world.work()
        world.move(100)

    assert left == (world.status["index"]["generation"] == first)
    assert (("False", "RolledBack") if left else ("True", "Published")) == world.condition("IndexPublished")
    if not left:
        assert ("False", "RolloutFailed") == world.condition("Ready")
        assert "the store does not answer" in world.message("Ready")
        assert "the store does not answer" in world.message("Stalled")
        assert world.settings.poll_seconds == world.plan().recheck_seconds, "no event tells when a pod refuses it"


def test_a_pin_serves_an_older_generation_without_a_job() -> None:
    world = served()
    first = world.status["index"]["generation"]
    world.edit(chunking={"minChars": 100})
    world.settle()

    world.edit(index={"pin": first})
    world.settle()
    pinned = world.status["index"]["generation"], world.condition("IndexPublished")
    world.edit(index={"pin": "gen-0123456789ab"})
    world.settle()

    assert (first, ("True", "Pinned")) == pinned
    assert ("False", "Pinned") == world.condition("IndexPublished")
    assert first in world.message("IndexPublished")
    assert 2 == len(world.jobs_created)
