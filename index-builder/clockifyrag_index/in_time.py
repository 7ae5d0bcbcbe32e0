"""In time: a reranker whose answer is waited for as long as there is time, and no longer.

    asked ─┬─ a place is free ─► a thread of its own ─┬─ ready in time ──► scores
           │                                          └─ not ready ──────► RerankSkipped; it goes on, and what it has
           └─ none ─► RerankSkipped at once                                embedded is there for the next question

A model server that hangs takes the places one after the other, and then costs nobody any time. The threads are daemons:
none of them holds up the end of the process.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from .arrays import Scores
from .errors import EmbedderError, RerankSkipped
from .relevance import Curve
from .rerank import Reranker

log = logging.getLogger(__name__)


class InTime:
    """Keeps the promise of `Reranker` with any that is too slow now and then, or fails."""

    def __init__(self, inner: Reranker, at_once: int, patience_seconds: float) -> None:
        """at_once: comparisons under way, those included that nobody waits for any more.
        patience_seconds: given to `inner` for each, however little time the search has, so that a model that is cold
        gets loaded.
        """
        self._inner = inner
        self._patience_seconds = patience_seconds
        self._places = threading.Semaphore(at_once)
        self._failing = False  # told in the log once, not for every question

    @property
    def curve(self) -> Curve:
        return self._inner.curve

    def scores(self, question: str, passages: Sequence[str], timeout_seconds: float) -> Scores:
        """As `Reranker` promises; RerankSkipped whatever goes wrong."""
        if timeout_seconds <= 0:
            raise RerankSkipped("timeout", "the search had no time left")
        if not self._places.acquire(blocking=False):
            raise RerankSkipped("busy", "all that may be compared at once is under way")
        answer: Future[Scores] = Future()
        ends = time.monotonic() + timeout_seconds
        try:
            self._start(answer, question, passages)
            found = answer.result(timeout_seconds)
        except RerankSkipped:
            raise
        except Exception as error:  # whatever it is: the first order is better than none
            if time.monotonic() >= ends:
                raise RerankSkipped("timeout", f"not compared within {timeout_seconds * 1000:.0f} ms") from error
            self._tell(error)
            raise RerankSkipped("unavailable", str(error)) from error
        self._failing = False
        return found

    def close(self) -> None:
        self._inner.close()

    def _start(self, answer: "Future[Scores]", question: str, passages: Sequence[str]) -> None:
        """Begins in a thread of its own, which gives the place back; here where there can be none."""
        work = threading.Thread(target=self._compare, args=(answer, question, passages), name="rerank", daemon=True)
        try:
            work.start()
        except RuntimeError:
            self._places.release()
            raise

    def _compare(self, answer: "Future[Scores]", question: str, passages: Sequence[str]) -> None:
        try:
            answer.set_result(self._inner.scores(question, passages, self._patience_seconds))
        except Exception as error:
            answer.set_exception(error)
        finally:
            self._places.release()

    def _tell(self, error: Exception) -> None:
        if isinstance(error, EmbedderError) and self._failing:
            return
        self._failing = True
        log.warning("results keep their first order: %s", error, exc_info=not isinstance(error, EmbedderError))
