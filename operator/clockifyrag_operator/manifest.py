"""Manifests: how every child begins, and the digest that tells two values apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from clockifyrag_operator import names
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_resource.resource import Spec


def spec_of(wanted: Wanted) -> Spec:
    """The spec; it is an error of the caller to draw objects of a resource that is not valid."""
    assert wanted.rag is not None, f"{wanted.namespace}/{wanted.name} is invalid and has no objects"
    return wanted.rag.spec


def controller_of(live: Manifest) -> Mapping[str, Any] | None:
    """The owner that controls the object: there is one at most, and the API server sees to it."""
    owners = live["metadata"].get("ownerReferences") or ()
    return next((one for one in owners if one.get("controller")), None)


def annotation(live: Manifest, name: str) -> str | None:
    """The annotation of an object; None where it has none of that name."""
    found: str | None = (live["metadata"].get("annotations") or {}).get(name)
    return found


def is_ours(live: Manifest, wanted: Wanted) -> bool:
    """Whether the object is this resource's: it owns it, or its labels say so and no other owner does.

    Claims go by their labels alone: a retained one has no owner, one of a StatefulSet may have that.
    """
    metadata = live["metadata"]
    owner = controller_of(live)
    labels = metadata.get("labels") or {}
    labelled = labels.get(names.RESOURCE) == wanted.name and labels.get(names.MANAGED_BY) == names.MANAGED_BY_US
    if owner is None or live["kind"] == "PersistentVolumeClaim":
        return labelled
    return bool(owner.get("uid") == wanted.uid)


def manifest(
    api_version: str,
    kind: str,
    wanted: Wanted,
    name: str,
    component: str,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    owned: bool = True,
    **fields: Any,
) -> Manifest:
    """A child of the resource: its labels, its owner, and the given top-level fields; what is None is left out.

    labels: further ones; those of the operator win. owned: whether it goes when the resource goes.
    """
    metadata = given(
        name=name,
        namespace=wanted.namespace,
        labels={**(labels or {}), **names.labels(wanted.name, component)},
        annotations=dict(annotations or {}),
        ownerReferences=[names.owner_reference(wanted.name, wanted.uid)] if owned else None,
    )
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **given(**fields)}


def given(**fields: Any) -> dict[str, Any]:
    """The fields that say something: None and empty maps, lists and texts are left out, as the API server does.

    >>> given(replicas=0, nodeSelector={}, affinity=None, readOnly=False)
    {'replicas': 0, 'readOnly': False}
    """
    return {name: value for name, value in fields.items() if value is not None and value not in ({}, [], (), "")}


def digest(value: Any) -> str:
    """12 hex digits that are equal for equal values, whatever the order of their keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
