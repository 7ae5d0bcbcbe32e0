"""The StatefulSet controller: claims, pods by ordinal, rolling updates from the highest ordinal down.

With podManagementPolicy OrderedReady a pod that never gets ready blocks the update that would mend it, as everywhere.
"""

from __future__ import annotations

from .api import Manifest
from .mirror import controlled_by, controller_uid, digest, is_leaving
from .scene import Scene, gather, is_ready

REVISION = "controller-revision-hash"


async def stateful_sets(scene: Scene) -> None:
    """Brings every StatefulSet of the namespace one step on."""
    await gather(*(_stateful_set(scene, one) for one in scene.all("StatefulSet") if not is_leaving(one)))


async def _stateful_set(scene: Scene, one: Manifest) -> None:
    spec, name = one["spec"], one["metadata"]["name"]
    wanted, ordered = int(spec["replicas"]), spec.get("podManagementPolicy") != "Parallel"
    revision = f"{name}-{digest(spec['template'])}"
    await _adopt(scene, one)
    pods = {_ordinal(pod): pod for pod in scene.mirror.owned("Pod", one)}
    await _place(scene, one, pods, wanted, ordered, revision)
    await _update(scene, pods, wanted, ordered, revision)
    alive = [pod for pod in scene.mirror.owned("Pod", one) if not is_leaving(pod)]
    updated = sum(pod["metadata"]["labels"].get(REVISION) == revision for pod in alive)
    held = one.get("status") or {}
    ready = sum(is_ready(pod) for pod in alive)
    complete = updated == wanted == len(alive) == ready
    current = revision if complete else held.get("currentRevision", revision)
    await scene.set_status(
        one,
        {
            "observedGeneration": one["metadata"]["generation"],
            "replicas": len(alive),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "updatedReplicas": updated,
            "currentReplicas": sum(pod["metadata"]["labels"].get(REVISION) == current for pod in alive),
            "updateRevision": revision,
            "currentRevision": current,
        },
    )


async def _adopt(scene: Scene, one: Manifest) -> None:
    """Takes in pods of its names and labels that nobody controls, as those of a set deleted around them."""
    wanted = one["spec"]["selector"]["matchLabels"].items()
    for pod in scene.all("Pod"):
        mine = pod["metadata"]["name"].rpartition("-")[0] == one["metadata"]["name"]
        if mine and controller_uid(pod) is None and wanted <= (pod["metadata"].get("labels") or {}).items():
            await scene.patch(pod, {"metadata": {"ownerReferences": controlled_by(one)}})


async def _place(
    scene: Scene, one: Manifest, pods: dict[int, Manifest], wanted: int, ordered: bool, revision: str
) -> None:
    """Makes what is missing, and removes what is above the number wanted."""
    for ordinal in range(wanted):
        pod = pods.get(ordinal)
        if pod is None:
            await _create(scene, one, ordinal, revision)
        if ordered and (pod is None or not is_ready(pod)):
            return
    for ordinal in sorted((at for at in pods if at >= wanted), reverse=True):
        if not is_leaving(pods[ordinal]):
            await scene.delete(pods[ordinal])
        if ordered:
            return


async def _update(scene: Scene, pods: dict[int, Manifest], wanted: int, ordered: bool, revision: str) -> None:
    if ordered and not all(at in pods and is_ready(pods[at]) for at in range(wanted)):
        return
    for ordinal in reversed(range(wanted)):
        pod = pods.get(ordinal)
        if pod is None or is_leaving(pod):
            return
        if pod["metadata"]["labels"].get(REVISION) != revision:
            await scene.delete(pod)
            return
        if not is_ready(pod):
            return


async def _create(scene: Scene, one: Manifest, ordinal: int, revision: str) -> None:
    spec, name = one["spec"], f"{one['metadata']['name']}-{ordinal}"
    goes = (spec.get("persistentVolumeClaimRetentionPolicy") or {}).get("whenDeleted") == "Delete"
    volumes = []
    for claim in spec.get("volumeClaimTemplates") or ():
        own = f"{claim['metadata']['name']}-{name}"
        volumes.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": own}})
        if scene.get("PersistentVolumeClaim", own) is None:
            labels = {**(claim["metadata"].get("labels") or {}), **spec["selector"]["matchLabels"]}
            owners = controlled_by(one) if goes else []
            metadata = {"name": own, "labels": labels, "ownerReferences": owners}
            await scene.create("PersistentVolumeClaim", {"metadata": metadata, "spec": claim["spec"]})
    template = spec["template"]
    named = {volume["name"] for volume in volumes}
    others = [volume for volume in template["spec"].get("volumes") or () if volume["name"] not in named]
    whole = {
        **template["spec"],
        "hostname": name,
        "subdomain": spec.get("serviceName", ""),
        "volumes": [*volumes, *others],
    }
    labels = {
        REVISION: revision,
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    await scene.create_pod(one, name, {**template, "spec": whole}, labels)


def _ordinal(pod: Manifest) -> int:
    return int(str(pod["metadata"]["name"]).rpartition("-")[2])
