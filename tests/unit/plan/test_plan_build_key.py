"""Build keys: what changes them, what does not, and that a new version of the operator leaves them alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World

from clockifyrag_operator.build_key import BUILDER_FORMAT, build_key
from clockifyrag_operator.decision import Reason
from clockifyrag_operator.ledger import BuildKey, Entry, Ledger
from clockifyrag_operator.observed import Manifest

URL = "http://example.com/a.zip"
NOMIC = "0a109f422b47e3a30ba2b10eca18548e944e8a23073ee3f3e947efcf3c45e59f"
OLLAMA: dict[str, Any] = {"embedding": {"provider": "Ollama"}}


def key(trigger: str = "", ledger: Ledger | None = None, world: World | None = None, **edit: Any) -> BuildKey | Reason:
    world = world or World()
    world.edit(**edit)
    wanted = world.wanted()
    assert wanted.rag is not None, wanted.problems
    return build_key(wanted.rag.spec, world.observe(), ledger or Ledger(), trigger, BUILDER_FORMAT)


def different(before: BuildKey | Reason, after: BuildKey | Reason) -> set[str]:
    assert isinstance(before, BuildKey), before
    assert isinstance(after, BuildKey), after
    return {name for name in ("format", "spec", "source", "model") if getattr(before, name) != getattr(after, name)}


def with_server(digest: str = NOMIC, model: str = "nomic-embed-text:latest") -> World:
    """A world with one ready model server that tells of one model."""
    world = World()
    ready: list[Manifest] = [{"type": "Ready", "status": "True"}]
    labels = {"clockifyrag.io/resource": NAME, "clockifyrag.io/component": "ollama"}
    world.objects["Pod", "help-ollama-0"] = {
        "metadata": {"name": "help-ollama-0", "labels": labels},
        "status": {"conditions": ready},
    }
    world.reports["help-ollama-0"] = {model: digest}
    return world


def test_keys_of_resources_that_are_installed_stay_as_they_are() -> None:
    """Were one of these to change, every index of every cluster would be built again by an upgrade."""
    assert "b3-fd6c79dea7b0-efaa9d1b2193-c7b29d7701d3" == str(key())
    assert "b3-38a4fb3f010f-efaa9d1b2193-25d0d75c66df" == str(key(world=with_server(), **OLLAMA))
    assert "b3-04b0f8963ff5-12ae32cb1ec0-c7b29d7701d3" == str(
        key(source={"crawl": {"startURLs": ["http://example.com/"]}, "format": "HTML"})
    )


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param({"source": {"sample": {}, "format": "HTML"}}, {"spec"}, id="format"),
        pytest.param({"source": {"sample": {}, "namespace": "b"}}, {"spec"}, id="namespace"),
        pytest.param({"source": {"http": {"url": URL}}}, {"spec", "source"}, id="another source"),
        pytest.param({"chunking": {"maxChars": 700}}, {"spec"}, id="longest chunk"),
        pytest.param({"chunking": {"maxChars": 800}}, set(), id="longest chunk as it is anyway"),
        pytest.param({"index": {"hnsw": {"m": 16}}}, {"spec"}, id="graph"),
        pytest.param({"index": {"vectorStorage": "SQ8"}}, {"spec"}, id="vectors"),
        pytest.param({"embedding": {"provider": "Local", "model": "wordllama"}}, {"model"}, id="model"),
        pytest.param({"embedding": {"provider": "Local", "model": "all-minilm:latest"}}, set(), id="the same model"),
        pytest.param({"embedding": {"provider": "Local", "digest": "a" * 64}}, {"model"}, id="digest"),
        pytest.param({"embedding": {"provider": "Local", "batchSize": 8, "shards": 4}}, set(), id="speed"),
        pytest.param({"search": {"replicas": 9, "config": {"efSearch": 99}}}, set(), id="search"),
        pytest.param({"index": {"retain": 9, "storage": {"size": "99Gi"}}}, set(), id="room"),
        pytest.param({"build": {"schedule": {"cron": "@daily"}, "image": "x:1"}}, set(), id="when and where"),
    ],
)
def test_a_key_changes_with_what_makes_an_index_alone(edit: dict[str, Any], expected: set[str]) -> None:
    assert expected == different(key(), key(**edit))


def test_the_graph_does_not_matter_where_there_is_none() -> None:
    flat: dict[str, Any] = {"index": {"type": "Flat"}}

    assert set() == different(key(**flat), key(index={"type": "Flat", "hnsw": {"m": 16}}))


def test_a_trigger_stands_for_what_only_a_build_can_see() -> None:
    url: dict[str, Any] = {"source": {"http": {"url": URL}}}
    known: dict[str, Any] = {"source": {"http": {"url": URL, "sha256": "a" * 64}}}

    assert {"source"} == different(key("token a", **url), key("token b", **url))
    assert set() == different(key("token a", **known), key("token b", **known))
    assert set() == different(key("token a"), key("token b"))
    assert {"source"} == different(key(**known), key(source={"http": {"url": URL, "sha256": "b" * 64}}))


def test_a_trigger_read_back_from_a_key_gives_that_key_again() -> None:
    url: dict[str, Any] = {"source": {"http": {"url": URL}}}
    before = key("token a", **url)
    assert isinstance(before, BuildKey)

    assert before == key(f"= {before.source}", **url)


def test_a_managed_model_is_known_by_its_digest_from_the_server_or_the_ledger() -> None:
    built = Ledger(
        entries=(Entry("gen-0123456789ab", "Good", model="nomic-embed-text", model_digest=f"sha256:{NOMIC}"),)
    )

    unknown = key(**OLLAMA)
    served = key(world=with_server(), **OLLAMA)
    remembered = key(ledger=built, **OLLAMA)
    other = key(world=with_server("b" * 64), ledger=built, **OLLAMA)

    assert isinstance(unknown, Reason)
    assert "digest of nomic-embed-text" in unknown.message
    assert served == remembered
    assert {"model"} == different(served, other)


def test_what_servers_told_last_counts_more_than_what_was_built_before() -> None:
    built = Ledger(
        entries=(Entry("gen-0123456789ab", "Good", model="nomic-embed-text", model_digest=f"sha256:{NOMIC}"),)
    )
    told = replace(built, served_model=f"nomic-embed-text {'b' * 12}")
    of_another = replace(built, served_model=f"bge-m3 {'b' * 12}")

    served = key(world=with_server("b" * 64), **OLLAMA)

    assert served == key(ledger=told, **OLLAMA)
    assert {"model"} == different(served, key(ledger=of_another, **OLLAMA))


def test_a_missing_config_map_is_named() -> None:
    found = key(source={"configMapRef": {"name": "articles"}})

    assert isinstance(found, Reason)
    assert ("SourceUnreachable", True) == (found.word, "configMapRef.name: found articles" in found.message)
