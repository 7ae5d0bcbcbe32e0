"""What a change of a field sets off is what the documentation says of the field."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

import pytest
from pages import page
from tests.unit.plan.world import BASIC, World

from clockifyrag_operator import desired
from clockifyrag_operator.decide import decide

Spec = dict[str, Any]

MANAGED: Spec = {"source": {"sample": {}}, "embedding": {"provider": "Ollama"}}
ELSEWHERE: Spec = {"source": {"sample": {}}, "ollama": {"url": "http://a.example:11434"}}
ANSWERS: Spec = MANAGED | {"answers": {"model": "llama3"}}
FETCHED: Spec = BASIC | {"source": {"http": {"url": "https://a.example/help.zip"}}}
MORE = {"limits": {"memory": "9Gi"}}
LABELLED = {"labels": {"team": "docs"}}
CHANGES: list[tuple[Spec, str, Any]] = [
    (BASIC, "source.format", "HTML"),
    (BASIC, "source.namespace", "shop"),
    (FETCHED, "source.http.url", "https://b.example/help.zip"),
    (FETCHED, "source.http.sha256", "b" * 64),
    (FETCHED, "source.http.secretRef.name", "token"),
    (BASIC, "glossary.configMapRef.name", "terms"),
    (BASIC, "chunking.maxChars", 700),
    (BASIC, "chunking.minChars", 100),
    (MANAGED, "embedding.provider", "Local"),
    (MANAGED, "embedding.model", "bge-m3"),
    (MANAGED, "embedding.digest", "a" * 64),
    (MANAGED, "embedding.profile.queryPrefix", "ask: "),
    (MANAGED, "embedding.batchSize", 8),
    (BASIC, "embedding.shards", 3),
    (MANAGED, "embedding.queryProvider", "Ollama"),
    (ELSEWHERE, "ollama.url", "http://b.example:11434"),
    (MANAGED, "ollama.server.image", "ollama:2"),
    (MANAGED, "ollama.server.replicas", 3),
    (MANAGED, "ollama.server.storage.size", "20Gi"),
    (MANAGED, "ollama.server.resources", MORE),
    (MANAGED, "ollama.server.gpu.count", 1),
    (MANAGED, "ollama.server.registry", "models.example.com"),
    (MANAGED, "ollama.server.pod", LABELLED),
    (MANAGED, "build.image", "builder:2"),
    (BASIC, "build.resources", MORE),
    (BASIC, "build.deadlineSeconds", 3600),
    (BASIC, "build.schedule.cron", "@daily"),
    (BASIC, "build.pod", LABELLED),
    (BASIC, "index.type", "HNSW"),
    (BASIC, "index.vectorStorage", "SQ8"),
    (BASIC, "index.hnsw.m", 16),
    (BASIC, "index.storage.size", "20Gi"),
    (BASIC, "index.storage.onDelete", "Delete"),
    (BASIC, "index.retain", 9),
    (BASIC, "index.quality.minMRR", "0.1"),
    (BASIC, "search.replicas", 3),
    (BASIC, "search.autoscaling.minReplicas", 3),
    (BASIC, "search.indexUpdate", "HotSwap"),
    (BASIC, "search.config.retrievalK", 7),
    (BASIC, "search.image", "service:2"),
    (BASIC, "search.resources", MORE),
    (BASIC, "search.service.type", "LoadBalancer"),
    (BASIC, "search.service.port", 8080),
    (BASIC, "search.ingress.host", "help.example.com"),
    (BASIC, "search.pod", LABELLED),
    (BASIC, "search.auth.secretRef.name", "keys"),
    (BASIC, "search.tls.secretRef.name", "pair"),
    (ANSWERS, "answers.model", "qwen3"),
    (ANSWERS, "answers.temperature", "0.9"),
    (ANSWERS, "answers.maxTokens", 64),
    (BASIC, "monitoring.interval", "60s"),
    (BASIC, "networkPolicy.enabled", False),
    (BASIC, "imagePullSecrets[].name", [{"name": "registry"}]),
    (BASIC, "upgradePolicy", "Auto"),
    (BASIC, "pause", "All"),
]


@functools.cache
def at_rest(spec: str) -> World:
    world = World(json.loads(spec))
    world.settle()
    return world


def documented(path: str) -> str:
    """The column "change" of the field; where it is empty, that of the field around it."""
    told = {row[0].strip("`"): row[3] for table in page("docs/resource.md").tables("field") for row in table.rows}
    return told[f"spec.{path}"] or told[f"spec.{path.rpartition('[')[0]}"]


@pytest.mark.parametrize(("spec", "path", "value"), CHANGES, ids=[path for _, path, _ in CHANGES])
def test_a_change_sets_off_what_the_documentation_says(spec: Spec, path: str, value: Any) -> None:
    world = copy.deepcopy(at_rest(json.dumps(spec)))
    before = decide(world.wanted(), world.observe(), world.settings).key
    *parts, last = path.partition("[")[0].split(".")
    functools.reduce(lambda part, name: part.setdefault(name, {}), parts, world.spec)[last] = value
    world.generation += 1

    wanted, seen = world.wanted(), world.observe()
    decision = decide(wanted, seen, world.settings)
    drawn = desired.desired(wanted, seen, decision, world.settings)

    pods = "new pods" if desired.new_pods(wanted, seen, drawn) else "neither"
    assert (documented(path), ()) == (pods if decision.key == before else "new index", decision.refused)
