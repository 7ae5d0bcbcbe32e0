"""The options of `clockifyrag index build` that say what makes the vectors, and the embedder they name."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clockifyrag_index.embedders import Embedder
    from clockifyrag_index.embedders.opening import Provider
    from clockifyrag_resource.profiles import ModelProfile

CALL_SECONDS_WHILE_SERVING = 0.25  # a question waits for no longer behind a build


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderOptions:
    """What makes the vectors, and how much of it the build may use."""

    embedder: str
    model: str | None
    ollama_urls: list[str] | None
    serving: bool
    digest: str | None
    batch_size: int
    dimensions: int | None
    document_prefix: str | None
    query_prefix: str | None
    context_tokens: int | None

    @property
    def provider(self) -> "Provider":
        """UsageError for another word than local or ollama."""
        from clockifyrag_cli.opened import provider_of

        return provider_of(self.embedder)

    @property
    def urls(self) -> list[str]:
        """The servers to use, which are given one by one or separated by commas.

        While the resource serves, the first of several is left to questions.
        """
        urls = [url.strip() for text in self.ollama_urls or () for url in text.split(",") if url.strip()]
        return urls[1:] if self.serving and len(urls) > 1 else urls

    @property
    def in_flight(self) -> int:
        """Calls of the embedder at once."""
        from clockifyrag_builder.plan import calls_at_once

        return calls_at_once(len(self.urls), serving=self.serving) if self._asks_a_server else calls_at_once(1)

    @property
    def call_seconds(self) -> float | None:
        """About how long one call may take; None: as long as `batch_size` texts take."""
        return CALL_SECONDS_WHILE_SERVING if self.serving and self._asks_a_server else None

    def profile(self) -> "ModelProfile":
        """The built-in profile of the model, with what is given put over it. UsageError for an unknown provider."""
        from clockifyrag_resource.profiles import DEFAULT_MODEL, model_profile

        changes: dict[str, Any] = {
            "dimensions": self.dimensions,
            "document_prefix": self.document_prefix,
            "query_prefix": self.query_prefix,
            "context_tokens": self.context_tokens,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        return dataclasses.replace(model_profile(self.model or DEFAULT_MODEL[self.provider]), **given)

    def opened(self, profile: "ModelProfile") -> "Embedder":
        """The embedder of that profile: one of all servers, where several are given. EmbedderError or UsageError."""
        from clockifyrag_cli.variables import said
        from clockifyrag_index.embedders.opening import open_embedder, open_replicas

        if self._asks_a_server and self.urls:
            return open_replicas(self.urls, profile, batch_size=self.batch_size, digest=self.digest)
        return open_embedder(
            self.provider, profile, batch_size=self.batch_size, digest=self.digest,
            local_model_dir=said("LOCAL_MODEL_DIR"),
        )  # fmt: skip

    @property
    def _asks_a_server(self) -> bool:
        return self.provider == "Ollama"
