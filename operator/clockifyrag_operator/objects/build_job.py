"""Jobs: they build an index, embed a share of it, or list what is on the volume. Created once, never changed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.amounts import resources
from clockifyrag_operator.decision import Decision, Images
from clockifyrag_operator.jobs import CONTAINER, EXIT_USAGE
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.manifest import digest, manifest, spec_of
from clockifyrag_operator.objects.job_args import AUTHORIZATION_FOLDER, job_args
from clockifyrag_operator.objects.store import wants_store
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pod_parts import (
    Fields,
    claim,
    config_map_files,
    container,
    mount,
    pod_template,
    port,
    same_node_as,
    secret_keys,
)

REQUESTS, LIMITS = {"cpu": "500m", "memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"}
BACKOFF_LIMIT = 3  # pods that fail, disruptions aside; after them it is the operator that waits and orders anew
GRACE_SECONDS = 30
_INPUTS: dict[str, Any] = {  # fields of the spec
    "build": {"resources", "pod", "deadline_seconds"},
    "embedding": {"batch_size", "shards"},
    "index": {"storage", "retain"},
    "ollama": True,
    "network_policy": True,
    "image_pull_secrets": True,
}
_POD_FAILURES = {
    "rules": [
        # Another pod would be told the same.
        {"action": "FailJob", "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [EXIT_USAGE]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
}


def component_of(order: BuildOrder) -> str:
    """What the pods of the order are: all that are no share of the embedding count as builds."""
    return names.EMBED if order.kind == "Embed" else names.BUILD


def job_name(name: str, order: BuildOrder) -> str:
    """The name of the order's Job: equal for equal orders, so that a Job is created once.

    What the Job removes is not part of it. `shards` is: the build that follows an embedding Job is another one.
    """
    parts = [str(order.key), order.trigger, order.kind, order.attempt, order.shards]
    hash8 = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
    return names.job(name, component_of(order), hash8)


def build_job(wanted: Wanted, decision: Decision, order: BuildOrder) -> Manifest:
    """The Job that carries out the order."""
    indexed = {"completionMode": "Indexed", "completions": order.shards, "parallelism": order.shards}
    return manifest(
        "batch/v1", "Job", wanted, job_name(wanted.name, order), component_of(order),
        annotations={names.ORDER: order.record(), names.INPUTS: inputs_digest(wanted, decision.images)},
        spec={
            **(indexed if order.kind == "Embed" else {}),
            "backoffLimit": BACKOFF_LIMIT,
            "activeDeadlineSeconds": spec_of(wanted).build.deadline_seconds,
            "podReplacementPolicy": "Failed",  # two pods never write at the same time
            "podFailurePolicy": _POD_FAILURES,
            "template": _template(wanted, decision, order),
        },
    )  # fmt: skip


def inputs_digest(wanted: Wanted, images: Images) -> str:
    """What changes with all of the resource that decides how a Job fares: what is in no build key, and yet makes it
    start, or end, in another way.
    """
    spec = spec_of(wanted)
    asked = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_INPUTS)
    return names.JOB_INPUTS_FORM + digest({"spec": asked, "image": spec.build.image or images.index_builder})


def _template(wanted: Wanted, decision: Decision, order: BuildOrder) -> Fields:
    build = spec_of(wanted).build
    sources = [] if order.kind == "List" else _source(wanted)
    volumes = [claim("index", names.index_volume(wanted.name)), *(volume for volume, _ in sources)]
    mounts = [mount("index", names.INDEX_ROOT), *(one for _, one in sources)]
    listening: dict[str, Any] = {} if order.kind == "List" else {"ports": [port("ops", names.OPS_PORT)]}
    building = container(
        CONTAINER,
        build.image or decision.images.index_builder,
        resources=resources(build.resources, REQUESTS, LIMITS),
        mounts=mounts,
        args=job_args(wanted, decision, order),
        **listening,
    )
    return pod_template(
        wanted,
        component_of(order),
        build.pod,
        [building],
        volumes=volumes,
        # A volume that one node alone can mount is where the store's pod is.
        affinity=same_node_as(wanted, names.STORE) if wants_store(wanted) else None,
        restartPolicy="Never",
        terminationGracePeriodSeconds=GRACE_SECONDS,
    )


def _source(wanted: Wanted) -> list[tuple[Fields, Fields]]:
    """The volumes the source is read from, each with where it is mounted."""
    source = spec_of(wanted).source
    read_here = mount("source", names.SOURCE_ROOT, read_only=True)
    if source.config_map_ref is not None:
        files = {key: key for key in source.config_map_ref.keys}
        return [(config_map_files("source", source.config_map_ref.name, files), read_here)]
    if source.pvc_ref is not None:
        return [(claim("source", source.pvc_ref.name), read_here)]
    if source.http is not None and source.http.secret_ref is not None:
        header = secret_keys("authorization", source.http.secret_ref.name, [names.AUTHORIZATION_KEY])
        return [(header, mount("authorization", AUTHORIZATION_FOLDER, read_only=True))]
    return []
