"""What Prometheus is told: where metrics are, and when somebody is woken. Only where the cluster knows the kinds."""

from __future__ import annotations

from clockifyrag_operator import names
from clockifyrag_operator.manifest import manifest, spec_of
from clockifyrag_operator.objects.alerts import Alert, alerts
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.pod_parts import Fields, match
from clockifyrag_operator.settings import Settings

_API_VERSION = "monitoring.coreos.com/v1"
# The label `endpoint` of our metrics is a path. Prometheus has another one, the name of the port, and renames ours.
_OUR_ENDPOINT = [
    {"sourceLabels": ["exported_endpoint"], "regex": "(.+)", "targetLabel": "endpoint"},
    {"regex": "exported_endpoint", "action": "labeldrop"},
]


def service_monitor(wanted: Wanted, seen: Observed) -> Manifest | None:
    """The ServiceMonitor of the search pods."""
    monitoring, kind = spec_of(wanted).monitoring, "ServiceMonitor"
    if monitoring.service_monitor == "Disabled" or kind not in seen.kinds:
        return None
    endpoint = {
        "port": "ops",
        "path": "/metrics",
        "interval": monitoring.interval,
        "metricRelabelings": _OUR_ENDPOINT,
    }
    return manifest(
        _API_VERSION, kind, wanted, names.search(wanted.name), names.SEARCH,
        labels=monitoring.labels,
        spec={
            "selector": match(wanted, names.SEARCH),
            "targetLabels": [names.RESOURCE],  # alerts tell resources apart by it
            "endpoints": [endpoint],
        },
    )  # fmt: skip


def prometheus_rule(wanted: Wanted, seen: Observed, operator: Settings) -> Manifest | None:
    """The PrometheusRule with the alerts of the resource."""
    monitoring, kind = spec_of(wanted).monitoring, "PrometheusRule"
    if monitoring.prometheus_rule == "Disabled" or kind not in seen.kinds or not operator.allow_alerts:
        return None
    rules = [_rule(wanted, alert, operator) for alert in alerts(wanted, operator.alert_for)]
    return manifest(
        _API_VERSION, kind, wanted, names.search(wanted.name), names.SEARCH,
        labels=monitoring.labels,
        spec={"groups": [{"name": f"clockifyrag.{wanted.namespace}.{wanted.name}", "rules": rules}]},
    )  # fmt: skip


def _rule(wanted: Wanted, alert: Alert, operator: Settings) -> Fields:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasts or operator.alert_for,
        "labels": {"severity": alert.severity, "namespace": wanted.namespace, "resource": wanted.name},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": alert.runbook(operator.runbooks),
        },
    }
