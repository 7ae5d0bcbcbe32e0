"""States of pods and workloads, read from what the API server tells of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from clockifyrag_operator.heard import heard
from clockifyrag_operator.observed import Manifest


def condition(manifest: Manifest, kind: str) -> Mapping[str, Any]:
    """The condition of that type in a live object's status; {} when it has none."""
    found = (one for one in manifest.get("status", {}).get("conditions") or () if one.get("type") == kind)
    return next(found, {})


def holds(manifest: Manifest, kind: str) -> bool:
    """Whether the condition of that type is True."""
    return condition(manifest, kind).get("status") == "True"


def is_ready(pod: Manifest) -> bool:
    """Whether a Service sends requests to the pod."""
    return holds(pod, "Ready") and not pod["metadata"].get("deletionTimestamp")


def has_ended(pod: Manifest) -> bool:
    """Whether none of its containers runs or will run again."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def container_states(pod: Manifest) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
    """Of each container that was looked at: name, whether it is an init container, its status."""
    status = pod.get("status", {})
    for init, field in ((True, "initContainerStatuses"), (False, "containerStatuses")):
        for one in status.get(field) or ():
            yield one["name"], init, one


def last_record(message: str) -> Mapping[str, Any]:
    """The last line of a termination message that holds a JSON object; {} without one: it may be the end of a log."""
    for line in reversed(message.splitlines()):
        try:
            values = heard(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            return values
    return {}


def label(manifest: Manifest, key: str) -> str | None:
    """The label of a live object."""
    found = (manifest["metadata"].get("labels") or {}).get(key)
    return found if isinstance(found, str) else None


def template_label(workload: Manifest | None, key: str) -> str | None:
    """The label that pods of a Deployment or ReplicaSet are made with."""
    if workload is None:
        return None
    template = workload.get("spec", {}).get("template", {})
    found = (template.get("metadata", {}).get("labels") or {}).get(key)
    return found if isinstance(found, str) else None
