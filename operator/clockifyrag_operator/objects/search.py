"""The search pods: one Deployment, which exists as soon as there is something to serve."""

from __future__ import annotations

from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.amounts import resources
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.manifest import digest, given, manifest, spec_of
from clockifyrag_operator.objects.glossary import glossary_entry, glossary_mount, glossary_volume
from clockifyrag_operator.objects.model_server import search_url
from clockifyrag_operator.objects.settings_map import (
    INTERNAL_FOLDER,
    KEYS_FOLDER,
    TLS_FOLDER,
    settings,
    settings_digest,
)
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.pod_parts import (
    Fields,
    claim,
    config_map_files,
    container,
    empty_dir,
    match,
    mount,
    pod_template,
    port,
    probe,
    secret_keys,
)
from clockifyrag_operator.settings import Settings

REQUESTS, LIMITS = {"cpu": "500m", "memory": "2Gi"}, {"cpu": "2", "memory": "4Gi"}
FETCHED_BYTES_MAX = "64Gi"  # of the generations a pod fetches, two at most; a bound for what has gone wrong
REVISIONS_KEPT = 3
# preStop lets the endpoints forget the pod; then SIGTERM: DRAIN_SECONDS and SHUTDOWN_SECONDS, with a margin.
LEAVING_SECONDS = 5
GRACE_SECONDS = 45


def search_deployment(wanted: Wanted, seen: Observed, decision: Decision, operator: Settings) -> Manifest | None:
    """The Deployment of search pods; None before anything is published.

    spec.replicas is not in it: that is owned by the autoscaler, or applied by itself.
    """
    if decision.published is None:
        return None
    return manifest(
        "apps/v1", "Deployment", wanted, names.search(wanted.name), names.SEARCH,
        spec={
            "selector": match(wanted, names.SEARCH),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "revisionHistoryLimit": REVISIONS_KEPT,
            "progressDeadlineSeconds": operator.rollout_seconds,
            "template": _template(wanted, seen, decision),
        },
    )  # fmt: skip


def inputs_digest(wanted: Wanted, seen: Observed, decision: Decision) -> str:
    """What changes with everything that is to replace the pods; a new operator that draws them otherwise is not it."""
    spec = spec_of(wanted)
    search = spec.search.model_dump(
        mode="json", by_alias=True, exclude_defaults=True,
        exclude={"replicas", "autoscaling", "service", "ingress", "image"},
    )  # fmt: skip
    entry = glossary_entry(wanted, seen)
    return digest(
        {
            "search": search,
            "image": _image(wanted, decision),
            "pullSecrets": [secret.name for secret in spec.image_pull_secrets],
            "accessMode": spec.index.storage.access_mode,
            "queryProvider": spec.embedding.query_provider,
            "ollama": search_url(wanted, decision),
            "generation": _pinned_generation(wanted, decision),
            "glossary": entry and [entry.config_map, entry.key, entry.digest],
        }
    )


def _image(wanted: Wanted, decision: Decision) -> str:
    return spec_of(wanted).search.image or decision.images.service


def _pinned_generation(wanted: Wanted, decision: Decision) -> str | None:
    """The generation that stands in the template: pods are replaced to serve another. None where they change over."""
    return decision.published if spec_of(wanted).search.index_update == "Rolling" else None


def _template(wanted: Wanted, seen: Observed, decision: Decision) -> Fields:
    spec = spec_of(wanted)
    generation = _pinned_generation(wanted, decision)
    entry = glossary_entry(wanted, seen)
    volumes, mounts = _volumes(wanted, seen)
    return pod_template(
        wanted,
        names.SEARCH,
        spec.search.pod,
        [_container(wanted, decision, mounts)],
        volumes=volumes,
        labels={names.GENERATION: generation} if generation else None,
        annotations=given(
            **{
                names.SETTINGS_DIGEST: settings_digest(settings(wanted, decision)),
                names.GLOSSARY_DIGEST: entry and entry.digest,
            }
        ),
        spread=True,
        terminationGracePeriodSeconds=GRACE_SECONDS,
    )


def _container(wanted: Wanted, decision: Decision, mounts: list[Fields]) -> Fields:
    generation = _pinned_generation(wanted, decision)
    # live needs the process alone; an index that takes minutes to fetch makes the pod un-ready, never dead.
    probes: dict[str, Any] = {
        "startupProbe": probe("/live", "ops", period=1, failures=60),
        "readinessProbe": probe("/ready", "ops", period=2, failures=2),
        "livenessProbe": probe("/live", "ops", period=10, failures=3),
    }
    return container(
        "search",
        _image(wanted, decision),
        resources=resources(spec_of(wanted).search.resources, REQUESTS, LIMITS),
        mounts=mounts,
        envFrom=[{"configMapRef": {"name": names.search(wanted.name)}}],
        env=[{"name": "GENERATION", "value": generation}] if generation else None,
        ports=[port("api", names.API_PORT), port("ops", names.OPS_PORT)],
        lifecycle={"preStop": {"sleep": {"seconds": LEAVING_SECONDS}}},
        **probes,
    )


def _volumes(wanted: Wanted, seen: Observed) -> tuple[list[Fields], list[Fields]]:
    """The volumes, and where each is mounted; one that a single node can mount is left to builds and the store."""
    spec, search = spec_of(wanted), spec_of(wanted).search
    shared = spec.index.storage.access_mode == "ReadWriteMany"
    found = [
        (claim("index", names.index_volume(wanted.name)), mount("index", names.INDEX_ROOT, read_only=True))
        if shared
        else (empty_dir("index", FETCHED_BYTES_MAX), mount("index", names.INDEX_ROOT))
    ]
    # Without it a pod hashes by a key of its own: no reason to keep it from starting.
    internal = secret_keys("internal", names.internal(wanted.name), [names.INTERNAL_KEY], optional=True)
    found.append((internal, mount("internal", INTERNAL_FOLDER, read_only=True)))
    if search.index_update == "HotSwap":
        pointer = config_map_files("generation", names.generations(wanted.name), {names.CURRENT_KEY: "current"})
        folder = names.GENERATION_FILE.rpartition("/")[0]
        found.append((pointer, mount("generation", folder, read_only=True)))
    if entry := glossary_entry(wanted, seen):
        found.append((glossary_volume(entry), glossary_mount()))
    if search.auth:
        keys = secret_keys("keys", search.auth.secret_ref.name, [names.API_KEYS_KEY])
        found.append((keys, mount("keys", KEYS_FOLDER, read_only=True)))
    if search.tls:
        pair = secret_keys("tls", search.tls.secret_ref.name, ["tls.crt", "tls.key"])
        found.append((pair, mount("tls", TLS_FOLDER, read_only=True)))
    return [volume for volume, _ in found], [one for _, one in found]
