"""Resources that ask for more than their author may have: refused, or told; and nobody else waits for them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.hostile.cases import HOSTILE, Hostile, Refused, Told
from tests.apiserver.operator_process import OperatorProcess, Operators
from tests.apiserver.resources import Resources
from tests.waiting import wait_until

from clockifyrag_operator.observed import Manifest

SECONDS = 30.0
MANY = 500
ONE_PARENT_IN = 25  # has children that the API server, and so everybody else, has to wait for
ALLOWED = "registry.example.com/*"
REFUSED = [one for one in HOSTILE if isinstance(one.outcome, Refused)]
TOLD = [one for one in HOSTILE if isinstance(one.outcome, Told)]


@pytest.fixture(scope="module")
def operators(control_plane: ControlPlane, crd: str) -> Iterator[Operators]:
    with Operators(control_plane) as running:
        yield running


def resource(name: str, spec: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "clockifyrag.io/v1beta1",
        "kind": "ClockifyRAG",
        "metadata": {"name": name, **(metadata or {})},
        "spec": dict(spec),
    }


def test_there_are_forty_of_them() -> None:
    assert 40 == len({one.title for one in HOSTILE})


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.title)
def test_what_nobody_may_ask_for_is_refused_with_its_field(
    case: Hostile, control_plane: ControlPlane, crd: str, namespace: str
) -> None:
    assert isinstance(case.outcome, Refused)

    answer = Resources(control_plane, namespace).create(resource(case.name, case.spec, case.metadata))

    assert not answer.is_success
    assert [] == [word for word in case.outcome.words if word not in answer.text], answer.text[:2000]


@pytest.mark.parametrize("part", ["search", "build"])
def test_a_client_that_does_not_validate_loses_what_the_schema_does_not_know(
    part: str, control_plane: ControlPlane, crd: str, namespace: str
) -> None:
    pod = {"hostNetwork": True, "volumes": [{"name": "root", "hostPath": {"path": "/"}}], "labels": {"a": "b"}}
    spec = {"source": {"sample": {}}, part: {"pod": pod}}

    path = f"/apis/clockifyrag.io/v1beta1/namespaces/{namespace}/clockifyrags"
    stored = control_plane.admin.post(path, resource("help", spec), fieldValidation="Ignore")

    assert {"labels": {"a": "b"}} == stored["spec"][part]["pod"]


def condition(control_plane: ControlPlane, namespace: str, name: str, kind: str) -> dict[str, Any]:
    path = f"/apis/clockifyrag.io/v1beta1/namespaces/{namespace}/clockifyrags/{name}"
    status = control_plane.admin.get(path).get("status", {})
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case.title)
def test_what_only_the_operator_can_judge_is_told_by_a_condition(
    case: Hostile, operators: Operators, control_plane: ControlPlane, namespace: str
) -> None:
    outcome = case.outcome
    assert isinstance(outcome, Told)
    operator = operators.start(namespace, ALLOWED_IMAGES=ALLOWED)

    control_plane.admin.post(Resources(control_plane, namespace).path, resource(case.name, case.spec))

    def told() -> bool:
        found = condition(control_plane, namespace, case.name, outcome.condition)
        return (outcome.status, outcome.reason) == (found.get("status"), found.get("reason"))

    wait_until(told, SECONDS, f"{outcome.condition} is {outcome.status}, {outcome.reason}", operator.explain)
    message = condition(control_plane, namespace, case.name, outcome.condition)["message"]
    assert [] == [word for word in outcome.words if word not in message], message
    operator.terminate()  # and with it the last of its requests
    writes = [one for one in control_plane.audit(operator.user_name) if one.verb in ("create", "patch", "update")]
    assert {namespace} == {one.namespace for one in writes}
    assert {one.resource for one in writes} - {"leases", "events", "clockifyrags"} <= outcome.made


def build_with_a_secret(
    operators: Operators, control_plane: ControlPlane, namespace: str
) -> tuple[OperatorProcess, Manifest]:
    """An operator, and the Job it makes of a resource whose source needs the Secret `nowhere`."""
    spec = {
        "source": {"http": {"url": "https://help.example.com/a.jsonl", "secretRef": {"name": "nowhere"}}},
        "embedding": {"provider": "Local"},
    }
    operator = operators.start(namespace)
    control_plane.admin.post(Resources(control_plane, namespace).path, resource("help", spec))
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    found = wait_until(lambda: control_plane.admin.get(jobs)["items"], SECONDS, "a build starts", operator.explain)
    return operator, found[0]


def test_a_missing_secret_is_named_by_the_pod_that_waits_for_it_and_read_by_nobody_else(
    operators: Operators, control_plane: ControlPlane, namespace: str
) -> None:
    operator, job = build_with_a_secret(operators, control_plane, namespace)

    volumes = {one["name"]: one for one in job["spec"]["template"]["spec"]["volumes"]}
    secrets = [one["secret"] for one in volumes.values() if "secret" in one]
    assert [("nowhere", [{"key": "clockifyrag-authorization", "path": "clockifyrag-authorization"}])] == [
        (one["secretName"], one["items"]) for one in secrets
    ]
    asked = [one for one in control_plane.audit(operator.user_name) if one.resource == "secrets"]
    assert {"create"} == {one.verb for one in asked}
    operator.terminate()


def waiting_for_its_mounts(container: str, seconds: float) -> dict[str, Any]:
    """The status a kubelet (1.34) gives to a pod that mounts what is not there, after so many seconds."""
    at = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"PodReadyToStartContainers": "False", "Initialized": "True", "Ready": "False", "ContainersReady": "False",
            "PodScheduled": "True"}  # fmt: skip
    return {
        "phase": "Pending",
        "startTime": at,
        "conditions": [{"type": kind, "status": status, "lastTransitionTime": at} for kind, status in told.items()],
        "containerStatuses": [
            {"name": container, "image": "builder:1", "imageID": "", "ready": False, "restartCount": 0,
             "started": False, "state": {"waiting": {"reason": "ContainerCreating"}}, "lastState": {}}
        ],
    }  # fmt: skip


def test_a_secret_that_a_build_waits_for_is_named_with_its_field_its_key_and_what_to_do(
    operators: Operators, control_plane: ControlPlane, namespace: str
) -> None:
    operator, job = build_with_a_secret(operators, control_plane, namespace)
    name, template = job["metadata"]["name"], job["spec"]["template"]

    pods = f"/api/v1/namespaces/{namespace}/pods"
    labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": name}
    control_plane.admin.post(pods, {"metadata": {"name": f"{name}-x", "labels": labels}, "spec": template["spec"]})
    control_plane.admin.patch(f"{pods}/{name}-x/status", {"status": waiting_for_its_mounts("build", 120)})

    def told() -> str | None:
        message: str = condition(control_plane, namespace, "help", "IndexBuilt").get("message", "")
        return message if "nowhere" in message else None

    message = wait_until(told, SECONDS, "the Secret is named", operator.explain)
    assert "Secret nowhere (spec.source.http.secretRef), which must exist with clockifyrag-authorization" in message
    assert f"kubectl -n {namespace} get secret nowhere" in message
    assert f"kubectl -n {namespace} describe pod {name}-x" in message
    operator.terminate()


def test_all_that_hostile_authors_get_built_suits_the_restricted_profile(
    operators: Operators, control_plane: ControlPlane, namespace: str
) -> None:
    pod = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "priorityClassName": "system-node-critical"}
    spec = {"source": {"sample": {}}, "search": {"pod": pod}, "build": {"pod": pod}, "ollama": {"server": {"pod": pod}}}
    operator = operators.start(namespace)
    control_plane.admin.post(Resources(control_plane, namespace).path, resource("help", spec))
    sets = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
    made = wait_until(
        lambda: items if len(items := control_plane.admin.get(sets)["items"]) == 2 else None,
        SECONDS,
        "model server and store are made",
        operator.explain,
    )

    pods = f"/api/v1/namespaces/{namespace}/pods"
    for one in made:
        template = one["spec"]["template"]
        claims = [
            {"name": claim["metadata"]["name"], "emptyDir": {}} for claim in one["spec"].get("volumeClaimTemplates", ())
        ]
        template["spec"]["volumes"] += claims  # which the controller would bind
        body = {"metadata": {"name": one["metadata"]["name"], "labels": template["metadata"]["labels"]}}
        control_plane.admin.post(pods, {**body, "spec": template["spec"]}, dryRun="All")  # the namespace is restricted
        assert "default" != template["spec"]["serviceAccountName"]
        assert not template["spec"]["automountServiceAccountToken"]
    operator.terminate()


@pytest.mark.slow
def test_five_hundred_of_them_keep_nobody_waiting(
    operators: Operators, control_plane: ControlPlane, namespace: str
) -> None:
    childless = [one.spec for one in TOLD if isinstance(one.outcome, Told) and not one.outcome.made]
    parents = [one.spec for one in TOLD if isinstance(one.outcome, Told) and one.outcome.made]
    resources = Resources(control_plane, namespace)
    for number in range(MANY):
        specs = childless if number % ONE_PARENT_IN else parents
        spec = specs[number % len(specs)]
        control_plane.admin.post(resources.path, resource(f"hostile-{number:03}", spec))
    operator = operators.start(namespace, ALLOWED_IMAGES=ALLOWED)

    good = {"source": {"sample": {}}, "embedding": {"provider": "Local"}}
    control_plane.admin.post(resources.path, resource("good", good))

    wait_until(lambda: started(control_plane, namespace, "good"), SECONDS, "the good one builds", operator.explain)
    change = {"spec": {"search": {"config": {"retrievalK": 7}}}}
    control_plane.admin.patch(f"{resources.path}/good", change)
    wait_until(lambda: changed(control_plane, namespace), SECONDS, "its change is seen", operator.explain)
    operator.terminate()


def started(control_plane: ControlPlane, namespace: str, name: str) -> bool:
    jobs = control_plane.admin.get(f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
    return any(one["metadata"]["name"].startswith(f"{name}-build-") for one in jobs)


def changed(control_plane: ControlPlane, namespace: str) -> bool:
    settings = control_plane.admin.get(f"/api/v1/namespaces/{namespace}/configmaps/good-search")
    return settings["data"]["RETRIEVAL_K"] == "7"
