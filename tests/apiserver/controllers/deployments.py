"""The Deployment and ReplicaSet controllers: rolling updates, history, and the Progressing condition."""

from __future__ import annotations

import math
from typing import Any

from .api import Manifest
from .mirror import controlled_by, controller_uid, digest, is_leaving
from .scene import Scene, condition, gather, is_over, is_ready, moment, now, stamp, suffix, with_condition

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_PROGRESS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


async def deployments(scene: Scene) -> None:
    """Brings every Deployment of the namespace one step on, then its ReplicaSets."""
    await gather(*(_deployment(scene, one) for one in scene.all("Deployment") if not is_leaving(one)))
    await gather(*(_replica_set(scene, one) for one in scene.all("ReplicaSet") if not is_leaving(one)))


async def _deployment(scene: Scene, deployment: Manifest) -> None:
    template = deployment["spec"]["template"]
    await _adopt(scene, deployment)
    sets = scene.mirror.owned("ReplicaSet", deployment)
    newest = next((one for one in sets if _template_hash(one) == digest(template)), None)
    revision = 1 + max((_revision(one) for one in sets if one is not newest), default=0)
    if newest is None:
        await _create_set(scene, deployment, template, revision)
        return
    if _revision(newest) < revision:
        await scene.patch(newest, {"metadata": {"annotations": {REVISION: str(revision)}}})
        return
    old = [one for one in sets if one is not newest]
    if not await _scaled(scene, deployment, newest, old):
        await _forget_old(scene, deployment, old)
    await _set_status(scene, deployment, newest, old)


async def _adopt(scene: Scene, deployment: Manifest) -> None:
    """Takes in ReplicaSets of its labels that nobody controls, as those of a Deployment deleted around them."""
    wanted = deployment["spec"]["selector"]["matchLabels"].items()
    for one in scene.all("ReplicaSet"):
        labels = one["metadata"].get("labels") or {}
        if controller_uid(one) is None and not is_leaving(one) and wanted <= labels.items():
            await scene.patch(one, {"metadata": {"ownerReferences": controlled_by(deployment)}})


async def _create_set(scene: Scene, deployment: Manifest, template: Manifest, revision: int) -> None:
    spec, name, short = deployment["spec"], deployment["metadata"]["name"], digest(template)
    labels = {**template["metadata"]["labels"], HASH: short}
    await scene.create(
        "ReplicaSet",
        {
            "metadata": {
                "name": f"{name}-{short}",
                "labels": labels,
                "annotations": {REVISION: str(revision)},
                "ownerReferences": controlled_by(deployment),
            },
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {**spec["selector"]["matchLabels"], HASH: short}},
                "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
            },
        },
    )


async def _scaled(scene: Scene, deployment: Manifest, newest: Manifest, old: list[Manifest]) -> bool:
    """Whether a ReplicaSet was scaled: up within the surge, down within what may be unavailable."""
    spec = deployment["spec"]
    wanted = int(spec["replicas"])
    rolling = spec["strategy"].get("rollingUpdate") or {"maxSurge": 0, "maxUnavailable": wanted}
    surge, unavailable = (
        _count(rolling["maxSurge"], wanted, up=True),
        _count(rolling["maxUnavailable"], wanted, up=False),
    )
    total = sum(int(one["spec"]["replicas"]) for one in (newest, *old))
    have = int(newest["spec"]["replicas"])
    target = min(wanted, have + max(0, wanted + surge - total)) if have < wanted else wanted
    if target != have:
        await scene.patch(newest, {"spec": {"replicas": target}})
        return True
    available = sum(_ready_count(scene, one) for one in (newest, *old))
    for one in sorted(old, key=_revision):
        held, ready = int(one["spec"]["replicas"]), _ready_count(scene, one)
        spare = max(0, available - (wanted - unavailable))
        less = min(held, (held - ready) + min(ready, spare))
        if less > 0:
            await scene.patch(one, {"spec": {"replicas": held - less}})
            return True
    return False


async def _forget_old(scene: Scene, deployment: Manifest, old: list[Manifest]) -> None:
    empty = [one for one in sorted(old, key=_revision) if not one["spec"]["replicas"] and not _pods(scene, one)]
    kept = int(deployment["spec"].get("revisionHistoryLimit", 10))
    await gather(*(scene.delete(one) for one in empty[: max(0, len(empty) - kept)] if not is_leaving(one)))


async def _set_status(scene: Scene, deployment: Manifest, newest: Manifest, old: list[Manifest]) -> None:
    spec, held = deployment["spec"], deployment.get("status") or {}
    wanted = int(spec["replicas"])
    counts = [(len(_pods(scene, one)), _ready_count(scene, one)) for one in (newest, *old)]
    total, ready, updated = sum(one for one, _ in counts), sum(one for _, one in counts), counts[0][0]
    status: dict[str, Any] = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, wanted - ready),
    }
    complete = updated == wanted == total == ready
    conditions = held.get("conditions") or []
    available = ready >= wanted - _count(
        (spec["strategy"].get("rollingUpdate") or {}).get("maxUnavailable", 0), wanted, up=False
    )
    reason = "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable"
    message = "Deployment has minimum availability." if available else "Deployment does not have minimum availability."
    conditions = with_condition(conditions, condition("Available", available, reason, message))
    progressed = any(status[name] != held.get(name, 0) for name in _PROGRESS)
    conditions = _progressing(scene, deployment, conditions, newest["metadata"]["name"], complete, progressed)
    await scene.set_status(deployment, status | {"conditions": conditions})


def _progressing(
    scene: Scene, deployment: Manifest, conditions: list[Manifest], newest: str, complete: bool, progressed: bool
) -> list[Manifest]:
    """The conditions with Progressing as it is now; lastUpdateTime is the last progress."""
    held = next((one for one in conditions if one["type"] == "Progressing"), None)
    observed = (deployment.get("status") or {}).get("observedGeneration") == deployment["metadata"]["generation"]
    seconds = int(deployment["spec"].get("progressDeadlineSeconds", 600))
    if complete:
        new = condition(
            "Progressing", True, "NewReplicaSetAvailable", f'ReplicaSet "{newest}" has successfully progressed.'
        )
    elif held is None or progressed or not observed or held["reason"] == "NewReplicaSetAvailable":
        new = condition("Progressing", True, "ReplicaSetUpdated", f'ReplicaSet "{newest}" is progressing.')
        new["lastUpdateTime"] = stamp()
        scene.again(seconds + 1.1)
        return [one for one in conditions if one["type"] != "Progressing"] + [new]
    elif (
        held["reason"] == "ProgressDeadlineExceeded"
        or (now() - moment(held["lastUpdateTime"])).total_seconds() > seconds
    ):
        new = condition(
            "Progressing", False, "ProgressDeadlineExceeded", f'ReplicaSet "{newest}" has timed out progressing.'
        )
    else:
        scene.again(1.0)
        return conditions
    if held is not None and all(held[name] == new[name] for name in ("status", "reason", "message")):
        return conditions
    return [one for one in conditions if one["type"] != "Progressing"] + [new | {"lastUpdateTime": stamp()}]


async def _replica_set(scene: Scene, one: Manifest) -> None:
    pods, wanted = _pods(scene, one), int(one["spec"]["replicas"])
    name, template = one["metadata"]["name"], one["spec"]["template"]
    for _ in range(wanted - len(pods)):
        await scene.create_pod(one, f"{name}-{suffix()}", template, {})
    unready_first = sorted(pods, key=is_ready)
    await gather(*(scene.delete(pod) for pod in unready_first[: max(0, len(pods) - wanted)]))
    ready = _ready_count(scene, one)
    await scene.set_status(
        one,
        {
            "observedGeneration": one["metadata"]["generation"],
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    )


def _pods(scene: Scene, replica_set: Manifest) -> list[Manifest]:
    return [one for one in scene.mirror.owned("Pod", replica_set) if not is_leaving(one) and not is_over(one)]


def _ready_count(scene: Scene, replica_set: Manifest) -> int:
    return sum(is_ready(one) for one in _pods(scene, replica_set))


def _template_hash(replica_set: Manifest) -> str:
    return str(replica_set["metadata"]["labels"].get(HASH))


def _revision(replica_set: Manifest) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, 0))


def _count(value: int | str, of: int, *, up: bool) -> int:
    """A number or a percentage of replicas."""
    if isinstance(value, int):
        return value
    share = of * int(value.removesuffix("%")) / 100
    return math.ceil(share) if up else math.floor(share)
