"""View: what the conditions of one pass are judged from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from clockifyrag_operator import names, rollout
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.ledger import Attempt, Entry, Ledger
from clockifyrag_operator.observed import Child, Manifest, Observed, Wanted
from clockifyrag_operator.pod_states import is_ready
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.conditions import ConditionReason, ConditionStatus
from clockifyrag_resource.resource import Spec


@dataclass(frozen=True, slots=True)
class Judged:
    """One condition: whether it holds, one word why, and one sentence for people."""

    status: ConditionStatus
    reason: ConditionReason
    message: str


def true(reason: ConditionReason, message: str) -> Judged:
    return Judged(ConditionStatus.TRUE, reason, message)


def false(reason: ConditionReason, message: str) -> Judged:
    return Judged(ConditionStatus.FALSE, reason, message)


def unknown(message: str, reason: ConditionReason = ConditionReason.NOT_JUDGED) -> Judged:
    return Judged(ConditionStatus.UNKNOWN, reason, message)


@dataclass(frozen=True, slots=True)
class View:
    """The resource, what is seen and what was decided."""

    wanted: Wanted
    seen: Observed
    decision: Decision
    settings: Settings
    new_pods: Collection[Child] = ()  # workloads whose pods this pass replaces: what they tell now is of others

    @property
    def name(self) -> str:
        return self.wanted.name

    @property
    def spec(self) -> Spec | None:
        """The spec that is followed; None when it is refused."""
        return self.wanted.rag.spec if self.wanted.rag is not None and not self.decision.refused else None

    @property
    def ledger(self) -> Ledger:
        """As it will be; while nothing is known of the volume, empty."""
        return self.decision.ledger or Ledger()

    @property
    def published(self) -> str | None:
        return self.decision.published

    @property
    def wanted_entry(self) -> Entry | None:
        """The newest generation of the key wanted now, whatever became of it."""
        return self.ledger.standing(self.decision.key)

    @property
    def last_failure(self) -> Attempt | None:
        return self.ledger.attempts[-1] if self.ledger.attempts else None

    @property
    def search_pods(self) -> tuple[Manifest, ...]:
        return self.seen.pods(names.SEARCH)

    @property
    def serving(self) -> Mapping[str, str | None]:
        """Ready search pod → the generation it serves; None: it did not say."""
        pods = (pod for pod in self.search_pods if is_ready(pod))
        return {pod["metadata"]["name"]: rollout.served_by(pod, self.seen) for pod in pods}

    @property
    def deployment(self) -> Manifest | None:
        return self.seen.get("Deployment", names.search(self.name))

    @property
    def refusals(self) -> Mapping[Child, str]:
        """Why an object could not be made what this spec wants, by object; {} in the first pass of a spec."""
        return self.seen.refusals if self.wanted.is_told else {}

    @property
    def _search_key(self) -> Child:
        return "Deployment", names.search(self.name)

    @property
    def pods_wanted(self) -> int:
        """Search pods there are to be: as the Deployment has it where an autoscaler, or nobody, changes that."""
        asked = self.spec
        if asked is not None and asked.search.autoscaling is None and asked.pause != "All":
            return asked.search.replicas
        return int((self.deployment or {}).get("spec", {}).get("replicas", 1))

    @property
    def rolling(self) -> bool:
        """Whether search pods are still being replaced or started, as far as their Deployment tells."""
        if self.deployment is None:
            return self.published is not None
        return self._search_key in self.new_pods or is_changing(self.deployment, self.pods_wanted)

    @property
    def given_up(self) -> bool:
        """Whether the Deployment gave up on getting the pods ready that are wanted now."""
        return self._search_key not in self.new_pods and rollout.deadline_exceeded(self.deployment)

    def report(self, pod: Manifest) -> Mapping[str, object]:
        """What the pod says of itself; {} when it did not answer."""
        found = self.seen.reports.get(pod["metadata"]["name"])
        return found.values if found is not None else {}


def is_changing(workload: Manifest, wanted: int) -> bool:
    """Whether pods of it are still to be made, replaced or taken away, as far as its status tells."""
    status = workload.get("status", {})
    counts = [status.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "replicas")]
    behind = status.get("observedGeneration") != workload["metadata"].get("generation")
    return behind or any(count != wanted for count in counts)


def refused_words(refused: tuple[str, ...]) -> str:
    """The first problems of a spec, and how many more there are."""
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
    return "; ".join(refused[:3]) + more
