"""Serving: the one generation that answers, and the change to the next without a failed request.

    loader thread:  open beside ─ verify ─ canary ─ warm ──► adopt (one reference) ──► old one closed by the last reader
    event loop:     lease ─ search in the pool ─ release

`current` is changed, and readers are counted, in the event loop alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clockifyrag_index.errors import GenerationDamaged, StorageError
from clockifyrag_index.generations import Generation
from clockifyrag_index.search import SearchEngine

from .embedding import QuestionEmbedder
from .errors import INDEX_NOT_LOADED, RETRY_SOON, Refused, without_places
from .suggestions import PhraseIndex


@dataclass(eq=False, slots=True)
class Served:
    """A generation in use, with all that answers from it."""

    generation: Generation
    engine: SearchEngine
    embedding: QuestionEmbedder
    content_digest: str
    key_prefix: bytes  # of cache keys: content of the generation and of the settings
    glossary_problem: str | None = None
    phrases: PhraseIndex = field(default_factory=lambda: PhraseIndex(()))
    readers: int = 0
    retired: bool = False

    @property
    def id(self) -> str:
        return self.generation.id


@dataclass(slots=True)
class Serving:
    """What is served now, what is not right about it, and what waits to be closed."""

    current: Served | None = None
    problem: str | None = "the index is being looked for"  # why the wanted generation is not the one served
    damaged: bool = False  # whether that is because files are not what their manifest says
    refused: bool = False  # whether that is because it was looked at and is of no use, not because it is not here yet
    unreadable: bool = False  # whether a question met files of the served one that cannot be read
    fetching: str | None = None  # how far the next one is; no problem, while there is one that answers
    draining: bool = False  # after SIGTERM: un-ready, still answering
    to_close: list[Served] = field(default_factory=list)

    @contextmanager
    def lease(self) -> Iterator[Served]:
        """The generation served now, kept open until the block ends. Refused while there is none."""
        served = self.current
        if served is None:
            raise not_loaded(self.explanation)
        self.hold(served)
        try:
            yield served
        finally:
            self.release(served)

    @property
    def explanation(self) -> str | None:
        """Why the wanted generation is not the one served; None when it is."""
        return self.problem if self.damaged else self.fetching or self.problem

    def tell(self, problem: str | None, *, damaged: bool = False, refused: bool = False) -> None:
        """Notes why the wanted generation is not the one served; None when it is."""
        self.problem, self.damaged, self.refused = problem, damaged, refused

    def cannot_read(self, served: Served, error: StorageError) -> None:
        """Notes that a question met files of `served` that cannot be read; it goes on until they are opened anew."""
        if served is self.current:
            self.unreadable = True
            said = f"{served.id} cannot be read: {reason(error, served.generation.path)}"
            self.tell(said, damaged=isinstance(error, GenerationDamaged))

    def hold(self, served: Served) -> None:
        """Keeps the generation open until `release`: a thread that reads it must never see it closed."""
        served.readers += 1

    def release(self, served: Served) -> None:
        served.readers -= 1
        self._close_if_unread(served)

    def adopt(self, served: Served) -> None:
        """From now on `served` answers; requests under way end with the one they began with."""
        old, self.current, self.unreadable = self.current, served, False
        self.tell(None)
        if old is not None:
            old.retired = True
            self._close_if_unread(old)

    def _close_if_unread(self, served: Served) -> None:
        if served.retired and served.readers == 0:
            self.to_close.append(served)

    def degraded(self) -> tuple[str, ...]:
        """Parts that do not help as they should, for /health."""
        parts = []
        if self.current is not None:
            if self.current.embedding.verdict != "ok":
                parts.append("embedder")
            if self.current.glossary_problem:
                parts.append("glossary")
            if self.problem:
                parts.append("index")
        return tuple(parts)


def reason(error: Exception, folder: Path) -> str:
    """The error's text for answers: without paths of this machine and addresses; the log tells those."""
    return without_places(str(error).replace(f"{folder}/", "").replace(str(folder), folder.name))


def not_loaded(problem: str | None) -> Refused:
    return Refused(
        INDEX_NOT_LOADED,
        f"No index is loaded: {problem or 'it is being opened'}.",
        "Try again in a moment; if it stays, build and publish an index, and see /ready.",
        RETRY_SOON,
    )
