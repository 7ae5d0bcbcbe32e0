"""Outcomes: each way a Job can end has one consequence, and tries are bounded."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World

from clockifyrag_operator import names
from clockifyrag_operator.backoff import wait_seconds
from clockifyrag_operator.jobs import JOB_NAME, LiveJob
from clockifyrag_operator.ledger import BuildKey, BuildOrder, Ledger, ledger_text
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.outcomes import Outcome, outcome, with_outcome
from clockifyrag_operator.settings import Settings

KEY = BuildKey(1, "a" * 12, "b" * 12, "c" * 12)
MORE_MEMORY = {"build": {"resources": {"limits": {"memory": "8Gi"}}}}
SMALL_BATCHES = {"embedding": {"provider": "Local", "batchSize": 4}}
BUILT = '{"result": "Built", "generation": "gen-0123456789ab", "documents": 3}'


def job(kind: str, reason: str = "", message: str = "") -> LiveJob:
    ended = {"type": kind, "status": "True", "reason": reason, "message": message}
    manifest = {"metadata": {"name": "j"}, "spec": {"activeDeadlineSeconds": 60}, "status": {"conditions": [ended]}}
    return LiveJob(manifest, BuildOrder("Build", KEY, "", "Initial"))


def pod(exit_code: int, message: str = "", reason: str = "Error", name: str = "build") -> Manifest:
    ended = {"exitCode": exit_code, "reason": reason, "message": message}
    return {
        "metadata": {"name": "p"},
        "status": {"containerStatuses": [{"name": name, "state": {"terminated": ended}}]},
    }


def failed(code: int, error: str) -> Manifest:
    return pod(code, json.dumps({"result": "Failed", "exitCode": code, "error": error}))


EVICTED = {"metadata": {"name": "p"}, "status": {"phase": "Failed", "reason": "Evicted", "message": "node low on disk"}}


@pytest.mark.parametrize(
    ("ended", "pods", "expected"),
    [
        pytest.param(job("Complete"), [pod(0, BUILT)], ("Built", "BuildFailed", False), id="built"),
        pytest.param(job("Complete"), [pod(0, f"a log\n{BUILT}\n")], ("Built", "BuildFailed", False), id="after a log"),
        pytest.param(job("Complete"), [], ("Failed", "BuildFailed", False), id="complete, its pods gone"),
        pytest.param(job("Complete"), [pod(0, "[1]\nno json")], ("Failed", "BuildFailed", False), id="not readable"),
        pytest.param(
            job("Complete"), [pod(0, '{"result": "Built", "generation": "../etc"}')],
            ("Failed", "BuildFailed", False), id="built, of no possible name",
        ),
        pytest.param(
            job("Complete"), [pod(0, '{"result": "NeedVectors"}')], ("NeedVectors", "BuildFailed", False), id="vectors"
        ),
        pytest.param(job("Failed"), [failed(2, "--x?")], ("Failed", "BuildFailed", True), id="usage"),
        pytest.param(job("Failed"), [failed(30, "404")], ("Failed", "SourceUnreachable", False), id="source"),
        pytest.param(job("Failed"), [failed(40, "503")], ("Failed", "EmbedderDown", False), id="embedder"),
        pytest.param(job("Failed"), [failed(50, "no space left")], ("Failed", "NoSpace", False), id="no space"),
        pytest.param(job("Failed"), [failed(50, "read-only")], ("Failed", "BuildFailed", False), id="other storage"),
        pytest.param(job("Failed"), [pod(137, reason="OOMKilled")], ("Failed", "OOMKilled", False), id="memory"),
        pytest.param(job("Failed"), [pod(1, "Traceback")], ("Failed", "BuildFailed", False), id="a bug"),
        pytest.param(job("Failed"), [EVICTED], ("Failed", "BuildFailed", False), id="evicted"),
        pytest.param(job("Failed"), [], ("Failed", "BuildFailed", False), id="failed, its pods gone"),
        pytest.param(
            job("Failed", "DeadlineExceeded"), [], ("Failed", "DeadlineExceeded", False), id="took too long"
        ),
    ],
)  # fmt: skip
def test_a_finished_job_has_one_outcome(ended: LiveJob, pods: list[Manifest], expected: tuple[str, str, bool]) -> None:
    found = outcome(ended, pods)

    assert expected == (found.result, found.reason, found.final)
    assert "Failed" != found.result or found.message


@pytest.mark.parametrize(
    ("code", "error", "reason"),
    [
        (30, "no such host", "SourceUnreachable"),
        (40, "no answer", "BuildFailed"),
        (50, "no space left on device", "NoSpace"),
        (1, "a bug", "BuildFailed"),
    ],
)
def test_a_failed_build_is_told_and_tried_again_after_a_wait(code: int, error: str, reason: str) -> None:
    world = started()
    world.fail(code, error)

    world.work()
    told, waits = world.condition("IndexBuilt"), world.running()
    world.now += timedelta(seconds=60)
    world.work()

    assert ("False", reason) == told
    assert error in world.message("Degraded")
    assert waits is None
    assert [1, 2] == [one.attempt for one in world.jobs_created]


def test_tries_get_rarer_up_to_an_hour() -> None:
    world = started()
    begun = []

    for _ in range(9):
        world.fail(30, "no such host")
        waited = 0
        while world.running() is None or waited == 0:
            world.work()
            world.move(120)
            waited += 120
        begun.append(waited)

    assert begun[:7] == sorted(begun[:7])
    assert 3600 <= begun[-1] <= 3600 + 240
    assert list(range(1, 11)) == [one.attempt for one in world.jobs_created]


def test_waits_double_and_differ_between_resources() -> None:
    settings = Settings()

    waits = [wait_seconds("a", failures, settings) for failures in range(1, 200)]

    assert all(0.8 * 30 * 2**n <= wait <= 1.2 * 30 * 2**n for n, wait in enumerate(waits[:6]))
    assert {3600} == set(waits[8:])
    assert len({wait_seconds(uid, 1, settings) for uid in "abcdef"}) > 4


def test_a_usage_error_is_not_tried_again_until_somebody_asks() -> None:
    world = started()
    world.fail(2, "--source is wrong")

    for _ in range(20):
        world.work()
        world.now += timedelta(hours=1)
    stalled = world.condition("Stalled")
    world.ask("again")
    world.settle()

    assert ("True", "BuildFailed") == stalled
    assert 2 == len(world.jobs_created)
    assert ("True", "Serving") == world.condition("Ready")


@pytest.mark.parametrize(
    ("failure", "mended"),
    [
        pytest.param({"exit_code": 2, "error": "no such option"}, {"build": {"image": "builder:2"}}, id="image"),
        pytest.param({"oom": True, "exit_code": 137, "error": ""}, MORE_MEMORY, id="memory"),
        pytest.param({"oom": True, "exit_code": 137, "error": ""}, SMALL_BATCHES, id="batch"),
        pytest.param({"exit_code": 50, "error": "no space left"}, {"index": {"storage": {"size": "20Gi"}}}, id="size"),
        pytest.param({"exit_code": 50, "error": "no space left"}, {"index": {"retain": 1}}, id="retain"),
        pytest.param(
            {"reason": "DeadlineExceeded", "exit_code": 137, "error": ""}, {"build": {"deadlineSeconds": 90000}},
            id="deadline",
        ),
    ],
)  # fmt: skip
def test_a_failed_build_is_tried_at_once_with_what_mends_it(failure: dict[str, Any], mended: dict[str, Any]) -> None:
    world = started()
    world.fail(**failure)
    world.work()
    failed = world.running(), world.status["conditions"]

    world.edit(**mended)
    for _ in range(4):
        world.work()
        world.move()
    tried = world.running()
    world.settle()

    assert failed[0] is None
    assert tried is not None
    assert 1 == world.order_of(tried).attempt
    assert ("True", "Serving") == world.condition("Ready")


def test_a_token_whose_build_failed_for_good_builds_once_with_what_mends_it() -> None:
    world = World()
    world.settle()
    world.ask("again")
    world.begin_build()
    world.fail(2, "no such option")
    world.settle()
    failed = len(world.jobs_created)

    world.edit(build={"image": "builder:2"})
    world.settle()

    assert (2, 3) == (failed, len(world.jobs_created))
    assert 1 == world.builds_of_token["again"]


def test_a_build_that_failed_while_a_clock_was_ahead_is_tried_when_it_is_right_again() -> None:
    world = started()
    world.now += timedelta(days=400)
    world.fail(30, "no such host")
    world.work()
    world.now -= timedelta(days=400)

    world.work()
    world.move()
    world.work()

    assert world.running() is not None


def test_a_failed_build_waits_also_where_the_clock_of_the_operator_is_far_behind() -> None:
    world = started()
    world.now += timedelta(hours=2)  # as the API server has it
    world.fail(30, "no such host")
    world.now -= timedelta(hours=2)

    for _ in range(4):
        world.work()
        world.move()

    assert world.running() is None
    assert 1 == len(world.jobs_created)


def test_a_failed_build_is_not_tried_sooner_for_a_change_that_it_does_not_depend_on() -> None:
    world = started()
    world.fail(30, "no such host")
    world.work()

    world.edit(search={"replicas": 3})
    for _ in range(4):
        world.work()
        world.move()

    assert world.running() is None


def test_a_build_that_fails_after_it_was_mended_is_told_once_and_tried_at_once() -> None:
    world = started()
    world.edit(**MORE_MEMORY)
    world.work()
    world.fail(137, "", oom=True)

    world.work()
    told = world.condition("IndexBuilt")
    for _ in range(4):
        world.work()
        world.move()

    assert ("False", "OOMKilled") == told
    assert [1, 1] == [one.attempt for one in world.jobs_created]
    assert world.running() is not None


def test_a_failure_that_an_earlier_operator_wrote_down_still_waits() -> None:
    world = started()
    world.fail(2, "--source is wrong")
    world.work()
    ledger = world.objects["ConfigMap", names.generations(NAME)]["data"]
    ledger[names.LEDGER_KEY] = re.sub(r'"inputs":"[\w-]+",', "", ledger[names.LEDGER_KEY])

    world.settle()

    assert 1 == len(world.jobs_created)
    assert ("True", "BuildFailed") == world.condition("Stalled")


def test_when_a_rebuild_fails_the_old_index_keeps_serving() -> None:
    world = World()
    world.settle()
    world.edit(chunking={"minChars": 100})
    world.work()

    world.fail(30, "no such host")
    world.work()

    told = {kind: world.condition(kind)[0] for kind in ("Ready", "IndexPublished", "Degraded")}
    assert {"Ready": "True", "IndexPublished": "False", "Degraded": "True"} == told


def begin_to_build_once_more(world: World, asks: str) -> None:
    """After all is settled, because of a token or of a schedule."""
    if asks == "a schedule":
        world.edit(build={"schedule": {"cron": "0 3 * * *"}})
    world.settle()
    if asks == "a token":
        world.ask("again")
    else:
        world.move(24 * 3600)
    world.begin_build()


@pytest.mark.parametrize("asks", ["a schedule", "a token"])
def test_when_a_rebuild_that_was_asked_for_fails_what_is_published_is_not_what_is_wanted(asks: str) -> None:
    world = World()
    world.edit(source={"http": {"url": "https://docs.example/"}})

    begin_to_build_once_more(world, asks)
    runs = world.condition("IndexPublished")
    world.fail(30, "no such host")
    world.work()

    told = {kind: world.condition(kind)[0] for kind in ("Ready", "IndexPublished", "Degraded")}
    assert ("False", "Building") == runs
    assert {"Ready": "True", "IndexPublished": "False", "Degraded": "True"} == told
    assert "no such host" in world.message("IndexPublished")


def test_a_failure_of_what_the_spec_wants_is_told_when_the_token_that_came_with_it_is_taken_away() -> None:
    world = World()
    world.settle()
    world.edit(chunking={"minChars": 100})
    world.ask("again")
    world.begin_build()
    world.fail(1, "a bug")
    world.work()

    world.annotations.clear()
    world.work()

    assert ("True", "BuildFailed") == world.condition("Degraded")


@pytest.mark.parametrize("exit_code", [1, 2], ids=["tried again", "for good"])
@pytest.mark.parametrize("asks", ["a schedule", "a token"])
def test_a_failure_of_a_build_that_nobody_asks_for_any_more_is_forgotten(asks: str, exit_code: int) -> None:
    world = World()
    begin_to_build_once_more(world, asks)
    world.fail(exit_code, "a bug")
    world.work()
    failed = world.condition("Degraded")

    world.annotations.clear()
    world.edit(build=None)
    world.work()

    assert ("True", "BuildFailed") == failed
    assert ("False", "AsExpected") == world.condition("Degraded")
    assert ("True", "Built") == world.condition("IndexBuilt")


def test_a_job_deleted_by_hand_is_made_again() -> None:
    world = started()

    world.lose("Job", next(world.every("Job"))["metadata"]["name"])
    world.settle()

    assert ("True", "Built") == world.condition("IndexBuilt")
    assert 2 == len(world.jobs_created)


def test_a_job_whose_pods_vanish_before_they_are_read_is_repeated() -> None:
    world = started()
    running = world.running()
    assert running is not None
    world.lose_pods_of(running["metadata"]["name"])
    world.end(running, None)

    world.work()
    told = world.message("IndexBuilt")
    world.settle()

    assert "gone before their outcome was read" in told
    assert ("True", "Serving") == world.condition("Ready")


def test_a_build_whose_pod_ended_well_is_published_before_its_job_is_told_and_once() -> None:
    world = started()
    job = ended_pod_alone(world)
    world.work()
    early = world.condition("IndexPublished"), [one for one in world.events if one.startswith("Normal Job")]

    job["status"]["conditions"] = [{"type": "Complete", "status": "True", "lastTransitionTime": world.now.isoformat()}]
    world.settle()

    assert (("True", "Published"), ["Normal JobStarted", "Normal JobComplete"]) == early
    assert 1 == len(world.jobs_created)
    assert 1 == world.events.count("Normal JobComplete")


@pytest.mark.parametrize("other", ["the pod of a former Job of that name", "one pod of several"])
def test_a_job_is_not_taken_as_ended_by(other: str) -> None:
    world = started()
    job = ended_pod_alone(world)
    if other == "one pod of several":
        job["spec"] |= {"completions": 3}
    else:
        job["metadata"]["uid"] = "made again"

    world.work()

    assert "False" == world.condition("IndexPublished")[0]


def ended_pod_alone(world: World) -> Manifest:
    """The Job that runs, after its pod ended well and before the Job controller saw it."""
    job = world.running()
    assert job is not None, "a Job runs"
    world.finish()
    del job["status"]["conditions"]
    (pod,) = [one for one in world.every("Pod") if one["metadata"]["labels"].get(JOB_NAME) == job["metadata"]["name"]]
    (build,) = pod["status"]["containerStatuses"]
    build["state"]["terminated"]["finishedAt"] = world.now.isoformat()
    return job


def test_missing_vectors_are_embedded_by_many_pods_and_built_by_one() -> None:
    world = World()
    world.edit(embedding={"provider": "Local", "shards": 4})

    world.settle()

    assert [("Build", 4), ("Embed", 4), ("Build", 1)] == [(one.kind, one.shards) for one in world.jobs_created]
    assert ("True", "Built") == world.condition("IndexBuilt")


def test_of_finished_jobs_three_are_kept() -> None:
    world = World()
    for number in range(6):
        world.ask(f"token-{number}")
        world.settle()

    assert 6 == len(world.jobs_created)
    assert 3 == len(list(world.every("Job")))


def started() -> World:
    """A world whose first build runs."""
    world = World()
    world.begin_build()
    return world


def test_the_ledger_stays_small_over_years_of_looks_at_a_source_that_does_not_change() -> None:
    ledger, sizes = Ledger(), []

    for number in range(200):
        key = BuildKey(1, "a" * 12, f"{number:012x}", "c" * 12)
        order = BuildOrder("Build", key, f"token {number:04}", "Requested")
        result = Outcome("Unchanged" if number else "Built", {"generation": "gen-0123456789ab"})
        ledger = with_outcome(ledger, order, result, "2026-01-01T00:00:00+00:00").with_recorded(f"{number:04}")
        sizes.append(len(ledger_text(ledger)))

    assert {sizes[30]} == set(sizes[30:])
    assert ledger.tokens[-1] == "0199"
