"""What builds an index and what does not, how often, and for which reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World, served

from clockifyrag_operator import names


def test_going_back_to_what_was_built_before_needs_no_job() -> None:
    world = served()
    first = world.status["index"]["generation"]
    world.edit(chunking={"minChars": 100})
    world.settle()
    second = world.status["index"]["generation"]

    world.edit(chunking=None)
    world.settle()

    assert first != second
    assert first == world.status["index"]["generation"]
    assert 2 == len(world.jobs_created)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"chunking": {"minChars": 100}}, "SpecChanged"),
        ({"index": {"type": "Flat"}}, "SpecChanged"),
        ({"embedding": {"provider": "Local", "model": "wordllama"}}, "ModelChanged"),
        ({"embedding": {"provider": "Local", "profile": {"queryPrefix": "q: "}}}, "ModelChanged"),
        ({"search": {"replicas": 3}}, None),
        ({"search": {"config": {"cacheSize": 1}}}, None),
        ({"build": {"resources": {"limits": {"memory": "8Gi"}}}}, None),
        ({"index": {"retain": 5}}, None),
        ({"index": {"hnsw": {"m": 16}}}, "SpecChanged"),
    ],
)
def test_only_what_changes_an_index_builds_one(edit: dict[str, Any], reason: str | None) -> None:
    world = served()

    world.edit(**edit)
    world.settle()

    assert ([reason] if reason else []) == [one.reason for one in world.jobs_created[1:]]


def test_another_model_under_the_same_name_builds_an_index_and_is_its_reason() -> None:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.settle()
    first = world.status["index"]["generation"]

    world.digests["nomic-embed-text"] = "f" * 64
    world.settle()

    assert ["ModelChanged"] == [one.reason for one in world.jobs_created[1:]]
    assert first != world.status["index"]["generation"]
    assert "ModelChanged" == world.status["index"]["reason"]


def test_a_build_for_another_model_goes_on_while_the_model_server_is_silent() -> None:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.settle()
    world.digests["nomic-embed-text"] = "f" * 64
    begun = world.begin_build()["metadata"]["name"]

    world.reports.clear()
    world.work()
    running = world.running()

    assert running is not None
    assert (begun, None) == (running["metadata"]["name"], running["metadata"].get("deletionTimestamp"))


def test_a_tick_of_the_schedule_builds_an_index_and_is_its_reason() -> None:
    world = World()
    world.edit(source={"http": {"url": "https://example.com/help.jsonl"}}, build={"schedule": {"cron": "0 3 * * *"}})
    world.settle()
    first = len(world.jobs_created)

    world.now += timedelta(days=1)
    world.settle()

    assert ["Scheduled"] == [one.reason for one in world.jobs_created[first:]]
    assert "Scheduled" == world.status["index"]["reason"]


def test_the_content_of_a_config_map_decides_and_its_absence_is_told() -> None:
    world = World()
    world.edit(source={"configMapRef": {"name": "articles"}})
    world.settle()
    missing = world.condition("IndexBuilt"), world.message("IndexBuilt")

    world.config_maps["articles"] = "one"
    world.settle()
    world.config_maps["articles"] = "two"
    world.settle()

    assert ("False", "SourceUnreachable") == missing[0]
    assert "spec.source.configMapRef.name: found articles" in missing[1]
    assert ["Initial", "SourceChanged"] == [one.reason for one in world.jobs_created]


def test_many_edits_during_a_build_end_at_the_last_one() -> None:
    world = World()
    for _ in range(3):
        world.work()
        world.move()
    for number in range(50):
        world.edit(chunking={"minChars": 100 + number}, search={"replicas": number % 3})
        world.work()
        if number % 7 == 0:
            world.move()

    world.settle()

    assert world.generation == world.status["observedGeneration"]
    assert ("True", "Published") == world.condition("IndexPublished")
    assert world.plan().replicas == {("Deployment", names.search(NAME)): 49 % 3}


@pytest.mark.parametrize("passes_before", range(12))
def test_a_token_set_at_any_step_builds_once(passes_before: int) -> None:
    world = World()
    for _ in range(passes_before):
        world.work()
        world.move()
        if world.running() is not None:
            world.finish()

    world.ask("now")
    world.settle()

    assert {"now": 1} == dict(world.builds_of_token)
    assert "now" == world.status["index"]["reindexToken"]


def test_a_token_set_while_a_build_runs_builds_after_it() -> None:
    world = served()
    world.edit(chunking={"minChars": 100})
    world.work()
    world.ask("now")
    world.work()

    world.settle()

    assert [("SpecChanged", ""), ("Requested", "token now")] == [(o.reason, o.trigger) for o in world.jobs_created[1:]]
