"""Reconciling and Stalled: who has to wait for an edit, or to act, from its first pass to the last new pod."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.plan.cluster import NAME, UNSCHEDULED
from tests.unit.plan.world import World

SETTLED, ROLLING = ("False", "Settled"), ("True", "RollingOut")


def served() -> World:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.settle()
    return world


def waits_for(servers: str) -> str:
    return f"pods of {NAME}-{servers} are being replaced, started or removed"


def test_the_pass_that_gives_search_pods_another_template_tells_of_it_at_once() -> None:
    world = served()
    world.edit(search={"config": {"cacheSize": 7}})

    world.work()

    assert ROLLING == world.condition("Reconciling")
    assert ROLLING == world.condition("Ready")


@pytest.mark.parametrize(
    "server",
    [
        pytest.param({"resources": {"requests": {"cpu": "750m"}}}, id="another template"),
        pytest.param({"replicas": 3}, id="more of them"),
    ],
)
def test_the_pass_that_gives_model_servers_other_pods_tells_of_it_at_once(server: dict[str, Any]) -> None:
    world = served()
    world.edit(ollama={"server": server})

    world.work()
    during = world.condition("Reconciling"), world.message("Reconciling"), world.condition("Ready")
    world.settle()

    assert (ROLLING, waits_for("ollama"), ("True", "Serving")) == during
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
    told = world.objects["StatefulSet", f"{NAME}-{servers}"]["status"]
    held = dict(told)

    told |= status
    world.work()
    during = world.condition("Reconciling"), world.message("Reconciling")
    told |= held
    world.work()

    assert (ROLLING, waits_for(servers)) == during
    assert SETTLED == world.condition("Reconciling")


def test_what_holds_a_model_server_up_is_told() -> None:
    world = served()
    world.objects["StatefulSet", f"{NAME}-ollama"]["status"]["readyReplicas"] = 0
    world.objects["Pod", f"{NAME}-ollama-0"]["status"] = UNSCHEDULED

    world.work()

    assert "True" == world.condition("Reconciling")[0]
    assert "Insufficient memory" in world.message("Reconciling")


def test_a_store_that_was_deleted_is_waited_for() -> None:
    world = served()
    world.lose("StatefulSet", f"{NAME}-store")

    world.work()

    assert (ROLLING, waits_for("store")) == (world.condition("Reconciling"), world.message("Reconciling"))


def test_model_servers_that_are_wanted_no_more_are_not_waited_for() -> None:
    world = served()
    world.objects["StatefulSet", f"{NAME}-ollama"]["status"]["readyReplicas"] = 0
    world.edit(ollama={"url": "http://models.example:11434"})
    world.settle()

    world.work()

    assert SETTLED == world.condition("Reconciling")


def test_nobody_waits_for_servers_where_everything_is_paused() -> None:
    world = served()
    world.objects["StatefulSet", f"{NAME}-ollama"]["status"]["readyReplicas"] = 0

    world.edit(pause="All")
    world.work()

    assert SETTLED == world.condition("Reconciling")


def test_what_was_refused_of_the_spec_before_does_not_stall_the_next_one() -> None:
    world = served()
    world.refusals = {("Deployment", f"{NAME}-search"): "a policy forbids it"}
    world.work()
    refused = world.condition("Stalled"), "a policy forbids it" in world.message("Ready")

    world.edit(search={"replicas": 3})
    world.work()
    mended = world.condition("Stalled"), "a policy forbids it" in world.message("Ready")
    world.work()

    assert (("True", "SpecInvalid"), True) == refused
    assert (("False", "AsExpected"), False) == mended
    assert ("True", "SpecInvalid") == world.condition("Stalled"), "it was refused once more"


def test_who_has_to_act_does_not_wait() -> None:
    world = served()
    world.refusals = {("StatefulSet", f"{NAME}-ollama"): "a policy forbids it"}
    world.objects["StatefulSet", f"{NAME}-ollama"]["status"]["updatedReplicas"] = 0

    world.work()

    assert (("True", "SpecInvalid"), SETTLED) == (world.condition("Stalled"), world.condition("Reconciling"))
