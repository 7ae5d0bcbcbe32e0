"""What is known of the embedding models: dimensions, context, task prefixes, chunk size.

Sources: the model cards of nomic-embed-text-v1.5, all-MiniLM-L6-v2, mxbai-embed-large-v1 and bge-m3, and the
parameters Ollama's library gives them; WordLlama's README for wordllama.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What a builder and a server must agree on to use one embedding model."""

    model: str
    dimensions: int | None  # None: known only from the model's first answer
    context_tokens: int  # longest text the model reads, in its own tokens
    document_prefix: str = ""
    query_prefix: str = ""
    max_chars: int = 1600  # chunk length, prefix and breadcrumb included, when spec.chunking.maxChars is unset
    dense_share: float = 0.65  # of meaning in the mix with words, 0 to 1, when the weights are unset (docs/quality.md)


PROFILES: dict[str, ModelProfile] = {
    profile.model: profile
    for profile in (
        ModelProfile("nomic-embed-text", 768, 2048, "search_document: ", "search_query: ", max_chars=1600),
        ModelProfile("all-minilm", 384, 256, max_chars=800),
        ModelProfile("wordllama", 256, 100_000, max_chars=800, dense_share=0.4),
        ModelProfile(
            "mxbai-embed-large",
            1024,
            512,
            query_prefix="Represent this sentence for searching relevant passages: ",
            max_chars=1200,
        ),
        ModelProfile("bge-m3", 1024, 8192, max_chars=1600),
    )
}

LOCAL_MODELS = ("all-minilm", "wordllama")  # run in the process, without a model server
DEFAULT_MODEL = {"Ollama": "nomic-embed-text", "Local": "all-minilm"}


def canonical_model(name: str) -> str:
    """The one name of a model, as Ollama lists it but for `:latest`: without what it puts before and behind a name.

    >>> canonical_model("nomic-embed-text:latest")
    'nomic-embed-text'
    >>> canonical_model("registry.ollama.ai/library/nomic-embed-text:v1.5")
    'nomic-embed-text:v1.5'
    """
    short = name.removeprefix("registry.ollama.ai/")
    if short.count("/") == 1:  # with another host before it, library/ is that one's
        short = short.removeprefix("library/")
    return short.removesuffix(":latest")


def model_profile(name: str) -> ModelProfile:
    """The profile of the named model; an unknown model has no prefixes and takes its dimensions from its first answer.

    >>> model_profile("all-minilm:latest").dimensions
    384
    """
    canonical = canonical_model(name)
    return PROFILES.get(canonical) or ModelProfile(canonical, None, 512, max_chars=800)
