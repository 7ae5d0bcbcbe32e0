"""Flows: what the NetworkPolicies of a cluster allow, by the rules of the API, whether or not a network enforces them.

A flow is allowed where each end allows it: egress of its source, ingress of its target. An end that no policy selects
for that direction is open (kubernetes.io/docs/concepts/services-networking/network-policies).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
Rule = tuple[str, int]  # a policy's name, and the place of the rule in it
INGRESS, EGRESS = "Ingress", "Egress"


@dataclass(frozen=True)
class End:
    """A pod; or, without a namespace, an address outside of the cluster."""

    namespace: str = ""
    labels: Mapping[str, str] | None = None
    address: str = ""
    ports: tuple[tuple[str, int, str], ...] = ()  # name, number and protocol of those it listens on

    @classmethod
    def of(cls, pod: Manifest) -> End:
        metadata = pod["metadata"]
        ports = tuple(
            (port.get("name", ""), int(port["containerPort"]), port.get("protocol", "TCP"))
            for container in pod["spec"]["containers"]
            for port in container.get("ports", ())
        )
        return cls(metadata["namespace"], metadata.get("labels") or {}, pod["status"].get("podIP", ""), ports)


@dataclass(frozen=True)
class Policies:
    """All NetworkPolicies of a cluster, and the labels of its namespaces."""

    policies: Sequence[Manifest]
    namespaces: Mapping[str, Mapping[str, str]]

    def selecting(self, end: End, direction: str) -> list[Manifest]:
        """The policies that decide what the pod may do in that direction."""
        return [
            one
            for one in self.policies
            if one["metadata"]["namespace"] == end.namespace
            and direction in one["spec"]["policyTypes"]
            and selects(one["spec"]["podSelector"], end.labels or {})
        ]

    def denying(self, end: End) -> list[str]:
        """The policies that forbid the pod everything, which others then allow parts of."""
        return [
            one["metadata"]["name"]
            for one in self.selecting(end, INGRESS)
            if EGRESS in one["spec"]["policyTypes"] and not {"ingress", "egress"} & one["spec"].keys()
        ]

    def allowing(self, source: End, target: End, number: int, protocol: str) -> tuple[list[Rule] | None, ...]:
        """The rules that let it out and those that let it in; None where no policy selects that end."""
        return (
            self._rules(EGRESS, source, target, target, number, protocol),
            self._rules(INGRESS, target, source, target, number, protocol),
        )

    def _rules(
        self, direction: str, selected: End, other: End, target: End, number: int, protocol: str
    ) -> list[Rule] | None:
        policies = self.selecting(selected, direction)
        if not policies:
            return None
        field, peers = ("ingress", "from") if direction == INGRESS else ("egress", "to")
        return [
            (policy["metadata"]["name"], place)
            for policy in policies
            for place, rule in enumerate(policy["spec"].get(field, ()))
            if self._is_peer(policy, rule.get(peers), other) and has_port(rule.get("ports"), target, number, protocol)
        ]

    def _is_peer(self, policy: Manifest, peers: Sequence[Manifest] | None, end: End) -> bool:
        return not peers or any(self._matches(policy["metadata"]["namespace"], peer, end) for peer in peers)

    def _matches(self, home: str, peer: Manifest, end: End) -> bool:
        if "ipBlock" in peer:
            return within(peer["ipBlock"], end.address)
        if not end.namespace:
            return False
        near = (
            selects(peer["namespaceSelector"], self.namespaces[end.namespace])
            if "namespaceSelector" in peer
            else end.namespace == home
        )
        return near and selects(peer.get("podSelector", {}), end.labels or {})


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what has these labels; an empty one selects all."""
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(_holds(one, labels) for one in selector.get("matchExpressions", ()))


def _holds(expression: Manifest, labels: Mapping[str, str]) -> bool:
    found, values = labels.get(expression["key"]), expression.get("values", ())
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }[expression["operator"]]


def has_port(ports: Sequence[Manifest] | None, target: End, number: int, protocol: str) -> bool:
    """Whether the ports of a rule hold this one of the target; none at all are all of them."""
    return not ports or any(_is_port(one, target, number, protocol) for one in ports)


def _is_port(port: Manifest, target: End, number: int, protocol: str) -> bool:
    if port.get("protocol", "TCP") != protocol:
        return False
    wanted = port.get("port")
    if isinstance(wanted, str):
        return (wanted, number, protocol) in target.ports
    return wanted is None or int(wanted) <= number <= int(port.get("endPort") or wanted)


def within(block: Manifest, address: str) -> bool:
    """Whether an address is in a block and in none of its exceptions."""
    where = ipaddress.ip_address(address)
    return where in ipaddress.ip_network(block["cidr"]) and not any(
        where in ipaddress.ip_network(one) for one in block.get("except", ())
    )
