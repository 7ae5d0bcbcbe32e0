"""What a drain of a node may take at a time."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.manifest import manifest
from clockifyrag_operator.objects.autoscaling import replicas_min
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pod_parts import match


def disruption_budget(wanted: Wanted) -> Manifest | None:
    """All search pods but one stay up; a lone pod may be moved, and one that is broken anyway is in nobody's way."""
    if replicas_min(wanted) < 2:
        return None
    return manifest(
        "policy/v1", "PodDisruptionBudget", wanted, names.search(wanted.name), names.SEARCH,
        spec={
            "maxUnavailable": 1,
            "selector": match(wanted, names.SEARCH),
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    )  # fmt: skip
