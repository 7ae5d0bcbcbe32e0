"""Models and the room for them: the right one, another one, none; embedded by many pods; too much asked of the node."""

from __future__ import annotations

import json
import time

import pytest
from tests.cluster import results
from tests.cluster.articles import ARTICLES, articles
from tests.cluster.kube import LOCAL, READY_SECONDS, SMALL, Kube, Manifest, Resource, ask
from tests.cluster.load import Load
from tools.cluster.ollama import ModelServer

IMPOSSIBLE = "465458732Gi"  # of Strimzi's testRecoveryFromImpossibleMemoryRequest
WRONG_DIGEST = "0123456789ab" * 5 + "0123"
MANY = 2100  # chunks: from 2,000 missing vectors on, shards embed
HEAL_SECONDS = 60.0
FEW: Manifest = {
    "source": {"configMapRef": {"name": "articles"}},
    "build": SMALL["build"],
    "search": {**SMALL["search"], "replicas": 1},
}


@pytest.fixture
def few_articles(place: Kube) -> Kube:
    """A namespace with articles that any model embeds in a second."""
    place.apply(articles({"timer.md": ARTICLES["timer.md"]}))
    return place


def from_registry(server: ModelServer, model: str = "", **embedding: str) -> Manifest:
    """A resource whose Ollama pulls its model from the registry on the node: no other place is in reach."""
    amounts = {"requests": {"cpu": "100m", "memory": "1Gi"}}
    ollama = {"registry": server.registry, "storage": {"size": "1Gi"}, "resources": amounts}
    embedding = {"provider": "Ollama", "model": model or server.model, **embedding}
    return {**FEW, "embedding": embedding, "ollama": {"server": ollama}}


def test_another_model_under_the_right_name_is_refused_until_the_digest_is_corrected(
    few_articles: Kube, model_server: ModelServer
) -> None:
    """Given a digest that no registry has, then no build starts, EmbedderReady says which one is there; the right
    digest heals it.
    """
    resource = few_articles.resource().create(from_registry(model_server, digest=WRONG_DIGEST))

    resource.wait_condition("EmbedderReady", "False", "FingerprintMismatch", 90)
    words, jobs = resource.told("EmbedderReady"), few_articles.all("jobs")
    begun = time.monotonic()
    resource.change({"embedding": {"digest": model_server.digest}})
    resource.wait_ready()
    seconds = time.monotonic() - begun

    assert model_server.digest in words
    assert WRONG_DIGEST in words
    assert [] == jobs
    assert ("True", "ModelLoaded") == resource.condition("EmbedderReady")
    assert model_server.digest.startswith(resource.status["index"]["modelDigest"].removeprefix("sha256:"))
    results.keep("another-model", "T23", fault="embedding.digest of another model", recovery_seconds=round(seconds, 1))


@pytest.mark.chaos
def test_a_model_that_the_registry_lacks_is_named_until_another_one_is_asked_for(
    few_articles: Kube, model_server: ModelServer
) -> None:
    """When a model is asked for that is nowhere, then no build starts, and EmbedderReady says what to check."""
    resource = few_articles.resource().create(from_registry(model_server, "mxbai-embed-large"))

    resource.wait_condition("EmbedderReady", "False", "Pulling", 90)
    resource.wait(lambda: "check embedding.model" in resource.told("EmbedderReady"), "it says what to check", 90)
    words, jobs = resource.told("EmbedderReady"), few_articles.all("jobs")
    seconds = heal(resource, {"embedding": {"model": model_server.model}}, READY_SECONDS)

    assert "mxbai-embed-large cannot be pulled as 10.210.0.1:5000/library/mxbai-embed-large" in words
    assert [] == jobs
    assert model_server.model == resource.status["index"]["model"]
    results.keep("no-such-model", "T23", fault="a model that the registry lacks", recovery_seconds=seconds)


@pytest.mark.chaos
def test_a_graphics_processor_that_no_node_has_is_told_until_nobody_asks_for_it(
    few_articles: Kube, model_server: ModelServer
) -> None:
    """When Ollama is to have a processor, then its pod asks for one, and EmbedderReady says that no node has any."""
    spec = from_registry(model_server)
    spec["ollama"]["server"]["gpu"] = {"count": 1}
    resource = few_articles.resource().create(spec)

    resource.wait_condition("EmbedderReady", "False", "Unreachable", 60)
    resource.wait(lambda: "Insufficient nvidia.com/gpu" in resource.told("EmbedderReady"), "it says what lacks", 30)
    (pod,) = few_articles.pods("ollama")
    words, jobs = resource.told("EmbedderReady"), few_articles.all("jobs")
    seconds = heal(resource, {"ollama": {"server": {"gpu": None}}}, READY_SECONDS)

    assert "1" == pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]
    assert "Pending" == pod["status"]["phase"]
    assert "spec.ollama.server.resources" in words
    assert [] == jobs
    results.keep("no-such-processor", "T16", fault="a GPU that no node has", recovery_seconds=seconds)


@pytest.mark.chaos
def test_four_pods_that_embed_side_by_side_make_the_same_index_as_one(place: Kube) -> None:
    """Given more chunks than one build embeds alone, when four pods embed them, then the generation has the same id."""
    place.apply(articles({"articles.jsonl": "".join(f"{json.dumps(article(number))}\n" for number in range(MANY))}))
    spec: Manifest = {**FEW, "build": {"resources": {"requests": {"cpu": "50m", "memory": "256Mi"}}}}

    four = place.resource("four").create({**spec, "embedding": {"provider": "Local", "shards": 4}})
    begun = time.monotonic()
    four.wait_ready(600)
    shared_out = time.monotonic() - begun
    one = place.resource("one").create({**spec, "embedding": {"provider": "Local", "shards": 1}})
    begun = time.monotonic()
    one.wait_ready(600)
    alone = time.monotonic() - begun

    assert one.generation == four.generation
    assert MANY <= four.status["index"]["chunks"]
    (embedding,) = place.all("jobs", "clockifyrag.io/resource=four,clockifyrag.io/component=embed")
    assert ("Indexed", 4) == (embedding["spec"]["completionMode"], embedding["spec"]["completions"])
    assert (4, "0-3") == (embedding["status"]["succeeded"], embedding["status"]["completedIndexes"])
    assert [] == place.all("jobs", "clockifyrag.io/resource=one,clockifyrag.io/component=embed")
    results.keep("shards", "R8", fault=f"none; {MANY} chunks embedded by 4 pods, by 1", load="none",
                 four_pods_seconds=round(shared_out, 1), one_pod_seconds=round(alone, 1))  # fmt: skip


def article(number: int) -> Manifest:
    """A short one that is like no other."""
    text = (
        f"Project {number} has {number * 7 % 1000} tracked hours and {number * 13 % 97} members in workspace {number}."
    )
    return {"id": f"a{number}", "title": f"Report {number}", "content": text, "url": f"https://example.com/{number}"}


@pytest.mark.chaos
def test_more_memory_than_any_node_has_waits_quietly_and_heals(place: Kube) -> None:
    """When search pods, then builds, are to have impossible memory, then old pods serve, the conditions say what no
    node has, and taking it back heals within 60 s.
    """
    resource = place.resource().create(LOCAL).wait_ready()
    before = resource.generation
    amounts = {"requests": {"memory": IMPOSSIBLE}, "limits": {"memory": IMPOSSIBLE}}

    with Load(resource.url, "impossible-memory") as load:
        resource.change({"search": {"resources": amounts}})
        resource.wait(lambda: "is not scheduled" in resource.told("Ready"), "Ready says that no node takes it", 60)
        searching, state = resource.told("Ready"), resource.condition("Ready")
        healed = {"search": heal(resource, {"search": {"resources": {**amounts_of("search"), "limits": None}}})}
        resource.change({"build": {"resources": amounts}})
        resource.reindex("impossible")
        resource.wait(lambda: "is not scheduled" in resource.told("IndexBuilt"), "IndexBuilt says so", 60)
        building, meanwhile = resource.told("IndexBuilt"), resource.condition("Ready")
        healed["build"] = heal(resource, {"build": {"resources": {**amounts_of("build"), "limits": None}}})

    assert "Insufficient memory" in searching
    assert "spec.search.resources" in searching
    assert "True" == state[0]
    assert "Insufficient memory" in building
    assert "spec.build.resources" in building
    assert ("True", "Serving") == meanwhile
    assert before == resource.generation == str(ask(resource.url, "timer")["metadata"]["index_generation"])
    assert [] == load.history.problems(resource.volume, resource.generations)
    results.keep("impossible-memory", "R14", fault=f"{IMPOSSIBLE} for search, for builds", load="25/s",
                 **load.history.summary(recovery_seconds=max(healed.values())))  # fmt: skip


def amounts_of(part: str) -> Manifest:
    amounts: Manifest = LOCAL[part]["resources"]
    return amounts


def heal(resource: Resource, spec: Manifest, seconds: float = HEAL_SECONDS) -> float:
    """Seconds until it is ready again, at most so many."""
    begun = time.monotonic()
    resource.change(spec)
    resource.wait_ready(seconds)
    return round(time.monotonic() - begun, 1)
