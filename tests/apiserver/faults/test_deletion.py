"""T2, T7, T21, R28: a deletion always ends, whether the operator is up, down or dies meanwhile, and needs none."""

from datetime import UTC, datetime

import pytest
from tests.apiserver.controllers import RUNS
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.story import LOCAL
from tests.waiting import NotInTime

GONE_SECONDS = 30.0
LEFT = {"PersistentVolumeClaim"}  # the index is retained; the claim may be adopted again


def what_is_left(field: Field, when: str, mutant: str = "", seconds: float = GONE_SECONDS) -> set[str]:
    """Kinds of what remains some time after a resource was deleted, its operator up, down or killed meanwhile."""
    stage = field.stage(mutant=mutant)
    if mutant:
        field.grant(stage.story.namespace, "clockifyrags", "patch")
    stage.story.create(FULL)
    stage.story.wait_ready()
    if when == "down":
        stage.operator.kill()
    stage.story.delete()
    if when == "killed":
        stage.operator.kill()

    def left() -> set[str]:
        return {one["kind"] for one in objects(stage.story.api, stage.story.namespace)} - LEFT

    try:
        stage.story.wait(lambda: not left(), "all is gone", seconds)
    except NotInTime:
        return left()
    if when == "killed":
        stage.restart()
        stage.story.rest(2.0)
    return left()


@pytest.mark.parametrize("when", ["up", "down", "killed"])
def test_a_deleted_resource_is_gone_with_all_it_had(field: Field, when: str) -> None:
    assert set() == what_is_left(field, when)


def test_no_object_has_a_finalizer_of_the_operator(field: Field) -> None:
    stage = field.stage(FULL)

    finalizers = {
        one
        for live in objects(stage.story.api, stage.story.namespace)
        for one in live["metadata"].get("finalizers") or ()
    }

    assert finalizers <= {"kubernetes.io/pvc-protection"}


def test_a_resource_deleted_while_it_builds_is_soon_asked_for_no_more(field: Field) -> None:
    stage = field.stage()
    stage.story.world.jobs.append(lambda _: RUNS)
    stage.story.create(LOCAL)
    stage.story.wait(lambda: stage.story.all("Job"), "a build runs")
    stage.story.rest(1.0)

    stage.story.delete()
    since = datetime.now(UTC)
    stage.story.wait_gone()
    stage.story.rest(3.0)

    asked = [
        f"{event.verb} {event.resource}"
        for event in field.control_plane.audit(stage.operator.user_name, since)
        if event.name == "help" and event.resource == "clockifyrags"
    ]
    assert len(asked) <= 3
    assert [] == stage.story.all("Job")


def test_without_an_operator_resources_and_pods_are_made_changed_and_deleted(field: Field) -> None:
    stage = field.stage(LOCAL)
    stage.operator.kill()
    api, path = stage.story.api, stage.story.path

    made = stage.story.api.post(
        path("ClockifyRAG"),
        {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "other"}, "spec": LOCAL},
    )
    changed = api.patch(path("ClockifyRAG", "other"), {"spec": {"search": {"replicas": 1}}})
    api.delete(path("ClockifyRAG", "other"))
    pod = stage.story.all("Pod")[0]["metadata"]
    api.delete(path("Pod", pod["name"]))

    assert (1, 2) == (made["metadata"]["generation"], changed["metadata"]["generation"])
    assert stage.story.get("ClockifyRAG", "other") is None
    stage.story.wait(lambda: pod["uid"] not in [one["metadata"]["uid"] for one in stage.story.all("Pod")], "it is gone")
