"""Volumes that outlive pods: of the generations, and of the models."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.amounts import canonical
from clockifyrag_operator.manifest import given, manifest, spec_of
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_resource.quantities import Quantity

_INSTANCE = "app.kubernetes.io/instance"
_NOT_PRUNED = {"argocd.argoproj.io/sync-options": "Prune=false"}


def index_volume(wanted: Wanted, seen: Observed) -> Manifest:
    """The claim of the volume generations are kept on; one that is larger than asked for stays as large.

    With Retain nothing ties it to the resource, neither an owner nor the label deployment tools track by: a new
    resource of the same name finds it again.
    """
    storage, name = spec_of(wanted).index.storage, names.index_volume(wanted.name)
    live = seen.get("PersistentVolumeClaim", name)
    size = storage.size if live is None else max(storage.size, _size(live))
    retained = storage.on_delete == "Retain"
    claim = manifest(
        "v1", "PersistentVolumeClaim", wanted, name, names.INDEX,
        annotations=_NOT_PRUNED if retained else None,
        owned=not retained,
        spec=given(
            accessModes=[storage.access_mode],
            resources={"requests": {"storage": canonical(size)}},
            storageClassName=storage.storage_class_name,
        ),
    )  # fmt: skip
    if retained:
        del claim["metadata"]["labels"][_INSTANCE]
    return claim


def model_volumes(wanted: Wanted, seen: Observed) -> tuple[Manifest, ...]:
    """The claims of the model server's replicas, grown to the size wanted now; none that would have to shrink.

    The StatefulSet makes them and never looks at their size again.
    """
    server = spec_of(wanted).ollama.server
    if server is None:
        return ()
    size = server.storage.size
    prefix = f"models-{names.ollama(wanted.name)}-"
    return tuple(
        manifest(
            "v1", "PersistentVolumeClaim", wanted, live["metadata"]["name"], names.OLLAMA, owned=False,
            spec={"resources": {"requests": {"storage": canonical(size)}}},
        )
        for live in seen.all("PersistentVolumeClaim", names.OLLAMA)
        if live["metadata"]["name"].startswith(prefix) and _size(live) <= size
    )  # fmt: skip


def _size(claim: Manifest) -> Quantity:
    return Quantity.parse(str(claim["spec"]["resources"]["requests"]["storage"]))
