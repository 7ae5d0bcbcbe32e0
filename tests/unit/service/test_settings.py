"""Settings: every documented variable, profiles, and refusals that explain themselves."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from clockifyrag_service.settings import Settings, problems_of, settings_document

DOCUMENTED = (
    "PROFILE API_HOST API_PORT OPS_PORT DEBUG LLM_BASE_URL EMBEDDING_MODEL EMBED_TIMEOUT_MS RETRIEVAL_K CACHE_SIZE "
    "CACHE_TTL_SECONDS MIN_QUERY_LENGTH MAX_QUERY_LENGTH INDEX_ROOT GENERATION GENERATION_FILE FAISS_INDEX_PATH "
    "FAISS_METADATA_PATH GLOSSARY_PATH MAX_WORKERS BATCH_SIZE RATE_LIMIT_PER_MINUTE TRUSTED_PROXIES API_KEY "
    "API_KEYS_FILE TLS_CERT_FILE TLS_KEY_FILE LOG_LEVEL LOG_FILE"
).split()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine and no .env of the folder reaches the tests."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def problems(**values: object) -> list[str]:
    with pytest.raises(ValidationError) as error:
        Settings(**values)  # type: ignore[arg-type]
    return problems_of(error.value)


def test_every_variable_of_the_contract_is_a_setting_and_every_setting_is_described() -> None:
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}

    assert [] == [name for name in DOCUMENTED if name not in fields]
    assert [] == [name for name, field in fields.items() if not field.description]
    assert all(f"| `{name}` |" in settings_document() for name in fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("embed_timeout_ms", 400, id="embed-timeout"),
        pytest.param("retrieval_k", 5, id="k"),
        pytest.param("cache_size", 1000, id="cache"),
        pytest.param("min_query_length", 2, id="min"),
        pytest.param("max_query_length", 500, id="max"),
        pytest.param("max_workers", 4, id="workers"),
        pytest.param("batch_size", 32, id="batch"),
        pytest.param("rate_limit_per_minute", 0, id="no-limit"),
        pytest.param("api_port", 8000, id="port"),
    ],
)
def test_defaults_are_those_of_the_contract(field: str, value: object) -> None:
    assert value == getattr(Settings(), field)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        pytest.param("development", ("127.0.0.1", True, 100, 4, "debug"), id="development"),
        pytest.param("production", ("0.0.0.0", False, 10_000, 8, "info"), id="production"),
    ],
)
def test_a_profile_sets_the_values_of_the_guide(
    profile: str, expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE", profile)

    settings = Settings()

    found = (settings.api_host, settings.debug, settings.cache_size, settings.max_workers, settings.effective_log_level)
    assert expected == found


def test_a_profile_is_named_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "Production")

    settings = Settings()

    assert ("production", "0.0.0.0", 10_000) == (settings.profile, settings.api_host, settings.cache_size)


def test_a_value_set_explicitly_wins_over_the_profile_and_the_environment_over_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PROFILE=production\nCACHE_SIZE=77\nRETRIEVAL_K=9\n")
    monkeypatch.setenv("RETRIEVAL_K", "11")

    settings = Settings()

    assert ("production", 77, 11, 8) == (
        settings.profile,
        settings.cache_size,
        settings.retrieval_k,
        settings.max_workers,
    )


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "")
    monkeypatch.setenv("GENERATION", "")

    settings = Settings()

    assert (None, None, False) == (settings.api_key, settings.generation, settings.keys_wanted)


def test_a_port_that_kubernetes_put_there_is_refused_with_the_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "tcp://10.96.0.1:80")

    found = problems()

    assert 1 == len(found)
    assert found[0].startswith("API_PORT: 'tcp://10.96.0.1:80' was put there by Kubernetes")
    assert "enableServiceLinks: false" in found[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"tls_cert_file": "a.pem"}, "TLS_CERT_FILE is set and TLS_KEY_FILE is not", id="half-of-tls"),
        pytest.param({"faiss_index_path": "a/index.bin"}, "FAISS_METADATA_PATH is not", id="half-of-faiss"),
        pytest.param(
            {"faiss_index_path": "a/index.bin", "faiss_metadata_path": "b/meta.json"},
            "one generation folder",
            id="two-generations",
        ),
        pytest.param({"batch_size": 0}, "BATCH_SIZE", id="batch-too-small"),
        pytest.param({"batch_size": 257}, "BATCH_SIZE", id="batch-too-large"),
        pytest.param({"retrieval_k": 51}, "RETRIEVAL_K", id="k-too-large"),
        pytest.param({"min_query_length": 50, "max_query_length": 10}, "above MAX_QUERY_LENGTH", id="lengths-crossed"),
        pytest.param({"profile": "staging"}, "PROFILE", id="unknown-profile"),
        pytest.param({"store_url": "help-store:8001"}, "STORE_URL", id="store-without-scheme"),
        pytest.param({"store_url": "http://store"}, "set one of them", id="store-of-nothing"),
        pytest.param(
            {"store_url": "http://store", "faiss_index_path": "a/index.bin", "faiss_metadata_path": "a/meta.json"},
            "either fetched or here",
            id="store-and-files",
        ),
        pytest.param({"warm_url": "http://help:9090"}, "LOG_KEY_FILE is not", id="siblings-without-a-key"),
        pytest.param({"warm_url": "http://h:x", "log_key_file": "k"}, "WARM_URL is no URL", id="siblings-port"),
        pytest.param({"warm_url": "http://me:pw@h", "log_key_file": "k"}, "leave the user out", id="siblings-user"),
        pytest.param({"store_url": "http://host:port"}, "STORE_URL is no URL", id="store-port"),
        pytest.param({"store_url": "http://host:99999"}, "STORE_URL is no URL", id="store-port-too-high"),
        pytest.param({"store_url": "http://[::1"}, "STORE_URL is no URL", id="store-half-a-bracket"),
        pytest.param({"warm_url": "http://[::1", "log_key_file": "k"}, "WARM_URL is no URL", id="siblings-bracket"),
        pytest.param({"api_key": " \n"}, "API_KEY: is blank", id="blank-key"),
        pytest.param({"api_key": "schlüssel"}, "API_KEY: holds a character that no request", id="key-not-ascii"),
        pytest.param({"api_key": "a\tb"}, "API_KEY: holds a character that no request", id="key-with-a-tab"),
        pytest.param({"fusion": "rank"}, "FUSION", id="unknown-fusion"),
        pytest.param({"dense_weight": 0, "lexical_weight": 0}, "at least one leg", id="no-leg"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(values: dict[str, object], message: str) -> None:
    assert any(message in line for line in problems(**values))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"store_url": "https//me:hunter2@store"}, id="store"),
        pytest.param({"store_url": "http://me:hunter2"}, id="store-password-in-place-of-a-port"),
        pytest.param({"warm_url": "me:hunter2@help", "log_key_file": "k"}, id="siblings"),
        pytest.param({"warm_url": "http://me:hunter2@help", "log_key_file": "k"}, id="siblings-user"),
        pytest.param({"api_key": "hunter2é"}, id="key"),
        pytest.param({"llm_base_url": ["hunter2"]}, id="model-server"),
    ],
)
def test_a_refusal_repeats_no_secret(values: dict[str, object]) -> None:
    assert "hunter2" not in "\n".join(problems(**values))


@pytest.mark.parametrize("written", ["hunter2\n", " hunter2", "\thunter2\r\n"])
def test_white_space_around_the_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("API_KEY", written)

    key = Settings().api_key

    assert key is not None
    assert "hunter2" == key.get_secret_value()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.1,")

    assert ("10.0.0.0/8", "192.168.1.1") == Settings().trusted_proxies


def test_secrets_are_starred_out() -> None:
    settings = Settings(
        api_key="hunter2",  # type: ignore[arg-type]
        llm_base_url="http://user:pw@ollama:11434",
        store_url="http://help-store:8001",
        generation="gen-0123456789ab",
    )

    shown = str(settings.masked()) + repr(settings.api_key)

    assert "hunter2" not in shown
    assert "pw" not in str(settings.masked()["llm_base_url"])
    assert "help" not in str(settings.masked()["store_url"])
