"""Embedding of questions: which embedder fits the index served, and proof that it does before it is used.

local twin ─ canaries agree ──► used at once
Ollama ──── compared beside everything else, a cold model takes its time ──► used as soon as the canaries agree
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clockifyrag_index.embedders import Embedder, EmbedderIdentity, Vectors
from clockifyrag_index.embedders.canaries import AGREEMENT_COSINE, lowest_cosine
from clockifyrag_index.embedders.opening import open_embedder, profile_of
from clockifyrag_index.embedders.vocabulary import knows_word
from clockifyrag_index.embedders.weighing import WordWeight
from clockifyrag_index.errors import AskedInHaste, EmbedderError, EmbedderMismatch, EmbedderUnavailable, TextRefused
from clockifyrag_index.manifest import Manifest
from clockifyrag_resource.profiles import LOCAL_MODELS, canonical_model

from .flights import ThreadFlight
from .settings import Settings

FAILURES_MAX = 3  # questions in a row without a vector, before the embedder is called unreachable
COMPARED_WITHIN_SECONDS = 2.0  # that a new index waits for a model server; it serves without it then
# Where index and embedder have weights of one digest: left to prove are tokenizer and arithmetic, and each canary
# keeps a start with all-minilm waiting for 8 ms.
SAME_WEIGHTS_CANARIES = 2
VECTORS_KEPT = 2000  # of recent questions; they outlive a change of the index

Provider = Literal["local", "ollama", "none"]
Verdict = Literal["ok", "unreachable", "mismatch", "absent"]

log = logging.getLogger(__name__)


class ProvenEmbedder:
    """An embedder that is used only once its canaries have agreed; keeps the vectors of recent questions.

    Several threads may ask.
    """

    def __init__(self, inner: Embedder, identity: EmbedderIdentity) -> None:
        self.verdict: Verdict = "unreachable"
        self.reason: str | None = "the embedder has not been compared with the index yet"
        self._inner = inner
        self._identity = identity
        self._failures = 0
        self._failure = ""  # what the last question without a vector met
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._flights: ThreadFlight[Vectors] = ThreadFlight()

    @property
    def identity(self) -> EmbedderIdentity:
        """What the manifest says; asking the model server could take long."""
        return self._identity

    def compare(self, manifest: Manifest, canaries_max: int | None = None) -> None:
        """Asks for the canaries and sets the verdict. While the embedder does not answer an earlier `ok` stays.

        canaries_max: the first of them only, 1 or more; None: all.
        """
        try:
            difference = disagreement(self._inner, manifest, canaries_max)
        except EmbedderMismatch as error:
            difference = str(error)
        except EmbedderError as error:
            reason = f"the embedder could not be compared with the index: {error}"
            if self.verdict != "ok" and reason != self.reason:
                self.reason = reason
                log.warning("keywords alone answer: %s", reason)
            return
        if difference is not None and self.verdict != "mismatch":
            log.error("keywords alone answer: %s", difference)
        self.verdict, self.reason = ("ok", None) if difference is None else ("mismatch", difference)
        self._failures = 0

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._inner.embed_documents(texts)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """(dimensions,) float32 of length 1. EmbedderUnavailable while unproven; EmbedderMismatch when disproven."""
        if self.verdict == "mismatch":
            raise EmbedderMismatch(self.reason)
        if self.verdict != "ok":
            raise EmbedderUnavailable(self.reason)
        vector = self._kept(text)
        if vector is not None:
            return vector
        started, led = time.monotonic(), False

        def lead() -> Vectors:
            nonlocal led
            led = True
            return self._embedded(text, timeout_seconds)

        try:
            return self._flights.do(text, lead, timeout_seconds)
        except TimeoutError as error:
            raise EmbedderUnavailable("another thread waits too long for the same vector") from error
        except AskedInHaste:
            if led:
                raise
        # The thread that asked first had less time than this one: one of those who still wait asks for all of them.
        left = None if timeout_seconds is None else timeout_seconds - (time.monotonic() - started)
        if left is not None and left <= 0:
            raise EmbedderUnavailable("another thread waits too long for the same vector")
        return self.embed_question(text, left)

    def _embedded(self, text: str, timeout_seconds: float | None) -> Vectors:
        """Asks the embedder and keeps the vector, unless another thread has just done so."""
        kept = self._kept(text)
        if kept is not None:
            return kept
        try:
            vector = self._inner.embed_question(text, timeout_seconds)
        except (TextRefused, AskedInHaste):
            raise  # nothing to read, or no time to: that says nothing of the embedder
        except EmbedderError as error:
            self._failures += 1
            self._failure = str(error)
            if self._failures == FAILURES_MAX:
                log.warning("keywords alone answer: %s", error)
            raise
        self._failures = 0
        with self._lock:
            self._vectors[text] = vector
            if len(self._vectors) > VECTORS_KEPT:
                self._vectors.popitem(last=False)
        return vector

    def _kept(self, text: str) -> Vectors | None:
        with self._lock:
            vector = self._vectors.get(text)
            if vector is not None:
                self._vectors.move_to_end(text)
            return vector

    def embed_weighed(self, text: str, weight: WordWeight) -> Vectors | None:
        """As the embedder itself, once it is proven; None where it weighs no words. Nothing is kept: it is quick."""
        weigh = getattr(self._inner, "embed_weighed", None)
        if weigh is None or self.verdict != "ok":
            return None
        vector: Vectors | None = weigh(text, weight)
        return vector

    def knows_word(self, word: str) -> bool:
        """As the embedder itself, proven or not: its vectors are not asked for."""
        return knows_word(self._inner, word)

    @property
    def helps(self) -> Verdict:
        """The verdict, `unreachable` too when the last questions got no vector."""
        return "unreachable" if self.verdict == "ok" and self._failures >= FAILURES_MAX else self.verdict

    @property
    def helps_not_because(self) -> str | None:
        """Why `helps` is not ok, with the addresses of the inside; None when it is."""
        return self._failure if self.helps != self.verdict else self.reason

    def count_tokens(self, text: str) -> int:
        return self._inner.count_tokens(text)

    def close(self) -> None:
        self._inner.close()


@dataclass(frozen=True, slots=True)
class QuestionEmbedder:
    """The embedder for one index, and where it runs."""

    embedder: ProvenEmbedder | None
    provider: Provider
    absent_because: str | None = None

    @property
    def verdict(self) -> Verdict:
        return self.embedder.helps if self.embedder else "absent"

    @property
    def reason(self) -> str | None:
        """Why the verdict is not ok, with the addresses of the inside; None when it is."""
        return self.embedder.helps_not_because if self.embedder else self.absent_because


class EmbedderChoice:
    """Finds the embedder for an index."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._comparing: threading.Thread | None = None

    def embedder_for(self, manifest: Manifest, previous: QuestionEmbedder | None = None) -> QuestionEmbedder:
        """The embedder that made the index, or its twin; `previous` again where it is that.

        EmbedderMismatch when only another model can be had.
        """
        settings, wanted = self._settings, canonical_model(manifest.embedder.model)
        if settings.embedding_model and canonical_model(settings.embedding_model) != wanted:
            raise EmbedderMismatch(
                f"the index was made with {wanted}, EMBEDDING_MODEL says {settings.embedding_model}; rebuild the index "
                "with that model or unset EMBEDDING_MODEL"
            )
        if previous is not None and still_fits(previous, manifest):
            return previous
        if settings.query_provider == "local" and wanted not in LOCAL_MODELS:
            raise EmbedderMismatch(
                f"QUERY_PROVIDER is local, but {wanted} has no local twin; local models are {', '.join(LOCAL_MODELS)}"
            )
        if settings.query_provider != "ollama" and wanted in LOCAL_MODELS:
            try:
                return self._local(manifest)
            except EmbedderError as error:
                if settings.query_provider == "local" or settings.llm_base_url is None:
                    raise
                log.warning("the local model is not used, Ollama is: %s", error)
        if settings.llm_base_url is None:
            return QuestionEmbedder(None, "none", f"the index was made with {wanted}; set LLM_BASE_URL to its Ollama")
        return self._ollama(manifest, settings.llm_base_url)

    def _local(self, manifest: Manifest) -> QuestionEmbedder:
        """The local model. EmbedderMismatch when a canary differs, EmbedderError when it is not installed."""
        profile = profile_of(manifest.embedder)
        inner = open_embedder("Local", profile, local_model_dir=self._settings.local_model_dir)
        embedder = ProvenEmbedder(inner, manifest.embedder)
        has_same_weights = inner.identity.digest == manifest.embedder.digest
        embedder.compare(manifest, SAME_WEIGHTS_CANARIES if has_same_weights else None)
        if embedder.verdict != "ok":
            embedder.close()
            raise EmbedderMismatch(embedder.reason)
        return QuestionEmbedder(embedder, "local")

    def _ollama(self, manifest: Manifest, url: str) -> QuestionEmbedder:
        """Ollama's model, compared within COMPARED_WITHIN_SECONDS or later. EmbedderMismatch when it is another."""
        profile = profile_of(manifest.embedder)
        inner = open_embedder("Ollama", profile, url=url, batch_size=self._settings.batch_size)
        embedder = ProvenEmbedder(inner, manifest.embedder)
        found = QuestionEmbedder(embedder, "ollama")
        self.compare_beside(found, manifest)
        assert self._comparing is not None
        self._comparing.join(COMPARED_WITHIN_SECONDS)
        if embedder.verdict == "unreachable":
            log.warning("Ollama has not answered within %g s; keywords answer until it does", COMPARED_WITHIN_SECONDS)
        if embedder.verdict == "mismatch":
            embedder.close()
            raise EmbedderMismatch(embedder.reason)
        return found

    def compare_beside(self, found: QuestionEmbedder, manifest: Manifest) -> None:
        """Begins a comparison unless one is under way; a daemon, so that no model server holds up the end."""
        if found.embedder is None or (self._comparing is not None and self._comparing.is_alive()):
            return
        self._comparing = threading.Thread(
            target=found.embedder.compare, args=(manifest,), name="compare-embedder", daemon=True
        )
        self._comparing.start()


def still_fits(previous: QuestionEmbedder, manifest: Manifest) -> bool:
    """Whether the embedder in use may embed questions for this index, too; it keeps its vectors and connections."""
    embedder = previous.embedder
    return embedder is not None and embedder.verdict == "ok" and embedder.identity == manifest.embedder


def disagreement(embedder: Embedder, manifest: Manifest, canaries_max: int | None = None) -> str | None:
    """Why this embedder's vectors do not belong into the index, or None; EmbedderUnavailable when it does not answer.

    The first `canaries_max` canaries of the manifest, or all, are embedded again: the same texts must give nearly the
    same vectors.
    """
    if not manifest.canaries:
        return None
    stored = manifest.canary_vectors[:canaries_max]
    ours = embedder.embed_documents([canary.text for canary in manifest.canaries[:canaries_max]])
    repair = f"another model stands under the name {manifest.embedder.model}; rebuild the index or restore the model"
    if ours.shape != stored.shape:
        return f"the index has {stored.shape[1]} dimensions, the embedder {ours.shape[1]}: {repair}"
    cosine = lowest_cosine(ours, stored)
    if cosine >= AGREEMENT_COSINE:
        return None
    return (
        f"canary sentences embedded now and when the index was made have a cosine of {cosine:.4f}, expected at least "
        f"{AGREEMENT_COSINE}: {repair}"
    )
