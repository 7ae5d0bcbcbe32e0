"""Network policies: the flows that are needed are allowed, each by one rule on either side, and no other."""

from dataclasses import dataclass
from typing import Any

import pytest
from drawn import EMBEDDERS, SOURCES, Objects, Spec, drawn

from clockifyrag_operator import names
from clockifyrag_operator.observed import Manifest

RWX: Spec = {"index": {"storage": {"accessMode": "ReadWriteMany"}}}
LOCAL, SHARDS, EXTERNAL = EMBEDDERS["local"], EMBEDDERS["local, shards"], EMBEDDERS["ollama, external"]
OPERATOR = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "clockifyrag-system"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "clockifyrag-operator"}},
}
DNS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}


@dataclass(frozen=True)
class Flow:
    """From whom to whom; "anyone" is every address, inside or outside."""

    source: str
    target: str
    port: int
    protocol: str = "TCP"


def incoming(objects: Objects) -> list[Flow]:
    """What pods may receive, a line for each rule, peer and port."""
    return [
        Flow(named(peer), component, port["port"], port["protocol"])
        for component, policy in by_component(objects)
        for rule in policy["spec"].get("ingress", [])
        for peer in rule.get("from", [None])
        for port in rule["ports"]
    ]


def outgoing(objects: Objects) -> list[Flow]:
    """What pods may send."""
    return [
        Flow(component, named(peer), port["port"], port["protocol"])
        for component, policy in by_component(objects)
        for rule in policy["spec"].get("egress", [])
        for peer in rule.get("to", [None])
        for port in rule["ports"]
    ]


def by_component(objects: Objects) -> list[tuple[str, Manifest]]:
    return [
        (one["spec"]["podSelector"]["matchLabels"][names.COMPONENT], one)
        for (kind, _), one in objects.items()
        if kind == "NetworkPolicy" and names.COMPONENT in one["spec"]["podSelector"]["matchLabels"]
    ]


def named(peer: dict[str, Any] | None) -> str:
    if peer is None:
        return "anyone"
    if peer in (OPERATOR, DNS):
        return "operator" if peer == OPERATOR else "dns"
    if names.COMPONENT in (labels := peer.get("podSelector", {}).get("matchLabels", {})):
        return str(labels[names.COMPONENT])
    return str(peer)


def flows(text: str) -> list[Flow]:
    """`search>store:8001 …` as flows; dns stands for both protocols."""
    found = []
    for word in text.split():
        who, _, port = word.partition(":")
        source, _, target = who.partition(">")
        if target == "dns":
            found += [Flow(source, target, 53, protocol) for protocol in ("UDP", "TCP")]
        else:
            found.append(Flow(source, target, int(port)))
    return found


def order(found: list[Flow]) -> list[str]:
    return sorted(map(repr, found))


ALWAYS_IN = "anyone>search:8000 operator>search:9090 search>search:9090 operator>build:9090"
ALWAYS_OUT = "search>dns search>search:9090"


@pytest.mark.parametrize(
    ("spec", "received", "sent"),
    [
        pytest.param(
            {},
            "operator>ollama:11434 search>ollama:11434 build>ollama:11434 search>store:8001",
            "search>store:8001 search>ollama:11434 build>dns build>ollama:11434 ollama>dns ollama>anyone:443",
            id="managed Ollama, volume of one node",
        ),
        pytest.param({**RWX, **LOCAL}, "", "", id="local, shared volume: siblings alone are asked"),
        pytest.param({**LOCAL}, "search>store:8001", "search>store:8001", id="local, volume of one node"),
        pytest.param(
            {**RWX, **EXTERNAL},
            "",
            "search>anyone:11434 build>dns build>anyone:11434",
            id="external Ollama",
        ),
        pytest.param({**RWX, **SHARDS}, "operator>embed:9090", "", id="shards"),
        pytest.param(
            {**RWX, **SHARDS, "source": SOURCES["http with authorization"]},
            "operator>embed:9090",
            "build>dns build>anyone:80 build>anyone:443 build>anyone:8443 "
            "embed>dns embed>anyone:80 embed>anyone:443 embed>anyone:8443",
            id="a file to download, at a port of its own",
        ),
        pytest.param(
            {**RWX, **LOCAL, "source": SOURCES["crawl"]},
            "",
            "build>dns build>anyone:80 build>anyone:81 build>anyone:443",
            id="a web site",
        ),
        pytest.param(
            {**RWX, "ollama": {"url": "https://ollama.example"}, "source": SOURCES["http"]},
            "",
            "search>anyone:443 build>dns build>anyone:80 build>anyone:443",
            id="one rule for two reasons",
        ),
        pytest.param(
            {**RWX, **EMBEDDERS["ollama, several"]},
            "operator>ollama:11434 search>ollama:11434 build>ollama:11434",
            "search>ollama:11434 build>dns build>ollama:11434 ollama>dns ollama>anyone:5000",
            id="a registry with a port",
        ),
        pytest.param(
            {**RWX, "embedding": {"model": "models.example:5001/team/embed"}, "ollama": {"server": {}}},
            "operator>ollama:11434 search>ollama:11434 build>ollama:11434",
            "search>ollama:11434 build>dns build>ollama:11434 ollama>dns ollama>anyone:5001",
            id="a model whose name begins with its registry",
        ),
        pytest.param(
            {
                **RWX,
                "embedding": {"model": "hf.co/someone/embed"},
                "ollama": {"server": {"registry": "http://models.example:5000"}},
            },
            "operator>ollama:11434 search>ollama:11434 build>ollama:11434",
            "search>ollama:11434 build>dns build>ollama:11434 ollama>dns ollama>anyone:443",
            id="another one than the registry of the others",
        ),
        pytest.param(
            {**RWX, **LOCAL, "answers": {"model": "llama3.2", "url": "https://llm.example:8443"}},
            "",
            "search>anyone:8443",
            id="answers from elsewhere",
        ),
        pytest.param(
            {**RWX, **EMBEDDERS["local, answers"]},
            "operator>ollama:11434 search>ollama:11434",
            "search>ollama:11434 ollama>dns ollama>anyone:443",
            id="answers from the managed Ollama",
        ),
    ],
)
def test_each_flow_that_is_needed_is_allowed_by_one_rule_and_no_other_is(spec: Spec, received: str, sent: str) -> None:
    objects = drawn(spec)

    assert order(flows(f"{ALWAYS_IN} {received}")) == order(incoming(objects))
    assert order(flows(f"{ALWAYS_OUT} {sent}")) == order(outgoing(objects))


def test_where_tls_is_wanted_siblings_tell_each_other_nothing() -> None:
    objects = drawn({**RWX, **LOCAL, "search": {"tls": {"secretRef": {"name": "pair"}}}})

    assert order(flows("anyone>search:8000 operator>search:9090 operator>build:9090")) == order(incoming(objects))
    assert [] == outgoing(objects)


@pytest.mark.parametrize("spec", EMBEDDERS.values(), ids=EMBEDDERS)
def test_what_one_pod_may_send_another_may_receive_and_the_other_way_round(spec: Spec) -> None:
    objects = drawn(spec)
    inside = set(names.COMPONENTS)

    sent = {flow for flow in outgoing(objects) if flow.target in inside}
    received = {flow for flow in incoming(objects) if flow.source in inside}

    assert sent == received


def test_whatever_a_pod_of_the_resource_is_nothing_is_allowed_it_by_default() -> None:
    deny = drawn()["NetworkPolicy", "help-deny"]["spec"]

    assert {"matchLabels": {names.RESOURCE: "help"}} == deny["podSelector"]
    assert (["Ingress", "Egress"], False, False) == (deny["policyTypes"], "ingress" in deny, "egress" in deny)


def test_the_author_may_let_others_read_metrics_and_pods_reach_further() -> None:
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    proxy = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"protocol": "TCP", "port": 3128}]}

    objects = drawn({"networkPolicy": {"metricsFrom": [prometheus], "extraEgress": [proxy]}})

    assert Flow(str(prometheus), "search", 9090) in incoming(objects)
    assert 5 == len(by_component(objects)) + 1
    for _, policy in by_component(objects):
        assert proxy == policy["spec"]["egress"][-1]
