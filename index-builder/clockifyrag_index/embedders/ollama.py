"""OllamaEmbedder: texts → vectors by a model server, which is not trusted: each answer is checked, a bad text found.

texts ─ checked ─► batches (count and characters) ─► /api/embed ─┬─ vectors, checked ─► rows, in the texts' order
                                     ▲                           ├─ not now ─► the same again, until the deadline
                                     └───── two halves ──────────┴─ a text may be the cause ─► one text: TextRefused
"""

import logging
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import numpy as np

from clockifyrag_resource.profiles import ModelProfile, canonical_model, model_profile

from ..errors import AskedInHaste, BadVectors, EmbedderError, EmbedderUnavailable, TextRefused
from . import EmbedderIdentity, Vectors
from .batches import batches
from .bert_words import BERT_VOCABULARY, bert_words
from .breaker import Breaker
from .canaries import CANARY_TEXTS
from .checks import refuse_unreadable
from .ollama_model import OllamaModel
from .ollama_server import NotUnderstood, OllamaServer, RequestRefused, Times, Unanswered
from .parity import batch_equals_singles
from .token_bound import TokenBound

NEARLY_ALL = 0.9  # of the time of a question: what fails later has failed for want of time
SINGLY_MAX = 16  # so few texts go one by one: a batch saves a server the HTTP only, and must be proved first

log = logging.getLogger(__name__)


class OllamaEmbedder:
    """Keeps the promise of `Embedder`; several threads may use it at once."""

    def __init__(
        self,
        url: str,
        model: str | ModelProfile,
        *,
        batch_size: int = 32,
        digest: str | None = None,
        times: Times | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        """Asks nothing yet. digest: when the model is first asked for it must have this one, else EmbedderMismatch."""
        self._profile = model_profile(model) if isinstance(model, str) else model
        self._times = times or Times()
        self._server = OllamaServer(url, self._times)
        self._model = OllamaModel(self._server, self._profile, digest, self._times)
        self._digest_wanted = digest is not None
        self._batch_size = batch_size
        self._breaker = breaker or Breaker()
        self._usual_seconds = 0.0  # the most that a question was given
        self._problem = ""  # what the last question or probe failed with
        self._bound = TokenBound(self._profile)
        self._batches_agree: bool | None = None  # None: not tried yet
        self._trying = threading.Lock()

    @property
    def identity(self) -> EmbedderIdentity:
        """As `Embedder` promises; asked for once. EmbedderError when the server has no such model."""
        digest = self._model.digest(self._times.identity)
        if self._model.dimensions is None:
            self._model.vectors_in_time([CANARY_TEXTS[0]], self._times.deadline)
        assert self._model.dimensions is not None, "a checked answer has told the dimensions"
        return EmbedderIdentity.of(self._profile, digest, self._model.dimensions)

    @property
    def embeds_singly(self) -> bool:
        """Whether batches gave other vectors than single texts did, so that only single texts are sent."""
        return self._batches_agree is False

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """As `Embedder` promises. EmbedderUnavailable when a batch has no answer within its deadline."""
        refuse_unreadable(words := [self._words(text) for text in texts])
        inputs = [self._profile.document_prefix + one for one in words]
        self._bound.refuse_too_long(inputs)
        rows = np.empty((len(texts), self.identity.dimensions), np.float32)
        done = self._first_batch(inputs, rows) if len(texts) > SINGLY_MAX and self._batch_size > 1 else 0
        at_once = self._batch_size if self._batches_agree and len(texts) > SINGLY_MAX else 1
        for places in batches([len(text) for text in inputs[done:]], at_once):
            at = range(done + places.start, done + places.stop)
            rows[at.start : at.stop] = self._isolated(inputs, at, time.monotonic() + self._times.deadline)
        return rows

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """As `Embedder` promises; asked once, not again. EmbedderUnavailable at once while the server does not answer.

        AskedInHaste where a question gets no answer that has less than half of the time of others: a client that waits
        for 50 ms would else take the vectors from everybody, as a server that fails is left alone.
        A question above the context is cut there, by servers that do so; a document never.
        """
        refuse_unreadable([words := self._words(text)])
        self._require_rest_is_over()
        seconds = self._times.answer if timeout_seconds is None else timeout_seconds
        self._usual_seconds = max(self._usual_seconds, timeout_seconds or 0.0)
        asked_at = time.monotonic()
        try:
            if self._digest_wanted:
                self._model.digest(seconds, again=False)
            row: Vectors = self._model.vectors([self._profile.query_prefix + words], seconds, truncate=True)[0]
        except (EmbedderUnavailable, BadVectors, NotUnderstood) as error:  # no use costs as much as no answer
            was_in_time = time.monotonic() - asked_at < NEARLY_ALL * seconds  # then it is the server's own failure
            if not was_in_time and timeout_seconds is not None and timeout_seconds < self._usual_seconds / 2:
                raise AskedInHaste(str(error)) from error
            self._problem = str(error)
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return row

    def warm_up(self) -> None:
        """Has the model loaded and waits for it: a request with a short timeout would break the loading off again."""
        self._model.vectors([self._profile.query_prefix + CANARY_TEXTS[0]], self._times.answer)

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` with prefix and special tokens, at most; see `TokenBound`."""
        return self._bound.of(self._profile.document_prefix + self._words(text))

    def require_same(self) -> None:
        """As `Replaceable` promises; a server that was never asked for its model has nothing to compare."""
        self._model.require_same(self._times.identity)

    def close(self) -> None:
        """Ends the connections."""
        self._server.close()

    def _words(self, text: str) -> str:
        """The text as the model's tokenizer would cut it, where the server's own would cut it otherwise."""
        return bert_words(text) if canonical_model(self._profile.model) in BERT_VOCABULARY else text

    def _first_batch(self, inputs: Sequence[str], rows: Vectors) -> int:
        """How many of the rows it filled: the first batch of all proves that a batch gives what single texts give."""
        with self._trying:
            if self._batches_agree is not None:
                return 0
            ends = time.monotonic() + self._times.deadline
            first = next(batches([len(text) for text in inputs], self._batch_size))
            rows[: first.stop] = self._isolated(inputs, first, ends)
            embed = partial(self._model.vectors_in_time, seconds=self._times.deadline)
            self._batches_agree = batch_equals_singles(embed, inputs[: first.stop], rows[: first.stop])
            if self._batches_agree:
                return first.stop
            log.warning(
                "Ollama at %s gives texts in a batch of %d other vectors than alone; they are sent one by one now, "
                "which is slower. Update Ollama, or lower embedding.batchSize",
                self._server.shown,
                len(first),
            )
            return 0

    def _isolated(self, inputs: Sequence[str], places: range, ends: float) -> Vectors:
        """(len(places), dimensions) float32; halves what fails until one text stands alone, which TextRefused names."""
        several = len(places) > 1
        try:
            seconds = ends - time.monotonic()
            return self._model.vectors_in_time([inputs[at] for at in places], seconds, blamed=0 if several else 2)
        except (TextRefused, RequestRefused, Unanswered) as error:
            if not isinstance(error, TextRefused) and not error.perhaps_text:
                raise
            if not several:
                self._blame(places.start, error)
            if time.monotonic() > ends:
                raise EmbedderUnavailable(
                    f"{len(places)} texts had no answer within {self._times.deadline:g} seconds; at last: {error}"
                ) from error
        middle = len(places) // 2
        return np.concatenate([self._isolated(inputs, part, ends) for part in (places[:middle], places[middle:])])

    def _blame(self, place: int, error: EmbedderError) -> NoReturn:
        """TextRefused for the text at `place`, or the error of a harmless text, if that fails as well."""
        try:
            self._model.vectors_in_time([CANARY_TEXTS[0]], self._times.answer)
        except TextRefused as same:
            raise BadVectors(
                f"{self._profile.model} at {self._server.shown} gives every text a useless vector: {same.reason}; "
                "restart Ollama, and where it uses a GPU try without (ollama/ollama#15582)"
            ) from error
        raise TextRefused(place, error.reason if isinstance(error, TextRefused) else str(error)) from error

    def _require_rest_is_over(self) -> None:
        """EmbedderUnavailable at once while the breaker is open. Somebody else then finds out when the server answers.

        That is a thread with all the time a cold model needs: with the short timeout of a question the server would
        break off loading each time and never be ready.
        """
        if not self._breaker.open:
            return
        if self._breaker.claim_probe():
            threading.Thread(target=self._probe, name="embedder-probe", daemon=True).start()
        raise EmbedderUnavailable(
            f"Ollama at {self._server.shown} failed several times in a row and is left alone; at last: {self._problem}"
        )

    def _probe(self) -> None:
        try:
            self.warm_up()
        except Exception as error:  # whatever it is: until this is told, nobody else may try
            self._problem = str(error)
            self._breaker.failed()
            log.info("the embedder still fails: %s", error)
        else:
            self._breaker.succeeded()
            log.warning("Ollama at %s answers again", self._server.shown)
