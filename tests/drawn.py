"""Resources as their authors write them, and the objects the operator draws for them."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from pydantic import JsonValue

from clockifyrag_operator import desired
from clockifyrag_operator.build_key import BUILDER_FORMAT
from clockifyrag_operator.decision import Decision, Images
from clockifyrag_operator.ledger import BuildKey, BuildOrder, Ledger
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.load import resource_of

NAMESPACE, UID = "docs", "0c0ffee0-0000-4000-8000-000000000001"
GENERATION = "gen-0123456789ab"
KEY = BuildKey(1, "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc")
BUILD = BuildOrder("Build", KEY, "", "Initial")
EMBED = BuildOrder("Embed", KEY, "", "Initial", shards=4)
LIST = BuildOrder("List", KEY, "", "Adopted")
IMAGES = Images(
    "example.com/service:1", "example.com/builder:1", "example.com/ollama:1", desired.TEMPLATE_VERSION, BUILDER_FORMAT
)
OPERATOR = Settings(pod_namespace="clockifyrag-system")

Spec = dict[str, Any]
Objects = dict[tuple[str, str], Manifest]


def wanted(spec: Spec | None = None, name: str = "help") -> Wanted:
    """A resource with this spec; the sample as its source unless it says otherwise."""
    resource: JsonValue = {
        "apiVersion": "clockifyrag.io/v1beta1",
        "kind": "ClockifyRAG",
        "metadata": {"name": name},
        "spec": {"source": {"sample": {}}, **(spec or {})},
    }
    return Wanted(NAMESPACE, name, UID, 1, {}, resource_of(resource, "a test"))


def seen(live: Mapping[tuple[str, str], Manifest] | None = None, **more: Any) -> Observed:
    """A look at a cluster that holds these objects, and knows the kinds of the Prometheus operator."""
    fields: dict[str, Any] = {"ledger": Ledger(), "kinds": frozenset({"ServiceMonitor", "PrometheusRule"})} | more
    return Observed(datetime(2026, 11, 24, tzinfo=UTC), live or {}, **fields)


def decided(resource: Wanted, **more: Any) -> Decision:
    """The decision to serve GENERATION and to build; with the models a managed Ollama would have to hold."""
    assert resource.rag is not None
    spec = resource.rag.spec
    models = (spec.embedding.resolved_model(),) if spec.wants_managed_ollama() else ()
    fields: dict[str, Any] = {"published": GENERATION, "images": IMAGES, "key": KEY, "order": BUILD, "models": models}
    return Decision(Ledger(), **fields | more)


def drawn(spec: Spec | None = None, look: Observed | None = None, **decision: Any) -> Objects:
    """Every object drawn for the spec, applied and created, by (kind, name)."""
    resource = wanted(spec)
    return drawn_for(resource, look or seen(), decided(resource, **decision))


def drawn_for(resource: Wanted, look: Observed, decision: Decision) -> Objects:
    """Every object drawn for the resource; two of one name would be told."""
    every = [
        *desired.desired(resource, look, decision, OPERATOR),
        *desired.created(resource, look, decision, OPERATOR),
    ]
    objects = {(one["kind"], one["metadata"]["name"]): one for one in every}
    assert len(every) == len(objects)
    return objects


def pod_templates(objects: Objects) -> Iterator[tuple[str, Manifest]]:
    """The name and the pod template of every workload."""
    for (kind, name), one in objects.items():
        if kind in ("Deployment", "StatefulSet", "Job"):
            yield name, one["spec"]["template"]


def containers(template: Manifest) -> list[Manifest]:
    """All containers of a pod."""
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def options(job: Manifest) -> list[str]:
    """The arguments of a Job's container, as its process gets them."""
    return [expanded(one) for one in job["spec"]["template"]["spec"]["containers"][0]["args"]]


def expanded(argument: str) -> str:
    """The argument as the kubelet hands it on (k8s.io/kubernetes/third_party/forked/golang/expansion): $$ is a $.

    Of variables the Job's own is known alone.
    """
    parts = argument.replace("$(JOB_COMPLETION_INDEX)", "2").split("$$")
    return "$".join(parts)


POD_ADDITIONS: Spec = {
    "labels": {"team": "docs"},
    "annotations": {"example.com/owner": "docs"},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": {"matchLabels": {"app": "near"}}, "topologyKey": "topology.kubernetes.io/zone"}]}},
    "topologySpreadConstraints": [
        {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
}  # fmt: skip

SOURCES: dict[str, Spec] = {
    "sample": {"sample": {}},
    "config map": {"configMapRef": {"name": "articles"}},
    "keys of a config map": {"configMapRef": {"name": "articles", "keys": ["a.md", "b.md"]}, "format": "Markdown"},
    "volume": {"pvcRef": {"name": "articles", "path": "/help/en"}, "namespace": "docs"},
    "http": {"http": {"url": "https://example.com/$$(HOME)/a.tar.gz", "sha256": "0" * 64, "allowHosts": ["10.0.0.8"]}},
    "http with authorization": {"http": {"url": "http://example.com:8443/a.jsonl", "secretRef": {"name": "header"}}},
    "crawl": {"crawl": {"startURLs": ["https://example.com/help/"], "sitemap": "http://example.com:81/sitemap.xml",
                        "allow": ["https://example.com/help/"], "maxPages": 7, "delaySeconds": 0,
                        "allowHosts": ["intranet"]}},
}  # fmt: skip
EMBEDDERS: dict[str, Spec] = {
    "ollama": {},
    "ollama, several": {"ollama": {"server": {"replicas": 3, "registry": "http://models.example:5000/team",
                                              "gpu": {"count": 2}, "storage": {"size": "0.5Gi"}}}},
    "ollama, external": {"ollama": {"url": "http://ollama.example:11434"}},
    "ollama, digest and profile": {"embedding": {
        "model": "custom", "digest": "a" * 64,
        "profile": {"dimensions": 8, "documentPrefix": "- passage: $", "queryPrefix": "query: ",
                    "contextTokens": 512}}},
    "local": {"embedding": {"provider": "Local"}},
    "local, shards": {"embedding": {"provider": "Local", "model": "wordllama", "shards": 4, "queryProvider": "Local"}},
    "local, answers": {"embedding": {"provider": "Local"}, "answers": {"model": "llama3.2"}},
    "answers elsewhere": {"answers": {"model": "llama3.2", "url": "https://llm.example"}},
}  # fmt: skip
EVERYTHING: Spec = {
    "glossary": {"configMapRef": {"name": "glossary", "key": "terms.csv"}},
    "build": {"resources": {"requests": {"memory": "1500Mi"}}, "pod": POD_ADDITIONS, "deadlineSeconds": 600},
    "search": {
        "indexUpdate": "HotSwap",
        "autoscaling": {"minReplicas": 1, "maxReplicas": 4, "behavior": {"scaleDown": {
            "stabilizationWindowSeconds": 60,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 30}]}}},
        "config": {"trustedProxies": ["10.0.0.0/8"], "corsOrigins": ["https://example.com", "*"],
                   "denseWeight": "0.00001", "rerank": True, "logLevel": "Warning", "cacheMaxBytes": "1k"},
        "resources": {"limits": {"memory": "1Gi", "cpu": "0.25"}},
        "service": {"type": "LoadBalancer", "port": 443},
        "ingress": {"host": "help.example", "className": "nginx", "tlsSecretName": "front",
                    "annotations": {"example.com/size": "8m"}},
        "pod": POD_ADDITIONS,
        "auth": {"secretRef": {"name": "keys"}},
        "tls": {"secretRef": {"name": "pair"}},
    },
    "monitoring": {"labels": {"release": "prometheus"}, "interval": "15s"},
    "networkPolicy": {"metricsFrom": [{"namespaceSelector": {}}],
                      "extraEgress": [{"ports": [{"port": 9999, "protocol": "TCP"}]}]},
    "imagePullSecrets": [{"name": "registry"}],
}  # fmt: skip


def specs() -> st.SearchStrategy[Spec]:
    """Specs that go through every choice the operator draws differently."""

    def combined(source: Spec, embedder: Spec, mode: str, on_delete: str, rest: Spec, update: str) -> Spec:
        storage = {"accessMode": mode, "onDelete": on_delete, "size": "20Gi"}
        search = {**rest.get("search", {}), "indexUpdate": update}
        return json.loads(  # type: ignore[no-any-return]  # a copy that shares nothing
            json.dumps({"source": source, **embedder, "index": {"storage": storage}, **rest, "search": search})
        )

    return st.builds(
        combined,
        st.sampled_from(list(SOURCES.values())),
        st.sampled_from(list(EMBEDDERS.values())),
        st.sampled_from(["ReadWriteOnce", "ReadWriteMany"]),
        st.sampled_from(["Retain", "Delete"]),
        st.sampled_from([{}, EVERYTHING, {"search": {"replicas": 1}}, {"networkPolicy": {"enabled": False}}]),
        st.sampled_from(["Rolling", "HotSwap"]),
    )
