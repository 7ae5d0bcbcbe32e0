"""What the contract allows is accepted, says the same when written out and read again, and keeps its defaults."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from clockifyrag_resource.load import load_resource, parse_resource
from clockifyrag_resource.resource import ClockifyRAG

HEAD = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"}}
ROOT = Path(__file__).parents[2]

ACCEPTED: dict[str, dict[str, Any]] = yaml.safe_load("""
nothing but a source: {}
a ConfigMap: {source: {configMapRef: {name: docs, keys: [a.md]}}}
a volume: {source: {pvcRef: {name: docs, path: help/en}}}
a volume, from its root: {source: {pvcRef: {name: docs, path: /}}}
a file by HTTP:
  source: {http: {url: "https://a.org/a.md", secretRef: {name: key}, allowHosts: [10.0.0.7, wiki.local, "fd00::1"],
                  sha256: 0000000000000000000000000000000000000000000000000000000000abcdef}}
the fixed key of a Secret:
  source: {http: {url: "https://a.org", secretRef: {name: a, key: clockifyrag-authorization}}}
a crawl from a sitemap: {source: {crawl: {sitemap: "https://a.org/sitemap.xml"}}}
a crawl from pages:
  source: {crawl: {startURLs: ["https://a.org/"], allow: ["https://a.org/*/help/"], maxPages: 5, delaySeconds: 0}}
an address with port, query and fragment: {source: {http: {url: "http://[::1]:8080/a?b=c@d#e"}}}
a format and a namespace: {source: {sample: {}, format: JSONL, namespace: Team_a.1}}
a glossary: {glossary: {configMapRef: {name: words, key: terms.csv}}}
maxChars as large as the context of the model: {chunking: {maxChars: 8192}}
maxChars above the table, by the profile: {embedding: {profile: {contextTokens: 4096}}, chunking: {maxChars: 16384}}
minChars just below maxChars: {chunking: {maxChars: 500, minChars: 499}}
shards with Local: {embedding: {provider: Local, shards: 4}}
wordllama in the process: {embedding: {provider: Local, model: wordllama}}
all-minilm by its tag: {embedding: {provider: Local, model: "all-minilm:latest"}}
questions in the process, documents by Ollama: {embedding: {model: all-minilm, queryProvider: Local}}
a model of one's own: {embedding: {model: "hf.co/team/Model-GGUF:Q4_K_M"}}
a digest with its algorithm:
  embedding: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000abcdef"}
an existing Ollama: {ollama: {url: "http://ollama:11434"}}
a managed Ollama: {ollama: {server: {replicas: 3, gpu: {count: 1}, registry: models.example.com/team}}}
neither url nor server: {ollama: {}}
a schedule: {build: {schedule: {cron: "*/15 2-4 1,15 jan-mar mon", timeZone: Europe/Belgrade, suspend: true}}}
one pod at least and at most: {search: {autoscaling: {minReplicas: 1, maxReplicas: 1}}}
autoscaling beside replicas, which an API server fills in: {search: {replicas: 2, autoscaling: {}}}
no pods for now: {search: {replicas: 0}}
a scaling behavior:
  search: {autoscaling: {behavior: {scaleDown: {policies: [{type: Pods, value: 1, periodSeconds: 60}]}}}}
shared storage: {index: {storage: {accessMode: ReadWriteMany, size: 1.5Ti, storageClassName: fast}}}
a size as a number of bytes: {index: {storage: {size: 10737418240}}}
HNSW: {index: {type: HNSW, vectorStorage: SQ8, hnsw: {m: 64, efConstruction: 64}}}
a gate: {index: {quality: {minMRR: "0.85", minNDCG: "1", maxDrop: "0.00001", evalConfigMapRef: {name: judged}}}}
a pin: {index: {pin: gen-0123456789ab}}
weights: {search: {config: {denseWeight: "0.65", lexicalWeight: "0"}}}
reciprocal ranks: {search: {config: {fusion: RRF, denseWeight: "0.5"}}}
proxies: {search: {config: {trustedProxies: [10.0.0.0/8, 192.0.2.1, "fd00::/8"]}}}
origins: {search: {config: {corsOrigins: ["https://help.example.com", "http://localhost:3000", "*"]}}}
a request equal to its limit in other words:
  search: {resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1000m, memory: 1024Mi}}}
a limit alone, of a vendor: {search: {resources: {limits: {nvidia.com/gpu: 1}}}}
pods of a kind: {search: {pod: {labels: {team: a}, nodeSelector: {kubernetes.io/arch: amd64}, priorityClassName: high}}}
pods on tainted nodes:
  search: {pod: {tolerations: [{key: gpu, operator: Exists}, {operator: Exists}, {key: a, value: b}]}}
pods near others: {build: {pod: {affinity: {nodeAffinity: {required: [{terms: []}]}}}}}
pods spread: {search: {pod: {topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}}}
an ingress: {search: {ingress: {host: help.example.com, path: /search, className: nginx, tlsSecretName: tls}}}
keys and a certificate: {search: {auth: {secretRef: {name: keys}}, tls: {secretRef: {name: tls}}}}
answers: {answers: {model: "qwen3:4b", temperature: "0.7", url: "http://llm:11434"}}
monitoring: {monitoring: {serviceMonitor: Disabled, interval: 1m, labels: {release: kps}}}
network policies: {networkPolicy: {metricsFrom: [{namespaceSelector: {}}], extraEgress: [{ports: [{port: 443}]}]}}
pull secrets: {imagePullSecrets: [{name: registry}]}
images: {build: {image: "example.com:5000/a/b:1.2"}, search: {image: local}}
""")


def parsed(spec: dict[str, Any]) -> ClockifyRAG:
    full = HEAD | {"spec": {"source": {"sample": {}}} | spec}
    return parse_resource(json.dumps(full), "test.yaml")


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in ACCEPTED.items()])
def test_what_the_contract_allows_is_accepted_and_survives_a_round_trip(spec: dict[str, Any]) -> None:
    resource = parsed(spec)

    again = parse_resource(resource.model_dump_json(by_alias=True, exclude_none=True), "again.yaml")

    assert resource == again


def test_what_is_left_out_has_the_defaults_of_the_contract() -> None:
    expected = yaml.safe_load("""
        source: {sample: {}, format: Auto, namespace: default}
        chunking: {minChars: 200}
        embedding: {provider: Ollama, batchSize: 32, shards: 1, queryProvider: Auto}
        ollama: {}
        build: {resources: {requests: {}, limits: {}}, deadlineSeconds: 21600}
        index:
          type: Auto
          vectorStorage: Auto
          hnsw: {m: 32, efConstruction: 200}
          storage: {size: 10Gi, accessMode: ReadWriteOnce, onDelete: Retain}
          retain: 3
        search:
          replicas: 2
          indexUpdate: Rolling
          config: {retrievalK: 5, cacheSize: 10000, cacheMaxBytes: 64Mi, cacheTTLSeconds: 3600, minQueryLength: 2,
                   maxQueryLength: 500, fusion: Convex, efSearch: 64, rerank: false, rateLimitPerMinute: 0,
                   trustedProxies: [], logLevel: Info, corsOrigins: []}
          resources: {requests: {}, limits: {}}
          service: {type: ClusterIP, port: 80}
        monitoring: {serviceMonitor: Auto, prometheusRule: Auto, dashboard: Auto, interval: 30s, labels: {}}
        networkPolicy: {enabled: true, metricsFrom: [], extraEgress: []}
        imagePullSecrets: []
        upgradePolicy: Manual
        pause: Nothing
    """)

    resource = parsed({})

    assert expected == resource.spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def test_parts_that_are_asked_for_without_more_have_the_defaults_of_the_contract() -> None:
    asked = {
        "ollama": {"server": {"gpu": {}}},
        "build": {"schedule": {"cron": "@daily"}},
        "index": {"quality": {}},
        "search": {"autoscaling": {}, "ingress": {"host": "a.org"}},
        "answers": {"model": "qwen3"},
    }
    expected = yaml.safe_load("""
        server: {replicas: 1, storage: {size: 10Gi}, resources: {requests: {}, limits: {}},
                 gpu: {count: 0, resourceName: nvidia.com/gpu}}
        schedule: {cron: "@daily", timeZone: Etc/UTC, suspend: false}
        quality: {maxDrop: "0.02", onInconclusive: Publish}
        autoscaling: {minReplicas: 2, maxReplicas: 10, targetCPUPercent: 70}
        ingress: {host: a.org, path: /, annotations: {}}
        answers: {model: qwen3, temperature: "0.2", maxTokens: 512}
    """)

    written = parsed(asked).spec.model_dump(mode="json", by_alias=True, exclude_none=True)

    told = {
        "server": written["ollama"]["server"],
        "schedule": written["build"]["schedule"],
        "quality": written["index"]["quality"],
        "autoscaling": written["search"]["autoscaling"],
        "ingress": written["search"]["ingress"],
        "answers": written["answers"],
    }
    assert expected == told


def test_the_manifest_at_the_top_of_the_repository_is_the_one_of_the_contract() -> None:
    expected = yaml.safe_load("""
        apiVersion: clockifyrag.io/v1beta1
        kind: ClockifyRAG
        metadata: {name: help}
        spec:
          source: {sample: {}}
          embedding: {provider: Ollama, model: nomic-embed-text}
          search: {autoscaling: {minReplicas: 2, maxReplicas: 10}}
    """)

    resource = load_resource(ROOT / "clockifyrag.yaml")

    assert expected == resource.model_dump(mode="json", by_alias=True, exclude_unset=True)


def test_a_resource_never_changes() -> None:
    resource = parsed({})

    with pytest.raises(ValueError, match="frozen"):
        resource.spec.search.config.retrieval_k = 7

    assert 5 == resource.spec.search.config.retrieval_k
