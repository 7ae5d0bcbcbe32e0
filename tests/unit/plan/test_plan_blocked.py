"""What holds pods up is told in the conditions, with the object to look at and the field to change."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.plan.cluster import NAME, NAMESPACE, START, UNSCHEDULED
from tests.unit.plan.world import World

from clockifyrag_operator import names
from clockifyrag_operator.mounted import PATIENCE_SECONDS
from clockifyrag_operator.observed import Manifest


def waiting(reason: str, message: str, *, init: bool = False, **more: Any) -> Manifest:
    status = {"name": "search", "image": "service:none", "state": {"waiting": {"reason": reason, "message": message}}}
    return {"initContainerStatuses" if init else "containerStatuses": [status | more]}


def ended(code: int, reason: str, message: str = "") -> dict[str, Any]:
    return {"lastState": {"terminated": {"exitCode": code, "reason": reason, "message": message}}}


def mounting(container: str, since: datetime, *, sandbox: bool = False) -> Manifest:
    """What a kubelet (1.34) tells of a pod it cannot mount a volume for, and just so of one whose image it pulls.

    sandbox: what one after 1.35.4 tells while it pulls (kubernetes/kubernetes#134660).
    """
    at = since.isoformat().replace("+00:00", "Z")
    told = {"PodReadyToStartContainers": str(sandbox), "Initialized": "True", "Ready": "False",
            "ContainersReady": "False", "PodScheduled": "True"}  # fmt: skip
    state = {"waiting": {"reason": "ContainerCreating"}}
    return {
        "phase": "Pending",
        "startTime": at,
        "conditions": [{"type": kind, "status": one, "lastTransitionTime": at} for kind, one in told.items()],
        "containerStatuses": [
            {"name": container, "image": "service:1", "imageID": "", "ready": False, "restartCount": 0,
             "started": False, "state": state, "lastState": {}}
        ],
    }  # fmt: skip


def starting(status: Manifest, **spec: Any) -> World:
    """A world whose first search pods are stuck with this status."""
    world = World()
    world.edit(**spec)
    world.begin_build()
    world.finish()
    for _ in range(3):
        world.work()
        world.move()
    for pod in search_pods(world):
        pod["status"] = copy.deepcopy(status)
    return world


def search_pods(world: World) -> list[Manifest]:
    return [one for one in world.every("Pod") if one["metadata"]["name"].startswith("search-")]


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        pytest.param(UNSCHEDULED, "Unschedulable", ["Insufficient memory", "spec.search.resources"], id="no node"),
        pytest.param(
            waiting("ImagePullBackOff", "manifest unknown"), "RolloutFailed",
            ["service:none", "manifest unknown", "spec.search.image"], id="no image",
        ),
        pytest.param(
            waiting("CreateContainerConfigError", 'secret "keys" not found'), "RolloutFailed",
            ['secret "keys" not found'], id="no Secret",
        ),
        pytest.param(
            waiting("CrashLoopBackOff", "back-off", **ended(2, "Error", "settings are wrong")), "RolloutFailed",
            ["exit code 2", "settings are wrong"], id="crashes",
        ),
        pytest.param(
            waiting("CrashLoopBackOff", "back-off", **ended(137, "OOMKilled")), "RolloutFailed",
            ["spec.search.resources.limits.memory"], id="memory",
        ),
        pytest.param(
            waiting("PodInitializing", "", init=True, **ended(1, "Error", "a log\ncannot pull")), "RolloutFailed",
            ["cannot pull"], id="init container",
        ),
    ],
)  # fmt: skip
def test_what_holds_the_first_pods_up_is_told_and_its_end_heals(
    status: Manifest, reason: str, words: list[str]
) -> None:
    world = starting(status)
    world.work()
    early = world.condition("Ready"), world.message("Ready")
    world.bad = set(world.volume)
    world.move(700)
    for pod in search_pods(world):
        pod["status"] = copy.deepcopy(status)
    world.work()
    late = world.condition("Ready"), world.condition("Stalled"), world.message("Stalled")
    world.bad = set()
    world.settle()

    assert "False" == early[0][0]
    assert all(word in early[1] for word in words)
    assert (("False", reason), ("True", "RolloutFailed")) == late[:2]
    assert all(word in late[2] for word in words)
    assert ("True", "Serving") == world.condition("Ready")
    assert 1 == len(world.jobs_created)


def rolled_out_in_vain(search: Manifest, status: Callable[[World], Manifest]) -> World:
    """A world whose new generation is built, and whose new search pods have not begun to start for half an hour."""
    world = World()
    world.settle()
    world.edit(chunking={"minChars": 100}, search={"replicas": 2, **search})
    world.begin_build()
    world.finish()
    world.bad = set(world.volume)
    for _ in range(10):
        world.work()
        world.move(200)
        for pod in search_pods(world):
            if "Ready" not in str(pod["status"]) or "ContainerCreating" in str(pod["status"]):
                pod["status"] = status(world)
    return world


def test_an_image_that_cannot_be_pulled_is_not_held_against_a_generation() -> None:
    world = rolled_out_in_vain({"image": "service:none"}, lambda _: waiting("ErrImagePull", "not found"))

    told = world.condition("Ready"), world.message("Stalled")
    world.bad = set()
    world.edit(search={"replicas": 2})
    world.work()
    mended = world.condition("Stalled"), world.condition("Reconciling")
    world.settle()

    assert "service:none" in told[1]
    assert (("False", "AsExpected"), ("True", "RollingOut")) == mended, "the old pods are not those wanted now"
    assert ("True", "Published") == world.condition("IndexPublished")
    assert {"Good"} == {one["state"] for one in world.status["generations"]}


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet"])
def test_a_quota_that_forbids_pods_is_told(kind: str) -> None:
    world = starting(UNSCHEDULED)
    for pod in search_pods(world):
        world.lose("Pod", pod["metadata"]["name"])
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods=1"}
    made = {
        "kind": kind,
        "metadata": {"name": f"{NAME}-search-1", "labels": names.labels(NAME, names.SEARCH), "uid": "r"},
        "spec": {},
        "status": {"conditions": [failure]},
    }
    if kind == "Deployment":
        world.objects[kind, names.search(NAME)]["status"] = {"conditions": [failure]}
    else:
        world.objects[kind, f"{NAME}-search-1"] = made

    world.work()

    assert "exceeded quota: pods=1" in world.message("Ready")


def test_a_volume_that_is_not_there_yet_is_told_with_its_class() -> None:
    world = World()
    world.begin_build()
    claim = world.objects["PersistentVolumeClaim", names.index_volume(NAME)]
    claim["status"] = {"phase": "Pending"}
    claim["spec"]["storageClassName"] = "fast"

    world.work()

    assert "storage class fast" in world.message("IndexBuilt")
    assert "spec.index.storage.storageClassName" in world.message("IndexBuilt")


def test_a_volume_that_is_not_there_yet_is_told_with_ways_that_are_not_refused() -> None:
    world = World()
    world.begin_build()
    world.objects["PersistentVolumeClaim", names.index_volume(NAME)]["status"] = {"phase": "Pending"}

    world.work()

    told = world.message("IndexBuilt")
    assert f"kubectl -n {NAMESPACE} describe persistentvolumeclaim {NAME}-index tells why" in told
    assert "delete the resource, then the claim, and make the resource again" in told


def test_a_build_without_a_node_is_told() -> None:
    world = World()
    job = world.begin_build()
    world.objects["Pod", f"{job['metadata']['name']}-x"]["status"] = copy.deepcopy(UNSCHEDULED)

    world.work()

    assert ("False", "Building") == world.condition("IndexBuilt")
    assert "Insufficient memory" in world.message("IndexBuilt")
    assert "spec.build.resources" in world.message("IndexBuilt")


@pytest.mark.parametrize(
    ("status", "mended"),
    [
        pytest.param(waiting("ImagePullBackOff", "manifest unknown"), {"image": "builder:2"}, id="an image"),
        pytest.param(UNSCHEDULED, {"resources": {"requests": {"memory": "1Gi"}}}, id="resources"),
        pytest.param(UNSCHEDULED, {"pod": {"nodeSelector": {"pool": "builds"}}}, id="where pods may run"),
    ],
)
@pytest.mark.parametrize("kind", ["Build", "List"])
def test_a_job_that_never_started_gives_way_to_one_of_the_mended_spec(
    kind: str, status: Manifest, mended: dict[str, Any]
) -> None:
    world = World()
    if kind == "List":
        world.settle()
        world.lose("ConfigMap", names.generations(NAME))
    stuck = job_running(world)
    world.objects["Pod", f"{stuck}-x"]["status"] = copy.deepcopy(status)
    for _ in range(3):
        world.work()
        world.move()
    held_on = job_running(world)
    world.edit(build=mended)
    orders = len(world.jobs_created)

    world.settle()

    assert stuck == held_on
    assert kind == world.jobs_created[orders].kind
    assert ("True", "Serving") == world.condition("Ready")


def test_a_job_that_has_begun_is_not_begun_again_for_another_image() -> None:
    world = World()
    begun = job_running(world)
    world.edit(build={"image": "builder:2"})

    for _ in range(3):
        world.work()
        world.move()

    assert (begun, 1) == (job_running(world), len(world.jobs_created))


def test_a_job_whose_image_may_still_be_pulled_is_not_begun_again_for_another_image() -> None:
    world = World()
    world.edit(source={"http": {"url": "https://example.com/a.jsonl", "secretRef": {"name": "ours"}}})
    pulling = job_running(world)
    world.objects["Pod", f"{pulling}-x"]["status"] = mounting("build", world.now)
    world.now += timedelta(seconds=5 * PATIENCE_SECONDS)
    world.edit(build={"image": "builder:2"})

    for _ in range(3):
        world.work()

    assert "image is still being pulled" in world.message("IndexBuilt")
    assert (pulling, 1) == (job_running(world), len(world.jobs_created))


def job_running(world: World) -> str:
    """The name of the Job that runs, after as many passes as it takes."""
    while (job := world.running()) is None:
        world.work()
        world.move()
    return str(job["metadata"]["name"])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("EmbedderMismatch", "FingerprintMismatch"), ("EmbedderError", "Pulling"), (None, "Pulling")],
)
def test_a_model_that_cannot_be_had_is_told_apart_from_another_one_of_its_name(kind: str | None, reason: str) -> None:
    world = World()
    world.edit(embedding={"provider": "Ollama"})
    world.work()
    world.move()
    pod = f"{NAME}-ollama-0"
    said = json.dumps({"result": "Failed", "kind": kind, "error": "no such one"}) if kind else "a log\nno such one"
    world.objects["Pod", pod]["status"] = waiting("PodInitializing", "", init=True, **ended(40, "Error", said))
    world.reports.pop(pod, None)

    world.work()

    assert ("False", reason) == world.condition("EmbedderReady")
    assert world.message("EmbedderReady").endswith("ended with exit code 40: no such one")
    assert world.running() is None


SEARCH_FIELDS = {"auth": {"secretRef": {"name": "our-keys"}}, "tls": {"secretRef": {"name": "our-pair"}}}
MOUNTED_BY_SEARCH = [
    "Secret our-keys (spec.search.auth.secretRef), which must exist with clockifyrag-api-keys",
    "kubectl -n answers get secret our-keys",
    "Secret our-pair (spec.search.tls.secretRef), which must exist with tls.crt, tls.key",
    "kubectl -n answers get secret our-pair",
]


def test_pods_that_wait_for_their_secrets_are_told_with_the_fields_that_name_them_and_heal() -> None:
    world = starting(mounting("search", START), search={"replicas": 2, **SEARCH_FIELDS})
    for pod in search_pods(world):
        pod["status"] = mounting("search", world.now)
    world.now += timedelta(seconds=PATIENCE_SECONDS - 10)
    world.work()
    early, again_after = world.message("Ready"), world.plan().recheck_seconds
    world.now += timedelta(seconds=10)
    world.work()
    told = world.condition("Ready"), world.message("Ready")
    world.now += timedelta(seconds=25)
    wrote = world.work()
    world.settle()

    assert "secret" not in early.lower()
    assert 10 == again_after
    assert ("False", "RollingOut") == told[0]
    assert [] == [words for words in MOUNTED_BY_SEARCH if words not in told[1]]
    assert "or its image is still being pulled, which kubelets do not tell apart" in told[1]
    assert "kubectl -n answers describe pod search-" in told[1]
    assert not wrote, "what is told stays as it is while the pods wait"
    assert ("True", "Serving") == world.condition("Ready")


def test_a_pod_that_is_known_to_have_a_sandbox_is_not_said_to_wait_for_secrets() -> None:
    world = starting(mounting("search", START, sandbox=True), search={"replicas": 2, **SEARCH_FIELDS})
    world.now += timedelta(seconds=500)

    world.work()

    assert "0 of 2 pods are ready" == world.message("Ready")
    assert world.plan().recheck_seconds is None


def test_pods_without_a_sandbox_that_mount_nothing_of_the_author_are_said_to_wait_for_no_secret() -> None:
    world = starting(mounting("search", START))
    world.now += timedelta(seconds=500)

    world.work()

    assert "0 of 2 pods are ready" == world.message("Ready")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param(
            {"http": {"url": "https://example.com/a.jsonl", "secretRef": {"name": "nowhere"}}},
            "Secret nowhere (spec.source.http.secretRef), which must exist with clockifyrag-authorization",
            id="a Secret",
        ),
        pytest.param(
            {"configMapRef": {"name": "articles", "keys": ["a.md", "b.md"]}},
            "ConfigMap articles (spec.source.configMapRef), which must exist with a.md, b.md",
            id="keys of a ConfigMap",
        ),
    ],
)
def test_a_build_that_waits_for_what_its_source_names_is_told(source: dict[str, Any], words: str) -> None:
    world = World()
    world.config_maps["articles"] = "one"
    world.edit(source=source)
    stuck = job_running(world)
    world.objects["Pod", f"{stuck}-x"]["status"] = mounting("build", world.now)
    world.now += timedelta(seconds=PATIENCE_SECONDS)

    world.work()

    assert ("False", "Building") == world.condition("IndexBuilt")
    assert words in world.message("IndexBuilt")
    assert f"kubectl -n answers describe pod {stuck}-x" in world.message("IndexBuilt")


def test_a_generation_is_not_held_responsible_for_pods_that_wait_for_a_secret() -> None:
    world = rolled_out_in_vain(SEARCH_FIELDS, lambda world: mounting("search", world.now - timedelta(seconds=100)))

    told = world.message("Stalled")
    world.bad = set()
    world.settle()

    assert "Secret our-keys" in told
    assert {"Good"} == {one["state"] for one in world.status["generations"]}
