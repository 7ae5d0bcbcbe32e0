"""What holds for every object and every pod, whatever a resource wants."""

import json
import re
from collections.abc import Iterator
from typing import Any

import kubernetes.client
from drawn import (
    BUILD,
    EMBED,
    LIST,
    NAMESPACE,
    UID,
    Spec,
    containers,
    decided,
    drawn,
    drawn_for,
    pod_templates,
    seen,
    specs,
    wanted,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clockifyrag_operator import names
from clockifyrag_operator.amounts import canonical
from clockifyrag_operator.mounted import FIELDS
from clockifyrag_operator.observed import Manifest
from clockifyrag_resource.quantities import Quantity

orders = st.sampled_from([BUILD, EMBED, LIST, None])
LABELS = {names.RESOURCE, names.COMPONENT}
MODELS = {
    "v1": "V1",
    "apps/v1": "V1",
    "batch/v1": "V1",
    "networking.k8s.io/v1": "V1",
    "policy/v1": "V1",
    "autoscaling/v2": "V2",
}


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_every_pod_suits_the_restricted_profile(spec: Spec, order: Any) -> None:
    for name, template in pod_templates(drawn(spec, order=order)):
        pod = template["spec"]

        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert 10001 == pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"]
        assert {"type": "RuntimeDefault"} == pod["securityContext"]["seccompProfile"]
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod)
        kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
        for one in containers(template):
            security = one["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert {"drop": ["ALL"]} == security["capabilities"]


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_whatever_a_pod_must_mount_of_its_author_has_a_field_to_name_it_by(spec: Spec, order: Any) -> None:
    for name, template in pod_templates(drawn(spec, order=order)):
        for volume in template["spec"]["volumes"]:
            source = volume.get("secret") or volume.get("configMap") or {"optional": True}
            if not source.get("optional") and volume["name"] != "generation":  # the pointer, which is the operator's
                assert volume["name"] in FIELDS, name


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_no_pod_holds_a_token_or_learns_of_the_services_beside_it(spec: Spec, order: Any) -> None:
    for _, template in pod_templates(drawn(spec, order=order)):
        pod = template["spec"]

        assert (False, False) == (pod["automountServiceAccountToken"], pod["enableServiceLinks"])
        assert "help-search" == pod["serviceAccountName"]


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_every_container_says_what_it_needs_and_runs_no_shell(spec: Spec, order: Any) -> None:
    for _, template in pod_templates(drawn(spec, order=order)):
        for one in containers(template):
            amounts = one["resources"]
            for name in ("cpu", "memory"):
                request, limit = (Quantity.parse(amounts[part][name]) for part in ("requests", "limits"))
                assert request <= limit
            assert "command" not in one
            assert not any(argument in ("sh", "bash", "-c") for argument in one.get("args", []))


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_every_volume_that_is_mounted_is_there_and_the_other_way_round(spec: Spec, order: Any) -> None:
    for name, template in pod_templates(drawn(spec, order=order)):
        mounted = {one["name"] for container in containers(template) for one in container["volumeMounts"]}
        given_ = {one["name"] for one in template["spec"]["volumes"]}
        claimed = {"models"} if name == "help-ollama" else set()

        assert mounted == given_ | claimed


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_secrets_are_readable_through_their_fixed_keys_alone(spec: Spec, order: Any) -> None:
    known = {names.AUTHORIZATION_KEY, names.API_KEYS_KEY, "tls.crt", "tls.key"}
    for _, template in pod_templates(drawn(spec, order=order)):
        for volume in template["spec"]["volumes"]:
            if "secret" in volume and volume["secret"]["secretName"].endswith("-internal"):
                assert volume["secret"]["optional"] is True  # nothing depends on it
                assert [names.INTERNAL_KEY] == [item["key"] for item in volume["secret"]["items"]]
            elif "secret" in volume:
                assert volume["secret"]["optional"] is False
                assert {item["key"] for item in volume["secret"]["items"]} <= known


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_selectors_go_by_the_two_labels_and_pods_carry_both(spec: Spec, order: Any) -> None:
    for (kind, name), one in drawn(spec, order=order).items():
        for selector in selectors_of(one):
            assert set(selector) <= LABELS, (kind, name)
            assert "help" == selector[names.RESOURCE]
        if kind in ("Deployment", "StatefulSet"):
            assert set(one["spec"]["selector"]["matchLabels"].items()) <= set(
                one["spec"]["template"]["metadata"]["labels"].items()
            )


def selectors_of(one: Manifest) -> Iterator[dict[str, str]]:
    """The selectors by which an object finds pods of the resource."""
    spec = one.get("spec", {})
    if one["kind"] == "Service":
        yield spec["selector"]
    elif one["kind"] == "NetworkPolicy":
        yield spec["podSelector"]["matchLabels"]
    elif "selector" in spec:
        yield spec["selector"]["matchLabels"]


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_every_object_goes_with_its_resource_but_volumes_that_are_to_stay(spec: Spec, order: Any) -> None:
    for (kind, _), one in drawn(spec, order=order).items():
        metadata = one["metadata"]
        owners = metadata.get("ownerReferences")
        if kind == "PersistentVolumeClaim" and spec["index"]["storage"]["onDelete"] == "Retain":
            assert owners is None
            assert "app.kubernetes.io/instance" not in metadata["labels"]
            assert "Prune=false" == metadata["annotations"]["argocd.argoproj.io/sync-options"]
        else:
            assert [(UID, True, False)] == [(o["uid"], o["controller"], o["blockOwnerDeletion"]) for o in owners]
            assert "help" == metadata["labels"]["app.kubernetes.io/instance"]


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_every_object_stands_in_the_namespace_of_its_resource_and_is_found_by_its_labels(
    spec: Spec, order: Any
) -> None:
    for _, one in drawn(spec, order=order).items():
        labels = one["metadata"]["labels"]

        assert NAMESPACE == one["metadata"]["namespace"]
        assert (names.MANAGED_BY_US, "help") == (labels[names.MANAGED_BY], labels[names.RESOURCE])
        assert labels[names.COMPONENT] in names.COMPONENTS


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_names_of_the_longest_resource_fit_into_a_label(spec: Spec, order: Any) -> None:
    longest = wanted(spec, "a" * 40)

    for kind, name in drawn_for(longest, seen(), decided(longest, order=order)):
        pods_add = len("-0123456789") if kind == "StatefulSet" else 0  # their label controller-revision-hash
        assert len(name) + pods_add <= 63, (kind, name)


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_nothing_empty_is_written_and_every_amount_is_in_its_one_form(spec: Spec, order: Any) -> None:
    for (kind, name), one in drawn(spec, order=order).items():
        for path, value in leaves(one):
            where = (kind, name, path)
            peers_of_the_author = kind == "NetworkPolicy" and value == {}
            assert peers_of_the_author or value not in (None, {}, [], ""), where
            if path[-2:-1] in (("requests",), ("limits",)) or path[-1] == "sizeLimit":
                assert value == canonical(Quantity.parse(value)), where


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value that holds no other, with the way to it; empty maps and lists among them."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = list(steps)
    if not inner:
        yield path, value
    for step, below in inner:
        yield from leaves(below, (*path, step))


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_equal_resources_give_equal_objects_and_all_are_json(spec: Spec, order: Any) -> None:
    look = seen(ledger=None)

    first, second = (
        [json.dumps(one) for key, one in drawn(spec, look, order=order).items() if key[0] != "Secret"] for _ in range(2)
    )

    assert first == second


@settings(deadline=None, max_examples=50)
@given(specs(), orders)
def test_every_field_is_one_of_the_kubernetes_api(spec: Spec, order: Any) -> None:
    for (kind, name), one in drawn(spec, order=order).items():
        if one["apiVersion"] in MODELS:
            unknown = list(unknown_fields(one, f"{MODELS[one['apiVersion']]}{kind}"))
            assert [] == unknown, (kind, name)


def unknown_fields(value: Any, model: str, path: str = "") -> Iterator[str]:
    """The fields of a manifest that the API's own model does not have, and values of another type."""
    if inner := re.fullmatch(r"List\[(.*)\]", model):
        if not isinstance(value, list):
            yield f"{path} is no list"
        for number, below in enumerate(value):
            yield from unknown_fields(below, inner[1], f"{path}[{number}]")
    elif inner := re.fullmatch(r"Dict\[str, (.*)\]", model):
        for key, below in value.items():
            yield from unknown_fields(below, inner[1], f"{path}.{key}")
    elif model in ("str", "bool", "int"):
        if type(value).__name__ != model:
            yield f"{path} is {value!r}, no {model}"
    elif hasattr(kubernetes.client, model) and isinstance(value, dict):
        kind = getattr(kubernetes.client, model)
        fields = {json_name: kind.openapi_types[name] for name, json_name in kind.attribute_map.items()}
        for name, below in value.items():
            if name not in fields:
                yield f"{path}.{name} is not in {model}"
            else:
                yield from unknown_fields(below, fields[name], f"{path}.{name}")
