"""The objects the operator draws, on a real API server: accepted as they are, and nothing to write at rest."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from drawn import (
    BUILD,
    EMBED,
    EMBEDDERS,
    EVERYTHING,
    GENERATION,
    LIST,
    SOURCES,
    Spec,
    decided,
    drawn_for,
    pod_templates,
    seen,
    wanted,
)
from tests.apiserver.controlplane import ControlPlane

from clockifyrag_operator.client import path_of
from clockifyrag_operator.contained import holds, marked
from clockifyrag_operator.kinds import ALL
from clockifyrag_operator.ledger import Ledger
from clockifyrag_operator.objects.ledger import ledger_config_map
from clockifyrag_operator.observed import Manifest

RWX: Spec = {"index": {"storage": {"accessMode": "ReadWriteMany", "onDelete": "Delete", "storageClassName": "shared"}}}
SPECS: dict[str, Spec] = {
    **{f"source: {name}": {"source": source} for name, source in SOURCES.items()},
    **EMBEDDERS,
    "shared volume": RWX,
    "everything": EVERYTHING,
    "everything on a shared volume": {**EVERYTHING, **RWX, **EMBEDDERS["ollama, several"]},
    "amounts in odd forms": {
        "index": {"storage": {"size": "1.5Gi"}},
        "search": {"resources": {"requests": {"cpu": "0.25", "memory": "1e9"}, "limits": {"ephemeral-storage": "2e9"}}},
        "build": {"resources": {"limits": {"cpu": "1500m", "memory": "4096Mi"}}},
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def classes(control_plane: ControlPlane) -> None:
    """The priority and the runtime class that EVERYTHING names."""
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1000}
    runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "runsc"}
    for path, body, name in (
        ("/apis/scheduling.k8s.io/v1/priorityclasses", priority, "high"),
        ("/apis/node.k8s.io/v1/runtimeclasses", runtime, "gvisor"),
    ):
        control_plane.admin.apply(f"{path}/{name}", {**body, "metadata": {"name": name}})


def objects(spec: Spec, namespace: str, **decision: Any) -> dict[tuple[str, str], Manifest]:
    """What is drawn for the spec in that namespace; without the kinds that this API server does not know."""
    resource = replace(wanted(spec), namespace=namespace)
    drawn = drawn_for(resource, seen(kinds=frozenset()), decided(resource, **decision))
    ledger = ledger_config_map(resource, Ledger(current=GENERATION), None)
    return {("ConfigMap", "help-generations"): ledger, **drawn}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_what_is_applied_is_what_is_stored_and_applying_it_again_changes_nothing(
    control_plane: ControlPlane, namespace: str, classes: None, spec: Spec
) -> None:
    for (kind, name), one in objects(spec, namespace).items():
        rendered = marked(one)

        first, second, third = (control_plane.admin.apply(path_of(one), rendered) for _ in range(3))

        assert holds(first, rendered), (kind, name)
        assert said(first) == said(second)
        # Kubernetes 1.35 stores a claim once more when it is first repeated, with nothing changed that can be read.
        assert second["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"], (kind, name)
        assert "PersistentVolumeClaim" == kind or first == second


def said(live: Manifest) -> Manifest:
    """The object without the count of its writes."""
    return {**live, "metadata": {**live["metadata"], "resourceVersion": None}}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_namespace_of_the_restricted_profile_admits_every_pod(
    control_plane: ControlPlane, namespace: str, classes: None, spec: Spec
) -> None:
    account = objects(spec, namespace)["ServiceAccount", "help-search"]
    control_plane.admin.apply(path_of(account), account)

    for order in (BUILD, EMBED, LIST):
        for name, pod in pods(objects(spec, namespace, order=order)):
            made = control_plane.admin.post(f"/api/v1/namespaces/{namespace}/pods", pod, dryRun="All")

            assert made["spec"]["automountServiceAccountToken"] is False, name
            assert not [one for one in made["spec"]["volumes"] if "projected" in one]


def pods(drawn: dict[tuple[str, str], Manifest]) -> Iterator[tuple[str, Manifest]]:
    """A pod of each workload, with the volumes that its StatefulSet would give it."""
    claimed = {
        name: [
            {"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"models-{name}-0"}}
            for one in workload["spec"].get("volumeClaimTemplates", [])
        ]
        for (_, name), workload in drawn.items()
        if workload["kind"] == "StatefulSet"
    }
    for name, template in pod_templates(drawn):
        spec = {**template["spec"], "volumes": [*template["spec"]["volumes"], *claimed.get(name, [])]}
        yield name, {"metadata": {**template["metadata"], "name": f"{name}-0"}, "spec": spec}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, EVERYTHING, id="everything at once"),
        pytest.param(EVERYTHING, {}, id="and back"),
        pytest.param({"index": {"storage": {"onDelete": "Delete"}}}, {}, id="a volume that is to stay after all"),
        pytest.param({}, {"index": {"storage": {"onDelete": "Delete"}}}, id="a volume that is to go after all"),
        pytest.param(
            {"search": {"service": {"type": "NodePort"}}}, {"search": {"service": {"port": 9090}}}, id="a Service"
        ),
    ],
)
def test_a_change_of_the_resource_takes_back_what_it_no_longer_says(
    control_plane: ControlPlane, namespace: str, classes: None, before: Spec, after: Spec
) -> None:
    applied = {}
    for spec in (before, after):
        for key, one in objects(spec, namespace).items():
            if ALL[key[0]].listed and key[0] != "Job":
                applied[key] = control_plane.admin.apply(path_of(one), marked(one))

    for key, one in objects(after, namespace).items():
        if key in applied:
            assert (one["metadata"].get("ownerReferences"), one["metadata"]["labels"]) == (
                applied[key]["metadata"].get("ownerReferences"),
                applied[key]["metadata"]["labels"],
            )
            assert holds(applied[key], marked(one))
