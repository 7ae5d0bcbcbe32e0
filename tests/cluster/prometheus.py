"""The Prometheus of the cluster, asked from within the node's network."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import httpx
from tests.cluster.kube import Kube, get
from tests.waiting import wait_until
from tools.cluster.kubectl import Kubectl

NAMESPACE, SERVICE, POD = "monitoring", "prometheus", "prometheus-all-0"

Labels = dict[str, str]


@dataclass(frozen=True)
class Prometheus:
    """What it scrapes, knows and rings for."""

    kubectl: Kubectl
    address: str

    @classmethod
    def of(cls, kube: Kube) -> Prometheus:
        service = Kube(kube.cluster, kube.kubectl, NAMESPACE).get("service", SERVICE)
        assert service is not None, f"there is no Service {NAMESPACE}/{SERVICE}"
        return cls(kube.kubectl, f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}")

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        answer = json.loads(get(str(httpx.URL(f"{self.address}/api/v1/{path}", params=parameters))))
        assert "success" == answer["status"], answer
        return answer["data"]

    def values(self, expression: str) -> list[tuple[Labels, float]]:
        """The samples of an expression now, those that are not a number aside: a quantile of nothing is none."""
        found = self.ask("query", query=expression)["result"]
        samples = [(one["metric"], float(one["value"][1])) for one in found]
        return [(labels, value) for labels, value in samples if not math.isnan(value)]

    def pods_up(self, monitor: str) -> set[str]:
        """Pods that it scrapes without an error for a ServiceMonitor, NAMESPACE/NAME."""
        targets = self.ask("targets", state="active", scrapePool=f"serviceMonitor/{monitor}/0")["activeTargets"]
        return {one["labels"]["pod"] for one in targets if one["health"] == "up"}

    def healthy_rules(self, group: str) -> set[str]:
        """Alerts of a group of rules that were evaluated without an error."""
        groups = self.ask("rules", type="alert")["groups"]
        return {rule["name"] for one in groups if one["name"] == group for rule in one["rules"] if is_healthy(rule)}

    def firing(self, resource: str, namespace: str) -> set[str]:
        """Alerts that fire for a resource."""
        wanted = {"resource": resource, "namespace": namespace}
        alerts = [one for one in self.ask("alerts")["alerts"] if one["state"] == "firing"]
        return {one["labels"]["alertname"] for one in alerts if wanted.items() <= one["labels"].items()}

    def wait_firing(self, alert: str, resource: str, namespace: str, seconds: float, *, fires: bool = True) -> None:
        wait_until(
            lambda: (alert in self.firing(resource, namespace)) == fires,
            seconds,
            f"{alert} of {namespace}/{resource} {'fires' if fires else 'is over'}",
            lambda: json.dumps(self.ask("alerts"), indent=1),
        )


def is_healthy(rule: dict[str, Any]) -> bool:
    return bool(rule["health"] == "ok" and not rule.get("lastError"))
