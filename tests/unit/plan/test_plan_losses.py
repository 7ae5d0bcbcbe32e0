"""The ledger stands before anything else, and where it or a volume is lost, what is there is listed first."""

from __future__ import annotations

import json

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World, rebuilt_in_vain, served

from clockifyrag_operator import names
from clockifyrag_operator.cluster import outcomes_between
from clockifyrag_operator.jobs import KEPT
from clockifyrag_operator.ledger import Ledger, ledger_text, parse_ledger


def pass_an_hour(world: World) -> None:
    """Longer than a rollout is waited for."""
    for _ in range(60):
        world.work()
        world.move(61)


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


def test_a_generation_of_which_a_listing_tells_little_is_served_and_removed_as_others_are() -> None:
    world = served()
    old = world.status["index"]["generation"]
    for characters in (100, 150):
        world.edit(chunking={"minChars": characters})
        world.settle()
    newest, *others = sorted(world.manifests.values(), key=lambda one: one["created"], reverse=True)
    world.lose("ConfigMap", names.generations(NAME))
    world.work()
    job = world.running()
    assert job is not None

    short = [{name: one[name] for name in ("id", "buildKey", "model")} for one in others]
    world.end(job, {"result": "Listed", "generations": [newest, *short], "more": 0})
    world.settle()
    world.edit(index={"pin": old})
    world.settle()
    pinned = world.status["index"]["generation"], world.condition("Ready")
    world.edit(index={"retain": 1})
    world.settle()
    world.edit(chunking={"minChars": 200})
    world.settle()

    assert (old, ("True", "Serving")) == pinned
    assert {one["id"] for one in others} - world.volume


def test_a_lost_ledger_does_not_read_a_source_again_whose_content_nobody_knows() -> None:
    world = World()
    world.edit(source={"http": {"url": "http://example.com/a.zip"}})
    world.ask("first")
    world.settle()

    world.objects.pop(("ConfigMap", names.generations(NAME)))
    world.settle()

    assert ["Build", "List"] == [one.kind for one in world.jobs_created]
    assert {"first": 1} == dict(world.builds_of_token)


DAMAGED = [
    "{", "[]", '{"published_at": "yesterday"}', '{"published_at": "2026-03-02T12:00:00"}',
    '{"entries": [{"id": "gen-0123456789ab", "state": "Unheard of"}]}',
    '{"entries": [{"id": "gen-0123456789ab", "state": "Good", "bytes": "many"}]}',
    '{"entries": [{"id": "gen-0123456789ab", "state": "Good", "model": null}]}',
    '{"entries": [{"id": "gen-0123456789ab", "state": "Good", "metrics": [1]}]}',
    '{"attempts": [{"build_key": "b", "reason": "NoSpace"}]}',
    '{"attempts": [{"build_key": "b", "reason": "Unheard of", "at": "2026-03-02T12:00:00+00:00"}]}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_a_ledger_that_holds_what_no_operator_wrote_is_damaged(text: str) -> None:
    assert parse_ledger(text) is None


def test_a_ledger_of_a_newer_operator_is_read_as_far_as_it_is_known() -> None:
    ledger = served().observe().ledger
    assert ledger is not None
    newer = {**json.loads(ledger_text(ledger)), "unheardOf": {"a": 1}}
    newer["entries"][0]["unheardOf"] = [1]

    assert ledger == parse_ledger(json.dumps(newer))


def test_a_generation_that_was_rolled_back_is_left_again_after_the_ledger_was_lost() -> None:
    world, good = rebuilt_in_vain()
    pass_an_hour(world)
    before = world.status["index"]["generation"], world.condition("IndexPublished")

    world.lose("ConfigMap", names.generations(NAME))
    world.begin_build()
    world.finish()
    pass_an_hour(world)

    assert (good, ("False", "RolledBack")) == before
    assert before == (world.status["index"]["generation"], world.condition("IndexPublished"))
    assert ("True", "Serving") == world.condition("Ready")


def test_listings_that_fail_do_not_pile_up_and_are_told() -> None:
    world = served()
    world.lose("ConfigMap", names.generations(NAME))

    for _ in range(20):
        world.begin_build()
        world.fail(1, "a bug")
        world.work()
        world.move(7200)

    assert len(list(world.every("Job"))) <= KEPT + 1
    assert ("True", "BuildFailed") == world.condition("Degraded")
    assert "listing the volume failed: a bug" in world.message("Degraded")


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


@pytest.mark.parametrize("damaged", [False, True])
def test_builds_of_before_a_ledger_was_lost_are_not_counted_again(damaged: bool) -> None:
    world = served()
    place = ("ConfigMap", names.generations(NAME))
    before = parse_ledger(world.objects[place]["data"][names.LEDGER_KEY])
    if damaged:
        world.objects[place]["data"][names.LEDGER_KEY] = "{"
    else:
        world.lose(*place)

    lost = world.observe().ledger
    world.settle()
    after = world.observe().ledger

    assert ("Succeeded",) == outcomes_between(Ledger(), before)
    assert after is not None
    assert after.recorded
    assert () == outcomes_between(lost, after)
