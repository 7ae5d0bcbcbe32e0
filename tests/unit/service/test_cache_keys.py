"""Cache keys differ whenever the same question could be answered differently."""

from pathlib import Path
from typing import Any

import pytest

from clockifyrag_index.glossary import Glossary
from clockifyrag_service.loading import KEY_PREFIX_BYTES, GlossaryFile, key_prefix
from clockifyrag_service.parameters import SearchParameters
from clockifyrag_service.settings import Settings


def prefix(digest: str = "sha256:1", generation: str = "gen-1", glossary: str = "", **values: Any) -> bytes:
    file = GlossaryFile(Path("glossary.csv"), Glossary((("pto", glossary),)) if glossary else Glossary())
    return key_prefix(digest, generation, Settings(_env_file=None, **values), file)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"digest": "sha256:2"}, id="content"),
        pytest.param({"generation": "gen-2"}, id="generation"),
        pytest.param({"glossary": "vacation"}, id="glossary"),
        pytest.param({"fusion": "rrf"}, id="fusion"),
        pytest.param({"dense_weight": 0.25}, id="dense-weight"),
        pytest.param({"lexical_weight": 0.25}, id="lexical-weight"),
        pytest.param({"ef_search": 65}, id="breadth"),
        pytest.param({"embed_timeout_ms": 401}, id="time-to-embed"),
        pytest.param({"search_timeout_ms": 5001}, id="time-to-search"),
        pytest.param({"rerank_model": "all-minilm"}, id="reranker"),
        pytest.param({"rerank_candidates": 21}, id="candidates-to-rerank"),
        pytest.param({"rerank_timeout_ms": 501}, id="time-to-rerank"),
    ],
)
def test_what_changes_answers_changes_the_key(changed: dict[str, Any]) -> None:
    assert KEY_PREFIX_BYTES == len(prefix()) == len(prefix(**changed))
    assert prefix() == prefix() != prefix(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"q": "timers"}, {"k": 6}, {"expand": False}, {"rerank": True}, {"details": True}, {"namespace": "help"},
        {"category": "help"}, {"min_score": 0.5}, {"timeout_ms": 500},
    ],
)  # fmt: skip
def test_every_parameter_is_in_the_key(changed: dict[str, Any]) -> None:
    plain = {"q": "timer", "k": 5}

    assert SearchParameters(**plain).key() != SearchParameters(**{**plain, **changed}).key()
