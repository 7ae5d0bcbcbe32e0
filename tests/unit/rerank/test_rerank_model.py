"""Where the model that reranks runs, and who sees to it that it is there."""

import json
from typing import Any

import pytest

from clockifyrag_cli.here import adapted
from clockifyrag_operator.models import wanted_models
from clockifyrag_resource.load import parse_resource
from clockifyrag_resource.resource import ClockifyRAG

LOCAL, OLLAMA = {"provider": "Local"}, {"provider": "Ollama"}
WORDLLAMA = LOCAL | {"model": "wordllama"}


def resource(model: str | None, embedding: dict[str, Any], **spec: Any) -> ClockifyRAG:
    head = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"}}
    config = {"rerank": True} | ({"rerankModel": model} if model else {})
    full = {"source": {"sample": {}}, "embedding": embedding, "search": {"config": config}} | spec
    return parse_resource(json.dumps(head | {"spec": full}), "test.yaml")


@pytest.mark.parametrize(
    ("model", "embedding", "pulled"),
    [
        pytest.param(None, LOCAL, (), id="none"),
        pytest.param("all-minilm", LOCAL, (), id="in the process"),
        pytest.param("all-minilm:latest", LOCAL, (), id="in the process, with a tag"),
        pytest.param("bge-m3", LOCAL, ("bge-m3",), id="an Ollama for it alone"),
        pytest.param("bge-m3:latest", OLLAMA, ("nomic-embed-text", "bge-m3"), id="beside the embedding model"),
        pytest.param("nomic-embed-text", OLLAMA, ("nomic-embed-text",), id="the same model"),
        pytest.param("all-minilm", OLLAMA | {"queryProvider": "Ollama"}, ("nomic-embed-text", "all-minilm"), id="must"),
        pytest.param("bge-m3", LOCAL | {"queryProvider": "Local"}, (), id="may not"),
    ],
)
def test_the_managed_ollama_holds_it_where_it_cannot_run_in_the_process(
    model: str | None, embedding: dict[str, Any], pulled: tuple[str, ...]
) -> None:
    spec = resource(model, embedding).spec

    assert pulled == wanted_models(spec, None, None, frozenset())
    assert bool(pulled) == spec.wants_managed_ollama()


def test_an_ollama_of_somebody_else_is_told_nothing() -> None:
    spec = resource("bge-m3", OLLAMA, ollama={"url": "http://ollama:11434"}).spec

    assert ((), False) == (wanted_models(spec, None, None, frozenset()), spec.wants_managed_ollama())


@pytest.mark.parametrize(
    ("model", "embedding", "here", "said"),
    [
        pytest.param(
            None, OLLAMA, (None, True), "with nomic-embed-text; here all-minilm embeds in the process.", id="none"
        ),
        pytest.param(
            "wordllama",
            OLLAMA,
            ("wordllama", True),
            "with nomic-embed-text; here all-minilm embeds in the process.",
            id="it stays",
        ),
        pytest.param(
            "bge-m3",
            OLLAMA,
            (None, False),
            "with nomic-embed-text and bge-m3; here all-minilm embeds in the process and nothing reranks.",
            id="never the model that embeds",
        ),
        pytest.param(
            "all-minilm:latest",
            OLLAMA,
            (None, False),
            "with nomic-embed-text; here all-minilm embeds in the process and nothing reranks.",
            id="nor where it was another",
        ),
        pytest.param(
            "bge-m3", LOCAL, (None, False), "with bge-m3; here nothing reranks.", id="for reranking alone, all-minilm"
        ),
        pytest.param(
            "bge-m3",
            WORDLLAMA,
            ("all-minilm", True),
            "with bge-m3; here all-minilm reranks in the process.",
            id="for reranking alone, wordllama",
        ),
    ],
)
def test_without_an_ollama_a_model_of_the_process_takes_its_place(
    model: str | None, embedding: dict[str, Any], here: tuple[str | None, bool], said: str
) -> None:
    found = adapted(resource(model, embedding), None)

    local = found.resource.spec
    assert (here, False) == (
        (local.search.config.rerank_model, local.search.config.rerank),
        local.wants_managed_ollama(),
    )
    assert f"The resource wants an Ollama {said} Set LLM_BASE_URL to use an Ollama." == found.remark


def test_an_ollama_that_is_there_reranks_beside_a_model_of_the_process() -> None:
    wanted = resource("bge-m3", WORDLLAMA | {"digest": "0" * 64})

    found = adapted(wanted, "http://ollama:11434")

    assert (wanted, "http://ollama:11434", "") == (found.resource, found.ollama_url, found.remark)
    assert wanted.spec.embedding == adapted(wanted, None).resource.spec.embedding  # its digest with it


def test_where_no_ollama_is_wanted_the_resource_stands_as_it_is() -> None:
    wanted = resource("all-minilm", WORDLLAMA)

    assert (wanted, None, "") == ((found := adapted(wanted, None)).resource, found.ollama_url, found.remark)
