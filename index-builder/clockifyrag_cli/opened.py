"""Opening what a command works on: a generation with its embedder, as the server would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from clockifyrag_cli.variables import said
from clockifyrag_index.embedders import Embedder, EmbedderIdentity
from clockifyrag_index.embedders.opening import Provider, open_embedder, profile_of
from clockifyrag_index.errors import UsageError
from clockifyrag_index.fusion import Fusion, FusionMethod
from clockifyrag_index.search import SearchConfig, SearchEngine

if TYPE_CHECKING:
    from clockifyrag_builder.passages import ChunkLimits
    from clockifyrag_resource.profiles import ModelProfile

EMBED_TIMEOUT_SECONDS = 30.0  # a person waits; a first answer may have to load the model


@contextmanager
def opened_engine(root: Path, fusion: FusionMethod = "convex", ollama_url: str | None = None) -> Iterator[SearchEngine]:
    """The published generation of `root`, or the generation whose folder it is, ready for questions.

    fusion: how both legs become one ranking, with the weights of the generation's model. ollama_url: in
    place of LLM_BASE_URL. StorageError or EmbedderError say what is missing.
    """
    from clockifyrag_index.disk import storage_errors
    from clockifyrag_index.generations import current_generation_path, open_generation
    from clockifyrag_index.layout import META

    with storage_errors(root):
        path = root if (root / META).exists() else current_generation_path(root)
    generation = open_generation(path)
    embedder = embedder_of(generation.manifest.embedder, ollama_url)
    mix = replace(Fusion.of_model(generation.manifest.embedder.model), method=fusion)
    try:
        yield SearchEngine(generation, embedder, config=SearchConfig(mix, embed_timeout_seconds=EMBED_TIMEOUT_SECONDS))
    finally:
        embedder.close()
        generation.close()


def embedder_of(identity: EmbedderIdentity, ollama_url: str | None = None) -> Embedder:
    """The embedder that made an index: Local where the model runs in the process, else the Ollama of LLM_BASE_URL."""
    return local_or_ollama(profile_of(identity), ollama_url)


def local_or_ollama(profile: "ModelProfile", ollama_url: str | None = None) -> Embedder:
    """The embedder of a model: Local where it runs in the process, else the Ollama of LLM_BASE_URL."""
    from clockifyrag_resource.profiles import LOCAL_MODELS

    provider: Provider = "Local" if profile.model in LOCAL_MODELS else "Ollama"
    url = ollama_url or said("LLM_BASE_URL")
    return open_embedder(provider, profile, url=url, local_model_dir=said("LOCAL_MODEL_DIR"))


def fusion_of(name: str) -> FusionMethod:
    """The method of `--fusion`. UsageError for another word than convex or rrf."""
    match name.lower():
        case "convex":
            return "convex"
        case "rrf":
            return "rrf"
    raise UsageError(f"--fusion is {name!r}; expected convex or rrf")


def provider_of(name: str) -> Provider:
    """The provider of `--embedder`. UsageError for another word than local or ollama."""
    match name.lower():
        case "local":
            return "Local"
        case "ollama":
            return "Ollama"
    raise UsageError(f"--embedder is {name!r}; expected local or ollama")


def limits_of(profile: "ModelProfile", max_chars: int | None, min_chars: int) -> "ChunkLimits":
    """The chunk lengths of a model, max_chars over its own default."""
    from clockifyrag_builder.passages import ChunkLimits

    return ChunkLimits(max_chars or profile.max_chars, profile.context_tokens, min_chars, profile.document_prefix)
