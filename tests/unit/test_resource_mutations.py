"""Whatever a manifest is turned into, it is read or refused with reasons: no other exception ever comes out."""

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import parse_resource, resource_of

FULL: dict[str, Any] = yaml.safe_load("""
apiVersion: clockifyrag.io/v1beta1
kind: ClockifyRAG
metadata: {name: help, namespace: docs, labels: {team: help}, annotations: {clockifyrag.io/reindex: "7"}}
spec:
  source: {crawl: {startURLs: ["https://a.org/"], allow: ["https://a.org/*/"], maxPages: 5}, format: HTML}
  glossary: {configMapRef: {name: words, key: terms.csv}}
  chunking: {maxChars: 1000, minChars: 100}
  embedding: {provider: Ollama, model: nomic-embed-text, profile: {dimensions: 768, queryPrefix: "q: "}, shards: 1}
  ollama: {server: {replicas: 2, storage: {size: 20Gi}, gpu: {count: 1}, pod: {tolerations: [{operator: Exists}]}}}
  build: {schedule: {cron: "0 3 * * 1-5", timeZone: Europe/Belgrade}, resources: {limits: {memory: 2Gi}}}
  index: {type: HNSW, hnsw: {m: 16}, storage: {accessMode: ReadWriteMany}, quality: {minMRR: "0.85"}}
  search:
    autoscaling:
      {minReplicas: 2, maxReplicas: 10, behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 9}]}}}
    config: {retrievalK: 7, cacheMaxBytes: 64Mi, denseWeight: "0.6", trustedProxies: [10.0.0.0/8], corsOrigins: ["*"]}
    pod: {labels: {a: b}, affinity: {podAffinity: {a: [1]}}}
    auth: {secretRef: {name: keys}}
  answers: {model: "qwen3:4b", temperature: "0.1"}
  networkPolicy: {metricsFrom: [{podSelector: {}}]}
  imagePullSecrets: [{name: a}]
""")

KEYS = st.sampled_from(
    ["name", "sample", "url", "model", "server", "a/b", "[key]", "__class__", "model_config", "__root__"]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["10Gi", "1e99", "*/5 * * * *", "Europe", "Local", "ReadWriteOncePod", "..", "::", "0.5"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key or index) inside a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    manifest = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 4))):
        holder, key = draw(st.sampled_from(places(manifest) or [({}, "")]))
        match draw(st.sampled_from(["replace", "remove", "add", "rename"])):
            case "replace" if key in holder or isinstance(holder, list):
                holder[key] = draw(VALUES)
            case "remove" if key in holder or isinstance(holder, list):
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(KEYS | st.text(max_size=8))] = draw(VALUES)
            case "rename" if isinstance(holder, dict) and key in holder:
                holder[draw(st.text(max_size=12))] = holder.pop(key)
    return manifest


def is_read_or_refused_with_reasons(manifest: Any) -> None:
    try:
        resource = resource_of(manifest, "mutated.yaml")
    except ResourceInvalid as error:
        assert len(str(error).splitlines()) == len(error.problems)
        assert all(problem.found and problem.expected for problem in error.problems)
    else:
        assert resource == resource_of(resource.model_dump(mode="json", by_alias=True, exclude_none=True), "again.yaml")


def test_the_manifest_that_is_mutated_is_a_good_one() -> None:
    resource = resource_of(FULL, "full.yaml")

    assert "crawl" == resource.spec.source.kind


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_a_mutated_manifest_is_read_or_refused_with_reasons(manifest: Any) -> None:
    is_read_or_refused_with_reasons(manifest)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_value_at_all_is_refused_with_reasons(value: Any) -> None:
    is_read_or_refused_with_reasons(value)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_file_with_any_text_put_into_it_is_read_or_refused_with_reasons(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([json.dumps(FULL), yaml.safe_dump(FULL)]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    put_in = data.draw(st.text(max_size=8) | st.text("{}[]:,&*!|>'\"%@#-?\n\t \\~<=0a.", max_size=8))

    try:
        parse_resource(text[:start] + put_in + text[end:], "my.yaml")
    except ResourceInvalid as error:
        assert all(line.startswith("my.yaml") for line in str(error).splitlines())


def test_every_manifest_shipped_with_the_project_is_a_good_one() -> None:
    root = Path(__file__).parents[2]
    manifests = [root / "clockifyrag.yaml"]

    for manifest in manifests:
        parse_resource(manifest.read_text(), str(manifest))
