"""T6, T11, T13, T25, R13: children come back, and what others own or cannot be changed is left or made again."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.apiserver.controllers import RUNS
from tests.apiserver.controllers.api import path
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.story import LOCAL, Manifest
from tests.apiserver.faults.times import SCALE
from tests.waiting import NotInTime

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
    except NotInTime:
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

    with suppress(NotInTime):  # what was not reached is the answer
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


def selects_more(workload: Manifest) -> None:
    """A change of a workload: pods of every component are its own."""
    del workload["spec"]["selector"]["matchLabels"][names.COMPONENT]


def selects_others(workload: Manifest) -> None:
    """A change of a workload: its pods are of another component, and no Service of ours finds them."""
    for one in (workload["spec"]["selector"]["matchLabels"], workload["spec"]["template"]["metadata"]["labels"]):
        one[names.COMPONENT] = "others"


def has_address(service: Manifest) -> None:
    """A change of a headless Service: it has an address."""
    for name in ("clusterIP", "clusterIPs"):
        service["spec"].pop(name)


def has_none(service: Manifest) -> None:
    """A change of a Service: it is headless."""
    service["spec"].update(clusterIP="None", clusterIPs=["None"])


FIXED: dict[str, tuple[str, str, Callable[[Manifest], None]]] = {
    "a Deployment that selects more": ("Deployment", "help-search", selects_more),
    "a Deployment that selects others": ("Deployment", "help-search", selects_others),
    "a StatefulSet that selects more": ("StatefulSet", "help-store", selects_more),
    "a StatefulSet that selects others": ("StatefulSet", "help-store", selects_others),
    "the name of a StatefulSet's Service": (
        "StatefulSet", "help-store", lambda one: one["spec"].update(serviceName="others"),
    ),
    "a headless Service with an address": ("Service", "help-ollama", has_address),
    "a Service without its address": ("Service", "help-search", has_none),
}  # fmt: skip


def fixed_fields(live: Manifest | None) -> list[object]:
    """What cannot change on a live object, as far as it is the same for each that is made."""
    spec = (live or {}).get("spec", {})
    return [spec.get("selector"), spec.get("serviceName"), spec.get("clusterIP") == "None"]


def made_anew(field: Field, case: str, mutant: str = "", seconds: float = 60.0) -> bool:
    """Whether a child with other fixed fields than wanted is replaced by one with those, and all is ready again."""
    kind, name, change = FIXED[case]
    stage = field.stage(FULL, mutant=mutant)
    before = fixed_fields(stage.story.get(kind, name))
    stage.operator.kill()
    stage.story.make_otherwise(kind, name, change)
    stage.story.wait(lambda: stage.story.controllers.settled(stage.story.namespace), "its pods are there")
    assert before != fixed_fields(stage.story.get(kind, name)), "it was made otherwise"
    stage.restart()
    with suppress(NotInTime):  # that it stays as it is is the answer
        stage.story.wait(lambda: fixed_fields(stage.story.get(kind, name)) == before, "it is made anew", seconds)
        stage.story.wait_ready(seconds)
    return fixed_fields(stage.story.get(kind, name)) == before and stage.story.is_ready()


@pytest.mark.parametrize("case", FIXED)
def test_a_child_whose_fixed_fields_are_not_those_wanted_is_made_anew(field: Field, case: str) -> None:
    assert made_anew(field, case)


@pytest.mark.parametrize(
    ("kind", "name", "component", "pods"),
    [("Deployment", "help-search", names.SEARCH, 2), ("StatefulSet", "help-store", names.STORE, 1)],
    ids=["Deployment", "StatefulSet"],
)
def test_pods_stay_where_their_workload_made_anew_takes_them_over(
    field: Field, kind: str, name: str, component: str, pods: int
) -> None:
    stage = field.stage(LOCAL)
    stage.operator.kill()
    stage.story.make_otherwise(kind, name, selects_more)
    otherwise = stage.story.api.get(stage.story.path(kind, name))
    before = stage.story.wait(lambda: running(stage, component, pods), "its pods run")

    stage.restart()
    made = stage.story.wait(lambda: selects_a_component(stage.story.get(kind, name)), "it is made anew")
    stage.story.wait_ready()
    after = stage.story.wait(lambda: running(stage, component, pods), "its pods run")

    assert otherwise["metadata"]["uid"] != made["metadata"]["uid"]
    assert before & after, "a new Deployment asks for one pod before it asks for all: of several, one stays at least"


def running(stage: Stage, component: str, number: int) -> set[str] | None:
    """Uids of the pods of a component, once there are so many and none is on its way out."""
    pods = [one for one in stage.story.all("Pod") if one["metadata"]["labels"][names.COMPONENT] == component]
    alive = {one["metadata"]["uid"] for one in pods if "deletionTimestamp" not in one["metadata"]}
    settled = stage.story.controllers.settled(stage.story.namespace)
    return alive if settled and len(pods) == len(alive) == number else None


def selects_a_component(workload: Manifest | None) -> Manifest | None:
    """The workload, where it is there and selects as the operator wants it."""
    return workload if workload and names.COMPONENT in workload["spec"]["selector"]["matchLabels"] else None


def message(stage: Stage, kind: str, words: str) -> str | None:
    """What the condition says, once it says these words."""
    found = (str(one["message"]) for one in stage.story.status.get("conditions", ()) if one["type"] == kind)
    return next((told for told in found if words in told), None)


def test_a_config_map_that_somebody_froze_is_told_with_what_to_do_and_its_deletion_heals(field: Field) -> None:
    stage = field.stage(LOCAL)
    settings = stage.story.path("ConfigMap", "help-search")
    stage.story.api.patch(settings, {"immutable": True})

    stage.story.change({"search": {"config": {"retrievalK": 9}}})
    told = stage.story.wait(lambda: message(stage, "Stalled", "field is immutable"), "it is told")
    stage.story.api.delete(settings)

    stage.story.wait(lambda: stage.story.condition("Stalled") == ("False", "AsExpected"), "it goes on")
    stage.story.wait_ready()
    assert "delete ConfigMap help-search, and it is made again" in told
    assert "9" == stage.story.api.get(settings)["data"]["RETRIEVAL_K"]


def test_a_running_job_whose_pods_would_be_others_by_now_is_left_alone(field: Field) -> None:
    stage = field.stage(LOCAL)
    stage.story.world.jobs.append(lambda _: RUNS)
    stage.story.change({"chunking": {"maxChars": 700}})
    stage.story.wait(lambda: len(stage.story.all("Job")) == 2, "it runs")
    before = {one["metadata"]["name"]: one["metadata"]["uid"] for one in stage.story.all("Job")}
    calls = len(stage.proxy.writes)

    stage.story.change({"build": {"resources": {"limits": {"memory": "8Gi"}}}})
    stage.story.wait(stage.story.is_observed, "the change is seen")

    written = [call for call in stage.proxy.writes[calls:] if call.resource == "jobs"]
    assert [] == written, "what a Job is made of never changes"
    assert before == {one["metadata"]["name"]: one["metadata"]["uid"] for one in stage.story.all("Job")}
    assert ("False", "AsExpected") == stage.story.condition("Stalled")
    stage.story.world.jobs.clear()
    stage.story.controllers.wake(stage.story.namespace)
    stage.story.wait_ready()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"storageClassName": "second"}, "spec.index.storage.storageClassName: found second, expected first"),
        ({"storageClassName": "first", "accessMode": "ReadWriteMany"},
         "spec.index.storage.accessMode: found ReadWriteMany, expected ReadWriteOnce"),
    ],
    ids=["class", "mode"],
)  # fmt: skip
def test_a_volume_left_by_an_earlier_resource_is_never_asked_to_be_another(
    field: Field, asked: Manifest, words: str
) -> None:
    first = {**LOCAL, "index": {"storage": {"storageClassName": "first"}}}
    stage = field.stage(first)
    served = stage.story.ledger["current"]
    stage.story.delete()
    stage.story.wait_gone()
    calls = len(stage.proxy.writes)

    stage.story.create({**LOCAL, "index": {"storage": asked}})
    told = stage.story.wait(lambda: message(stage, "Ready", words), "the field is named")
    refused = stage.story.condition("Ready")
    tried = [call for call in stage.proxy.writes[calls:] if call.resource == "persistentvolumeclaims"]
    stage.story.delete()
    stage.story.wait_gone()
    stage.story.create(first)
    stage.story.wait_ready()

    assert ("False", "SpecInvalid") == refused
    assert "PersistentVolumeClaim help-index" in told
    assert [] == tried
    assert served == stage.story.ledger["current"], "what was on it is served again"


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


def told_of_its_glossary(field: Field, mutant: str = "", seconds: float = 30.0 * SCALE + 10.0) -> tuple[int, bool]:
    """Writes for a ConfigMap that nobody names, and whether pods are told of the one that is named, once it changes."""
    stage = field.stage(mutant=mutant)
    words(stage, "words", "term,aliases,type,notes\nPTO,vacation,,\n")
    stage.story.create(SOURCE)
    stage.story.wait_ready()
    before = digests(stage)
    unrelated = writes_while(stage, lambda: words(stage, "others", "term,aliases,type,notes\n"))
    words(stage, "words", "term,aliases,type,notes\nPTO,holiday,,\n")
    with suppress(NotInTime):  # that they were not told is the answer
        stage.story.wait(lambda: digests(stage) != before, "the pods are told", seconds)
    return unrelated, digests(stage) != before


def test_a_glossary_that_changes_rolls_its_pods_and_one_nobody_names_does_nothing(field: Field) -> None:
    assert (0, True) == told_of_its_glossary(field)
