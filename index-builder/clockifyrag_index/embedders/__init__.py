"""Embedders: texts → vectors. Ollama over HTTP, or Local in this process; both keep the promise of `Embedder`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from clockifyrag_resource.profiles import ModelProfile, canonical_model

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Which model made the vectors: stands in the manifest, and a server compares it before it answers.

    `model` is provider-neutral: all-minilm from Ollama and all-minilm in the process are one model, which the canary
    vectors of the manifest prove.
    """

    model: str
    digest: str  # of the weights as the provider names it: "sha256:…"
    dimensions: int
    context_tokens: int
    document_prefix: str
    query_prefix: str

    @classmethod
    def of(cls, profile: ModelProfile, digest: str, dimensions: int, context_tokens: int | None = None) -> Self:
        """The identity of a profile's model; context_tokens: where the model reads fewer than its profile says."""
        return cls(
            model=canonical_model(profile.model),
            digest=digest,
            dimensions=dimensions,
            context_tokens=context_tokens or profile.context_tokens,
            document_prefix=profile.document_prefix,
            query_prefix=profile.query_prefix,
        )


class Embedder(Protocol):
    """Turns texts into unit-length vectors; the same text gives the same vector in any batch."""

    @property
    def identity(self) -> EmbedderIdentity:
        """The model behind this embedder. EmbedderUnavailable when the model server does not say."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimensions) float32 rows of length 1, in the order of `texts`.

        The document prefix is added here. EmbedderError names the position of a text that cannot be embedded; nothing
        is cut off: a text above the context is an error.
        """

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """(dimensions,) float32 of length 1 for a question; the query prefix is added here.

        EmbedderUnavailable when it takes longer than `timeout_seconds`.
        """

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` with prefix and special tokens; an upper bound where the tokenizer is unknown."""

    def close(self) -> None:
        """Gives connections and memory back; the embedder is not used afterwards."""


@runtime_checkable
class Replaceable(Protocol):
    """An embedder whose model somebody may replace under its name while it embeds, as on a model server."""

    def require_same(self) -> None:
        """EmbedderMismatch where the model is another one by now than `identity` tells. EmbedderError without one."""
