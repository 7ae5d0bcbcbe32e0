"""Settings: everything the server can be told, from the environment and `.env`, checked once at the start.

What is set explicitly (argument, environment, `.env`, in this order) wins over the profile, the profile over the
defaults below. `settings_document()` is the table of docs/settings.md.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from .ratelimit import networks

Names = Annotated[tuple[str, ...], NoDecode]  # comma-separated in the environment

ADDRESSES = ("llm_base_url", "store_url", "warm_url")  # hosts of the inside, perhaps with a password
SECRET = frozenset({"API_KEY", *(name.upper() for name in ADDRESSES)})

PROFILES: dict[str, dict[str, Any]] = {
    "development": {"api_host": "127.0.0.1", "debug": True, "cache_size": 100},
    "production": {"api_host": "0.0.0.0", "debug": False, "cache_size": 10_000, "max_workers": 8},  # noqa: S104
}


class ProfileValues(PydanticBaseSettingsSource):
    """The values of the profile that the other sources name; asked last, so it fills gaps only."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return PROFILES.get(str(self.current_state.get("profile", "")).lower(), {})


class Settings(BaseSettings):
    """One field is one environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    profile: Literal["development", "production"] | None = Field(
        default=None,
        description="Set of defaults: development (127.0.0.1, debug, cache 100) or production (0.0.0.0, cache 10,000, "
        "8 workers). A value set explicitly wins.",
    )
    api_host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every interface.")
    api_port: int = Field(default=8000, ge=0, le=65535, description="Port of the API and the page; 0 takes a free one.")
    ops_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of /live, /ready, /metrics and /status alone, without keys, and of /frequent; unset: they "
        "are on API_PORT, but for /frequent.",
    )
    debug: bool = Field(
        default=False, description="Log at level debug unless LOG_LEVEL says otherwise. Answers do not change."
    )

    index_root: Path = Field(
        default=Path("index"), description="Folder of the generations; its CURRENT names the one served."
    )
    generation: str | None = Field(default=None, description="Serve this generation and never read CURRENT.")
    generation_file: Path | None = Field(
        default=None,
        description="File whose one line names the generation served; watched. CURRENT is never read then.",
    )
    store_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]",
        description="Base URL of a store (`clockifyrag index serve`) from which generations come into INDEX_ROOT, a "
        "folder of this server alone; needs GENERATION or GENERATION_FILE.",
    )
    warm_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]",
        description="Base URL of the OPS_PORT of servers like this one: at its start it asks them what is asked most, "
        "and answers that before it is ready, for two seconds at most; needs LOG_KEY_FILE, the same for all.",
    )
    faiss_index_path: Path | None = Field(
        default=None, description="index.bin of one generation, in place of INDEX_ROOT; needs FAISS_METADATA_PATH."
    )
    faiss_metadata_path: Path | None = Field(
        default=None, description="meta.json of the same generation, in place of INDEX_ROOT; needs FAISS_INDEX_PATH."
    )
    glossary_path: Path | None = Field(
        default=None,
        description="Other names of things: CSV whose first line is `term,aliases,type,notes` (several aliases are "
        "separated by `;` or a vertical bar; the columns term and aliases are required), or, in a file named `.md`, "
        "Markdown with a term per heading or bold word and `also: a, b` behind it or below.",
    )

    llm_base_url: str | None = Field(
        default=None,
        description="Ollama that embeds questions when the model has no local twin: http://localhost:11434.",
    )
    embedding_model: str | None = Field(
        default=None,
        description="Refuse an index made with any other model. Unset: the model is the one the index names.",
    )
    query_provider: Literal["auto", "local", "ollama"] = Field(
        default="auto",
        description="Who embeds questions: auto is local where the model has a local twin whose canaries agree, else "
        "Ollama.",
    )
    local_model_dir: Path | None = Field(default=None, description="Folder of the local model's weights and tokenizer.")
    embed_timeout_ms: int = Field(
        default=400,
        ge=1,
        le=60_000,
        description="Milliseconds a question may take to embed; then keywords alone answer.",
    )

    retrieval_k: int = Field(default=5, ge=1, le=50, description="Results when a request does not say k.")
    min_query_length: int = Field(
        default=2, ge=1, le=100, description="Shortest question, in characters after trimming."
    )
    max_query_length: int = Field(
        default=500, ge=1, le=2000, description="Longest question, in characters after trimming."
    )
    fusion: Literal["convex", "rrf"] = Field(
        default="convex",
        description="How the rankings by meaning and by words become one: convex mixes their scores, rrf their "
        "reciprocal ranks, and relevance_score then tells ranks.",
    )
    dense_weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of meaning against words in the mix of scores; unset: the tuned value.",
    )
    lexical_weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of words against meaning in the mix of scores; unset: the tuned value.",
    )
    ef_search: int = Field(
        default=64,
        ge=1,
        le=4096,
        description="Vectors that an index may propose for a question; without effect on a Flat one with Float32.",
    )
    rerank: bool = Field(
        default=False,
        description="Rerank when a request does not say. An answer that was not reranked in time says so in "
        "`degraded` and is not kept.",
    )
    rerank_model: str | None = Field(
        default=None,
        description="Embedding model that compares the best passages with the question once more, a stronger one than "
        "the index's; in the process or in Ollama, as QUERY_PROVIDER says. Unset: nothing reranks.",
    )
    rerank_candidates: int = Field(
        default=20, ge=1, le=100, description="Best passages of the first order that are compared."
    )
    rerank_timeout_ms: int = Field(
        default=500,
        ge=1,
        le=60_000,
        description="Milliseconds a question may take to rerank; then its results keep their first order.",
    )
    search_timeout_ms: int = Field(
        default=5000,
        ge=50,
        le=60_000,
        description="Milliseconds for one search when a request does not say timeout_ms.",
    )

    cache_size: int = Field(
        default=1000,
        ge=0,
        le=10_000_000,
        description="Answers kept, those asked for often before the others; 0 keeps none.",
    )
    cache_max_bytes: int = Field(default=64 * 2**20, ge=0, description="Bytes of answers kept.")
    cache_ttl_seconds: float = Field(default=3600, gt=0, description="Seconds an answer is kept.")

    max_workers: int = Field(
        default=4, ge=1, le=256, description="Threads of the search pool; never more than the CPU quota allows."
    )
    max_queue: int = Field(
        default=64, ge=0, description="Searches that may wait for a thread before OVERLOADED is answered."
    )
    batch_size: int = Field(default=32, ge=1, le=256, description="Texts in one request to the embedder.")

    rate_limit_per_minute: int = Field(
        default=0, ge=0, description="Requests a minute of one key or client address, for each process; 0 is no limit."
    )
    trusted_proxies: Names = Field(
        default=(), description="Addresses or networks whose X-Forwarded-For is believed, comma-separated."
    )
    api_key: SecretStr | None = Field(default=None, description="One key with all scopes.")
    api_keys_file: Path | None = Field(
        default=None, description="Keys, one a line: `id sha256hex scopes [not-after]`; reloaded when it changes."
    )
    tls_cert_file: Path | None = Field(
        default=None, description="Certificate chain in PEM, reloaded when it changes; needs TLS_KEY_FILE."
    )
    tls_key_file: Path | None = Field(default=None, description="Private key in PEM; needs TLS_CERT_FILE.")
    cors_origins: Names = Field(default=(), description="Origins whose pages may call the API, comma-separated.")

    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        default=None, description="Least severe lines logged; unset: info, or debug with DEBUG."
    )
    log_file: Path | None = Field(
        default=None, description="File for the log, opened for appending; unset: standard error."
    )
    log_queries: bool = Field(default=False, description="Log questions as typed; otherwise only a short hash of each.")
    log_key_file: Path | None = Field(
        default=None,
        description="File of random bytes with which these hashes are keyed, so that nobody finds out a question by "
        "trying; servers with the same key give the same hashes, and tell each other on OPS_PORT what is asked most "
        "(WARM_URL). Unset: without a key.",
    )
    analytics_window_seconds: int = Field(
        default=86_400, ge=60, description="How far back /analytics looks, in seconds."
    )

    poll_seconds: float = Field(
        default=0.5,
        gt=0,
        le=60,
        description="Seconds between looks at the pointer to the generation, keys, certificate and glossary.",
    )
    drain_seconds: float = Field(
        default=0,
        ge=0,
        le=300,
        description="Seconds to go on answering, un-ready, after SIGTERM: what a load balancer needs.",
    )
    shutdown_seconds: int = Field(
        default=20, ge=1, le=300, description="Seconds that requests in flight get to end after that."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, ProfileValues(settings_cls)

    @field_validator("api_port", mode="before")
    @classmethod
    def not_a_service_link(cls, value: object) -> object:
        """Kubernetes sets API_PORT=tcp://… in every pod of a namespace that has a Service named `api`."""
        if isinstance(value, str) and value.startswith("tcp://"):
            raise ValueError(
                f"{value!r} was put there by Kubernetes because a Service in this namespace is named 'api'; set "
                "enableServiceLinks: false in the pod, or set API_PORT explicitly in its env"
            )
        return value

    @field_validator("trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def split_at_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        networks(value)
        return value

    @field_validator("api_key")
    @classmethod
    def sendable(cls, value: SecretStr | None) -> SecretStr | None:
        """Without the white space around it, which a file or an editor adds and no header keeps."""
        if value is None:
            return None
        key = value.get_secret_value().strip()
        if not key:
            raise ValueError("is blank; give a key, or unset it to let everybody in")
        if not (key.isascii() and key.isprintable()):
            raise ValueError("holds a character that no request can carry in a header; use printable ASCII alone")
        return SecretStr(key)

    @field_validator("fusion", "log_level", "profile", "query_provider", mode="before")
    @classmethod
    def any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def pairs_are_whole(self) -> "Settings":
        for first, second in (("tls_cert_file", "tls_key_file"), ("faiss_index_path", "faiss_metadata_path")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                given, missing = (first, second) if getattr(self, first) is not None else (second, first)
                raise ValueError(f"{given.upper()} is set and {missing.upper()} is not: set both or neither")
        if self.faiss_index_path and self.faiss_metadata_path:
            folder, other = self.faiss_index_path.resolve().parent, self.faiss_metadata_path.resolve().parent
            if folder != other:
                raise ValueError(
                    f"FAISS_INDEX_PATH lies in {folder} and FAISS_METADATA_PATH in {other}: both must be files of "
                    "one generation folder (index.bin and meta.json)"
                )
        self._check_store()
        self._check_warm_url()
        if self.dense_weight == 0 and self.lexical_weight == 0:
            raise ValueError("DENSE_WEIGHT and LEXICAL_WEIGHT are both 0: at least one leg must count")
        if self.min_query_length > self.max_query_length:
            raise ValueError(
                f"MIN_QUERY_LENGTH {self.min_query_length} is above MAX_QUERY_LENGTH {self.max_query_length}"
            )
        return self

    def _check_store(self) -> None:
        """ValueError when STORE_URL is set and cannot be used as it is."""
        if self.store_url and self.faiss_index_path:
            raise ValueError(
                "STORE_URL and FAISS_INDEX_PATH are set: a generation is either fetched or here; unset one of them"
            )
        if self.store_url:
            require_url("STORE_URL", self.store_url)
            if not self.generation and not self.generation_file:
                raise ValueError(
                    "STORE_URL is set and neither GENERATION nor GENERATION_FILE is: set one of them, it names what is "
                    "fetched"
                )

    def _check_warm_url(self) -> None:
        """ValueError when WARM_URL is set and cannot be asked."""
        if self.warm_url is None:
            return
        if self.log_key_file is None:
            raise ValueError(
                "WARM_URL is set and LOG_KEY_FILE is not: questions are told to servers of the same key alone"
            )
        require_url("WARM_URL", self.warm_url)
        if "@" in urlsplit(self.warm_url).netloc:
            raise ValueError("WARM_URL names a user: servers know each other by LOG_KEY_FILE; leave the user out")

    @property
    def effective_log_level(self) -> str:
        return self.log_level or ("debug" if self.debug else "info")

    @property
    def keys_wanted(self) -> bool:
        """Whether requests need a key at all."""
        return self.api_key is not None or self.api_keys_file is not None

    def masked(self) -> dict[str, Any]:
        """What is in effect, for /config: secrets and the parts of URLs that may hold them are starred out."""
        values = self.model_dump(mode="json")
        if self.api_key is not None:
            values["api_key"] = "***"
        for address in ADDRESSES:
            if values[address] is not None:
                values[address] = "***"
        return values


def require_url(variable: str, address: str) -> None:
    """ValueError, without the address, which may hold a password, unless it can be asked."""
    try:
        usable = urlsplit(address).port != 0 and bool(httpx.URL(address).host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ValueError(f"{variable} is no URL; expected one such as http://help-store:8001")


def problems_of(error: ValidationError) -> list[str]:
    """One line for each wrong setting: the variable, what was found unless it may hold a secret, what was expected."""
    lines = []
    for problem in error.errors():
        variable = ".".join(str(part) for part in problem["loc"]).upper() or "settings"
        hidden = problem["type"] == "value_error" or variable in SECRET
        found = "" if hidden else f" (found {problem['input']!r})"
        lines.append(f"{variable}: {problem['msg'].removeprefix('Value error, ')}{found}")
    return lines


def settings_document() -> str:
    """docs/settings.md: every variable with its default and meaning, as a Markdown table."""
    lines = [
        "# Settings of the server",
        "",
        "Read from the environment and from `.env`. The environment wins over `.env`, both win over `PROFILE`.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or default == () else f"`{str(default).lower() if default is False else default}`"
        lines.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(settings_document(), end="")
