"""Reconciling and Stalled: who has to wait for an edit, or to act, from its first pass to the last new pod."""

from __future__ import annotations

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World

SETTLED, ROLLING = ("False", "Settled"), ("True", "RollingOut")


def served() -> World:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.settle()
    return world


def test_the_pass_that_gives_search_pods_another_template_tells_of_it_at_once() -> None:
    world = served()
    world.edit(search={"config": {"cacheSize": 7}})

    world.work()

    assert ROLLING == world.condition("Reconciling")
    assert ROLLING == world.condition("Ready")


def test_the_pass_that_gives_model_servers_another_template_tells_of_it_at_once() -> None:
    world = served()
    world.edit(ollama={"server": {"resources": {"requests": {"cpu": "750m"}}}})

    world.work()
    during = world.condition("Reconciling"), world.message("Reconciling"), world.condition("Ready")
    world.settle()

    assert (ROLLING, f"pods of {NAME}-ollama are being replaced or started", ("True", "Serving")) == during
    assert SETTLED == world.condition("Reconciling")


@pytest.mark.parametrize("servers", ["ollama", "store"])
@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"updatedReplicas": 0}, id="a pod of the template before"),
        pytest.param({"readyReplicas": 0}, id="a pod that is not ready"),
        pytest.param({"replicas": 2}, id="a pod too many"),
        pytest.param({"observedGeneration": 0}, id="its controller has not looked yet"),
    ],
)
def test_model_servers_and_the_store_are_waited_for(servers: str, status: dict[str, int]) -> None:
    world = served()
    name = f"{NAME}-{servers}"
    told = world.objects["StatefulSet", name]["status"]
    held = dict(told)

    told |= status
    world.work()
    during = world.condition("Reconciling"), world.message("Reconciling")
    told |= held
    world.work()

    assert (ROLLING, f"pods of {name} are being replaced or started") == during
    assert SETTLED == world.condition("Reconciling")


def test_nobody_waits_for_servers_where_the_spec_is_refused_or_everything_paused() -> None:
    world = served()
    world.objects["StatefulSet", f"{NAME}-ollama"]["status"]["readyReplicas"] = 0

    world.edit(pause="All")
    world.work()

    assert SETTLED == world.condition("Reconciling")


def test_what_was_refused_of_the_spec_before_does_not_stall_the_next_one() -> None:
    world = served()
    world.refusals = {("StatefulSet", f"{NAME}-ollama"): "a policy forbids it"}
    world.work()
    refused = world.condition("Stalled")

    world.edit(search={"replicas": 3})
    world.work()
    mended = world.condition("Stalled")
    world.work()

    assert ("True", "SpecInvalid") == refused
    assert ("False", "AsExpected") == mended
    assert ("True", "SpecInvalid") == world.condition("Stalled"), "it was refused once more"
