"""Alerts of one resource: what each looks at, and what whoever is woken reads first.

Metrics of the search pods carry the label `clockifyrag_io_resource`, which the ServiceMonitor takes from the Service;
those of the operator name the resource themselves. docs/runbooks.md has one heading an alert, named as the alert is.
"""

from __future__ import annotations

from dataclasses import dataclass

from clockifyrag_operator import names
from clockifyrag_operator.manifest import spec_of
from clockifyrag_operator.observed import Wanted
from clockifyrag_resource.conditions import ConditionReason, ConditionStatus, ConditionType

RESOURCE_LABEL = "clockifyrag_io_resource"  # names.RESOURCE as Prometheus writes it
_UNITS = {"s": 1, "m": 60, "h": 3600}

ERRORS_MAX = 0.05  # share of answers that are failures of the server
DEGRADED_MAX = 0.1  # share of searches answered without a part
LATENCY_SECONDS_MAX = 1  # of 95 searches in a hundred
FREE_MIN = 0.1  # share of the volume
_FAILURES = (  # that IndexBuilt tells of a build
    ConditionReason.BUILD_FAILED,
    ConditionReason.NO_SPACE,
    ConditionReason.OOM_KILLED,
    ConditionReason.SOURCE_UNREACHABLE,
    ConditionReason.DEADLINE_EXCEEDED,
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: it fires when `expression` has held for `lasts` (unset: as long as the installation says)."""

    name: str
    severity: str  # critical: questions go unanswered; warning: they will, or worse than they could
    expression: str
    summary: str
    description: str
    lasts: str | None = None

    def runbook(self, address: str) -> str:
        """Where it says what to do; `address` is that of docs/runbooks.md."""
        return f"{address}#{self.name.lower()}"


def alerts(wanted: Wanted, alert_for: str) -> tuple[Alert, ...]:
    """The alerts of the resource, the most urgent first."""
    return (*_of_answers(wanted), *_of_index(wanted, alert_for), *_of_parts(wanted))


def _of_answers(wanted: Wanted) -> tuple[Alert, ...]:
    here, told = _pods(wanted), f"{wanted.namespace}/{wanted.name}"
    searches = f"(sum(rate(rag_cache_hits_total{{{here}}}[5m])) + sum(rate(rag_cache_misses_total{{{here}}}[5m])))"
    failed = f'sum(rate(rag_requests_total{{{here},code=~"5.."}}[5m]))'
    buckets = f"sum by (le) (rate(rag_search_latency_seconds_bucket{{{here}}}[5m]))"
    return (
        Alert(
            "ClockifyRAGNotReady",
            "critical",
            _condition(wanted, ConditionType.READY, "!=", ConditionStatus.TRUE),
            f"{told} is not ready",
            "Questions are not answered, or from pods that serve another index than they should; or the spec is "
            "refused, and pods go on as before. The condition Ready of the resource names the reason.",
        ),
        Alert(
            "ClockifyRAGHighErrorRate",
            "critical",
            f"{failed} / sum(rate(rag_requests_total{{{here}}}[5m])) > {ERRORS_MAX}",
            f"{told} fails to answer many requests",
            f"More than {ERRORS_MAX:.0%} of the answers of the last five minutes had a status of 500 or above.",
        ),
        Alert(
            "ClockifyRAGSlow",
            "warning",
            f"histogram_quantile(0.95, {buckets}) > {LATENCY_SECONDS_MAX}",
            f"{told} answers slowly",
            f"Five searches in a hundred take longer than {LATENCY_SECONDS_MAX} s.",
        ),
        Alert(
            "ClockifyRAGAnswersDegraded",
            "warning",
            f'sum(rate(rag_degraded_total{{{here},part!="llm"}}[5m])) / {searches} > {DEGRADED_MAX}',
            f"{told} answers without a part that should help",
            f"More than {DEGRADED_MAX:.0%} of the searches are answered without the embedder, or without the reranking "
            "that was wanted; rag_degraded_total says which.",
        ),
        Alert(
            "ClockifyRAGMixedGenerations",
            "warning",
            f"count(count by (generation) (rag_index_info{{{here}}})) > 1",
            f"{told} answers from several generations of its index",
            "For longer than a rollout takes, search pods have been serving different generations: equal questions get "
            "different answers.",
        ),
    )


def _of_index(wanted: Wanted, alert_for: str) -> tuple[Alert, ...]:
    here, told = _pods(wanted), f"{wanted.namespace}/{wanted.name}"
    unbuilt = _condition(wanted, ConditionType.INDEX_BUILT, "=", ConditionStatus.FALSE)
    # IndexBuilt has another reason while the build is tried again, and Degraded where more than the build is broken.
    of_build = (ConditionReason.BUILD_FAILED, *((ConditionReason.EMBEDDER_DOWN,) if _embeds_elsewhere(wanted) else ()))
    failed = " or ".join(
        (_reason(wanted, ConditionType.DEGRADED, *of_build), _reason(wanted, ConditionType.INDEX_BUILT, *_FAILURES))
    )
    unpublished = _condition(wanted, ConditionType.INDEX_PUBLISHED, "=", ConditionStatus.FALSE)
    old = _condition(wanted, ConditionType.INDEX_PUBLISHED, "!=", ConditionStatus.TRUE)  # or the spec is refused
    answers = _condition(wanted, ConditionType.READY, "=", ConditionStatus.TRUE)  # told where pods are not scraped, too
    deadline = spec_of(wanted).build.deadline_seconds
    return (
        Alert(
            "ClockifyRAGNothingPublished",
            "critical",
            f"{unpublished} unless on () (count(rag_index_info{{{here}}}) or {answers})",
            f"{told} has no index to answer from",
            "No generation is published, so no question can be answered. The conditions IndexBuilt and IndexPublished "
            "of the resource name the reason.",
            lasts=_longer(alert_for, deadline),
        ),
        Alert(
            "ClockifyRAGBuildFailed",
            "warning",
            f"{unbuilt} and on () ({failed})",
            f"{told} cannot build its index",
            "The index that is wanted now was not built; the one before stays published. The condition IndexBuilt of "
            "the resource says why and when it is tried again.",
        ),
        Alert(
            "ClockifyRAGStale",
            "warning",
            old,
            f"{told} answers from an old index",
            "What was asked for, by the spec, its schedule or by hand, has not been published in the time a build may "
            "take. The condition IndexPublished of the resource names the reason.",
            lasts=_longer(alert_for, deadline),
        ),
    )


def _of_parts(wanted: Wanted) -> tuple[Alert, ...]:
    told, volume = f"{wanted.namespace}/{wanted.name}", names.index_volume(wanted.name)
    claim = f'namespace="{wanted.namespace}",persistentvolumeclaim="{volume}"'
    free = f"kubelet_volume_stats_available_bytes{{{claim}}} / kubelet_volume_stats_capacity_bytes{{{claim}}}"
    return (
        Alert(
            "ClockifyRAGEmbedderDown",
            "warning",
            _condition(wanted, ConditionType.EMBEDDER_READY, "=", ConditionStatus.FALSE),
            f"{told} has no embedding model",
            "The model server does not answer, or has not the wanted model: questions are answered by words alone and "
            "nothing can be built.",
        ),
        Alert(
            "ClockifyRAGDegraded",
            "warning",
            _condition(wanted, ConditionType.DEGRADED, "=", ConditionStatus.TRUE),
            f"{told} is degraded",
            "Something is broken, although questions may still be answered. The condition Degraded of the resource "
            "names it.",
        ),
        Alert(
            "ClockifyRAGVolumeFilling",
            "warning",
            f"{free} < {FREE_MIN}",
            f"The volume of {told} is nearly full",
            f"Less than {FREE_MIN:.0%} of {volume} is free: the next build may end with NoSpace. "
            "spec.index.storage.size can be raised where the storage class lets volumes grow.",
        ),
    )


def _embeds_elsewhere(wanted: Wanted) -> bool:
    """Whether builds ask a model server; where they embed in the process, only questions miss one that is down."""
    return spec_of(wanted).embedding.provider == "Ollama"


def _pods(wanted: Wanted) -> str:
    """The labels of the metrics of this resource's search pods."""
    return f'namespace="{wanted.namespace}",{RESOURCE_LABEL}="{wanted.name}"'


def _condition(wanted: Wanted, kind: ConditionType, comparison: str, status: ConditionStatus) -> str:
    """True while the condition has, or has not, the status; the operator tells one line a status, 1 for the present."""
    who = f'resource_namespace="{wanted.namespace}",resource="{wanted.name}",type="{kind}"'
    return f'max(clockifyrag_condition{{{who},status{comparison}"{status}"}}) == 1'


def _reason(wanted: Wanted, kind: ConditionType, *reasons: ConditionReason) -> str:
    """True while the condition has one of the reasons; the operator tells one line a condition, for its reason now."""
    who = f'resource_namespace="{wanted.namespace}",resource="{wanted.name}",type="{kind}"'
    return f'max(clockifyrag_condition_reason{{{who},reason=~"{"|".join(reasons)}"}}) == 1'


def _longer(duration: str, seconds: int) -> str:
    """The duration and so many seconds more, as Prometheus writes it.

    >>> _longer("10m", 3600)
    '4200s'
    """
    return f"{int(duration[:-1]) * _UNITS[duration[-1]] + seconds}s"
