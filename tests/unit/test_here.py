"""What `clockifyrag up` makes of a resource on this machine: what environment, profile and resource say, in order."""

import json
from pathlib import Path
from typing import Any

import pytest

from clockifyrag_cli.here import adapted, build_plan, explicit_settings, server_settings
from clockifyrag_index.errors import EmbedderError
from clockifyrag_resource.load import parse_resource
from clockifyrag_resource.resource import ClockifyRAG
from clockifyrag_service.settings import Settings


@pytest.fixture(autouse=True)
def only_these_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` of the folder the tests run in."""
    monkeypatch.chdir(tmp_path)


def resource(**spec: Any) -> ClockifyRAG:
    head = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": "help"}}
    full = {"source": {"sample": {}}, "embedding": {"provider": "Local"}} | spec
    return parse_resource(json.dumps(head | {"spec": full}), "test.yaml")


def served_with(
    environment: dict[str, str], config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, root: Path
) -> Settings:
    """What a server here is set to by the environment and a resource with that `search.config`."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    here = adapted(resource(search={"config": config}), None)
    return server_settings(here, None, root, explicit_settings())


@pytest.mark.parametrize(
    ("environment", "config", "size"),
    [
        pytest.param({}, {}, 10_000, id="the resource's default"),
        pytest.param({"PROFILE": "development"}, {}, 100, id="the profile"),
        pytest.param({"PROFILE": "production"}, {"cacheSize": 0}, 0, id="the resource before the profile"),
        pytest.param({"PROFILE": "production", "CACHE_SIZE": "7"}, {"cacheSize": 0}, 7, id="the environment first"),
    ],
)
def test_what_is_set_explicitly_wins_over_the_profile_and_the_environment_over_the_resource(
    environment: dict[str, str], config: dict[str, Any], size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = served_with(environment, config, monkeypatch, tmp_path)

    assert size == settings.cache_size


@pytest.mark.parametrize(
    ("environment", "config", "level"),
    [
        pytest.param({}, {}, "info", id="nothing said"),
        pytest.param({"DEBUG": "true"}, {}, "debug", id="debug"),
        pytest.param({"DEBUG": "true"}, {"logLevel": "Warning"}, "debug", id="debug over the resource"),
        pytest.param({"DEBUG": "true", "LOG_LEVEL": "error"}, {}, "error", id="a level over debug"),
        pytest.param({"DEBUG": "false"}, {"logLevel": "Warning"}, "warning", id="no debug"),
        pytest.param({"PROFILE": "development"}, {}, "debug", id="the profile"),
        pytest.param({"PROFILE": "development"}, {"logLevel": "Info"}, "info", id="the resource before the profile"),
    ],
)
def test_debug_logs_at_debug_unless_a_level_is_named(
    environment: dict[str, str], config: dict[str, Any], level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = served_with(environment, config, monkeypatch, tmp_path)

    assert level == settings.effective_log_level


def test_the_build_reads_the_model_from_where_dotenv_says_as_the_server_does(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOCAL_MODEL_DIR=elsewhere\n")

    with pytest.raises(EmbedderError, match="elsewhere"):
        build_plan(adapted(resource(), None), None, tmp_path, explicit_settings())


def test_an_ollama_that_embeds_the_questions_alone_is_the_one_the_resource_names(tmp_path: Path) -> None:
    embedding, ollama = {"provider": "Local", "queryProvider": "Ollama"}, {"url": "http://ollama:11434"}

    here = adapted(resource(embedding=embedding, ollama=ollama), None)
    settings = server_settings(here, None, tmp_path, explicit_settings())

    assert ("ollama", "http://ollama:11434") == (settings.query_provider, settings.llm_base_url)


def test_without_an_ollama_for_the_questions_they_are_embedded_in_the_process(tmp_path: Path) -> None:
    here = adapted(resource(embedding={"provider": "Local", "queryProvider": "Ollama"}), None)
    settings = server_settings(here, None, tmp_path, explicit_settings())

    assert "The resource wants an Ollama with all-minilm; here all-minilm embeds in the process." in here.remark
    assert ("auto", None) == (settings.query_provider, settings.llm_base_url)
