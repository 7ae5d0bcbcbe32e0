"""Lanes: work in threads beside the one that reads and writes: calls of an embedder, and how many texts one takes."""

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Pace:
    """How many texts go into one call: `batch_size`, or as many as were seen to take about `seconds`.

    Where questions wait behind a build, a call is kept short: it begins with one text, doubles at most, and shrinks at
    once. Several threads may tell at once; the last one counts.
    """

    def __init__(self, batch_size: int, seconds: float | None = None) -> None:
        self._batch_size = batch_size
        self._seconds = seconds
        self.size = batch_size if seconds is None else 1

    def took(self, texts: int, seconds: float) -> None:
        """Notes how long a call with so many texts took."""
        if self._seconds is not None:
            fitting = int(self._seconds * texts / max(seconds, 1e-6))
            self.size = max(1, min(self._batch_size, 2 * texts, fitting))

    def timed(self, embed: Callable[[list[str]], Answer]) -> Callable[[list[str]], Answer]:
        """`embed`, each call of which is noted."""

        def call(texts: list[str]) -> Answer:
            begin = time.monotonic()
            answer = embed(texts)
            self.took(len(texts), time.monotonic() - begin)
            return answer

        return call


def share(left: int, size: int, in_flight: int) -> int:
    """How many of the texts that are left go into the next call of at most `size`: fewer towards the end, so that all
    servers end at about the same time (guided self-scheduling, Polychronopoulos and Kuck 1987).

    >>> [share(left, 32, 2) for left in (200, 100, 20, 3)], share(20, 32, 1)
    ([32, 25, 5, 1], 20)
    """
    return min(size, left if in_flight == 1 else -(-left // (2 * in_flight)))


class Lanes(Generic[Job, Answer]):
    """Threads that answer jobs; one thread gives the jobs and takes the answers, and shares nothing else with them.

    The threads do not hold up the end of the process: what is under way then is left alone.
    """

    def __init__(self, answer: Callable[[Job], Answer], in_flight: int) -> None:
        """in_flight: jobs answered at a time, each in a thread of its own."""
        self._answer = answer
        self._todo: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Job, Answer | None, Exception | None]] = SimpleQueue()
        self._threads = in_flight
        self.under_way = 0  # jobs given and not taken yet
        for number in range(in_flight):
            threading.Thread(target=self._work, name=f"lane-{number}", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def give(self, job: Job) -> None:
        """Has the job answered as soon as a thread is free."""
        self.under_way += 1
        self._todo.put(job)

    def taken(self, *, wait: bool) -> Iterator[tuple[Job, Answer]]:
        """Each job that is answered by now with its answer; with wait=True at least one, where any is under way.

        The first error is raised.
        """
        while self.under_way:
            try:
                job, result, error = self._done.get(block=wait)
            except Empty:
                return
            wait = False
            self.under_way -= 1
            if error is not None:
                raise error
            yield job, result  # type: ignore[misc]  # without an error there is an answer, which may be None itself

    def close(self) -> None:
        """Lets the threads end after what they are at."""
        for _ in range(self._threads):
            self._todo.put(None)

    def _work(self) -> None:
        while (job := self._todo.get()) is not None:
            try:
                self._done.put((job, self._answer(job), None))
            except Exception as error:
                self._done.put((job, None, error))


class Beside(Generic[Result]):
    """Work that was begun in a thread of its own, which does not hold up the end of the process."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._lanes: Lanes[Callable[[], Result], Result] = Lanes(lambda job: job(), 1)
        self._lanes.give(work)
        self._lanes.close()

    def result(self) -> Result:
        """What the work gave, or its error, as soon as it has ended; asked for once."""
        ((_, result),) = self._lanes.taken(wait=True)
        return result
