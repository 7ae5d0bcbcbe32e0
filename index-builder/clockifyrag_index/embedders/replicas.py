"""Replicas: one model on several servers, each with one request in flight, for a builder that keeps them all busy.

Ollama embeds one text at a time whatever it is asked at once, so speed grows with servers.
"""

import logging
import math
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue

from ..errors import EmbedderMismatch, EmbedderUnavailable
from . import Embedder, EmbedderIdentity, Replaceable, Vectors

log = logging.getLogger(__name__)


class Replicas:
    """Keeps the promise of `Embedder`; as many threads may embed at once as there are servers."""

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        """Asks nothing yet. The servers must have one model: another one is EmbedderMismatch when it is used."""
        assert embedders, "at least one server"
        self._all = tuple(embedders)
        self._identity: EmbedderIdentity | None = None
        self._lock = threading.Lock()
        self._away: list[Embedder] = []  # not asked while another one answers
        self._silent: list[Embedder] = []  # before anything was embedded
        self._failed_at: dict[Embedder, float] = {}  # when it last was asked in vain
        self._free: SimpleQueue[Embedder] = SimpleQueue()
        for embedder in self._all:
            self._free.put(embedder)

    @property
    def identity(self) -> EmbedderIdentity:
        """As `Embedder` promises, of the first server that answers."""
        with self._lock:
            if self._identity is None:
                self._identity = self._first_identity()
            return self._identity

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """As `Embedder` promises, by a server that is free; one that does not answer is asked again when none does."""
        began = time.monotonic()
        while True:
            embedder = self._free.get()
            try:
                rows = self._rows(embedder, texts)
            except EmbedderUnavailable as error:
                if self._gave_up(embedder, began):
                    log.warning("%s. The other model servers go on without it", error)
                    continue
                raise
            except BaseException:
                self._free.put(embedder)
                raise
            with self._lock:
                self._failed_at.pop(embedder, None)
            self._free.put(embedder)
            return rows

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """As `Embedder` promises, by the first server."""
        return self._all[0].embed_question(text, timeout_seconds)

    def count_tokens(self, text: str) -> int:
        """As `Embedder` promises."""
        return self._all[0].count_tokens(text)

    def require_same(self) -> None:
        """As `Replaceable` promises, of all servers that answer."""
        for embedder in self._all:
            if isinstance(embedder, Replaceable):
                try:
                    embedder.require_same()
                except EmbedderUnavailable as error:
                    log.warning("%s. What it embedded before is taken as it is", error)

    def close(self) -> None:
        """Ends the connections to all servers."""
        for embedder in self._all:
            embedder.close()

    def _rows(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        wanted = self.identity
        if embedder in self._silent:
            raise EmbedderUnavailable("a model server that did not answer before is left out")
        found = embedder.identity
        if found != wanted:
            raise EmbedderMismatch(
                f"the model servers have different models under the name {wanted.model}: {wanted.digest} of "
                f"{wanted.dimensions} dimensions and {found.digest} of {found.dimensions}; pull the same one on all"
            )
        return embedder.embed_documents(texts)

    def _gave_up(self, embedder: Embedder, began: float) -> bool:
        """Whether a server is left for the text: all but those that have failed since it `began`, whoever asked them.

        This one is not asked while others are; where none is, all may be.
        """
        with self._lock:
            if embedder not in self._silent:  # one of those was left out, not asked
                self._failed_at[embedder] = time.monotonic()
            self._away.append(embedder)
            left = any(self._failed_at.get(one, -math.inf) < began for one in self._all)
            if not left or len(self._away) == len(self._all):
                for one in self._away:
                    self._free.put(one)
                self._away.clear()
                self._silent.clear()
            return left

    def _first_identity(self) -> EmbedderIdentity:
        """What the first server to answer tells; those before it are not asked again. EmbedderError of the last one."""
        *first, last = self._all
        for embedder in first:
            try:
                return embedder.identity
            except EmbedderUnavailable as error:
                log.warning("%s. Another model server is asked", error)
                self._failed_at[embedder] = time.monotonic()
                self._silent.append(embedder)
        return last.identity
