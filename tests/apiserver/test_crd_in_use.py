"""The definition as people and programs meet it: explain, columns, scaling, status, fields that do not exist."""

import copy
import re
from typing import Any

import pytest
import yaml
from crd_examples import manifest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.controlplane.api import MERGE_PATCH
from tests.apiserver.resources import Resources
from tests.waiting import wait_until

from clockifyrag_resource.cel import KEY as RULES
from clockifyrag_resource.conditions import ConditionType
from clockifyrag_resource.crd import custom_resource_definition

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

STATUS: dict[str, Any] = yaml.safe_load("""
observedGeneration: 1
conditions:
- {type: Ready, status: "True", reason: Serving, message: All serve., lastTransitionTime: "2026-11-24T10:00:00Z",
   observedGeneration: 1}
index: {generation: gen-0123456789ab, documents: 91, chunks: 640, dimensions: 768, model: nomic-embed-text,
        modelDigest: 0a109f422b47, buildTime: "2026-11-24T09:00:00Z", reason: Initial, reindexToken: "7",
        sourceDigest: 0123456789ab, mrr: "0.913"}
generations:
- {id: gen-0123456789ab, state: Good, reason: Initial, buildTime: "2026-11-24T09:00:00Z", documents: 91, chunks: 640,
   bytes: 3000000}
build: {job: help-build-01234567, stage: embedding, done: 5, total: 640, rate: "12.5", eta: 50,
        heartbeatTime: "2026-11-24T10:00:00Z"}
search: {replicas: 2, readyReplicas: 2, serving: [{generation: gen-0123456789ab, pods: 2}]}
selector: clockifyrag.io/resource=help,clockifyrag.io/component=search
images: {service: a/b, indexBuilder: a/c, ollama: "ollama/ollama:1", template: 1}
nextScheduledBuildTime: "2026-11-25T03:30:00Z"
url: http://help-search.docs
""")


@pytest.fixture
def resources(control_plane: ControlPlane, namespace: str, crd: str) -> Resources:
    """With one resource, `help`, and its status."""
    resources = Resources(control_plane, namespace)
    assert resources.create(manifest({})).is_success
    resources.api.patch(f"{resources.path}/help/status", {"status": STATUS})
    return resources


def kubectl(control_plane: ControlPlane, namespace: str, *arguments: str) -> str:
    return control_plane.kubectl("--namespace", namespace, *arguments).stdout


def test_explain_names_every_field_with_its_type_and_says_what_it_is(control_plane: ControlPlane, crd: str) -> None:
    def explained() -> str:
        return control_plane.kubectl("explain", "clockifyrag.spec", "--recursive", check=False).stdout

    fields = wait_until(explained, 30, "the API server has told kubectl of the new kind")
    one = control_plane.kubectl("explain", "crag.spec.search.config.retrievalK").stdout

    for line in (
        r"  source\t<Object> -required-",
        r"      startURLs\t<\[\]string>",
        r"    efConstruction\t<integer>",
        r"      retrievalK\t<integer>",
        r"        tolerations\t<\[\]Object>",
        r"enum: Nothing, Rollouts, All",
    ):
        assert re.search(line, fields), f"{line} is not in\n{fields}"
    assert "<Object> <empty>" not in fields
    assert "Results when a request names no k. Default: 5. Changing it replaces the pods" in " ".join(one.split())


def test_get_shows_the_columns(control_plane: ControlPlane, namespace: str, resources: Resources) -> None:
    header, line = kubectl(control_plane, namespace, "get", "crag", "help").splitlines()
    wide, _ = kubectl(control_plane, namespace, "get", "clockifyrags", "-o", "wide").splitlines()

    assert "NAME READY REASON GENERATION DOCS CHUNKS MODEL AGE".split() == header.split()
    assert "help True Serving gen-0123456789ab 91 640 nomic-embed-text".split() == line.split()[:-1]
    assert "REPLICAS MRR URL".split() == wide.split()[-3:]


def test_get_all_shows_it(control_plane: ControlPlane, namespace: str, resources: Resources) -> None:
    shown = kubectl(control_plane, namespace, "get", "all", "-o", "name")

    assert "clockifyrag.clockifyrag.io/help\n" == shown


def test_scale_changes_replicas_unless_autoscaling_decides(
    control_plane: ControlPlane, namespace: str, resources: Resources
) -> None:
    kubectl(control_plane, namespace, "scale", "crag/help", "--replicas=4")
    scaled = resources.api.get(f"{resources.path}/help/scale")
    resources.api.patch(f"{resources.path}/help", {"spec": {"search": {"autoscaling": {}}}})
    refused = control_plane.kubectl("--namespace", namespace, "scale", "crag/help", "--replicas=5", check=False)

    assert {"replicas": 4} == scaled["spec"]
    assert {"replicas": 2, "selector": STATUS["selector"]} == scaled["status"]
    assert "autoscaling decides how many pods there are" in refused.stderr


def test_the_whole_status_is_kept_and_never_changes_the_spec(resources: Resources) -> None:
    sent = {"spec": {"source": {"http": {"url": "https://a.org"}}}, "status": {"url": "https://a.org"}}

    stored = resources.api.patch(f"{resources.path}/help/status", sent)

    assert STATUS | {"url": "https://a.org"} == stored["status"]
    assert {} == stored["spec"]["source"]["sample"]
    assert 1 == stored["metadata"]["generation"]


def test_conditions_of_several_writers_are_one_list_by_type(resources: Resources) -> None:
    names = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"}}
    condition = STATUS["conditions"][0] | {"type": ConditionType.DEGRADED, "status": "False", "reason": "AsExpected"}

    body = names | {"status": {"conditions": [condition]}}
    stored = resources.api.apply(f"{resources.path}/help/status", body, manager="operator")

    assert ["Ready", "Degraded"] == [one["type"] for one in stored["status"]["conditions"]]


def test_a_message_that_is_too_long_for_a_condition_is_refused(resources: Resources) -> None:
    conditions = [STATUS["conditions"][0] | {"message": "a" * 1025}]

    answer = resources.api.request(
        "PATCH", f"{resources.path}/help/status", {"status": {"conditions": conditions}}, MERGE_PATCH
    )

    assert 422 == answer.status_code


def test_a_field_that_does_not_exist_is_named_by_kubectl_and_lost_by_who_does_not_ask(
    control_plane: ControlPlane, namespace: str, resources: Resources
) -> None:
    misspelt = manifest({"$name": "other", "search": {"config": {"retreivalK": 3}, "pod": {"hostNetwork": True}}})

    refused = control_plane.kubectl(
        "--namespace", namespace, "apply", "--filename", "-", input=yaml.safe_dump(misspelt), check=False
    )
    stored = resources.api.post(resources.path, misspelt, dryRun="All", fieldValidation="Ignore")

    assert 'unknown field "spec.search.config.retreivalK"' in refused.stderr
    assert 'unknown field "spec.search.pod.hostNetwork"' in refused.stderr
    assert "retreivalK" not in stored["spec"]["search"]["config"]
    assert {} == stored["spec"]["search"]["pod"]


def test_the_manifest_at_the_top_of_the_repository_is_applied_by_kubectl_twice_without_a_change(
    control_plane: ControlPlane, namespace: str, crd: str
) -> None:
    first = kubectl(control_plane, namespace, "apply", "--filename", "clockifyrag.yaml")
    again = kubectl(control_plane, namespace, "apply", "--filename", "clockifyrag.yaml")

    assert "clockifyrag.clockifyrag.io/help created\n" == first
    assert "clockifyrag.clockifyrag.io/help unchanged\n" == again


def test_a_rule_that_is_newer_than_a_resource_blocks_neither_its_status_nor_other_changes(
    control_plane: ControlPlane, namespace: str
) -> None:
    older, newer = definition_in("older.example.com"), definition_in("older.example.com")
    del older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["source"][RULES]
    api, path = control_plane.admin, f"/apis/older.example.com/v1beta1/namespaces/{namespace}/clockifyrags"
    several = manifest({"source": {"sample": {}, "http": {"url": "https://a.org"}}})
    several["apiVersion"] = "older.example.com/v1beta1"
    api.post(DEFINITIONS, older)
    wait_until(lambda: api.request("POST", path, several).is_success, 30, "the older definition is served")

    api.patch(f"{DEFINITIONS}/{older['metadata']['name']}", {"spec": newer["spec"]})
    wait_until(
        lambda: api.request("POST", path, several | {"metadata": {"name": "b"}}, dryRun="All").status_code == 422,
        30,
        "the newer definition is in force",
    )
    status = api.request("PATCH", f"{path}/help/status", {"status": STATUS}, MERGE_PATCH)
    other_change = api.request("PATCH", f"{path}/help", {"spec": {"pause": "All"}}, MERGE_PATCH)
    same_part = api.request("PATCH", f"{path}/help", {"spec": {"source": {"format": "HTML"}}}, MERGE_PATCH)

    assert (200, 200, 422) == (status.status_code, other_change.status_code, same_part.status_code), same_part.text


def definition_in(group: str) -> dict[str, Any]:
    """The definition under another group, which no other test uses."""
    definition = custom_resource_definition()
    definition["metadata"] = {"name": f"clockifyrags.{group}"}
    definition["spec"] = copy.deepcopy(definition["spec"]) | {"group": group}
    return definition
