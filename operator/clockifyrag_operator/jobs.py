"""Jobs as they live in the cluster: which order each carries out, and how far it is."""

from dataclasses import dataclass

from clockifyrag_operator import names
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.manifest import annotation
from clockifyrag_operator.observed import Manifest, Observed
from clockifyrag_operator.pod_states import condition, container_states, has_ended, label

JOB_NAME = "batch.kubernetes.io/job-name"  # label the Job controller gives to pods
KEPT = 3  # finished Jobs left to look at
CONTAINER = "build"  # of their pods; its termination message is the outcome
EXIT_USAGE, EXIT_SOURCE, EXIT_EMBEDDER, EXIT_STORAGE = 2, 30, 40, 50  # of the builder


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A Job of the resource."""

    manifest: Manifest
    order: BuildOrder | None  # None when its annotation cannot be read
    succeeded_at: str = ""  # when its only pod ended well, ISO 8601: its status follows two seconds later

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.manifest["metadata"].get("uid", ""))

    @property
    def inputs(self) -> str:
        """Digest of what it was made with, as its annotation tells; "" where another operator wrote it, or nobody:
        it is not to be compared then.
        """
        told = annotation(self.manifest, names.INPUTS) or ""
        return told if told.startswith(names.JOB_INPUTS_FORM) else ""

    @property
    def ended(self) -> str | None:
        """Complete or Failed; None while it runs."""
        conditions = self.manifest.get("status", {}).get("conditions") or ()
        kinds = {one["type"] for one in conditions if one.get("status") == "True"}
        told = next((kind for kind in ("Complete", "Failed") if kind in kinds), None)
        return told or ("Complete" if self.succeeded_at else None)

    @property
    def ended_at(self) -> str:
        """When it ended, ISO 8601; "" while it runs."""
        told = condition(self.manifest, self.ended or "").get("lastTransitionTime")
        return str(told) if told else self.succeeded_at

    @property
    def going(self) -> bool:
        """Whether it is being deleted."""
        return bool(self.manifest["metadata"].get("deletionTimestamp"))


def live_jobs(seen: Observed) -> tuple[LiveJob, ...]:
    """The Jobs of the resource, in the order in which they ended; those that run are last."""
    manifests = [*seen.all("Job", names.BUILD), *seen.all("Job", names.EMBED)]
    jobs = (LiveJob(one, _order(one), _succeeded_at(seen, one)) for one in manifests)
    return tuple(sorted(jobs, key=lambda job: (job.ended is None, job.ended_at, job.name)))


def _succeeded_at(seen: Observed, job: Manifest) -> str:
    """When the only pod that the Job waits for ended well; "" before that, and where it waits for several."""
    if job["spec"].get("completions", 1) != 1:
        return ""
    uid = job["metadata"].get("uid")
    for pod in seen.all("Pod"):
        owners = pod["metadata"].get("ownerReferences") or ()
        if pod.get("status", {}).get("phase") == "Succeeded" and uid in [owner["uid"] for owner in owners]:
            ends = [state.get("state", {}).get("terminated", {}) for _, _, state in container_states(pod)]
            return max((str(end.get("finishedAt") or "") for end in ends), default="")
    return ""


def _order(manifest: Manifest) -> BuildOrder | None:
    text = annotation(manifest, names.ORDER)
    return BuildOrder.parse(text) if text else None


def order_id(order: BuildOrder) -> str:
    """What all stages and attempts of one order have in common."""
    return f"{order.key} {order.trigger}"


def pods_of(seen: Observed, job: LiveJob) -> tuple[Manifest, ...]:
    """The pods of a Job, those on their way out too; newest first."""
    pods = [pod for pod in seen.all("Pod") if label(pod, JOB_NAME) == job.name]
    return tuple(sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True))


def pods_left(seen: Observed, kept: LiveJob | None) -> tuple[Manifest, ...]:
    """Pods of builds that may still write to the volume, apart from those of the Job that is kept."""
    pods = (*seen.all("Pod", names.BUILD), *seen.all("Pod", names.EMBED))
    theirs = None if kept is None else kept.name
    return tuple(
        pod
        for pod in pods
        if not has_ended(pod) and (theirs is None or pod["metadata"].get("labels", {}).get(JOB_NAME) != theirs)
    )
