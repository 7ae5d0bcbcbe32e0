"""Blocked: why a pod does not get on, in one sentence that names the object and, where known, the field to change.

What is looked at, in order: no node takes it · its image · its configuration · what ended badly · what it mounts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.mounted import waits_for_mounts
from clockifyrag_operator.observed import Manifest, Observed
from clockifyrag_operator.pod_states import condition, container_states, is_ready, label, last_record

_FIELDS = {
    names.SEARCH: "spec.search",
    names.BUILD: "spec.build",
    names.EMBED: "spec.build",
    names.OLLAMA: "spec.ollama.server",
    names.STORE: "spec.build",
}
_IMAGE_WORDS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_MISMATCH = "EmbedderMismatch"  # the kind that `models pull` tells of a model with another digest
_CONFIG_WORDS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


@dataclass(frozen=True, slots=True)
class Blocker:
    """What holds a pod up."""

    word: str  # Unschedulable, ImagePull, Config, Mounts, Crash, Mismatch or OOMKilled
    message: str

    @property
    def before_start(self) -> bool:
        """Whether no program of the pod has run, so that none can be to blame."""
        return self.never_starts or self.word == "Mounts"

    @property
    def never_starts(self) -> bool:
        """Whether none will, as far as is known, while the pod and what is around it stay as they are."""
        return self.word in ("Unschedulable", "ImagePull", "Config")  # Mounts: or an image is being pulled


def blocker(pod: Manifest, now: datetime) -> Blocker | None:
    """Why the pod does not get on; None when nothing is known to hold it up."""
    name, field = pod["metadata"]["name"], _FIELDS.get(label(pod, names.COMPONENT) or "", "spec")
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        told = scheduled.get("message") or "no node takes it"
        return Blocker("Unschedulable", f"pod {name} is not scheduled: {told}; see {field}.resources and {field}.pod")
    for container, init, status in container_states(pod):
        if found := _of_container(name, field, container, init, status):
            return found
    waiting = waits_for_mounts(pod, now)
    return Blocker("Mounts", waiting) if waiting else None


def _of_container(pod: str, field: str, container: str, init: bool, status: Mapping[str, Any]) -> Blocker | None:
    waiting = status.get("state", {}).get("waiting") or {}
    word, told = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    where = f"pod {pod}, container {container}"
    if word in _IMAGE_WORDS:
        hint = f"see {field}.image and spec.imagePullSecrets"
        return Blocker(
            "ImagePull", f"{where}: image {status.get('image', '')} cannot be pulled ({told or word}); {hint}"
        )
    if word in _CONFIG_WORDS:
        return Blocker("Config", f"{where}: {told or word}")
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
    if not ended or ended.get("exitCode") == 0 or status.get("ready"):
        return None
    if ended.get("reason") == "OOMKilled":
        return Blocker("OOMKilled", f"{where} needed more memory than its limit; see {field}.resources.limits.memory")
    if init or word == "CrashLoopBackOff":
        message = str(ended.get("message") or ended.get("reason") or "")
        record = last_record(message)
        words = str(record.get("error") or "".join(message.strip().splitlines()[-1:]) or "no message")
        found = "Mismatch" if record.get("kind") == _MISMATCH else "Crash"
        return Blocker(found, f"{where} ended with exit code {ended.get('exitCode')}: {words}")
    return None


def first_blocker(pods: Iterable[Manifest], now: datetime) -> Blocker | None:
    """Why the first of the pods that are not ready and are held up does not get on."""
    found = (blocker(pod, now) for pod in pods if not is_ready(pod))
    return next((one for one in found if one), None)


def workload_problem(workload: Manifest | None) -> str | None:
    """Why a Deployment, ReplicaSet or Job cannot make its pods: a quota, or an admission plugin."""
    if workload is None:
        return None
    failure = condition(workload, "ReplicaFailure")
    if failure.get("status") != "True":
        return None
    return (
        f"{workload.get('kind', 'workload')} {workload['metadata']['name']}: {failure.get('message', 'no pods made')}"
    )


def volume_problem(seen: Observed, name: str, field: str) -> str | None:
    """Why the claim `name` has no volume yet; None when it is bound, or missing altogether.

    Neither its class can be another one nor its size a smaller one, be it bound or not: both are refused.
    """
    claim = seen.get("PersistentVolumeClaim", name)
    if claim is None or claim.get("status", {}).get("phase") in (None, "Bound"):
        return None
    storage_class = claim.get("spec", {}).get("storageClassName")
    of_class = f"of storage class {storage_class}" if storage_class else "of the cluster's default storage class"
    return (
        f"PersistentVolumeClaim {name} has no volume {of_class} yet; "
        f"kubectl -n {claim['metadata'].get('namespace', 'default')} describe persistentvolumeclaim {name} tells why; "
        f"for another {field}.storageClassName, or a smaller {field}.size, delete the resource, then the claim, and "
        f"make the resource again"
    )
