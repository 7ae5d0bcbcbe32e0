"""Loader: the thread that watches the pointer and other files, and brings new generations into service.

It looks at files a few times a second instead of being told: that works on every volume, and a missed event cannot
leave it deaf.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from clockifyrag_index.errors import ClockifyRAGError, GenerationDamaged, GenerationMissing, StorageError
from clockifyrag_index.garbage import collect_as_usual
from clockifyrag_index.rerank import Reranker

from .answers import Answer
from .embedding import EmbedderChoice
from .loading import WARM_QUESTIONS, GlossaryFile, opened, phrase_index, warmed
from .materialise import Store
from .parameters import SearchParameters
from .pointer import NothingToServe, Pointer
from .rerank import reranker_of
from .serving import Served, Serving, reason
from .settings import Settings
from .siblings import Frequent, Siblings
from .transfer import Interrupted, StoreUnavailable

RETRY_SECONDS_MAX = 60.0
STORE_RETRY_SECONDS_MAX = 10.0  # a store that comes back is not kept waiting
COMPARE_SECONDS = 5.0  # between attempts to compare an embedder that did not answer yet
COMPARE_AGAIN_SECONDS = 600.0  # a model may be replaced under its name while we run
PHRASES_FIRST_MAX = 20_000  # chunks; larger indexes serve before their suggestions are ready

Value = TypeVar("Value")
Adopted = Callable[[Served, list[Answer], Sequence[Frequent]], None]  # generation, its warm answers, what is asked most
log = logging.getLogger(__name__)


class Loader:
    """Keeps `serving` at what the pointer names."""

    def __init__(
        self,
        settings: Settings,
        serving: Serving,
        tended: Callable[[], None],
        frequent: Callable[[int], list[SearchParameters]],
        siblings: Siblings | None,
        adopted: Adopted,
    ) -> None:
        """`tended` looks after other files that change, in the loader's thread. `frequent` and `adopted` are called in
        the event loop: questions to warm with, and the new generation; a server that starts asks `siblings` for them.
        """
        self._settings = settings
        self._serving = serving
        self._tended = tended
        self._frequent = frequent
        self._siblings = siblings
        self._adopted = adopted
        self._pointer = Pointer(settings)
        self._choice = EmbedderChoice(settings)
        self._glossary = GlossaryFile(settings.glossary_path)
        self._store = Store(settings.store_url, settings.index_root) if settings.store_url else None
        self._reranker: Reranker | None = None  # of every generation; opened by the thread, which takes a moment
        self._open: list[Served] = []  # not closed yet: their files are in use
        self._loaded: object = None  # what the served one was loaded from
        self._failed: object = None  # what could not be loaded
        self._missing: str | None = None  # why nothing is named that could be
        self._retry_at = 0.0
        self._retry_seconds = 1.0
        self._compare_at = 0.0
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        if self._siblings:
            self._siblings.ask()
        self._thread.start()

    async def stop(self) -> None:
        """Returns when the thread has ended and every generation is closed."""
        self._stopped.set()
        if self._siblings:
            await asyncio.to_thread(self._siblings.stop)
        await asyncio.to_thread(self._thread.join)
        current, self._serving.current = self._serving.current, None
        for served in (*self._serving.to_close, *((current,) if current else ())):
            self._close(served)
        if self._reranker:
            self._reranker.close()
        if self._store:
            self._store.close()  # what was served stays on the disk, for a container that starts again

    def _run(self) -> None:
        self._reranker = reranker_of(self._settings)
        while not self._stopped.is_set():
            try:
                self.look()
            except Exception:  # the watch must outlive every surprise
                log.exception("the loader failed and goes on")
            collect_as_usual()  # the process has started: it serves, or says what it waits for
            self._stopped.wait(self._settings.poll_seconds)

    def look(self) -> None:
        """One look at everything that may have changed."""
        self._tend()
        try:
            folder = self._pointer.wanted()
        except NothingToServe as reason:
            self._serving.tell(str(reason))
            if str(reason) != self._missing:
                log.warning("there is no generation to serve: %s", reason)
            self._missing = str(reason)
            return
        self._missing = None
        wanted = (folder, self._glossary.stamp())
        if wanted == self._loaded and not self._serving.unreadable:
            self._serving.tell(None)
            self._compare_embedder()
        elif wanted != self._failed or time.monotonic() >= self._retry_at:
            self._load(folder, wanted)

    def _tend(self) -> None:
        """What is looked after also while a generation is on its way."""
        self._tended()
        while self._serving.to_close:
            self._close(self._serving.to_close.pop())

    def _load(self, folder: Path, wanted: object) -> None:
        """Brings the generation in `folder` into service, or notes why it cannot be."""
        self._glossary.refresh()
        if wanted != self._failed:
            self._retry_seconds = 1.0
            if not self._serving.unreadable:
                self._serving.damaged = self._serving.refused = False  # it was said of another one
        try:
            served = self._opened(folder)
        except Interrupted:
            return  # the next look finds out what is wanted instead
        except (ClockifyRAGError, OSError, ValueError) as error:
            self._refused(folder, wanted, error)
            return
        try:
            answers, known = self._warmed(served)
        except ClockifyRAGError as error:  # of its files: they are read for the first time here
            self._refused(folder, wanted, error)
            return
        self._open.append(served)
        self._in_loop(lambda: self._adopted(served, answers, known))
        self._loaded, self._failed = wanted, None
        if served.embedding.verdict != "ok":
            self._compare_at = 0.0  # soon, however well the embedder before was proven
        log.info("serving %s: %d chunks, model %s", served.id, len(served.generation.chunks), model_of(served))
        if len(served.generation.chunks) > PHRASES_FIRST_MAX:
            served.phrases = phrase_index(served.generation)

    def _opened(self, folder: Path) -> Served:
        """The generation, fetched where it comes from a store, and opened with the present embedder where it fits."""
        current = self._serving.current
        previous = current.embedding if current else None
        if self._store and self._serving.unreadable:
            self._store.doubt(folder.name)
        self._fetch(folder)
        verify = self._store is None
        return opened(
            folder, self._settings, self._glossary, self._choice, previous, reranker=self._reranker, verify=verify
        )

    def _warmed(self, served: Served) -> tuple[list[Answer], Sequence[Frequent]]:
        """Answers to what is asked most, and what siblings told of it; an error closes the generation."""
        try:
            if len(served.generation.chunks) <= PHRASES_FIRST_MAX:
                served.phrases = phrase_index(served.generation)
            known = self._siblings.frequent() if self._siblings and self._serving.current is None else ()
            return warmed(served, [one.parameters for one in known] or self._asked_here()), known
        except Exception:
            self._close(served)
            raise

    def _asked_here(self) -> list[SearchParameters]:
        """What was asked most often."""
        return self._in_loop(lambda: self._frequent(WARM_QUESTIONS))

    def _refused(self, folder: Path, wanted: object, error: Exception) -> None:
        """Notes why what is wanted cannot be served, and when it is tried again."""
        if self._store and isinstance(error, StorageError) and not isinstance(error, StoreUnavailable):
            self._store.doubt(folder.name)  # what was right when it came may be gone or broken by now
        passing = self._store is not None and isinstance(error, StoreUnavailable | GenerationMissing)
        self._failed = wanted
        self._retry_at = time.monotonic() + self._retry_seconds * random.uniform(0.7, 1.0)
        self._retry_seconds = min(2 * self._retry_seconds, STORE_RETRY_SECONDS_MAX if passing else RETRY_SECONDS_MAX)
        said = "cannot be fetched yet" if passing else "is refused"
        damaged = isinstance(error, GenerationDamaged)
        told = f"{folder.name} {said}: {reason(error, folder)}"
        self._serving.tell(told, damaged=damaged, refused=not isinstance(error, StoreUnavailable))
        log.error("%s %s, what was served stays: %s", folder.name, said, error)

    def _fetch(self, folder: Path) -> None:
        """Has the generation brought here where it comes from a store; those no longer used go first."""
        if self._store is None:
            return
        self._store.keep_only({folder.name, *(served.id for served in self._open)})
        looked_at, begun, come = time.monotonic(), None, False

        def progress(here: int, size: int) -> None:
            nonlocal begun, come
            if not size:
                self._serving.fetching = f"fetching {folder.name}: its manifest"
                return
            begun = here if begun is None else begun
            come = here > begun
            self._serving.fetching = f"fetching {folder.name}: {here >> 20} of {-(-size >> 20)} MiB"

        def go_on() -> bool:
            nonlocal looked_at
            if time.monotonic() - looked_at < self._settings.poll_seconds:
                return not self._stopped.is_set()
            looked_at = time.monotonic()
            self._tend()
            return not self._stopped.is_set() and self._still_wanted(folder)

        try:
            self._store.materialise(folder.name, progress, go_on)
        except StoreUnavailable:
            if come:  # a store that breaks off gives a little each time; damage that comes each time can wait
                self._retry_seconds = 1.0
            raise
        finally:
            self._serving.fetching = None

    def _still_wanted(self, folder: Path) -> bool:
        try:
            return self._pointer.wanted() == folder
        except NothingToServe:
            return True  # nothing else is wanted

    def _compare_embedder(self) -> None:
        """Has a remote embedder compared with the index: soon while it has not agreed yet, else now and then."""
        served, now = self._serving.current, time.monotonic()
        if served is None or served.embedding.provider != "ollama" or now < self._compare_at:
            return
        self._choice.compare_beside(served.embedding, served.generation.manifest)
        self._compare_at = now + (COMPARE_AGAIN_SECONDS if served.embedding.verdict == "ok" else COMPARE_SECONDS)

    def _close(self, served: Served) -> None:
        """Closes its files, and the embedder's connections unless the present generation uses them."""
        served.generation.close()
        self._open = [one for one in self._open if one is not served]
        if self._store and not self._stopped.is_set() and served.id not in {one.id for one in self._open}:
            self._store.remove(served.id)
        embedder, current = served.embedding.embedder, self._serving.current
        if embedder is not None and (current is None or current.embedding.embedder is not embedder):
            embedder.close()

    def _in_loop(self, call: Callable[[], Value]) -> Value:
        """The result of `call` run in the event loop, however busy that is; it turns until `stop` has been awaited."""

        async def run() -> Value:
            return call()

        assert self._loop is not None, "start() was called"
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


def model_of(served: Served) -> str:
    return served.generation.manifest.embedder.model
