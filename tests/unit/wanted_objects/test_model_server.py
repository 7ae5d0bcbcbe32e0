"""The model server: what it holds before it serves, and what makes its volumes grow."""

from typing import Any

import pytest
from drawn import Spec, drawn, seen

from clockifyrag_operator import names


def server(**fields: Any) -> Spec:
    return {"ollama": {"server": fields}}


def stateful_set(spec: Spec | None = None, **decision: Any) -> dict[str, Any]:
    spec_: dict[str, Any] = drawn(spec or {}, None, **decision)["StatefulSet", "help-ollama"]["spec"]
    return spec_


def container(of: dict[str, Any], name: str) -> dict[str, Any]:
    pod = of["template"]["spec"]
    found: dict[str, Any] = next(one for one in [*pod["initContainers"], *pod["containers"]] if one["name"] == name)
    return found


def test_models_are_pulled_from_beside_before_anybody_is_served() -> None:
    drawn_set = stateful_set(models=("b", "a"))

    puller, pulling = drawn_set["template"]["spec"]["initContainers"]
    assert ("puller", "Always") == (puller["name"], puller["restartPolicy"])  # a sidecar: it runs while others start
    assert "127.0.0.1:11435" == environment(puller)["OLLAMA_HOST"]
    addresses = ["--url=http://127.0.0.1:11435", "--outcome=/dev/termination-log"]
    assert ["models", "pull", *addresses, "--model=a", "--model=b"] == pulling["args"]
    serving = container(drawn_set, "ollama")
    assert ("0.0.0.0:11434", "-1") == (environment(serving)["OLLAMA_HOST"], environment(serving)["OLLAMA_KEEP_ALIVE"])


def environment(one: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in one["env"]}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param(
            {"embedding": {"digest": "a" * 64}}, f"--digest=nomic-embed-text={'a' * 64}", id="a digest"
        ),
        pytest.param(server(registry="models.example/team"), "--registry=models.example/team", id="a registry"),
    ],
)  # fmt: skip
def test_what_is_pulled_is_what_the_resource_names(spec: Spec, told: str) -> None:
    assert told in container(stateful_set(spec), "models")["args"]
    assert told not in container(stateful_set(), "models")["args"]


def test_the_order_of_models_replaces_no_pods_and_another_model_does() -> None:
    one, other, more = (stateful_set(models=models) for models in (("a", "b"), ("b", "a"), ("a", "b", "c")))

    assert one == other
    assert one["template"] != more["template"]


def test_graphics_processors_are_limits_of_the_server_alone() -> None:
    drawn_set = stateful_set(server(gpu={"count": 2}, resources={"requests": {"cpu": 2}}))

    assert {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "2"} == container(drawn_set, "ollama")["resources"]["limits"]
    assert "nvidia.com/gpu" not in container(drawn_set, "puller")["resources"]["limits"]


def test_each_replica_has_a_volume_that_goes_with_the_server() -> None:
    drawn_set = stateful_set(server(replicas=3, storage={"size": "0.5Gi", "storageClassName": "fast"}))

    (claim,) = drawn_set["volumeClaimTemplates"]
    assert ("models", "512Mi", "fast") == (
        claim["metadata"]["name"],
        claim["spec"]["resources"]["requests"]["storage"],
        claim["spec"]["storageClassName"],
    )
    assert {"whenDeleted": "Delete", "whenScaled": "Retain"} == drawn_set["persistentVolumeClaimRetentionPolicy"]
    assert (3, "Parallel") == (drawn_set["replicas"], drawn_set["podManagementPolicy"])


def live_claim(name: str, size: str) -> dict[str, Any]:
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": names.labels("help", "ollama")},
        "spec": {"resources": {"requests": {"storage": size}}},
    }


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param("10Gi", "20Gi", id="grown"),
        pytest.param("20Gi", "20Gi", id="large enough"),
        pytest.param("30Gi", None, id="never made smaller"),
    ],
)
def test_volumes_of_models_grow_in_place(live: str, expected: str | None) -> None:
    claims = [live_claim("models-help-ollama-0", live), live_claim("models-other", live)]
    look = seen({("PersistentVolumeClaim", one["metadata"]["name"]): one for one in claims})

    found = drawn(server(storage={"size": "20Gi"}), look)

    sizes = {
        name: one["spec"]["resources"]["requests"]["storage"]
        for (kind, name), one in found.items()
        if kind == "PersistentVolumeClaim" and name.startswith("models-")
    }
    assert ({"models-help-ollama-0": expected} if expected else {}) == sizes


def test_the_headless_service_is_the_name_of_every_ready_replica() -> None:
    service = drawn()["Service", "help-ollama"]["spec"]

    assert ("None", 11434) == (service["clusterIP"], service["ports"][0]["port"])
    assert "publishNotReadyAddresses" not in service  # a replica without its models is asked by nobody


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        pytest.param(server(image="example.com/ollama:2"), True, id="an image"),
        pytest.param(server(resources={"limits": {"cpu": 8}}), True, id="resources"),
        pytest.param(server(registry="models.example"), True, id="a registry"),
        pytest.param(server(replicas=2), False, id="more replicas"),
        pytest.param(server(storage={"size": "50Gi"}), False, id="larger volumes"),
        pytest.param({"search": {"replicas": 5}}, False, id="search pods"),
    ],
)
def test_the_servers_pods_are_replaced_by_what_they_depend_on(change: Spec, replaces: bool) -> None:
    before, after = (drawn(spec)["StatefulSet", "help-ollama"] for spec in ({}, change))

    assert replaces == (before["spec"]["template"] != after["spec"]["template"])
    annotations = [one["metadata"]["annotations"][names.INPUTS] for one in (before, after)]
    assert replaces == (annotations[0] != annotations[1])
