"""How many search pods, by their load."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.manifest import given, manifest, spec_of
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pod_parts import Fields, written
from clockifyrag_resource.search import ScalingRules


def autoscaler(wanted: Wanted) -> Manifest | None:
    """The HorizontalPodAutoscaler of the search Deployment; None while `replicas` decides."""
    asked = spec_of(wanted).search.autoscaling
    if asked is None:
        return None
    name = names.search(wanted.name)
    target = {"type": "Utilization", "averageUtilization": asked.target_cpu_percent}
    behavior = asked.behavior
    return manifest(
        "autoscaling/v2", "HorizontalPodAutoscaler", wanted, name, names.SEARCH,
        spec=given(
            scaleTargetRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            minReplicas=asked.min_replicas,
            maxReplicas=asked.max_replicas,
            metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            behavior=behavior and given(scaleUp=_rules(behavior.scale_up), scaleDown=_rules(behavior.scale_down)),
        ),
    )  # fmt: skip


def _rules(asked: ScalingRules | None) -> Fields:
    return written(asked) if asked else {}


def replicas_min(wanted: Wanted) -> int:
    """The fewest search pods the resource wants."""
    search = spec_of(wanted).search
    return search.replicas if search.autoscaling is None else search.autoscaling.min_replicas
