"""Plan: one look at the world in, all that is to be written out. Pure: equal inputs give equal plans.

observed ─► decision ─► desired objects ─► plan
                └─────► status, from what was observed
"""

from __future__ import annotations

from collections.abc import Mapping

from clockifyrag_operator import desired, names
from clockifyrag_operator.decide import decide
from clockifyrag_operator.decision import Decision, Plan
from clockifyrag_operator.manifest import annotation, controller_of
from clockifyrag_operator.mounted import seconds_until_told
from clockifyrag_operator.objects.ledger import ledger_config_map
from clockifyrag_operator.objects.model_server import search_url
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.status import status
from clockifyrag_operator.transitions import events
from clockifyrag_resource.conditions import ConditionReason as R

# Kinds of which a resource may come to want less; accounts, settings and search pods it never stops wanting.
_PRUNED = frozenset(
    "HorizontalPodAutoscaler Ingress NetworkPolicy PodDisruptionBudget PrometheusRule Service ServiceMonitor "
    "StatefulSet".split()
)

_TOLD_BY_PODS = (R.EMBEDDER_DOWN, R.INDEX_CORRUPT, R.REFERENCE_BROKEN)


def plan(wanted: Wanted, seen: Observed, settings: Settings) -> Plan:
    """What this pass writes; an empty status: nothing at all, as the resource is being deleted."""
    if wanted.deleting:
        return Plan(ledger=None)
    decision = decide(wanted, seen, settings)
    if _is_left_alone(wanted, decision):
        told = status(wanted, seen, decision, settings)
        return Plan(
            ledger=None,
            status=told,
            events=events(wanted, seen, decision, told, ()),
            recheck_seconds=_recheck(wanted, seen, decision, told, settings),
        )
    created = _created(wanted, seen, decision, settings)
    applied = desired.desired(wanted, seen, decision, settings)
    told = status(wanted, seen, decision, settings, new_pods=desired.new_pods(wanted, seen, applied))
    return Plan(
        ledger=_ledger(wanted, seen, decision),
        create=created,
        apply=applied,
        replicas=desired.replicas(wanted, seen, decision),
        delete=(*decision.to_delete, *_unwanted(wanted, seen, applied)),
        touch=_touched(wanted, seen, decision),
        status=told,
        events=events(wanted, seen, decision, told, created),
        recheck_seconds=_recheck(wanted, seen, decision, told, settings),
    )


def _is_left_alone(wanted: Wanted, decision: Decision) -> bool:
    """Whether nothing but the status is written."""
    return wanted.rag is None or bool(decision.refused) or wanted.rag.spec.pause == "All"


def _created(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> tuple[Manifest, ...]:
    """What is to be made; a Job that runs already is not made again, whatever its name."""
    made = desired.created(wanted, seen, decision, settings)
    return tuple(one for one in made if one["kind"] != "Job" or decision.building is None)


def _ledger(wanted: Wanted, seen: Observed, decision: Decision) -> Manifest | None:
    """The ConfigMap of the ledger; None where the live one says the same, or nothing is known."""
    if decision.ledger is None:
        return None
    live = seen.get("ConfigMap", names.generations(wanted.name))
    drawn = ledger_config_map(wanted, decision.ledger, seen.ledger_version)
    if live is None or seen.ledger is None:
        return drawn
    labels = live["metadata"].get("labels") or {}
    same = (
        (live.get("data") or {}) == drawn["data"]
        and drawn["metadata"]["labels"].items() <= labels.items()
        and _is_owned(live, wanted)
    )
    return None if same else drawn


def _unwanted(wanted: Wanted, seen: Observed, applied: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Live children of an applied kind that are wanted no more; what holds data or runs once is never among them."""
    kept = {(one["kind"], one["metadata"]["name"]) for one in applied}
    return tuple(
        one
        for key, one in sorted(seen.objects.items())
        if key[0] in _PRUNED
        and key not in kept
        and _is_owned(one, wanted)
        and _is_labelled(one, wanted)
        and not one["metadata"].get("deletionTimestamp")
    )


def _is_owned(live: Manifest, wanted: Wanted) -> bool:
    """Whether the resource is the owner; one without any may be ours by its labels, too (`manifest.is_ours`)."""
    owner = controller_of(live)
    return owner is not None and owner.get("uid") == wanted.uid


def _is_labelled(live: Manifest, wanted: Wanted) -> bool:
    labels = live["metadata"].get("labels") or {}
    return (labels.get(names.MANAGED_BY), labels.get(names.RESOURCE)) == (names.MANAGED_BY_US, wanted.name)


def _touched(wanted: Wanted, seen: Observed, decision: Decision) -> Mapping[str, str]:
    """Pods whose kubelet is to refresh the pointer at once; otherwise it takes a minute or two."""
    assert wanted.rag is not None, "only valid resources touch pods"
    if wanted.rag.spec.search.index_update != "HotSwap" or decision.ledger is None or decision.ledger.current is None:
        return {}
    current = decision.ledger.current
    return {
        pod["metadata"]["name"]: current for pod in seen.pods(names.SEARCH) if annotation(pod, names.WANTED) != current
    }


def _recheck(
    wanted: Wanted, seen: Observed, decision: Decision, told: Mapping[str, object], settings: Settings
) -> float | None:
    """Seconds until the next look although nothing happened: pods are asked while something is under way, or while
    something is wrong of which they alone tell that it is over.

    A model server that fails is no event: those that need it are asked at rest, too, and so are all that are left
    alone, where nothing else may lead to a look. Without pods there is nobody to ask, and the first one wakes the
    operator.
    """
    conditions = told["conditions"]
    assert isinstance(conditions, list), "a status has conditions"
    true = {one["type"]: one["reason"] for one in conditions if one["status"] == "True"}
    told_by_pods = true.get("Degraded") in _TOLD_BY_PODS or true.get("Stalled") == R.ROLLOUT_FAILED
    is_watched = "Reconciling" in true or decision.building or told_by_pods
    waits = [decision.recheck_seconds, seconds_until_told(seen.all("Pod"), seen.now)]
    if any(pod.get("status", {}).get("podIP") for pod in seen.all("Pod")):
        waits.append(settings.poll_seconds if is_watched else None)
        waits.append(
            settings.health_seconds if _is_left_alone(wanted, decision) or search_url(wanted, decision) else None
        )
    return min((one for one in waits if one is not None), default=None)
