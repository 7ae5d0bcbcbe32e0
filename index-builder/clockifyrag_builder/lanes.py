"""Lanes: several requests at once to an embedder that has several servers, and how many texts one of them takes."""

import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TypeVar

Job = TypeVar("Job")
Answer = TypeVar("Answer")


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


def answered(answer: Callable[[Job], Answer], jobs: Iterator[Job], in_flight: int = 1) -> Iterator[tuple[Job, Answer]]:
    """Each job with its answer, as they come; `in_flight` are being answered at a time, each in a thread of its own.

    The next job is taken when a thread is free. The first error is raised and what is under way is left alone: the
    threads do not hold up the end of the process.
    """
    if in_flight == 1:
        yield from ((job, answer(job)) for job in jobs)
        return
    todo: SimpleQueue[Job | None] = SimpleQueue()
    done: SimpleQueue[tuple[Job, Answer | None, Exception | None]] = SimpleQueue()

    def work() -> None:
        while (job := todo.get()) is not None:
            try:
                done.put((job, answer(job), None))
            except Exception as error:
                done.put((job, None, error))

    def give() -> int:
        """How many jobs were given to a thread: 1, or 0 when there are no more."""
        for job in jobs:
            todo.put(job)
            return 1
        return 0

    for number in range(in_flight):
        threading.Thread(target=work, name=f"lane-{number}", daemon=True).start()
    try:
        under_way = sum(give() for _ in range(in_flight))
        while under_way:
            job, result, error = done.get()
            if error is not None:
                raise error
            under_way += give() - 1
            yield job, result  # type: ignore[misc]  # without an error there is an answer, which may be None itself
    finally:
        for _ in range(in_flight):
            todo.put(None)
