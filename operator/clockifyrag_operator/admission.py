"""Admission: what makes a spec one that cannot be followed, beyond what its schema says.

A resource's author may not use other images or hosts than those who installed the operator allow, no object that
somebody else owns is ever taken over, and a volume that was kept is what it was made as.
"""

import re
from collections.abc import Iterator

from clockifyrag_operator import names
from clockifyrag_operator.manifest import controller_of, is_ours
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.resource import KIND, Spec

NAME_TAKEN = "metadata.name: found the "  # how a refusal for the sake of another's object begins
_VOLUME = "PersistentVolumeClaim"
_OURS_ALONE = (
    "ConfigMap Deployment HorizontalPodAutoscaler Ingress NetworkPolicy PodDisruptionBudget PrometheusRule Service "
    "ServiceAccount ServiceMonitor StatefulSet"
).split()


def refusals(wanted: Wanted, seen: Observed, settings: Settings) -> tuple[str, ...]:
    """What is wrong, a line each: where, what was found, what was expected; () when the spec can be followed."""
    if wanted.rag is None:
        return wanted.problems or ("spec: found one that cannot be read, expected one that its schema allows",)
    spec = wanted.rag.spec
    return (
        *_images(spec, settings),
        *_hosts(spec, settings),
        *_taken_names(wanted, seen),
        *_volume_made_otherwise(wanted, spec, seen),
    )


def _images(spec: Spec, settings: Settings) -> Iterator[str]:
    server = spec.ollama.server
    named = {
        "spec.search.image": (spec.search.image, settings.service_image),
        "spec.build.image": (spec.build.image, settings.index_builder_image),
        "spec.ollama.server.image": (server.image if server else None, settings.ollama_image),
    }
    for path, (image, default) in named.items():
        if image is not None and image != default and not _allowed(image, settings.allowed_images):
            yield f"{path}: found {image}, expected {_one_of(settings.allowed_images)} (the operator's allowedImages)"


def _hosts(spec: Spec, settings: Settings) -> Iterator[str]:
    source = spec.source
    named = {
        "spec.source.http.allowHosts": source.http.allow_hosts if source.http else (),
        "spec.source.crawl.allowHosts": source.crawl.allow_hosts if source.crawl else (),
    }
    for path, hosts in named.items():
        for host in hosts:
            if not _allowed(host.lower(), settings.allowed_private_hosts):
                expected = _one_of(settings.allowed_private_hosts)
                yield f"{path}: found {host}, expected {expected} (the operator's allowedPrivateHosts)"


def _allowed(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns matches all of the text; * stands for any characters and nothing else is special."""
    return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) for pattern in patterns)


def _one_of(patterns: tuple[str, ...]) -> str:
    shown = ", ".join(patterns[:5])
    return f"one that matches {shown}{', …' if len(patterns) > 5 else ''}" if patterns else "none"


def _taken_names(wanted: Wanted, seen: Observed) -> Iterator[str]:
    for (kind, name), manifest in sorted(seen.objects.items()):
        if name not in _names_of(wanted.name) and not name.startswith(f"{wanted.name}-search-"):
            continue
        if kind == _VOLUME and name == names.index_volume(wanted.name):
            if not _is_our_volume(manifest, wanted.name):
                yield f"{NAME_TAKEN}{kind} {name}, which is not labelled as ours, expected no such object"
        elif kind in _OURS_ALONE and (owner := _other_owner(manifest, wanted)):
            yield f"{NAME_TAKEN}{kind} {name}, which {owner}, expected no such object"


def _names_of(name: str) -> frozenset[str]:
    made = (names.index_volume, names.ollama, names.store, names.search, names.generations)
    return frozenset(one(name) for one in made)


def _is_our_volume(manifest: Manifest, name: str) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    ours = {**names.selector(name, names.INDEX), names.MANAGED_BY: names.MANAGED_BY_US}
    return all(labels.get(key) == value for key, value in ours.items())


def _volume_made_otherwise(wanted: Wanted, spec: Spec, seen: Observed) -> Iterator[str]:
    """Access mode and storage class that the volume cannot have: one that an earlier resource of this name left keeps
    those it was made with.

    Within one resource the schema forbids that they change. A volume on its way out is soon made as it is wanted.
    """
    name, storage = names.index_volume(wanted.name), spec.index.storage
    claim = seen.get(_VOLUME, name)
    if claim is None or "deletionTimestamp" in claim["metadata"] or not _is_our_volume(claim, wanted.name):
        return
    modes, storage_class = claim["spec"].get("accessModes") or (), claim["spec"].get("storageClassName")
    whose = f"as {_VOLUME} {name} has, which an earlier resource left; delete it if nothing on it is needed"
    if modes and storage.access_mode not in modes:
        yield f"spec.index.storage.accessMode: found {storage.access_mode}, expected {' or '.join(modes)}, {whose}"
    if None not in (asked := storage.storage_class_name, storage_class) and asked != storage_class:
        yield f"spec.index.storage.storageClassName: found {asked}, expected {storage_class}, {whose}"


def _other_owner(manifest: Manifest, wanted: Wanted) -> str | None:
    """Who controls the object instead of the resource, in words; None where it is the resource's own, by its labels
    alone where somebody took its owner off: `kubectl delete --cascade=orphan` does.
    """
    if is_ours(manifest, wanted):
        return None
    owner = controller_of(manifest)
    if owner is None:
        return "nobody controls"
    if (owner.get("kind"), owner.get("name")) == (KIND, wanted.name):
        return f"goes with the former {KIND} of this name"
    return f"{owner.get('kind')} {owner.get('name')} controls"
