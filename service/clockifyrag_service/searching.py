"""Searching: parameters → answer, by way of the cache, one computation for equal questions, and a bounded pool."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import faiss

from clockifyrag_index.errors import DeadlineExceeded, StorageError, UnknownNamespace

from .analytics import Analytics
from .answers import Answer, answer
from .cache import AnswerCache
from .drafts import Asked
from .errors import DEADLINE_EXCEEDED, OVERLOADED, RETRY_SOON, UNKNOWN_NAMESPACE, Refused, nearest, shown
from .flights import SingleFlight
from .loading import request_of
from .metrics import Metrics
from .parameters import SearchParameters
from .serving import Served, Serving
from .settings import Settings

GRACE_SECONDS = 0.1  # beyond the deadline for a stage that cannot be interrupted

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and where it came from."""

    answer: Answer
    from_cache: bool
    seconds: float


class Searching:
    """Answers searches; lives in the event loop, computes in the pool."""

    def __init__(
        self,
        settings: Settings,
        serving: Serving,
        cache: AnswerCache[Answer],
        analytics: Analytics,
        metrics: Metrics,
        threads: int,
    ) -> None:
        self._settings = settings
        self._serving = serving
        self._cache = cache
        self._analytics = analytics
        self._metrics = metrics
        self._flights: SingleFlight[Answer] = SingleFlight()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="search", initializer=one_faiss_thread)
        self._admitted = 0
        self._admitted_max = threads + settings.max_queue
        self.computed = 0  # searches that were not answered from the cache

    @property
    def admitted(self) -> int:
        """Searches that run or wait for a thread."""
        return self._admitted

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def cached(self, raw_query: bytes) -> Answer | None:
        """The stored answer to a query string that was asked before in these very bytes."""
        served = self._serving.current
        return self._cache.get_by_alias(served.key_prefix + raw_query) if served else None

    async def search(
        self, parameters: SearchParameters, raw_query: bytes | None = None, client: str | None = None
    ) -> Answered:
        """The answer of the generation served now, as `search_in`. Refused while there is none, too."""
        with self._serving.lease() as served:
            return await self.search_in(served, parameters, raw_query, client)

    async def search_in(
        self,
        served: Served,
        parameters: SearchParameters,
        raw_query: bytes | None = None,
        client: str | None = None,
    ) -> Answered:
        """The answer to a question, counted. Refused: unknown namespace, overload, deadline.

        `raw_query` is the query string that the answer may be found by next time; `client` is who may still be typing
        the question, None when it is final.
        """
        started = time.perf_counter()
        found, from_cache = await self._found(served, parameters, raw_query)
        answered = Answered(found, from_cache, time.perf_counter() - started)
        self.count(found, from_cache, answered.seconds, client)
        return answered

    async def _found(
        self, served: Served, parameters: SearchParameters, raw_query: bytes | None
    ) -> tuple[Answer, bool]:
        if not parameters.cache:
            return await self._computed(served, parameters), False
        key = served.key_prefix + parameters.key()
        alias = served.key_prefix + raw_query if raw_query is not None else None
        stored = self._cache.get(key)
        if stored is not None:
            if alias is not None:
                self._cache.name(key, alias)
            return stored, True
        fresh = await self._flights.do(key, lambda: self._kept(key, served, parameters))
        if alias is not None:
            self._cache.name(key, alias)
        return fresh, False

    async def _kept(self, key: bytes, served: Served, parameters: SearchParameters) -> Answer:
        """Computes and stores in one flight, so that nobody finds neither the flight nor the answer."""
        fresh = await self._computed(served, parameters)
        if not fresh.degraded:
            self._cache.put(key, fresh)
        return fresh

    async def _computed(self, served: Served, parameters: SearchParameters) -> Answer:
        seconds = (parameters.timeout_ms or self._settings.search_timeout_ms) / 1000

        def search(left: float) -> Answer:
            return answer(served.engine.search(request_of(parameters, left)), parameters, served.id)

        found = await self.in_pool(served, seconds, search)
        self.computed += 1
        self._metrics.stages(found.timings_ms)
        return found

    async def in_pool(self, served: Served, seconds: float, work: Callable[[float], Value]) -> Value:
        """The result of `work(seconds left)` in a thread of the pool; the generation stays open until that ends.

        Refused with OVERLOADED at once when too many wait already, with DEADLINE_EXCEEDED when time runs out: the
        thread then ends by itself, later.
        """
        if self._admitted >= self._admitted_max:
            raise overloaded()
        deadline = time.monotonic() + seconds

        def run() -> Value:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded("the time ran out in the queue")
            return work(left)

        future = asyncio.get_running_loop().run_in_executor(self._pool, run)
        self._admitted += 1
        self._serving.hold(served)
        future.add_done_callback(lambda done: self._left(served, done))
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                return await asyncio.shield(future)
        except (DeadlineExceeded, TimeoutError) as error:
            raise deadline_exceeded(seconds) from error
        except UnknownNamespace as error:
            raise unknown_namespace(error) from error
        except StorageError as error:
            self._serving.cannot_read(served, error)
            raise

    def _left(self, served: Served, future: "asyncio.Future[Value]") -> None:
        self._admitted -= 1
        self._serving.release(served)
        if not future.cancelled():
            future.exception()  # seen, also when the caller's time had run out before

    def count(self, found: Answer, from_cache: bool, seconds: float, client: str | None) -> None:
        """Enters an answered search into the metrics at once, into the analytics when the question is final."""
        analytics, asked = self._analytics, found.parameters
        self._metrics.search(seconds, from_cache, found.results, found.degraded)
        analytics.record(
            Asked(asked.q, found.query, asked.k, found.results, found.helpful, seconds, from_cache, analytics.now()),
            client,
        )


def one_faiss_thread() -> None:
    """In each thread of the pool: FAISS answers one question with one thread, more would only spin.

    OpenMP keeps this number for each calling thread, so it cannot be set once for all. facebookresearch/faiss#422
    """
    faiss.omp_set_num_threads(1)


def overloaded() -> Refused:
    return Refused(
        OVERLOADED,
        "Too many searches are waiting.",
        "Try again in a second, or add instances.",
        RETRY_SOON,
    )


def deadline_exceeded(seconds: float) -> Refused:
    return Refused(
        DEADLINE_EXCEEDED,
        f"Not even the search by keywords fitted into {seconds * 1000:.0f} ms.",
        "Give a larger timeout_ms, or try again when the server is less busy.",
    )


def unknown_namespace(error: UnknownNamespace) -> Refused:
    known = list(error.known)
    near = nearest(error.namespace, known)
    return Refused(
        UNKNOWN_NAMESPACE,
        f"Namespace {shown(error.namespace)} is unknown. Known: {', '.join(known[:50])}.",
        f"Did you mean {near!r}?" if near else "Leave namespace out to search in all of them.",
    )
