"""T6, T11, T13, T25, R13: children come back, and what others own or cannot be changed is left or made again."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.apiserver.controllers.api import path
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.story import LOCAL, Manifest

from clockifyrag_operator import names

AUTOSCALED: Manifest = {**FULL, "search": {"ingress": {"host": "help.example.com"}, "autoscaling": {"minReplicas": 2}}}
# What comes and goes by itself; what holds data is another test, and the Secret is made once and never read.
_LEFT_OUT = {"ClockifyRAG", "Pod", "ReplicaSet", "Job", "PersistentVolumeClaim", "Secret"}
SOURCE: Manifest = {**LOCAL, "glossary": {"configMapRef": {"name": "words"}}}


def children(stage: Stage) -> dict[tuple[str, str], str]:
    """Kind and name → uid of the children that are to come back."""
    ledger = names.generations(stage.story.name)
    return {
        (one["kind"], one["metadata"]["name"]): one["metadata"]["uid"]
        for one in objects(stage.story.api, stage.story.namespace)
        if one["kind"] not in _LEFT_OUT and one["metadata"]["name"] != ledger
    }


def delete(stage: Stage, gone: dict[tuple[str, str], str]) -> None:
    for kind, name in gone:
        stage.story.api.delete(stage.story.path(kind, name))


def lost_for_good(field: Field, down: bool, mutant: str = "", seconds: float = 60.0) -> set[tuple[str, str]]:
    """Children that did not come back after each was deleted, with the operator up, or down and then up."""
    stage = field.stage(AUTOSCALED, mutant=mutant)
    before = children(stage)
    assert len({kind for kind, _ in before}) >= 9, "one of every kind"
    if down:
        stage.operator.kill()
    delete(stage, before)
    if down:
        stage.restart()

    def missing() -> set[tuple[str, str]]:
        now = children(stage)
        return {place for place, uid in before.items() if now.get(place, uid) == uid}

    try:
        stage.story.wait(lambda: not missing(), "all children are new", seconds)
    except AssertionError:
        return missing()
    stage.story.wait_ready()
    assert 1 == len(stage.story.jobs_made()), "nothing is built again for it"
    return set()


@pytest.mark.parametrize("down", [False, True], ids=["up", "down and then up"])
def test_every_child_that_is_deleted_comes_back_and_nothing_is_built(field: Field, down: bool) -> None:
    assert set() == lost_for_good(field, down)


def test_a_ledger_that_is_deleted_is_read_back_from_the_volume_and_nothing_is_built(field: Field) -> None:
    stage = field.stage(LOCAL)
    served = stage.story.ledger["current"]

    stage.story.api.delete(stage.story.path("ConfigMap", names.generations("help")))

    stage.story.wait(lambda: stage.story.ledger.get("current") == served, "the ledger is back")
    stage.story.wait_ready()
    assert 1 == len(stage.story.world.builds)


def replicas_after_an_autoscaler(field: Field, mutant: str = "") -> tuple[int, set[str]]:
    """Replicas that an autoscaler chose, after a change of the spec; and the managers of that field."""
    stage = field.stage(AUTOSCALED, mutant=mutant)
    deployment = stage.story.path("Deployment", names.search("help"))
    stage.story.api.patch(f"{deployment}/scale", {"spec": {"replicas": 5}}, fieldManager="autoscaler")
    stage.story.wait_ready()
    stage.story.change({"search": {"config": {"retrievalK": 8}}})
    stage.story.wait_ready()
    live = stage.story.api.get(deployment)
    owners = {
        one["manager"] for one in live["metadata"]["managedFields"] if "f:replicas" in one["fieldsV1"].get("f:spec", {})
    }
    return live["spec"]["replicas"], owners


def test_replicas_that_an_autoscaler_chose_stay_and_are_its_own(field: Field) -> None:
    assert (5, {"autoscaler"}) == replicas_after_an_autoscaler(field)


def grown(field: Field, mutant: str = "", seconds: float = 60.0) -> tuple[str, str, int]:
    """What StatefulSet and claim ask for after the size of models was raised, and pods kept meanwhile.

    No StatefulSet can change the first.
    """
    story = field.story()
    storage_class(field, f"grows-{story.namespace}")
    storage = {"storageClassName": f"grows-{story.namespace}", "size": "10Gi"}
    spec = {**FULL, "ollama": {"server": {"storage": storage}}}
    field.operator(story, mutant=mutant)
    story.create(spec)
    story.wait_ready()
    before = {one["metadata"]["uid"] for one in story.all("Pod") if one["metadata"]["name"] == "help-ollama-0"}

    story.change({"ollama": {"server": {"storage": {"size": "20Gi"}}}})

    def size() -> str:
        claims = (story.get("StatefulSet", "help-ollama") or {}).get("spec", {}).get("volumeClaimTemplates") or [{}]
        return str(claims[0].get("spec", {}).get("resources", {}).get("requests", {}).get("storage", ""))

    with suppress(AssertionError):  # what was not reached is the answer
        story.wait(lambda: size() == "20Gi", "the StatefulSet is made again", seconds)
        story.wait_ready()
    after = {one["metadata"]["uid"] for one in story.all("Pod") if one["metadata"]["name"] == "help-ollama-0"}
    claim = story.get("PersistentVolumeClaim", "models-help-ollama-0") or {}
    return size(), claim["spec"]["resources"]["requests"]["storage"], len(before & after)


def storage_class(field: Field, name: str) -> None:
    body: dict[str, Any] = {"metadata": {"name": name}, "provisioner": "tests", "allowVolumeExpansion": True}
    field.api.post("/apis/storage.k8s.io/v1/storageclasses", body)


def test_a_stateful_set_is_made_again_around_its_pods_where_a_fixed_field_changes(field: Field) -> None:
    assert ("20Gi", "20Gi", 1) == grown(field)


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("Service", "help-search", {"spec": {"selector": {"clockifyrag.io/component": "nobody"}}}),
        ("ConfigMap", "help-search", {"data": {"RETRIEVAL_K": "50"}}),
        ("NetworkPolicy", "help-deny", {"spec": {"policyTypes": ["Ingress"]}}),
        ("Deployment", "help-search", {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 2}}}}),
    ],
    ids=["selector", "settings", "policy", "strategy"],
)
def test_a_field_of_the_operator_that_somebody_changes_is_changed_back(
    field: Field, kind: str, name: str, change: Manifest
) -> None:
    stage = field.stage(LOCAL)
    before = essence(stage.story.get(kind, name))

    stage.story.api.patch(path(kind, stage.story.namespace, name), change)

    stage.story.wait(lambda: essence(stage.story.get(kind, name)) == before, "it is as before")
    stage.story.wait_ready()


def essence(live: Manifest | None) -> tuple[object, object]:
    assert live is not None, "it is there"
    return live.get("spec"), live.get("data")


def digests(stage: Stage) -> object:
    template = (stage.story.get("Deployment", "help-search") or {})["spec"]["template"]["metadata"]
    return template.get("annotations")


def writes_while(stage: Stage, deed: Callable[[], object], seconds: float = 3.0) -> int:
    """Writes of the operator within that time after the deed."""
    before = len(stage.proxy.writes)
    deed()
    stage.story.rest(seconds)
    return len(stage.proxy.writes) - before


def words(stage: Stage, name: str, text: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"glossary.csv": text}}
    stage.story.api.apply(stage.story.path("ConfigMap", name), body, manager="author")


def told_of_its_glossary(field: Field, mutant: str = "", seconds: float = 3.0 + 10.0) -> tuple[int, bool]:
    """Writes for a ConfigMap that nobody names, and whether pods are told of the one that is named, once it changes."""
    stage = field.stage(mutant=mutant)
    words(stage, "words", "term,aliases,type,notes\nPTO,vacation,,\n")
    stage.story.create(SOURCE)
    stage.story.wait_ready()
    before = digests(stage)
    unrelated = writes_while(stage, lambda: words(stage, "others", "term,aliases,type,notes\n"))
    words(stage, "words", "term,aliases,type,notes\nPTO,holiday,,\n")
    with suppress(AssertionError):  # that they were not told is the answer
        stage.story.wait(lambda: digests(stage) != before, "the pods are told", seconds)
    return unrelated, digests(stage) != before


def test_a_glossary_that_changes_rolls_its_pods_and_one_nobody_names_does_nothing(field: Field) -> None:
    assert (0, True) == told_of_its_glossary(field)
