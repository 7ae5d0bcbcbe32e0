"""The controllers of these tests behave as those of Kubernetes do where an operator can tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.apiserver.controllers import RUNS, Controllers, Ending, PodState, World, failed
from tests.apiserver.controlplane import Api, ControlPlane
from tests.waiting import wait_until

SECONDS = 10.0
LABELS = {"clockifyrag.io/resource": "help", "clockifyrag.io/component": "search"}
PATHS = {"deployments": "/apis/apps/v1", "statefulsets": "/apis/apps/v1", "replicasets": "/apis/apps/v1",
         "jobs": "/apis/batch/v1", "pods": "/api/v1", "persistentvolumeclaims": "/api/v1"}  # fmt: skip


@dataclass
class Team:
    """A namespace in which the controllers act."""

    api: Api
    controllers: Controllers
    name: str

    @property
    def world(self) -> World:
        return self.controllers.world(self.name)

    def path(self, plural: str, name: str = "") -> str:
        return f"{PATHS[plural]}/namespaces/{self.name}/{plural}" + (f"/{name}" if name else "")

    def post(self, plural: str, name: str, spec: dict[str, Any]) -> None:
        self.api.post(self.path(plural), {"metadata": {"name": name}, "spec": spec})

    def status(self, plural: str, name: str) -> dict[str, Any]:
        return dict(self.api.get(self.path(plural, name)).get("status") or {})

    def items(self, plural: str) -> list[dict[str, Any]]:
        return list(self.api.get(self.path(plural))["items"])

    def settle(self) -> None:
        wait_until(lambda: self.controllers.settled(self.name), SECONDS, "the controllers have nothing to do")


@pytest.fixture
def team(control_plane: ControlPlane, controllers: Controllers, namespace: str) -> Iterator[Team]:
    controllers.world(namespace)
    yield Team(control_plane.admin, controllers, namespace)
    controllers.forget(namespace)


def pod_spec(image: str = "search:1", *arguments: str, **variables: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "args": list(arguments),
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"containers": [container], "securityContext": security}


def template(image: str = "search:1", component: str = "search", **variables: str) -> dict[str, Any]:
    labels = {**LABELS, "clockifyrag.io/component": component}
    return {"metadata": {"labels": labels}, "spec": pod_spec(image, **variables)}


def deployment(replicas: int = 3, image: str = "search:1", deadline_seconds: int = 600) -> dict[str, Any]:
    return {
        "replicas": replicas,
        "progressDeadlineSeconds": deadline_seconds,
        "revisionHistoryLimit": 1,
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "selector": {"matchLabels": LABELS},
        "template": template(image, GENERATION="gen-a"),
    }


def job(*arguments: str, **spec: Any) -> dict[str, Any]:
    pod = {**pod_spec("builder:1", *arguments), "restartPolicy": "Never"}
    labels = {**LABELS, "clockifyrag.io/component": "build"}
    return {"backoffLimit": 3, "template": {"metadata": {"labels": labels}, "spec": pod}, **spec}


def stateful_set(replicas: int = 2, image: str = "ollama:1", policy: str = "Parallel") -> dict[str, Any]:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    labels = {**LABELS, "clockifyrag.io/component": "ollama"}
    return {
        "serviceName": "models",
        "replicas": replicas,
        "podManagementPolicy": policy,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        "selector": {"matchLabels": labels},
        "template": template(image, "ollama"),
        "volumeClaimTemplates": [{"metadata": {"name": "models"}, "spec": claim}],
    }


def rolled(team: Team, replicas: int, observed: int) -> bool:
    status = team.status("deployments", "web")
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
    return status.get("observedGeneration") == observed and counts == {replicas}


def condition(status: dict[str, Any], kind: str) -> tuple[str, str]:
    found = next((one for one in status.get("conditions", ()) if one["type"] == kind), None)
    return (found["status"], found["reason"]) if found else ("", "")


def test_a_deployment_rolls_without_ever_having_fewer_ready_pods(team: Team) -> None:
    team.post("deployments", "web", deployment())
    wait_until(lambda: rolled(team, 3, 1), SECONDS, "three pods are ready")
    counts: list[int] = []

    team.api.patch(team.path("deployments", "web"), {"spec": {"template": template("search:2", GENERATION="gen-b")}})

    def done() -> bool:
        counts.append(team.status("deployments", "web").get("readyReplicas", 0))
        return rolled(team, 3, 2)

    wait_until(done, SECONDS, "all pods are new")
    assert min(counts) >= 3
    assert {"search:2"} == {pod["spec"]["containers"][0]["image"] for pod in team.items("pods")}
    assert ("True", "NewReplicaSetAvailable") == condition(team.status("deployments", "web"), "Progressing")


def test_a_rollout_that_never_gets_ready_ends_in_its_deadline_and_the_old_pods_stay(team: Team) -> None:
    team.post("deployments", "web", deployment(2, deadline_seconds=1))
    wait_until(lambda: rolled(team, 2, 1), SECONDS, "two pods are ready")
    broken = PodState(ready=False, waiting="ImagePullBackOff")
    team.world.pods.append(lambda pod: broken if "search:2" in pod.images else None)

    team.api.patch(team.path("deployments", "web"), {"spec": {"template": template("search:2")}})

    expired = ("False", "ProgressDeadlineExceeded")

    def has_expired() -> bool:
        return condition(team.status("deployments", "web"), "Progressing") == expired

    wait_until(has_expired, SECONDS, "the deadline has passed")
    assert 2 == team.status("deployments", "web")["readyReplicas"]
    team.world.pods.clear()
    team.controllers.wake(team.name)
    wait_until(lambda: rolled(team, 2, 2), SECONDS, "the rollout ended after all")


def test_a_pod_answers_at_an_address_of_its_own(team: Team) -> None:
    team.post("deployments", "web", deployment(2))
    wait_until(lambda: rolled(team, 2, 1), SECONDS, "two pods are ready")

    addresses = {pod["status"]["podIP"] for pod in team.items("pods")}
    served = {httpx.get(f"http://{one}:9090/status", trust_env=False).json()["generation"] for one in addresses}

    assert (2, {"gen-a"}) == (len(addresses), served)


def test_a_job_ends_with_what_the_builder_says_and_the_volume_holds_what_it_made(team: Team) -> None:
    team.post("jobs", "build", job("index", "build", "--build-key", "b1-a", "--reason", "Initial"))

    status = wait_until(lambda: finished(team, "build"), SECONDS, "the Job is finished")

    assert ("True", "CompletionsReached") == condition(status, "Complete")
    terminated = team.items("pods")[0]["status"]["containerStatuses"][0]["state"]["terminated"]
    assert next(iter(team.world.volume)) in terminated["message"]
    assert ["b1-a"] == team.world.builds


def finished(team: Team, name: str) -> dict[str, Any] | None:
    status = team.status("jobs", name)
    return status if len(status.get("conditions", ())) == 2 else None


FAIL_ON_USAGE = {
    "rules": [
        {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [2]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
}


@pytest.mark.parametrize(
    ("ending", "reason", "pods"),
    [
        (Ending(exit_code=30, message=failed(30, "503")), "BackoffLimitExceeded", 4),
        (Ending(exit_code=2, message=failed(2, "no such option")), "PodFailurePolicy", 1),
        (Ending(exit_code=137, reason="OOMKilled"), "BackoffLimitExceeded", 4),
        (Ending(deadline=True), "DeadlineExceeded", 0),
    ],
    ids=["source", "usage", "memory", "deadline"],
)
def test_a_job_fails_for_its_reason(team: Team, ending: Ending, reason: str, pods: int) -> None:
    team.world.jobs.append(lambda _: ending)

    team.post("jobs", "build", job(podFailurePolicy=FAIL_ON_USAGE))

    status = wait_until(lambda: finished(team, "build"), SECONDS, "the Job is finished")
    assert ("True", reason) == condition(status, "Failed")
    team.settle()
    assert pods == len(team.items("pods"))


def test_a_disrupted_pod_is_replaced_and_does_not_count(team: Team) -> None:
    endings = iter([Ending(exit_code=143, evicted=True), Ending(exit_code=143, evicted=True)])
    team.world.jobs.append(lambda seen: next(endings, None) if seen.manifest["kind"] == "Pod" else None)

    team.post("jobs", "build", job(podFailurePolicy=FAIL_ON_USAGE, backoffLimit=0))

    status = wait_until(lambda: finished(team, "build"), SECONDS, "the Job is finished")
    assert ("True", "CompletionsReached") == condition(status, "Complete")
    assert 3 == len(team.items("pods"))


def test_an_indexed_job_runs_every_index(team: Team) -> None:
    team.post("jobs", "embed", job("--embed-only", completions=3, parallelism=2, completionMode="Indexed"))

    status = wait_until(lambda: finished(team, "embed"), SECONDS, "the Job is finished")

    assert ("0-2", 3) == (status["completedIndexes"], status["succeeded"])


def test_a_job_that_is_held_runs_until_the_world_changes(team: Team) -> None:
    team.world.jobs.append(lambda _: RUNS)
    team.post("jobs", "build", job("--build-key", "b1-a"))
    wait_until(lambda: team.status("jobs", "build").get("ready") == 1, SECONDS, "its pod runs")

    team.world.jobs.clear()
    team.controllers.wake(team.name)

    wait_until(lambda: finished(team, "build"), SECONDS, "the Job is finished")


@pytest.mark.parametrize(("policy", "owners"), [("Background", []), ("Foreground", []), ("Orphan", [[]])])
def test_what_belongs_to_a_deleted_object_goes_or_is_orphaned(team: Team, policy: str, owners: list[object]) -> None:
    team.post("jobs", "build", job("--build-key", "b1-a"))
    wait_until(lambda: finished(team, "build"), SECONDS, "the Job is finished")

    team.api.request("DELETE", team.path("jobs", "build"), {"propagationPolicy": policy})

    def left() -> list[object]:
        """The owners of each pod."""
        return [pod["metadata"].get("ownerReferences", []) for pod in team.items("pods")]

    wait_until(lambda: not team.items("jobs"), SECONDS, "the Job is gone")
    wait_until(lambda: team.controllers.get("Job", team.name, "build") is None, SECONDS, "the controllers heard of it")
    team.settle()
    wait_until(lambda: left() == owners, SECONDS, f"owners of pods are {owners}", left)


def test_a_stateful_set_has_claims_and_rolls_from_the_last_pod_down(team: Team) -> None:
    team.post("statefulsets", "models", stateful_set())
    wait_until(lambda: team.status("statefulsets", "models").get("readyReplicas") == 2, SECONDS, "two are ready")
    claims = {one["metadata"]["name"]: one["status"]["phase"] for one in team.items("persistentvolumeclaims")}

    team.api.patch(team.path("statefulsets", "models"), {"spec": {"template": template("ollama:2", "ollama")}})

    def updated() -> bool:
        images = [pod["spec"]["containers"][0]["image"] for pod in team.items("pods")]
        return images == ["ollama:2"] * 2 and team.status("statefulsets", "models").get("updatedReplicas") == 2

    wait_until(updated, SECONDS, "both pods are new")
    assert {"models-models-0": "Bound", "models-models-1": "Bound"} == claims
    team.api.delete(team.path("statefulsets", "models"))
    wait_until(lambda: not team.items("pods") and not team.items("persistentvolumeclaims"), SECONDS, "all is gone")


@pytest.mark.parametrize(("policy", "heals"), [("Parallel", True), ("OrderedReady", False)])
def test_a_pod_that_never_gets_ready_blocks_an_ordered_update(team: Team, policy: str, heals: bool) -> None:
    broken = PodState(ready=False, waiting="ImagePullBackOff")
    team.world.pods.append(lambda pod: broken if "ollama:bad" in pod.images else None)
    team.post("statefulsets", "models", stateful_set(1, "ollama:bad", policy))
    wait_until(lambda: len(team.items("pods")) == 1, SECONDS, "the pod is there")
    team.settle()

    team.api.patch(team.path("statefulsets", "models"), {"spec": {"template": template("ollama:2", "ollama")}})

    def reached(field: str, value: int) -> bool:
        return bool(team.status("statefulsets", "models").get(field, 0) == value)

    def ready() -> bool:
        return reached("readyReplicas", 1)

    if not heals:
        wait_until(lambda: reached("observedGeneration", 2), SECONDS, "the change was seen")
        team.settle()
        assert not ready()
        team.api.delete(team.path("pods", "models-0"))
    wait_until(ready, SECONDS, "the pod is ready")
