"""Embedding of questions: which embedder fits the index served, and what happens while it does not answer."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clockifyrag_index.embedders import Embedder, EmbedderIdentity, Vectors
from clockifyrag_index.errors import EmbedderError, EmbedderMismatch, EmbedderUnavailable
from clockifyrag_index.manifest import Manifest
from clockifyrag_resource.profiles import LOCAL_MODELS, canonical_model

from .settings import Settings

AGREEMENT_MIN = 0.999  # cosine of a canary embedded here with the same canary in the manifest
FAILURES_MAX = 3  # in a row, before the embedder is left alone for a while
PAUSE_SECONDS = 5.0
VECTORS_KEPT = 2000  # of recent questions; they outlive a change of the index

log = logging.getLogger(__name__)


class GuardedEmbedder:
    """An embedder that costs nothing while it is down: after FAILURES_MAX failures it is asked again only now and then.

    Keeps the vectors of recent questions. Several threads may ask.
    """

    def __init__(
        self, inner: Embedder, identity: EmbedderIdentity, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.refused: str | None = None  # why its vectors must not be used
        self._inner = inner
        self._identity = identity
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def identity(self) -> EmbedderIdentity:
        """What the manifest says; asking the model server could block."""
        return self._identity

    @property
    def down(self) -> bool:
        """Whether the last FAILURES_MAX attempts failed."""
        return self._failures >= FAILURES_MAX

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._inner.embed_documents(texts)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """(dimensions,) float32 of length 1. EmbedderUnavailable at once while the embedder is left alone."""
        if self.refused:
            raise EmbedderMismatch(self.refused)
        with self._lock:
            vector = self._vectors.get(text)
            if vector is not None:
                self._vectors.move_to_end(text)
                return vector
            self._let_through()
        try:
            vector = self._inner.embed_question(text, timeout_seconds)
        except EmbedderError:
            self._failed()
            raise
        with self._lock:
            self._failures = 0
            self._vectors[text] = vector
            if len(self._vectors) > VECTORS_KEPT:
                self._vectors.popitem(last=False)
        return vector

    def _let_through(self) -> None:
        """Under the lock: raises while the embedder rests; otherwise lets one caller try and the others wait for it."""
        now = self._clock()
        if self.down and now < self._open_until:
            raise EmbedderUnavailable(f"the embedder failed {self._failures} times in a row and is left alone")
        if self.down:
            self._open_until = now + PAUSE_SECONDS

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures == FAILURES_MAX:
                log.warning("the embedder failed %d times in a row; keywords alone answer", FAILURES_MAX)
            if self.down:
                self._open_until = self._clock() + PAUSE_SECONDS

    def count_tokens(self, text: str) -> int:
        return self._inner.count_tokens(text)

    def close(self) -> None:
        self._inner.close()


@dataclass(frozen=True, slots=True)
class QuestionEmbedder:
    """The embedder for one index, and what is known of it."""

    embedder: GuardedEmbedder | None
    provider: str  # "local", "ollama" or "none"
    reason: str | None = None  # why there is none, or why it has not been compared with the index yet
    compared: bool = True

    @property
    def verdict(self) -> str:
        """One word for /status: ok, mismatch, unreachable or absent."""
        if self.embedder is None:
            return "absent"
        if self.embedder.refused:
            return "mismatch"
        return "unreachable" if self.embedder.down or not self.compared else "ok"


def question_embedder(
    manifest: Manifest, settings: Settings, previous: QuestionEmbedder | None = None
) -> QuestionEmbedder:
    """The embedder that made the index, or its twin; `previous` again where it is that.

    EmbedderMismatch when only another model can be had.
    """
    wanted = canonical_model(manifest.embedder.model)
    if settings.embedding_model and canonical_model(settings.embedding_model) != wanted:
        raise EmbedderMismatch(
            f"the index was made with {wanted}, EMBEDDING_MODEL says {settings.embedding_model}; rebuild the index "
            "with that model or unset EMBEDDING_MODEL"
        )
    if previous is not None and still_fits(previous, manifest):
        return previous
    if settings.query_provider != "ollama" and wanted in LOCAL_MODELS:
        found = compared_local(wanted, manifest, settings)
        if found is not None:
            return found
    if settings.query_provider == "local":
        raise EmbedderMismatch(
            f"QUERY_PROVIDER is local, but {wanted} has no local twin; local models are {', '.join(LOCAL_MODELS)}"
        )
    if settings.llm_base_url is None:
        reason = f"the index was made with {wanted} by Ollama and LLM_BASE_URL is not set"
        return QuestionEmbedder(None, "none", reason)
    return compared_ollama(wanted, manifest, settings, settings.llm_base_url)


def still_fits(previous: QuestionEmbedder, manifest: Manifest) -> bool:
    """Whether the embedder in use may embed questions for this index, too; it keeps its vectors and connections."""
    embedder = previous.embedder
    if embedder is None or embedder.refused or embedder.identity != manifest.embedder:
        return False
    return previous.provider == "ollama" or disagreement(embedder, manifest) is None


def compared_local(model: str, manifest: Manifest, settings: Settings) -> QuestionEmbedder | None:
    """The local model if its canaries agree; None when Ollama may be asked instead. EmbedderMismatch otherwise."""
    from clockifyrag_index.embedders.local import local_embedder  # loads the tokenizer library: only where it is needed

    embedder = local_embedder(model, settings.local_model_dir)
    difference = disagreement(embedder, manifest)
    if difference is None:
        return QuestionEmbedder(GuardedEmbedder(embedder, manifest.embedder), "local")
    embedder.close()
    if settings.query_provider == "local" or settings.llm_base_url is None:
        raise EmbedderMismatch(difference)
    return None


def compared_ollama(model: str, manifest: Manifest, settings: Settings, url: str) -> QuestionEmbedder:
    """Ollama's model; compared with the index now if Ollama answers, else later by `compare_again`."""
    from clockifyrag_index.embedders.ollama import OllamaEmbedder

    guarded = GuardedEmbedder(OllamaEmbedder(url, model), manifest.embedder)
    try:
        difference = disagreement(guarded, manifest)
    except EmbedderUnavailable as error:
        log.warning("Ollama cannot be asked yet, keywords alone answer: %s", error)
        return QuestionEmbedder(guarded, "ollama", "Ollama has not answered yet", compared=False)
    if difference is not None:
        guarded.close()
        raise EmbedderMismatch(difference)
    return QuestionEmbedder(guarded, "ollama")


def disagreement(embedder: Embedder, manifest: Manifest) -> str | None:
    """Why this embedder's vectors do not belong into the index, or None; EmbedderUnavailable when it does not answer.

    Compares the canaries of the manifest: the same texts must give nearly the same vectors.
    """
    if not manifest.canaries:
        return None
    stored = manifest.canary_vectors
    ours = embedder.embed_documents([canary.text for canary in manifest.canaries])
    if ours.shape != stored.shape:
        return (
            f"the index has {stored.shape[1]} dimensions, the embedder {ours.shape[1]}: another model stands under the "
            f"name {manifest.embedder.model}; rebuild the index or restore the model"
        )
    cosine = float(np.min(np.sum(ours * stored, axis=1)))
    if cosine >= AGREEMENT_MIN:
        return None
    return (
        f"canary sentences embedded now and when the index was made have a cosine of {cosine:.4f}, expected at least "
        f"{AGREEMENT_MIN}: another model stands under the name {manifest.embedder.model}; rebuild the index or restore "
        "the model"
    )
