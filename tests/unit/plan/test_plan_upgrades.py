"""An operator with other images: held back until it is told to, and which format a builder writes."""

from __future__ import annotations

import pytest
from tests.unit.plan.world import World, served

from clockifyrag_operator import images, names
from clockifyrag_operator.build_key import BUILDER_FORMAT


def test_an_operator_with_other_images_changes_no_pod_until_it_is_told_to() -> None:
    world = served()
    world.settings = world.settings.model_copy(update={"service_image": "service:2"})

    world.settle()
    held = world.condition("UpgradePending"), world.message("UpgradePending"), world.status["images"]["service"]
    world.edit(upgradePolicy="Auto")
    world.settle()

    assert (("True", "NewImages"), "service:1") == (held[0], held[2])
    assert "service:1 → service:2" in held[1]
    assert ("service:2", ("False", "UpToDate")) == (
        world.status["images"]["service"],
        world.condition("UpgradePending"),
    )


def test_builds_of_a_builder_that_is_held_back_are_known_by_its_own_format(monkeypatch: pytest.MonkeyPatch) -> None:
    world, earlier, newer = served(), BUILDER_FORMAT, BUILDER_FORMAT + 1
    world.settings = world.settings.model_copy(update={"index_builder_image": "builder:2"})
    monkeypatch.setattr(images, "BUILDER_FORMAT", newer)

    world.settle()
    at_once = formats(world)
    world.edit(chunking={"minChars": 100})
    world.settle()
    held = formats(world), builder(world)
    world.edit(upgradePolicy="Auto")
    world.settle()

    assert [earlier] == at_once, "nothing is built for a newer operator alone"
    assert ([earlier, earlier], ("builder:1", earlier)) == held
    assert ([earlier, earlier, newer], ("builder:2", newer)) == (formats(world), builder(world))


def test_a_builder_that_the_spec_names_is_taken_for_as_new_as_the_operator_and_the_default_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, earlier, newer = served(), BUILDER_FORMAT, BUILDER_FORMAT + 1
    world.settings = world.settings.model_copy(update={"index_builder_image": "builder:2"})
    monkeypatch.setattr(images, "BUILDER_FORMAT", newer)

    world.edit(build={"image": "builder:2"})
    world.settle()

    assert ([earlier, newer], ("builder:1", earlier)) == (formats(world), builder(world))


def test_a_job_of_the_operator_before_runs_on_and_its_failure_waits_as_if_nothing_else_was_asked_for() -> None:
    world = World()
    job = world.begin_build()
    job["metadata"]["annotations"][names.INPUTS] = "0123456789ab"  # as an operator of before digested the same
    world.lose_pods_of(job["metadata"]["name"])

    world.work()
    goes = "deletionTimestamp" in job["metadata"]
    world.fail(30, "no such host")
    for _ in range(4):
        world.work()
        world.move()

    assert not goes
    assert ("True", "BuildFailed") == world.condition("Degraded")
    assert world.running() is None


def formats(world: World) -> list[int]:
    """Of every build so far, the format its generation is known by."""
    return [order.key.format for order in world.jobs_created]


def builder(world: World) -> tuple[str, int]:
    """The default builder that the status remembers, and the format of what it writes."""
    return world.status["images"]["indexBuilder"], world.status["images"]["format"]
