"""Parts every pod is made of: security contexts, probes, volumes, what the author adds.

All pods suit the restricted profile of the Pod Security Standards (kubernetes.io/docs/concepts/security), hold no
token of the API server and get no variables of the Services beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from clockifyrag_operator import names
from clockifyrag_operator.manifest import given, spec_of
from clockifyrag_operator.observed import Wanted
from clockifyrag_resource.pod import Pod, TopologySpreadConstraint

USER = 10001  # of the images; owns what pods write
TMP_BYTES_MAX = "1Gi"
_SECRETS_MODE = 0o440  # owner and group, which is fsGroup
HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
_ZONE_WEIGHT = 100  # of at most 100
_OF_ONE_REPLICA_SET = ["pod-template-hash"]
# Of StatefulSets. As the API server would have it anyway, but what somebody else sets there is taken back.
UPDATE_STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}

Fields = dict[str, Any]


def written(part: BaseModel) -> Fields:
    """The part of the resource as it stands in a manifest; what the author left out is left out."""
    fields: Fields = part.model_dump(mode="json", by_alias=True, exclude_none=True)
    return given(**fields)


def pull_policy(image: str) -> str:
    """What the API server gives an image of that name when nobody says it, as it says at the first time only: an image
    that is changed later would keep the policy of the one before (kubernetes.io/docs/concepts/containers/images).

    >>> pull_policy("registry:5000/service"), pull_policy("service:0.1.0"), pull_policy("service@sha256:ab")
    ('Always', 'IfNotPresent', 'IfNotPresent')
    """
    name, _, digest = image.rpartition("/")[2].partition("@")
    tag = name.partition(":")[2] or ("" if digest else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def container(
    name: str, image: str, *, resources: Mapping[str, Any], mounts: Sequence[Fields], **fields: Any
) -> Fields:
    """A container that can write nowhere but to what is mounted, and to /tmp."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": pull_policy(image),
        **given(**fields),
        "resources": dict(resources),
        "volumeMounts": [*mounts, mount("tmp", "/tmp")],  # noqa: S108  an emptyDir of the pod's own
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def pod_template(
    wanted: Wanted,
    component: str,
    added: Pod | None,
    containers: Sequence[Fields],
    *,
    volumes: Sequence[Fields] = (),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    affinity: Fields | None = None,
    spread: bool = False,
    **fields: Any,
) -> Fields:
    """The pods of a component: `containers`, what every pod here has, and what the author adds.

    affinity: required of the pods whatever the author says. spread: over nodes and zones, as far as that can be had;
    over nodes unless he says how they are spread, over zones unless he says also what they are kept away from.
    """
    added = added or Pod()
    constraints, ours = _constraints(wanted, component, added, affinity or {}, spread=spread)
    return {
        "metadata": given(
            labels={**added.labels, **names.labels(wanted.name, component), **(labels or {})},
            annotations={**added.annotations, **(annotations or {})},
        ),
        "spec": {
            "serviceAccountName": names.search(wanted.name),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": _pod_security(),
            "containers": list(containers),
            "volumes": [*volumes, empty_dir("tmp", TMP_BYTES_MAX)],
            **given(
                imagePullSecrets=[{"name": secret.name} for secret in spec_of(wanted).image_pull_secrets],
                nodeSelector=dict(added.node_selector),
                tolerations=[written(one) for one in added.tolerations],
                affinity=_affinity(added, ours),
                topologySpreadConstraints=constraints,
                priorityClassName=added.priority_class_name,
                runtimeClassName=added.runtime_class_name,
                **fields,
            ),
        },
    }


def _pod_security() -> Fields:
    """What the restricted profile asks of a pod, and whose its volumes are."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _constraints(
    wanted: Wanted, component: str, added: Pod, affinity: Fields, *, spread: bool
) -> tuple[list[Fields], Fields]:
    """topologySpreadConstraints and our part of the affinity: the author's constraints as they are, else ours."""
    of_author = [_spread(wanted, component, one) for one in added.topology_spread_constraints]
    if of_author or not spread:
        return of_author, affinity
    if not (added.affinity and added.affinity.pod_anti_affinity):
        affinity = {**in_different_zones(wanted, component), **affinity}
    return [on_different_nodes(wanted, component)], affinity


def _affinity(added: Pod, ours: Fields) -> Fields:
    """The author's affinity and ours as one; neither may undo the other."""
    wanted = written(added.affinity) if added.affinity else {}
    for kind, terms in ours.items():
        rules = dict(wanted.get(kind, {}))
        for strength, more in terms.items():
            rules[strength] = [*rules.get(strength, []), *more]
        wanted[kind] = rules
    return wanted


def _spread(wanted: Wanted, component: str, constraint: TopologySpreadConstraint) -> Fields:
    return {"labelSelector": match(wanted, component), **written(constraint)}


def on_different_nodes(wanted: Wanted, component: str) -> Fields:
    """The constraint that spreads pods of one ReplicaSet over nodes, as far as that can be had."""
    return {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": match(wanted, component),
        "matchLabelKeys": _OF_ONE_REPLICA_SET,
    }


def in_different_zones(wanted: Wanted, component: str) -> Fields:
    """The affinity that keeps pods of one ReplicaSet out of each other's zone, as far as that can be had.

    Not a second constraint: a node without the label of any of them gets no score by all of them, so that where nodes
    have no zones pods would not be spread at all (kubernetes, pkg/scheduler/framework/plugins/podtopologyspread).
    """
    term = {"labelSelector": match(wanted, component), "matchLabelKeys": _OF_ONE_REPLICA_SET, "topologyKey": ZONE}
    preferred = [{"weight": _ZONE_WEIGHT, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def match(wanted: Wanted, component: str) -> Fields:
    """The selector of the pods of one component."""
    return {"matchLabels": names.selector(wanted.name, component)}


def same_node_as(wanted: Wanted, component: str) -> Fields:
    """The affinity of pods that must run where those of `component` run."""
    term = {"labelSelector": match(wanted, component), "topologyKey": HOSTNAME}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def probe(path: str, port: str, *, period: int, failures: int, timeout: int = 3) -> Fields:
    """A question over HTTP, every `period` seconds; `failures` wrong answers in a row are one too many."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def port(name: str, number: int) -> Fields:
    """A port of a container."""
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def mount(volume: str, path: str, *, read_only: bool = False) -> Fields:
    """Where a container finds a volume."""
    return {"name": volume, "mountPath": path, **({"readOnly": True} if read_only else {})}


def empty_dir(name: str, size: str) -> Fields:
    """A volume that goes with its pod; one that grows beyond `size` ends it."""
    return {"name": name, "emptyDir": {"sizeLimit": size}}


def claim(name: str, of: str) -> Fields:
    """The volume that the PersistentVolumeClaim `of` stands for."""
    return {"name": name, "persistentVolumeClaim": {"claimName": of}}


def secret_keys(name: str, secret: str, keys: Sequence[str], *, optional: bool = False) -> Fields:
    """These keys of a Secret, and no other, as files of the same names."""
    items = [{"key": key, "path": key} for key in keys]
    return {
        "name": name,
        "secret": {"secretName": secret, "items": items, "defaultMode": _SECRETS_MODE, "optional": optional},
    }


def config_map_files(name: str, config_map: str, files: Mapping[str, str], *, optional: bool = False) -> Fields:
    """Entries of a ConfigMap as files: key → file name; {} stands for all of them."""
    items = [{"key": key, "path": path} for key, path in sorted(files.items())]
    source = given(name=config_map, items=items, optional=optional or None)
    return {"name": name, "configMap": source}
