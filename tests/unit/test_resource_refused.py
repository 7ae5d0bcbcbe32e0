"""Every rule of the resource, with what it refuses and the words it refuses with."""

import json
from typing import Any

import pytest

from clockifyrag_resource.errors import Problem, ResourceInvalid
from clockifyrag_resource.load import parse_resource

SHA = "0" * 64
LABEL = "a label value: at most 63 letters, digits, '-', '_' and '.', in quotes if it looks like a number"
ADDRESS = "an http:// or https:// address without user name and password"
HOST = "a host name or IP address, without scheme, port and path"
IMAGE = "an image such as example.com/team/image:tag"
NETWORK = "an IP address or a network such as 10.0.0.0/8"
SIZE = "a size of at least one byte, such as 64Mi or 10Gi"
SHARE = 'a quoted decimal number from "0" to "1", such as "0.02"'
ZONE = "a time zone of the IANA database such as Europe/Belgrade or Etc/UTC"
CRON = 'a cron line such as "30 3 * * *" or @daily'
SOURCES = "exactly one of sample, configMapRef, pvcRef, http and crawl"


def problems(**spec: Any) -> list[Problem]:
    head = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"}}
    text = json.dumps(head | {"spec": {"source": {"sample": {}}} | spec})
    with pytest.raises(ResourceInvalid) as refused:
        parse_resource(text, "test.yaml")
    return list(refused.value.problems)


def case(name: str, spec: dict[str, Any], *problem: str) -> Any:
    return pytest.param(spec, *problem, id=name)


def crawl(**fields: Any) -> dict[str, Any]:
    return {"source": {"crawl": {"startURLs": ["https://a.org/"]} | fields}}


def http(**fields: Any) -> dict[str, Any]:
    return {"source": {"http": {"url": "https://a.org/a.md"} | fields}}


def config(**fields: Any) -> dict[str, Any]:
    return {"search": {"config": fields}}


def scaled(**fields: Any) -> dict[str, Any]:
    return {"search": {"autoscaling": fields}}


def storage(**fields: Any) -> dict[str, Any]:
    return {"index": {"storage": fields}}


def scheduled(**fields: Any) -> dict[str, Any]:
    return {"build": {"schedule": {"cron": "@daily"} | fields}}


def pod(**fields: Any) -> dict[str, Any]:
    return {"search": {"pod": fields}}


def limits(requests: dict[str, Any], most: dict[str, Any]) -> dict[str, Any]:
    return {"search": {"resources": {"requests": requests, "limits": most}}}


REFUSED = [
    case("no source", {"source": {}}, "spec.source", "none of the five sources", SOURCES),
    case("two sources", {"source": {"sample": {}, "http": {"url": "https://a.org/"}}},
         "spec.source", "sample and http", SOURCES),
    case("something in sample", {"source": {"sample": {"size": 3}}},
         "spec.source.sample.size", "a field that does not exist", "no field, as there is nothing to set"),
    case("a crawl without a first page", {"source": {"crawl": {}}},
         "spec.source.crawl", "neither startURLs nor sitemap", "at least one of them, so that there is a first page"),
    case("an address without scheme", crawl(startURLs=["a.org"]), "spec.source.crawl.startURLs[0]", '"a.org"', ADDRESS),
    case("a password in an address", http(url="https://me:secret@a.org/"),
         "spec.source.http.url", '"https://me:secret@a.org/"', ADDRESS),
    case("a file address", http(url="file:///etc/passwd"), "spec.source.http.url", '"file:///etc/passwd"', ADDRESS),
    case("a port that no computer has", http(url="https://a.org:80800/a.zip"),
         "spec.source.http.url", '"https://a.org:80800/a.zip"', ADDRESS),
    case("brackets around no address", http(url="https://[fe80:::1]/a.md"), "spec.source.http.url",
         "\"https://[fe80:::1]/a.md\" ('fe80:::1' does not appear to be an IPv4 or IPv6 address)", ADDRESS),
    case("a port of Ollama that no computer has", {"ollama": {"url": "http://ollama:99434"}},
         "spec.ollama.url", '"http://ollama:99434"', ADDRESS),
    case("a registry whose port is a word", {"ollama": {"server": {"registry": "models.example.com:v2/team"}}},
         "spec.ollama.server.registry", '"models.example.com:v2/team"',
         "the address of a model registry such as models.example.com/team"),
    case("a registry with a path of two parts", {"ollama": {"server": {"registry": "models.example.com/a/b"}}},
         "spec.ollama.server.registry", '"models.example.com/a/b"',
         "the address of a model registry such as models.example.com/team"),
    case("an origin whose port no computer has", config(corsOrigins=["https://a.org:65536"]),
         "spec.search.config.corsOrigins[0]", '"https://a.org:65536"',
         "an origin such as https://help.example.com, without path, or *"),
    case("an address too long", http(url="https://a.org/" + "a" * 3000),
         "spec.source.http.url", "3014 characters", "at most 2048 characters"),
    case("too many first pages", crawl(startURLs=["https://a.org/"] * 65),
         "spec.source.crawl.startURLs", "65 entries", f"a list of at most 64, each {ADDRESS}"),
    case("a host with a port", http(allowHosts=["wiki.local:80"]),
         "spec.source.http.allowHosts[0]", '"wiki.local:80"', HOST),
    case("half a digest", http(sha256="abc"),
         "spec.source.http.sha256", '"abc"', "a SHA-256 digest: 64 lower-case hexadecimal digits"),
    case("a digest in capitals", http(sha256="A" * 64),
         "spec.source.http.sha256", f'"{"A" * 59}…', "a SHA-256 digest: 64 lower-case hexadecimal digits"),
    case("another key of a Secret", http(secretRef={"name": "a", "key": "password"}),
         "spec.source.http.secretRef.key", '"password"', "clockifyrag-authorization"),
    case("a path out of the volume", {"source": {"pvcRef": {"name": "docs", "path": "a/../../b"}}},
         "spec.source.pvcRef.path", '"a/../../b"', 'a path inside the volume, without ".."'),
    case("a volume without path", {"source": {"pvcRef": {"name": "docs"}}},
         "spec.source.pvcRef.path", "nothing", "a path inside the volume"),
    case("an object name in capitals", {"source": {"configMapRef": {"name": "Docs"}}}, "spec.source.configMapRef.name",
         '"Docs"', "the name of a Kubernetes object: lower-case letters, digits, '-' and '.', at most 253"),
    case("no pages", crawl(maxPages=0), "spec.source.crawl.maxPages", "0", "a whole number from 1 to 100000"),
    case("a negative pause", crawl(delaySeconds=-1),
         "spec.source.crawl.delaySeconds", "-1", "a whole number from 0 to 3600"),
    case("a format in small letters", {"source": {"sample": {}, "format": "jsonl"}},
         "spec.source.format", '"jsonl"', "Auto, JSONL, Markdown or HTML"),
    case("an empty namespace", {"source": {"sample": {}, "namespace": ""}}, "spec.source.namespace", '""',
         "a namespace of documents: at most 64 letters, digits, '-', '_' and '.'"),
    case("maxChars above the context of all-minilm",
         {"embedding": {"provider": "Local"}, "chunking": {"maxChars": 1025}}, "spec.chunking.maxChars", "1025",
         "at most 1024 (256 tokens of all-minilm, 4 characters a token)"),
    case("maxChars above the context of the profile",
         {"embedding": {"profile": {"contextTokens": 128}}, "chunking": {"maxChars": 600}},
         "spec.chunking.maxChars", "600", "at most 512 (128 tokens of nomic-embed-text, 4 characters a token)"),
    case("minChars as large as maxChars", {"chunking": {"maxChars": 400, "minChars": 400}},
         "spec.chunking.minChars", "400", "less than maxChars, 400"),
    case("minChars above the model's maxChars", {"chunking": {"minChars": 1600}},
         "spec.chunking.minChars", "1600", "less than maxChars, 1600"),
    case("shards with Ollama", {"embedding": {"shards": 2}},
         "spec.embedding.shards", "2 with provider Ollama", "1, or provider Local"),
    case("a large model in the process", {"embedding": {"provider": "Local", "model": "bge-m3"}},
         "spec.embedding.model", "bge-m3 with provider Local", "all-minilm or wordllama, or provider Ollama"),
    case("questions in the process without a twin", {"embedding": {"queryProvider": "Local"}},
         "spec.embedding.queryProvider", "Local with model nomic-embed-text",
         "Auto, Ollama, or a model of all-minilm or wordllama"),
    case("wordllama from Ollama", {"embedding": {"model": "wordllama"}}, "spec.embedding.provider",
         "Ollama with model wordllama", "Local, as wordllama runs in the process only"),
    case("questions to Ollama for wordllama",
         {"embedding": {"provider": "Local", "model": "wordllama", "queryProvider": "Ollama"}},
         "spec.embedding.queryProvider", "Ollama with model wordllama", "Local, as wordllama runs in the process only"),
    case("a provider that does not exist", {"embedding": {"provider": "OpenAI"}},
         "spec.embedding.provider", '"OpenAI"', "Ollama or Local"),
    case("a model name with a blank", {"embedding": {"model": "my model"}}, "spec.embedding.model", '"my model"',
         "the name of a model such as nomic-embed-text or all-minilm:latest"),
    case("half a model digest", {"embedding": {"digest": "0a109f422b47"}}, "spec.embedding.digest", '"0a109f422b47"',
         "a model digest as Ollama's /api/tags tells it: 64 lower-case hexadecimal digits"),
    case("a prefix that is a book", {"embedding": {"profile": {"queryPrefix": "a" * 501}}},
         "spec.embedding.profile.queryPrefix", "501 characters", "at most 500 characters"),
    case("url and server", {"ollama": {"url": "http://ollama:11434", "server": {}}}, "spec.ollama",
         "url and server", "url (an existing Ollama) or server (one the operator runs), not both"),
    case("a line that is not cron", scheduled(cron="every night"), "spec.build.schedule.cron",
         '"every night": 2 fields instead of 5 (minute hour day month weekday)', CRON),
    case("a time zone nobody lives in", scheduled(timeZone="Europe/Belgrad"),
         "spec.build.schedule.timeZone", '"Europe/Belgrad"', f"{ZONE}; the nearest is Europe/Belgrade"),
    case("a time zone that is a path", scheduled(timeZone="../etc/passwd"),
         "spec.build.schedule.timeZone", '"../etc/passwd"', ZONE),
    case("a minute to build", {"build": {"deadlineSeconds": 10}},
         "spec.build.deadlineSeconds", "10", "a whole number from 60 to 604800"),
    case("more pods at least than at most", scaled(minReplicas=11),
         "spec.search.autoscaling.minReplicas", "11", "at most maxReplicas, 10"),
    case("no pods at least", scaled(minReplicas=0),
         "spec.search.autoscaling.minReplicas", "0", "a whole number from 1 to 100"),
    case("a volume for one pod", storage(accessMode="ReadWriteOncePod"), "spec.index.storage.accessMode",
         "ReadWriteOncePod",
         "ReadWriteOnce or ReadWriteMany: a build's pod and the store's pod must mount the volume together"),
    case("a size with a small suffix", storage(size="10gi"), "spec.index.storage.size", '"10gi"', SIZE),
    case("no size", storage(size="0"), "spec.index.storage.size", '"0"', SIZE),
    case("half a byte", storage(size="500m"), "spec.index.storage.size", '"500m"', SIZE),
    case("a size as a fraction", storage(size=1.5), "spec.index.storage.size", "1.5", SIZE),
    case("fewer candidates than neighbours", {"index": {"hnsw": {"m": 64, "efConstruction": 32}}},
         "spec.index.hnsw.efConstruction", "32", "at least m, 64"),
    case("a measure without quotes", {"index": {"quality": {"minMRR": 0.9}}},
         "spec.index.quality.minMRR", "0.9", SHARE),
    case("a measure above one", {"index": {"quality": {"minNDCG": "1.1"}}},
         "spec.index.quality.minNDCG", '"1.1"', SHARE),
    case("a measure in words", {"index": {"quality": {"maxDrop": "nan"}}},
         "spec.index.quality.maxDrop", '"nan"', SHARE),
    case("a pin on a name", {"index": {"pin": "latest"}}, "spec.index.pin", '"latest"',
         "the id of a generation: gen- and 12 hexadecimal digits"),
    case("too many results", config(retrievalK=70), "spec.search.config.retrievalK", "70",
         "a whole number from 1 to 50"),
    case("a number in quotes", config(retrievalK="7"), "spec.search.config.retrievalK", '"7"',
         "a whole number from 1 to 50"),
    case("a number with a point", config(retrievalK=7.0), "spec.search.config.retrievalK", "7.0",
         "a whole number from 1 to 50"),
    case("a number for yes", config(rerank=1), "spec.search.config.rerank", "1", "true or false"),
    case("the shortest question longer than the longest", config(minQueryLength=9, maxQueryLength=8),
         "spec.search.config.minQueryLength", "9", "at most maxQueryLength, 8"),
    case("a fusion in other letters", config(fusion="Rrf"), "spec.search.config.fusion", '"Rrf"', "Convex or RRF"),
    case("both weights nothing", config(denseWeight="0", lexicalWeight="0.0"), "spec.search.config",
         "denseWeight and lexicalWeight both 0", "one of them above 0, or nothing would be found"),
    case("a proxy by name", config(trustedProxies=["proxy"]), "spec.search.config.trustedProxies[0]",
         "\"proxy\" ('proxy' does not appear to be an IPv4 or IPv6 network)", NETWORK),
    case("a network with a host", config(trustedProxies=["10.0.0.1/8"]), "spec.search.config.trustedProxies[0]",
         '"10.0.0.1/8" (10.0.0.1/8 has host bits set)', NETWORK),
    case("an origin with a path", config(corsOrigins=["https://a.org/"]), "spec.search.config.corsOrigins[0]",
         '"https://a.org/"', "an origin such as https://help.example.com, without path, or *"),
    case("a request above its limit", limits({"memory": "2Gi"}, {"memory": "2G"}),
         "spec.search.resources.requests.memory", '"2Gi"', "at most the limit, 2G"),
    case("a negative request", limits({"cpu": "-1"}, {}), "spec.search.resources.requests.cpu", '"-1"',
         "a quantity such as 500m, 2 or 10Gi"),
    case("volumes of one's own", pod(volumes=[]), "spec.search.pod.volumes", "a field that does not exist",
         "one of affinity, annotations, labels, nodeSelector, priorityClassName, runtimeClassName, tolerations, "
         "topologySpreadConstraints"),
    case("a label of the operator's", pod(labels={"clockifyrag.io/resource": "x"}),
         'spec.search.pod.labels["clockifyrag.io/resource"]', "clockifyrag.io/resource",
         "another key: clockifyrag.io/ and app.kubernetes.io/ are reserved"),
    case("a label that is a number", pod(labels={"team": 7}), "spec.search.pod.labels.team", "7", LABEL),
    case("a label key with a blank", pod(labels={"a b": "c"}), 'spec.search.pod.labels["a b"]', 'the key "a b"',
         "a label key such as app or example.com/team"),
    case("a value where any will do", pod(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
         "spec.search.pod.tolerations[0].value", '"b" with operator Exists', "no value, or operator Equal"),
    case("a comparison without key", pod(tolerations=[{"value": "b"}]), "spec.search.pod.tolerations[0].key",
         "no key with operator Equal", "a key, or operator Exists"),
    case("seconds for what is not evicted", pod(tolerations=[{"key": "a", "tolerationSeconds": 5}]),
         "spec.search.pod.tolerations[0].tolerationSeconds", "effect of every kind", "effect NoExecute"),
    case("an affinity to a number",
         pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": 5}}),
         "spec.search.pod.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", "5", "a list of terms"),
    case("a null deep inside of what Kubernetes checks", pod(affinity={"podAffinity": {"a": [{"b": None}]}}),
         "spec.search.pod.affinity.podAffinity.a[0].b", "null", "a value; leave the field out rather than null"),
    case("an image with a blank", {"build": {"image": "a b"}}, "spec.build.image", '"a b"', IMAGE),
    case("an interval without unit", {"monitoring": {"interval": "30"}}, "spec.monitoring.interval", '"30"',
         "a duration such as 30s, 5m or 1h"),
    case("answers without model", {"answers": {}}, "spec.answers.model", "nothing",
         "the name of a model such as nomic-embed-text or all-minilm:latest"),
    case("hotter than hot", {"answers": {"model": "a", "temperature": "3"}}, "spec.answers.temperature", '"3"',
         'a quoted decimal number from "0" to "2", such as "0.02"'),
    case("a null for a part", {"glossary": None}, "spec.glossary", "null",
         "a mapping with configMapRef; or leave the field out, never null"),
    case("a null for a value that may be absent", {"embedding": {"model": None}}, "spec.embedding.model", "null",
         "the name of a model such as nomic-embed-text or all-minilm:latest; or leave the field out, never null"),
    case("a null for a value with a default", config(retrievalK=None), "spec.search.config.retrievalK", "null",
         "a whole number from 1 to 50; or leave the field out, never null"),
    case("a list for a mapping", {"search": []}, "spec.search", "a list of 0", "a mapping"),
    case("a text for a list", config(corsOrigins="*"), "spec.search.config.corsOrigins", '"*"',
         "a list of at most 64, each an origin such as https://help.example.com, without path, or *"),
    case("a field misspelt", config(retreivalK=4), "spec.search.config.retreivalK", "a field that does not exist",
         "retrievalK, the nearest field there is"),
    case("a field in another spelling", {"chunking": {"max_chars": 500}}, "spec.chunking.max_chars",
         "a field that does not exist", "maxChars, the nearest field there is"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "path", "found", "expected"), REFUSED)
def test_what_a_rule_forbids_is_refused_with_path_found_and_expected(
    spec: dict[str, Any], path: str, found: str, expected: str
) -> None:
    told = problems(**spec)

    assert [Problem(path, found, expected)] == told


def test_without_spec_source_the_five_are_named() -> None:
    head = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "a"}, "spec": {}}

    with pytest.raises(ResourceInvalid) as refused:
        parse_resource(json.dumps(head), "test.yaml")

    expected = "one of sample, configMapRef, pvcRef, http and crawl"
    assert (Problem("spec.source", "nothing", expected),) == refused.value.problems


def test_several_problems_are_told_together() -> None:
    told = problems(
        ollama={"url": "http://ollama:11434", "server": {}}, search={"config": {"retrievalK": 70}, "replicas": "2"}
    )

    assert ["spec.ollama", "spec.search.config.retrievalK", "spec.search.replicas"] == sorted(p.path for p in told)
