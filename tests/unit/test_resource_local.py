"""What a resource means on one machine: its model, its chunk length, and what does not apply without a cluster."""

import json
from typing import Any

import pytest

from clockifyrag_resource.chunking import CHARS_PER_TOKEN
from clockifyrag_resource.load import parse_resource
from clockifyrag_resource.local import not_applying_locally, with_local_embedder
from clockifyrag_resource.profiles import PROFILES, ModelProfile
from clockifyrag_resource.resource import ClockifyRAG

LOCAL = {"provider": "Local"}


def resource(**spec: Any) -> ClockifyRAG:
    head = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"}}
    return parse_resource(json.dumps(head | {"spec": {"source": {"sample": {}}} | spec}), "test.yaml")


@pytest.mark.parametrize(
    ("embedding", "model"),
    [
        pytest.param({}, "nomic-embed-text", id="nothing said"),
        pytest.param(LOCAL, "all-minilm", id="Local"),
        pytest.param(LOCAL | {"model": "wordllama"}, "wordllama", id="a model named"),
        pytest.param({"model": "nomic-embed-text:latest"}, "nomic-embed-text", id="the tag latest"),
        pytest.param({"model": "nomic-embed-text:v1.5"}, "nomic-embed-text:v1.5", id="another tag"),
    ],
)
def test_the_model_is_the_one_named_or_the_default_of_its_provider(embedding: dict[str, Any], model: str) -> None:
    spec = resource(embedding=embedding).spec

    assert model == spec.embedding.resolved_model()


def test_a_profile_is_put_over_the_built_in_one_field_by_field() -> None:
    profile = {"queryPrefix": "", "contextTokens": 1024}

    resolved = resource(embedding={"profile": profile}).spec.embedding.resolved_profile()

    assert ModelProfile("nomic-embed-text", 768, 1024, "search_document: ", "", max_chars=1600) == resolved


@pytest.mark.parametrize(
    ("spec", "max_chars"),
    [
        pytest.param({}, 1600, id="nomic"),
        pytest.param({"embedding": LOCAL}, 800, id="all-minilm"),
        pytest.param({"embedding": {"model": "somebody/else"}}, 800, id="an unknown model"),
        pytest.param({"chunking": {"maxChars": 600}}, 600, id="as given"),
        pytest.param({"embedding": {"profile": {"contextTokens": 100}}}, 400, id="as the smaller context allows"),
    ],
)
def test_the_chunk_length_is_the_one_given_or_the_models(spec: dict[str, Any], max_chars: int) -> None:
    assert max_chars == resource(**spec).spec.resolved_max_chars()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_chunk_length_of_every_built_in_profile_fits_its_context(profile: ModelProfile) -> None:
    assert profile.max_chars <= profile.context_tokens * CHARS_PER_TOKEN


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"embedding": LOCAL}, (), id="all of it applies"),
        pytest.param({}, ("ollama.server",), id="a managed Ollama is implied"),
        pytest.param({"ollama": {"url": "http://ollama:11434"}}, (), id="an existing Ollama"),
        pytest.param({"embedding": LOCAL, "ollama": {"server": {}}}, ("ollama.server",), id="a server asked for"),
        pytest.param({"embedding": LOCAL | {"queryProvider": "Ollama"}}, ("ollama.server",), id="Ollama for questions"),
        pytest.param({"embedding": LOCAL, "answers": {"model": "qwen3"}}, ("ollama.server",), id="Ollama for answers"),
        pytest.param({"embedding": LOCAL, "answers": {"model": "a", "url": "http://a"}}, (), id="other answers"),
        pytest.param(
            {"search": {"autoscaling": {}, "config": {"rerank": True}}},
            ("ollama.server", "search.autoscaling"),
            id="autoscaling, but not the settings beside it",
        ),
        pytest.param(
            {"embedding": LOCAL | {"shards": 2}, "source": {"configMapRef": {"name": "docs"}},
             "index": {"storage": {}, "retain": 2, "quality": {"evalConfigMapRef": {"name": "judged"}}}},
            ("source.configMapRef", "embedding.shards", "index.storage", "index.quality.evalConfigMapRef"),
            id="source, shards, storage and questions",
        ),
        pytest.param(
            {"embedding": LOCAL, "monitoring": {}, "networkPolicy": {"enabled": False}, "pause": "All",
             "search": {"replicas": 2, "ingress": {"host": "a.org"}, "tls": {"secretRef": {"name": "a"}}}},
            ("search.replicas", "search.ingress", "search.tls", "monitoring", "networkPolicy", "pause"),
            id="what surrounds the pods",
        ),
    ],
)  # fmt: skip
def test_what_needs_a_cluster_is_named_when_it_is_set_or_implied(
    spec: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert expected == not_applying_locally(resource(**spec))


def test_without_an_ollama_the_default_local_model_takes_the_place_of_another() -> None:
    wanted = resource(
        embedding={"model": "bge-m3", "digest": "0" * 64, "profile": {"dimensions": 1024}, "batchSize": 8},
        chunking={"maxChars": 3000, "minChars": 900},
    )

    local = with_local_embedder(wanted)

    embedding = local.spec.embedding
    assert ("Local", "all-minilm", None, None) == (
        embedding.provider,
        embedding.resolved_model(),
        embedding.digest,
        embedding.profile,
    )
    assert (800, 200, 8) == (local.spec.resolved_max_chars(), local.spec.chunking.min_chars, embedding.batch_size)


def test_without_an_ollama_a_model_with_a_local_twin_and_fitting_chunks_stay() -> None:
    wanted = resource(embedding={"model": "all-minilm:latest"}, chunking={"maxChars": 640})

    local = with_local_embedder(wanted)

    assert ("all-minilm", 640) == (local.spec.embedding.resolved_model(), local.spec.resolved_max_chars())
    assert not local.spec.wants_managed_ollama()
