"""Mounted: what a pod cannot begin without, as its author has to make it: Secrets and ConfigMaps of the spec.

    scheduled ─► volumes mounted ─► sandbox made ─► images pulled ─► containers run
                      │ of a missing Secret the kubelet tells in events alone, and tries again for ever

The operator may read no Secret, so what is told is what the pod waits for, never that it is missing. A pod whose image
is being pulled looks the same: a kubelet up to 1.35.4 tells of a pod's sandbox (PodReadyToStartContainers, KEP-3085)
only after the pass that makes it, which also pulls the image (kubernetes/kubernetes#134660 changes that). So both are
told, and nothing is given up for such a wait.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from clockifyrag_operator.ledger import moment
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.pod_states import condition, container_states, holds

PATIENCE_SECONDS = 60  # what volumes and network may take where nothing is wrong
FIELDS = {  # volume of our pods, and what they call it → the field of the spec that names what it holds
    "keys": "spec.search.auth.secretRef",
    "tls": "spec.search.tls.secretRef",
    "glossary": "spec.glossary.configMapRef",
    "authorization": "spec.source.http.secretRef",
    "source": "spec.source.configMapRef",
}
_NOT_BEGUN = ("ContainerCreating", "PodInitializing")


def waits_for_mounts(pod: Manifest, now: datetime) -> str | None:
    """What the pod has waited for too long, with the fields that name it; None when it does not wait for such a thing.

    The words stay as they are while it waits: a status that tells them is written once.
    """
    since = _waiting_since(pod)
    if since is None or (now - since).total_seconds() < PATIENCE_SECONDS:
        return None
    namespace, name = pod["metadata"].get("namespace", "default"), pod["metadata"]["name"]
    at = condition(pod, "PodReadyToStartContainers")["lastTransitionTime"]
    mounts = "; ".join(_mounts(pod, namespace))
    return (
        f"pod {name} has not begun to start since {at}: something it mounts is missing, or its image is still being "
        f"pulled, which kubelets do not tell apart; it mounts {mounts}; "
        f"kubectl -n {namespace} describe pod {name} tells which"
    )


def seconds_until_told(pods: Iterable[Manifest], now: datetime) -> float | None:
    """Seconds until the first of the pods has waited too long: no event tells of that. None when none is to."""
    waited = [(now - since).total_seconds() for pod in pods if (since := _waiting_since(pod)) is not None]
    return min((PATIENCE_SECONDS - one for one in waited if one < PATIENCE_SECONDS), default=None)


def _waiting_since(pod: Manifest) -> datetime | None:
    """Since when nothing is known of a sandbox of the pod, which its mounts come before; None when one is, or it has
    none of the author's.
    """
    sandbox = condition(pod, "PodReadyToStartContainers")
    waits = [(status.get("state", {}).get("waiting") or {}).get("reason") for _, _, status in container_states(pod)]
    begun = not waits or any(word not in _NOT_BEGUN for word in waits)
    if begun or not holds(pod, "PodScheduled") or sandbox.get("status") != "False" or not any(_mounts(pod, "")):
        return None
    return moment(at) if (at := sandbox.get("lastTransitionTime")) else None


def _mounts(pod: Manifest, namespace: str) -> Iterator[str]:
    """Each Secret and ConfigMap of the author's: its name, its field, its keys, and how to look at it."""
    for volume in pod.get("spec", {}).get("volumes") or ():
        source = volume.get("secret") or volume.get("configMap") or {}
        field, name = FIELDS.get(volume["name"]), source.get("secretName") or source.get("name")
        if field is None or name is None or source.get("optional"):
            continue
        kind = "Secret" if "secret" in volume else "ConfigMap"
        keys = ", ".join(one["key"] for one in source.get("items") or ())
        wanted = f"must exist with {keys}" if keys else "must exist"
        yield f"{kind} {name} ({field}), which {wanted}: kubectl -n {namespace} get {kind.lower()} {name}"
