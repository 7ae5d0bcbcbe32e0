"""Network policies: nothing may talk, and each flow that is needed is allowed by one rule on either side.

clients ─► search:8000        search ─► store:8001, ollama:11434, search:9090
operator ─► search, build, embed:9090, ollama:11434        metricsFrom ─► search:9090
build, embed ─► ollama:11434, the source        ollama ─► its registry        whoever needs names ─► DNS
"""

from __future__ import annotations

from collections.abc import Iterable

from clockifyrag_operator import names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.manifest import given, manifest, spec_of
from clockifyrag_operator.objects.model_server import (
    builds_use_ollama,
    managed,
    port_of,
    replica_urls,
    search_url,
    server_of,
)
from clockifyrag_operator.objects.search_service import tell_siblings
from clockifyrag_operator.objects.store import wants_store
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.pod_parts import Fields, match
from clockifyrag_operator.settings import Settings

_NAMESPACE = "kubernetes.io/metadata.name"  # label every namespace has
_DNS_NAMESPACE, _DNS_PORT = "kube-system", 53
_WEB = (80, 443)
_LIBRARY_PORT = 443


def network_policies(wanted: Wanted, decision: Decision, operator: Settings) -> tuple[Manifest, ...]:
    """All policies of the resource; none where it wants none."""
    if not spec_of(wanted).network_policy.enabled:
        return ()
    found = (
        _deny(wanted),
        _search(wanted, decision, operator),
        _building(wanted, decision, operator, names.BUILD),
        _building(wanted, decision, operator, names.EMBED) if _embeds_apart(wanted) else None,
        _ollama(wanted, decision, operator) if managed(decision) else None,
        _store(wanted) if wants_store(wanted) else None,
    )
    return tuple(policy for policy in found if policy is not None)


def _deny(wanted: Wanted) -> Manifest:
    """All pods of the resource, whatever they are: nothing in, nothing out."""
    return manifest(
        "networking.k8s.io/v1", "NetworkPolicy", wanted, f"{wanted.name}-deny", names.INDEX,
        spec={
            "podSelector": {"matchLabels": {names.RESOURCE: wanted.name}},
            "policyTypes": ["Ingress", "Egress"],
        },
    )  # fmt: skip


def _allow(wanted: Wanted, component: str, ingress: Iterable[Fields], egress: Iterable[Fields]) -> Manifest:
    """What one component may receive and send, and what the author allows further."""
    more = spec_of(wanted).network_policy.extra_egress
    return manifest(
        "networking.k8s.io/v1", "NetworkPolicy", wanted, f"{wanted.name}-{component}", component,
        spec=given(
            podSelector=match(wanted, component),
            policyTypes=["Ingress", "Egress"],
            ingress=list(ingress),
            egress=[*_with_names(list(egress)), *more],
        ),
    )  # fmt: skip


def _search(wanted: Wanted, decision: Decision, operator: Settings) -> Manifest:
    metrics_from = spec_of(wanted).network_policy.metrics_from
    siblings = [_pods(wanted, names.SEARCH)] if tell_siblings(wanted) else []
    ingress = [{"ports": _ports(names.API_PORT)}, _from([_operator(operator), *siblings], names.OPS_PORT)]
    if metrics_from:
        ingress.append(_from(list(metrics_from), names.OPS_PORT))
    egress = [_to(pods, names.OPS_PORT) for pods in siblings]
    if wants_store(wanted):
        egress.append(_to(_pods(wanted, names.STORE), names.STORE_PORT))
    outside: set[int] = set()
    if search_url(wanted, decision):
        if managed(decision):
            egress.append(_to(_pods(wanted, names.OLLAMA), names.OLLAMA_PORT))
        outside |= _outside_ollama(wanted, decision)
    answers = spec_of(wanted).answers
    if answers is not None and answers.url:
        outside.add(port_of(answers.url))
    return _allow(wanted, names.SEARCH, ingress, [*egress, *_anywhere(outside)])


def _building(wanted: Wanted, decision: Decision, operator: Settings, component: str) -> Manifest:
    egress, outside = [], _source_ports(wanted)
    if builds_use_ollama(wanted):
        if managed(decision):
            egress.append(_to(_pods(wanted, names.OLLAMA), names.OLLAMA_PORT))
        outside |= _outside_ollama(wanted, decision)
    ingress = [_from([_operator(operator)], names.OPS_PORT)]
    return _allow(wanted, component, ingress, [*egress, *_anywhere(outside)])


def _ollama(wanted: Wanted, decision: Decision, operator: Settings) -> Manifest:
    asking = [names.SEARCH] if search_url(wanted, decision) else []
    if builds_use_ollama(wanted):
        asking += [names.BUILD, *([names.EMBED] if _embeds_apart(wanted) else [])]
    peers = [_operator(operator), *(_pods(wanted, component) for component in asking)]
    return _allow(wanted, names.OLLAMA, [_from(peers, names.OLLAMA_PORT)], _anywhere(_pull_ports(wanted, decision)))


def _store(wanted: Wanted) -> Manifest:
    return _allow(wanted, names.STORE, [_from([_pods(wanted, names.SEARCH)], names.STORE_PORT)], [])


def _embeds_apart(wanted: Wanted) -> bool:
    return spec_of(wanted).embedding.shards > 1


def _outside_ollama(wanted: Wanted, decision: Decision) -> set[int]:
    """The port of an Ollama that the operator does not run."""
    return set() if managed(decision) else {port_of(url) for url in replica_urls(wanted, decision)}


def _source_ports(wanted: Wanted) -> set[int]:
    """The ports a source on the web is read from; a redirect may lead to the usual ones."""
    source = spec_of(wanted).source
    urls: list[str] = [source.http.url] if source.http else []
    if source.crawl:
        urls += [*source.crawl.start_urls, *source.crawl.allow, *filter(None, [source.crawl.sitemap])]
    return {*_WEB, *map(port_of, urls)} if urls else set()


def _pull_ports(wanted: Wanted, decision: Decision) -> set[int]:
    """The ports models are pulled through: that of the registry, and of those that a model's own name begins with."""
    registry = server_of(wanted).registry
    usual = port_of(registry if "://" in registry else f"https://{registry}") if registry else _LIBRARY_PORT
    return {_own_port(model) if model.count("/") >= 2 else usual for model in decision.models}


def _own_port(model: str) -> int:
    """The port of the registry that the name begins with: HOST[:PORT]/NAMESPACE/MODEL."""
    port = model.partition("/")[0].partition(":")[2]
    return int(port) if port.isdecimal() and 0 < int(port) < 2**16 else _LIBRARY_PORT


def _with_names(egress: list[Fields]) -> list[Fields]:
    """The rules, and one for DNS before them: whoever asks another asks for its address first."""
    if not egress:
        return []
    dns = {"namespaceSelector": {"matchLabels": {_NAMESPACE: _DNS_NAMESPACE}}}
    ports = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")]
    return [{"to": [dns], "ports": ports}, *egress]


def _ports(*numbers: int) -> list[Fields]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


def _from(peers: list[Fields], port: int) -> Fields:
    return {"from": peers, "ports": _ports(port)}


def _to(peer: Fields, port: int) -> Fields:
    return {"to": [peer], "ports": _ports(port)}


def _anywhere(ports: set[int]) -> list[Fields]:
    """One rule for all ports outside; an address of a spec is a name, which a policy cannot hold."""
    return [{"ports": _ports(*sorted(ports))}] if ports else []


def _pods(wanted: Wanted, component: str) -> Fields:
    return {"podSelector": match(wanted, component)}


def _operator(operator: Settings) -> Fields:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: operator.pod_namespace}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": names.MANAGED_BY_US}},
    }
