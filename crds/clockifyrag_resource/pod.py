"""`pod`: what may be said about the pods of a part; volumes, security context and account are the operator's."""

import json
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.part import Broken, Maybe, Part
from clockifyrag_resource.texts import Annotations, KubernetesObject, LabelKey, Labels, LabelValue, ObjectName

_RESERVED = ("clockifyrag.io/", "app.kubernetes.io/")  # the operator finds its pods by these
_STRENGTHS = tuple(f"{one}DuringSchedulingIgnoredDuringExecution" for one in ("required", "preferred"))


class Toleration(Part):
    """A taint the pods put up with."""

    key: Maybe[LabelKey] = Field(default=None, description="Key of the taint. Unset: every key, with Exists.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="How value is compared.")
    value: Maybe[LabelValue] = Field(default=None, description="Value of the taint, with Equal. Unset: empty.")
    effect: Maybe[Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]] = Field(
        default=None, description="Effect of the taint. Unset: every effect."
    )
    toleration_seconds: Maybe[Annotated[int, Field(ge=0, le=2_147_483_647)]] = Field(
        default=None, description="Seconds a NoExecute taint is put up with. Unset: for ever."
    )

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.operator != 'Exists' || !has(self.value)",
            "no value, or operator Equal",
            shown="self.value + ' with operator Exists'",
            path=".value",
        ),
        Cel(
            "self.operator != 'Equal' || has(self.key)",
            "a key, or operator Exists",
            found="no key with operator Equal",
            path=".key",
            refused_for="FieldValueRequired",
        ),
        Cel(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "effect NoExecute",
            shown="'tolerationSeconds with effect ' + (has(self.effect) ? self.effect : 'of every kind')",
            path=".tolerationSeconds",
        ),
    )

    def broken_rules(self) -> Iterator[Broken]:
        if self.operator == "Exists" and self.value is not None:
            yield Broken(("value",), f'"{self.value}" with operator Exists', "no value, or operator Equal")
        if self.operator == "Equal" and self.key is None:
            yield Broken(("key",), "no key with operator Equal", "a key, or operator Exists")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            yield Broken(("tolerationSeconds",), f"effect {self.effect or 'of every kind'}", "effect NoExecute")


class Affinity(Part):
    """Where the pods would rather, or must, run; as in the Kubernetes API."""

    node_affinity: Maybe[KubernetesObject] = Field(default=None, description="By labels of nodes. Unset: any.")
    pod_affinity: Maybe[KubernetesObject] = Field(default=None, description="Near which pods. Unset: any.")
    pod_anti_affinity: Maybe[KubernetesObject] = Field(
        default=None, description="Away from which pods. Unset: a search pod would rather be in no other's zone."
    )

    def broken_rules(self) -> Iterator[Broken]:
        """Terms of pods stand in lists: the operator adds its own to them."""
        for field, terms in (("podAffinity", self.pod_affinity), ("podAntiAffinity", self.pod_anti_affinity)):
            for strength in _STRENGTHS:
                found = (terms or {}).get(strength, [])
                if not isinstance(found, list):
                    yield Broken((field, strength), json.dumps(found), "a list of terms")


class TopologySpreadConstraint(Part):
    """How evenly the pods are spread over zones or nodes."""

    max_skew: int = Field(default=1, ge=1, le=100, description="Largest difference in pods between two domains.")
    topology_key: LabelKey = Field(description="Label of nodes that names the domain.")
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = Field(description="What happens otherwise.")
    min_domains: Maybe[Annotated[int, Field(ge=1, le=100)]] = Field(
        default=None, description="Fewest domains to spread over. Unset: 1."
    )
    label_selector: Maybe[KubernetesObject] = Field(
        default=None, description="Which pods are counted. Unset: the pods of this part."
    )
    match_label_keys: Annotated[tuple[LabelKey, ...], Field(max_length=16)] = Field(
        default=(), description="Labels whose values must be equal for pods to be counted. Default: none."
    )
    node_affinity_policy: Maybe[Literal["Honor", "Ignore"]] = Field(
        default=None, description="Whether nodes outside of the affinity count. Unset: Honor."
    )
    node_taints_policy: Maybe[Literal["Honor", "Ignore"]] = Field(
        default=None, description="Whether tainted nodes count. Unset: Ignore."
    )


_IS_RESERVED = " || ".join(f"key.startsWith('{prefix}')" for prefix in _RESERVED)


class Pod(Part):
    """Additions to the pods of one part."""

    api_rules: ClassVar[tuple[Cel, ...]] = tuple(
        Cel(
            f"!has(self.{field}) || !self.{field}.exists(key, {_IS_RESERVED})",
            f"other {field}: clockifyrag.io/ and app.kubernetes.io/ are reserved",
            found="a key that is the operator's",
            path=f".{field}",
        )
        for field in ("labels", "annotations")
    )

    labels: Labels = Field(default={}, description="Further labels. Default: none.")
    annotations: Annotations = Field(default={}, description="Further annotations. Default: none.")
    node_selector: Labels = Field(default={}, description="Labels a node must have. Default: none.")
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] = Field(
        default=(), description="Taints the pods put up with. Default: none."
    )
    affinity: Maybe[Affinity] = Field(
        default=None, description="Where pods run, or would rather. Unset: the operator's."
    )
    topology_spread_constraints: Annotated[tuple[TopologySpreadConstraint, ...], Field(max_length=16)] = Field(
        default=(), description="How the pods are spread. Default: as the operator spreads them."
    )
    priority_class_name: Maybe[ObjectName] = Field(default=None, description="Priority class. Unset: the cluster's.")
    runtime_class_name: Maybe[ObjectName] = Field(default=None, description="Runtime class. Unset: the cluster's.")

    def broken_rules(self) -> Iterator[Broken]:
        for field, keys in (("labels", self.labels), ("annotations", self.annotations)):
            for key in keys:
                if key.startswith(_RESERVED):
                    yield Broken((field, key), key, "another key: clockifyrag.io/ and app.kubernetes.io/ are reserved")
