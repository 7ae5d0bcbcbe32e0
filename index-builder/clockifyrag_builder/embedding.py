"""Embedding of a corpus: texts → one row each; every distinct text once, known ones from the cache.

text ─ key ─► distinct? ─┬─ in the cache ─────────────────────────► row
                         └─ missing ─ batch ─► embedder ─► cache ─► row

The embedder works while texts are still being read: with a model server, reading costs no time of its own.
"""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from clockifyrag_builder.lanes import Beside, Lanes, Pace, share
from clockifyrag_builder.vector_cache import VectorCache
from clockifyrag_builder.vector_table import VectorTable
from clockifyrag_index.embedders import Embedder, Replaceable, Vectors
from clockifyrag_index.embedders.canaries import CANARY_TEXTS
from clockifyrag_index.errors import EmbedderMismatch, TextRefused

Progress = Callable[[int, int], None]  # texts done, texts in all; 0 while that is not known yet

TEXTS_AHEAD = 1 << 14  # that wait for the embedder at most: some ten MiB, and hours for a model server


@dataclass(frozen=True, slots=True)
class EmbeddingOutcome:
    """The vectors, and what they cost."""

    vectors: Vectors  # (texts, dimensions) float32 rows of length 1, in the texts' order
    distinct: int  # texts that differ
    cache_hits: int  # distinct texts whose vector was known
    texts_embedded: int  # distinct texts that the embedder was given
    calls: int  # of the embedder


@dataclass(frozen=True, slots=True)
class _Text:
    """A distinct text without a vector."""

    number: int  # among the distinct texts
    place: int  # where it was met first
    key: bytes
    text: str
    article: str  # id of the article it was met in first, for errors


class Embedding:
    """Takes texts one by one and gives a row for each; when this process dies, at most the batches at work are lost.

    A text known to the cache is never given to the embedder, so with nothing new no model is asked at all. One thread
    adds and finishes; the embedder is called by `in_flight` threads of their own.
    """

    def __init__(
        self,
        embedder: Embedder,
        cache: VectorCache,
        progress: Progress,
        batch_size: int = 32,
        *,
        in_flight: int = 1,
        call_seconds: float | None = None,
        root: Path | None = None,
        keeps_rows: bool = True,
    ) -> None:
        """progress: called after each step with a number that never falls and ends at all texts. in_flight: calls of
        the embedder at once. call_seconds: about how long a call may take, with fewer texts than `batch_size` where
        need be. root: where many vectors lie in files; None: in memory. keeps_rows: False where the cache alone is
        filled, and `finish` is asked for no row.
        """
        self._embedder = embedder
        self._canaries: Beside[Vectors] | None = None
        self._cache = cache
        self._progress = progress
        self._in_flight = in_flight
        self._jobs_ahead = in_flight if call_seconds is not None else 2 * in_flight  # a free thread finds work at once
        self._pace = Pace(batch_size, call_seconds)
        self._embed = self._pace.timed(embedder.embed_documents)
        self._lanes: Lanes[list[_Text], Vectors] = Lanes(self._rows_of, in_flight)
        self._rows = VectorTable(embedder.identity.dimensions, root)  # by number
        self._keeps_rows = keeps_rows
        self._numbers: dict[bytes, int] = {}
        self._copies = array("Q")  # of each distinct text, by number
        self._has_row = bytearray()
        self._waiting: deque[_Text] = deque()
        self._texts = self._done = self._new = self._calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lanes.close()
        self._rows.close()

    def ask_canaries(self) -> None:
        """Has the canaries embedded beside what is done next, such as reading; a cold model is loaded meanwhile."""
        self._canaries = Beside(partial(self._embedder.embed_documents, CANARY_TEXTS))

    def canaries(self) -> Vectors:
        """The rows of CANARY_TEXTS, never from the cache: they tell what the embedder gives now."""
        asked, self._canaries = self._canaries, None
        return asked.result() if asked else self._embedder.embed_documents(CANARY_TEXTS)

    def add(self, text: str, place: int | None = None, article: str = "") -> int:
        """The number of the text among the distinct ones, by which `finish` is asked for its row.

        place, article: how errors call it; None: its number from 0 among all that are added.
        """
        key = self._cache.key(text)
        number = self._numbers.setdefault(key, len(self._numbers))
        if number == len(self._copies):
            self._copies.append(0)
            self._has_row.append(0)
            known = self._cache.vector(key)
            if known is not None:
                self._keep([number], known[np.newaxis])
            else:
                self._waiting.append(_Text(number, self._texts if place is None else place, key, text, article))
                self._new += 1
        self._copies[number] += 1
        self._texts += 1
        self._done += self._has_row[number]
        return number

    @property
    def missing(self) -> int:
        """Distinct texts that have no row yet."""
        return self._has_row.count(0)

    def go_on(self) -> None:
        """Keeps the embedder busy with what was added; waits only while TEXTS_AHEAD texts or more are left. Errors are
        those of `finish`.
        """
        while True:
            while len(self._waiting) >= self._pace.size and self._lanes.under_way < self._jobs_ahead:
                self._give(self._pace.size)
            too_many = len(self._waiting) >= max(TEXTS_AHEAD, self._pace.size)
            self._take(wait=too_many, total=0)
            if not too_many:
                return

    def finish(self, numbers: Sequence[int] | npt.NDArray[np.integer]) -> EmbeddingOutcome:
        """The rows of the texts of these numbers, in their order, when all texts that were added have one.

        TextRefused names the place of a text and its article, EmbedderMismatch a model that was replaced meanwhile;
        other EmbedderErrors and StorageErrors pass through.
        """
        self._progress(self._done, self._texts)
        while self._waiting or self._lanes.under_way:
            while self._waiting and self._lanes.under_way < self._jobs_ahead:
                self._give(share(len(self._waiting), self._pace.size, self._in_flight))
            self._take(wait=True, total=self._texts)
        if self._new:
            self._require_one_model()
        return EmbeddingOutcome(
            vectors=self._rows.taken(np.asarray(numbers, np.int64)),
            distinct=len(self._numbers),
            cache_hits=len(self._numbers) - self._new,
            texts_embedded=self._new,
            calls=self._calls,
        )

    def _require_one_model(self) -> None:
        """EmbedderMismatch where the rows may be of two models: then they leave the cache as well."""
        try:
            if isinstance(self._embedder, Replaceable):
                self._embedder.require_same()
        except EmbedderMismatch:
            self._cache.forget()
            raise

    def _give(self, size: int) -> None:
        self._lanes.give([self._waiting.popleft() for _ in range(min(size, len(self._waiting)))])

    def _take(self, *, wait: bool, total: int) -> None:
        for texts, rows in self._lanes.taken(wait=wait):
            self._cache.append([text.key for text in texts], rows)
            numbers = [text.number for text in texts]
            self._keep(numbers, rows)
            self._done += sum(self._copies[number] for number in numbers)
            self._calls += 1
            self._progress(self._done, total)

    def _keep(self, numbers: list[int], rows: Vectors) -> None:
        if self._keeps_rows:
            self._rows.put(numbers, rows, len(self._has_row))
        for number in numbers:
            self._has_row[number] = 1

    def _rows_of(self, texts: list[_Text]) -> Vectors:
        """(len(texts), dimensions) float32; runs in a thread of the lanes."""
        try:
            return self._embed([text.text for text in texts])
        except TextRefused as error:
            refused = texts[error.position]
            reason = f"{error.reason} (article {refused.article!r})" if refused.article else error.reason
            raise TextRefused(refused.place, reason) from error


def embed_chunks(
    texts: Sequence[str],
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress,
    batch_size: int = 32,
    *,
    in_flight: int = 1,
    call_seconds: float | None = None,
) -> EmbeddingOutcome:
    """The vectors of `texts`, which are all at hand; see `Embedding`. TextRefused names the position in `texts`."""
    with Embedding(embedder, cache, progress, batch_size, in_flight=in_flight, call_seconds=call_seconds) as embedding:
        return embedding.finish(added(embedding, ((text, "") for text in texts)))


def added(embedding: Embedding, texts: Iterable[tuple[str, str]]) -> "array[int]":
    """The numbers of the texts, in their order; batches of like length, which take like time, are made of them.

    texts: each with the id of its article. Few of them are held at a time.
    """
    numbers = array("Q")
    for window in _windows(iter(texts)):
        if numbers:
            embedding.go_on()  # there are more than are held at a time
        begin = len(numbers)
        numbers.extend([0] * len(window))
        for at in sorted(range(len(window)), key=lambda at: len(window[at][0])):
            text, article = window[at]
            numbers[begin + at] = embedding.add(text, begin + at, article)
    return numbers


def _windows(texts: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while window := list(islice(texts, TEXTS_AHEAD)):
        yield window
