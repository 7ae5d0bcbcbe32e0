"""The Job controller: pods for a Job, and its status from how they end.

Followed from Kubernetes 1.35 as far as operators can tell: names and labels of pods, indexes, backoffLimit,
podFailurePolicy, podReplacementPolicy Failed, activeDeadlineSeconds, and the order of conditions that the API server
demands (SuccessCriteriaMet before Complete, FailureTarget before Failed).
"""

from __future__ import annotations

from typing import Any

from .api import Manifest
from .mirror import controller_uid, is_leaving
from .scene import Scene, condition, container, gather, is_over, is_ready, moment, now, phase, stamp, suffix

INDEX = "batch.kubernetes.io/job-completion-index"
_FINISHED = ("Complete", "Failed")


async def jobs(scene: Scene) -> None:
    """Brings every Job of the namespace one step on."""
    await gather(*(_job(scene, one) for one in scene.all("Job") if not is_leaving(one)))


def finished(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one["type"] in _FINISHED and one["status"] == "True" for one in conditions)


async def _job(scene: Scene, job: Manifest) -> None:
    spec = job["spec"]
    pods = [pod for pod in scene.all("Pod") if controller_uid(pod) == job["metadata"]["uid"]]
    if finished(job) or spec.get("suspend"):
        return
    if not (job.get("status") or {}).get("startTime"):
        await scene.set_status(job, {"startTime": stamp()})
        return
    failure = _failure(scene, job, pods)
    if failure:
        alive = [pod for pod in pods if not is_over(pod)]
        if alive:
            await gather(*(scene.delete(pod) for pod in alive if not is_leaving(pod)))
            return
        await _end(scene, job, pods, "FailureTarget", "Failed", *failure)
        return
    succeeded = {_index(pod) for pod in pods if phase(pod) == "Succeeded"}
    wanted = int(spec.get("completions") or 1)
    if len(succeeded) >= wanted:
        await _end(
            scene,
            job,
            pods,
            "SuccessCriteriaMet",
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        )
        return
    await _fill(scene, job, pods, succeeded, wanted)
    await scene.set_status(job, _counts(pods))


async def _fill(scene: Scene, job: Manifest, pods: list[Manifest], succeeded: set[str], wanted: int) -> None:
    """Makes the pods that are missing; a pod on its way out is waited for."""
    spec = job["spec"]
    indexed = spec.get("completionMode") == "Indexed"
    taken = {_index(pod) for pod in pods if not is_over(pod)} | succeeded
    free = max(0, int(spec.get("parallelism") or 1) - sum(not is_over(pod) for pod in pods))
    indexes = [str(one) for one in range(wanted)] if indexed else [""]
    name = job["metadata"]["name"]
    for index in [one for one in indexes if one not in taken][:free]:
        template: dict[str, Any] = {**spec["template"]}
        if indexed:
            metadata = template.get("metadata") or {}
            template["metadata"] = {**metadata, "annotations": {**(metadata.get("annotations") or {}), INDEX: index}}
        ending = f"{index}-{suffix()}" if indexed else suffix()
        await scene.create_pod(job, f"{name}-{ending}", template, {INDEX: index} if indexed else {})


def _failure(scene: Scene, job: Manifest, pods: list[Manifest]) -> tuple[str, str] | None:
    """Reason and message of why the Job fails, None while it may go on."""
    spec, held = job["spec"], job.get("status") or {}
    chosen = scene.world.chosen(container(job))
    seconds = spec.get("activeDeadlineSeconds")
    over = seconds is not None and (now() - moment(held["startTime"])).total_seconds() > seconds
    if over or (chosen is not None and chosen.deadline):
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    broken = [pod for pod in pods if phase(pod) == "Failed"]
    rules = (spec.get("podFailurePolicy") or {}).get("rules") or ()
    counted = 0
    for pod in broken:
        action = next((rule["action"] for rule in rules if _applies(rule, pod)), "Count")
        if action == "FailJob":
            code = _exit_code(pod)
            name = f"{scene.namespace}/{pod['metadata']['name']}"
            return (
                "PodFailurePolicy",
                f"Container build for pod {name} failed with exit code {code} matching FailJob rule",
            )
        counted += action == "Count"
    if counted > int(spec.get("backoffLimit", 6)):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    return None


def _applies(rule: Manifest, pod: Manifest) -> bool:
    codes = rule.get("onExitCodes")
    if codes:
        code = _exit_code(pod)
        return code != 0 and (code in codes["values"]) == (codes["operator"] == "In")
    held = {one["type"] for one in (pod.get("status") or {}).get("conditions") or () if one["status"] == "True"}
    return any(one["type"] in held for one in rule.get("onPodConditions") or ())


def _exit_code(pod: Manifest) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max(
        (int(one["state"]["terminated"]["exitCode"]) for one in statuses if "terminated" in one["state"]), default=0
    )


def _index(pod: Manifest) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(INDEX, ""))


def _counts(pods: list[Manifest]) -> dict[str, Any]:
    active = [pod for pod in pods if not is_over(pod) and not is_leaving(pod)]
    return {
        "active": len(active),
        "ready": sum(is_ready(pod) for pod in active),
        "terminating": sum(is_leaving(pod) and not is_over(pod) for pod in pods),
        "succeeded": len({_index(pod) for pod in pods if phase(pod) == "Succeeded"}),
        "failed": sum(phase(pod) == "Failed" for pod in pods),
        "uncountedTerminatedPods": {},
    }


async def _end(
    scene: Scene, job: Manifest, pods: list[Manifest], target: str, last: str, reason: str, message: str
) -> None:
    status = _counts(pods) | {"active": 0, "ready": 0, "terminating": 0}
    status["conditions"] = [condition(target, True, reason, message), condition(last, True, reason, message)]
    if last == "Complete":
        status["completionTime"] = stamp()
    if job["spec"].get("completionMode") == "Indexed":
        done = sorted(int(_index(pod)) for pod in pods if phase(pod) == "Succeeded")
        status["completedIndexes"] = _ranges(sorted(set(done)))
    await scene.set_status(job, status)


def _ranges(numbers: list[int]) -> str:
    """Numbers as Kubernetes writes them.

    >>> _ranges([0, 1, 2, 5])
    '0-2,5'
    """
    parts: list[list[int]] = []
    for one in numbers:
        if parts and parts[-1][-1] == one - 1:
            parts[-1].append(one)
        else:
            parts.append([one])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
