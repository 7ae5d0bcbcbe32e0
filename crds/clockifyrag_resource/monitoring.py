"""spec.monitoring and spec.networkPolicy: who may look, and who may talk to whom."""

from typing import Annotated, Literal

from pydantic import Field

from clockifyrag_resource.part import NEITHER, Part
from clockifyrag_resource.texts import Duration, KubernetesObject, Labels

Wanted = Literal["Auto", "Enabled", "Disabled"]
_AUTO = "Auto: if the cluster knows the kind."


class Monitoring(Part):
    """What is made for Prometheus and Grafana."""

    service_monitor: Wanted = Field(default="Auto", description=f"A ServiceMonitor. {_AUTO}", json_schema_extra=NEITHER)
    prometheus_rule: Wanted = Field(
        default="Auto", description=f"A PrometheusRule with alerts. {_AUTO}", json_schema_extra=NEITHER
    )
    dashboard: Wanted = Field(
        default="Auto",
        description="Reserved, without effect: the chart's dashboards.enabled makes the dashboard.",
        json_schema_extra=NEITHER,
    )
    interval: Duration = Field(default="30s", description="Time between two scrapes.", json_schema_extra=NEITHER)
    labels: Labels = Field(
        default={},
        description="Further labels of these objects, by which a Prometheus selects them. Default: none.",
        json_schema_extra=NEITHER,
    )


class NetworkPolicy(Part):
    """Network policies around the pods."""

    enabled: bool = Field(default=True, description="Whether there are any.", json_schema_extra=NEITHER)
    metrics_from: Annotated[tuple[KubernetesObject, ...], Field(max_length=32)] = Field(
        default=(),
        description="Further peers that may read metrics, as in a Kubernetes NetworkPolicy. Default: none.",
        json_schema_extra=NEITHER,
    )
    extra_egress: Annotated[tuple[KubernetesObject, ...], Field(max_length=32)] = Field(
        default=(),
        description="Further egress rules, as in a Kubernetes NetworkPolicy. Default: none.",
        json_schema_extra=NEITHER,
    )
