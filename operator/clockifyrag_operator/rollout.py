"""Rollout: which generation each ready search pod serves, and whether a generation keeps pods from getting ready."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from clockifyrag_operator import names
from clockifyrag_operator.blocked import blocker
from clockifyrag_operator.ledger import Ledger, moment
from clockifyrag_operator.observed import Manifest, Observed
from clockifyrag_operator.outcomes import is_generation
from clockifyrag_operator.pod_states import condition, is_ready, label, template_label
from clockifyrag_resource.resource import Spec


@dataclass(frozen=True, slots=True)
class Rollout:
    """What is seen of the search pods."""

    serving: Mapping[str, str | None]  # ready pod → the generation it serves; None: it did not say
    none_wanted: bool  # the resource asks for no pods at all
    failed: str | None  # why the published generation is held responsible for a rollout that failed


def rollout(name: str, spec: Spec, seen: Observed, ledger: Ledger, rollout_seconds: float) -> Rollout:
    """What the search pods of the resource tell about the published generation."""
    ready = [pod for pod in seen.pods(names.SEARCH) if is_ready(pod)]
    none_wanted = spec.search.autoscaling is None and spec.search.replicas == 0
    failed = (
        _swap_failed(seen, ledger, rollout_seconds)
        if spec.search.index_update == "HotSwap"
        else _rolling_failed(seen.get("Deployment", names.search(name)), seen, ledger)
    )
    return Rollout({pod["metadata"]["name"]: served_by(pod, seen) for pod in ready}, none_wanted, failed)


def served_by(pod: Manifest, seen: Observed) -> str | None:
    """The generation a search pod serves: as it says itself, else as it was made for; None when neither tells."""
    report = seen.reports.get(pod["metadata"]["name"])
    told = report.values.get("generation") if report is not None else None
    return str(told) if is_generation(told) else label(pod, names.GENERATION)


def in_use(name: str, seen: Observed) -> frozenset[str]:
    """The generations that pods, live ReplicaSets or the Deployment's template name: none of them may be removed."""
    pods = tuple(seen.all("Pod", names.SEARCH))  # those that are on their way out still answer
    sets = [one for one in seen.all("ReplicaSet", names.SEARCH) if _has_pods(one)]
    named: Iterator[str | None] = iter(
        (
            *(label(pod, names.GENERATION) for pod in pods),
            *(served_by(pod, seen) for pod in pods),
            *(label(one, names.GENERATION) or template_label(one, names.GENERATION) for one in sets),
            template_label(seen.get("Deployment", names.search(name)), names.GENERATION),
        )
    )
    return frozenset(one for one in named if one)


def deadline_exceeded(deployment: Manifest | None) -> bool:
    """Whether the Deployment, as it stands now, gave up on getting new pods ready."""
    return deployment is not None and (
        deployment.get("status", {}).get("observedGeneration") == deployment["metadata"].get("generation")
        and condition(deployment, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    )


def _has_pods(replica_set: Manifest) -> bool:
    return bool(replica_set.get("spec", {}).get("replicas", 0) or replica_set.get("status", {}).get("replicas", 0))


def _rolling_failed(deployment: Manifest | None, seen: Observed, ledger: Ledger) -> str | None:
    """Pods that cannot even start, for want of an image or a node, say nothing about the generation. Nor do those it is
    still on its way to, or whose store is away.
    """
    if not deadline_exceeded(deployment) or template_label(deployment, names.GENERATION) != ledger.current:
        return None
    pods = [pod for pod in seen.pods(names.SEARCH) if label(pod, names.GENERATION) == ledger.current]
    waiting = [pod for pod in pods if not is_ready(pod)]
    if not waiting or any((found := blocker(pod, seen.now)) and found.before_start for pod in waiting):
        return None
    failed = [pod for pod in waiting if not _is_on_its_way(pod, seen)]
    problem = next((text for pod in failed if (text := _problem(pod, seen))), None)
    return problem or (f"pod {failed[0]['metadata']['name']} did not become ready in time" if failed else None)


def _swap_failed(seen: Observed, ledger: Ledger, rollout_seconds: float) -> str | None:
    """Why ready pods did not change over; where none did, why those that are not ready do not get so.

    A pod that begins anew has no generation of before to go on with: it never gets ready with one that is broken. One
    that is still fetched, or whose store is away, is not to blame.
    """
    patience = timedelta(seconds=rollout_seconds)
    if not ledger.published_at or seen.now - moment(ledger.published_at) < patience:
        return None
    pods = seen.pods(names.SEARCH)
    others = [pod for pod in pods if is_ready(pod) and served_by(pod, seen) != ledger.current]
    if len(others) == sum(map(is_ready, pods)):
        others += [pod for pod in pods if not is_ready(pod) and _has_waited(pod, seen, patience)]
    return next((problem for pod in others if _is_refused(pod, seen) and (problem := _problem(pod, seen))), None)


def _is_refused(pod: Manifest, seen: Observed) -> bool:
    """Whether the pod finds the generation wrong, not the way to it; a server of before this was told does not say."""
    report = seen.reports.get(pod["metadata"]["name"])
    return report is not None and report.values.get("refused") is not False


def _is_on_its_way(pod: Manifest, seen: Observed) -> bool:
    """Whether the pod is well and waits for the generation; it may be why one crashes, or says nothing."""
    return bool(_problem(pod, seen)) and not _is_refused(pod, seen) and blocker(pod, seen.now) is None


def _has_waited(pod: Manifest, seen: Observed, patience: timedelta) -> bool:
    since = condition(pod, "Ready").get("lastTransitionTime")
    return since is not None and seen.now - moment(since) >= patience


def _problem(pod: Manifest, seen: Observed) -> str | None:
    name = pod["metadata"]["name"]
    report = seen.reports.get(name)
    problem = report.values.get("problem") if report is not None else None
    return f"pod {name}: {problem}" if problem else None
