"""Desired: the resource and the decision as the objects that are to exist. Pure: no look at the world, no clock.

desired    every child that is applied, in the order of applying
created    what is made once and then left alone: the Job of the order, the internal Secret
new_pods   which workloads get other pods than they have by applying it
replicas   how many search pods there are to be, where no autoscaler says so
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from clockifyrag_operator import names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.kinds import WORKLOADS
from clockifyrag_operator.manifest import annotation, spec_of
from clockifyrag_operator.objects import ollama, search, store
from clockifyrag_operator.objects.accounts import internal_secret, service_account
from clockifyrag_operator.objects.autoscaling import autoscaler
from clockifyrag_operator.objects.build_job import build_job, job_name
from clockifyrag_operator.objects.disruption import disruption_budget
from clockifyrag_operator.objects.ingress import ingress
from clockifyrag_operator.objects.monitoring import prometheus_rule, service_monitor
from clockifyrag_operator.objects.network_policies import network_policies
from clockifyrag_operator.objects.search_service import ops_service, search_service, siblings_service
from clockifyrag_operator.objects.settings_map import settings_map
from clockifyrag_operator.objects.volume import index_volume, model_volumes
from clockifyrag_operator.observed import Child, Manifest, Observed, Wanted
from clockifyrag_operator.settings import Settings

TEMPLATE_VERSION = 4  # of all pod templates together: raised whenever equal inputs begin to give other pods


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods that live long: how they are drawn now, and the digest of all of the resource that decides them."""

    manifest: Manifest
    inputs: str


def desired(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> tuple[Manifest, ...]:
    """All applied children, in the order of applying: what pods need is there before them.

    () for a resource that is not valid: nothing is known of what it wants, so nothing is to change, or to be removed.
    """
    if wanted.rag is None:
        return ()
    serving = decision.published is not None
    children = (
        service_account(wanted),
        *network_policies(wanted, decision, settings),
        _settings_map(wanted, seen, decision),
        index_volume(wanted, seen),
        *model_volumes(wanted, seen),
        search_service(wanted),
        ops_service(wanted),
        siblings_service(wanted),
        store.store_service(wanted),
        ollama.ollama_service(wanted, decision),
        *(_drawn(workload, wanted, seen) for workload in _workloads(wanted, seen, decision, settings)),
        autoscaler(wanted) if serving else None,
        disruption_budget(wanted),
        ingress(wanted),
        service_monitor(wanted, seen),
        prometheus_rule(wanted, seen, settings),
    )
    return tuple(child for child in children if child is not None)


def new_pods(wanted: Wanted, seen: Observed, applied: Collection[Manifest]) -> frozenset[Child]:
    """(kind, name) of the workloads that get other pods than they have by applying the children. What was refused for
    this very spec is refused again.
    """
    refused = seen.refusals.keys() if wanted.is_told else ()
    return frozenset(
        key
        for key, drawn in ((_key(one), one) for one in applied)
        if (live := seen.get(*key)) is not None and key not in refused and _is_drawn_anew(drawn, live)
    )


def _is_drawn_anew(drawn: Manifest, live: Manifest) -> bool:
    """Whether the pods are others; only workloads have what is compared."""
    return any(_annotation(drawn, name) != _annotation(live, name) for name in (names.TEMPLATE, names.INPUTS))


def created(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> tuple[Manifest, ...]:
    """What is to be made once: the internal Secret, and the Job of the order where it does not run yet."""
    if wanted.rag is None:
        return ()
    order = decision.order
    missing = order is not None and seen.get("Job", job_name(wanted.name, order)) is None
    children = (
        internal_secret(wanted, seen),
        build_job(wanted, decision, order) if order is not None and missing else None,
    )
    return tuple(child for child in children if child is not None)


def replicas(wanted: Wanted, seen: Observed, decision: Decision) -> Mapping[Child, int]:
    """(kind, name) → spec.replicas, to be owned by names.REPLICAS_MANAGER.

    While an autoscaler is wanted it owns the number; a Deployment begins with its least when it is made anew, and when
    it has no pods at all: an autoscaler leaves 0 alone (HorizontalPodAutoscaler, "Implicit maintenance-mode
    deactivation").
    """
    if wanted.rag is None or decision.published is None:
        return {}
    asked, deployment = spec_of(wanted).search, ("Deployment", names.search(wanted.name))
    if asked.autoscaling is None:
        return {deployment: asked.replicas}
    live = seen.get(*deployment)
    if live is not None and live.get("spec", {}).get("replicas") != 0:
        return {}
    return {deployment: asked.autoscaling.min_replicas}


def kept_templates(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> tuple[Child, ...]:
    """(kind, name) of the workloads that keep the pods an earlier operator drew, until the author lets them go."""
    live = (one for (kind, _), one in seen.objects.items() if kind in WORKLOADS)
    if wanted.rag is None or not any(_is_of_another_version(one) for one in live):  # nothing is drawn to find none
        return ()
    workloads = _workloads(wanted, seen, decision, settings)
    return tuple(_key(one.manifest) for one in workloads if _drawn_earlier(one, wanted, seen))


def _workloads(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> tuple[Workload, ...]:
    found = (
        (ollama.ollama_stateful_set(wanted, decision), ollama.inputs_digest(wanted, decision)),
        (store.store_stateful_set(wanted, decision), store.inputs_digest(wanted, decision)),
        (
            search.search_deployment(wanted, seen, decision, settings),
            search.inputs_digest(wanted, seen, decision),
        ),
    )
    return tuple(Workload(manifest, inputs) for manifest, inputs in found if manifest is not None)


def _drawn(workload: Workload, wanted: Wanted, seen: Observed) -> Manifest:
    """The workload as it is to be applied: with the pods it has, where these are to stay, else with ours."""
    key = _key(workload.manifest)
    live, template = seen.get(*key), seen.owned_templates.get(key)
    keeps = _drawn_earlier(workload, wanted, seen) or spec_of(wanted).pause == "Rollouts"
    if live is None or template is None or not keeps:
        return _marked(workload.manifest, str(TEMPLATE_VERSION), workload.inputs)
    kept = {**workload.manifest, "spec": {**workload.manifest["spec"], "template": template}}
    return _marked(kept, _annotation(live, names.TEMPLATE), _annotation(live, names.INPUTS))


def _drawn_earlier(workload: Workload, wanted: Wanted, seen: Observed) -> bool:
    """Whether another version of the operator drew the live pods, and nothing else is different about them."""
    key = _key(workload.manifest)
    live = seen.get(*key)
    return (
        spec_of(wanted).upgrade_policy == "Manual"
        and live is not None
        and key in seen.owned_templates
        and _is_of_another_version(live)
        and _annotation(live, names.INPUTS) == workload.inputs
    )


def _is_of_another_version(live: Manifest) -> bool:
    return _annotation(live, names.TEMPLATE) not in ("", str(TEMPLATE_VERSION))


def _marked(workload: Manifest, version: str, inputs: str) -> Manifest:
    metadata = workload["metadata"]
    annotations = {**metadata.get("annotations", {}), names.TEMPLATE: version, names.INPUTS: inputs}
    return {**workload, "metadata": {**metadata, "annotations": annotations}}


def _settings_map(wanted: Wanted, seen: Observed, decision: Decision) -> Manifest:
    """The settings; while rollouts are paused those that the pods have, so that a pod put back equals its siblings."""
    drawn = settings_map(wanted, decision)
    live = seen.get("ConfigMap", drawn["metadata"]["name"])
    if live is None or spec_of(wanted).pause != "Rollouts":
        return drawn
    return {**drawn, "data": dict(live.get("data") or {})}


def _key(manifest: Manifest) -> Child:
    return manifest["kind"], manifest["metadata"]["name"]


def _annotation(live: Manifest, name: str) -> str:
    return annotation(live, name) or ""
