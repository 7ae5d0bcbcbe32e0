"""The store: hands generations to search pods where these cannot mount the volume."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.amounts import resources
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.manifest import digest, manifest, spec_of
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pod_parts import UPDATE_STRATEGY, claim, container, match, mount, pod_template, port, probe
from clockifyrag_resource.containers import Resources

REQUESTS, LIMITS = {"cpu": "50m", "memory": "128Mi"}, {"cpu": "1", "memory": "512Mi"}


def wants_store(wanted: Wanted) -> bool:
    """Whether search pods fetch their index: a ReadWriteOnce volume can be mounted on one node alone."""
    return spec_of(wanted).index.storage.access_mode == "ReadWriteOnce"


def store_service(wanted: Wanted) -> Manifest | None:
    """The Service of the store."""
    if not wants_store(wanted):
        return None
    port_ = {"name": "http", "port": names.STORE_PORT, "targetPort": "store", "protocol": "TCP"}
    selector = names.selector(wanted.name, names.STORE)
    return manifest(
        "v1", "Service", wanted, names.store(wanted.name), names.STORE,
        spec={"type": "ClusterIP", "ports": [port_], "selector": selector},
    )  # fmt: skip


def store_stateful_set(wanted: Wanted, decision: Decision) -> Manifest | None:
    """The StatefulSet of the store's one pod, which may run before there is a generation.

    It is placed as builds are: these must run on its node.
    """
    if not wants_store(wanted):
        return None
    build = spec_of(wanted).build
    serving = container(
        "store",
        build.image or decision.images.index_builder,
        resources=resources(Resources(), REQUESTS, LIMITS),
        mounts=[mount("index", names.INDEX_ROOT, read_only=True)],
        args=["index", "serve", f"--root={names.INDEX_ROOT}", "--host=0.0.0.0", f"--port={names.STORE_PORT}"],
        ports=[port("store", names.STORE_PORT)],
        startupProbe=probe("/live", "store", period=1, failures=60),
        readinessProbe=probe("/ready", "store", period=5, failures=2),
        livenessProbe=probe("/live", "store", period=10, failures=3),
    )
    volumes = [claim("index", names.index_volume(wanted.name))]
    return manifest(
        "apps/v1", "StatefulSet", wanted, names.store(wanted.name), names.STORE,
        spec={
            "replicas": 1,
            "serviceName": names.store(wanted.name),
            "updateStrategy": UPDATE_STRATEGY,
            "podManagementPolicy": "Parallel",  # else a pod that never gets ready is not replaced by a better one
            "selector": match(wanted, names.STORE),
            "template": pod_template(wanted, names.STORE, build.pod, [serving], volumes=volumes),
        },
    )  # fmt: skip


def inputs_digest(wanted: Wanted, decision: Decision) -> str:
    """What changes with everything that is to replace the store's pod."""
    spec = spec_of(wanted)
    return digest(
        {
            "image": spec.build.image or decision.images.index_builder,
            "pod": spec.build.pod and spec.build.pod.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "pullSecrets": [secret.name for secret in spec.image_pull_secrets],
        }
    )
