"""The ledger stands before anything else, and where it or a volume is lost, what is there is listed first."""

from __future__ import annotations

from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World, served

from clockifyrag_operator import names


def test_the_empty_ledger_is_written_before_anything_rests_on_it() -> None:
    made = World().plan()

    assert made.ledger is not None
    assert "resourceVersion" not in made.ledger["metadata"]
    assert "PersistentVolumeClaim" in [one["kind"] for one in made.apply]
    assert [] == [one for one in made.create if one["kind"] == "Job"]


def test_a_lost_ledger_is_read_back_before_anything_is_built_or_removed() -> None:
    world = served()
    before = world.status["index"]
    world.objects.pop(("ConfigMap", names.generations(NAME)))

    world.work()
    told = world.condition("Ready"), world.message("IndexBuilt")
    world.settle()

    assert ("True", "Serving") == told[0]
    assert "the ledger is gone" in told[1]
    assert ["Build", "List"] == [one.kind for one in world.jobs_created]
    assert before["generation"] == world.status["index"]["generation"]


def test_a_listing_that_leaves_out_what_is_served_publishes_nothing_else() -> None:
    world = served()
    old = world.status["index"]["generation"]
    for characters in (100, 150):
        world.edit(chunking={"minChars": characters})
        world.settle()
    world.edit(index={"pin": old})
    world.settle()
    world.lose("ConfigMap", names.generations(NAME))
    world.work()
    job = world.running()
    assert job is not None
    newest = max(world.manifests.values(), key=lambda one: one["created"])

    world.end(job, {"result": "Listed", "generations": [newest], "more": 2})
    world.settle()

    assert (old, 1) == (world.status["index"]["generation"], len(world.status["generations"]))
    assert ("True", "Serving") == world.condition("Ready")


def test_a_lost_ledger_does_not_read_a_source_again_whose_content_nobody_knows() -> None:
    world = World()
    world.edit(source={"http": {"url": "http://example.com/a.zip"}})
    world.ask("first")
    world.settle()

    world.objects.pop(("ConfigMap", names.generations(NAME)))
    world.settle()

    assert ["Build", "List"] == [one.kind for one in world.jobs_created]
    assert {"first": 1} == dict(world.builds_of_token)


def test_an_unreadable_listing_is_tried_again_with_waits() -> None:
    world = served()
    world.objects.pop(("ConfigMap", names.generations(NAME)))
    world.work()
    world.fail(1, "a bug")

    world.work()
    waits = world.running(), world.message("IndexBuilt")
    world.settle()

    assert waits[0] is None
    assert "listing the volume failed: a bug" in waits[1]
    assert [1, 2] == [one.attempt for one in world.jobs_created if one.kind == "List"]


def test_a_volume_that_was_replaced_is_filled_again_while_pods_keep_serving() -> None:
    world = served()
    world.lose("PersistentVolumeClaim", names.index_volume(NAME))

    for _ in range(4):
        world.work()
        assert ("True", "Serving") == world.condition("Ready")
        world.move()
    world.settle()

    assert ["Build", "List", "Build"] == [one.kind for one in world.jobs_created]
