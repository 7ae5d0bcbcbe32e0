"""Opening an embedder: the one place that knows which provider is which."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from clockifyrag_resource.profiles import ModelProfile

from ..errors import EmbedderError
from . import Embedder, EmbedderIdentity

Provider = Literal["Ollama", "Local"]


def open_embedder(
    provider: Provider,
    profile: ModelProfile,
    *,
    url: str | None = None,
    batch_size: int = 32,
    digest: str | None = None,
    local_model_dir: Path | str | None = None,
) -> Embedder:
    """The embedder of a model: Ollama at `url`, or Local in this process.

    batch_size: texts a request, Ollama only. digest: any other model under this name is EmbedderMismatch, from Local
    here, from Ollama when it is first asked: opening does not need a model server that answers. local_model_dir: files
    in place of the installed package's; unset: those LOCAL_MODEL_DIR names, if it does. EmbedderError when something
    needed is missing.
    """
    if provider == "Local":
        from .local import local_embedder

        return local_embedder(profile, local_model_dir or os.environ.get("LOCAL_MODEL_DIR"), digest)
    if not url:
        raise EmbedderError(f"{profile.model} runs in Ollama and no address is given; set LLM_BASE_URL")
    from ..retries import tell_retries
    from .ollama import OllamaEmbedder

    tell_retries()
    return OllamaEmbedder(url, profile, batch_size=batch_size, digest=digest)


def open_replicas(
    urls: Sequence[str], profile: ModelProfile, *, batch_size: int = 32, digest: str | None = None
) -> Embedder:
    """The embedder of a model that each of these Ollamas has; as many calls at once as there are of them."""
    from .replicas import Replicas

    opened = [open_embedder("Ollama", profile, url=url, batch_size=batch_size, digest=digest) for url in urls]
    return opened[0] if len(opened) == 1 else Replicas(opened)


def profile_of(identity: EmbedderIdentity) -> ModelProfile:
    """The profile that a manifest's embedder had, for a server that must embed questions as the documents were."""
    return ModelProfile(
        model=identity.model,
        dimensions=identity.dimensions,
        context_tokens=identity.context_tokens,
        document_prefix=identity.document_prefix,
        query_prefix=identity.query_prefix,
    )
