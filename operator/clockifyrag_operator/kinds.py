"""Every kind the operator reads or writes: its API, its plural, and how it is kept track of."""

from __future__ import annotations

from dataclasses import dataclass

from clockifyrag_operator import names
from clockifyrag_resource.resource import API_VERSION, KIND

MONITORING_API = "monitoring.coreos.com/v1"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. Watched ones wake a pass; listed ones are known from a list at the start and at each resync."""

    kind: str
    api_version: str
    plural: str
    watched: bool = True
    listed: bool = True
    optional: bool = False  # the API server may not know it
    status_read: bool = True  # whether a pass looks at its status

    @property
    def group(self) -> str:
        """The API group; "" for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """The path of one object, of a namespace's, or of all of the cluster."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        inside = f"/namespaces/{namespace}" if namespace is not None else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name is not None else "")


RESOURCE = Kind(KIND, API_VERSION, names.PLURAL)

# In the order in which they are listed: what others rest on first.
CHILDREN = (
    Kind("ServiceAccount", "v1", "serviceaccounts"),
    Kind("ConfigMap", "v1", "configmaps"),
    Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
    Kind("Service", "v1", "services", status_read=False),
    Kind("StatefulSet", "apps/v1", "statefulsets"),
    Kind("Deployment", "apps/v1", "deployments"),
    Kind("ReplicaSet", "apps/v1", "replicasets"),
    Kind("Job", "batch/v1", "jobs"),
    Kind("Pod", "v1", "pods"),
    Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers", status_read=False),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", status_read=False),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", status_read=False),
    Kind("Ingress", "networking.k8s.io/v1", "ingresses", status_read=False),
    Kind("ServiceMonitor", MONITORING_API, "servicemonitors", watched=False, optional=True),
    Kind("PrometheusRule", MONITORING_API, "prometheusrules", watched=False, optional=True),
)
SECRET = Kind("Secret", "v1", "secrets", watched=False, listed=False)  # created, never read
EVENT = Kind("Event", "events.k8s.io/v1", "events", watched=False, listed=False)
LEASE = Kind("Lease", "coordination.k8s.io/v1", "leases", watched=False, listed=False)

ALL = {one.kind: one for one in (RESOURCE, *CHILDREN, SECRET, EVENT, LEASE)}
WORKLOADS = frozenset({"Deployment", "StatefulSet"})  # those whose templates may be kept as they are
