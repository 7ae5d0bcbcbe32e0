"""Scenes: what a resource goes through, from its first pass on, and what its status says of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World

from clockifyrag_operator import images, names
from clockifyrag_operator.build_key import BUILDER_FORMAT
from clockifyrag_operator.plan import plan
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.conditions import CONDITIONS, REASONS, ConditionType


def served() -> World:
    world = World()
    world.settle()
    return world


def test_all_conditions_are_there_from_the_first_pass_with_reasons_that_are_known() -> None:
    world = World()

    world.work()

    assert [str(one.type) for one in CONDITIONS] == [one["type"] for one in world.status["conditions"]]
    assert all(one["reason"] in REASONS[ConditionType(one["type"])] for one in world.status["conditions"])


def test_the_empty_ledger_is_written_before_anything_rests_on_it() -> None:
    made = World().plan()

    assert made.ledger is not None
    assert "resourceVersion" not in made.ledger["metadata"]
    assert "PersistentVolumeClaim" in [one["kind"] for one in made.apply]
    assert [] == [one for one in made.create if one["kind"] == "Job"]


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


def test_damaged_files_are_told_as_such_whatever_the_words_and_other_problems_are_not() -> None:
    world = served()
    pod, report = next((name, one) for name, one in world.reports.items() if "problem" in one)

    told = []
    for damaged in (True, False):
        report |= {"problem": f"{pod} cannot: digest", "damaged": damaged}
        world.work()
        told.append((world.condition("Degraded"), pod in world.message("Degraded")))

    assert [(("True", "IndexCorrupt"), True), (("False", "AsExpected"), False)] == told


def test_at_rest_search_pods_are_asked_again_only_where_a_model_server_may_fail_them() -> None:
    world = served()
    by_themselves = with_addresses(world).plan().recheck_seconds
    world.edit(
        embedding={"provider": "Local", "queryProvider": "Ollama"}, ollama={"url": "http://models.example:11434"}
    )
    world.settle()

    assert by_themselves is None
    assert Settings().health_seconds == with_addresses(world).plan().recheck_seconds


@pytest.mark.parametrize("report", [{"degraded": ["embedder"]}, {"problem": "digest", "damaged": True}])
def test_what_pods_alone_tell_to_be_over_is_asked_for_as_often_as_what_is_under_way(report: dict[str, object]) -> None:
    world = with_addresses(served())
    next(iter(world.reports.values())).update(report)

    world.work()

    assert "True" == world.condition("Degraded")[0]
    assert Settings().poll_seconds == world.plan().recheck_seconds


def with_addresses(world: World) -> World:
    """The same, whose pods can be asked."""
    for pod in world.every("Pod"):
        pod["status"]["podIP"] = "10.0.0.1"
    return world


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


def test_a_generation_no_pod_gets_ready_with_is_rolled_back_and_a_token_tries_it_again() -> None:
    world = served()
    first = world.status["index"]["generation"]
    world.edit(chunking={"minChars": 100})
    while world.running() is None:
        world.work()
        world.move()
    world.finish()
    world.bad = world.volume - {first}
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
    while world.running() is None:
        world.work()
        world.move()
    world.finish()

    told = []
    for seconds in (0, 1, world.settings.rollout_seconds):
        world.now += timedelta(seconds=seconds)
        world.work()
        told.append(world.condition("Ready"))

    assert [("True", "RollingOut"), ("True", "RollingOut"), ("False", "RolloutFailed")] == told


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
    while world.running() is None:
        world.work()
        world.move()

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


def test_while_all_is_paused_pods_that_outlive_their_deployment_are_told_as_what_they_serve() -> None:
    world = served()
    generation = world.status["index"]["generation"]
    world.edit(pause="All")
    world.lose("Deployment", names.search(NAME))
    world.objects.pop(("ConfigMap", names.generations(NAME)))

    world.work()

    assert ("True", generation) == (world.condition("Ready")[0], world.status["index"]["generation"])
    assert ("Deployment", names.search(NAME)) not in world.objects


def formats(world: World) -> list[int]:
    """Of every build so far, the format its generation is known by."""
    return [order.key.format for order in world.jobs_created]


def builder(world: World) -> tuple[str, int]:
    """The default builder that the status remembers, and the format of what it writes."""
    return world.status["images"]["indexBuilder"], world.status["images"]["format"]


def test_the_status_of_the_worst_resource_stays_below_its_size() -> None:
    world = served()
    pod = next(one for one in world.every("Pod") if one["metadata"]["name"].startswith("search-"))
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "ü" * 40_000}]}

    world.work()

    assert len(json.dumps(world.status, ensure_ascii=False).encode()) <= 16 * 1024


def test_progress_is_written_now_and_then_and_a_silent_build_is_told() -> None:
    world = World()
    while world.running() is None:
        world.work()
        world.move()
    job = world.running()
    assert job is not None
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
