"""Rights: what the operator's account was granted, and what it asked for, by the audit log of the whole run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.apiserver.controlplane.audit import AuditEvent, audit_event
from tests.cluster.kube import Kube
from tools.cluster.node import Cluster

Right = tuple[str, str, str]  # group, resource with its subresource, verb
ACCOUNT = "clockifyrag-operator"


@dataclass(frozen=True)
class Asked:
    """A request, and what those judged of it who had to let it through."""

    event: AuditEvent
    notes: dict[str, str]

    @property
    def forbidden(self) -> bool:
        """Whether a right was missing; an admission plugin refuses with 403, too."""
        return self.notes.get("authorization.k8s.io/decision") == "forbid"

    @property
    def right(self) -> Right:
        """What had to be granted for it."""
        event = self.event
        resource = f"{event.resource}/{event.subresource}" if event.subresource else event.resource
        return event.group, resource, event.verb


def audited(cluster: Cluster, since: datetime, word: str) -> Iterator[Asked]:
    """Requests since a moment that have the word in them; a line that is being written is left out."""
    with (cluster.folder / "audit.log").open() as log:
        for line in log:
            if word in line and line.endswith("\n"):
                told: dict[str, Any] = json.loads(line)
                event = audit_event(told)
                if event.received >= since:
                    yield Asked(event, told.get("annotations", {}))


def installed_at(operator: Kube) -> datetime:
    """When the chart of this run made the operator's account."""
    account = operator.get("serviceaccount", ACCOUNT)
    assert account is not None, "the chart is installed"
    return datetime.fromisoformat(account["metadata"]["creationTimestamp"])


def asked(operator: Kube) -> list[Asked]:
    """What the operator asked for of resources, in all namespaces."""
    user = f"system:serviceaccount:{operator.namespace}:{ACCOUNT}"
    found = audited(operator.cluster, installed_at(operator), user)
    return [one for one in found if one.event.user == user and one.event.resource]


def used(requests: list[Asked]) -> set[Right]:
    """The rights that were used. An apply that makes an object is logged as a patch, and needs `create` as well."""
    made = {(*one.right[:2], "create") for one in requests if one.event.response_code == 201}
    return {one.right for one in requests} | made


def granted(operator: Kube) -> set[Right]:
    """What all bindings of the cluster together give to the operator's account."""
    listed = operator.kubectl.get("clusterrolebindings,rolebindings", "--all-namespaces")["items"]
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": operator.namespace}
    bindings = [
        one for one in listed if any(account.items() <= subject.items() for subject in one.get("subjects") or ())
    ]
    roles = [
        operator.kubectl.get(
            one["roleRef"]["kind"], one["roleRef"]["name"], f"--namespace={one['metadata'].get('namespace', 'default')}"
        )
        for one in bindings
    ]
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
